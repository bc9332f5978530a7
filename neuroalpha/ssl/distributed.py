"""Several processes, one batch: each makes its share, the loss is that of the whole batch."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn

from neuroalpha.errors import InputError


@dataclass(frozen=True)
class Processes:
    """How many processes train one network, and which of them this is."""

    rank: int = 0
    world: int = 1

    @property
    def first(self) -> bool:
        """Whether this one writes and talks."""
        return self.rank == 0

    def share(self, rows: Tensor) -> Tensor:
        """Which rows of a batch are this process's."""
        part = len(rows) // self.world
        return rows[self.rank * part : (self.rank + 1) * part]

    def check_batch(self, size: int) -> None:
        """Refuse a batch that cannot be shared out evenly."""
        if size % self.world or size // self.world < 2:
            raise InputError(
                f"batch_size is {size}, which {self.world} processes cannot share evenly in parts of at least 2: give "
                f"a multiple of {self.world}"
            )

    def gather(self, own: Tensor) -> Tensor:
        """The rows of all processes in the order of their ranks; gradients flow to this one's only.

        So the loss of the whole batch is computed by every process, and its gradient with respect to the shared weights
        is the sum of the processes' own: nothing is lost for losses that compare images of different processes.
        """
        if self.world == 1:
            return own
        sent = own.detach().contiguous()
        everyone = [torch.empty_like(sent) for _ in range(self.world)]
        dist.all_gather(everyone, sent)
        everyone[self.rank] = own
        return torch.cat(everyone)

    def average(self, parameters: Iterable[nn.Parameter], scale: float = 1.0) -> None:
        """Make gradients that every process computed by itself, ``scale`` times too large, equal to the bit."""
        if self.world == 1:
            return
        for parameter in parameters:
            if parameter.grad is not None:
                dist.all_reduce(parameter.grad)
                parameter.grad /= self.world * scale

    def wait(self) -> None:
        """Until all are here."""
        if self.world > 1:
            dist.barrier()


@contextmanager
def processes(device: torch.device) -> Iterator[Processes]:
    """The processes that ``torchrun`` started, or those of a group that exists already, else this one alone."""
    started = False
    if dist.is_available() and not dist.is_initialized() and int(os.environ.get("WORLD_SIZE", "1")) > 1:
        if "RANK" not in os.environ or "MASTER_ADDR" not in os.environ:
            raise InputError("WORLD_SIZE is set, but RANK or MASTER_ADDR is not: start several processes with torchrun")
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
        started = True
    try:
        if dist.is_available() and dist.is_initialized():
            yield Processes(dist.get_rank(), dist.get_world_size())
        else:
            yield Processes()
    finally:
        if started:
            dist.destroy_process_group()


def local_device(device: torch.device) -> torch.device:
    """With ``torchrun`` each process of a machine has a GPU of its own."""
    if device.type == "cuda" and "LOCAL_RANK" in os.environ:
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    return device


def parallel(module: nn.Module, device: torch.device, among: Processes, unused: bool) -> nn.Module:
    """``module`` with its gradients averaged over the processes, and batch norm's statistics those of the first one."""
    if among.world == 1:
        return module
    return nn.parallel.DistributedDataParallel(
        module,
        device_ids=[device] if device.type == "cuda" else None,
        find_unused_parameters=unused,
    )


def whole_batch_norm(module: nn.Module, device: torch.device, among: Processes) -> nn.Module:
    """On several GPUs batch norms that see the whole batch; on CPUs torch has none, and each part has its own."""
    if among.world == 1 or device.type != "cuda":
        return module
    return nn.SyncBatchNorm.convert_sync_batchnorm(module)
