"""The passes over the stimuli: moments of narrow layers, blocks of wide ones, and the products after each pass."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from neuroalpha.errors import InputError
from neuroalpha.networks.projection import UnitSums
from neuroalpha.networks.reduce import Reduction
from neuroalpha.networks.routes import Block, Route
from neuroalpha.networks.sharding import Part
from neuroalpha.networks.store import Store
from neuroalpha.networks.stream import Stream
from neuroalpha.networks.widegram import Outcome, WideGrams
from neuroalpha.spectrum.accumulate import Covariance, Gram, check_varies, from_moments
from neuroalpha.spectrum.gram import Engine
from neuroalpha.spectrum.moments import Moments, merge


@dataclass
class Clock:
    """Seconds that the call took: of forward passes, of products, and of spilling or recomputing beyond one pass."""

    forward: float = 0.0
    products: float = 0.0
    extra: float = 0.0

    @contextmanager
    def runs(self, *names: str) -> Iterator[None]:
        """Add the time of the ``with`` block."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            taken = time.perf_counter() - begun
            for name in names:
                setattr(self, name, getattr(self, name) + taken)


@dataclass(frozen=True)
class Setting:
    """What the passes need to know, the same for all layers."""

    stream_of: Callable[[Iterable[str]], Stream]
    reductions: Mapping[str, Reduction]
    way: Route
    n: int
    groups: np.ndarray | None
    n_groups: int
    engine: Engine
    center: bool
    part: Part
    home: torch.device
    scratch: str | os.PathLike[str] | None
    progress: bool
    clock: Clock = field(default_factory=Clock)
    sums: dict[str, UnitSums] = field(default_factory=dict)
    """Of the units of projected layers, filled by the passes."""


def run_passes(setting: Setting) -> dict[str, Outcome]:
    """Eigenvalues of every layer, or what was wrong with it."""
    way, part = setting.way, setting.part
    done: dict[str, Outcome] = {}
    narrow = list(way.covariance)
    if part.n_parts > 1:  # stimuli are shared out for moments, units for Gram matrices
        for group in narrow:
            done.update(_moments_of_parts(setting, group))
        narrow = []
    passes: list[tuple[Sequence[str], Sequence[Block]]]
    if way.shared:
        passes = [(narrow[0], way.blocks[0]), *(((), blocks) for blocks in way.blocks[1:])]
    else:
        passes = [*((layers, ()) for layers in narrow), *(((), blocks) for blocks in way.blocks)]
    grams = WideGrams(
        lambda: Gram(setting.n, setting.groups, setting.n_groups, setting.engine, setting.center), part, way.gram
    )
    for number, (layers, blocks) in enumerate(passes):
        if layers or blocks:  # a process may have no block
            title = f"pass {number + 1} of {len(passes)}"
            with setting.clock.runs(*(["extra"] if number else [])):
                filled = _forward(setting, layers, blocks, title)
            _products(setting, *filled, grams, done)
    with setting.clock.runs("products"):
        done.update(grams.finish())
    for layer in way.gram:
        projection = setting.reductions[layer].projection
        if projection and part.together:
            sums = setting.sums.setdefault(layer, UnitSums.of_none(projection.units))
            sums.share(part, part.n_parts - 1)  # the last part is never empty
    return {layer: _if_varies(outcome, setting.reductions[layer].units) for layer, outcome in done.items()}


def _forward(
    setting: Setting, layers: Sequence[str], blocks: Sequence[Block], title: str
) -> tuple[dict[str, Covariance | InputError], Sequence[Block], Store]:
    """One pass over all stimuli: moments of some layers, and blocks of others."""
    wanted = {*layers, *(block.layer for block in blocks)}
    stream = setting.stream_of([layer for layer in setting.reductions if layer in wanted])
    kept: dict[str, Covariance | InputError] = {layer: _covariance(setting, layer) for layer in layers}
    sums: dict[str, UnitSums] = {}
    store = Store(
        setting.n, [block.end - block.first for block in blocks], setting.way.in_memory, setting.home, setting.scratch
    )
    try:
        with stream, setting.clock.runs("forward"):
            for start, outputs in _batches(setting, stream, 0, setting.n, title, sums):
                _add(kept, start, outputs)
                for index, block in enumerate(blocks):
                    store.write(index, start, outputs[block.layer][:, block.first : block.end])
    except BaseException:
        store.close()
        raise
    setting.sums.update(sums)
    return kept, blocks, store


