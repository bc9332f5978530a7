"""A file that HDF5 can write to without crashing when the disk is full."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any


class Sink(io.RawIOBase):
    """A file for HDF5 to write to, which keeps the first failed write to itself until HDF5 has closed.

    HDF5 cannot be told that a disk is full while it closes a file: it retries as the process ends, and crashes.
    """

    def __init__(self, path: Path) -> None:
        self._file = open(path, "w+b", buffering=0)
        self._error: OSError | None = None
        self._size = 0

    def report(self) -> None:
        if self._error is not None:
            raise self._error

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        if view:
            self._size = max(self._size, self._file.tell() + len(view))
        try:
            while view and self._error is None:
                view = view[self._file.write(view) :]
        except OSError as error:
            self._error = error
        if self._error is not None:
            self._file.seek(len(view), io.SEEK_CUR)
        return len(memoryview(data).cast("B"))

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        got = self._file.readinto(view) or 0
        if self._error is not None and got < len(view):  # what could not be written reads as zeros
            view[got:] = bytes(len(view) - got)
            return len(view)
        return got

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_END:
            return self._file.seek(self._size + offset)
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def truncate(self, size: int | None = None) -> int:
        size = self.tell() if size is None else size
        try:
            self._file.truncate(size)
        except OSError as error:
            self._error = self._error or error
        self._size = size
        return size

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        self._file.close()
        super().close()
