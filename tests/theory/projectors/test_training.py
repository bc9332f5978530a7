"""Training of one hidden layer: its step by hand, losses that fall, the stable step that is named."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest

from neuroalpha.errors import InputError
from neuroalpha.theory.engine.stability import DivergenceError
from neuroalpha.theory.projectors import training
from neuroalpha.theory.projectors.hidden_layer import make_network
from neuroalpha.theory.projectors.losses import make_views
from neuroalpha.theory.projectors.objectives import OBJECTIVES

VIEWS = np.stack(make_views(15, 4, 2, seed=1))
TARGETS = np.random.default_rng(2).standard_normal((15, 2))


@pytest.mark.parametrize("name", list(OBJECTIVES))
def test_descent_keeps_its_constraint_and_lowers_the_loss(name):
    objective = OBJECTIVES[name]
    start = make_network(4, 12, 2, 0, orthonormal=objective.orthonormal)
    course = training.descend(start, objective, VIEWS[: objective.n_views], TARGETS, 0.01)
    networks, losses, gradients = zip(*itertools.islice(course, 20), strict=True)
    assert (np.diff(losses) < 0).all()
    np.testing.assert_allclose(networks[1].first, start.first - 0.01 * gradients[0][0])
    if objective.orthonormal:
        np.testing.assert_allclose(networks[-1].second.T @ networks[-1].second, np.eye(2), atol=1e-13)
    else:
        np.testing.assert_allclose(networks[1].second, start.second - 0.01 * gradients[0][1])


@pytest.mark.parametrize(
    ("name", "step_size"),
    [("Barlow Twins, free weights", 3.0), ("Barlow Twins, free weights", 3.7), ("supervised, free weights", 3.0)],
)
def test_the_step_that_is_named_goes_well(name, step_size):
    def run(size):
        return training.kernel_movement(OBJECTIVES[name], VIEWS, TARGETS, 16, size, 0)

    with pytest.raises(DivergenceError, match=rf"diverges at step size {step_size:g} with 16 hidden units") as told:
        run(step_size)
    named = float(re.search(r"by halving, is (\S+)$", str(told.value))[1])
    assert named < step_size
    found = run(named)
    assert found["loss_end"] < found["loss_start"]


def test_movement_of_parts():
    found = training.kernel_movement(OBJECTIVES["supervised, free weights"], VIEWS, TARGETS, 16, 0.1, 0)
    assert all(np.isfinite(value) for value in found.values())
    assert found["kernel_change"] > 0
    constrained = training.kernel_movement(OBJECTIVES["contrastive, orthonormal W2"], VIEWS, TARGETS, 2, 0.01, 0)
    assert np.isnan(constrained["kernel_change_second"])  # W2 (2, 2) spans all: its kernel is 0
    assert constrained["kernel_change"] > 0


def test_features_that_are_zero():
    with pytest.raises(InputError, match="nothing can be learnt"):
        training.kernel_movement(OBJECTIVES["non-contrastive, orthonormal W2"], 0 * VIEWS, TARGETS, 8, 0.1, 0)


def test_slope_and_change():
    widths = np.array([8, 32, 128])
    assert training.slope(widths, 5.0 / widths) == pytest.approx(-1)
    assert np.isnan(training.slope(widths[:1], np.ones(1)))
    with pytest.raises(InputError, match="needs values above 0, got 0"):
        training.slope(widths, np.array([1.0, 0.0, 1.0]))
    assert training.relative_change(np.array([3.0, 4.0]), np.array([0.0, 4.0])) == pytest.approx(0.75)
