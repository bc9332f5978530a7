"""Runs that keep their weights: against a plain loop, and steps too large with and without a theory."""

from __future__ import annotations

import re

import numpy as np
import pytest

import neuroalpha as na
from neuroalpha.theory.eigenflow.settings import FlowSetting
from neuroalpha.theory.engine import stability
from neuroalpha.theory.engine.stability import DivergenceError
from neuroalpha.theory.linearnet.run import run_network
from neuroalpha.theory.linearnet.settings import TOY, start_weights

WEIGHTS = start_weights(3, 5, 0)


def test_a_run_is_a_plain_loop():
    kept = run_network("euclidean", TOY["euclidean"], WEIGHTS, 0.1, np.array([0.0, 0.5, 1.0]))
    weights, wanted = WEIGHTS, [WEIGHTS]
    for count in range(1, 11):
        c = weights @ weights.T
        weights = weights - 0.1 * (c @ c @ weights - c @ weights)
        if count % 5 == 0:
            wanted.append(weights)
    np.testing.assert_allclose(kept, wanted, atol=1e-13)


RELU = {"relu": True, "n_samples": 300}
COLOURED = {"covariance": np.diag([3.0, 2.0, 1.0, 0.5, 0.2])}


@pytest.mark.parametrize(
    "options", [{}, RELU, COLOURED, {"n_samples": 300}], ids=["flow", "relu", "coloured", "samples"]
)
@pytest.mark.parametrize("step_size", [3.0, 20.0])
def test_the_named_step_passes(options, step_size):
    setting, times = TOY["euclidean iso"], np.arange(21) * step_size
    with pytest.raises(DivergenceError, match="largest stable step is about") as told:
        run_network("iso", setting, WEIGHTS, step_size, times, **options)
    named = float(re.search(r"about ([0-9.e+-]+)$", str(told.value))[1])
    assert 0.01 < named < step_size
    for count in (round(times[-1] / named), 100):
        kept = run_network("iso", setting, WEIGHTS, named, np.arange(count + 1) * named, **options)
        assert np.abs(kept).max() < 20


def test_without_a_flow_small_steps_do_what_they_do_in_the_end():
    coloured = run_network("iso", TOY["euclidean iso"], WEIGHTS, 0.05, np.array([0.0, 60.0]), **COLOURED)
    spread = COLOURED["covariance"]
    np.testing.assert_allclose(np.linalg.eigvalsh(coloured[-1] @ spread @ coloured[-1].T), 1, atol=0.01)


def test_steady_growth_without_a_flow_is_no_divergence():
    kept = run_network("cosine iso", TOY["cosine iso"], WEIGHTS, 0.25, np.arange(0, 61) * 0.25, **RELU)
    sizes = (kept**2).sum(axis=(1, 2))
    assert sizes[-1] > 1.5 * sizes[0]


def test_a_flow_that_ends_leaves_the_run_to_itself():
    start = start_weights(2, 6, 2)  # the published update in two modes: the flow ends within time 0.01
    kept = run_network(
        "cosine", TOY["cosine no stop-gradient"], start, 0.05, np.array([0.0, 0.5]), n_samples=500, seed=1
    )
    assert np.isfinite(kept).all()
    assert np.abs(kept[1] - kept[0]).max() > 0.01


def test_a_search_without_a_flow_is_given_up_too(monkeypatch):
    monkeypatch.setattr(stability, "SECONDS", 0.0)
    with pytest.raises(DivergenceError, match=r"largest stable step was not found in 0 s; try 2$"):
        run_network("iso", FlowSetting(variant="iso"), WEIGHTS, 20.0, np.arange(21) * 20.0, **COLOURED)


def test_times_are_multiples_of_the_step():
    with pytest.raises(na.InputError, match="not a whole number of steps"):
        run_network("iso", TOY["euclidean iso"], WEIGHTS, 0.1, np.array([0.0, 0.25]))
