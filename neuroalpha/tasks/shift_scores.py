"""Numbers that say how a classifier bears distribution shifts. Errors and accuracies are shares, from 0 to 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neuroalpha._checks import check_seed, share, whole
from neuroalpha.errors import InputError


def corruption_errors(errors: Any, reference: Any = None) -> np.ndarray:
    """Corruption error of each kind (Hendrycks & Dietterich 2019, section 4.2).

    The sum of the errors over the severities, divided by the same sum of a reference model. Without a reference it is
    the mean error over the severities.

    Parameters
    ----------
    errors
        (..., kind, severity).
    reference
        (kind,) mean errors over the same severities, or (kind, severity), such as
        :func:`~neuroalpha.tasks.reference_errors.alexnet_errors`.

    Returns
    -------
    ndarray (..., kind)

    Raises
    ------
    InputError
        For errors that are no shares, or a reference of another shape.

    Examples
    --------
    >>> corruption_errors([[0.2, 0.4], [0.5, 0.5]], reference=[0.6, 0.5])
    array([0.5, 1. ])
    """
    mean = _errors(errors).mean(-1)
    return mean if reference is None else mean / _reference(errors, reference)


def mean_corruption_error(errors: Any, reference: Any = None) -> np.ndarray:
    """Mean corruption error: :func:`corruption_errors` averaged over the kinds.

    With AlexNet's errors as the reference it is the mCE of the ImageNet-C benchmark, as a share: AlexNet has 1. For
    CIFAR-10-C no reference was published and the plain mean error is what papers report.

    Parameters
    ----------
    errors
        (..., kind, severity).
    reference
        (kind,) or (kind, severity); default none.

    Returns
    -------
    ndarray (...)

    Raises
    ------
    InputError
        As for :func:`corruption_errors`.

    Examples
    --------
    >>> float(mean_corruption_error([[0.2, 0.4], [0.5, 0.5]], reference=[0.6, 0.5]))
    0.75
    """
    return corruption_errors(errors, reference).mean(-1)


def relative_mean_corruption_error(
    errors: Any, clean_error: Any, reference: Any = None, reference_clean: float = 0.0
) -> np.ndarray:
    """Mean corruption error of what the corruptions add to the clean error (Hendrycks & Dietterich 2019, section 4.2).

    Parameters
    ----------
    errors
        (..., kind, severity).
    clean_error
        (...), of the same models on clean images.
    reference, reference_clean
        Of the reference model: errors as for :func:`corruption_errors`, and its clean error. Without them it is the
        mean loss of accuracy.

    Returns
    -------
    ndarray (...)

    Raises
    ------
    InputError
        As for :func:`corruption_errors`; also where the reference model loses nothing by a corruption.

    Examples
    --------
    >>> float(relative_mean_corruption_error([[0.2, 0.4]], 0.1, reference=[0.6], reference_clean=0.5).round(6))
    2.0
    """
    added = _errors(errors).mean(-1) - shares(clean_error, "clean_error")[..., None]
    if reference is not None:
        lost = _reference(errors, reference) - share(reference_clean, "reference_clean", 0, 1)
        if (lost <= 0).any():
            raise InputError(
                f"the reference model has no larger error on {int((lost <= 0).sum())} of {lost.size} kinds than on "
                "clean images (reference_clean=); a relative corruption error needs one that has"
            )
        added = added / lost
    return added.mean(-1)


def relative_drop(clean: Any, shifted: Any) -> np.ndarray:
    """Share of the clean accuracy that is lost under a shift, ``1 - shifted / clean``; NaN where ``clean`` is zero.

    Examples
    --------
    >>> relative_drop([0.8, 0.5], [0.6, 0.55]).round(3)
    array([ 0.25, -0.1 ])
    """
    clean, shifted = np.broadcast_arrays(shares(clean, "clean"), shares(shifted, "shifted"))
    return 1 - np.divide(shifted, clean, out=np.full(clean.shape, np.nan), where=clean > 0)


def flip_probability(predictions: Any, against_first: bool = False) -> float:
    """How often the answer changes along a sequence of slightly perturbed frames (Hendrycks & Dietterich 2019, 4.3).

    Parameters
    ----------
    predictions
        (sequence, frame) classes, as of the frames of CIFAR-10-P.
    against_first
        Compare each frame with the first one, as the benchmark does for noise, whose frames have no order; default with
        the frame before.

    Raises
    ------
    InputError
        For another shape.

    Examples
    --------
    >>> flip_probability([["cat", "cat", "dog"], ["car", "car", "car"]])
    0.25
    """
    predictions = np.asarray(predictions)
    if predictions.ndim != 2 or predictions.shape[0] == 0 or predictions.shape[1] < 2:
        raise InputError(
            f"predictions have shape {predictions.shape}; expected (sequence, frame) with at least 2 frames"
        )
    before = predictions[:, :1] if against_first else predictions[:, :-1]
    return float((predictions[:, 1:] != before).mean())


@dataclass(frozen=True, eq=False)
class CorruptionAccuracy:
    """Accuracies over corruptions with intervals over the test images."""

    accuracy: np.ndarray
    """(kind, severity)."""
    kind: np.ndarray
    """(kind,) means over the severities, with ``kind_low`` and ``kind_high``."""
    kind_low: np.ndarray
    kind_high: np.ndarray
    mean: float
    """Over kinds and severities, with ``low`` and ``high``."""
    low: float
    high: float
    drop: float
    """Relative drop of ``mean`` against the clean accuracy, with ``drop_low`` and ``drop_high``; NaN without it."""
    drop_low: float
    drop_high: float
    n_images: int
    n_boot: int
    seed: int
    level: float


def corruption_accuracy(
    correct: Any, clean: Any = None, *, n_boot: int = 1000, seed: int = 0, level: float = 0.95
) -> CorruptionAccuracy:
    """Mean accuracy over corruptions with bootstrap intervals over the test images.

    The bootstrap is paired: an image is drawn with all its corrupted copies (and its clean self), which are answered
    alike far more often than different images are. Intervals are percentiles.

    Parameters
    ----------
    correct
        (kind, severity, image) booleans: whether the answer was right; the images in the same order everywhere.
    clean
        (image,) booleans for the clean images, for the relative drop.
    n_boot, seed, level
        Number of draws, their seed, and the coverage of the intervals.

    Returns
    -------
    CorruptionAccuracy

    Raises
    ------
    InputError
        For arrays that are not boolean or do not fit together.

    Notes
    -----
    Memory: one float64 for each kind and image. Time: 1,000 draws of 10,000 images and 15 kinds take about 0.3 s.

    Examples
    --------
    >>> right = np.random.default_rng(0).random((15, 5, 200)) < 0.7
    >>> found = corruption_accuracy(right, n_boot=200)
    >>> bool(found.low < found.mean < found.high)
    True
    """
    correct = booleans(correct, "correct", 3, "(kind, severity, image)")
    n = correct.shape[2]
    n_boot, seed, level = whole(n_boot, "n_boot", 1), check_seed(seed), share(level, "level", 0.01, 0.999)
    columns = [correct.mean(axis=1).T]  # (image, kind): means over severities are linear, so they come first
    columns.append(columns[0].mean(axis=1, keepdims=True))
    if clean is not None:
        clean = booleans(clean, "clean", 1, "(image,)")
        if clean.shape[0] != n:
            raise InputError(f"clean= is of {clean.shape[0]} images where correct is of {n}; give the same images")
        columns.append(clean[:, None].astype(float))
    values = np.concatenate(columns, axis=1)
    rng = np.random.default_rng(seed)
    draws = np.empty((n_boot, values.shape[1]))
    for start in range(0, n_boot, 64):
        counts = [np.bincount(rng.integers(n, size=n), minlength=n) for _ in range(min(64, n_boot - start))]
        draws[start : start + len(counts)] = np.asarray(counts, dtype=float) @ values / n
    ends = ((1 - level) / 2, (1 + level) / 2)
    n_kinds = correct.shape[0]
    low, high = np.quantile(draws[:, : n_kinds + 1], ends, axis=0)
    mean = values.mean(axis=0)
    drop = drop_low = drop_high = np.nan
    if clean is not None:
        drop = float(relative_drop(mean[-1], mean[n_kinds]))
        dropped = relative_drop(draws[:, -1], draws[:, n_kinds])
        if not np.isnan(dropped).any():
            drop_low, drop_high = (float(end) for end in np.quantile(dropped, ends))
    return CorruptionAccuracy(
        correct.mean(axis=2), mean[:n_kinds], low[:n_kinds], high[:n_kinds],
        float(mean[n_kinds]), float(low[n_kinds]), float(high[n_kinds]), drop, drop_low, drop_high,
        n, n_boot, seed, level,
    )  # fmt: skip


def shares(values: Any, name: str, missing: bool = False) -> np.ndarray:
    """Return numbers from 0 to 1 as float64, NaN among them only if ``missing``, or say what was given."""
    values = np.asarray(values, dtype=float)
    wrong = ~((values >= 0) & (values <= 1)) & ~(np.isnan(values) if missing else np.zeros(values.shape, bool))
    if wrong.any():
        first = values[wrong].flat[0]
        hint = "mend or leave out these" if not np.isfinite(first) else "divide percent by 100"
        raise InputError(f"{name} holds {int(wrong.sum())} values like {first:g}; expected shares from 0 to 1, {hint}")
    return values


def _errors(errors: Any) -> np.ndarray:
    values = shares(errors, "errors")
    if values.ndim < 2 or 0 in values.shape[-2:]:
        raise InputError(f"errors have shape {values.shape}; expected (..., kind, severity)")
    return values


def _reference(errors: Any, reference: Any) -> np.ndarray:
    """Mean errors (kind,) of the reference model over the same severities."""
    shape, values = np.shape(errors)[-2:], shares(reference, "reference")
    if values.shape not in (shape, shape[:1]):
        raise InputError(
            f"reference has shape {values.shape}; errors of {shape[0]} kinds at {shape[1]} severities need "
            f"({shape[0]},) or {shape}, for the same kinds in the same order"
        )
    mean = values.mean(-1) if values.ndim == 2 else values
    if (mean <= 0).any():
        raise InputError("reference holds a kind without any error, by which nothing can be divided; leave it out")
    return mean


def booleans(values: Any, name: str, ndim: int, form: str, size: int | None = None) -> np.ndarray:
    """Return a boolean array of ``ndim`` dimensions, or say what was given."""
    values = np.asarray(values)
    if values.dtype != bool or values.ndim != ndim or values.size == 0 or size not in (None, values.size):
        raise InputError(f"{name} is {values.dtype} of shape {values.shape}; expected booleans {form}")
    return values
