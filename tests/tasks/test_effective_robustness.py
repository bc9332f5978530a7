"""Effective robustness against statsmodels' least squares, and on published accuracies."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit
from scipy.stats import norm

from neuroalpha.errors import InputError
from neuroalpha.tasks.effective_robustness import effective_robustness


def models(seed, m=12):
    rng = np.random.default_rng(seed)
    x = rng.uniform(0.3, 0.95, m)
    return x, expit(0.9 * logit(x) - 0.6 + rng.normal(0, 0.2, m))


@pytest.mark.parametrize(
    ("transform", "forward", "back"),
    [("logit", logit, expit), ("probit", norm.ppf, norm.cdf), ("linear", lambda x: x, lambda x: x)],
)
@pytest.mark.parametrize("seed", range(5))
def test_the_line_of_statsmodels(transform, forward, back, seed):
    x, y = models(seed)
    found = effective_robustness(x, y, transform)
    fit = sm.OLS(forward(y), sm.add_constant(forward(x))).fit()
    np.testing.assert_allclose([found.intercept, found.slope, found.r2], [*fit.params, fit.rsquared], rtol=1e-9)
    np.testing.assert_allclose(found.expected, back(fit.fittedvalues), rtol=1e-9)
    np.testing.assert_allclose(found.residual, y - back(fit.fittedvalues), atol=1e-12)


def test_by_hand():
    # Odds 1, 3, 9, 27, 81 in distribution and a third of them under the shift: logits on a line of slope 1.
    x = np.array([1, 3, 9, 27, 81]) / np.array([2, 4, 10, 28, 82])
    found = effective_robustness(x, (y := np.array([1, 3, 9, 27, 81]) / np.array([4, 6, 12, 30, 84])))
    assert (found.slope, found.r2) == pytest.approx((1, 1))
    assert found.intercept == pytest.approx(-np.log(3))
    np.testing.assert_allclose(found.residual, 0, atol=1e-12)
    better = effective_robustness(np.append(x, 0.5), np.append(y, 0.5), baseline=[True] * 5 + [False])
    assert better.residual[-1] == pytest.approx(0.25)
    assert better.n_models == 5


@given(seed=st.integers(0, 200), transform=st.sampled_from(["logit", "probit", "linear"]))
def test_what_does_not_matter(seed, transform):
    x, y = models(seed)
    found = effective_robustness(x, y, transform)
    order = np.random.default_rng(seed).permutation(len(x))
    np.testing.assert_allclose(effective_robustness(x[order], y[order], transform).residual, found.residual[order])
    twice = effective_robustness(np.tile(x, 2), np.tile(y, 2), transform)
    np.testing.assert_allclose(twice.residual[: len(x)], found.residual)
    holes = effective_robustness(np.append(x, [0.5, np.nan]), np.append(y, [np.nan, 0.5]), transform)
    np.testing.assert_allclose(holes.residual, np.append(found.residual, [np.nan, np.nan]))
    assert holes.n_models == len(x)
    # Errors in place of accuracies turn the sign.
    np.testing.assert_allclose(effective_robustness(1 - x, 1 - y, transform).residual, -found.residual, atol=1e-12)


@given(seed=st.integers(0, 200), scale=st.floats(0.2, 1), offset=st.floats(0, 0.3))
def test_a_linear_residual_does_not_know_the_units_in_distribution(seed, scale, offset):
    x, y = models(seed)
    first, second = (effective_robustness(each, y, "linear") for each in (x, 0.7 * scale * x + offset))
    np.testing.assert_allclose(first.residual, second.residual, atol=1e-9)
    assert first.residual.sum() == pytest.approx(0, abs=1e-9)


def test_the_ends_are_half_an_image_away():
    x, y = models(0)
    x[0], y[1] = 1.0, 0.0
    with pytest.raises(InputError, match="1 of 12 accuracies are 0 or 1, whose logit is infinite; say with n_images="):
        effective_robustness(x, y)
    found = effective_robustness(x, y, n_images=(500, 200))
    near = effective_robustness(np.minimum(x, 0.999), np.maximum(y, 0.0025))
    np.testing.assert_allclose(found.expected, near.expected)
    assert found.residual[1] == -found.expected[1]  # the accuracy itself stays as it is
    assert np.isfinite(effective_robustness(x, y, "linear").residual).all()


def test_published_accuracies(shared_data):
    """Over models ImageNet-V2 follows ImageNet along a line, ImageNet-A does not (Taori et al. 2020, section 4)."""
    folder = shared_data / "tables" / "timm"
    key = ["model", "img_size"]
    clean = pd.read_csv(folder / "results-imagenet.csv").set_index(key)["top1"] / 100
    r2 = {}
    for name in ("imagenetv2-matched-frequency", "imagenet-a"):
        shifted = pd.read_csv(folder / f"results-{name}.csv").set_index(key)["top1"] / 100
        both = pd.concat([clean, shifted], axis=1, join="inner").to_numpy()
        found = effective_robustness(*both.T)
        assert found.n_models > 1000
        r2[name] = found.r2
    assert r2["imagenetv2-matched-frequency"] > 0.97
    assert r2["imagenet-a"] < 0.95


@pytest.mark.parametrize(
    ("x", "y", "options", "match"),
    [
        ([0.5] * 4, [0.5] * 4, {}, "4 of 4 have both accuracies; at least 5 are needed"),
        ([0.1, 0.2, 0.3, 0.4, 0.5], [np.nan, 0.2, 0.3, 0.4, 0.5], {}, "4 of 5 have both"),
        ([0.1, 0.2, 0.3, 0.4, 0.5], [0.1] * 5, {"baseline": [True] * 4 + [False]}, "are in the baseline; at least 5"),
        ([0.1] * 5, [0.1, 0.2, 0.3, 0.4, 0.5], {}, "all 5 models have the same accuracy in distribution"),
        ([10, 20, 30, 40, 50], [0.1] * 5, {}, "in_accuracy holds 5 values like 10; .* divide percent by 100"),
        ([0.1] * 5, [0.1] * 6, {}, "in_accuracy has 5 models and shifted 6"),
        ([[0.1] * 5], [[0.1] * 5], {}, r"in_accuracy has shape \(1, 5\)"),
        ([0.1] * 5, [0.1] * 5, {"transform": "logits"}, "transform= is 'logits'; did you mean 'logit'"),
        ([0.1] * 5, [0.1] * 5, {"baseline": [1] * 5}, "baseline is int64"),
        ([0.1] * 5, [0.1] * 5, {"baseline": [True] * 4}, r"baseline is bool of shape \(4,\)"),
        ([0.1] * 5, [0.1] * 5, {"n_images": 0}, "n_images is 0"),
        ([0.1, np.inf, 0.2, 0.3, 0.4], [0.1] * 5, {}, "holds 1 values like inf.*mend"),
    ],
)
def test_bad_input(x, y, options, match):
    with pytest.raises(InputError, match=match) as error:
        effective_robustness(x, y, **options)
    assert "\n" not in str(error.value)
