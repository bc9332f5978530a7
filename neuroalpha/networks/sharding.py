"""Parts of one job that several processes share, put together in a fixed order.

Under ``torchrun`` each process takes one part: contiguous stimuli where moments are added up, contiguous units where a
Gram matrix is. The parts are then merged one after the other, first to last, in every process: an all-reduce whose
order does not depend on who is ready first. One process that takes all parts in turn (``shards=``) merges in the same
order and comes to the same bits, given the same devices and numbers of threads (torchrun sets ``OMP_NUM_THREADS=1``
unless you do).

A program for two GPUs, started with ``torchrun --nproc-per-node 2 program.py``::

    import os
    import torch
    import neuroalpha as na

    torch.distributed.init_process_group()  # "nccl" on GPUs, "gloo" for CPUs
    torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    spectra = na.model_spectra(model, images, ["layer4"], reduce="mean", device="cuda")
    if torch.distributed.get_rank() == 0:
        na.save(spectra["layer4"], "layer4.nc")
    torch.distributed.destroy_process_group()

Moments share out the forward pass, too. Of a wide layer each process sees all stimuli, and keeps and multiplies its own
units only: what is shared out is memory and products.

Every process must make the same call with the same model and images. All get the same spectra. Whatever a process
measures for itself (free memory, speed, disk) is agreed on before anything hangs on it, and a layer that fails in one
fails in all, with the same words. A process that dies on the way takes the others along: torchrun ends them, and
without it gloo and NCCL notice the closed connection.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from neuroalpha._checks import whole
from neuroalpha.errors import InputError
from neuroalpha.spectrum import moments
from neuroalpha.spectrum.gram import Engine
from neuroalpha.spectrum.moments import Moments

Result = TypeVar("Result")


@dataclass(frozen=True)
class Part:
    """Which of ``n_parts`` this process takes: the one of its rank if it works ``together`` with others, else all."""

    n_parts: int = 1
    rank: int = 0
    together: bool = False

    @property
    def mine(self) -> range:
        """Parts of this process."""
        return range(self.rank, self.rank + 1) if self.together else range(self.n_parts)

    @property
    def loads(self) -> list[range]:
        """Parts of each process."""
        return [range(one, one + 1) for one in range(self.n_parts)] if self.together else [range(self.n_parts)]

    @property
    def neighbours(self) -> int:
        """Processes on this machine, which share its memory."""
        return int(os.environ.get("LOCAL_WORLD_SIZE", self.n_parts)) if self.together else 1

    def bounds(self, n: int, index: int) -> tuple[int, int]:
        """First and end of part ``index`` of ``n`` things in order.

        Examples
        --------
        >>> [Part(3).bounds(8, index) for index in range(3)]
        [(0, 2), (2, 5), (5, 8)]
        """
        return n * index // self.n_parts, n * (index + 1) // self.n_parts

    def share(self, arrays: Sequence[Any], index: int) -> None:
        """Fill ``arrays`` (numpy or torch, of the same shapes in all processes) with those of the owner of a part."""
        if not self.together:
            return
        import torch
        import torch.distributed as dist

        for array in arrays:
            tensor = array if isinstance(array, torch.Tensor) else torch.from_numpy(_contiguous(array))
            # NCCL carries what is on a GPU only, gloo what is in memory.
            if dist.get_backend() == "nccl":
                moved = tensor if tensor.is_cuda else tensor.cuda()
            else:
                moved = tensor.cpu()
            dist.broadcast(moved, src=index)
            if moved is not tensor:
                tensor.copy_(moved)

    def merged_moments(self, own: Moments, engine: Engine) -> Moments:
        """Moments of all processes from those of each, merged in the order of their ranks."""
        whole: Moments | None = None
        p = own.total.size
        for index in range(self.n_parts):
            mine = index == self.rank
            given = own if mine else moments.empty(p, engine)
            row = np.r_[float(given.count), given.shift, given.total]
            self.share([row, given.product], index)
            given = given if mine else Moments(int(row[0]), row[1 : p + 1], row[p + 1 :], given.product)
            whole = given if whole is None else moments.merge(whole, given, engine)
        assert whole is not None
        return whole

    def agreed(self, number: float) -> float:
        """The number of the first process, which all take."""
        given = np.array([number], dtype=np.float64)
        self.share([given], 0)
        return float(given[0])

    def least(self, number: int) -> int:
        """The smallest number of all processes."""
        given = [np.array([number], dtype=np.int64) for _ in range(self.n_parts)]
        for index, one in enumerate(given):
            self.share([one], index)
        return int(min(given)[0])

    def all_or_none(self, call: Callable[[], Result]) -> Result:
        """What the call returns, if it raises InputError in no process; else that error in all of them."""
        try:
            result, fault = call(), ""
        except InputError as error:
            fault = str(error)
        fault = self.first_fault(fault)
        if fault:
            raise InputError(fault)
        return result

    def first_fault(self, fault: str) -> str:
        """The fault of the lowest rank that has one, the same in all processes; empty if none has."""
        if not self.together:
            return fault
        for index in range(self.n_parts):
            text = fault.encode() if index == self.rank else b""
            length = np.array([len(text)], dtype=np.int64)
            self.share([length], index)
            if length[0]:
                letters = np.zeros(length[0], dtype=np.uint8)
                if index == self.rank:
                    letters[:] = np.frombuffer(text, dtype=np.uint8)
                self.share([letters], index)
                return letters.tobytes().decode()
        return ""


def current(shards: int | None = None) -> Part:
    """The part of this process: all of ``shards`` parts, or that of its rank where torch.distributed is initialised."""
    if shards is not None:
        whole(shards, "shards", 1)
    import torch.distributed as dist

    if not (dist.is_available() and dist.is_initialized()) or dist.get_world_size() == 1:
        return Part(shards or 1)
    size = dist.get_world_size()
    if shards not in (None, size):
        raise InputError(f"shards is {shards}, but {size} processes run together; leave it out, or start {shards}")
    return Part(size, dist.get_rank(), True)


def _contiguous(array: np.ndarray) -> np.ndarray:
    """The same memory in C order: of a Fortran-ordered matrix its transpose."""
    return array if array.flags.c_contiguous else array.T
