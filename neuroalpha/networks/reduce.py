"""From what a layer gives to one row of neuroids for each image, by a rule that follows from the output's shape.

========  =============================================  ===========================================================
rule      output                                         reductions
========  =============================================  ===========================================================
map       (N, C, H, W), or (N, H, W, C) by channels=     ``flatten``, ``mean`` and ``max`` over space, ``project:K``
tokens    (N, T, D)                                      ``flatten``, ``mean`` and ``max`` over tokens, ``cls`` (the
                                                         first token), ``project:K``
vector    (N, D) or (N,)                                 unchanged by all; only ``project:K`` changes it
array     five dimensions or more                        ``flatten``, ``project:K``
========  =============================================  ===========================================================
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from neuroalpha.errors import InputError, nearest
from neuroalpha.networks.projection import Projection

COORDS = ("channel", "row", "column", "token")
"""Where a neuroid sits in its layer; -1 where that does not apply."""

_AXES = {
    ("map", "first"): ("channel", "row", "column"),
    ("map", "last"): ("row", "column", "channel"),
    ("tokens", "first"): ("token", "channel"),
    ("tokens", "last"): ("token", "channel"),
}
"""What the axes after the first mean; a vector's axis and those of an array have no meaning that we know."""


def rule(shape: tuple[int, ...]) -> str:
    """Name the rule for an output of this shape, batch included.

    Examples
    --------
    >>> rule((64, 512, 7, 7)), rule((64, 197, 768)), rule((64, 1000))
    ('map', 'tokens', 'vector')
    """
    return {1: "vector", 2: "vector", 3: "tokens", 4: "map"}.get(len(shape), "array")


@dataclass(frozen=True)
class Reduction:
    """How one layer becomes neuroids: ``apply`` it to an output (N, ...) for (N, units)."""

    apply: Callable[[Tensor], Tensor]
    units: int
    coords: dict[str, np.ndarray]
    """For each of ``COORDS`` that applies, int32 (units,)."""
    step: dict[str, Any]
    """The record for ``preprocessing``."""
    projection: Projection | None = None
    """The same as ``apply`` where units are projected: what came out is an approximation."""


def make_reduction(layer: str, shape: tuple[int, ...], how: str, channels: str = "auto", seed: int = 0) -> Reduction:
    """Choose the reduction of one layer.

    Parameters
    ----------
    layer
        Its name, for messages and, with ``seed``, for the seed of a projection: two layers never share one, and a layer
        keeps its own whichever others are asked for.
    shape
        Of the output, batch included.
    how
        ``"flatten"``, ``"mean"``, ``"max"``, ``"cls"`` or ``"project:K"``. The last is K sparse random projections of
        the flattened output (Li, Hastie & Church 2006, density 1/sqrt(units); scikit-learn's
        ``SparseRandomProjection``). It keeps distances, and eigenvalues roughly: **not the exact spectrum**, whose tail
        it bends most (:mod:`~neuroalpha.networks.projection` bounds by how much). A layer with K units or fewer is left
        as it is.
    channels
        ``"first"`` for maps (N, C, H, W), ``"last"`` for (N, H, W, C). ``"auto"`` is "first", unless the first two of
        the three sizes agree and the third does not: such a map is likely square and channels last, and is refused.
    seed
        Of the projections.

    Raises
    ------
    InputError
        For a reduction that does not exist or does not apply to this shape.

    Examples
    --------
    >>> import torch
    >>> reduction = make_reduction("layer3", (2, 4, 3, 3), "mean")
    >>> reduction.units, tuple(reduction.apply(torch.zeros(2, 4, 3, 3)).shape)
    (4, (2, 4))
    """
    if channels not in ("auto", "first", "last"):
        raise InputError(f"channels= is 'auto', 'first' (N, C, H, W) or 'last' (N, H, W, C), not {channels!r}")
    kind = rule(shape)
    if channels == "auto":
        if kind == "map" and shape[1] == shape[2] != shape[3] and shape[1] > 1:
            raise InputError(
                f"the map of {layer!r} has shape {shape}, which looks like (N, H, W, C): say channels='last', or "
                "channels='first' if it is (N, C, H, W) (on the command line --channels)"
            )
        channels = "first"
    axes = _AXES.get((kind, channels), ())
    step = {"step": "reduce", "layer": layer, "rule": kind, "reduce": how}
    if kind == "map":
        step["channels"] = channels
    units = math.prod(shape[1:])
    projected = re.fullmatch(r"project:(\d+)", how)
    if projected:
        wanted = int(projected[1])
        if wanted < 1:
            raise InputError(
                f"reduce={how!r} for {layer!r} asks for no projection at all; give project:K with K of 1 or more"
            )
        if wanted < units:
            layer_seed = zlib.crc32(f"{seed}/{layer}".encode())
            projection = Projection(units, wanted, layer_seed)
            return Reduction(projection, wanted, {}, {**step, "seed": seed}, projection)
        how = "flatten"
    if how not in _METHODS:
        raise InputError(
            f"there is no reduction {how!r}{nearest(how, [*_METHODS, 'project:1000'])}; use {', '.join(_METHODS)} or "
            "project:K"
        )
    if kind == "vector" or how == "flatten":
        return Reduction(_flatten, units, _grid(axes, shape[1:]), step)
    if not axes or (how == "cls" and kind != "tokens"):
        raise InputError(
            f"reduce={how!r} does not apply to {layer!r}, whose output {shape} is a rule-{kind!r} output; use 'flatten'"
            + (", 'mean' or 'max'" if kind == "map" else "")
        )
    return _pool(how, axes, shape, step)


def _pool(how: str, axes: tuple[str, ...], shape: tuple[int, ...], step: dict[str, Any]) -> Reduction:
    """Reduce over every axis but the channels'."""
    over = tuple(1 + place for place, axis in enumerate(axes) if axis != "channel")
    method = _METHODS[how]
    units = shape[1 + axes.index("channel")]
    coords = {"channel": np.arange(units, dtype=np.int32)}
    if how == "cls":
        coords["token"] = np.zeros(units, dtype=np.int32)
    return Reduction(lambda output: method(output, over), units, coords, step)


def _flatten(output: Tensor) -> Tensor:
    return output.reshape(len(output), -1)


_METHODS: dict[str, Callable[[Tensor, tuple[int, ...]], Tensor]] = {
    "flatten": lambda output, over: _flatten(output),
    "mean": lambda output, over: output.mean(over),
    "max": lambda output, over: output.amax(over),
    "cls": lambda output, over: output[:, 0],
}


def _grid(axes: tuple[str, ...], sizes: tuple[int, ...]) -> dict[str, np.ndarray]:
    """The place of every unit of a flattened output, in its order."""
    return {
        axis: np.broadcast_to(
            np.arange(sizes[place], dtype=np.int32).reshape([-1 if p == place else 1 for p in range(len(sizes))]), sizes
        ).reshape(-1)
        for place, axis in enumerate(axes)
    }
