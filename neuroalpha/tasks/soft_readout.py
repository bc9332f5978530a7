"""Readouts of label distributions: what a linear classifier learns from how unsure people are."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from neuroalpha._checks import check_seed, share, whole
from neuroalpha.assembly import check_assembly
from neuroalpha.errors import InputError
from neuroalpha.spectrum.checks import check_responses
from neuroalpha.spectrum.result import INHERITED, make_spectrum
from neuroalpha.tasks.classifiers import check_options
from neuroalpha.tasks.decomposition import decompose_and_project
from neuroalpha.tasks.intervals import bootstrap
from neuroalpha.tasks.readout_inputs import check_same_neuroids, recorded
from neuroalpha.tasks.scores import scores, softmax
from neuroalpha.tasks.soft_labels import check_counts, label_entropy
from neuroalpha.tasks.soft_logistic import fit_soft_logistic, soft_image_scores

_ROW = "_row_of_labels"
SCORES = {"nll": "cross_entropy", "accuracy": "accuracy", "calibration_error": "calibration_error", "brier": "brier"}


def soft_readout(
    train: xr.DataArray,
    train_labels: Any,
    test: xr.DataArray,
    test_labels: Any,
    *,
    classes: Sequence[str] | np.ndarray | None = None,
    penalties: Any = None,
    n_boot: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> xr.Dataset:
    """Fit a multinomial logistic readout to label distributions and score it on test images.

    The loss is the cross-entropy with each image's distribution, plus half the penalty times the squared weights: where
    labels are one-hot, that of :func:`neuroalpha.readout` with ``classifier="logistic"``.

    Parameters
    ----------
    train, test : DataArray (presentation, neuroid)
        Responses of the same neuroids. A NaN counts as the neuroid's mean over training images; images that are NaN
        throughout are left out with their labels. May be lazy (dask).
    train_labels : array (n, class)
        A distribution for each presentation of ``train``, in its order, as :func:`soft_labels
        <neuroalpha.tasks.soft_labels.soft_labels>` makes them; rows are divided by their sums, so counts serve too.
    test_labels : array (m, class), or mapping of name to such
        What predictions are compared with: human distributions, one-hot classes, or several of these by name.
    classes : sequence of str, optional
        Names of the columns; default their numbers from 0.
    penalties : float or sequence of float, optional
        Of the squared weights on the responses as they are. Of several that with the smallest cross-entropy in three
        folds of the training images, against labels of the kind that they have, is chosen. Default: 6 from 1e-5 to 1
        mean eigenvalues of the scatter matrix.
    n_boot : int
        Resamples of test images, 1000 by default; 0 for none.
    level : float
        Of the intervals.
    seed : int
        Of resamples, and of folds.

    Returns
    -------
    Dataset
        Over ``target``, the names of ``test_labels`` ("label" where it has none): ``cross_entropy`` (nats),
        ``divergence`` (Kullback & Leibler's, the cross-entropy less the label's own entropy, image by image),
        ``accuracy`` (the share that the label gives to the predicted class: with one-hot labels the accuracy, with
        human ones the chance to agree with a person), ``calibration_error`` (15 bins, confidence against that share),
        ``brier`` (0 to 2, mean over labels drawn), each with ``_low`` and ``_high`` by the bootstrap over test images;
        ``probability`` (presentation, class) of the test images that are kept, ``row`` (presentation) their place in
        ``test``; ``criterion`` (penalty); ``eigenvalue`` over ``component`` with ``rank``, the spectrum of ``train``.
        attrs say how it was made. The intervals are over test images: they do not tell how other training images would
        do.

    Raises
    ------
    InputError
        For labels that do not match the images in number or each other in classes, that are negative or NaN, a class
        without any weight in the training labels, unlike neuroids, infinite values, constant responses.

    Warns
    -----
    UserWarning
        When images or neuroids are left out or constant, or the solver has not converged.

    Notes
    -----
    By scikit-learn, each image once for each class of its label with the share as weight: time and memory grow with the
    number of shares above 0. Source of the question: Sucholutsky et al. 2023, "On the informativeness of supervision
    signals" (UAI), and Peterson et al. 2019, "Human uncertainty makes classification more robust" (ICCV).

    Examples
    --------
    >>> import neuroalpha as na
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(300, 2))
    >>> labels = softmax(x @ np.array([[2.0, 0, -2], [0, 1, -1]]))
    >>> net = na.make_assembly(x, stimulus_id=np.arange(300))
    >>> result = soft_readout(net[:200], labels[:200], net[200:], labels[200:])
    >>> bool(result.divergence < 0.001)
    True
    """
    check_options("logistic", penalties, "gcv", 1, seed)
    whole(n_boot, "n_boot")
    share(level, "level", 0.5, 0.9999)
    learned = _distributions(train_labels, check_assembly(train).shape[0], "train_labels")
    targets = {
        name: _distributions(labels, check_assembly(test).shape[0], "test_labels")
        for name, labels in (test_labels.items() if isinstance(test_labels, Mapping) else [("label", test_labels)])
    }
    names = _class_names(classes, learned, targets)
    train, train_rows = _kept(train, "training")
    test, test_rows = _kept(test, "test")
    check_same_neuroids(train, test)
    learned = learned[train_rows]
    empty = np.flatnonzero(learned.sum(axis=0) == 0)
    if empty.size:
        raise InputError(
            f"class {names[empty[0]]} has no weight in the training labels; leave its column out of all labels, or add "
            "images of it"
        )
    n_constant = check_responses(train, needs_repeats=False).n_constant
    decomposition, projected = decompose_and_project(train.data)
    if not decomposition.values.size:
        raise InputError("the training responses never vary: there is nothing to read out; check what was selected")
    given = None if penalties is None else np.atleast_1d(np.asarray(penalties, dtype=np.float64))
    fit = fit_soft_logistic(decomposition, projected, learned, given, check_seed(seed))
    if not fit.converged:
        warnings.warn(
            f"the soft readout has not converged in {fit.n_iterations} steps: use a larger penalty, or fewer neuroids",
            stacklevel=2,
        )
    probability = softmax(decomposition.project(test.data) @ fit.coefficients + fit.intercept)
    result = _scored(probability, {name: labels[test_rows] for name, labels in targets.items()}, n_boot, seed, level)
    if not isinstance(test_labels, Mapping):
        result = result.isel(target=0)
    result = result.assign(
        probability=(("presentation", "class"), probability), criterion=("penalty", fit.criterion)
    ).assign_coords({"class": names, "row": ("presentation", test_rows), "penalty": fit.penalties})
    inherited = {name: train.attrs[name] for name in INHERITED if name in train.attrs}
    spectrum = make_spectrum(
        decomposition.eigenvalue,
        None,
        inherited,
        estimator="pca",
        n_stimuli=int(np.unique(train.coords["stimulus_id"].values.astype(str)).size),
        n_presentations=int(train.shape[0]),
        n_neuroids=int(train.shape[1]),
        center="neuroid mean",
        seed=int(seed),
        classifier="logistic on label distributions",
        penalty=fit.penalty,
        n_train=int(train.shape[0]),
        n_test=int(test.shape[0]),
        n_classes=int(names.size),
        n_constant=n_constant,
        train_label_entropy=float(label_entropy(learned).mean()),
        converged=int(fit.converged),
        n_boot=int(n_boot),
        level=float(level),
        test_identifier=str(test.attrs.get("identifier", "")),
    )
    return result.merge(spectrum).assign_attrs(spectrum.attrs)


def _distributions(labels: Any, n: int, name: str) -> np.ndarray:
    weights = check_counts(labels)
    if len(weights) != n:
        raise InputError(f"{name} has {len(weights)} rows, but there are {n} presentations; give a row for each")
    return weights / weights.sum(axis=1, keepdims=True)


def _class_names(classes: Any, learned: np.ndarray, targets: Mapping[str, np.ndarray]) -> np.ndarray:
    if not targets:
        raise InputError("test_labels is empty; give label distributions (image, class), or several by name")
    sizes = {learned.shape[1], *(labels.shape[1] for labels in targets.values())}
    if len(sizes) > 1:
        raise InputError(f"training and test labels have {sorted(sizes)} classes; give all the same columns")
    names = np.arange(learned.shape[1]) if classes is None else np.asarray([str(name) for name in classes])
    if names.size != learned.shape[1] or np.unique(names).size != names.size:
        raise InputError(f"classes= names {np.unique(names).size} classes, but labels have {learned.shape[1]} columns")
    return names


def _kept(assembly: xr.DataArray, of: str) -> tuple[xr.DataArray, np.ndarray]:
    """What was recorded, and which rows of the labels go with it."""
    numbered = assembly.assign_coords({_ROW: ("presentation", np.arange(assembly.shape[0]))})
    kept = recorded(numbered, of)
    return kept.drop_vars(_ROW), kept.coords[_ROW].values


def _scored(
    probability: np.ndarray, targets: Mapping[str, np.ndarray], n_boot: int, seed: int, level: float
) -> xr.Dataset:
    """Scores against each target, with their intervals, as a Dataset over ``target``."""
    values: dict[str, list[float]] = {}
    for labels in targets.values():
        images = soft_image_scores(probability, labels)
        estimate, intervals = scores(images), bootstrap(images, n_boot, seed, level)
        for kernel, name in SCORES.items():
            found = (float(estimate[kernel][0]), *intervals[kernel])
            for suffix, value in zip(("", "_low", "_high"), found, strict=True):
                values.setdefault(name + suffix, []).append(value)
        # An image's own entropy goes with its cross-entropy, and must be resampled with it.
        own = label_entropy(labels)
        found = float(np.mean(images.nll - own)), *intervals["nll"]
        if own.any():
            found = (found[0], *bootstrap(images._replace(nll=images.nll - own), n_boot, seed, level)["nll"])
        for suffix, value in zip(("", "_low", "_high"), found, strict=True):
            values.setdefault("divergence" + suffix, []).append(value)
    return xr.Dataset(
        {name: ("target", each) for name, each in values.items()}, coords={"target": [str(name) for name in targets]}
    )
