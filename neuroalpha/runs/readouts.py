"""The job kind ``readouts``: how well each layer tells classes apart, from the decomposition that gives its alpha."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from neuroalpha._checks import whole
from neuroalpha.errors import InputError
from neuroalpha.runs.task_options import READOUT, check_readout, check_texts, make_jobs, signed

if TYPE_CHECKING:
    from neuroalpha.runs.features import Prepared
    from neuroalpha.runs.group import Group, Job, Subject
    from neuroalpha.runs.work import Outcome

FORMAT = 1
OPTIONS: Mapping[str, Any] = {**READOUT, "classifiers": ["ridge"], "bootstrap": 1000}
IMAGES = ("test",)
CLASSIFIERS = ("ridge", "logistic", "knn")
SCORES = ("accuracy", "accuracy_low", "accuracy_high", "balanced_accuracy", "calibration_error", "brier", "nll")


def check(options: Mapping[str, Any], where: str) -> None:
    """Refuse options that no readout could be made with."""
    check_readout(options, where)
    check_texts(options, "classifiers", where, CLASSIFIERS)
    whole(options["bootstrap"], f"bootstrap in {where}", 1)
    if "ridge" not in options["classifiers"]:
        raise InputError(f"{where} leaves out 'ridge' among its classifiers, which comes with the spectrum: add it")


def check_group(group: Group, options: Mapping[str, Any]) -> None:
    """Refuse labels that no readout can be made with."""
    from neuroalpha.runs.features import check_labels

    check_labels(group, options["test"])


def jobs(subject: Subject, options: Mapping[str, Any]) -> list[Job]:
    """One job for each layer."""
    from neuroalpha.runs.features import named_sets

    return make_jobs(subject, "readouts", FORMAT, options, {"test": named_sets(subject, [options["test"]])})


def perform(
    subject: Subject, wanted: Sequence[Job], options: Mapping[str, Any], settings: Mapping[str, Any]
) -> Iterator[Outcome]:
    """One layer after the other."""
    from neuroalpha.runs.features import possible, prepare
    from neuroalpha.runs.work import Outcome

    jobs_of, layers, faults = possible(subject, wanted)
    yield from faults
    for layer, ready in prepare(subject, layers, options["test"], settings):
        job = jobs_of[layer.name]
        if isinstance(ready, InputError):
            yield Outcome(job, None, str(ready), {})
        else:
            yield Outcome(job, signed(read_out(ready, options), subject, job), "", {})


def read_out(ready: Prepared, options: Mapping[str, Any]) -> xr.Dataset:
    """Scores of the ridge readout, accuracies of the other classifiers, what theory expects, and the spectrum."""
    from neuroalpha.spectrum.result import make_spectrum
    from neuroalpha.tasks.classifiers import fit_classifier
    from neuroalpha.tasks.intervals import wilson
    from neuroalpha.tasks.readout import scored
    from neuroalpha.tasks.scores import image_scores

    classes, seed = ready.classes, options["seed"]
    true = np.searchsorted(classes.shared, classes.test)
    values: dict[str, Any] = {}
    for kind in options["classifiers"]:
        given = options["penalties"] or None
        fitted = fit_classifier(
            kind, ready.decomposition, ready.train, classes.train, classes.names.size,
            penalties=None if kind == "knn" else given, select=options["select"], seed=seed,
        )  # fmt: skip
        decisions = fitted.decisions(ready.test)[:, classes.shared]
        if kind == "ridge":
            ridge = fitted
            images = image_scores(fitted.to_probabilities(decisions), true)
            continue
        right = decisions.argmax(axis=1) == true
        low, high = wilson(right.sum(), right.size)
        values |= {f"{kind}_accuracy": right.mean(), f"{kind}_accuracy_low": low, f"{kind}_accuracy_high": high}
    result = scored(images, classes.names[classes.shared], options["bootstrap"], seed, 0.95).assign(values)
    result["criterion"] = ("penalty", ridge.criterion)
    result = result.assign_coords(penalty=ridge.penalties)
    spectrum = make_spectrum(
        ready.decomposition.eigenvalue,
        None,
        {},
        estimator="pca",
        n_stimuli=ready.decomposition.n,
        n_presentations=ready.decomposition.n,
        n_neuroids=int(ready.decomposition.vectors.shape[0]),
        center="neuroid mean",
        seed=int(seed),
        n_test=int(true.size),
        n_classes=int(classes.names.size),
        classes_dropped=", ".join(classes.dropped),
        classes_absent=", ".join(classes.absent),
        **ridge.how,
    )
    return result.merge(spectrum).assign(expected(ready, spectrum)).assign_attrs(spectrum.attrs)


_quiet = threading.Lock()  # warnings are turned off for the whole process: one thread at a time


def expected(ready: Prepared, spectrum: xr.Dataset) -> dict[str, float]:
    """Error that theory expects after half of the training images; NaN where it cannot say."""
    from neuroalpha.spectrum.fit import fit_alpha
    from neuroalpha.theory.generalisation import VARIANTS
    from neuroalpha.theory.readout_theory import readout_theory

    try:
        with _quiet, warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            alpha = fit_alpha(spectrum, "auto").alpha
    except InputError:
        alpha = np.nan
    try:
        classes = ready.classes
        errors = readout_theory(ready.decomposition.values, ready.train, classes.train, classes.names.size, alpha)
    except InputError:
        errors = dict.fromkeys(VARIANTS, np.nan)
    return {f"theory_{name}": float(value) for name, value in errors.items()}


def columns(result: Any) -> dict[str, float]:
    """What goes into the table."""
    found = {name: float(result[name]) for name in SCORES}
    found |= {
        f"{kind}_accuracy": float(result[f"{kind}_accuracy"])
        for kind in CLASSIFIERS[1:]
        if f"{kind}_accuracy" in result
    }
    found |= {str(name): float(result[name]) for name in result.data_vars if str(name).startswith("theory_")}
    return found | {"n_test": float(result.attrs["n_test"])}
