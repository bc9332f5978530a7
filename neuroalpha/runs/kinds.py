"""The kinds of jobs that a plan can ask for. A kind is a module; a new one is a line here.

Each module has ``OPTIONS`` (names of the options of its ``[[tasks]]`` table, with defaults), ``check(options, where)``
(what is wrong with their values), ``jobs(subject, options)`` (the jobs of one model on one image set, each with a
content key) and ``perform(subject, jobs, options, settings)`` (do some of them: yields results and failures). It may
have ``IMAGES`` and ``PATHS``: options that name further image sets of the plan, and options that hold lists of paths
(with ``content_of(path)``, a digest);
``check_group(group, options)``, what is wrong with the image sets; ``images_shown(group, options)``, how many more
images a model is shown; and, if its results are no spectra, ``columns(result)``: numbers for the table.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from neuroalpha.errors import InputError, nearest

KINDS: Mapping[str, str] = {
    "spectra": "neuroalpha.runs.spectra",
    "readouts": "neuroalpha.runs.readouts",
    "shifts": "neuroalpha.runs.shifts",
    "noise": "neuroalpha.runs.noise",
    "train": "neuroalpha.runs.training",
    "scores": "neuroalpha.runs.scores",
}


def module_of(kind: str) -> Any:
    """The module of a kind, imported when it is needed: most kinds need torch."""
    return importlib.import_module(KINDS[kind])


def image_sets(kind: str, options: Mapping[str, Any]) -> list[str]:
    """Names of the further image sets that a task needs, beside those that it is done on."""
    named: list[str] = []
    for option in getattr(module_of(kind), "IMAGES", ()):
        value = options[option]
        named += [value] if isinstance(value, str) else value
    return named


def path_options(kind: str) -> tuple[str, ...]:
    """Names of the options that hold lists of paths."""
    return getattr(module_of(kind), "PATHS", ())


def task_paths(kind: str, options: Mapping[str, Any]) -> list[str]:
    """Files and folders that a task names."""
    return [path for name in path_options(kind) for path in options[name]]


def check_options(kind: str, options: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Options of a task, with the defaults filled in, or InputError."""
    module = module_of(kind)
    for name in options:
        if name not in module.OPTIONS:
            raise InputError(
                f"{where} has the unknown key {name!r}{nearest(name, [*module.OPTIONS, 'kind'])}; "
                f"{kind} takes {', '.join(module.OPTIONS)}"
            )
    filled = {**module.OPTIONS, **options}
    module.check(filled, where)
    return filled
