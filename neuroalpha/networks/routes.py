"""Which way each layer's spectrum goes, what it will cost, and why: the cost model of :mod:`.spectra`.

====================  ===================================================  =========================================
route                 memory beside the model                              time beside the products
====================  ===================================================  =========================================
covariance            a matrix (unit, unit) for each group, five more      one forward pass, or one for each set of
                      for one layer at a time, a stage                     layers whose matrices fit together
gram, held            3 matrices (stimulus, stimulus), all activations     one forward pass
gram, spilled         3 matrices, some of the activations                  one forward pass, the rest written, read
gram, recomputed      3 matrices, some of the activations                  as many forward passes as that share asks
====================  ===================================================  =========================================

A layer of p units and n stimuli takes the covariance if p < n and its matrices fit, else the Gram matrix: the side
whose product and eigenvalue problem are smaller. The wide layers of a call are held if they fit. If not, spilling is
expected to take ``bytes * (1 / written per second + 1 / read per second)`` more and recomputing ``(passes - 1)``
forward passes; all rates are measured on the spot, and the smaller sum is taken. How wide layers wait never changes a
bit of the result.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch

from neuroalpha.errors import InputError
from neuroalpha.networks.memory import available_memory
from neuroalpha.networks.sharding import Part
from neuroalpha.networks.store import ITEM
from neuroalpha.spectrum.accumulate import STAGE_BYTES, block_width

ROUTES = ("auto", "covariance", "gram", "gram, held", "gram, spilled", "gram, recomputed")
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}


class Measured(NamedTuple):
    """Of one forward pass over all stimuli, of the scratch file, and the space that there is for it in bytes."""

    seconds_per_pass: float
    seconds_per_byte: float
    free_disk: int


class Block(NamedTuple):
    """Units ``first`` to ``end`` (exclusive) of a layer, which belong to one part of it."""

    layer: str
    part: int
    first: int
    end: int

    def size(self, n: int) -> int:
        """Bytes of ``n`` stimuli."""
        return ITEM * n * (self.end - self.first)


@dataclass(frozen=True)
class Route:
    """The way of one call: what is done in which forward pass, and what that is expected to cost."""

    covariance: tuple[tuple[str, ...], ...]
    """Layers that go by the covariance, in sets whose matrices fit together."""
    gram: tuple[str, ...]
    """Layers that go by the Gram matrix."""
    wide: str
    """How they wait: "held", "spilled", "recomputed", or "" without such layers."""
    blocks: tuple[tuple[Block, ...], ...]
    """Their blocks, in sets that wait together."""
    in_memory: int
    """How many blocks of a set wait in memory, the first ones."""
    shared: bool
    """Whether the first set of layers and the first set of blocks take the same forward pass."""
    expected_bytes: int
    """Memory beside the model and one batch."""
    scratch_bytes: int
    """In the scratch file."""
    expected_extra_seconds: float
    """Of spilling or recomputing, beyond one forward pass and the products; NaN where nothing was to be chosen."""
    choices: Mapping[str, float] = field(default_factory=dict)
    """Expected extra seconds of each way that was possible."""

    @property
    def n_passes(self) -> int:
        """Forward passes over the stimuli."""
        return len(self.covariance) + len(self.blocks) - self.shared

    def of(self, layer: str) -> str:
        """The route of one layer in words."""
        return f"gram, {self.wide}" if layer in self.gram else "covariance"


def parse_bytes(text: str | int | float | None) -> int | None:
    """Return bytes for ``"2 GB"``, ``"500MiB"`` or a number; None stays None.

    Examples
    --------
    >>> parse_bytes("2 GB"), parse_bytes("1.5GiB"), parse_bytes(1000)
    (2000000000, 1610612736, 1000)
    """
    if text is None or (isinstance(text, int | float) and not isinstance(text, bool) and 0 < text < 2**63):
        return None if text is None else int(text)
    parts = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]i?)?b?\s*", str(text).lower())
    if not parts or float(parts[1]) <= 0:
        raise InputError(f"memory is {text!r}; expected a size as '2 GB', '500 MiB' or a number of bytes")
    return int(float(parts[1]) * _UNITS[parts[2] or ""])


def plan_route(
    units: Mapping[str, int],
    n: int,
    n_groups: int,
    memory: int,
    measure: Callable[[], Measured],
    route: str = "auto",
    part: Part | None = None,
    beside: int = 0,
) -> Route:
    """Choose the way for layers of so many units over ``n`` stimuli.

    ``memory`` is the bound in bytes, of which ``beside`` are taken already. ``measure`` is called only where not all
    can be held, and a choice hangs on time. InputError where nothing fits, with the numbers.
    """
    part = part or Part()
    memory -= beside
    narrow = [layer for layer, p in units.items() if _by_covariance(p, n, n_groups, memory, route, part.n_parts)]
    gram = tuple(layer for layer in units if layer not in narrow)
    states = [state_bytes(units[layer], n, n_groups, part.n_parts) for layer in narrow]
    working = max((finish_bytes(units[layer], n, n_groups) for layer in narrow), default=0)
    groups = tuple(tuple(narrow[at] for at in group) for group in cut(states, memory - working) if group)
    least_narrow = max(states, default=0) + working
    narrow_bytes = sum(states) + working  # of all of them at once
    loads = [
        tuple(block for layer in gram for block in layer_blocks(layer, units[layer], n, part, mine))
        for mine in part.loads
    ]
    own = loads[part.rank if part.together else 0]
    # What is chosen hangs on the process that has the most to do: all must come to the same.
    sizes = max(([block.size(n) for block in load] for load in loads), key=sum)
    largest = max(sizes, default=0)
    fixed = gram_bytes(n, n_groups, part.together) if gram else 0
    least_wide = fixed + 4 * largest  # one block, read, centred in float64, and one that waits
    if max(least_narrow, least_wide) > memory:
        _refuse(units, n, n_groups, memory + beside, gram, max(least_narrow, least_wide) + beside)
    if not gram:
        needed = beside + (narrow_bytes if len(groups) == 1 else memory)
        return Route(groups, (), "", (), 0, False, needed, 0, float("nan"))
    fixed += 2 * largest
    # The matrices of wide layers come when the stimuli have passed and the moments are gone.
    shared = len(groups) == 1 and part.n_parts == 1 and memory - narrow_bytes >= 2 * largest
    base = max(fixed, narrow_bytes) if shared else fixed
    room = memory - base
    if sum(sizes) <= room and not route.endswith(("spilled", "recomputed")):
        needed = beside + max(base + sum(sizes), narrow_bytes if len(groups) == 1 else memory * bool(groups))
        return Route(groups, gram, "held", (own,), len(own), shared, needed, 0, float("nan"))
    if route == "gram, held":
        raise InputError(
            f"route='gram, held' needs {(beside + base + sum(sizes)) / 1e9:.3g} GB, {sum(sizes) / 1e9:.3g} GB of it "
            f"for activations, but memory is {(memory + beside) / 1e9:.3g} GB; give more, or leave route='auto'"
        )
    measured = measure()

    def waiting(blocks: Sequence[Block]) -> int:  # how many are held beside one that is read back
        ends = np.cumsum([block.size(n) for block in blocks])
        return int(np.searchsorted(ends, room - largest, side="right"))

    spilled = max(sum(block.size(n) for block in load[waiting(load) :]) for load in loads)
    choices = {}
    if not route.endswith("spilled"):
        choices["recomputed"] = (len(cut(sizes, room)) - 1) * measured.seconds_per_pass
    if not route.endswith("recomputed") and spilled < measured.free_disk:
        choices["spilled"] = spilled * measured.seconds_per_byte
    if not choices:
        raise InputError(
            f"route='gram, spilled' needs {spilled / 1e9:.3g} GB of scratch space, but only "
            f"{measured.free_disk / 1e9:.3g} GB are free; name another folder with scratch=, or leave route='auto'"
        )
    wide = min(choices, key=lambda way: choices[way])
    if wide == "recomputed":
        sets = tuple(tuple(own[at] for at in group) for group in cut([block.size(n) for block in own], room))
        return Route(groups, gram, wide, sets, len(own), shared, memory + beside, 0, choices[wide], choices)
    return Route(groups, gram, wide, (own,), waiting(own), shared, memory + beside, spilled, choices[wide], choices)


def layer_blocks(layer: str, units: int, n: int, part: Part, mine: range) -> Iterator[Block]:
    """The blocks of some parts of a layer, in order; a part holds whole blocks."""
    width = block_width(n)
    count = -(-units // width)
    for index in mine:
        first, end = part.bounds(count, index)
        for number in range(first, end):
            yield Block(layer, index, number * width, min(units, (number + 1) * width))


def default_memory(device: torch.device | None = None) -> int:
    """Half of the memory that is free now, in bytes; that of a GPU where the blocks are there."""
    if device is not None and device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0] // 2
    return (available_memory() or 8 * 2**30) // 2


def state_bytes(p: int, n: int, n_groups: int, n_parts: int = 1) -> int:
    """Memory of a layer that goes by the covariance while stimuli pass: a matrix for each group, and the stage.

    In several parts, those of the parts before are there too.
    """
    return 8 * p * p * max(n_groups, 1) * (1 if n_parts == 1 else 2) + min(STAGE_BYTES, 4 * p * n)


def finish_bytes(p: int, n: int, n_groups: int) -> int:
    """Memory that one layer at a time needs beyond that: rows in float64 as they are multiplied, or the eigenvalues."""
    return max(4 * min(STAGE_BYTES, 4 * p * n), 8 * p * p * (5 if n_groups else 3))


def gram_bytes(n: int, n_groups: int, together: bool = False) -> int:
    """Memory of the Gram matrix, of what the eigenvalues need, and of one draw or of another process's beside it."""
    return 8 * n * n * (3 if n_groups or together else 2)


