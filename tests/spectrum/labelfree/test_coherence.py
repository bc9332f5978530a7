"""coherence: the hat matrix, extremes, dead units, invariance under linear maps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuroalpha.errors import InputError
from neuroalpha.spectrum.labelfree.coherence import coherence, of_scatter


def data(seed, n=60, p=7):
    rng = np.random.default_rng(seed)
    return rng.standard_t(3, size=(n, p)) * np.arange(1, p + 1) ** -1.0 + 2


def by_hat_matrix(x):
    hat = x @ np.linalg.pinv(x)
    return hat.diagonal().max() * len(x) / round(np.trace(hat))


@pytest.mark.parametrize("shape", [(60, 7), (300, 40)])
def test_diagonal_of_the_hat_matrix(shape):
    assert coherence(data(0, *shape)) == pytest.approx(by_hat_matrix(data(0, *shape)), rel=1e-9)


@pytest.mark.parametrize("shape", [(60, 30), (20, 30)])
def test_lower_rank_counts_only_directions_that_are_there(shape):
    rng = np.random.default_rng(1)
    x = rng.standard_t(3, size=(shape[0], 5)) @ rng.normal(size=(5, shape[1]))
    assert coherence(x) == pytest.approx(by_hat_matrix(x), rel=1e-8)
    dead = np.zeros((60, 20))
    assert coherence(np.c_[data(0), dead]) == pytest.approx(coherence(data(0)), rel=1e-9)


def test_extremes():
    assert coherence(np.tile(np.eye(4), (6, 1))) == pytest.approx(1)
    alone = np.zeros((10, 2))
    alone[0, 0], alone[1:, 1] = 1, 1
    assert coherence(alone) == pytest.approx(10 / 2)
    assert coherence(np.random.default_rng(0).normal(size=(5, 9))) == pytest.approx(1)
    assert np.isnan(coherence(np.zeros((5, 3))))


def test_blocks_add_up_and_the_singular_values_come_along(monkeypatch):
    x = data(3)
    whole, values = of_scatter(x)
    np.testing.assert_allclose(values, np.linalg.svd(x, compute_uv=False) ** 2, rtol=1e-10)
    monkeypatch.setattr("neuroalpha.spectrum.blocks.BLOCK_BYTES", 8 * 7 * 11)
    assert of_scatter(x)[0] == pytest.approx(whole, rel=1e-10)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(1e-6, 1e6))
def test_no_linear_map_of_the_units_changes_it(seed, scale):
    x = data(seed, 25, 5)
    rng = np.random.default_rng(seed)
    mixed = rng.permutation(x) @ (np.eye(5) + 0.1 * rng.normal(size=(5, 5))) * scale
    assert coherence(mixed) == pytest.approx(coherence(x), rel=1e-6)
    assert 1 <= coherence(x) <= 5 + 1e-9


def test_bad_input():
    with pytest.raises(InputError, match="features have shape"):
        coherence(np.zeros(3))
