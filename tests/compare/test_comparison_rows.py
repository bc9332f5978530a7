"""Rows of a comparison: over all permutations of few models, blind reading is random search to the last digit."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from neuroalpha.compare.comparison_rows import COLUMNS, CURVE, Contest, contest_rows, curve_rows, good_models
from neuroalpha.compare.selection_trials import Trials

ACCURACIES = np.array([70.0, 81, 90, 55, 89.5, 90.2])


def blind(readable, stop):
    """Every permutation of the readable models, read out up to ``stop`` of them."""
    orders = np.array(list(itertools.permutations(np.flatnonzero(readable))))
    best = np.maximum.accumulate(ACCURACIES[orders], axis=1)
    best = np.pad(best, ((0, 0), (0, ACCURACIES.size - best.shape[1])), mode="edge")
    readouts = np.full(len(orders), stop)
    return Trials(best, readouts, readouts.astype(float), printed=1.5)


@pytest.mark.parametrize("without", [[], [3], [5, 0]])
@pytest.mark.parametrize("stop", [1, 2, 4])
def test_all_permutations_are_random_search(without, stop):
    readable = ~np.isin(np.arange(6), without)
    contest = Contest("interval", ("alpha", "beta"), blind(readable, stop), readable, blind=2)
    table = contest_rows([contest], ACCURACIES, 1.0, (2, 6, 9), 0.95)
    assert tuple(table) == COLUMNS
    assert table["budget"].tolist()[1:] == [2]  # a budget of all models or more is none
    for (_, row), count in zip(table.iterrows(), (stop, min(stop, 2)), strict=True):
        assert row["success"] == pytest.approx(row["random_success"], abs=1e-12)
        assert row["difference"] == pytest.approx(0, abs=1e-12)
        assert row["regret"] == pytest.approx(row["random_regret"], abs=1e-9)
        chance = 1 - stats.hypergeom(6, 3, count).pmf(0)
        assert row["random_all_success"] == pytest.approx(chance)
        assert (row["n_good"], row["n_good_scored"]) == (3, 3 - (5 in without))
        assert row["readouts"] == row["readouts_high"] == row["cost"] == count
    assert table["score"].tolist() == ["alpha + beta"] * 2
    assert table["note"].tolist() == ["", "within the first batch of 2: random search"]
    curve = curve_rows([contest], ACCURACIES, 1.0)
    assert tuple(curve) == CURVE
    known = curve[curve["readouts"] <= readable.sum()]
    np.testing.assert_allclose(known["success"], known["random_success"], atol=1e-12)
    np.testing.assert_allclose(known["regret"], known["random_regret"], atol=1e-9)
    assert curve["share"].tolist() == [1.0] * stop + [0.0] * (6 - stop)


def test_the_tolerance_holds_through_rounding():
    assert good_models(np.array([0.3, 0.1 + 0.2, 0.2, 0.1]), 0.1) == 3
    assert good_models(np.array([80.0, 79]), 1.0, 81.0) == 1


def test_halving_has_a_budget_of_its_own_and_one_point():
    every, n = np.ones(6, dtype=bool), np.array([3, 3])
    whole = Trials(np.full((2, 6), 90.0), n, np.array([2.5, 2.5]))
    small = Trials(np.full((2, 6), 81.0), n - 1, np.array([1.5, 1.5]))
    contests = [Contest("halving", (), whole, every, budgeted={2: small}), Contest("all", (), blind(every, 6), every)]
    table = contest_rows(contests, ACCURACIES, 1.0, (2,), 0.95)
    assert table["rule"].tolist() == ["halving", "halving", "all"]
    np.testing.assert_allclose(table["regret"], [0.2, 9.2, 0])
    assert table["cost"].tolist() == [2.5, 1.5, 6]
    # Part of a readout lies on the line between 2 and 3 of 6 models, 3 of them good.
    assert table["random_success"][0] == pytest.approx((12 / 15 + 19 / 20) / 2)
    assert curve_rows(contests, ACCURACIES, 1.0)["readouts"].tolist() == [2.5]
    assert curve_rows([], ACCURACIES, 1.0).empty
