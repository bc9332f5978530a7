"""Kernel: many simulations over a grid, over processes, resumable: the same numbers whatever the number of workers."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import numpy as np
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from neuroalpha._cache import ResultCache, content_key
from neuroalpha._processes import in_processes, n_cores
from neuroalpha.spectrum.calibration_cell import NoiseKind, Plan, read_alpha

Cell = tuple[NoiseKind, float]
Task = tuple[NoiseKind, float, int]
WORTH_PROCESSES = 20.0  # seconds; starting workers takes some of them


def run_grid(
    plan: Plan,
    cells: list[Cell],
    n_simulations: int,
    n_jobs: int | None = None,
    cache: ResultCache | None = None,
    progress: bool = False,
) -> dict[Cell, np.ndarray]:
    """Estimates (simulation, 3) of each cell: alpha, low, high; NaN where nothing could be read.

    What the cache holds is not computed again; every finished simulation is stored at once, so that an interrupted run
    goes on where it stopped, and a run with more simulations adds to those of an earlier one.
    """
    keys = {cell: content_key({**plan.parameters(), "noise": cell[0], "alpha": cell[1]}) for cell in cells}
    found: dict[Cell, dict[int, list[float]]] = {cell: _stored(cache, keys[cell]) for cell in cells}
    tasks = [(*cell, i) for i in range(n_simulations) for cell in cells if i not in found[cell]]
    bar = tqdm(total=len(tasks), desc="calibrate", unit="simulation", disable=not progress, file=sys.stderr, delay=1)
    unread = len(cells)  # simulation 0 of each cell comes first: where all fail, say why and stop
    with bar:
        for task, estimate in _results(plan, tasks, n_jobs, progress, cache):
            cell = task[:2]
            found[cell][task[2]] = list(estimate)
            if cache is not None:
                cache.merge(keys[cell], {str(task[2]): list(estimate)})
            bar.update()
            if task[2] == 0:
                unread -= bool(np.isnan(estimate[0]))
                if unread == 0:
                    read_alpha(plan, *task, strict=True)
    return {cell: np.array([found[cell][i] for i in range(n_simulations)], dtype=np.float64) for cell in cells}


def _results(
    plan: Plan, tasks: list[Task], n_jobs: int | None, progress: bool, cache: ResultCache | None
) -> Iterator[tuple[Task, tuple[float, float, float]]]:
    """Run the tasks, the first here and timed, which tells what the rest will cost and whether workers are worth it."""
    if not tasks:
        return
    with threadpool_limits(1):
        started = time.perf_counter()
        yield tasks[0], read_alpha(plan, *tasks[0])
        seconds = time.perf_counter() - started
        rest = tasks[1:]
        workers = min(n_jobs or n_cores(), max(len(rest), 1))
        if n_jobs is None and seconds * len(rest) < WORTH_PROCESSES:
            workers = 1
        if progress and seconds * len(rest) / workers > 2:
            kept = f"; finished ones are kept in {cache.folder}" if cache is not None else "; none are kept (no cache)"
            tqdm.write(
                f"calibrate: {len(rest)} more simulations of {plan.n_stimuli} stimuli x {plan.n_neuroids} neuroids x "
                f"{plan.n_repeats} repeats, {seconds:.1f} s each, about {_duration(seconds * len(rest) / workers)} on "
                f"{workers} {'core' if workers == 1 else 'cores'}{kept}",
                file=sys.stderr,
            )
        if workers == 1:
            for task in rest:
                yield task, read_alpha(plan, *task)
            return
    yield from in_processes(_work, plan, rest, workers, "n_jobs")


def _work(plan: Plan, task: Task) -> tuple[float, float, float]:
    return read_alpha(plan, *task)


def _stored(cache: ResultCache | None, key: str) -> dict[int, list[float]]:
    held = cache.get(key) if cache is not None else None
    return {
        int(index): [np.nan if value is None else float(value) for value in values]
        for index, values in (held or {}).items()
    }


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
