"""Sparse random projection of a layer's units, and how far it can move the spectrum.

With entries ``sqrt(s / K) * {+1, 0, -1}`` with probabilities ``1/2s, 1 - 1/s, 1/2s`` (Li, Hastie & Church 2006; here
s = sqrt(units), K projections), the Gram matrix G~ of projected rows has the mean G, that of all units, and ::

    E |G~ - G|_F^2 = (tr(G)^2 + |G|_F^2 + (s - 3) sum_i v_i^2) / K

where v_i is the sum of squares of unit i over the (centred) rows: for one projection with entries r_i of variance 1/K,
E[y_a^2 y_b^2] = (G_aa G_bb + 2 G_ab^2 + (s - 3) sum_i x_ai^2 x_bi^2) / K^2 in rows a and b, since E[r_i^4] = s / K^2
and E[r_i^2 r_j^2] = 1 / K^2; less the mean squared, summed over rows and K projections. Sorted eigenvalues move by no
more than the matrix (Hoffman & Wielandt 1953): ``sum_k (l~_k - l_k)^2 <= |G~ - G|_F^2``. The v_i are added up while the
stimuli pass, so that the bound holds for these activations, whatever they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.random_projection import SparseRandomProjection
from torch import Tensor

from neuroalpha.networks.sharding import Part

METHOD = "sparse random projection of the units (Li, Hastie & Church 2006), density 1 / sqrt(units); not exact"
_PIECE = 2**20  # values of which sums are taken at once in float64


@dataclass
class UnitSums:
    """Of ``count`` rows of units: ``total`` and ``square`` (unit,), the sums of values and of their squares."""

    count: int
    total: np.ndarray
    square: np.ndarray

    @staticmethod
    def of_none(units: int) -> UnitSums:
        """Of no rows."""
        return UnitSums(0, np.zeros(units), np.zeros(units))

    def merged(self, other: UnitSums) -> UnitSums:
        """Of the rows of both."""
        return UnitSums(self.count + other.count, self.total + other.total, self.square + other.square)

    def share(self, part: Part, index: int) -> None:
        """Take over those of another process."""
        count = np.array([self.count], dtype=np.int64)
        part.share([count, self.total, self.square], index)
        self.count = int(count[0])

    def merged_across(self, part: Part) -> UnitSums:
        """Of the rows of all processes, merged in the order of their ranks."""
        if not part.together:
            return self
        whole = UnitSums.of_none(self.total.size)
        for index in range(part.n_parts):
            given = UnitSums(self.count, self.total.copy(), self.square.copy())
            given.share(part, index)
            whole = whole.merged(given) if index else given
        return whole

    def scatter(self, center: bool) -> np.ndarray:
        """Sum of squares of each unit, about its mean with ``center``."""
        return np.maximum(self.square - self.total**2 / max(self.count, 1) * center, 0.0)


class Projection:
    """Sparse random projection of flattened outputs; its matrix is made once and follows the outputs' device.

    With ``sums_wanted``, ``sums`` are those of the units in the latest batch.
    """

    def __init__(self, units: int, wanted: int, seed: int) -> None:
        self.units, self.wanted = units, wanted
        self.sums_wanted = False
        self.sums = UnitSums.of_none(0)
        # scikit-learn looks only at the shape of what it is fitted on; a broadcast zero costs no memory.
        sketch = SparseRandomProjection(n_components=wanted, random_state=seed)
        sketch.fit(np.broadcast_to(np.float32(0), (1, units)))
        self.density = float(sketch.density_)
        components = sketch.components_.tocoo()
        self.matrix = torch.sparse_coo_tensor(
            torch.from_numpy(np.stack([components.row, components.col]).astype(np.int64)),
            torch.from_numpy(components.data),
            (wanted, units),
            check_invariants=True,
        ).coalesce()

    def __call__(self, output: Tensor) -> Tensor:
        """Project an output (row, ...) to (row, wanted)."""
        flat = output.reshape(len(output), -1)
        if (self.matrix.device, self.matrix.dtype) != (flat.device, flat.dtype):
            self.matrix = self.matrix.to(device=flat.device, dtype=flat.dtype)
        if self.sums_wanted:
            self.sums = unit_sums(flat)
        return torch.sparse.mm(self.matrix, flat.T.contiguous()).T  # contiguous: 2.5 times faster

    @property
    def extra_bytes(self) -> int:
        """Memory of the unit sums, before and after a batch is added, and of the matrix, here and in a pass."""
        matrix = sum(part.numel() * part.element_size() for part in (self.matrix._indices(), self.matrix._values()))
        return 6 * 8 * self.units + 2 * matrix

    def error(self, sums: UnitSums, eigenvalue: np.ndarray, divisor: int, center: bool) -> float:
        """Root of the expected sum of squared shifts of the eigenvalues, at most; in their units (divided by divisor).

        ``eigenvalue`` (component,) are those of the projection. |G|_F^2 is estimated without bias from theirs.
        """
        spread = sums.scatter(center) / divisor
        known = spread.sum() ** 2 + (1 / self.density - 3) * float((spread**2).sum())
        own = max(float((eigenvalue**2).sum()) - known / self.wanted, 0.0) / (1 + 1 / self.wanted)
        return float(np.sqrt((known + own) / self.wanted))


def unit_sums(flat: Tensor) -> UnitSums:
    """Sums of a batch (row, unit) in float64."""
    total, square = np.empty(flat.shape[1]), np.empty(flat.shape[1])
    step = max(1, _PIECE // max(len(flat), 1))
    for start in range(0, flat.shape[1], step):
        piece = flat[:, start : start + step].double()
        total[start : start + step] = piece.sum(0).cpu().numpy()
        square[start : start + step] = piece.square().sum(0).cpu().numpy()
    return UnitSums(len(flat), total, square)
