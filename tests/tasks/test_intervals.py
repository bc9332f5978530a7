"""Intervals over test images: against statsmodels, scipy and simulated test sets."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import log_loss

from neuroalpha.tasks import intervals
from neuroalpha.tasks.intervals import bootstrap, wilson
from neuroalpha.tasks.scores import NAMES, image_scores, scores, softmax


def answers(n=400, seed=0, n_classes=3):
    rng = np.random.default_rng(seed)
    codes = rng.integers(n_classes, size=n)
    return softmax(1.5 * (codes[:, None] == np.arange(n_classes)) + rng.normal(size=(n, n_classes))), codes


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_wilson_against_scipy(level):
    shown = np.array([10, 10, 200, 1])
    correct = np.array([0, 10, 131, 1])
    low, high = wilson(correct, shown, level)
    for which in range(4):
        expected = stats.binomtest(int(correct[which]), int(shown[which])).proportion_ci(level, method="wilson")
        np.testing.assert_allclose([low[which], high[which]], [expected.low, expected.high], atol=1e-9)


def test_bootstrap_of_a_mean_is_its_standard_error():
    probabilities, codes = answers()
    images = image_scores(probabilities, codes)
    found = bootstrap(images, 4000, 0)
    for name, each in (("accuracy", images.correct), ("brier", images.brier), ("nll", images.nll)):
        low, high = found[name]
        expected = 2 * 1.96 * np.std(each) / np.sqrt(each.size)
        np.testing.assert_allclose(high - low, expected, rtol=0.05)
        np.testing.assert_allclose((low + high) / 2, each.mean())


def test_intervals_hold_the_truth_as_often_as_they_say():
    """Calibration error is left out: its estimate from few images is too large, which no interval around it mends."""
    big = scores(image_scores(*answers(200_000, seed=99)))
    held = dict.fromkeys(NAMES, 0)
    for seed in range(200):
        found = bootstrap(image_scores(*answers(200, seed)), 200, seed)
        for name, (low, high) in found.items():
            held[name] += low <= big[name][0] <= high
    for name in ("accuracy", "balanced_accuracy", "brier", "nll"):
        assert 180 <= held[name] <= 199, (name, held[name])  # 190 expected, standard deviation 3


def test_blocks_of_draws_and_seeds(monkeypatch):
    images = image_scores(*answers(60))
    expected = bootstrap(images, 50, 3)
    assert bootstrap(images, 50, 4) != expected
    monkeypatch.setattr(intervals, "BLOCK_BYTES", 8 * 60 * 7)
    for name, (low, high) in bootstrap(images, 50, 3).items():
        np.testing.assert_allclose((low, high), expected[name])
    assert np.isnan(bootstrap(images, 0, 3)["nll"]).all()


def test_cut_where_a_score_cannot_be():
    probabilities = np.tile([[0.99, 0.01]], (20, 1))
    codes = np.zeros(20, dtype=int)
    codes[0] = 1
    for name, (low, high) in bootstrap(image_scores(probabilities, codes), 200, 0).items():
        assert low >= 0
        assert high <= {"brier": 2, "nll": np.inf}.get(name, 1)
    assert bootstrap(image_scores(probabilities, codes), 200, 0)["accuracy"][1] == 1
    assert log_loss(codes, probabilities) > 0
