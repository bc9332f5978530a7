"""Kernel: gradient descent of a network with one hidden layer on all samples, and how its tangent kernel changes."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator

import numpy as np

from neuroalpha.errors import InputError
from neuroalpha.theory.engine.stability import DivergenceError
from neuroalpha.theory.projectors.hidden_layer import Network, gradients, make_network, tangent_kernel
from neuroalpha.theory.projectors.objectives import Objective
from neuroalpha.theory.projectors.retraction import polar

REACH = 0.5
"""Targets of a network with orthonormal W2 have this share of the size that its outputs can have."""


def descend(
    network: Network, objective: Objective, views: np.ndarray, targets: np.ndarray, rate: float
) -> Iterator[tuple[Network, float, tuple[np.ndarray, np.ndarray]]]:
    """Yield (network, loss, gradients for W1 and W2) before each step, for ever; views (views, n, d)."""
    n_views, n_samples, _ = views.shape
    stacked = views.reshape(n_views * n_samples, -1)
    while True:
        features = network.features(stacked)
        outputs = network.scale * (features @ network.second)
        loss, by_outputs = objective.rule(outputs.reshape(n_views, n_samples, -1), targets)
        by_first, by_second = gradients(network, stacked, features, by_outputs.reshape(outputs.shape))
        if network.orthonormal:
            by_second = by_second - network.second @ (network.second.T @ by_second)
        yield network, loss, (by_first, by_second)
        second = network.second - rate * by_second
        network = dataclasses.replace(
            network,
            first=network.first - rate * by_first,
            second=polar(second) if network.orthonormal and np.isfinite(second).all() else second,
        )


def kernel_movement(
    objective: Objective, views: np.ndarray, targets: np.ndarray, width: int, step_size: float, seed: int
) -> dict[str, float]:
    """How much training moves weights, features and tangent kernel: relative changes (Frobenius norms).

    Time is in units of one over the largest curvature at the start: of C_phi for the constrained losses without
    targets, of the tangent kernel over the number of samples for all others.

    Raises
    ------
    DivergenceError
        The loss rises; says the largest step, by halving, with which it does not.
    InputError
        For a network whose outputs do not depend on its weights.
    """
    x = views[0]
    n_samples, n_outputs = targets.shape
    start = make_network(x.shape[1], width, n_outputs, seed, orthonormal=objective.orthonormal)
    if objective.scaled:
        start = dataclasses.replace(start, scale=width**-0.5)
    features = start.features(x)
    if objective.orthonormal and objective.scaled:  # no frame reaches targets of any size
        reach = np.sqrt(np.linalg.eigvalsh(features @ features.T / n_samples)[-1]) * start.scale
        targets = targets * (REACH * reach)
    before = tangent_kernel(start, x)
    whole = (before[0] + before[1]).reshape(n_samples * n_outputs, -1)
    if objective.orthonormal and not objective.scaled:
        curvature = float(np.linalg.eigvalsh(features @ features.T / n_samples)[-1])
    else:
        curvature = float(np.linalg.eigvalsh(whole)[-1]) / n_samples
    used = views[: objective.n_views]
    if not curvature > 0:
        raise InputError(
            f"{objective.name}: all features are 0 at the start, so nothing can be learnt from these views"
        )
    network, losses = _follow(start, objective, used, targets, curvature, step_size)
    if network is None:
        smaller = (step_size / 2**halvings for halvings in range(1, 11))
        stable = (s for s in smaller if _follow(start, objective, used, targets, curvature, s)[0] is not None)
        largest = next(stable, None)
        advice = (
            f"the largest stable step of this network, by halving, is {largest!r}"
            if largest
            else "no step down to a 1000th of it is stable"
        )
        raise DivergenceError(
            f"{objective.name}: gradient descent diverges at step size {step_size:g} with {width} hidden units (the "
            f"loss rises at step {len(losses) - 1}); {advice}"
        )
    after = tangent_kernel(network, x)
    seen = network.features(x)
    return {
        "kernel_change": relative_change(after[0] + after[1], before[0] + before[1]),
        "kernel_change_first": relative_change(after[0], before[0]),
        # with as many units as outputs an orthonormal W2 spans all of them: its kernel is 0
        "kernel_change_second": relative_change(after[1], before[1])
        if width > n_outputs or not objective.orthonormal
        else float("nan"),
        "feature_change": relative_change(seen @ seen.T, features @ features.T),
        "first_change": relative_change(network.first, start.first),
        "second_change": relative_change(network.second, start.second),
        "loss_start": losses[0],
        "loss_end": losses[-1],
    }


def _follow(
    start: Network, objective: Objective, views: np.ndarray, targets: np.ndarray, curvature: float, step_size: float
) -> tuple[Network | None, list[float]]:
    """The network at the end, and the loss before each step; no network where a step, too long, raises the loss."""
    losses: list[float] = []
    network = start
    with np.errstate(over="ignore", invalid="ignore"):  # told by the caller
        course = descend(start, objective, views, targets, step_size / curvature)
        for network, loss, _ in itertools.islice(course, max(round(objective.until / step_size), 1) + 1):  # noqa: B007
            losses.append(loss)
            if not loss <= losses[-2:][0] + 0.01 * (abs(losses[0]) + max(losses) - min(losses)):
                return None, losses
    return network, losses


def slope(widths: np.ndarray, values: np.ndarray) -> float:
    """Slope of log value on log width, by least squares; NaN for one width.

    Raises
    ------
    InputError
        For values that have no logarithm.
    """
    if len(widths) < 2:
        return float("nan")
    if not (values > 0).all():
        raise InputError(f"a slope on log axes needs values above 0, got {values.min():g}")
    return float(np.polyfit(np.log(widths), np.log(values), 1)[0])


def relative_change(after: np.ndarray, before: np.ndarray) -> float:
    """|after - before| / |before|, Frobenius norms."""
    return float(np.linalg.norm(after - before) / np.linalg.norm(before))
