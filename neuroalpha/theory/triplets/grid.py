"""Kernel: what supervision signals recover over a grid of points, classes and dimensions; parallel, resumable."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from neuroalpha._cache import ResultCache, content_key
from neuroalpha._processes import in_processes, n_cores
from neuroalpha.theory.triplets.comparisons import LabelComparisons
from neuroalpha.theory.triplets.effective import effective_dimension, similarity_correlation, wrong_shares
from neuroalpha.theory.triplets.gnmds import PENALTY, solve
from neuroalpha.theory.triplets.labels import (
    hard_labels,
    latent_distances,
    proximity_labels,
    soft_labels,
    sparse_labels,
)
from neuroalpha.theory.triplets.latents import cosine_similarity, draw_latents, gram_similarity
from neuroalpha.theory.triplets.top_classes import top_class_labels

MEASURES = (
    "rho", "rho_points", "rho_asked", "effective_dimension", "n_triplets", "wrong_first", "wrong", "satisfied", "gap",
)  # fmt: skip
KINDS = ("hard", "soft", "proximity", "sparse", "top-class")
WORTH_PROCESSES = 8.0  # seconds; starting workers takes some of them


class Signal(NamedTuple):
    """A kind of label, with the entries of a row kept in sparse labels, the classes kept in top-class ones."""

    kind: str
    sparsity: int = 0


class Cell(NamedTuple):
    """One simulation."""

    n: int
    k: int
    d: int
    signal: Signal
    repeat: int


@dataclass(frozen=True)
class Plan:
    """What all simulations share."""

    seed: int = 0
    spread: float = 1.0
    noise: float = 0.0
    penalty: float = PENALTY
    tolerance: float = 0.01


def labels_of(distance: np.ndarray, signal: Signal, similarity: np.ndarray) -> np.ndarray:
    """Labels (n, k) of a kind, from distances (n, k) and, for top classes, the true similarity (n, n) of points."""
    soft = soft_labels(distance)
    if signal.kind == "hard":
        return hard_labels(soft)
    if signal.kind == "proximity":
        return proximity_labels(distance)
    if signal.kind == "sparse":
        return sparse_labels(soft, signal.sparsity)
    if signal.kind == "top-class":
        return top_class_labels(soft, signal.sparsity, similarity)
    return soft


def asked_classes(labels: np.ndarray) -> np.ndarray:
    """Which classes (k,) have an entry at all: all of them, but for those that top-class labels drop."""
    return np.isfinite(labels).any(axis=0)


def simulate_cell(plan: Plan, cell: Cell) -> tuple[float, ...]:
    """Draw latents, label them, recover the similarities from the labels alone; the numbers of MEASURES.

    All signals of an (n, k, d, repeat) label the same latents.
    """
    drawn = draw_latents(cell.n, cell.k, cell.d, plan.seed, cell.repeat, plan.spread)
    truth = cosine_similarity(drawn.items)
    distance = latent_distances(drawn.points, drawn.centroids)
    labels = labels_of(distance, cell.signal, truth[: cell.n, : cell.n])
    comparisons = LabelComparisons(labels, plan.noise, (plan.seed, cell.n, cell.k, cell.d, cell.repeat, 1))
    wrong_first, _, wrong = wrong_shares(labels, distance)
    found = dict.fromkeys(MEASURES, np.nan) | {"n_triplets": float(comparisons.n_triplets)}
    if comparisons.n_triplets == 0:
        return tuple(found.values())
    fit = solve(comparisons, plan.penalty, plan.tolerance)
    recovered = gram_similarity(fit.gram)
    found |= {"wrong_first": wrong_first, "wrong": wrong, "satisfied": fit.satisfied, "gap": fit.gap}
    # Centroids that no comparison is of have no place: their recovered cosines are 0, and pull a correlation down.
    points, asked = slice(0, cell.n), np.r_[np.arange(cell.n), cell.n + np.flatnonzero(asked_classes(labels))]
    found["rho"] = similarity_correlation(recovered, truth)
    found["rho_points"] = similarity_correlation(recovered[points, points], truth[points, points])
    found["rho_asked"] = similarity_correlation(recovered[np.ix_(asked, asked)], truth[np.ix_(asked, asked)])
    found["effective_dimension"] = float(effective_dimension(drawn.items, found["rho"]))
    return tuple(found.values())


def run_grid(
    plan: Plan,
    cells: list[Cell],
    workers: int | None = None,
    cache: ResultCache | None = None,
    progress: bool = False,
) -> dict[Cell, tuple[float, ...]]:
    """The measures of each cell; the same numbers whatever the number of workers and however often it was interrupted.

    Each finished cell is stored at once; what the cache holds is not computed again.
    """
    places = {cell: _place(plan, cell) for cell in cells}
    held = {key: _stored(cache, key) for key in {key for key, _ in places.values()}}
    found = {cell: held[key][name] for cell, (key, name) in places.items() if name in held[key]}
    left = [cell for cell in cells if cell not in found]
    # In random order, so that the bar's estimate of the time left is fair: large cells take a thousand times as long.
    left = [left[i] for i in np.random.default_rng(0).permutation(len(left))]
    bar = tqdm(total=len(left), desc="simulate", unit="cell", disable=not progress, file=sys.stderr, delay=1)
    with bar:
        for cell, measures in _results(plan, left, workers):
            found[cell] = measures
            if cache is not None:
                cache.merge(places[cell][0], {places[cell][1]: list(measures)})
            bar.update()
    return {cell: found[cell] for cell in cells}


def seconds_of(cell: Cell) -> float:
    """About how long a cell takes on one core of the machine this was measured on; for choosing, not for telling."""
    full = cell.n * cell.k * (cell.n + cell.k)
    return 0.01 + full * (2e-6 if cell.signal.kind != "hard" else 3e-7)


def _results(plan: Plan, cells: list[Cell], workers: int | None) -> Iterator[tuple[Cell, tuple[float, ...]]]:
    n_workers = min(workers or n_cores(), max(len(cells), 1))
    if n_workers == 1 or (workers is None and sum(map(seconds_of, cells)) < WORTH_PROCESSES):
        with threadpool_limits(1):
            for cell in cells:
                yield cell, simulate_cell(plan, cell)
        return
    yield from in_processes(simulate_cell, plan, cells, n_workers, "workers")


def _place(plan: Plan, cell: Cell) -> tuple[str, str]:
    """File and entry of a cell: a file for each (n, k, d, signal), an entry for each repeat."""
    # The measures are part of the key: what an earlier version kept does not hold all of them.
    what = {
        "simulation": "supervision",
        "measures": list(MEASURES),
        "n": cell.n,
        "k": cell.k,
        "d": cell.d,
        "signal": list(cell.signal),
    }
    return content_key({**asdict(plan), **what}), str(cell.repeat)


def _stored(cache: ResultCache | None, key: str) -> dict[str, tuple[float, ...]]:
    held = cache.get(key) if cache is not None else None
    return {
        str(name): tuple(np.nan if value is None else float(value) for value in values)
        for name, values in (held or {}).items()
    }
