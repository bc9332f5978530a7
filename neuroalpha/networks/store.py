"""Where wide layers wait until all stimuli have passed: blocks of units, in memory or in a scratch file.

A Gram matrix needs all stimuli of a unit at once, a network gives all units of a stimulus at once. The blocks turn one
into the other: each batch writes its rows into every block, and a block is read back whole, in one piece.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np
import torch
from torch import Tensor

from neuroalpha.errors import InputError

ITEM = 4  # bytes of an activation: they wait in float32, which is what a network computes in
_TRIAL_BYTES = 32 * 2**20


class Store:
    """Blocks (stimulus, unit) in float32, filled row by row; a context manager that leaves no file behind.

    Parameters
    ----------
    n
        Stimuli.
    widths
        Units of each block.
    in_memory
        How many of the blocks, the first ones, are held in memory; the rest goes to the scratch file.
    device
        Of the blocks. Those in the scratch file are brought to it when they are read.
    scratch
        Folder of the scratch file; the system's temporary folder by default. The file has no name from the moment it
        is made, so that a killed run leaves nothing. It is written and read, not mapped: pages of a mapped file would
        count as memory of this process.

    Attributes
    ----------
    scratch_bytes, seconds
        Size of the scratch file, and what writing and reading it took.
    """

    def __init__(
        self,
        n: int,
        widths: Sequence[int],
        in_memory: int,
        device: torch.device | None = None,
        scratch: str | os.PathLike[str] | None = None,
    ) -> None:
        self._n, self._widths, self._device = n, widths, device or torch.device("cpu")
        # In one piece, which the system takes back whole; numpy asks for large pages, which are there sooner.
        size = n * sum(widths[:in_memory])
        on_cpu = self._device.type == "cpu"
        held = torch.from_numpy(np.empty(size, np.float32)) if on_cpu else torch.empty(size, device=self._device)
        pieces = held.split([n * width for width in widths[:in_memory]])
        self._held = [piece.view(n, -1) for piece in pieces[: len(widths[:in_memory])]]
        self._offsets = np.cumsum([0, *(ITEM * n * width for width in widths[in_memory:])]).tolist()
        self._file: IO[bytes] | None = None
        self._folder = scratch
        self.scratch_bytes = int(self._offsets[-1])
        self.seconds = 0.0
        if self.scratch_bytes:
            self._file = _reserve(self.scratch_bytes, scratch)

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give up all blocks and the file."""
        self._held = []
        if self._file is not None:
            self._file.close()

    def write(self, block: int, start: int, rows: Tensor) -> None:
        """Put the rows of the stimuli from ``start`` on into a block."""
        if block < len(self._held):
            self._held[block][start : start + len(rows)] = rows
            return
        assert self._file is not None
        begun = time.perf_counter()
        self._seek(block, start)
        data = memoryview(rows.contiguous().cpu().numpy()).cast("B")  # type: ignore[arg-type]
        try:
            while data:  # a file without a buffer may take a part
                data = data[self._file.write(data) :]
        except OSError as error:
            raise _no_room(self.scratch_bytes, self._folder, error) from error
        self.seconds += time.perf_counter() - begun

    def take(self, block: int) -> Any:
        """A whole block (stimulus, unit): numpy on the CPU, else a tensor."""
        if block < len(self._held):
            held = self._held[block]
            return held.numpy() if self._device.type == "cpu" else held
        assert self._file is not None
        begun = time.perf_counter()
        values = np.empty((self._n, self._widths[block]), dtype=np.float32)
        self._seek(block, 0)
        data = memoryview(values).cast("B")  # type: ignore[arg-type]
        while data:
            data = data[self._file.readinto(data) :]  # type: ignore[attr-defined]
        self.seconds += time.perf_counter() - begun
        return values if self._device.type == "cpu" else torch.from_numpy(values).to(self._device)

    def _seek(self, block: int, row: int) -> None:
        assert self._file is not None
        self._file.seek(self._offsets[block - len(self._held)] + ITEM * row * self._widths[block])


def scratch_folder(scratch: str | os.PathLike[str] | None) -> Path:
    """The folder of the scratch file, or InputError if there is none such."""
    folder = Path(scratch or tempfile.gettempdir())
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise InputError(f"scratch= is {str(folder)!r}, which is not a folder that can be written; name another")
    return folder


def free_disk(scratch: str | os.PathLike[str] | None) -> int:
    """Bytes free for the scratch file."""
    return shutil.disk_usage(scratch_folder(scratch)).free


def seconds_per_byte(scratch: str | os.PathLike[str] | None) -> float:
    """Time to write and read one byte of scratch, measured on a small file that is really written."""
    data = os.urandom(min(_TRIAL_BYTES, max(1, free_disk(scratch) // 2)))
    try:
        with tempfile.TemporaryFile(dir=scratch_folder(scratch), prefix=".neuroalpha-") as file:
            begun = time.perf_counter()
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            # Reading back comes from the file cache here, and often does in earnest; it counts as half of writing.
            return 1.5 * (time.perf_counter() - begun) / len(data)
    except OSError as error:
        raise _no_room(len(data), scratch, error) from error


def _reserve(size: int, scratch: str | os.PathLike[str] | None) -> IO[bytes]:
    """A nameless file of that size, whose space is taken now: a full disk is told before the work, not after it."""
    try:
        file = tempfile.TemporaryFile(dir=scratch_folder(scratch), prefix=".neuroalpha-", buffering=0)
    except OSError as error:
        raise _no_room(size, scratch, error) from error
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)
    except OSError as error:
        file.close()
        raise _no_room(size, scratch, error) from error
    return file


def _no_room(size: int, scratch: str | os.PathLike[str] | None, error: OSError) -> InputError:
    return InputError(
        f"{size / 1e9:.2f} GB of scratch space cannot be had in {str(scratch or tempfile.gettempdir())!r}: "
        f"{error.strerror or error}; name another folder with scratch=, or give more memory"
    )
