"""One run in a folder at a time: a lock that the system takes back when the process ends, however it ends."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from neuroalpha.errors import InputError

NAME = ".lock"
TRIES, PAUSE = 5, 0.1  # who looks whether a run goes on holds the lock for a moment


@contextlib.contextmanager
def only_run(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, or say who does.

    On drives that know no locks the file's content counts: a process that is gone, or a run that ended, left the folder
    free; a run that was killed on another machine has to be told by hand, as the message says.

    Examples
    --------
    >>> with only_run(tmp):
    ...     is_locked(tmp)
    True
    >>> is_locked(tmp)
    False
    """
    try:
        handle = os.open(folder / NAME, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise InputError(f"cannot write into {folder}: {error.strerror or error}; name another with --out") from error
    held = False
    try:
        for _ in range(TRIES):
            held = _lock(handle)
            if held:
                break
            time.sleep(PAUSE)
        if not held:
            raise InputError(
                f"a run is going on in {folder} ({_who(_said(handle))}); wait for it, or name another folder with --out"
                + ("" if _system_lock(handle) is False else f"; if that run was killed, delete {folder / NAME}")
            )
        said = {"host": platform.node(), "pid": os.getpid(), "since": time.time()}
        _say(handle, json.dumps(said))
        yield
    finally:
        if held:
            with contextlib.suppress(OSError):
                _say(handle, "")
        os.close(handle)


def is_locked(folder: Path) -> bool:
    """Whether a run is going on in the folder."""
    try:
        handle = os.open(folder / NAME, os.O_RDWR)
    except OSError:
        return False
    try:
        return not _lock(handle)
    finally:
        os.close(handle)


def lives(who: dict[str, Any]) -> bool:
    """Whether a process is there, by its machine and number; of another machine nothing can be said."""
    if who.get("host") != platform.node() or os.name != "posix":
        return True
    try:
        os.kill(int(who["pid"]), 0)
    except (ProcessLookupError, KeyError, ValueError, TypeError):
        return False
    except OSError:
        return True
    return True


def _lock(handle: int) -> bool:
    """Lock an open file until it is closed; False if another process has it."""
    taken = _system_lock(handle)
    if taken is None:
        who = _said(handle)
        return not who or not lives(who)
    return taken


def _system_lock(handle: int) -> bool | None:
    """Whether the system gave the lock; None on a drive or system that knows no locks."""
    try:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except (ImportError, OSError):
        return None
    return True


def _said(handle: int) -> dict[str, Any]:
    os.lseek(handle, 0, os.SEEK_SET)
    try:
        said = json.loads(os.read(handle, 4096))
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _say(handle: int, text: str) -> None:
    os.ftruncate(handle, 0)
    os.lseek(handle, 0, os.SEEK_SET)
    os.write(handle, text.encode())


def _who(said: dict[str, Any]) -> str:
    try:
        since = time.strftime("%Y-%m-%d %H:%M", time.localtime(said["since"]))
        return f"process {said['pid']} on {said['host']}, since {since}"
    except (KeyError, TypeError, ValueError, OverflowError):
        return "another process"
