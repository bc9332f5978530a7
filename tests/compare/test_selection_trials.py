"""Many orders: the old generator's stream, and the table of the procedure's success on simulated sweeps."""

from __future__ import annotations

import numpy as np
import pytest

from neuroalpha.compare.random_rule import random_success
from neuroalpha.compare.selection_trials import improvement_trials, interval_trials, random_orders, random_trials


def test_orders_are_those_of_shuffling_a_list_with_the_old_generator():
    for r, order in enumerate(random_orders(23, 5, 3)):
        listed = list(range(23))
        np.random.RandomState(3 + r).shuffle(listed)
        assert order.tolist() == listed


@pytest.mark.parametrize(
    ("noise", "success", "readouts", "blind"),
    [(0, 0.989, 20.8, 0.910), (1, 0.921, 23.2, 0.614), (4, 0.813, 32.4, 0.530)],
)
def test_known_success_on_simulated_sweeps(noise, success, readouts, blind):
    """Numbers of an independent simulation of the procedure: 20 sweeps of 80 models (1,000 orders each; here 100)."""
    orders, rows = random_orders(80, 100, 0), []
    for sweep in range(20):
        rng = np.random.default_rng(sweep)
        draws = np.array([(rng.uniform(0.5, 2.5), rng.normal()) for _ in range(80)])
        accuracies = 90 - 10 * np.abs(draws[:, 0] - 1) + noise * draws[:, 1]
        found = interval_trials(draws[:, 0], accuracies, orders)
        good = int((accuracies.max() - accuracies <= 1).sum())
        random = random_success(80, good, found.readouts).mean()
        rows.append([(accuracies.max() - found.best[:, -1] <= 1).mean(), found.readouts.mean(), random])
    mean = np.mean(rows, axis=0)
    assert mean[0] == pytest.approx(success, abs=0.02)
    assert mean[1] == pytest.approx(readouts, abs=0.4)
    assert mean[2] == pytest.approx(blind, abs=0.01)


def test_accuracies_of_each_order_by_itself():
    rng = np.random.default_rng(0)
    scores, accuracies, orders = rng.normal(size=25), rng.normal(80, 4, (7, 25)), random_orders(25, 7, 0)
    for run in (
        lambda y, o: interval_trials(scores, y, o),
        lambda y, o: improvement_trials(scores, y, o, tolerance=1.0),
        random_trials,
    ):
        whole = run(accuracies, orders)
        for row in range(7):
            alone = run(accuracies[row], orders[row : row + 1])
            np.testing.assert_array_equal(whole.best[row], alone.best[0])
            assert whole.readouts[row] == alone.readouts[0]


def test_at_gives_the_best_so_far():
    found = random_trials(np.array([5.0, 9, 7]), np.array([[0, 2, 1], [1, 0, 2]]))
    assert found.at(2).tolist() == [7, 9]
    assert found.at(np.array([3, 1])).tolist() == [9, 9]


def test_surrogates_in_chunks(monkeypatch):
    rng = np.random.default_rng(1)
    scores, accuracies, orders = rng.normal(size=16), rng.normal(80, 4, 16), random_orders(16, 9, 0)
    whole = improvement_trials(scores, accuracies, orders, tolerance=1.0)
    monkeypatch.setattr("neuroalpha.compare.selection_trials.CHUNK", 2000)
    parts = improvement_trials(scores, accuracies, orders, tolerance=1.0)
    np.testing.assert_array_equal(parts.best, whole.best)
    np.testing.assert_array_equal(parts.readouts, whole.readouts)
