"""Readouts: how well a simple classifier on frozen responses tells the classes of images it has not seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from neuroalpha._checks import check_seed, share, whole
from neuroalpha.spectrum.checks import check_responses
from neuroalpha.spectrum.result import INHERITED, make_spectrum
from neuroalpha.tasks.classifiers import N_NEIGHBOURS, Kind, check_options
from neuroalpha.tasks.fitted import FittedReadout, fit_codes, fit_readout
from neuroalpha.tasks.intervals import bootstrap, wilson
from neuroalpha.tasks.labels import encode
from neuroalpha.tasks.readout_inputs import check_same_neuroids, labels_of, recorded
from neuroalpha.tasks.ridge import Select
from neuroalpha.tasks.scores import ImageScores, class_accuracy, image_scores, scores

__all__ = ["FittedReadout", "fit_readout", "readout"]


def readout(
    train: xr.DataArray,
    test: xr.DataArray,
    *,
    classifier: Kind = "ridge",
    label: str = "label",
    penalties: Any = None,
    select: Select = "gcv",
    n_neighbours: int = N_NEIGHBOURS,
    n_boot: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> xr.Dataset:
    """Fit a classifier to responses to training images and score it on test images.

    Parameters
    ----------
    train, test : DataArray (presentation, neuroid)
        Responses of the same neuroids, each image's class in the coordinate ``label``. Classes are matched by name:
        test images of a class that was not trained are left out, and where classes have no test image, predictions are
        restricted to those that have. A NaN counts as the neuroid's mean over training images; images that are NaN
        throughout are left out. May be lazy (dask).
    classifier : {"ridge", "logistic", "knn"}
        ``"ridge"`` (default): least squares on +1 and -1, one class against the others, intercept not penalised; the
        numbers of scikit-learn's ``RidgeClassifier``, from the eigendecomposition that gives the spectrum. Of equal
        decision values the first class wins. Probabilities are softmax(decision / temperature), the temperature fitted
        to exact leave-one-out decisions of the training images: too sure where these have trained the network itself,
        whose features then are better than on new images. ``"logistic"``: multinomial, by scikit-learn; slower.
        ``"knn"``: vote of the nearest training images by cosine about the training mean; nothing is trained.
    label : str
        Name of the coordinate.
    penalties : float or sequence of float, optional
        Of the squared weights on the responses as they are; the best is chosen. Default, ridge: 13 from 1e-6 to 1e3
        mean eigenvalues of the scatter matrix; logistic: 6 from 1e-5 to 1.
    select : {"gcv", "loo"}
        Ridge: by generalised cross-validation (default, hardly any time) or exact leave-one-out squared error. The
        logistic readout goes by the likelihood of three folds.
    n_neighbours : int
        For ``"knn"``, 20 by default.
    n_boot : int
        Resamples of test images, 1000 by default; 0 for none.
    level : float
        Of the intervals.
    seed : int
        Of resamples, and of folds.

    Returns
    -------
    Dataset
        ``accuracy`` with ``_low`` and ``_high`` (Wilson), ``balanced_accuracy`` (mean of the classes),
        ``calibration_error`` (expected calibration error, 15 bins), ``brier`` (0 to 2), ``nll`` (nats), each with
        ``_low`` and ``_high`` from the bootstrap over test images; ``class_accuracy`` (class) with Wilson's interval
        and ``n_class`` (class) test images; ``criterion`` (penalty), the mean squared error or negative log likelihood
        that chose; except for knn ``eigenvalue`` over ``component`` with ``rank``, that of
        :func:`neuroalpha.eigenspectrum` of ``train``, so that :func:`neuroalpha.fit_alpha` takes the result. attrs say
        how it was made. The intervals are over test images: they do not tell how other training images would do.

    Raises
    ------
    InputError
        For missing labels, unlike neuroids, fewer than two shared classes, infinite values, constant responses.

    Warns
    -----
    UserWarning
        When classes differ, images or neuroids are left out or constant, or the logistic readout has not converged.

    Notes
    -----
    With n training images and p neuroids the ridge takes a product n p min(n, p), an eigenproblem of that side and a
    projection; memory that side squared three times and n + m rows of projections in float64.
    Sources: Hoerl & Kennard 1970 (ridge), Golub, Heath & Wahba 1979 (cross-validation), Guo et al. 2017 (calibration).

    Examples
    --------
    >>> import neuroalpha as na
    >>> rng = np.random.default_rng(0)
    >>> label = rng.choice(["cat", "dog", "fox"], size=400)
    >>> x = 2.0 * (label[:, None] == ["cat", "dog", "fox"]) + rng.normal(size=(400, 3))
    >>> net = na.make_assembly(x, stimulus_id=np.arange(400), presentation={"label": label})
    >>> result = readout(net[:300], net[300:])
    >>> bool(0.8 < result.accuracy < 0.95), [str(name) for name in result["class"].values]
    (True, ['cat', 'dog', 'fox'])
    """
    check_options(classifier, penalties, select, n_neighbours, seed)
    whole(n_boot, "n_boot")
    share(level, "level", 0.5, 0.9999)
    train, test = recorded(train, "training"), recorded(test, "test")
    check_same_neuroids(train, test)
    classes = encode(labels_of(train, label, "training"), labels_of(test, label, "test"))
    n_constant = check_responses(train, needs_repeats=False).n_constant
    test_values = test.data[classes.test_rows]
    fitted = fit_codes(train.data, classes.names, classes.train, classifier, penalties, select, n_neighbours, seed)
    among = classes.shared
    images = image_scores(fitted.probabilities(test_values, classes.names[among]), np.searchsorted(among, classes.test))
    result = scored(images, classes.names[among], n_boot, seed, level)
    result["criterion"] = ("penalty", fitted.classifier.criterion)
    result = result.assign_coords(penalty=fitted.classifier.penalties)
    inherited = {name: train.attrs[name] for name in INHERITED if name in train.attrs}
    spectrum = make_spectrum(
        fitted.decomposition.eigenvalue,
        None,
        inherited,
        estimator="pca",
        n_stimuli=int(np.unique(train.coords["stimulus_id"].values.astype(str)).size),
        n_presentations=int(train.shape[0]),
        n_neuroids=int(train.shape[1]),
        center="neuroid mean",
        seed=int(seed),
        classifier=classifier,
        label=label,
        n_train=int(train.shape[0]),
        n_test=int(classes.test.size),
        n_classes=int(classes.names.size),
        n_constant=n_constant,
        n_test_dropped=int(test.shape[0] - classes.test.size),
        classes_dropped=", ".join(classes.dropped),
        classes_absent=", ".join(classes.absent),
        n_boot=int(n_boot),
        level=float(level),
        test_identifier=str(test.attrs.get("identifier", "")),
        **fitted.classifier.how,
    )
    if classifier == "knn":
        return result.drop_vars(["criterion", "penalty"]).assign_attrs(spectrum.attrs)
    return result.merge(spectrum).assign_attrs(spectrum.attrs)


def scored(images: ImageScores, names: np.ndarray, n_boot: int, seed: int, level: float) -> xr.Dataset:
    """Scores of test images with their intervals, as a Dataset over ``class``."""
    values: dict[str, Any] = {}
    intervals = bootstrap(images, n_boot, check_seed(seed), level)
    shown = np.bincount(images.codes, minlength=names.size)
    right = np.bincount(images.codes, weights=images.correct, minlength=names.size)
    intervals["accuracy"] = tuple(map(float, wilson(right.sum(), shown.sum(), level)))  # type: ignore[assignment]
    for name, estimate in scores(images).items():
        values[name] = float(estimate[0])
        values[f"{name}_low"], values[f"{name}_high"] = intervals[name]
    low, high = wilson(right, shown, level)
    values |= {
        "class_accuracy": ("class", class_accuracy(images, n_classes=names.size)[0]),
        "class_accuracy_low": ("class", low),
        "class_accuracy_high": ("class", high),
        "n_class": ("class", shown),
    }
    return xr.Dataset(values, coords={"class": names})
