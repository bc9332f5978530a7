"""The window against plain sums over the rows that it says it holds, by rows and by moments."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from neuroalpha.networks.monitor import AlphaMonitor
from neuroalpha.networks.monitor_window import Window, eigenvalues, merged


@settings(max_examples=30)
@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=12),
    st.integers(2, 60),
    st.integers(1, 12),
    st.booleans(),
    st.floats(0, 1e4),
)
def test_any_split_gives_the_same(
    moments_only, sizes: list[int], last: int, units: int, by_rows: bool, mean: float
) -> None:
    """Against a plain covariance of the rows; a mean far above the spread costs nothing."""
    rng = np.random.default_rng(len(sizes))
    rows = rng.normal(size=(sum(sizes), units)) * np.arange(1, units + 1) ** -1.0 + mean
    window = Window(last, units, torch.float64, torch.device("cpu"))
    if not by_rows:
        moments_only(lambda *a: None)(window, last, units, torch.float64, torch.device("cpu"))
    start = 0
    for step, n in enumerate(sizes):
        window.add(torch.from_numpy(rows[start : start + n]), step)
        start += n
    content = window.content()
    assert min(last, len(rows)) <= content.n_samples <= (last if by_rows else last + -(-last // 8) - 1)
    held = rows[len(rows) - content.n_samples :]
    assert content.first_step == np.repeat(np.arange(len(sizes)), sizes)[len(rows) - content.n_samples]
    assert np.array_equal(content.low, held.min(0))
    assert np.array_equal(content.high, held.max(0))
    if content.n_samples > 1:
        expected = np.linalg.svd(held - held.mean(0), compute_uv=False) ** 2 / (len(held) - 1)
        size = min(len(held) - 1, units)
        assert np.allclose(eigenvalues(content), expected[:size], rtol=1e-7, atol=1e-12 * (1 + mean**2) ** 0.5)


@settings(max_examples=15)
@given(st.integers(0, 2**16), st.floats(0.01, 100))
def test_invariants(seed: int, scale: float) -> None:
    """Turning the units or shuffling the samples changes nothing; a factor comes out squared."""
    rng = np.random.default_rng(seed)
    rows = torch.from_numpy(rng.normal(size=(50, 8)) * np.arange(1, 9) ** -0.7)
    turn = torch.from_numpy(np.linalg.qr(rng.normal(size=(8, 8)))[0])

    def of(x: Tensor) -> np.ndarray:
        window = Window(60, 8, torch.float64, torch.device("cpu"))
        window.add(x, 1)
        return eigenvalues(window.content())

    assert np.allclose(of(rows @ turn), of(rows))
    assert np.allclose(of(rows[torch.from_numpy(rng.permutation(50))]), of(rows))
    assert np.allclose(of(scale * rows), scale**2 * of(rows))


def test_merging_contents_is_one_content(moments_only) -> None:
    rows = torch.randn(90, 6, dtype=torch.float64)
    for last in (200, 40):
        parts = []
        for k in range(3):
            window = Window(last, 6, torch.float64, torch.device("cpu"))
            if last == 40:
                moments_only(lambda *a: None)(window, last, 6, torch.float64, torch.device("cpu"))
            window.add(rows[30 * k : 30 * k + 30], k)
            parts.append(window.content())
        both = merged(parts)
        assert both.n_samples == 90
        assert np.allclose(eigenvalues(both), np.linalg.eigvalsh(np.cov(rows.numpy().T))[::-1], rtol=1e-10)


@pytest.mark.usefixtures("no_rows")
def test_rows_that_are_not_finite_in_moments() -> None:
    model = nn.Sequential(nn.Identity())
    x = torch.randn(200, 30)
    x[::3, 2] = torch.nan
    x[1, 4] = torch.inf
    with AlphaMonitor(model, "0", last=160) as monitor:
        for part in x.split(10):
            model(part)
    table = monitor.compute()
    seen = table.n_samples[0] + table.n_nonfinite[0]
    assert 160 <= seen < 180
    rows = x[-seen:].double().numpy()
    rows = rows[np.isfinite(rows).all(1)]
    assert table.n_samples[0] == len(rows)
    assert np.allclose(monitor.spectrum("0").eigenvalue, np.linalg.eigvalsh(np.cov(rows.T))[::-1])
