"""Small calibrations, for the tests of calibrate and of the modules it is made of."""

from __future__ import annotations

import pytest

import neuroalpha as na
from neuroalpha.spectrum import calibration_grid
from neuroalpha.spectrum.calibration_cell import read_alpha


@pytest.fixture(scope="session")
def tiny():
    """Calibrate in a fraction of a second; any argument can be changed."""

    def calibrate(sizes=(40, 50), **changes):
        options = {
            "signal_fraction": 0.5,
            "noise": "white",
            "alphas": (0.5, 1.0, 1.5),
            "ranks": (2, 12),
            "n_simulations": 5,
            "progress": False,
            "n_jobs": 1,
        }
        return na.calibrate(sizes, **{**options, **changes})

    return calibrate


@pytest.fixture
def count(monkeypatch):
    """The simulations that are run, as they are."""
    calls = []

    def counted(plan, *task, **kwargs):
        calls.append(task)
        return read_alpha(plan, *task, **kwargs)

    monkeypatch.setattr(calibration_grid, "read_alpha", counted)
    return calls


@pytest.fixture(scope="session")
def recording():
    """A preprocessed recording of 120 stimuli and 90 neuroids with aligned noise, alpha 1."""
    made = na.simulate_recording(1.0, 120, 90, 2, 0.6, "aligned", False, 3)[0]
    return na.preprocess(made, zscore=None)
