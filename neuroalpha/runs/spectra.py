"""The job kind ``spectra``: one spectrum for each layer, reduction and estimator, from one pass over the images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from neuroalpha._cache import content_key
from neuroalpha._checks import check_seed, whole
from neuroalpha.errors import InputError, nearest
from neuroalpha.spectrum.estimators import ESTIMATORS

if TYPE_CHECKING:
    from neuroalpha.runs.group import Job, Subject
    from neuroalpha.runs.work import Outcome

FORMAT = 1
"""Of the result files; part of every key."""

OPTIONS: Mapping[str, Any] = {
    "estimator": "pca",
    "center": True,
    "draws": 10,
    "seed": 0,
    "precision": "float64",
    "shards": 1,
}


def check(options: Mapping[str, Any], where: str) -> None:
    """Refuse options that no spectrum could be made with."""
    name = options["estimator"]
    if not isinstance(name, str) or name not in ESTIMATORS:
        raise InputError(
            f"{where} has estimator {name!r}{nearest(str(name), ESTIMATORS)}; known: {', '.join(ESTIMATORS)}"
        )
    if ESTIMATORS[name].needs_repeats:
        raise InputError(
            f"{where} has estimator {name!r}, which compares repeated presentations; a network answers each image the "
            "same way every time: use 'pca'"
        )
    if not isinstance(options["center"], bool):
        raise InputError(f"{where} has center {options['center']!r}; expected true or false")
    if 0 < whole(options["draws"], f"draws in {where}") < 5:
        raise InputError(f"{where} has draws {options['draws']}; an interval needs at least 5 (10 is usual), 0 is none")
    check_seed(options["seed"])
    whole(options["shards"], f"shards in {where}", 1)
    if options["precision"] not in ("float64", "float32"):
        raise InputError(f"{where} has precision {options['precision']!r}; expected 'float64' or 'float32'")


def jobs(subject: Subject, options: Mapping[str, Any]) -> list[Job]:
    """One job for each layer of the subject; its key holds everything that the result depends on."""
    from neuroalpha.runs.group import Job

    return [
        Job(
            key=content_key({**subject.identity(layer), "kind": "spectra", "format": FORMAT, **options}),
            kind="spectra",
            layer=layer.name,
            reduce=layer.reduce,
        )
        for layer in subject.layers
    ]


def perform(
    subject: Subject, wanted: Sequence[Job], options: Mapping[str, Any], settings: Mapping[str, Any]
) -> Iterator[Outcome]:
    """The spectra of some jobs: for each its file's content, or why there is none, and what all of them took."""
    from neuroalpha.networks.spectra import collect_spectra
    from neuroalpha.runs.features import possible
    from neuroalpha.runs.work import Outcome

    jobs_of, chosen, faults = possible(subject, wanted)
    yield from faults
    if not chosen:
        return
    found = collect_spectra(
        subject.model,
        subject.images,
        [layer.name for layer in chosen],
        {layer.name: layer.reduce for layer in chosen},
        channels={layer.name: layer.channels for layer in chosen},
        center=options["center"],
        n_draws=options["draws"],
        seed=options["seed"],
        precision=options["precision"],
        shards=options["shards"],
        batch_size=settings["batch_size"],
        device=settings["device"] or None,
        memory=settings["memory"],
        scratch=settings["scratch"],
        progress=settings["progress"],
    )
    for job in jobs_of.values():
        result = found.results[job.layer]
        if isinstance(result, InputError):
            yield Outcome(job, None, str(result), found.cost)
            continue
        # How wide layers waited hangs on memory and time of the day, and names are what people call things; the same
        # key must give the same bytes anywhere.
        result.attrs["route"] = result.attrs["route"].partition(",")[0]
        for name in ("identifier", "weights", "batch_size"):
            result.attrs.pop(name, None)
        result.attrs["device"] = str(result.attrs["device"]).partition(":")[0]  # which of several GPUs says nothing
        result.attrs.update(parameters=subject.parameters, key=job.key, reduce=job.reduce)
        yield Outcome(job, result, "", found.cost)
