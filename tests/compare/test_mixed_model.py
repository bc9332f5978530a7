"""The mixed model is statsmodels' own; where it cannot be had, what replaces it is named."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import optimize, stats

from neuroalpha.compare import mixed_model
from neuroalpha.compare.correlation import standardised
from neuroalpha.compare.mixed_model import slope


def nested(seed=0, n_groups=8, size=6, between=1.5, effect=0.6, controls=1):
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(n_groups), size)
    x = rng.normal(size=groups.size)
    z = rng.normal(size=(groups.size, controls))
    y = effect * x + z.sum(axis=1) * 0.3 + between * rng.normal(size=n_groups)[groups] + rng.normal(size=groups.size)
    return x, y, z, groups


def test_slope_and_error_are_statsmodels():
    x, y, z, groups = nested()
    found = slope(x, y, z, groups, 0.95)
    design = sm.add_constant(standardised(np.column_stack([x, z])))
    oracle = sm.MixedLM(standardised(y), design, groups=groups).fit(reml=True)
    assert found.value == pytest.approx(oracle.params[1], abs=1e-6)
    half = stats.t.ppf(0.975, 48 - 8 - 2) * oracle.bse[1]
    assert (found.low, found.high) == pytest.approx((oracle.params[1] - half, oracle.params[1] + half), abs=1e-5)
    assert found.p == pytest.approx(2 * stats.t.sf(abs(oracle.params[1] / oracle.bse[1]), 38), rel=1e-3)
    assert found.method == "mixed model (REML, 8 groups)"
    assert found.note == ""


def test_the_scale_of_columns_does_not_matter():
    x, y, z, groups = nested(1)
    a, b = slope(x, y, z, groups, 0.95), slope(100 * x + 5, y / 50, z - 3, groups + 0, 0.95)
    assert a.value == pytest.approx(b.value, abs=1e-5)
    assert slope(-x, y, z, groups, 0.95).value == pytest.approx(-a.value, abs=1e-5)


def test_few_groups_are_told():
    x, y, z, groups = nested(2, n_groups=3, size=12, between=4)
    assert "only 3 groups" in slope(x, y, z, groups, 0.95).note


def test_without_groups_errors_are_robust_to_unequal_variance():
    x, y, z, groups = nested(3)
    oracle = sm.OLS(standardised(y), sm.add_constant(standardised(np.column_stack([x, z])))).fit(
        cov_type="HC3", use_t=True
    )
    for given, reason in ((None, "no groups were given"), (np.zeros_like(groups), "all models are one group")):
        found = slope(x, y, z, given, 0.95)
        assert found.method == "least squares, HC3 errors"
        assert found.note == reason
        assert (found.value, found.p) == pytest.approx((oracle.params[1], oracle.pvalues[1]))
        assert (found.low, found.high) == pytest.approx(tuple(oracle.conf_int()[1]))


def test_a_singular_fit_is_replaced_and_said():
    x, y, z, groups = nested(4, between=0.0)
    y = y - (np.eye(8)[groups].T @ y / 6)[groups]  # no group differs: the variance between them stands at zero
    found = slope(x, y, z, groups, 0.95)
    assert found.method == "least squares, errors robust to 8 groups"
    assert "singular (no variance between groups)" in found.note
    assert "8 groups (fewer than 10)" in found.note
    design = sm.add_constant(standardised(np.column_stack([x, z])))
    whole = sm.OLS(standardised(y), design).fit().params[1]
    without = [sm.OLS(standardised(y)[groups != g], design[groups != g]).fit().params[1] for g in range(8)]
    error = np.sqrt(7 / 8 * ((np.array(without) - whole) ** 2).sum())
    assert found.value == pytest.approx(whole)
    assert found.p == pytest.approx(2 * stats.t.sf(abs(whole / error), 7))
    assert (found.low, found.high) == pytest.approx(tuple(whole + stats.t.ppf([0.025, 0.975], 7) * error))


def test_a_group_that_alone_decides_a_coefficient_leaves_no_error():
    x, y, z, groups = nested(4, between=0.0)
    y = y - (np.eye(8)[groups].T @ y / 6)[groups]
    z = np.where(groups == 3, x**2, 0.0)[:, None]
    found = slope(x, y, z, groups, 0.95)
    assert np.isfinite(found.value)
    assert np.isnan([found.low, found.p]).all()
    assert "without some group the slope is not determined" in found.note


def test_error_rate_of_what_replaces_the_mixed_model():
    rng = np.random.default_rng(0)
    p = []
    while len(p) < 300:
        groups = np.arange(24) % 6
        x, y = rng.normal(size=6)[groups] + rng.normal(size=24), rng.normal(size=24)
        found = slope(x, y, np.empty((24, 0)), groups, 0.95)
        if found.method.startswith("least"):
            p.append(found.p)
    assert stats.binomtest(int((np.array(p) < 0.05).sum()), 300, 0.05).pvalue > 0.01


def restricted_likelihood(share, target, design, groups):
    """Of the variance between groups, as a multiple of that within; profiled over the latter; from its definition."""
    same = (groups[:, None] == groups).astype(float)
    covariance = np.eye(target.size) + share * same
    inverse = np.linalg.inv(covariance)
    inner = design.T @ inverse @ design
    projected = inverse - inverse @ design @ np.linalg.solve(inner, design.T @ inverse)
    free = target.size - design.shape[1]
    logs = np.linalg.slogdet(covariance)[1] + np.linalg.slogdet(inner)[1]
    return -0.5 * (logs + free * np.log(target @ projected @ target))


@pytest.mark.parametrize("seed", range(12))
def test_no_variance_between_groups_is_found_as_the_likelihood_has_it(seed):
    x, y, z, groups = nested(seed, between=0.3)
    design = np.column_stack([np.ones(48), standardised(x), standardised(z)])
    target = standardised(y)
    best = optimize.minimize_scalar(
        lambda log: -restricted_likelihood(np.exp(log), target, design, groups), bounds=(-16, 4), method="bounded"
    )
    rises = np.exp(best.x) > 1e-4 and -best.fun > restricted_likelihood(0, target, design, groups)
    assert mixed_model._varies_between(target, design, groups) == rises


@pytest.mark.parametrize(
    ("failure", "said"),
    [(np.linalg.LinAlgError("Singular matrix"), "Singular matrix"), (ValueError(""), "singular"), (None, "converge")],
)
def test_a_fit_that_fails_is_replaced_and_said(monkeypatch, failure, said):
    from statsmodels.regression.mixed_linear_model import MixedLM

    x, y, z, groups = nested(5)
    whole = MixedLM.fit

    def broken(self, *args, **how):
        if failure is not None:
            raise failure
        result = whole(self, *args, **how)
        result._results.converged = False
        return result

    monkeypatch.setattr(MixedLM, "fit", broken)
    found = slope(x, y, z, groups, 0.95)
    assert found.method.startswith("least squares, errors robust")
    assert said in found.note


def test_too_few_models():
    x, y, z, groups = nested(6, n_groups=2, size=3, controls=3)
    found = slope(x, y, z, groups, 0.95)
    assert np.isnan(found.value)
    assert "6 models are too few for 5 coefficients" in found.note
    alone = slope(x, y, z[:, :0], np.arange(6), 0.95)
    assert "leave no freedom" in alone.note


def test_families_that_hide_the_direction():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(6), 6)
    x = 3.0 * groups + rng.normal(size=36)
    y = 3.0 * groups - 0.9 * (x - 3.0 * groups) + 0.3 * rng.normal(size=36)
    found = slope(x, y, np.empty((36, 0)), groups, 0.95)
    assert stats.pearsonr(x, y)[0] > 0.8
    assert found.method.startswith("mixed")
    assert found.high < 0
