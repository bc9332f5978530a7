"""Writing files so that a killed or failed run leaves no half-written one."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from neuroalpha.errors import InputError

_UMASK = threading.Lock()


def check_target(path: str | os.PathLike[str]) -> None:
    """Refuse, before long work, a file that could not be written: a folder, a folder that is missing or read-only."""
    target = Path(path)
    if target.is_dir():
        raise InputError(f"cannot write {target}: it is a folder; give a file name")
    if not target.parent.is_dir():
        raise InputError(f"cannot write {target}: the folder {target.parent} does not exist; create it first")
    if not os.access(target.parent, os.W_OK):
        raise InputError(f"cannot write {target}: the folder {target.parent} is read-only; choose another")


def make_folder(path: str | os.PathLike[str]) -> Path:
    """Make a folder to write into, with its parents, or say before long work why that cannot be."""
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise InputError(f"{folder} is a file, but a folder is needed; name another") from error
    except OSError as error:
        raise InputError(f"cannot make the folder {folder}: {error.strerror or error}; name another") from error
    if not os.access(folder, os.W_OK):
        raise InputError(f"the folder {folder} is read-only; name another")
    return folder


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path beside ``path``; on success it takes ``path``'s place, on any failure it is removed.

    The rename happens on one file system and is atomic: a reader sees the old file or the new one, never a part. An
    ``OSError`` while writing (a full disk, say) becomes an :class:`InputError` that names the target.

    Examples
    --------
    >>> with atomic_path(tmp / "table.csv") as part:
    ...     _ = part.write_text("rank,eigenvalue")
    >>> (tmp / "table.csv").read_text()
    'rank,eigenvalue'
    """
    target = Path(path)
    check_target(target)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part" + target.suffix, dir=target.parent)
    except OSError as error:
        raise InputError(f"cannot write {target}: {error.strerror or error}") from error
    os.close(handle)
    part = Path(name)
    try:
        yield part
        with open(part, "rb+") as written:
            os.fsync(written.fileno())
        # mkstemp makes the file private; give it the permissions that any new file would have had.
        with _UMASK:  # it can only be read by setting it, which threads must not do at once
            umask = os.umask(0)
            os.umask(umask)
        os.chmod(part, 0o666 & ~umask)
        os.replace(part, target)
    except OSError as error:
        raise InputError(
            f"could not write {target}: {error.strerror or error}; nothing was changed on disk, free space or choose "
            "another folder"
        ) from error
    finally:
        with suppress(FileNotFoundError):
            part.unlink()


def write_text(path: str | os.PathLike[str], text: str) -> Path:
    """Write UTF-8 ``text`` to ``path`` atomically and return the path."""
    with atomic_path(path) as part:
        part.write_text(text, encoding="utf-8")
    return Path(path)
