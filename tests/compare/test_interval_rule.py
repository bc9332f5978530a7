"""alpha-ReQ's rule: the published numbers to the bit, and a loop written from the description of the procedure."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuroalpha.compare.interval_rule import IntervalRule
from neuroalpha.compare.selection_trials import interval_trials, random_orders


def published_grid():
    """80 models; a normal draw of noise, multiplied by 0, follows each alpha."""
    rng = np.random.default_rng(0)
    alphas = np.array([(rng.uniform(0.5, 2.5), rng.normal())[0] for _ in range(80)])
    return alphas, 90 - 10 * np.abs(alphas - 1)


def literally(alphas, accuracies, order, batch=10, top=5, low=0.0, high=10_000.0):
    """The procedure as it is described, with its own ends of the interval; returns who was read out and the counts."""
    logs, counts = [], []
    for begin in range(0, len(order), batch):
        good = [i for i in order[begin : begin + batch] if low <= alphas[i] <= high]
        logs += good
        if logs:
            best = sorted((accuracies[i] for i in logs), reverse=True)[:top]
            ranked = sorted(logs, key=lambda i: alphas[i])
            member = [accuracies[i] in best for i in ranked]
            first, last = member.index(True), len(member) - 1 - member[::-1].index(True)
            if first != 0:
                low = alphas[ranked[first]]
            if last != len(ranked) - 1:
                high = alphas[ranked[last]]
        counts.append(len(logs))
    return logs, counts


def driven(rule, accuracies):
    read = []
    while (index := rule.ask()) is not None:
        read.append(index)
        rule.tell(index, accuracies[index])
    return read


def test_published_simulation_to_the_bit():
    alphas, accuracies = published_grid()
    found = interval_trials(alphas, accuracies, random_orders(80, 1000, 0))
    lost = accuracies.max() - found.best[:, -1]
    assert (lost <= 1).mean() == 0.999
    assert lost.mean() == 0.02066304593751151
    assert lost.max() == 1.7089077126638585
    assert found.printed == 17.293375
    assert found.readouts.mean() == 20.813  # what the printed number was taken for


@pytest.mark.parametrize("batch", [10, 7])
def test_a_literal_loop_reads_the_same_models(batch):
    rng = np.random.default_rng(1)
    alphas, accuracies = rng.uniform(0.5, 2.5, 53), rng.normal(80, 5, 53)
    accuracies[:20] = np.round(accuracies[:20])  # ties
    for order in random_orders(53, 50, 7):
        rule = IntervalRule(alphas, order, batch=batch)
        read = driven(rule, accuracies)
        assert (read, rule.counts) == literally(alphas, accuracies, order, batch)
        assert rule.stopped


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 6)), min_size=1, max_size=40),
    st.integers(1, 12),
    st.integers(1, 6),
)
def test_ties_everywhere(pairs, batch, top):
    scores, accuracies = np.array(pairs, dtype=float).T
    order = np.random.default_rng(len(pairs)).permutation(len(pairs))
    rule = IntervalRule(scores, order, batch=batch, top=top)
    assert (driven(rule, accuracies), rule.counts) == literally(scores, accuracies, order, batch, top)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.01, 100), st.floats(-50, 50))
def test_scale_and_shift_of_the_score_change_nothing(seed, scale, shift):
    rng = np.random.default_rng(seed)
    scores, accuracies, order = rng.normal(size=30), rng.normal(size=30), rng.permutation(30)
    read = driven(IntervalRule(scores, order), accuracies)
    assert driven(IntervalRule(scale * scores + shift, order), accuracies) == read
    mirrored = driven(IntervalRule(-scores, order), accuracies)
    assert mirrored == read


def test_equal_scores_throw_nothing_out():
    rule = IntervalRule(np.ones(25), np.arange(25))
    assert driven(rule, np.random.default_rng(0).normal(size=25)) == list(range(25))


def test_a_failed_readout_is_passed_over():
    scores = np.linspace(0.5, 2.5, 20)
    accuracies = 90 - 10 * np.abs(scores - 1)
    order = np.random.default_rng(0).permutation(20)
    failing = accuracies.copy()
    failing[order[2]] = np.nan
    rule = IntervalRule(scores, order)
    read = driven(rule, failing)
    assert order[2] in read
    assert rule.counts[-1] == len(read) - 1
    kept = np.delete(order, 2)
    assert rule.interval[0] in scores[kept]
