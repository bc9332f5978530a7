"""The folder of a run: everything that it knows, in files that are written whole or not at all.

====================  ==========================================================================================
``plan.toml``         the plan as it was last run
``run.json``          what a run keeps when it is resumed: threads of a job, memory, an identity
``groups.json``       title and windows of the plan, and every model on every image set of it
``groups/KEY.json``   the jobs of one of them and their labels, known once its model was built
``images/KEY.json``   which images an image set holds, so that they are not all read at every start
``results/KEY.nc``    one result; the key is made of everything that it depends on
``failed/KEY.json``   why a group, or some of its layers, failed
``running/KEY.json``  who works on a group, since when
``costs/KEY.json``    expected and real memory and time; no part of a result
====================  ==========================================================================================
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import secrets
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from neuroalpha._files import make_folder, write_text
from neuroalpha.errors import InputError
from neuroalpha.runs.group import Group
from neuroalpha.runs.lock import NAME, only_run
from neuroalpha.runs.plan import Plan
from neuroalpha.storage import load, save

FORMAT = 1
_FOLDERS = ("groups", "images", "results", "failed", "running", "costs")
_OWN = {*_FOLDERS, NAME, "run.json"}
_CHECKSUM = "checksum"


class FolderError(InputError):
    """The folder cannot be written or reached: no fault of a model, and the end of a run."""


class RunFolder:
    """Reads and writes the files of a run; made by :meth:`take` or :meth:`open`."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    @property
    def is_run(self) -> bool:
        """Whether a run was begun in the folder."""
        return (self.path / "run.json").is_file()

    @classmethod
    @contextlib.contextmanager
    def take(cls, path: str | os.PathLike[str], threads: int, memory: int) -> Iterator[RunFolder]:
        """Hold a folder, new or of a run already, for this run alone; threads and memory of the first time are kept."""
        folder = cls(path)
        if folder.path.is_dir() and not folder.is_run and {each.name for each in folder.path.iterdir()} - _OWN:
            raise InputError(f"{folder.path} holds other files and is no run; name a new folder with --out")
        make_folder(folder.path)
        with only_run(folder.path):
            for name in _FOLDERS:
                make_folder(folder.path / name)
            if not folder.is_run:
                start = {"format": FORMAT, "id": secrets.token_hex(8), "threads": threads, "memory": memory}
                folder._write("run.json", start)
            folder.clear_marks()
            try:
                yield folder
            finally:
                folder.clear_marks()

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> RunFolder:
        """A run that is there, or InputError."""
        folder = cls(path)
        if not folder.is_run:
            raise InputError(
                f"{folder.path} is not the folder of a run; `neuroalpha zoo run PLAN --out FOLDER` makes one"
            )
        return folder

    @property
    def start(self) -> dict[str, Any]:
        """Content of run.json."""
        held = self._read("run.json")
        if held is None or held.get("format") != FORMAT:
            raise InputError(f"{self.path / 'run.json'} is damaged or of another version; name a new folder with --out")
        return held

    def write_plan(self, plan: Plan, groups: Sequence[Group]) -> None:
        """Note the plan and its groups."""
        listed = [
            {"key": group.key, "title": group.title, "model": group.model.title(), "images": group.pictures.name}
            for group in groups
        ]
        with _own_fault():
            write_text(self.path / "plan.toml", plan.text)
        self._write("groups.json", {"title": plan.title, "windows": plan.windows, "groups": listed})

    def groups(self) -> list[dict[str, str]]:
        """The groups of the plan; empty before the work began."""
        return list(self._listing().get("groups", []))

    @property
    def title(self) -> str:
        """Of the plan."""
        return str(self._listing().get("title", ""))

    @property
    def windows(self) -> list[Any]:
        """Of the plan."""
        return [tuple(w) if isinstance(w, list) else w for w in self._listing().get("windows", ["auto"])]

    def write_jobs(self, group: str, content: Mapping[str, Any]) -> None:
        """Note the jobs of a group, so that a finished one need not be built again to know that it is finished."""
        self._write(f"groups/{group}.json", content)

    def jobs(self, group: str) -> dict[str, Any] | None:
        """The jobs of a group, None where they are not known yet."""
        return self._read(f"groups/{group}.json")

    def result(self, key: str) -> Path:
        """Where the result of a job is or will be."""
        return self.path / "results" / f"{key}.nc"

    def has(self, key: str) -> bool:
        """Whether a result is there. It was renamed into place when it was complete."""
        return self.result(key).is_file()

    def write_result(self, key: str, result: xr.Dataset) -> None:
        """Write one result, whole or not at all."""
        with _own_fault():
            save(result.assign_attrs({_CHECKSUM: _checksum(result)}), self.result(key))

    def read_result(self, key: str) -> xr.Dataset:
        """Read one result; InputError if it is not what was written."""
        found = load(self.result(key))
        if (
            not isinstance(found, xr.Dataset)
            or found.attrs.get("key") != key
            or found.attrs.pop(_CHECKSUM, "") != _checksum(found)
        ):
            raise InputError(f"{self.result(key)} is damaged; run again, which makes it anew")
        return found

    def drop_damaged(self, key: str) -> bool:
        """Take a damaged result away, with a warning; whether there was one."""
        if not self.has(key):
            return False
        try:
            self.read_result(key)
        except InputError as error:
            warnings.warn(f"{error} (it is, now)", stacklevel=2)
            self._unlink(f"results/{key}.nc")
            return True
        return False

    def write_failure(self, group: str, title: str, layers: Mapping[str, str], reason: str, trace: str) -> None:
        """Note why a group failed (``reason``), or some of its layers alone."""
        content = {"title": title, "reason": reason, "layers": dict(layers), "traceback": trace}
        self._write(f"failed/{group}.json", content)

    def failure(self, group: str) -> dict[str, Any] | None:
        """The failure of a group, if there is one."""
        return self._read(f"failed/{group}.json")

    def forget_failure(self, group: str) -> None:
        """Take a failure back."""
        self._unlink(f"failed/{group}.json")

    def write_cost(self, group: str, content: Mapping[str, Any]) -> None:
        """Note what a group took, with null for what is not known."""
        content = {name: None if value != value else value for name, value in content.items()}
        self._write(f"costs/{group}.json", content)

    @contextlib.contextmanager
    def running(self, group: str) -> Iterator[None]:
        """Mark a group as being worked on by this process."""
        self._write(f"running/{group}.json", {"host": platform.node(), "pid": os.getpid(), "since": time.time()})
        try:
            yield
        finally:
            self.clear_mark(group)

    def who_runs(self, group: str) -> dict[str, Any] | None:
        """The mark of a group, if there is one; it says something only while the run itself goes on."""
        return self._read(f"running/{group}.json")

    def clear_mark(self, group: str) -> None:
        """Take away the mark of a group."""
        self._unlink(f"running/{group}.json")

    def clear_marks(self) -> None:
        """Take away the marks that killed workers left."""
        for mark in (self.path / "running").glob("*.json"):
            self.clear_mark(mark.stem)

    def _listing(self) -> dict[str, Any]:
        held = self._read("groups.json")
        return held if isinstance(held, dict) else {}

    def _write(self, name: str, content: Any) -> None:
        with _own_fault():
            write_text(self.path / name, json.dumps(content, indent=1))

    def _unlink(self, name: str) -> None:
        with _own_fault():
            (self.path / name).unlink(missing_ok=True)

    def _read(self, name: str) -> Any:
        """A file's content, None where it is not there or damaged: all but run.json is found out again."""
        try:
            return json.loads((self.path / name).read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        except OSError as error:
            raise FolderError(f"cannot read {self.path / name}: {error.strerror or error}") from error


@contextlib.contextmanager
def _own_fault() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FolderError(f"cannot write {error.filename}: {error.strerror or error}") from error
    except InputError as error:
        raise FolderError(str(error)) from error


def _checksum(result: xr.Dataset) -> str:
    """Of all numbers of a result."""
    digest = hashlib.sha256()
    for name in sorted(map(str, result.variables)):
        values = np.ascontiguousarray(result[name].values)
        digest.update(f"{name} {values.dtype.str} {values.shape};".encode())
        digest.update(values.tobytes())
    return digest.hexdigest()[:16]
