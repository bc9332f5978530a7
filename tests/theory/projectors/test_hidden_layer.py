"""Networks with a hidden layer: gradients, tangent kernel and losses against differences; frozen features in full."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from neuroalpha.theory.projectors import frozen, hidden_layer, objectives, training
from neuroalpha.theory.projectors.exact import exact_projector
from neuroalpha.theory.projectors.losses import cross_matrix, make_views, symmetric_part

VIEWS = np.stack(make_views(7, 4, 2, seed=1))


def changed(network, name, index, by):
    weights = getattr(network, name).copy()
    weights[index] += by
    return dataclasses.replace(network, **{name: weights})


@pytest.mark.parametrize("name", list(objectives.OBJECTIVES))
def test_gradients_are_those_of_the_loss(name):
    objective = objectives.OBJECTIVES[name]
    network = hidden_layer.make_network(4, 6, 2, 3, orthonormal=objective.orthonormal)
    targets = np.random.default_rng(0).standard_normal((7, 2))
    views = VIEWS[: objective.n_views]

    def loss(network):
        return objective.rule(np.stack([network.outputs(view) for view in views]), targets)[0]

    _, value, (by_first, by_second) = next(training.descend(network, objective, views, targets, 0.1))
    assert value == pytest.approx(loss(network))
    differences = {
        part: np.reshape(
            [
                (loss(changed(network, part, i, 1e-6)) - loss(changed(network, part, i, -1e-6))) / 2e-6
                for i in np.ndindex(getattr(network, part).shape)
            ],
            getattr(network, part).shape,
        )
        for part in ("first", "second")
    }
    if objective.orthonormal:
        differences["second"] -= network.second @ (network.second.T @ differences["second"])
    np.testing.assert_allclose(by_first, differences["first"], atol=1e-7)
    np.testing.assert_allclose(by_second, differences["second"], atol=1e-7)


@pytest.mark.parametrize("orthonormal", [True, False])
def test_tangent_kernel_is_what_steps_do(orthonormal):
    network = hidden_layer.make_network(4, 6, 2, 3, orthonormal=orthonormal)
    x = VIEWS[0]
    jacobians = {}
    for part in ("first", "second"):
        weights = getattr(network, part)
        columns = [
            (changed(network, part, i, 1e-6).outputs(x) - changed(network, part, i, -1e-6).outputs(x)).ravel() / 2e-6
            for i in np.ndindex(weights.shape)
        ]
        jacobians[part] = np.stack(columns, axis=1).reshape(14, *weights.shape)
    if orthonormal:  # the layer takes the part outside its span only
        second = jacobians["second"]
        jacobians["second"] = second - network.second @ (network.second.T @ second)
    for found, part in zip(hidden_layer.tangent_kernel(network, x), ("first", "second"), strict=True):
        flat = jacobians[part].reshape(14, -1)
        np.testing.assert_allclose(found.reshape(14, 14), flat @ flat.T, atol=1e-7)


def test_starts():
    constrained = hidden_layer.make_network(4, 6, 2, 0, orthonormal=True)
    np.testing.assert_allclose(constrained.second.T @ constrained.second, np.eye(2), atol=1e-12)
    free = hidden_layer.make_network(4, 600, 2, 0, orthonormal=False)
    assert free.scale == pytest.approx(600**-0.5)
    assert (free.second**2).mean() == pytest.approx(1, abs=0.1)
    np.testing.assert_array_equal(free.first[:6], constrained.first)


@pytest.mark.parametrize("with_negative", [True, False])
def test_frozen_features_in_their_small_basis(with_negative):
    """Against the matrix of all hidden units."""
    network = hidden_layer.make_network(4, 60, 2, 5, orthonormal=True)
    used = VIEWS if with_negative else VIEWS[:2]
    small = frozen.freeze(network, used[0], used[1], used[2] if with_negative else None)
    features = [network.features(view) for view in used]
    whole = symmetric_part(cross_matrix(*features))
    curvature = np.abs(np.linalg.eigvalsh(whole)).max()
    assert small.curvature == pytest.approx(curvature)
    times = np.array([0.0, 1.0, 4.0])
    projector = exact_projector(whole / curvature, network.second, times)
    np.testing.assert_allclose(small.kernel(small.exact(times)), features[0] @ projector @ features[0].T, atol=1e-9)
    stepped = small.kernel(small.stepped(np.array([0, 1000, 4000]), 0.001))
    np.testing.assert_allclose(stepped, features[0] @ projector @ features[0].T, atol=0.02)


def test_barlow_twins_by_hand():
    rng = np.random.default_rng(2)
    u, positive = rng.standard_normal((2, 9, 3))
    meet = sum(np.outer(a, b) + np.outer(b, a) for a, b in zip(u, positive, strict=True)) / 18
    value, _ = objectives.barlow_twins(np.stack([u, positive]), np.empty(0))
    assert value == pytest.approx(((meet - np.eye(3)) ** 2).sum())


def test_slope():
    widths = np.array([10, 100, 1000])
    assert training.slope(widths, 3.0 * widths**-0.5) == pytest.approx(-0.5)
    assert np.isnan(training.slope(widths[:1], np.ones(1)))
