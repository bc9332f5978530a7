"""Collapsed outputs are told, others are not."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neuroalpha.ssl.collapse import ONE, why_collapsed


def outputs(n=300, p=20, scale=None):
    values = torch.randn(n, p, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return values if scale is None else values * torch.as_tensor(scale, dtype=torch.float64)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (torch.zeros(5, 3), "all outputs are 0"),
        (torch.ones(5, 3), "all images alike"),
        (5 + 1e-3 * outputs(), "all images alike"),
        (torch.full((5, 3), torch.nan), "not finite"),
        (torch.tensor([[1.0, torch.inf], [0, 1]]), "not finite"),
        (outputs(300, 1) * torch.ones(1, 20), "one dimension"),
        (outputs(20, 1) * torch.ones(1, 200), "one dimension"),
    ],
)
def test_what_has_collapsed(values, why):
    assert why in why_collapsed(values)


@settings(max_examples=30)
@given(rank=st.integers(2, 20), scale=st.floats(1e-3, 1e3), offset=st.floats(0, 10))
def test_what_has_not(rank, scale, offset):
    """Two dimensions are enough, whatever the scale and the offset (which leaves a percent of the square)."""
    assert why_collapsed(scale * (offset + outputs(300, 20, [1.0] * rank + [0.0] * (20 - rank)))) == ""


def test_the_ratio_is_that_of_the_eigenvalues():
    for n in (10, 300):  # fewer and more images than outputs
        for small in (0.05, 0.2, 0.5):
            values = outputs(n, 20, [1.0] + [small] * 19) + 1
            eigenvalues = torch.linalg.eigvalsh(torch.cov(values.T))
            ratio = float(eigenvalues.sum() ** 2 / eigenvalues.square().sum())
            assert why_collapsed(values) == (
                f"one dimension: the participation ratio is {ratio:.2f}" if ratio < ONE else ""
            )


def test_a_single_unit_is_no_collapse():
    assert why_collapsed(outputs(50, 1)) == ""
