"""A row of the monitor's table where the samples allow no fit: reasons, and no error, ever."""

from __future__ import annotations

import logging
import warnings

import numpy as np
import pytest
import torch
from torch import nn

from neuroalpha.networks.monitor import AlphaMonitor


def test_a_run_that_diverges_and_recovers(small, batches, recorded, caplog: pytest.LogCaptureFixture) -> None:
    model = small()
    good, bad = batches(4), torch.full((32, 3, 8, 8), float("nan"))
    model[1].eval()  # its running statistics would never recover
    with recorded(model[3]) as kept, AlphaMonitor(model, "3", last=100) as monitor, caplog.at_level(logging.WARNING):
        with torch.no_grad():
            model(good[0])
            model(bad)
            during = monitor.end_epoch()
            model(bad)
            monitor.end_epoch()
            model(good[1])
            after = monitor.end_epoch()
            mixed = good[2].clone()
            mixed[3, 0, 0, 0] = torch.inf
            model(mixed)
    assert np.isnan(during[["alpha", "r2", "effective_rank", "participation_ratio"]].to_numpy(float)).all()
    assert during.reason[0].startswith("all samples of the latest pass hold NaN")
    assert during.n_nonfinite[0] == 32
    assert sum("all samples of the latest" in r.message for r in caplog.records) == 1
    assert np.isfinite(after.alpha[0])
    assert (after.n_samples[0], after.n_nonfinite[0]) == (36, 64)
    rows = np.concatenate(kept).mean((2, 3))[-100:]
    rows = rows[np.isfinite(rows).all(1)]
    table = monitor.compute()
    assert table.n_samples[0] == len(rows) == 63
    assert np.allclose(monitor.spectrum("3").eigenvalue, np.linalg.eigvalsh(np.cov(rows.T))[::-1], rtol=1e-4)


def test_collapse() -> None:
    model = nn.Sequential(nn.Linear(4, 40))
    nn.init.zeros_(model[0].weight)
    with AlphaMonitor(model, "0") as monitor:
        model(torch.randn(1, 4))
        few = monitor.compute()
        model(torch.randn(99, 4))
        constant = monitor.compute()
        with torch.no_grad():
            model[0].weight[:3, 0] = 1.0
        model(torch.randn(100, 4))
        line = monitor.compute()
    assert "1 finite samples so far" in few.reason[0]
    assert constant.reason[0] == "all 40 units are constant"
    assert np.isnan(constant.effective_rank[0])
    assert np.isnan(line.alpha[0])
    assert "no window of ranks" in line.reason[0]
    assert line.effective_rank[0] == pytest.approx(1, abs=1e-6)
    assert (line.n_constant[0], line.n_units[0]) == (37, 40)


@pytest.mark.filterwarnings("error")
def test_values_beyond_squares_end_nothing() -> None:
    model = nn.Sequential(nn.Identity())
    with AlphaMonitor(model, "0") as monitor:
        model(torch.randn(60, 30, dtype=torch.float64) * 1e200)
        assert np.isnan(monitor.end_epoch().alpha[0])
    assert monitor.history.reason[0] != ""


def test_warnings_of_the_fit_become_reasons() -> None:
    model = nn.Sequential(nn.Identity())
    with AlphaMonitor(model, "0", ranks=(2, 28)) as monitor:
        model(torch.randn(100, 30))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = monitor.compute()
    assert "reach past half of the 30" in table.reason[0]
    assert np.isfinite(table.alpha[0])
