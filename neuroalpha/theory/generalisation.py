"""Predicted error of a ridge readout from a spectrum: what alpha alone says, and what the target's alignment adds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
import xarray as xr

import neuroalpha
from neuroalpha._checks import check_seed, whole
from neuroalpha.errors import InputError
from neuroalpha.spectrum.fit import AlphaFit, fit_alpha
from neuroalpha.spectrum.result import INHERITED, make_spectrum
from neuroalpha.theory.alignment import align, alignment_exponent, cumulative_power
from neuroalpha.theory.labelled import classes, images_of, penalties_of, training_sizes
from neuroalpha.theory.ridge_error import generalisation_error
from neuroalpha.theory.ridge_simulation import held_out_errors

VARIANTS = {
    "error": "measured eigenvalues and alignment",
    "error_alpha_only": "power law of the fitted alpha, power in proportion to it",
    "error_spectrum_only": "measured eigenvalues, power in proportion to them",
    "error_alignment": "power law of the fitted alpha, measured alignment",
}
"""What each prediction knows."""

PENALTIES = np.logspace(-8, 1, 37)  # candidates for the best one, relative to the total variance of the features


def predict_errors(
    eigenvalue: np.ndarray,
    target_power: np.ndarray,
    n_train: np.ndarray | Sequence[int],
    penalty: np.ndarray | float | Literal["best"],
    alpha: float,
    *,
    rest: float = 0.0,
    n_images: int | None = None,
) -> dict[str, np.ndarray]:
    """The four predictions (k,) by the names of VARIANTS, and ``penalty`` (k,); arrays in, arrays out.

    Parameters
    ----------
    eigenvalue, target_power : array (component,)
        Of :func:`neuroalpha.theory.alignment.align`, the power summed over classes.
    n_train : array (k,)
    penalty : number, array (k,) or "best"
        As of :func:`predict_generalisation`.
    alpha : float
        NaN where there is none: the two predictions that need it are NaN.
    rest : float
        Target variance outside the span of the features, in units of ``target_power``.
    n_images : int, optional
        How many images both were measured on.

    Examples
    --------
    >>> law = np.arange(1, 201) ** -1.0
    >>> found = predict_errors(law, law, [20, 100], 1e-3, 1.0)
    >>> bool(np.allclose(found["error"], found["error_alpha_only"]))  # here alpha says it all
    True
    """
    sizes = np.asarray(n_train, dtype=np.float64)
    eigenvalue, target_power = np.asarray(eigenvalue, np.float64), np.asarray(target_power, np.float64)
    positive = eigenvalue > 0
    law = np.where(positive, np.arange(1, eigenvalue.size + 1) ** -float(alpha), 0.0)
    law *= eigenvalue.sum() / law.sum()
    how: dict[str, Any] = {"n_images": n_images, "intercept": True}
    if isinstance(penalty, str):
        grid = PENALTIES * eigenvalue.sum()
        every = [generalisation_error(eigenvalue, target_power, sizes, each, rest=rest, **how).error for each in grid]
        chosen = grid[np.argmin(every, axis=0)]
    else:
        chosen = np.broadcast_to(np.asarray(penalty, dtype=np.float64), sizes.shape).copy()
    known = {
        "error": (eigenvalue, target_power, rest),
        "error_alpha_only": (law, law, 0.0),
        "error_spectrum_only": (eigenvalue, eigenvalue, 0.0),
        "error_alignment": (law, target_power, rest),
    }
    found = {
        name: np.full(sizes.size, np.nan)
        if np.isnan(alpha) and values is law
        else generalisation_error(values, power, sizes, chosen, rest=left, **how).error
        for name, (values, power, left) in known.items()
    }
    return {**found, "penalty": chosen}


def predict_generalisation(
    features: xr.DataArray,
    *,
    label: str = "label",
    n_train: Sequence[int] | None = None,
    penalty: float | Sequence[float] | Literal["best"] = "best",
    ranks: tuple[int, int] | Literal["auto"] = "auto",
    measure: bool = False,
    n_draws: int = 5,
    seed: int = 0,
    progress: bool = False,
) -> xr.Dataset:
    """Predict the test error of a ridge readout after n training images, from eigenvalues and target alignment.

    Four predictions stand side by side, so that one sees how much of the error alpha explains and how much the
    alignment of the classes with the eigenvectors adds: each takes the eigenvalues as measured or as the fitted power
    law (of the same total variance), and the power of the target along the eigenvectors as measured or in proportion to
    the eigenvalues. The latter is what is expected of a target of which nothing is known but that it is linear in the
    features: one with random weights.

    Parameters
    ----------
    features : DataArray (presentation, neuroid) or (stimulus, neuroid)
        An assembly with labels, each image once: as of :func:`neuroalpha.extract` with labelled images, or
        ``neuroalpha.repeats(recording, 1)[0]``.
    label : str
        Coordinate with the class of each image, text or whole numbers. Targets are one-vs-rest, +1 and -1, centred.
    n_train : sequence of int, optional
        Numbers of training images, at most P - 2 of P images. Default: 8 from P / 64 to P / 2, equal ratios.
    penalty : number, sequence of numbers (k,) or "best"
        Of the readout: scikit-learn's ``RidgeClassifier(alpha)`` has penalty = alpha / n_train. Units of the
        eigenvalues. "best" (default): for each n_train the one of 37 from 1e-8 to 10 times the features' total variance
        that has the least predicted error; the same for all four predictions and the measurement.
    ranks : (int, int) or "auto"
        Window of :func:`neuroalpha.fit_alpha` for alpha, and for the alignment exponent.
    measure : bool
        Also fit such readouts on random images and test them on the others. Default False.
    n_draws : int
        Random choices of training images for the measurement.
    seed : int
        Of these choices.
    progress : bool
        Show progress on stderr.

    Returns
    -------
    Dataset over ``n_train`` and ``component``
        ``error``, ``error_alpha_only``, ``error_spectrum_only``, ``error_alignment`` (n_train): mean squared error over
        the variance of the targets (1 - R^2; 1 is chance), on images of P that were not trained on; ``penalty``
        (n_train); with ``measure``, ``measured_error`` and ``measured_accuracy`` (n_train), means over draws, and
        ``measured_error_sd``, ``measured_accuracy_sd`` between draws. ``eigenvalue`` (component, divisor P),
        ``target_power`` (share of the target's variance along each eigenvector) and ``cumulative_power``, with
        coordinate ``rank``. attrs: ``alpha`` and ``first``, ``last`` of its window, ``alignment_exponent`` b (power ~
        rank^-b, of the same window; NaN if there is none), ``target_rest`` (share of the target that no linear readout
        reaches), counts, ``note``.

    Raises
    ------
    InputError
        No labels, a missing or single class, images shown more than once, values that are not finite, numbers of
        training images out of range, a spectrum too short for the window.

    Notes
    -----
    Theory: Canatar, Bordelon & Pehlevan 2021, Nature Communications 12:2914; formulas and the two changes made to them
    (an intercept, and P images instead of infinitely many) in :mod:`neuroalpha.theory.ridge_error`. The published
    formula takes the spectrum of P images for the population's and then promises too little error: with more neuroids
    than images, 10 % too little at n_train = P / 10, half at P / 2. The one used here corrects for that and holds up to
    n_train = P - 2; on stages of CIFAR-10 ResNets it was within 1 % of the measured errors (averages over space, 250 to
    4000 images) and 5 % (all 4096 units, 20 to 1800 images).
    What it is not: the power along eigenvectors is measured with the labels of the tested images too, so it explains
    errors and does not save the test images. The theory takes eigenvectors in general position and many of them: few
    training images or a spectrum of two or three large eigenvalues make it rough. Targets without alignment
    information lie in the span of the features, real ones in part outside (``target_rest``), which is most of the gap
    where neuroids are few. A squared error is not an accuracy.
    Time and memory: one eigenvalue problem of the smaller of P and neuroids and its matrix in float64; ``measure``
    takes a product and a linear system of min(n_train, neuroids) for each draw and n_train.

    Examples
    --------
    >>> import numpy as np
    >>> import neuroalpha as na
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(300, 60)) * np.arange(1, 61) ** -0.5
    >>> net = na.make_assembly(x, stimulus_id=np.arange(300), presentation={"label": np.where(x[:, 1] > 0, "a", "b")})
    >>> found = predict_generalisation(net, n_train=[20, 150], measure=True)
    >>> found.error.values.round(2), bool(np.allclose(found.error, found.measured_error, rtol=0.1))
    (array([0.52, 0.38]), True)
    """
    seed, n_draws = check_seed(seed), whole(n_draws, "n_draws", 1)
    assembly = images_of(features)
    names, codes = classes(assembly, label)
    values = np.asarray(assembly.data)
    if not np.isfinite(values).all():
        raise InputError(f"{int((~np.isfinite(values)).sum())} responses are NaN or infinite; drop or fill them first")
    n_images, n_neuroids = values.shape
    sizes = training_sizes(n_train, n_images)
    checked = penalties_of(penalty, sizes)
    targets = np.where(codes[:, None] == np.arange(names.size), 1.0, -1.0)
    found = align(values, targets)
    if not found.eigenvalue.any():
        raise InputError("the features never vary; check what was recorded")
    spectrum = make_spectrum(
        found.eigenvalue,
        None,
        dict(assembly.attrs),
        estimator="pca",
        n_stimuli=n_images,
        n_neuroids=n_neuroids,
        center="neuroid mean",
        seed=seed,
    )
    fit = fit_alpha(spectrum, ranks)
    variance = float(found.power.sum() + found.rest.sum())
    power, rest = found.power.sum(axis=0) / variance, float(found.rest.sum()) / variance
    predicted = predict_errors(found.eigenvalue, power, sizes, checked, fit.alpha, rest=rest, n_images=n_images)
    result = xr.Dataset(
        {name: ("n_train", each) for name, each in predicted.items()}
        | {
            "eigenvalue": ("component", found.eigenvalue),
            "target_power": ("component", power),
            "cumulative_power": ("component", cumulative_power(power, rest)),
        },
        coords={"n_train": sizes, "rank": ("component", np.arange(1, power.size + 1))},
        attrs=_attrs(spectrum, fit, power, rest) | {"n_classes": names.size, "label": label, "n_draws": 0},
    )
    for name, text in VARIANTS.items():
        result[name].attrs["knows"] = text
    if measure:
        chosen = predicted["penalty"]
        done = held_out_errors(values, targets, sizes, chosen, n_draws=n_draws, seed=seed, progress=progress)
        for name, drawn in (("measured_error", done.error), ("measured_accuracy", done.accuracy)):
            spread = drawn.std(axis=0, ddof=1) if n_draws > 1 else np.full(sizes.size, np.nan)
            result[name], result[f"{name}_sd"] = ("n_train", drawn.mean(axis=0)), ("n_train", spread)
        result.attrs["n_draws"] = n_draws
    return result


def variant_gaps(result: xr.Dataset, against: str = "measured_error") -> pd.DataFrame:
    """How far each prediction is from the measured error (or from another variable), over all n_train.

    Columns ``variant``, ``knows``, ``ratio`` (geometric mean of prediction over measurement) and ``log_gap`` (root mean
    square of the natural log of that ratio: 0.05 is about 5 %).

    Raises
    ------
    InputError
        When the result does not hold what to compare with.

    Examples
    --------
    >>> import numpy as np
    >>> import neuroalpha as na
    >>> x = np.random.default_rng(0).normal(size=(90, 40)) * np.arange(1, 41) ** -0.5
    >>> net = na.make_assembly(x, stimulus_id=np.arange(90), presentation={"label": np.where(x[:, 1] > 0, "a", "b")})
    >>> float(variant_gaps(predict_generalisation(net), against="error")["log_gap"][0])
    0.0
    """
    if against not in result:
        raise InputError(f"the result holds no {against!r}; call predict_generalisation(..., measure=True)")
    rows = []
    for name, text in VARIANTS.items():
        gap = np.log(result[name].values / result[against].values)
        rows.append((name, text, float(np.exp(gap.mean())), float(np.sqrt((gap**2).mean()))))
    return pd.DataFrame(rows, columns=["variant", "knows", "ratio", "log_gap"])


def _attrs(spectrum: xr.Dataset, fit: AlphaFit, power: np.ndarray, rest: float) -> dict[str, str | int | float]:
    """What the features were, the two exponents, and how the prediction was made."""
    try:
        exponent = alignment_exponent(power, fit.ranks)
    except InputError:  # a target without power there has no exponent
        exponent = float("nan")
    return {
        **{name: spectrum.attrs[name] for name in INHERITED if name in spectrum.attrs},
        "method": "ridge theory of Canatar, Bordelon & Pehlevan 2021, with an intercept, for the images that there are",
        "alpha": fit.alpha,
        "first": fit.ranks[0],
        "last": fit.ranks[1],
        "alignment_exponent": exponent,
        "target_rest": rest,
        "n_stimuli": fit.n_stimuli,
        "n_neuroids": fit.n_neuroids,
        "seed": fit.seed,
        "note": "error = mean squared error over target variance; power of the targets measured on all images",
        "software": f"neuroalpha {neuroalpha.__version__}",
    }
