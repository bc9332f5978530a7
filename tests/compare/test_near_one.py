"""A bend is found where it is, and each form of relation predicts as a fit without the model would."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.isotonic import IsotonicRegression

from neuroalpha.compare.correlation import resample_models
from neuroalpha.compare.near_one import (
    bend,
    bend_gain,
    corrected_criterion,
    kink,
    null_bend,
    positions_of,
    prediction_errors,
    rising_steps,
    verdict,
)
from neuroalpha.compare.permutation import compare_to_null, random_permutations

NONE = np.empty((30, 0))


def tent(seed=0, n=30, at=1.0, noise=0.05, k=0):
    rng = np.random.default_rng(seed)
    x = rng.uniform(0.6, 1.5, n)
    z = rng.normal(size=(n, k))
    return x, -np.abs(x - at) + z.sum(axis=1) + noise * rng.normal(size=n), z


def brute(x, y, z, positions):
    """Least squares at every position."""
    fits = []
    for position in positions:
        design = np.column_stack([np.ones(x.size), x, z, np.maximum(x - position, 0)])
        coefficients, _, _, _ = np.linalg.lstsq(design, y, rcond=None)
        fits.append((((y - design @ coefficients) ** 2).sum(), coefficients))
    return fits


@pytest.mark.parametrize("k", [0, 2])
def test_the_best_bend_in_each_resample(k):
    x, y, z = tent(noise=0.2, k=k)
    positions = positions_of(x)
    weights = np.vstack([np.ones(30, dtype=int), resample_models(30, 5, np.random.default_rng(0))])
    index, coefficients = bend(x, y, z, positions, weights)
    for row, best, found in zip(weights, index, coefficients, strict=True):
        fits = brute(*(np.repeat(v, row, axis=0) for v in (x, y, z)), positions)
        assert fits[best][0] == pytest.approx(min(fit[0] for fit in fits), rel=1e-6)
        np.testing.assert_allclose(found, fits[best][1], atol=1e-5)


def test_gain_is_the_share_of_the_error_of_a_line():
    x, y, z = tent(1, noise=0.3, k=2)
    line = sm.OLS(y, sm.add_constant(np.column_stack([x, z]))).fit().ssr
    best = min(fit[0] for fit in brute(x, y, z, positions_of(x)))
    assert bend_gain(x, y[:, None], z)[0] == pytest.approx(1 - best / line)


def test_a_bend_at_one_is_found_with_its_interval_and_slopes():
    x, y, z = tent(2)
    found = kink(x, y, z, 400, 0.95, np.random.default_rng(0))
    assert found.position[0] == pytest.approx(1, abs=0.03)
    assert found.position[1] <= 1 <= found.position[2]
    assert found.position[2] - found.position[1] < 0.2
    assert found.slope_below[1] < 1 < found.slope_below[2]
    assert found.slope_above[1] < -1 < found.slope_above[2]
    away = kink(x, -np.abs(x - 0.8), z, 200, 0.95, np.random.default_rng(0))
    assert away.position[2] < 0.9


def test_intervals_of_the_position_hold_it_as_often_as_they_say():
    hits = 0
    for seed in range(60):
        x, y, z = tent(seed, noise=0.12)
        low, high = kink(x, y, z, 150, 0.9, np.random.default_rng(seed)).position[1:]
        hits += low <= 1 <= high
    assert hits >= 48


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1000), st.floats(0.1, 10), st.floats(-5, 5))
def test_the_place_of_a_bend_does_not_depend_on_units_of_y(seed, scale, shift):
    x, y, z = tent(seed, noise=0.2)
    a, b = (kink(x, v, z, 0, 0.95, np.random.default_rng(0)) for v in (y, scale * y + shift))
    assert a.position[0] == pytest.approx(b.position[0])
    assert a.gain == pytest.approx(b.gain, abs=1e-8)
    assert np.isnan(a.position[1])


def test_no_place_for_a_bend():
    rng = np.random.default_rng(0)
    x = np.r_[np.ones(20), 0.5, 1.5]
    assert positions_of(x).size == 0
    assert kink(x, rng.normal(size=22), np.empty((22, 0)), 10, 0.95, rng) is None
    assert positions_of(np.arange(5.0)).size == 0
    assert positions_of(np.arange(20.0))[[0, -1]].tolist() == [2, 17]


@pytest.mark.parametrize("k", [0, 1])
def test_prediction_errors_are_those_of_fits_without_the_model(k):
    x, y, z = tent(3, n=14, noise=0.2, k=k)
    found = prediction_errors(x, y, z, 1.0)
    ones = np.ones(14)
    designs = {
        "constant": np.column_stack([ones, z]),
        "line": np.column_stack([ones, x, z]),
        "distance": np.column_stack([ones, abs(x - 1), z]),
        "kink at near": np.column_stack([ones, x, np.maximum(x - 1, 0), z]),
    }
    expected = {name: np.empty(14) for name in found}
    for i in range(14):
        kept = np.arange(14) != i
        for name, design in designs.items():
            coefficients = sm.OLS(y[kept], design[kept]).fit().params
            expected[name][i] = (y[i] - design[i] @ coefficients) ** 2
        fits = brute(x[kept], y[kept], z[kept], positions_of(x))
        best = int(np.argmin([fit[0] for fit in fits]))
        row = np.r_[1, x[i], z[i], max(x[i] - positions_of(x)[best], 0)]
        expected["free kink"][i] = (y[i] - row @ fits[best][1]) ** 2
        beside = z @ sm.OLS(y[kept], designs["line"][kept]).fit().params[2:]
        target = y - beside
        steps = [
            IsotonicRegression(increasing=rising, out_of_bounds="clip").fit(x[kept], target[kept])
            for rising in (True, False)
        ]
        better = min(steps, key=lambda fit: ((target[kept] - fit.predict(x[kept])) ** 2).sum())
        expected["monotone"][i] = (target[i] - better.predict(x[i : i + 1])[0]) ** 2
    for name, errors in expected.items():
        np.testing.assert_allclose(found[name], errors, rtol=1e-5, atol=1e-12, err_msg=name)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.floats(-10, 10), st.floats(0.1, 5)), min_size=1, max_size=12))
def test_steps_are_sklearns(pairs):
    values, weights = np.array(pairs).T
    oracle = IsotonicRegression().fit(np.arange(values.size), values, sample_weight=weights)
    np.testing.assert_allclose(rising_steps(values, weights), oracle.predict(np.arange(values.size)), atol=1e-9)


def test_criteria_differ_as_statsmodels_do():
    x, y, z = tent(4, noise=0.3, k=1)
    found = corrected_criterion(x, y, z, 1.0)
    n = x.size
    for name, columns in (("constant", z), ("line", np.c_[x, z]), ("kink at near", np.c_[x, np.maximum(x - 1, 0), z])):
        fit = sm.OLS(y, sm.add_constant(columns)).fit()
        k = columns.shape[1] + 2
        # statsmodels counts no variance among its parameters and keeps the constants of the likelihood
        expected = fit.aic + 2 - n * (np.log(2 * np.pi) + 1) + 2 * k * (k + 1) / (n - k - 1)
        assert found[name] == pytest.approx(expected)
    assert np.isnan(corrected_criterion(x[:4], y[:4], z[:4], 1.0)["kink at near"])


def test_the_bend_s_p_value_under_lines_and_under_bends():
    rng = np.random.default_rng(5)
    p = []
    for seed in range(200):
        x, _, z = tent(seed, n=24)
        y = 2 * x + rng.normal(size=24)
        orders = random_permutations(np.zeros(24, dtype=int), rng.random((99, 24)))
        null = null_bend(x, y, z, orders)[:, None]
        p.append(compare_to_null(bend_gain(x, y[:, None], z), null, 0.95, one_sided=True).p[0])
    assert stats.kstest(p, "uniform").pvalue > 0.01
    x, y, z = tent(0)
    null = null_bend(x, y, z, random_permutations(np.zeros(30, dtype=int), rng.random((99, 30))))[:, None]
    assert compare_to_null(bend_gain(x, y[:, None], z), null, 0.95, one_sided=True).p[0] == 0.01


def rows(position=(0.95, 1.05), below=(1, 2), above=(-2, -1), p=0.01):
    names = ("kink position", "slope below kink", "slope above kink")
    found = {name: dict(low=low, high=high) for name, (low, high) in zip(names, (position, below, above), strict=True)}
    found["kink position"]["p_corrected"] = p
    return found


ERRORS = {"constant": 3.0, "line": 2.0, "monotone": 2.5, "free kink": 1.0}


@pytest.mark.parametrize(
    ("kinks", "errors", "sides", "p", "expected"),
    [
        (rows(), ERRORS, (2, 20), 0.01, "one side"),
        (rows(), ERRORS, (9, 9), 0.5, "turns near"),
        (rows(below=(-2, -1), above=(1, 2)), ERRORS, (9, 9), 0.5, "turns near"),
        (rows(position=(1.1, 1.3)), ERRORS, (9, 9), 0.5, "turns elsewhere"),
        (rows(above=(-2, 1)), ERRORS, (9, 9), 0.5, "bends near"),
        (rows(position=(1.1, 1.3), above=(3, 4)), ERRORS, (9, 9), 0.5, "bends elsewhere"),
        (rows(p=0.2), ERRORS, (9, 9), 0.01, "monotone"),
        (rows(), ERRORS | {"free kink": 2.1}, (9, 9), 0.01, "monotone"),
        (rows(p=0.2), ERRORS, (9, 9), 0.2, "undecided"),
        (rows(p=0.2), ERRORS | {"constant": 1.5}, (9, 9), 0.01, "undecided"),
        ({}, ERRORS, (9, 9), np.nan, "undecided"),
    ],
)
def test_verdicts(kinks, errors, sides, p, expected):
    assert verdict(kinks, errors, sides, 1.0, p, 0.05) == expected
