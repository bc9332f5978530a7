"""What the image entries of a plan mean: sets that are read once before the run, for their digest and for bad files."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neuroalpha._cache import ResultCache, content_key
from neuroalpha._text import valid
from neuroalpha.errors import InputError
from neuroalpha.runs.plan import ImageEntry, Plan


@dataclass(frozen=True)
class PictureSpec:
    """One image set, in words that another process or machine understands."""

    name: str
    """As in the table."""
    options: Mapping[str, Any]
    """Of :func:`neuroalpha.images`, ``source`` among them."""
    digest: str
    """Over names, preprocessing and pixels."""
    n: int
    skipped: tuple[str, ...] = ()
    """Unreadable images that are left out."""
    models: tuple[str, ...] = ("*",)
    """Which models see them."""
    labels: str = ""
    """Digest of the labels; "" where there are none."""

    def payload(self) -> dict[str, Any]:
        """The set as JSON-like data."""
        return asdict(self)

    @staticmethod
    def of(payload: Mapping[str, Any]) -> PictureSpec:
        """The set that :meth:`payload` described."""
        lists = {name: tuple(payload[name]) for name in ("skipped", "models")}
        options = {name: tuple(v) if isinstance(v, list) else v for name, v in payload["options"].items()}
        return PictureSpec(**{**payload, **lists, "options": options})


def survey_images(
    plan: Plan, skip_bad: bool, progress: bool, known: str | os.PathLike[str] | None = None, note: bool = True
) -> list[PictureSpec]:
    """Read every image of the plan once; not again while the files have the same names, sizes and times.

    Parameters
    ----------
    plan
        Complete.
    skip_bad
        Leave out images that cannot be read.
    progress
        Show a bar on stderr.
    known
        Folder where earlier surveys are found, and noted if ``note``.

    Raises
    ------
    InputError
        For sources that are not there, images that cannot be read unless ``skip_bad``, and two sets of one name.
    """
    found: dict[str, PictureSpec] = {}
    held = ResultCache(known) if known is not None and (note or Path(known).is_dir()) else None
    for number, entry in enumerate(plan.images, 1):
        try:
            spec = survey_entry(entry, plan.folder, held, skip_bad=skip_bad, progress=progress, note=note)
        except InputError as error:
            raise InputError(f"[[images]] number {number}: {error}") from error
        if spec.name in found:
            raise InputError(f"[[images]] number {number}: two sets are called {spec.name!r}; give one another name=")
        found[spec.name] = spec
    return list(found.values())


MOST_OPEN = 8
_opened: dict[str, Any] = {}
_opening = threading.Lock()


def open_images(spec: PictureSpec) -> Any:
    """The ImageSet of a spec, without the images that were found unreadable.

    The last few are kept: one set serves many models, and opening it looks into every file.
    """
    from neuroalpha.networks.images import images

    key = content_key({"options": spec.options, "skipped": spec.skipped, "digest": spec.digest, "labels": spec.labels})
    with _opening:
        if key not in _opened:
            shown = images(**spec.options, skip_bad=list(spec.skipped) or False)
            if len(shown) != spec.n:
                raise InputError(
                    f"{spec.options['source']} holds {len(shown)} images here, {spec.n} where the run began; all "
                    "workers need the same images under the same path, which must not change during a run"
                )
            while len(_opened) >= MOST_OPEN:
                del _opened[next(iter(_opened))]
            _opened[key] = shown
        _opened[key] = _opened.pop(key)  # the one that was used last goes last
        return _opened[key]


def survey_entry(
    entry: ImageEntry,
    folder: Path,
    held: ResultCache | None = None,
    *,
    skip_bad: bool = False,
    progress: bool = False,
    note: bool = True,
) -> PictureSpec:
    """Read one set, whose path starts at a folder, unless ``held`` knows it; ``note`` it there."""
    from neuroalpha.networks.images import images

    source = folder / Path(entry.source).expanduser()
    if not source.exists():
        raise InputError(f"there is no folder or file {source}")
    options = {
        "source": str(source),
        "key": entry.key,
        "label_key": entry.label_key,
        "size": _size(entry.size),
        "crop": _size(entry.crop),
        "normalize": None if entry.normalize == "none" else entry.normalize,
        "limit": entry.limit,
        "sample_seed": entry.sample_seed,
        "identifier": entry.name or None,
    }
    key = content_key({"options": options, "files": _stamps(source)})
    seen = held.get(key) if held is not None else None
    if seen is None or "labels" not in seen or (seen["skipped"] and not skip_bad):
        shown = images(**options, skip_bad=skip_bad, progress=progress)
        seen = {"digest": shown.digest(progress=progress), "n": len(shown), "skipped": list(map(str, shown.skipped))}
        seen["labels"] = label_digest(shown.label)
        if held is not None and note:
            held.put(key, seen)
    return PictureSpec(
        entry.called(),
        options,
        seen["digest"],
        seen["n"],
        tuple(seen["skipped"]),
        tuple(entry.models),
        seen["labels"],
    )


def label_digest(labels: Any) -> str:
    """Short digest of the labels of a set, "" where there are none."""
    if labels is None:
        return ""
    text = "\n".join(map(str, np.asarray(labels).tolist()))
    return hashlib.sha256(valid(text).encode()).hexdigest()[:16]


def _stamps(source: Path) -> list[list[str | int]]:
    """Name, size and time of every image file."""
    from neuroalpha.networks.files import read_folder

    stamps: list[list[str | int]] = []
    for file in read_folder(source).files if source.is_dir() else [source]:
        try:
            status = file.stat()
        except OSError:  # a broken link, which reading tells of
            stamps.append([str(file), -1, -1])
            continue
        stamps.append([str(file), status.st_size, status.st_mtime_ns])
    return stamps


def _size(given: Any) -> Any:
    return tuple(given) if isinstance(given, list | tuple) else given
