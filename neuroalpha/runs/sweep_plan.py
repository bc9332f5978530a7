"""The plan that a sweep file stands for: train every network, score it without labels, measure it, read it out."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

from neuroalpha.runs.plan import Plan, make_plan
from neuroalpha.runs.trained import survey_sweep

LAYERS = ("backbone", "projector")
WINDOWS: tuple[Any, ...] = ("auto", [4, 100], [11, 100])
"""alpha-ReQ's first window (Agrawal et al. 2022) among them."""


def sweep_plan(path: str | os.PathLike[str], *, device: str = "", threads: int | None = None) -> Plan:
    """Make a plan of a sweep file (:func:`neuroalpha.ssl.sweep.read_sweep`).

    Its tasks: ``train``; ``scores`` and ``spectra`` of backbone and projector on the test images (without any, on the
    training images); ``readouts`` where both sets have labels. For shifts, label noise or other layers write a plan
    with ``[[models]] sweep = "file"``: the networks are not trained again.

    Raises
    ------
    InputError
        As reading the sweep and its images does.
    """
    from neuroalpha.ssl.sweep import read_sweep

    sweep = read_sweep(path)
    train, test = (survey_sweep(sweep, name, progress=True) for name in ("images", "test"))
    assert train is not None
    entries: list[dict[str, Any]] = [{"name": "train", **sweep.images}]
    if test is not None:
        entries.append({"name": "test", **(sweep.test or {})})
    learned, measured = entries[0]["name"], entries[-1]["name"]
    tasks: list[dict[str, Any]] = [
        {"kind": "train", "images": [learned]},
        {"kind": "scores", "images": [measured]},
        {"kind": "spectra", "images": [measured]},
    ]
    if test is not None and train.labels and test.labels:
        tasks.append({"kind": "readouts", "images": [learned], "test": measured, "classifiers": ["ridge", "knn"]})
    content = {
        "title": sweep.title or sweep.path.stem,
        "models": [{"sweep": str(sweep.path)}],
        "images": entries,
        "layers": [{"select": list(LAYERS)}],
        "tasks": tasks,
        "windows": list(WINDOWS),
        "run": {"device": device, **({} if threads is None else {"threads": threads})},
    }
    return make_plan(content, sweep.path.parent, sweep.path.read_text(encoding="utf-8"), str(path))


def is_sweep(path: str | os.PathLike[str]) -> bool:
    """Whether a TOML file is a sweep rather than a plan: it has no models, but settings or images of its own."""
    try:
        content = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return False  # reading it as a plan says what is wrong
    return "models" not in content and ("train" in content or "sweep" in content)
