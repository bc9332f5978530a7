"""Kernel: generalised non-metric multidimensional scaling in its convex Gram form, with a certificate of optimality."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neuroalpha.theory.triplets.comparisons import EXACT, Comparisons

# Of the smoothed part of the hinge, from easy to sharp, for as long as the gap asks. A wider first one makes X lose
# dimensions that a sharp hinge needs, and takes longer in all.
WIDTHS = (0.1, 0.01, 0.001, 0.001, 0.001)
PENALTY = 0.03  # share of the trace penalty at which the solution is zero


class GramFit(NamedTuple):
    """A Gram matrix and how close its objective is to the best one."""

    gram: np.ndarray  # (item, item), centred
    objective: float  # sum of hinges + penalty * trace
    bound: float  # no Gram matrix has a smaller objective (weak duality)
    gap: float  # (objective - bound) / objective
    n_iterations: int
    penalty: float  # in units of the hinges, not as a share
    n_triplets: int
    satisfied: float  # share of the comparisons that the distances of the Gram matrix obey


def solve(
    comparisons: Comparisons, penalty: float = PENALTY, tolerance: float = 0.01, max_iterations: int = 2000
) -> GramFit:
    """Minimise the sum over comparisons of max(0, 1 + d(anchor, near) - d(anchor, far)) + penalty * trace(K), K >= 0.

    d are the squared distances of the Gram matrix K. The problem is convex. It is solved over K = X X^T with X square,
    by L-BFGS on a hinge smoothed ever less, and stops where the duality gap is below ``tolerance`` of the objective:
    for weights a in [0, 1] of the comparisons A with
    sum(a A) <= penalty * I, no K has an objective below sum(a). The
    start is a multiple of the identity, so that nothing is random and items with the same comparisons stay alike.

    Parameters
    ----------
    comparisons : Comparisons
        At least one.
    penalty : float
        As a share, in (0, 1), of the penalty from which on K = 0 is the solution.
    tolerance : float
        On the relative duality gap.
    max_iterations : int
        In all; the fit's ``gap`` tells what was reached.
    """
    from scipy.optimize import minimize

    n = comparisons.n_items
    weight = penalty * trace_scale(comparisons)
    # Items that no comparison is of stay at the origin, where the penalty would bring them in the end.
    placed = comparisons.placed.astype(np.float64)
    points = np.diag(placed) - np.outer(placed, placed) / placed.sum()
    spent, bound, best = 0, 0.0, (np.inf, points)
    for width in WIDTHS:

        def smooth(flat: np.ndarray, width: float = width) -> tuple[float, np.ndarray]:
            x = flat.reshape(n, n)
            found = comparisons.evaluate(x, width)
            slope = comparisons.apply(found.weight, x) + weight * x
            return found.loss + weight * float(flat @ flat), 2 * slope.ravel()

        how = {"maxiter": max(max_iterations - spent, 1), "maxfun": 10**9, "maxcor": 10, "ftol": 1e-9, "gtol": 1e-9}
        result = minimize(smooth, points.ravel(), jac=True, method="L-BFGS-B", options=how)
        spent += int(result.nit)
        points = result.x.reshape(n, n)
        found = comparisons.evaluate(points, width)
        value, vector = np.linalg.eigh(comparisons.laplacian(found.weight))
        bound = max(bound, found.active / max(1.0, -float(value[0]) / weight))
        best = min(best, _scaled(comparisons, points, weight), key=lambda pair: pair[0])
        if best[0] - bound <= tolerance * best[0] or spent >= max_iterations:
            break
        # Directions that would lower the objective and that X has lost: near a saddle the gradient does not see them.
        lost = vector[:, value < -weight * (1 + tolerance / 10)]
        points = points + 0.01 * np.sqrt(np.mean(np.sum(points**2, axis=1))) * lost @ lost.T
    objective, points = best
    gram = points @ points.T
    return GramFit(
        gram,
        objective,
        bound,
        (objective - bound) / objective,
        spent,
        weight,
        comparisons.n_triplets,
        1 - share_wrong(comparisons, points),
    )


def trace_scale(comparisons: Comparisons) -> float:
    """The trace penalty from which on K = 0 is the solution.

    It is the largest eigenvalue of the sum of the comparisons, all active at 0: how fast the loss falls for each unit
    of trace.
    """
    zero = comparisons.evaluate(np.zeros((comparisons.n_items, 1)), EXACT)
    return float(-np.linalg.eigvalsh(comparisons.laplacian(zero.weight))[0])


def share_wrong(comparisons: Comparisons, points: np.ndarray) -> float:
    """Share of the comparisons that the distances of points (item, r) contradict or leave tied."""
    # Far from the origin the margin of 1 is nothing, and what is active is what is wrong.
    return comparisons.evaluate(1e4 * points, EXACT).active / comparisons.n_triplets


def _scaled(comparisons: Comparisons, points: np.ndarray, weight: float) -> tuple[float, np.ndarray]:
    """The objective and the points at the best scale: the smoothed hinge leaves margins a little short of 1."""
    from scipy.optimize import minimize_scalar

    def objective(scale: float) -> float:
        return comparisons.evaluate(scale * points, EXACT).loss + weight * scale**2 * float(np.vdot(points, points))

    found = minimize_scalar(objective, bounds=(0.8, 1.5), method="bounded", options={"xatol": 1e-4})
    scale = float(found.x) if found.fun < objective(1.0) else 1.0
    return objective(scale), scale * points
