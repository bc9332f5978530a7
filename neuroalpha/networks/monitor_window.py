"""Kernel: the last N rows of a layer, kept where they come from without a word to the device until they are asked for.

Two ways to keep them. A ring of the rows themselves, (N, units): exact to the row. Where that takes more memory than
moments (N far above the number of units), a queue of moments of N / 8 consecutive rows each, the oldest of which is
dropped as soon as the others hold N rows: a window of N rows or up to an eighth more. Adding only queues work on a GPU:
nothing is read back, so the training step never waits. Rows with NaN or infinite values are left out of every sum, by
masks rather than by looking.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neuroalpha.spectrum import gram, moments, twin
from neuroalpha.spectrum.blocks import slices
from neuroalpha.spectrum.gram import Engine
from neuroalpha.spectrum.moments import Moments

ROWS_BYTES = 16 * 2**20  # up to this the rows are kept even where moments would be smaller: they are exact and cheaper
CHUNKS = 8  # the moments that make up a window: more hold N rows more closely, and take more memory


@dataclass(frozen=True)
class Chunk:
    """Moments of ``n`` consecutive rows, of which ``count`` () are finite, on their device; first row from ``step``."""

    n: int
    step: int
    count: Tensor
    mean: Tensor
    scatter: Tensor
    low: Tensor
    high: Tensor

    def to(self, device: torch.device) -> Chunk:
        """The same on another device."""
        return replace(self, **{name: getattr(self, name).to(device) for name in _TENSORS})


_TENSORS = ("count", "mean", "scatter", "low", "high")


@dataclass(frozen=True)
class Content:
    """What a window holds, read from its device: finite ``rows`` (row, units), or their ``moments``, or both.

    ``low`` and ``high`` (units,) are the ends of what each unit said.
    """

    n_samples: int
    n_nonfinite: int
    first_step: int
    latest_finite: bool
    low: np.ndarray
    high: np.ndarray
    rows: Tensor
    moments: Moments | None
    device: str

    @property
    def engine(self) -> Engine:
        """What multiplies on the device of this content."""
        return twin.engine(None if self.device == "cpu" else self.device)


class Window:
    """The last ``last`` rows of a layer, or up to an eighth more where moments are kept.

    Memory: ``4 last units`` bytes for rows (8 for float64), else ``72 units^2 + 4 last / 8 units``.
    """

    def __init__(self, last: int, units: int, dtype: torch.dtype, device: torch.device) -> None:
        self.last, self.units = last, units
        self.by_rows = last * dtype.itemsize * units <= max(ROWS_BYTES, CHUNKS * 8 * units**2)
        size = last if self.by_rows else -(-last // CHUNKS)
        self.rows = torch.empty((size, units), dtype=dtype, device=device)
        self.steps = torch.empty(size, dtype=torch.int64)
        self.at = 0
        self.full = False
        self.chunks: deque[Chunk] = deque()
        self.latest_finite = torch.ones((), dtype=torch.bool, device=device)

    def add(self, rows: Tensor, step: int) -> None:
        """Copy rows (row, units) of one forward pass; they are the newest."""
        if rows.device != self.rows.device:
            self.to(rows.device)
        self.latest_finite = (
            (rows * 0).sum(1).isfinite().any()
        )  # NaN, infinity: times 0 is NaN; faster than asking each
        start, size = 0, len(self.rows)
        while start < len(rows):
            n = min(len(rows) - start, size - self.at)
            self.rows[self.at : self.at + n] = rows[start : start + n]
            self.steps[self.at : self.at + n] = step
            self.at, start = self.at + n, start + n
            if self.at == size:
                self.at = 0
                if self.by_rows:
                    self.full = True
                else:
                    self.chunks.append(condense(self.rows, int(self.steps[0])))
        while self.chunks and sum(chunk.n for chunk in self.chunks) - self.chunks[0].n + self.at >= self.last:
            self.chunks.popleft()

    def to(self, device: torch.device) -> None:
        """Move everything to another device."""
        self.rows, self.latest_finite = self.rows.to(device), self.latest_finite.to(device)
        self.chunks = deque(chunk.to(device) for chunk in self.chunks)

    def content(self) -> Content:
        """Read what is kept; this waits for the device."""
        order = [slice(self.at, None), slice(0, self.at)] if self.full else [slice(0, self.at)]
        held = torch.cat([self.rows[part] for part in order])
        finite = torch.isfinite(held).all(1)
        rows, device = held[finite], str(self.rows.device)
        counts = [int(chunk.count) for chunk in self.chunks]
        steps = [chunk.step for chunk in self.chunks] + [
            int(self.steps[part][0]) for part in order if self.steps[part].numel()
        ]
        lows, highs = [chunk.low for chunk in self.chunks], [chunk.high for chunk in self.chunks]
        if len(rows):
            lows, highs = [*lows, rows.amin(0)], [*highs, rows.amax(0)]
        nothing = self.rows.new_full((self.units,), torch.inf)
        found = Content(
            n_samples=sum(counts) + len(rows),
            n_nonfinite=sum(chunk.n for chunk in self.chunks) - sum(counts) + len(held) - len(rows),
            first_step=steps[0] if steps else 0,
            latest_finite=bool(self.latest_finite),
            low=torch.stack([*lows, nothing]).amin(0).double().cpu().numpy(),
            high=torch.stack([*highs, -nothing]).amax(0).double().cpu().numpy(),
            rows=rows,
            moments=None,
            device=device,
        )
        if self.by_rows:
            return found
        total = moments.empty(self.units, found.engine)
        for chunk, count in zip(self.chunks, counts, strict=True):
            if count:
                total = moments.merge(total, _as_moments(count, chunk.mean, chunk.scatter), found.engine)
        return replace(found, moments=total)

    def state(self) -> dict[str, Any]:
        """Copies of all tensors, and plain numbers: what :meth:`restored` takes."""
        return {
            "last": self.last,
            "units": self.units,
            "rows": self.rows[: len(self.rows) if self.full else self.at].clone(),
            "steps": self.steps[: len(self.rows) if self.full else self.at].clone(),
            "at": self.at,
            "full": self.full,
            "latest_finite": self.latest_finite.clone(),
            "chunks": [
                {"n": chunk.n, "step": chunk.step, **{name: getattr(chunk, name).clone() for name in _TENSORS}}
                for chunk in self.chunks
            ],
        }

    @classmethod
    def restored(cls, state: dict[str, Any]) -> Window:
        """A window from its :meth:`state`, on the device that the state is on."""
        rows = state["rows"]
        window = cls(state["last"], state["units"], rows.dtype, rows.device)
        window.rows[: len(rows)], window.steps[: len(rows)] = rows, state["steps"].cpu()
        window.at, window.full = state["at"], state["full"]
        window.latest_finite = state["latest_finite"].clone()
        window.chunks = deque(
            Chunk(chunk["n"], chunk["step"], **{name: chunk[name].clone() for name in _TENSORS})
            for chunk in state["chunks"]
        )
        return window


def condense(rows: Tensor, step: int) -> Chunk:
    """Moments of the finite ones among these rows, in float64, where they are."""
    finite = torch.isfinite(rows).all(1)
    keep, count = finite[:, None], finite.sum()
    values = torch.where(keep, rows, 0.0).double()
    mean = values.sum(0) / count.clamp(min=1)
    # Centred before it is multiplied: means that are large against the spread would cost the small eigenvalues.
    centred = torch.where(keep, values - mean, 0.0)
    low, high = torch.where(keep, rows, torch.inf).amin(0), torch.where(keep, rows, -torch.inf).amax(0)
    return Chunk(len(rows), step, count, mean, centred.T @ centred, low, high)


def merged(contents: Sequence[Content]) -> Content:
    """One content of several (of as many processes), in this order; all are kept in the same way."""
    whole = contents[0]
    for other in contents[1:]:
        both = None
        if whole.moments is not None and other.moments is not None:
            both = moments.merge(_all(whole), _all(other), whole.engine)
        whole = replace(
            whole,
            n_samples=whole.n_samples + other.n_samples,
            n_nonfinite=whole.n_nonfinite + other.n_nonfinite,
            first_step=min(whole.first_step, other.first_step),
            latest_finite=whole.latest_finite and other.latest_finite,
            low=np.minimum(whole.low, other.low),
            high=np.maximum(whole.high, other.high),
            rows=torch.cat([whole.rows, other.rows]) if both is None else whole.rows[:0],
            moments=both,
        )
    return whole


def eigenvalues(content: Content) -> np.ndarray:
    """Eigenvalues (component,) of the covariance of what a window holds; it takes two rows."""
    engine = content.engine
    n, p = content.n_samples, content.low.size
    if content.moments is not None or n > p:
        return moments.eigenvalues(_all(content), engine=engine)
    scatter = engine.zeros(n)
    for where in slices(p, n):
        block = content.rows[:, where]
        mean = engine.sum_rows(engine.shifted(block, np.zeros(block.shape[1]))) / n
        engine.add_own(scatter, engine.shifted(block, mean))
    return gram.eigenvalues(engine.full(scatter), n - 1, engine) / (n - 1)


def _all(content: Content) -> Moments:
    """Moments of everything: of the chunks and of the rows that are not yet part of one."""
    fresh = moments.update(moments.empty(content.low.size, content.engine), content.rows, content.engine)
    return fresh if content.moments is None else moments.merge(content.moments, fresh, content.engine)


def _as_moments(count: int, mean: Tensor, scatter: Tensor) -> Moments:
    """A chunk as the kernel of moments knows it; what BLAS adds to is in Fortran order, which symmetry gives."""
    product = scatter.numpy().T if scatter.device.type == "cpu" else scatter
    return Moments(count, mean.cpu().numpy(), np.zeros(len(mean)), product)
