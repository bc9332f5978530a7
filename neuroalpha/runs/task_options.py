"""Options that the kinds of jobs with readouts share, and the keys and names of their results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import xarray as xr

from neuroalpha._cache import content_key
from neuroalpha.errors import InputError, nearest

if TYPE_CHECKING:
    from neuroalpha.runs.group import Job, Subject

READOUT: Mapping[str, Any] = {"test": "", "penalties": [], "select": "gcv", "seed": 0}
"""``test``: name of the image set to test on. ``penalties``: of the ridge readout, default thirteen relative to the
eigenvalues. ``select``: "gcv" or "loo"."""


def check_readout(options: Mapping[str, Any], where: str) -> None:
    """Refuse what no readout could be made with."""
    if not isinstance(options["test"], str) or not options["test"]:
        raise InputError(f"{where} has test {options['test']!r}; expected the name of an [[images]] entry to test on")
    if options["select"] not in ("gcv", "loo"):
        raise InputError(f"{where} has select {options['select']!r}; expected 'gcv' or 'loo'")
    listed = options["penalties"]
    if not isinstance(listed, list) or any(type(each) not in (int, float) or not each > 0 for each in listed):
        raise InputError(f"{where} has penalties {listed!r}; expected a list of positive numbers, or none")


def check_texts(options: Mapping[str, Any], name: str, where: str, known: Sequence[str] | None = None) -> None:
    """Refuse what is no list of texts, or of other texts than are known."""
    listed = options[name]
    if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
        raise InputError(f"{where} has {name} {listed!r}; expected a list of texts")
    for each in listed:
        if known is not None and each not in known:
            raise InputError(f"{where} has {each!r} among its {name}{nearest(each, known)}; known: {', '.join(known)}")


def make_jobs(
    subject: Subject, kind: str, version: int, options: Mapping[str, Any], depends: Mapping[str, Any]
) -> list[Job]:
    """One job for each layer; the key holds the options and, for what they only name, its content (``depends``)."""
    from neuroalpha.runs.group import Job

    content = {name: value for name, value in options.items() if name not in depends}
    return [
        Job(
            key=content_key({**subject.identity(layer), "kind": kind, "format": version, **content, **depends}),
            kind=kind,
            layer=layer.name,
            reduce=layer.reduce,
        )
        for layer in subject.layers
    ]


def signed(result: xr.Dataset, subject: Subject, job: Job) -> xr.Dataset:
    """The result with what it was made of; names that people gave are put to it when it is read."""
    return result.assign_attrs(
        kind=job.kind,
        key=job.key,
        layer=job.layer,
        reduce=job.reduce,
        source=subject.source["digest"],
        parameters=subject.parameters,
    )
