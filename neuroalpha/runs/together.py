"""Several processes on one model, started by ``torchrun``: who writes, who waits, which GPU is whose."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from neuroalpha.errors import InputError

PATIENCE = timedelta(days=2)  # the others wait while one reads the images; torchrun ends all when one process dies


@dataclass(frozen=True)
class Together:
    """The processes of a run."""

    size: int = 1
    rank: int = 0

    @property
    def leads(self) -> bool:
        """Whether this process writes and speaks."""
        return self.rank == 0

    def led(self, call: Callable[[], Any]) -> Any:
        """What the call returns (JSON-like data) in the first process, in all of them; or its InputError.

        Whatever hangs on files or clocks is asked once: processes that saw different things would wait for each other
        for ever.
        """
        if self.size == 1:
            return call()
        import numpy as np

        from neuroalpha.networks.sharding import current

        part = current()
        text, fault = b"", ""
        if self.leads:
            try:
                text = json.dumps(call()).encode()
            except InputError as error:
                fault = str(error) or "no reason was given"
        fault = part.first_fault(fault)
        if fault:
            raise InputError(fault)
        length = np.array([len(text)], dtype=np.int64)
        part.share([length], 0)
        letters = np.frombuffer(text, dtype=np.uint8).copy() if self.leads else np.zeros(length[0], dtype=np.uint8)
        part.share([letters], 0)
        return json.loads(letters.tobytes())

    def all_or_none(self, call: Callable[[], Any]) -> Any:
        """What the call returns, if it raises InputError in no process; else that error in all of them."""
        if self.size == 1:
            return call()
        from neuroalpha.networks.sharding import current

        return current().all_or_none(call)

    def device(self, asked: str) -> str:
        """The device of this process: of several GPUs the one of its place on its machine."""
        return f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if self.size > 1 and asked == "cuda" else asked


def present() -> Together:
    """The processes that :func:`join_processes` joined, or this one alone."""
    if "RANK" not in os.environ:  # torch need not be loaded to know
        return Together()
    import torch.distributed as dist

    if not (dist.is_available() and dist.is_initialized()):
        return Together()
    return Together(dist.get_world_size(), dist.get_rank())


@contextlib.contextmanager
def join_processes(device: str) -> Iterator[Together]:
    """Join the processes that ``torchrun`` started, or be alone.

    Raises
    ------
    InputError
        When the others cannot be reached.
    """
    size = os.environ.get("WORLD_SIZE", "1")
    if not size.isdecimal() or int(size) < 2 or "RANK" not in os.environ:
        yield Together()
        return
    import torch
    import torch.distributed as dist

    gpu = device.startswith("cuda")
    try:
        if gpu:
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
        dist.init_process_group("nccl" if gpu else "gloo", timeout=PATIENCE)
    except (RuntimeError, ValueError) as error:
        raise InputError(f"the {size} processes of torchrun cannot be joined: {error}") from error
    try:
        yield present()
    finally:
        dist.destroy_process_group()


def check_shards(shards: int, size: int) -> None:
    """Refuse a plan whose parts are not those of the processes: the number of parts belongs to a result's key."""
    if size > 1 and shards != size:
        raise InputError(
            f"{size} processes run together, but the plan asks for shards = {shards}: write shards = {size} in its "
            "[[tasks]], so that one process would give the same bits"
        )
