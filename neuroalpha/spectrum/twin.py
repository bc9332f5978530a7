"""Torch twins of the spectrum kernels: the same products and eigenvalues in float64 on a device of choice.

numpy is the reference; the two are compared in tests. Blocks are read and centred by the numpy code, in float64, and
multiplied where the engine says. TF32 plays no part: it concerns float32 only.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neuroalpha.errors import InputError
from neuroalpha.spectrum.crossgram import CrossGrams
from neuroalpha.spectrum.gram import BLAS, Engine


class Torch(Engine):
    """The engine's products with torch, in float64."""

    def __init__(self, device: str) -> None:
        import torch

        self.torch = torch
        self.device = device

    def put(self, block: np.ndarray) -> Any:
        """Copy a float64 block to the device."""
        return self.torch.from_numpy(np.ascontiguousarray(block)).to(self.device)

    def shifted(self, batch: Any, shift: np.ndarray) -> Any:
        """``batch - shift`` in float64 on the device; ``batch`` is a tensor or numpy."""
        batch = batch if isinstance(batch, self.torch.Tensor) else self.torch.from_numpy(np.ascontiguousarray(batch))
        return batch.to(self.device).to(self.torch.float64) - self.put(shift)

    def sum_rows(self, block: Any) -> np.ndarray:
        """Sum (column,) over rows, as numpy."""
        return block.sum(0).cpu().numpy()

    def copy(self, matrix: Any) -> Any:
        """A copy of a matrix."""
        return matrix.clone()

    def place(self, matrix: np.ndarray) -> Any:
        """Copy a float64 matrix to the device."""
        return self.put(matrix)

    def zeros(self, side: int) -> Any:
        """A float64 matrix on the device."""
        return self.torch.zeros((side, side), dtype=self.torch.float64, device=self.device)

    def add_own(self, scatter: Any, block: Any) -> None:
        """Add ``block @ block.T``, both triangles."""
        scatter.addmm_(block, block.T)

    def add_cross(self, product: Any, one: Any, two: Any) -> None:
        """Add ``one @ two.T``."""
        product.addmm_(one, two.T)

    def full(self, scatter: Any) -> Any:
        """Both triangles are there already; return the same matrix."""
        return scatter

    def eigenvalues(self, scatter: Any, rank: int) -> np.ndarray:
        """Eigenvalues, descending, the largest ``rank`` of them."""
        return self.torch.linalg.eigvalsh(scatter).flip(0)[:rank].cpu().numpy()


def engine(device: str | None) -> Engine:
    """BLAS for None, else torch on that device; says in one line when there is no such device."""
    if device is None:
        return BLAS
    import torch

    try:
        torch.zeros(1, dtype=torch.float64, device=device)
    except (RuntimeError, AssertionError, TypeError) as error:
        raise InputError(
            f"device {device!r} cannot be used ({(str(error).splitlines() or ['unknown'])[0][:100]}); use None for "
            "numpy, 'cpu' or 'cuda'"
        ) from error
    return Torch(device)


def from_gram(grams: CrossGrams, swapped: np.ndarray, k: int | None = None) -> np.ndarray:
    """Cross-validated scatter (k,) for one swap mask, as :func:`neuroalpha.spectrum.crossval.from_gram`."""
    import torch

    first, second, cross = grams.own(0), grams.own(1), grams.cross
    mask = torch.from_numpy(swapped).to(cross.device)
    rows, columns = mask[:, None], mask[None, :]
    pick = torch.where
    own = pick(rows, pick(columns, second, cross), pick(columns, cross.T, first))
    other = pick(rows, pick(columns, cross.T, first), pick(columns, second, cross))
    values, vectors = torch.linalg.eigh(own)
    k = min(k or swapped.size, swapped.size)
    values, vectors = values.flip(0)[:k], vectors.flip(1)[:, :k]
    return _real(values, (vectors * (other @ vectors)).sum(0), swapped.size)


def from_covariance(x: np.ndarray, swapped: np.ndarray, k: int | None, device: str) -> np.ndarray:
    """The same from the (N, N) side, as :func:`neuroalpha.spectrum.crossval.from_covariance`."""
    import torch

    both = torch.from_numpy(np.ascontiguousarray(x, dtype=np.float64)).to(device)
    mask = torch.from_numpy(swapped).to(device)[:, None]
    one, two = torch.where(mask, both[1], both[0]), torch.where(mask, both[0], both[1])
    values, vectors = torch.linalg.eigh(one.T @ one)
    k = min(k or x.shape[2], x.shape[2])
    values, vectors = values.flip(0)[:k], vectors.flip(1)[:, :k]
    return _real(values, (vectors * ((one.T @ two) @ vectors)).sum(0), x.shape[2])


def _real(own: Any, cross: Any, side: int) -> np.ndarray:
    values, scatter = own.cpu().numpy(), cross.cpu().numpy()
    return np.where(values > max(values[0], 0.0) * side * np.finfo(np.float64).eps, scatter, 0.0)
