"""From right and wrong answers to accuracies with intervals."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from neuroalpha.tasks.linear_readout import Answers
from neuroalpha.tasks.shift_result import shift_result
from neuroalpha.tasks.shift_scores import corruption_accuracy

KINDS, SEVERITIES = ["fog", "snow"], [1, 3, 5]


@pytest.fixture(scope="module")
def answered():
    rng = np.random.default_rng(0)
    clean = rng.random(80) < 0.8
    return clean, rng.random((2, 3, 80)) < 0.6, rng.random(50) < 0.5


def test_everything(answered):
    clean, corrupted, natural = answered
    asked = Answers(np.arange(50), np.zeros(50, dtype=int), np.arange(4), ("fox",))
    found = shift_result({"": clean}, corrupted, {"wood": (natural, clean[:40], asked)}, KINDS, SEVERITIES, 100, 7)
    assert float(found["accuracy"]) == clean.mean()
    low, high = proportion_confint(clean.sum(), 80, method="wilson")
    assert (float(found["accuracy_low"]), float(found["accuracy_high"])) == pytest.approx((low, high))
    np.testing.assert_allclose(found["corruption_accuracy"], corrupted.mean(axis=2))
    np.testing.assert_allclose(found["kind_accuracy"], corrupted.mean(axis=(1, 2)))
    own = corruption_accuracy(corrupted, clean, n_boot=100, seed=7)
    assert float(found["mean_corruption_accuracy_low"]) == own.low
    assert float(found["relative_drop"]) == pytest.approx(1 - corrupted.mean() / clean.mean())
    assert float(found["relative_drop_high"]) == own.drop_high
    assert float(found["natural_accuracy"][0]) == natural.mean()
    assert float(found["natural_clean_accuracy"][0]) == clean[:40].mean()
    assert float(found["natural_drop"][0]) == pytest.approx(1 - natural.mean() / clean[:40].mean())
    assert found["natural_dropped"].values.tolist() == ["fox"]
    np.testing.assert_allclose(
        [float(found[f"natural_accuracy_{end}"][0]) for end in ("low", "high")],
        proportion_confint(natural.sum(), 50, method="wilson"),
    )
    assert found.attrs["n_test"] == 80


def test_without_corruptions_or_clean_images_of_the_same_classes(answered):
    clean, _, natural = answered
    asked = Answers(np.arange(50), np.zeros(50, dtype=int), np.arange(2), ())
    none = np.zeros((0, 3, 80), dtype=bool)
    found = shift_result({"": clean}, none, {"wood": (natural, clean[:0], asked)}, [], SEVERITIES, 100, 7)
    assert "corruption_accuracy" not in found
    assert found.attrs["corruption_notes"] == ""
    assert np.isnan(found["natural_clean_accuracy"][0])
    assert np.isnan(found["natural_drop"][0])


def test_it_says_where_its_corruptions_differ_from_the_published(answered):
    clean, corrupted, _ = answered
    told = shift_result({"": clean}, corrupted[:1], {}, ["fog"], SEVERITIES, 10, 0).attrs["corruption_notes"]
    assert told.startswith("all kinds: ")
    assert "frost" not in told
    told = shift_result({"": clean}, corrupted, {}, ["frost", "snow"], SEVERITIES, 10, 0).attrs["corruption_notes"]
    assert "; snow: " in told
    assert "; frost: the overlay is a texture" in told
