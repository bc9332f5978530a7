"""Linear networks: starts, gradients against differences of the loss, velocities of the product, its widths."""

from __future__ import annotations

import numpy as np
import pytest

from neuroalpha.theory.projectors import linear_nets, wide


def system(seed=0, n_features=9, n_outputs=2):
    rng = np.random.default_rng(seed)
    matrix = rng.standard_normal((n_features, n_features))
    return (matrix + matrix.T) / 6, linear_nets.random_frame(n_features, n_outputs, seed)


def start_of(form, width, product, seed=1):
    if form == "one layer":
        return (product,)
    return (linear_nets.tall_start if form == "tall" else linear_nets.wide_start)(product, width, seed)


CASES = [("one layer", 0), ("tall", 2), ("tall", 5), ("tall", 9), ("wide", 11), ("wide", 40)]


@pytest.mark.parametrize(("form", "width"), CASES)
def test_start_has_the_product(form, width):
    product = system()[1] * (0.6 if form == "wide" else 1)
    state = start_of(form, width, product)
    np.testing.assert_allclose(linear_nets.product_of(state, form), product, atol=1e-13)
    assert linear_nets.residual(state) < 1e-13
    if width:
        assert width in state[0].shape
        assert state[1].shape == (width, 2)


@pytest.mark.parametrize(("form", "width"), CASES)
def test_gradients(form, width):
    """Differences of the loss along random directions orthogonal to each layer's span."""
    matrix, frame = system()
    state = start_of(form, width, frame * (0.6 if form == "wide" else 1))
    found = linear_nets.gradients(state, matrix, form)

    def loss(changed):
        product = linear_nets.product_of(changed, form)
        return np.trace(product.T @ matrix @ product)

    rng = np.random.default_rng(4)
    for layer, (weights, gradient) in enumerate(zip(state, found, strict=True)):
        np.testing.assert_allclose(weights.T @ gradient, 0, atol=1e-13)
        direction = rng.standard_normal(weights.shape)
        direction -= weights @ (weights.T @ direction)
        ends = [
            loss([w + sign * 1e-5 * direction if k == layer else w for k, w in enumerate(state)]) for sign in (1, -1)
        ]
        np.testing.assert_allclose((ends[0] - ends[1]) / 2e-5, (gradient * direction).sum(), atol=1e-8)


def velocity(state, gradients, form):
    """Of the product, by each layer's velocity."""
    moved = [-g for g in gradients]
    if form == "one layer":
        return moved[0]
    return (
        moved[0] @ state[1] + state[0] @ moved[1] if form == "tall" else moved[0].T @ state[1] + state[0].T @ moved[1]
    )


@pytest.mark.parametrize(("form", "width"), CASES)
def test_product_moves_alike_at_every_width(form, width):
    matrix, frame = system()
    product = frame * (0.6 if form == "wide" else 1)
    state = start_of(form, width, product)
    found = velocity(state, linear_nets.gradients(state, matrix, form), form)
    if form == "wide":
        expected = wide.wide_field(matrix, product)
    else:
        expected = -2 * (matrix @ product - product @ product.T @ matrix @ product)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_turning_within_the_span_depends_on_the_width():
    matrix, product = system()
    descent = -(matrix @ product - product @ product.T @ matrix @ product)
    for width, rate in ((2, 2), (9, 3)):
        state = start_of("tall", width, product)
        found = velocity(state, linear_nets.turning_gradients(state, matrix), "tall")
        np.testing.assert_allclose(found, rate * descent, atol=1e-12)
    state = start_of("tall", 5, product)
    found = velocity(state, linear_nets.turning_gradients(state, matrix), "tall")
    share = (found * descent).sum() / (descent**2).sum()
    assert 2 < share < 3


def test_signs_matter_in_two_layers_only():
    matrix, product = system()
    for form, width in (("one layer", 0), ("tall", 5)):
        ends = []
        for how in ("qr", "plain qr"):
            state = start_of(form, width, product)
            for _ in range(50):
                state = linear_nets.take_step(state, matrix, form, 0.01, how)
            reached = linear_nets.product_of(state, form)
            ends.append(reached @ reached.T)
        gap = np.linalg.norm(ends[0] - ends[1])
        assert gap < 1e-12 if form == "one layer" else gap > 0.3
