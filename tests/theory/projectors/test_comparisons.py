"""Linear forms for the engine: their steps and predictions; the step from which the naive flow turns elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given
from hypothesis import strategies as st

from neuroalpha.theory.engine.dynamics import simulate
from neuroalpha.theory.projectors import comparisons
from neuroalpha.theory.projectors.linear_nets import product_of, random_frame, take_step, wide_start
from neuroalpha.theory.projectors.losses import LOSSES, cross_matrix, make_views, symmetric_part
from neuroalpha.theory.projectors.wide import wide_product

MATRIX = np.diag([-1.0, -0.6, -0.1, 0.2, 0.5])


def test_naive_steps_forget_their_scale():
    start = np.random.default_rng(0).standard_normal((5, 2))
    dynamics = comparisons.naive_dynamics("naive", MATRIX, start)
    state = dynamics.start
    for index in range(3):
        state = dynamics.step(state, 0.1, index)
    moved = np.linalg.matrix_power(np.eye(5) - 0.2 * MATRIX, 3) @ start
    expected = moved @ moved.T / np.trace(moved @ moved.T)
    np.testing.assert_allclose(dynamics.observe(state).reshape(5, 5), expected, atol=1e-14)
    flowed = scipy.linalg.expm(-2 * MATRIX * 0.7) @ start
    predicted = dynamics.predict(np.array([0.7]))[0].reshape(5, 5)
    np.testing.assert_allclose(predicted, flowed @ flowed.T / np.trace(flowed @ flowed.T), atol=1e-14)


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=5, unique=True).filter(lambda v: min(np.diff(sorted(v))) > 0.05))
def test_the_limit_of_naive_steps_by_powers(values):
    """Below the limit powers of a step turn to the lowest eigenvector, above it to the highest."""
    matrix = np.diag(values)
    limit = comparisons.largest_naive_step(matrix)
    if limit is None:
        assert min(values) + max(values) <= 1e-12
    for step, winner in ((0.9 * (limit or 100.0), min(values)), (1.1 * limit if limit else 1e4, max(values))):
        factors = np.abs(1 - 2 * step * np.array(values))
        if limit is None:
            winner = min(values)  # at any step
            if min(values) + max(values) > -0.05:  # both all but equal: too close to tell apart by powers
                continue
        assert values[int(factors.argmax())] == winner


def test_naive_dynamics_know_their_limit():
    start = np.ones((4, 1))
    assert comparisons.naive_dynamics("naive", np.diag([-0.5, 0, 0, 1]), start).largest_step == pytest.approx(2)
    assert comparisons.naive_dynamics("naive", np.diag([-1, 0, 0, 0.9]), start).largest_step is None
    assert comparisons.largest_naive_step(np.eye(3)) == pytest.approx(0.5)  # the step that takes W to 0


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([-1.0, -0.6, -0.1, 0.2, 0.5], 1 / 2),
        ([-0.3, -0.2, 0.1, 0.6, 1.0], 1 / 1.3),  # all outputs learn: only turns are left
        ([-0.3, 0.2, 0.5, 0.6, 1.0], 1 / 2),  # the second output dies
    ],
)
@pytest.mark.parametrize("how", ["polar", "geodesic"])
def test_the_limit_of_wide_steps(values, expected, how):
    """Below it M ends at its limit; above it elsewhere, though M M^T may stand still there."""
    matrix, ends = np.diag(values), []
    limit = comparisons.largest_wide_step(matrix, 2)
    assert limit == pytest.approx(expected)
    for step in (0.95 * limit, 1.1 * limit):
        state = wide_start(0.5 * random_frame(5, 2, 1), 8, 0)
        for _ in range(1000):
            state = take_step(state, matrix, "wide", step, how)
        ends.append(product_of(state, "wide") @ product_of(state, "wide").T)
    np.testing.assert_allclose(ends[0], np.diag([1.0, values[1] < 0, 0, 0, 0]), atol=1e-6)
    assert np.abs(ends[1] - ends[0]).max() > 0.03
    dynamics, _ = comparisons.linear_dynamics("x", matrix, 0.5 * random_frame(5, 2, 1), "wide", 8, how, 0)
    assert dynamics.largest_step == limit


@pytest.mark.parametrize(("form", "width"), [("one layer", 0), ("tall", 3), ("wide", 9)])
def test_linear_dynamics(form, width):
    product = random_frame(5, 2, 1) * (0.5 if form == "wide" else 1)
    dynamics, residuals = comparisons.linear_dynamics("x", MATRIX, product, form, width, "polar", 0)
    found = simulate(dynamics, 0.001, [0.0, 1.0])
    predicted = dynamics.predict(np.array([0.0, 1.0]))
    np.testing.assert_allclose(found[0], (product @ product.T).ravel(), atol=1e-13)
    np.testing.assert_allclose(found[0], predicted[0], atol=1e-13)
    np.testing.assert_allclose(found[1], predicted[1], atol=2e-3)
    assert np.abs(found[1] - found[0]).max() > 0.1
    assert residuals
    assert max(residuals) < 1e-13


def test_loss_and_angles_of_kernels():
    rng = np.random.default_rng(3)
    frames = np.stack([np.linalg.qr(rng.standard_normal((5, 2)))[0] for _ in range(3)])
    flat = (frames @ frames.swapaxes(1, 2)).reshape(3, 25)
    expected = [np.trace(frame.T @ MATRIX @ frame) for frame in frames]
    np.testing.assert_allclose(comparisons.loss_of(flat, MATRIX), expected)
    flat[1, 4] = np.nan
    found = comparisons.angles_of(flat, MATRIX, 2)
    assert np.isnan(found[1]).all()
    for place in (0, 2):
        np.testing.assert_allclose(found[place], np.sort(scipy.linalg.subspace_angles(frames[place], np.eye(5)[:, :2])))


@pytest.mark.parametrize("loss", LOSSES)
def test_the_product_of_the_wide_form_itself(loss):
    """|M - theory| of the documented setting; ``kernel_error`` there is of M M^T."""
    views = [view - view.mean(axis=0) for view in make_views()]
    matrix = symmetric_part(cross_matrix(*(views if loss == "contrastive" else views[:2])))
    matrix /= np.abs(np.linalg.eigvalsh(matrix)).max()
    start, times = 0.5 * random_frame(30, 3, 1), np.linspace(0, 6, 25)
    expected, state, errors = wide_product(matrix, start, times), wide_start(start, 40, 0), []
    for index in range(601):
        if index % 25 == 0:
            errors.append(np.linalg.norm(product_of(state, "wide") - expected[index // 25]))
        state = take_step(state, matrix, "wide", 0.01, "polar")
    assert max(errors) == pytest.approx(0.0081, abs=5e-5)
