"""Kernel: a wide hidden layer under orthonormal second weights: theory takes its features as those of the start.

With features frozen, W2 is one linear layer on features, of matrix C_phi (h, h): its projector is exact. C_phi has rank
of at most twice the number of samples, so the width costs one QR factorisation only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neuroalpha.errors import InputError
from neuroalpha.theory.projectors.exact import exact_frame
from neuroalpha.theory.projectors.hidden_layer import Network, make_network, tangent_kernel
from neuroalpha.theory.projectors.losses import cross_matrix, symmetric_part
from neuroalpha.theory.projectors.objectives import Objective
from neuroalpha.theory.projectors.retraction import polar
from neuroalpha.theory.projectors.training import descend, relative_change


@dataclass(frozen=True, eq=False)
class FrozenFeatures:
    """Features at the start, in a basis (h, r) of all that matters of them."""

    matrix: np.ndarray
    """C_phi / |C_phi| in the basis (r, r), symmetric"""
    start: np.ndarray
    """W2 in the basis (r, z)"""
    inputs: np.ndarray
    """features of the samples in the basis (n, r)"""
    curvature: float
    """|C_phi|, the largest absolute eigenvalue: the unit of time is one over it"""

    def kernel(self, frame: np.ndarray) -> np.ndarray:
        """Embedding kernel u u^T (..., n, n) of second weights (..., r, z)."""
        outputs = self.inputs @ frame
        return outputs @ np.swapaxes(outputs, -1, -2)

    def exact(self, times: np.ndarray) -> np.ndarray:
        """Second weights (t, r, z) up to a rotation of outputs."""
        return exact_frame(self.matrix, self.start, times)

    def stepped(self, counts: np.ndarray, step_size: float) -> np.ndarray:
        """Second weights (t, r, z) after these numbers of steps of gradient descent."""
        found, weights, done = [], self.start, 0
        for count in counts:
            for _ in range(int(count) - done):
                moved = 2 * (self.matrix @ weights)
                weights = polar(weights - step_size * (moved - weights @ (weights.T @ moved)))
            done = int(count)
            found.append(weights)
        return np.stack(found)


def freeze(network: Network, x: np.ndarray, positive: np.ndarray, negative: np.ndarray | None) -> FrozenFeatures:
    """Features of a network at the start, for both losses.

    Raises
    ------
    InputError
        For features whose loss is 0 whatever the second weights.
    """
    views = [network.features(view) for view in (x, positive, negative) if view is not None]
    basis = np.linalg.qr(np.hstack([*(view.T for view in views), network.second]))[0]
    reduced = [view @ basis for view in views]
    matrix = symmetric_part(cross_matrix(*reduced))
    curvature = float(np.abs(np.linalg.eigvalsh(matrix)).max())
    size = max(float(np.linalg.norm(view)) for view in reduced) ** 2 / len(x)
    if not curvature > 1e-13 * size:
        raise InputError("the matrix of the features is all zeros: there is nothing to learn from these views")
    return FrozenFeatures(matrix / curvature, basis.T @ network.second, reduced[0], curvature)


def against_frozen(
    objective: Objective,
    views: np.ndarray,
    width: int,
    n_outputs: int,
    step_sizes: Sequence[float],
    times: np.ndarray,
    counts: Sequence[np.ndarray],
    seed: int,
) -> dict[str, Any]:
    """Both layers learn at each step size (views (views, n, d)); what frozen features say of it, at the same times.

    Values of :func:`neuroalpha.theory.grassmann.compare_random_features`: numbers, (time,), (step, time).
    """
    start = make_network(views.shape[2], width, n_outputs, seed, orthonormal=True)
    frozen = freeze(start, views[0], views[1], views[2] if len(views) == 3 else None)
    frames = frozen.exact(times)
    theory = frozen.kernel(frames)
    size = np.linalg.norm(theory, axis=(1, 2))
    found: dict[str, Any] = {
        "curvature": frozen.curvature,
        "loss_predicted": frozen.curvature * np.einsum("tiz,ij,tjz->t", frames, frozen.matrix, frames),
    }
    for name in ("kernel_error", "frozen_error", "loss_simulated"):
        found[name] = np.full((len(step_sizes), times.size), np.nan)
    last = start
    for step, (length, count) in enumerate(zip(step_sizes, counts, strict=True)):
        alone = frozen.kernel(frozen.stepped(count, length))
        found["frozen_error"][step] = np.linalg.norm(alone - theory, axis=(1, 2)) / size
        places = {int(index): place for place, index in enumerate(count)}
        course = descend(start, objective, views, np.empty(0), length / frozen.curvature)
        for index, (network, loss, (by_first, by_second)) in enumerate(course):
            if index == 0:
                found["gradient_ratio"] = float(np.linalg.norm(by_second) / np.linalg.norm(by_first))
            if index in places:
                outputs, place = network.outputs(views[0]), places[index]
                found["kernel_error"][step, place] = np.linalg.norm(outputs @ outputs.T - theory[place]) / size[place]
                found["loss_simulated"][step, place] = loss
            if index == count[-1]:
                last = network
                break
    found["first_change"] = relative_change(last.first, start.first)
    found["second_change"] = relative_change(last.second, start.second)
    ends = [tangent_kernel(network, views[0])[1] for network in (last, start)]
    # as many units as outputs: W2 spans all of them, its kernel is 0, and a change of rounding says nothing
    return found | {"kernel_change": relative_change(*ends) if width > n_outputs else float("nan")}
