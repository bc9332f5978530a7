"""Frozen features: steps of W2 alone follow the exact projector; what is reported of both layers."""

from __future__ import annotations

import numpy as np
import pytest

from neuroalpha.errors import InputError
from neuroalpha.theory.projectors import frozen
from neuroalpha.theory.projectors.hidden_layer import make_network
from neuroalpha.theory.projectors.losses import make_views, non_contrastive_loss
from neuroalpha.theory.projectors.objectives import OBJECTIVES
from neuroalpha.theory.projectors.training import descend

VIEWS = np.stack(make_views(12, 4, 2, seed=1))
OBJECTIVE = OBJECTIVES["non-contrastive, orthonormal W2"]


def both(width, sizes=(0.1, 0.01), n_outputs=2, seed=5):
    times = np.array([0.0, 1.0, 3.0])
    counts = [np.rint(times / size).astype(int) for size in sizes]
    return frozen.against_frozen(OBJECTIVE, VIEWS[:2], width, n_outputs, sizes, times, counts, seed)


def test_steps_of_second_weights_alone():
    """By hand on all hidden units: W1 stands still."""
    network = make_network(4, 30, 2, 5, orthonormal=True)
    features = [network.features(view) for view in VIEWS[:2]]
    cross = -features[0].T @ features[1] / 12
    matrix = (cross + cross.T) / 2
    small = frozen.freeze(network, VIEWS[0], VIEWS[1], None)
    second = network.second
    for _ in range(7):
        gradient = 2 * matrix @ second
        moved = second - 0.1 / small.curvature * (gradient - second @ (second.T @ gradient))
        left, _, right = np.linalg.svd(moved, full_matrices=False)
        second = left @ right
    outputs = features[0] @ second
    np.testing.assert_allclose(small.kernel(small.stepped(np.array([0, 7]), 0.1)[1]), outputs @ outputs.T, atol=1e-12)


def test_errors_begin_at_zero_and_fall_with_the_step():
    found = both(40)
    np.testing.assert_allclose(found["kernel_error"][:, 0], 0, atol=1e-12)
    np.testing.assert_allclose(found["frozen_error"][:, 0], 0, atol=1e-12)
    assert found["frozen_error"][0].max() / found["frozen_error"][1].max() == pytest.approx(10, abs=2)
    start = make_network(4, 40, 2, 5, orthonormal=True)
    outputs = [start.outputs(view) for view in VIEWS[:2]]
    assert found["loss_simulated"][0, 0] == pytest.approx(non_contrastive_loss(*outputs))
    assert found["loss_predicted"][0] == pytest.approx(non_contrastive_loss(*outputs))


def test_changes_are_of_the_smaller_step():
    found = both(40)
    start = make_network(4, 40, 2, 5, orthonormal=True)
    course = descend(start, OBJECTIVE, VIEWS[:2], np.empty(0), 0.01 / found["curvature"])
    last = next(network for index, (network, *_) in enumerate(course) if index == 300)
    for part in ("first", "second"):
        before, after = getattr(start, part), getattr(last, part)
        assert found[f"{part}_change"] == pytest.approx(np.linalg.norm(after - before) / np.linalg.norm(before))
    assert found["kernel_change"] > 0.1


def test_as_many_units_as_outputs_have_no_kernel_by_second_weights():
    found = both(2)
    assert np.isnan(found["kernel_change"])
    assert found["frozen_error"].max() < 1e-12


def test_features_of_which_nothing_can_be_learnt():
    network = make_network(4, 8, 2, 0, orthonormal=True)
    with pytest.raises(InputError, match="matrix of the features is all zeros"):
        frozen.freeze(network, VIEWS[0], VIEWS[1], VIEWS[1])
