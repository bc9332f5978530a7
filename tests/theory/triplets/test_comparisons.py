"""The hinge of comparisons, against a loop over triplets."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuroalpha.theory.triplets.comparisons import EXACT, LabelComparisons, TripletComparisons
from neuroalpha.theory.triplets.mining import mine_triplets


def make_labels(kind, n=9, k=5, seed=0):
    rng = np.random.default_rng(seed)
    soft = rng.dirichlet(np.ones(k), size=n)
    if kind == "hard":
        return np.eye(k)[soft.argmax(axis=1)]
    if kind == "gaps":
        return np.where(rng.random((n, k)) < 0.3, np.nan, soft)
    return soft.round(1) if kind == "ties" else soft


def slow_loss(triplets, points):
    total = 0.0
    for anchor, near, far in triplets:
        d_near = ((points[anchor] - points[near]) ** 2).sum()
        d_far = ((points[anchor] - points[far]) ** 2).sum()
        total += max(0.0, 1 + d_near - d_far)
    return total


@pytest.mark.parametrize("kind", ["soft", "hard", "gaps", "ties"])
def test_loss_and_count_equal_a_loop_over_listed_triplets(kind):
    labels = make_labels(kind)
    points = np.random.default_rng(1).normal(size=(14, 3))
    triplets = mine_triplets(labels)
    for comparisons in (LabelComparisons(labels), TripletComparisons(triplets, 14)):
        assert comparisons.n_triplets == len(triplets)
        assert comparisons.evaluate(points, EXACT).loss == pytest.approx(slow_loss(triplets, points), rel=1e-9)


@pytest.mark.parametrize("kind", ["soft", "hard"])  # dense blocks, and a list
@pytest.mark.parametrize("width", [1.0, 0.05])
def test_slope_equals_differences_of_the_loss(kind, width):
    comparisons = LabelComparisons(make_labels(kind))
    points = np.random.default_rng(2).normal(size=(14, 3))
    found = comparisons.evaluate(points, width)
    slope = 2 * comparisons.apply(found.weight, points)
    np.testing.assert_allclose(slope, 2 * comparisons.laplacian(found.weight) @ points, atol=1e-10)
    for place in ((0, 0), (8, 1), (9, 2), (13, 0)):
        step = np.zeros_like(points)
        step[place] = 1e-6
        ahead, behind = (comparisons.evaluate(points + sign * step, width).loss for sign in (1, -1))
        assert slope[place] == pytest.approx((ahead - behind) / 2e-6, rel=1e-4, abs=1e-5)


def test_blocks_of_anchors_do_not_matter(monkeypatch):
    labels, points = make_labels("soft", 12, 7), np.random.default_rng(3).normal(size=(19, 4))
    whole = LabelComparisons(labels).evaluate(points, 0.1)
    monkeypatch.setattr("neuroalpha.theory.triplets.comparisons.CHUNK", 1)
    single = LabelComparisons(labels).evaluate(points, 0.1)
    assert single.loss == pytest.approx(whole.loss, rel=1e-12)
    np.testing.assert_allclose(single.weight, whole.weight, atol=1e-10)


@given(st.integers(0, 999), st.sampled_from(["soft", "hard", "gaps"]))
@settings(max_examples=25, deadline=None)
def test_rotations_shifts_and_orders_do_not_matter(seed, kind):
    rng = np.random.default_rng(seed)
    labels, points = make_labels(kind, seed=seed), rng.normal(size=(14, 4))
    loss = LabelComparisons(labels).evaluate(points, 0.1).loss
    turn = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    assert LabelComparisons(labels).evaluate(points @ turn + 3.0, 0.1).loss == pytest.approx(loss, rel=1e-8)
    order, classes = rng.permutation(9), rng.permutation(5)
    moved = points[np.concatenate([order, 9 + classes])]
    assert LabelComparisons(labels[order][:, classes]).evaluate(moved, 0.1).loss == pytest.approx(loss, rel=1e-9)
    assert LabelComparisons(labels * 3 + 1).evaluate(points, 0.1).loss == pytest.approx(loss, rel=1e-12)


def test_noise_turns_its_share_of_comparisons_round():
    labels = make_labels("soft", 30, 20)
    points = -np.random.default_rng(0).normal(size=(50, 3))
    clean, always = LabelComparisons(labels), LabelComparisons(labels, 1.0)
    assert clean.n_triplets == always.n_triplets == LabelComparisons(labels, 0.3).n_triplets
    triplets = mine_triplets(labels)[:, [0, 2, 1]]
    assert always.evaluate(points, EXACT).loss == pytest.approx(slow_loss(triplets, points), rel=1e-9)
    some = LabelComparisons(labels, 0.3, seed=5).evaluate(points, EXACT).loss
    expected = 0.7 * clean.evaluate(points, EXACT).loss + 0.3 * always.evaluate(points, EXACT).loss
    assert some == pytest.approx(expected, rel=0.05)
