"""The convex solver, against closed forms, a subgradient method, and its own certificate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuroalpha.theory.triplets.comparisons import EXACT, LabelComparisons, TripletComparisons
from neuroalpha.theory.triplets.gnmds import share_wrong, solve, trace_scale
from neuroalpha.theory.triplets.labels import hard_labels, latent_distances, soft_labels
from neuroalpha.theory.triplets.latents import draw_latents


def made(n=12, k=6, d=3, kind="soft", seed=0):
    drawn = draw_latents(n, k, d, seed)
    soft = soft_labels(latent_distances(drawn.points, drawn.centroids))
    return hard_labels(soft) if kind == "hard" else soft


def objective(comparisons, gram, weight):
    value, vector = np.linalg.eigh(gram)
    points = vector * np.sqrt(np.maximum(value, 0))
    return comparisons.evaluate(points, EXACT).loss + weight * np.trace(gram)


def test_one_comparison_has_a_closed_form():
    # Trace is least for the margin when near lies on the anchor's side: K = x x' with A = far - near direction.
    comparisons = TripletComparisons(np.array([[0, 1, 2]]), 3)
    fit = solve(comparisons, 0.2, 1e-4)
    # d(far) - d(near) = <A, K>; the least trace with <A, K> = 1 is 1 / (largest eigenvalue of A).
    a = -comparisons.laplacian(comparisons.evaluate(np.zeros((3, 1)), EXACT).weight)
    largest = np.linalg.eigvalsh(a)[-1]
    assert trace_scale(comparisons) == pytest.approx(largest)
    assert np.trace(fit.gram) == pytest.approx(1 / largest, rel=1e-3)
    assert fit.objective == pytest.approx(0.2, rel=1e-3)  # penalty * trace = 0.2 * largest / largest
    assert fit.satisfied == 1


@pytest.mark.parametrize("kind", ["soft", "hard"])
def test_a_projected_subgradient_method_gets_no_lower_and_comes_near(kind):
    comparisons = LabelComparisons(made(kind=kind))
    fit = solve(comparisons, 0.1, 1e-3)
    n = comparisons.n_items
    gram, best = fit.gram * 0 + np.eye(n) - 1 / n, np.inf
    for step in range(1500):
        value, vector = np.linalg.eigh(gram)
        points = vector * np.sqrt(np.maximum(value, 0))
        found = comparisons.evaluate(points, EXACT)
        best = min(best, found.loss + fit.penalty * np.trace(points @ points.T))
        slope = comparisons.laplacian(found.weight) + fit.penalty * np.eye(n)
        gram = points @ points.T - 0.5 / np.sqrt(step + 1) * slope / np.linalg.norm(slope)
    assert fit.bound <= best * (1 + 1e-9)
    assert fit.objective <= best * (1 + 1e-3)
    assert best <= fit.objective * 1.03


@pytest.mark.parametrize(("kind", "penalty"), [("soft", 0.03), ("hard", 0.03), ("soft", 0.3), ("hard", 0.003)])
def test_gap_is_met_and_the_matrix_is_sound(kind, penalty):
    comparisons = LabelComparisons(made(20, 9, 4, kind))
    fit = solve(comparisons, penalty, 0.01)
    assert fit.gap <= 0.01
    assert fit.bound <= fit.objective
    assert fit.objective == pytest.approx(objective(comparisons, fit.gram, fit.penalty), rel=1e-6)
    assert np.linalg.eigvalsh(fit.gram)[0] > -1e-9 * np.trace(fit.gram)
    np.testing.assert_allclose(fit.gram.sum(axis=0), 0, atol=1e-6 * np.trace(fit.gram))


def test_noise_free_labels_are_all_obeyed_and_items_alike_stay_alike():
    labels = np.eye(3)[[0, 0, 0, 1, 1, 2, 2]]
    comparisons = LabelComparisons(labels)
    fit = solve(comparisons, 0.01, 1e-3)
    assert fit.satisfied == 1
    assert fit.gram[0, 1] == pytest.approx(fit.gram[1, 2], abs=1e-9)
    assert fit.gram[0, 0] == pytest.approx(fit.gram[2, 2], abs=1e-9)
    points = np.linalg.cholesky(fit.gram + 1e-9 * np.eye(10))
    assert share_wrong(comparisons, points) == 0
    # Everything turned round: all comparisons fail at the same places.
    assert share_wrong(LabelComparisons(-labels), points) == 1


@given(st.integers(0, 99))
@settings(max_examples=4, deadline=None)
def test_the_order_of_points_and_classes_does_not_matter(seed):
    labels, rng = made(8, 4, 2, seed=seed), np.random.default_rng(seed)
    order, classes = rng.permutation(8), rng.permutation(4)
    one, two = (solve(LabelComparisons(each), 0.1, 1e-3) for each in (labels, labels[order][:, classes]))
    assert two.objective == pytest.approx(one.objective, rel=3e-3)


def test_iterations_are_limited_and_the_gap_tells():
    fit = solve(LabelComparisons(made(20, 9, 4)), 0.03, 1e-4, max_iterations=3)
    assert fit.n_iterations <= 4
    assert fit.gap > 0.01