def cut(sizes: Sequence[int], room: int) -> list[list[int]]:
    """Consecutive things of these sizes in groups that fit into ``room``, at least one each.

    Examples
    --------
    >>> cut([3, 3, 3, 9, 1], 6)
    [[0, 1], [2], [3], [4]]
    """
    groups: list[list[int]] = [[]]
    used = 0
    for index, size in enumerate(sizes):
        if groups[-1] and used + size > room:
            groups.append([])
            used = 0
        groups[-1].append(index)
        used += size
    return groups


def _by_covariance(p: int, n: int, n_groups: int, memory: int, route: str, n_parts: int) -> bool:
    if route != "auto":
        return route == "covariance"
    return p < n and state_bytes(p, n, n_groups, n_parts) + finish_bytes(p, n, n_groups) <= memory


def _refuse(units: Mapping[str, int], n: int, n_groups: int, memory: int, gram: tuple[str, ...], least: int) -> None:
    largest = max(units, key=lambda layer: units[layer])
    draws = ", ask for no draws" if n_groups else ""
    raise InputError(
        f"the spectra of {len(units)} layers over {n} stimuli need at least {least / 1e9:.3g} GB "
        f"({len(units) - len(gram)} by the covariance, {len(gram)} by the Gram matrix; the largest is {largest!r} with "
        f"{units[largest]} units), but memory is {memory / 1e9:.3g} GB; give more, take fewer stimuli{draws}, pool "
        "with reduce='mean', or accept an approximation with reduce='project:4096'"
    )
