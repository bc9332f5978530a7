"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import hypothesis
import matplotlib
import pytest

matplotlib.use("Agg")

# A shared machine may stall any single example: time says nothing about a property. Where a failure would block others
# (CI), the examples are the same on every run.
hypothesis.settings.register_profile(
    "neuroalpha",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("neuroalpha")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real recordings, images and weights; tests that need it skip where it is absent.

    It is looked for in NEUROALPHA_SHARED_DATA, else at ``shared/data`` beside the checkout. Its files have licences of
    their own and are not part of the project.
    """
    named = os.environ.get("NEUROALPHA_SHARED_DATA")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"real data not found at {folder}; set NEUROALPHA_SHARED_DATA to the folder that holds it")
    return folder


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    import sys

    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
