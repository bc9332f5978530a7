"""How much memory is free, so that a large array is refused with numbers before it is filled."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from neuroalpha.errors import InputError

_MEMINFO = Path("/proc/meminfo")
_CGROUP = Path("/sys/fs/cgroup")


def available_memory() -> int | None:
    """Bytes that a new array may take, or None where the system does not say.

    Linux: what the kernel calls available, which counts the file cache, and no more than the control group (a container
    or a cluster job) has left. Elsewhere: the free pages, or all of the machine's.
    """
    try:
        kib = next(line.split()[1] for line in _MEMINFO.read_text().splitlines() if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        return _pages()
    left = _group_left()
    return int(kib) * 1024 if left is None else min(int(kib) * 1024, left)


def _pages() -> int | None:
    for name in ("SC_AVPHYS_PAGES", "SC_PHYS_PAGES"):
        try:
            return os.sysconf(name) * os.sysconf("SC_PAGE_SIZE")
        except (AttributeError, ValueError, OSError):  # not on this system
            continue
    return None


def _group_left() -> int | None:
    """Bytes below the memory limit of this process's control group (version 2), its file cache not counted as used."""
    try:
        own = next(
            line.split("::", 1)[1]
            for line in Path("/proc/self/cgroup").read_text().splitlines()
            if line.startswith("0::")
        )
        group = _CGROUP / own.strip().lstrip("/")
        limit = (group / "memory.max").read_text().strip()
        if limit == "max":
            return None
        used = int((group / "memory.current").read_text())
        stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        return int(limit) - used + int(stat.get("inactive_file", 0))
    except (OSError, StopIteration, ValueError):
        return None


def check_fits(needed: int, what: str, advice: str) -> None:
    """Raise :class:`InputError` with both numbers if ``needed`` bytes are more than there are.

    Examples
    --------
    >>> check_fits(10**18, "a test", "take less")
    Traceback (most recent call last):
    ...
    neuroalpha.errors.InputError: a test takes 1000000000.0 GB of memory, but only ... GB are free; take less
    """
    free = available_memory()
    if free is not None and needed > free:
        raise InputError(
            f"{what} takes {needed / 1e9:.1f} GB of memory, but only {free / 1e9:.1f} GB are free; {advice}"
        )


def peak_memory() -> int | None:
    """Most bytes that this process has held so far, or None where the system does not say.

    Examples
    --------
    >>> peak_memory() is None or peak_memory() > 10**6
    True
    """
    try:
        import resource
    except ImportError:
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
