"""The corrected test over splits, and the sentences."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from neuroalpha.spectrum import verdict
from neuroalpha.spectrum.models import Law, points
from neuroalpha.spectrum.powerlaw import geometric_bins
from neuroalpha.spectrum.verdict import bound_sentence, paired_difference, score, verdict_sentence


def test_corrected_resampled_t():
    """Nadeau & Bengio 2003: with 10 splits in halves the variance of the mean is 1.1 s^2, not .1 s^2."""
    values = np.random.default_rng(0).normal(0.3, 1, size=10)
    mean, error, low, high = paired_difference(values, 0.95)
    naive = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    widened = np.sqrt(1.1 / 0.1)
    assert mean == pytest.approx(values.mean())
    assert error == pytest.approx(stats.sem(values) * widened)
    assert high - low == pytest.approx((naive.high - naive.low) * widened)


def table(**rows):
    return pd.DataFrame([{"model": name, "heldout_error": e, "better": b} for name, (e, b) in rows.items()])


def test_sentences():
    equal = table(power=(0.031, False), broken=(0.030, False))
    assert verdict_sentence(equal, "power", 11, 500) == (
        "a power law describes ranks 11 to 500 no worse than a broken power law, as far as halves of these stimuli can "
        "show (held-out log error 0.031 against 0.030)"
    )
    beaten = table(power=(0.08, False), broken=(0.03, True), lognormal=(0.05, True), cutoff=(0.09, False))
    assert verdict_sentence(beaten, "broken", 11, 500) == (
        "a broken power law describes ranks 11 to 500 better than a power law (held-out log error 0.030 against "
        "0.080); so does a log-normal (0.050)"
    )
    three = table(power=(0.03, False), broken=(0.03, False), lognormal=(0.05, False), cutoff=(0.02, False))
    assert "than a broken power law, a log-normal or an exponential cut-off" in verdict_sentence(three, "power", 1, 9)


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(1.3, 1.5, "consistent with"), (1.0, 1.2, "not consistent with"), (1.2, 1.4, "undecided about")],
)
def test_bound(low, high, said):
    row = pd.Series({"alpha_end": (low + high) / 2, "alpha_end_low": low, "alpha_end_high": high})
    sentence = bound_sentence(row, "power", 8, 500, 0.95)
    assert sentence.startswith(f"{said} alpha > 1 + 2/d = 1.25 for d = 8 (a power law has exponent")
    assert "finite window cannot decide" in sentence
    assert "prove" not in sentence


def test_score_takes_the_bias_off_before_it_fits():
    """Halves that are a broken law plus a known bias plus noise: its own law is better, its exponents come back."""
    rng = np.random.default_rng(0)
    at = points(geometric_bins(5, 200, 10))
    truth = at.mean(Law("broken", 0.0, (0.6, 1.3, 30.0)).log(np.arange(1, 201)))
    bias = np.linspace(0, 0.4, truth.size)
    halves = truth + bias + 0.02 * rng.normal(size=(10, 2, truth.size))
    found, laws = score(halves, at, {"power": bias, "broken": bias}, 0.95)
    rows = found.set_index("model")
    assert rows.loc["broken", "better"]
    assert not rows.loc["power", "better"]
    assert rows.loc["power", "difference"] == 0
    # Two independent noises of .02, and a little for what was fitted.
    assert rows.loc["broken", "heldout_error"] == pytest.approx(0.02, rel=0.4)
    assert rows.loc["broken", "alpha_end_low"] < 1.3 < rows.loc["broken", "alpha_end_high"]
    np.testing.assert_allclose(laws["broken"].coefficients[:2], [0.6, 1.3], atol=0.03)
    assert np.isnan(rows.loc["power", ["alpha_2", "break_rank", "curvature", "cutoff_rank"]].astype(float)).all()
    biased, _ = score(halves, at, {"power": 0 * bias, "broken": 0 * bias}, 0.95)
    assert biased.set_index("model").loc["broken", "alpha_end"] < 1.25


def test_intervals_share_their_level_among_the_alternatives():
    """Bonferroni: the same halves, one alternative or three, and half-widths in the ratio of the t quantiles."""
    rng = np.random.default_rng(0)
    at = points(geometric_bins(5, 200, 10))
    halves = at.mean(-np.log(np.arange(1, 201))) + 0.05 * rng.normal(size=(10, 2, len(at.ranks)))
    half = []
    for names in (("power", "broken"), ("power", "broken", "lognormal", "cutoff")):
        row = score(halves, at, {name: np.zeros(len(at.ranks)) for name in names}, 0.95)[0].set_index("model")
        row = row.loc["broken"]
        assert row["high"] - row["difference"] == pytest.approx(row["difference"] - row["low"])
        half.append(row["high"] - row["difference"])
    assert half[1] / half[0] == pytest.approx(stats.t.ppf(1 - 0.025 / 3, 9) / stats.t.ppf(0.975, 9))


@pytest.mark.parametrize(("gain", "better"), [(-0.1, False), (0.04, False), (0.06, True)])
def test_a_difference_that_does_not_matter_is_no_verdict(monkeypatch, gain, better):
    """Errors that differ in every split, but by less than a twentieth."""
    at = points(geometric_bins(5, 200, 10))
    halves = np.random.default_rng(0).normal(size=(10, 2, len(at.ranks)))
    error = {"power": 2.0, "broken": 2.0 * (1 - gain)}
    monkeypatch.setattr(verdict, "log_error", lambda law, _, y: error[law.name] + 1e-3 * y[0] * (law.name == "broken"))
    found = score(halves, at, {name: np.zeros(len(at.ranks)) for name in error}, 0.95)[0].set_index("model")
    row = found.loc["broken"]
    assert row["difference"] == pytest.approx(-2 * gain, abs=2e-3)
    assert (row["high"] < 0) == (gain > 0)
    assert row["better"] == better