def _products(
    setting: Setting,
    kept: dict[str, Covariance | InputError],
    blocks: Sequence[Block],
    store: Store,
    grams: WideGrams,
    done: dict[str, Outcome],
) -> None:
    """The products and eigenvalues of a pass; what is spent is given up at once."""
    with store, setting.clock.runs("products"):
        for layer in list(kept):
            done[layer] = _finished(kept.pop(layer), setting.center)
        for index, block in enumerate(blocks):
            done.update(grams.add(block.layer, block.part, block.first, store.take(index)))
    setting.clock.extra += store.seconds


def _moments_of_parts(setting: Setting, layers: Sequence[str]) -> dict[str, Outcome]:
    """The covariance of narrow layers from parts of the stimuli, merged in the order of the parts."""
    part, engine = setting.part, setting.engine
    faults: dict[str, str] = dict.fromkeys(layers, "")
    merged: dict[str, list[Moments]] = {}
    sums: dict[str, UnitSums] = {}
    for index in part.mine:
        begin, end = part.bounds(setting.n, index)
        kept: dict[str, Covariance | InputError] = {
            layer: _covariance(setting, layer) for layer in layers if not faults[layer]
        }
        stream = setting.stream_of(layers)
        of_part: dict[str, UnitSums] = {}
        with stream, setting.clock.runs("forward"):
            for start, outputs in _batches(setting, stream, begin, end, f"part {index + 1} of {part.n_parts}", of_part):
                _add(kept, start, outputs)
        for layer in list(kept):
            states = _flushed(kept.pop(layer))
            if isinstance(states, InputError):
                faults[layer] = str(states)
                merged.pop(layer, None)
            else:
                before = merged.pop(layer, None)
                merged[layer] = states if before is None else _merged(before, states, engine)
        for layer, some in of_part.items():
            sums[layer] = sums[layer].merged(some) if layer in sums else some
    done: dict[str, Outcome] = {}
    for layer in layers:
        fault = part.first_fault(faults[layer])
        if fault:
            done[layer] = InputError(fault)
            continue
        states = merged.pop(layer)
        if part.together:
            states = [part.merged_moments(state, engine) for state in states]
        if layer in sums:
            setting.sums[layer] = sums[layer].merged_across(part)
        with setting.clock.runs("products"):
            done[layer] = from_moments(states, setting.center, engine)
    return done


def _merged(before: list[Moments], after: list[Moments], engine: Engine) -> list[Moments]:
    return [merge(*two, engine) for two in zip(before, after, strict=True)]


def _covariance(setting: Setting, layer: str) -> Covariance:
    return Covariance(setting.reductions[layer].units, setting.groups, setting.n_groups, setting.engine)


def _add(kept: dict[str, Covariance | InputError], start: int, outputs: Mapping[str, Any]) -> None:
    """Add a batch to every narrow layer; one that turns out bad is left out from there on, and the others go on."""
    for layer, covariance in kept.items():
        if isinstance(covariance, Covariance):
            rows = outputs[layer]
            try:
                covariance.add(start, rows if rows.device.type != "cpu" else rows.numpy())
            except InputError as error:
                kept[layer] = error


def _flushed(covariance: Covariance | InputError) -> list[Moments] | InputError:
    if isinstance(covariance, InputError):
        return covariance
    try:
        covariance.flush()
    except InputError as error:
        return error
    return covariance.states


def _finished(covariance: Covariance | InputError, center: bool) -> Outcome:
    if isinstance(covariance, InputError):
        return covariance
    try:
        return covariance.finish(center)
    except InputError as error:
        return error


def _if_varies(outcome: Outcome, units: int) -> Outcome:
    try:
        return outcome if isinstance(outcome, InputError) else check_varies(outcome, units)
    except InputError as error:
        return error


def _batches(
    setting: Setting, stream: Stream, begin: int, end: int, title: str, sums: dict[str, UnitSums]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Batches of the stream with a progress bar on stderr; adds up the units of projected layers in ``sums``."""
    projections = {layer: one.projection for layer, one in stream.reductions.items() if one.projection is not None}
    for layer, projection in projections.items():
        projection.sums_wanted = True
        sums[layer] = UnitSums.of_none(projection.units)
    hidden = not (setting.progress and setting.part.rank == 0)
    with tqdm(total=end - begin, unit="image", desc=title, file=sys.stderr, delay=1, disable=hidden) as bar:
        for start, stop, outputs in stream.over(begin, end):
            for layer, projection in projections.items():  # of this batch: one that ran out of memory never comes here
                sums[layer] = sums[layer].merged(projection.sums)
            yield start, outputs
            outputs.clear()  # one batch at a time in memory, not this and the next
            bar.update(stop - start)
