"""The theory of ridge regression: roots, closed forms, invariants, and readouts that were fitted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

import neuroalpha as na
from neuroalpha.theory.alignment import align
from neuroalpha.theory.ridge_error import effective_penalty, generalisation_error, learned_shares
from neuroalpha.theory.ridge_simulation import held_out_errors, simulate_error

RANK = np.arange(1, 201.0)
spectra = st.lists(st.floats(1e-3, 1e3), min_size=2, max_size=12).map(np.array)


@given(spectra, st.floats(1, 50), st.floats(1e-4, 10))
def test_kappa_is_the_positive_root_of_the_polynomial(eigenvalues, n_train, penalty):
    # (kappa - p penalty) prod (p l + kappa) = kappa sum_i l_i prod_{j != i} (p l_j + kappa), in units of the largest
    values = eigenvalues[:5] / eigenvalues.max()
    left = np.poly(np.r_[n_train * penalty, -n_train * values])
    right = np.zeros(1)
    for i in range(values.size):
        right = np.polyadd(right, values[i] * np.poly(np.r_[0.0, -n_train * np.delete(values, i)]))
    roots = np.roots(np.polysub(left, right))
    positive = roots.real[(np.abs(roots.imag) < 1e-6 * np.abs(roots)) & (roots.real > 0)]
    assert effective_penalty(values, n_train, penalty) == pytest.approx(positive.max(), rel=1e-5)


@pytest.mark.parametrize("penalty", [0.0, 1e-6, 1.0])
@pytest.mark.parametrize("n_train", [1, 7, 150, 199, 200, 201, 5000])
@pytest.mark.parametrize("alpha", [0.5, 1.0, 3.0, 8.0])
def test_kappa_solves_its_equation(alpha, n_train, penalty):
    values = RANK**-alpha
    kappa = effective_penalty(values, n_train, penalty)
    if penalty == 0 and n_train >= 200:
        assert kappa == 0
    else:
        again = n_train * penalty + kappa * (values / (n_train * values + kappa)).sum()
        assert kappa == pytest.approx(again, rel=1e-8)


@given(spectra, st.integers(1, 20), st.sampled_from([0.0, 1e-3, 1.0]), st.sampled_from([None, 30]), st.booleans())
def test_learned_shares_add_up_to_the_training_images(eigenvalues, n_train, penalty, n_images, intercept):
    n_train += 1
    found = learned_shares(eigenvalues, n_train, penalty, n_images=n_images, intercept=intercept)
    assert ((found.unlearned >= 0) & (found.unlearned <= 1)).all()
    assert -1e-9 <= found.gamma <= 1 + 1e-9
    if n_images is None:
        return
    beyond = n_images - intercept - eigenvalues.size
    learned = (1 - found.unlearned).sum() + beyond * (1 - found.unlearned_rest) + intercept
    assert learned == pytest.approx(n_train, rel=1e-9)
    squares = ((1 - found.unlearned) ** 2).sum() + beyond * (1 - found.unlearned_rest) ** 2 + intercept
    assert found.gamma == pytest.approx(squares / n_train, abs=1e-9)


def test_closed_forms():
    # white features without penalty: 1 - p / modes; with more images than modes only what lies outside is left
    error = generalisation_error(np.ones(100), np.ones(100), np.array([10.0, 99.0, 100.0, 300.0]), 0.0).error
    np.testing.assert_allclose(error, [0.9, 0.01, 0, 0], atol=1e-12)
    # least squares: rest and label noise disturb as p / (p - modes) and modes / (p - modes)
    found = generalisation_error(RANK**-1, RANK**-2, 500, 0.0, rest=0.3, noise=0.2)
    variance = (RANK**-2).sum() + 0.3
    assert found.error[0] == pytest.approx((0.3 * 500 / 300 + 0.2 * 200 / 300) / variance)
    # an infinite penalty learns nothing
    assert generalisation_error(RANK**-1, RANK**-2, 50, 1e12).error[0] == pytest.approx(1)


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0])
def test_targets_in_the_span_are_learned_without_penalty_as_images_reach_the_rank(alpha):
    sizes = np.array([100, 150, 190, 199, 200, 400])
    error = generalisation_error(RANK**-alpha, RANK**-1.5, sizes, 0.0).error
    assert (np.diff(error) <= 0).all()
    assert error[3] < 0.05 * error[0]
    assert (error[4:] == 0).all()
    small = generalisation_error(RANK**-alpha, RANK**-1.5, 400, 1e-9).error[0]
    assert 0 < small < 1e-6


@pytest.mark.parametrize(
    ("alpha", "b", "n_train", "penalty", "rest", "noise"),
    [
        (0.5, 1.2, 60, 0.0, 0.0, 0.0),
        (1.0, 2.0, 60, 0.0, 0.2, 0.0),
        (1.0, 2.0, 100, 1e-2, 0.1, 0.3),
        (1.5, 1.2, 100, 1e-3, 0.0, 0.5),
        (1.0, 0.5, 300, 1e-3, 0.3, 0.2),
        (0.7, 3.0, 190, 1e-2, 0.0, 0.1),
    ],
)
def test_agrees_with_fitted_ridge_regression(alpha, b, n_train, penalty, rest, noise):
    power = RANK**-b / (RANK**-b).sum()
    predicted = generalisation_error(RANK**-alpha, power, n_train, penalty, rest=rest, noise=noise).error[0]
    drawn = simulate_error(RANK**-alpha, power, n_train, penalty, rest=rest, noise=noise, n_draws=150, seed=1)
    assert predicted == pytest.approx(drawn.mean(), rel=0.05)


@pytest.mark.parametrize(("alpha", "b"), [(1.2, 2.0), (1.2, 6.0), (1.5, 1.5), (2.0, 3.0)])
def test_error_of_power_laws_decays_as_known(alpha, b):
    rank, sizes = np.arange(1, 50_001.0), np.geomspace(60, 600, 4)
    error = generalisation_error(rank**-alpha, rank**-b, sizes, 0.0).error
    slope = -np.polyfit(np.log(sizes), np.log(error), 1)[0]
    assert slope == pytest.approx(min(b - 1, 2 * alpha), rel=0.06)


def test_more_images_help_at_the_best_penalty_and_may_hurt_without():
    sizes, power = np.arange(20, 400, 10), RANK**-1.2
    grid = np.logspace(-6, 2, 33)
    every = [generalisation_error(RANK**-0.5, power, sizes, each, rest=1.0, noise=1.0).error for each in grid]
    assert (np.diff(np.min(every, axis=0)) < 1e-9).all()
    without = generalisation_error(RANK**-0.5, power, sizes, 0.0, rest=1.0, noise=1.0).error
    assert without[sizes == 190] > 3 * without[sizes == 50]


@given(
    spectra,
    st.floats(1e-6, 1e6),
    st.one_of(st.just(0.0), st.floats(1e-9, 1)),
    st.sampled_from([None, 40]),
    st.integers(0, 99),
)
def test_units_and_order_of_modes_do_not_matter(eigenvalues, unit, penalty, n_images, seed):
    rng = np.random.default_rng(seed)
    power = rng.random(eigenvalues.size) + 0.01

    def error(values, powers, each):
        return generalisation_error(values, powers, [5, 30], each, rest=0.1, n_images=n_images, intercept=True).error

    expected = error(eigenvalues, power, penalty)
    np.testing.assert_allclose(error(unit * eigenvalues, power, unit * penalty), expected, rtol=1e-6)
    order = rng.permutation(power.size)
    np.testing.assert_allclose(error(eigenvalues[order], power[order], penalty), expected, rtol=1e-6)


def test_classes_add_up():
    powers = np.stack([RANK**-1.5, RANK**-0.5])
    rest = np.array([0.5, 0.1])
    each = generalisation_error(RANK**-1, powers, [20, 50, 80], 1e-2, rest=rest).error
    assert each.shape == (2, 3)
    variance = powers.sum(axis=1) + rest
    both = generalisation_error(RANK**-1, powers.sum(axis=0), [20, 50, 80], 1e-2, rest=rest.sum()).error
    np.testing.assert_allclose(variance @ each / variance.sum(), both)


# ---- the images that there are, instead of infinitely many


def gaussian(n_images, n_neuroids, alpha, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n_images, n_neuroids)) * np.arange(1, n_neuroids + 1) ** (-alpha / 2)
    return x, x @ rng.standard_normal((n_neuroids, 2)) + 0.3 * rng.standard_normal((n_images, 2)) + 5


@pytest.mark.parametrize("penalty", [0.0, 1e-3, 0.1])
@pytest.mark.parametrize(("n_neuroids", "alpha"), [(60, 1.0), (500, 1.0), (500, 0.5)])
def test_parts_of_few_images_are_predicted_and_the_published_formula_promises_too_much(n_neuroids, alpha, penalty):
    x, y = gaussian(250, n_neuroids, alpha)
    sizes = [30, 120, 230]
    found = align(x, y)
    power, rest = found.power.sum(axis=0), found.rest.sum()
    predicted = generalisation_error(
        found.eigenvalue, power, sizes, penalty, rest=rest, n_images=250, intercept=True
    ).error
    measured = held_out_errors(x, y, sizes, [penalty] * 3, n_draws=40).error
    standard = measured.std(axis=0) / np.sqrt(40)
    np.testing.assert_array_less(np.abs(predicted / measured.mean(axis=0) - 1), 0.05 + 2 * standard / predicted)
    published = generalisation_error(found.eigenvalue, power, sizes, penalty, rest=rest, intercept=True).error
    assert (published < predicted).all()
    if n_neuroids == 500 and penalty < 0.1:
        assert published[2] < 0.5 * measured.mean(axis=0)[2]


def test_many_images_give_the_formula_for_infinitely_many():
    how = {"power": RANK**-1.5, "n_train": [50, 150], "penalty": 1e-2, "rest": 0.2, "noise": 0.3}
    far = generalisation_error(RANK**-1, **how, n_images=10**8)
    np.testing.assert_allclose(far.error, generalisation_error(RANK**-1, **how).error, rtol=1e-5)


@pytest.mark.parametrize("alpha", [0.5, 1.5])
def test_all_images_but_one_give_generalised_cross_validation(alpha):
    n = 400
    x, y = gaussian(n, 600, alpha)
    x -= x.mean(axis=0)
    y = y[:, :1] - y[:, :1].mean()
    found = align(x, y)
    penalty = 0.05
    residual = np.linalg.solve(x @ x.T + (n - 1) * penalty * np.eye(n), np.eye(n)) * (n - 1) * penalty
    expected = ((residual @ y) ** 2).mean() / (np.trace(residual) / n) ** 2 / y.var()
    got = generalisation_error(found.eigenvalue, found.power[0], n - 1, penalty, rest=found.rest[0], n_images=n)
    assert got.error[0] == pytest.approx(expected, rel=0.01)


def test_label_noise_with_few_images():
    n, p, noise = 200, 120, 0.8
    x, y = gaussian(n, 300, 1.0)
    y = y[:, 0] / y[:, 0].std()
    found = align(x, y[:, None])
    predicted = generalisation_error(
        found.eigenvalue, found.power[0], p, 1e-2, rest=found.rest[0], noise=noise, n_images=n, intercept=True
    ).error[0]
    rng, errors = np.random.default_rng(0), []
    for _ in range(60):
        order = rng.permutation(n)
        train, test = order[:p], order[p:]
        labels = y[train] + np.sqrt(noise) * rng.standard_normal(p)
        errors.append(np.mean((Ridge(alpha=p * 1e-2).fit(x[train], labels).predict(x[test]) - y[test]) ** 2))
    assert predicted == pytest.approx(np.mean(errors), rel=0.05)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"eigenvalues": [1.0, -1e-3]}, "the eigenvalues must be one row of finite numbers, none below 0"),
        ({"eigenvalues": [0.0, 0.0]}, "none below 0 and some above"),
        ({"eigenvalues": [1.0, np.nan]}, "finite"),
        ({"power": [1.0]}, r"power has shape \(1,\) for 2 eigenvalues"),
        ({"power": [1.0, -1.0]}, "none below 0"),
        ({"power": [0.0, 0.0]}, "the target has no power"),
        ({"n_train": 0}, "n_train is 0; expected a number above 0"),
        ({"n_train": 1, "intercept": True}, "n_train is 1; expected a number above 1"),
        ({"n_train": 9, "n_images": 9}, "n_train is 9; expected a number above 0 and below the 9 images"),
        ({"n_images": 1}, "2 eigenvalues cannot come from 1 images"),
        ({"penalty": -1.0}, "penalty is -1.0; expected a finite number of at least 0"),
        ({"penalty": np.inf}, "penalty is inf"),
    ],
)
def test_bad_input(change, message):
    given = {"eigenvalues": [1.0, 0.5], "power": [1.0, 1.0], "n_train": 4, "penalty": 0.1} | change
    with pytest.raises(na.InputError, match=message):
        generalisation_error(**given)
