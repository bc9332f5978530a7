"""Stepwise self-supervision: against the matrix flow, the printed formula, kernels and step times."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import neuroalpha as na
from neuroalpha.theory.engine.integrate import integrate
from neuroalpha.theory.related_flows import stepwise


def matrix(values, seed=0):
    turn = np.linalg.qr(np.random.default_rng(seed).normal(size=(len(values), len(values))))[0]
    return (turn * np.asarray(values)) @ turn.T, turn


def test_curves_are_those_of_the_aligned_matrix_flow():
    gamma, turn = matrix([1.0, 0.6, 0.3, -0.4, -0.8])
    singular = np.array([0.05, 0.2, 2.5])  # the last starts above its fixed point
    out = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    weights, times = (out * singular) @ turn[:, :3].T, np.linspace(0, 4, 21)
    full = integrate(lambda w: stepwise.update(w, gamma), weights, times)
    found = np.sort([np.linalg.eigvalsh(w @ gamma @ w.T) for w in full], axis=1)
    start = np.array([1.0, 0.6, 0.3]) * singular**2
    expected = np.sort(stepwise.embedding_eigenvalues(start, np.array([1.0, 0.6, 0.3]), times), axis=1)
    np.testing.assert_allclose(found, expected, atol=1e-8)
    loss = [np.linalg.norm(w @ gamma @ w.T - np.eye(3)) ** 2 for w in full]
    np.testing.assert_allclose(loss, stepwise.loss(expected), atol=1e-8)


def test_curves_are_the_printed_formula():
    gamma, singular, times = np.array([0.9, 0.3]), np.array([0.01, 0.1]), np.linspace(0, 3, 7)
    growth = np.exp(4 * gamma * times[:, None])
    printed = growth / np.sqrt(singular**-2 + (growth**2 - 1) * gamma)
    found = stepwise.embedding_eigenvalues(gamma * singular**2, gamma, times)
    np.testing.assert_allclose(found, gamma * printed**2, rtol=1e-10)


def test_updates_descend_the_loss():
    torch = pytest.importorskip("torch")
    gamma, _ = matrix([1.0, 0.5, 0.2, -0.3])
    weights = np.random.default_rng(2).normal(size=(2, 4))
    free = torch.tensor(weights, requires_grad=True)
    ((free @ torch.tensor(gamma) @ free.T - torch.eye(2, dtype=torch.float64)) ** 2).sum().backward()
    np.testing.assert_allclose(stepwise.update(weights, gamma), -free.grad.numpy(), atol=1e-10)


@settings(max_examples=25, deadline=None)
@given(st.floats(1e-12, 0.4), st.floats(0.05, 2))
def test_step_times_are_where_curves_pass_half(start, gamma):
    lam, g = np.array([start]), np.array([gamma])
    when = stepwise.step_times(lam, g)
    assert stepwise.embedding_eigenvalues(lam, g, when)[0, 0] == pytest.approx(0.5)
    times = np.linspace(0, 1.7 * when[0], 40)
    assert stepwise.crossings(times, stepwise.embedding_eigenvalues(lam, g, times))[0] == pytest.approx(
        when[0], rel=1e-6
    )
    small = -np.log(start) / (8 * gamma)  # the published limit of small starts
    assert abs(small - when[0]) <= 1.01 * start / (1 - start) / (8 * gamma)


def test_a_curve_that_does_not_pass_has_no_step():
    assert np.isnan(stepwise.crossings(np.arange(3.0), np.full((3, 1), 0.1)))[0]


@pytest.mark.parametrize("n_inputs", [6, 30])
def test_kernel_has_the_eigenvalues_of_the_cross_correlation(n_inputs):
    rng = np.random.default_rng(0)
    one = rng.normal(size=(12, n_inputs))
    two = one + 0.5 * rng.normal(size=one.shape)
    views = np.vstack([one, two])
    found = stepwise.kernel_modes(views @ views.T)
    expected = np.linalg.eigvalsh(stepwise.cross_correlation(one, two))
    for values in (found, expected):
        values[np.abs(values) < 1e-10] = 0
    np.testing.assert_allclose(np.sort(found[found != 0]), np.sort(expected[expected != 0]), atol=1e-10)


def test_stepwise_flow_from_views_matrix_and_eigenvalues():
    rng = np.random.default_rng(0)
    one = rng.normal(size=(200, 5)) * [2, 1.5, 1, 0.7, 0.5]
    two = one + 0.1 * rng.normal(size=one.shape)
    gamma = (one.T @ two + two.T @ one) / 400
    times = np.linspace(0, 3, 31)
    values = np.linalg.eigvalsh(gamma)[::-1]
    made = [na.theory.stepwise_flow(given, times, start=[1e-3] * 5) for given in ((one, two), gamma, values)]
    for each in made:
        np.testing.assert_allclose(each["eigenvalue"], made[0]["eigenvalue"], atol=1e-8)
        np.testing.assert_allclose(each["gamma"], values, atol=1e-10)
    assert float(made[0]["loss"][0]) == pytest.approx(5, abs=1e-4)
    drawn = na.theory.stepwise_flow(gamma, times, n_outputs=2, seed=3)
    assert drawn.sizes["mode"] == 2
    assert (np.diff(drawn["step_time"]) > 0).all()


def test_random_small_starts_step_in_time():
    gamma, _ = matrix(1 / np.arange(1, 13.0))
    weights = 1e-6 * np.random.default_rng(5).normal(size=(4, 12))
    times = np.linspace(0, 16, 321)
    full = integrate(lambda w: stepwise.update(w, gamma), weights, times)
    curves = np.array([np.linalg.eigvalsh(w @ gamma @ w.T)[::-1] for w in full])
    expected = na.theory.stepwise_flow(gamma, times, start=weights)["step_time"].values
    np.testing.assert_allclose(stepwise.crossings(times, curves), np.sort(expected), rtol=0.02)


def test_bad_input():
    gamma = np.diag([1.0, 0.5, -0.5])
    with pytest.raises(na.InputError, match="gamma is not symmetric"):
        na.theory.stepwise_flow(np.array([[1.0, 2.0], [0.0, 1.0]]), [0.0, 1.0])
    with pytest.raises(na.InputError, match="gamma has 2 positive eigenvalues and n_outputs is 3"):
        na.theory.stepwise_flow(gamma, [0.0, 1.0], n_outputs=3)
    with pytest.raises(na.InputError, match=r"gamma has no positive eigenvalue \(the largest is -1\)"):
        na.theory.stepwise_flow(-np.eye(2), [0.0, 1.0])
    with pytest.raises(
        na.InputError, match=r"start has shape \(1, 2\); expected singular values \(d,\) or weights \(d, 3\)"
    ):
        na.theory.stepwise_flow(gamma, [0.0, 1.0], start=np.ones((1, 2)))
    with pytest.raises(na.InputError, match="embedding eigenvalues start from 4 to 4"):
        na.theory.stepwise_flow(gamma, [0.0, 1.0], start=[2.0])
    with pytest.raises(na.InputError, match="expected pairs, of one shape"):
        na.theory.stepwise_flow((np.ones((3, 2)), np.ones((4, 2))), [0.0, 1.0])
    with pytest.raises(na.InputError, match="kernel is of 3 views"):
        stepwise.kernel_modes(np.eye(3))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gamma": [np.nan, 2.0]}, "gamma holds 1 NaN or infinite value"),
        ({"gamma": [1j]}, "gamma is complex numbers"),
        ({"gamma": "ab"}, "gamma is text"),
        ({"gamma": 1.0}, r"gamma has shape \(\)"),
        ({"gamma": []}, r"gamma has shape \(0,\)"),
        ({"gamma": (np.ones((2, 2)) * 1j, np.ones((2, 2)))}, "view 1 is complex"),
        ({"gamma": np.zeros((2, 2))}, "gamma has no positive eigenvalue"),
        ({"scale": np.nan}, "scale is nan; expected a finite number above 0"),
        ({"scale": -1}, "scale is -1"),
        ({"scale": True}, "scale is True"),
        ({"start": [np.nan, 0.1]}, "start holds 1 NaN"),
        ({"start": "ab"}, r"start is text; expected singular values \(d,\)"),
        ({"start": [0.1 + 0.1j]}, "start is complex"),
        ({"start": [-0.1]}, "start holds the negative singular value -0.1"),
        ({"start": [0.1], "n_outputs": 2}, "n_outputs is 2 and start has 1"),
        ({"times": "ab"}, "times is text"),
        ({"times": [1.0, 0.0]}, "times do not rise: 1 is followed by 0"),
    ],
)
def test_bad_numbers(options, message):
    with pytest.raises(na.InputError, match=message) as told:
        na.theory.stepwise_flow(**{"gamma": [1.0, 0.5], "times": [0.0, 1.0], **options})
    assert "\n" not in str(told.value)
