"""Checks of what the theory of projectors needs beyond numbers: matrices to learn from, starts, views, widths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from neuroalpha._checks import whole
from neuroalpha.errors import InputError
from neuroalpha.theory.engine.inputs import real_array, symmetric


def loss_matrix(matrix: Any, name: str = "matrix") -> np.ndarray:
    """Return the symmetric matrix (d, d) of a loss; indefinite ones are fine, as a contrastive loss gives them.

    Raises
    ------
    InputError
        As :func:`neuroalpha.theory.engine.inputs.symmetric`, and for a matrix that is all zeros.

    Examples
    --------
    >>> loss_matrix([[1.0, 2.0], [2.0, -1.0]]).shape
    (2, 2)
    """
    array = symmetric(matrix, name)
    if not array.any():
        raise InputError(f"{name} is all zeros: the loss is the same for all weights, so there is nothing to learn")
    return array


def start_frame(start: Any, n_features: int, *, orthonormal: bool) -> np.ndarray:
    """Return a start W (d, z), z <= d: of orthonormal columns where asked, otherwise of full rank.

    Raises
    ------
    InputError
        For another shape, values that are no finite numbers, columns that are not orthonormal or not independent.
    """
    array = real_array(start, "start", 2, f"weights ({n_features}, outputs)")
    if array.shape[0] != n_features or array.shape[1] > n_features:
        raise InputError(
            f"start has shape {array.shape}; expected ({n_features}, outputs) with at most {n_features} outputs"
        )
    if orthonormal:
        gap = np.abs(array.T @ array - np.eye(array.shape[1])).max()
        if gap > 1e-8:
            raise InputError(
                f"the columns of start are not orthonormal (W^T W differs from 1 by {gap:.2g}); take "
                "numpy.linalg.qr(start)[0]"
            )
    elif np.linalg.matrix_rank(array) < array.shape[1]:
        raise InputError(f"start has rank {np.linalg.matrix_rank(array)} for {array.shape[1]} outputs; expected full")
    return array


def views(
    x: Any, positive: Any, negative: Any = None, center: bool = True
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Return the views, all of one shape (n, d), each without its mean where asked.

    Raises
    ------
    InputError
        For views of different shapes, fewer than two samples, NaN, samples that are all the same, negative views that
        are the positive ones.
    """
    given = {"x": x, "positive": positive} | ({} if negative is None else {"negative": negative})
    arrays = {name: real_array(values, name, 2, "a view (sample, feature)") for name, values in given.items()}
    shape = arrays["x"].shape
    for name, array in arrays.items():
        if array.shape != shape:
            raise InputError(
                f"{name} has shape {array.shape}, but x {shape}; expected a view of each sample, (sample, feature)"
            )
    if shape[0] < 2:
        raise InputError(f"there is {shape[0]} sample; expected at least 2")
    for name, array in arrays.items():
        arrays[name] = array - array.mean(axis=0) if center else array
        if np.abs(arrays[name]).max() <= 1e-13 * np.abs(array).max():  # rounding of the mean is left
            what = f"the same in all {shape[0]} samples" if array.any() else "all zeros"
            raise InputError(
                f"{name} is {what}: there is nothing to learn from it; give views that differ from sample to sample"
            )
    if "negative" in arrays and np.array_equal(arrays["positive"], arrays["negative"]):
        raise InputError(
            "negative is the same as positive, so the contrastive loss is 0 for all weights; give other samples"
        )
    return arrays["x"], arrays["positive"], arrays.get("negative")


def widths_of(widths: Any, n_outputs: int, name: str = "widths") -> tuple[int, ...]:
    """Return widths of hidden layers, none smaller than the output.

    Raises
    ------
    InputError
        For what is no whole number, doubles, none at all, widths smaller than the output.
    """
    many = [widths] if np.isscalar(widths) else widths
    if isinstance(widths, str) or not isinstance(many, (Sequence, np.ndarray)):
        raise InputError(f"{name} is {widths!r}; expected whole numbers, as (32, 128)")
    checked = tuple(whole(width, name, 1) for width in many)
    if not checked or len(set(checked)) < len(checked):
        raise InputError(f"{name} is {list(many)}; expected different whole numbers, as (32, 128)")
    for width in checked:
        if width < n_outputs:
            raise InputError(
                f"{name} holds {width}, smaller than the {n_outputs} outputs: no {n_outputs} orthonormal columns fit; "
                f"give at least {n_outputs}"
            )
    return checked


def forms_of(n_features: int, n_outputs: int, tall: Any = None, wide: Any = None) -> list[tuple[str, int]]:
    """Return forms of linear networks and their widths (0: one layer); None for default widths, empty for no such form.

    Raises
    ------
    InputError
        For widths that do not fit their form; those between the two forms fit none.

    Examples
    --------
    >>> forms_of(30, 3, [5], [40])
    [('one layer', 0), ('tall', 5), ('wide', 40)]
    """
    if tall is None:
        tall = sorted({max(round(n_features * part), n_outputs) for part in (1 / 6, 1 / 3, 2 / 3, 1)})
    if wide is None:
        wide = (n_features + max(10, n_outputs), 3 * n_features + n_outputs, 16 * n_features)
    least = n_features + n_outputs
    plan = [("one layer", 0)]
    for form, widths in (("tall", tall), ("wide", wide)):
        if not isinstance(widths, str) and np.size(widths) == 0:
            continue
        for width in widths_of(widths, n_outputs, f"{form}_widths"):
            if width <= n_features if form == "tall" else width >= least:
                plan.append((form, width))
                continue
            fits = (
                f"with {n_features} features and {n_outputs} outputs the tall form takes widths of {n_outputs} to "
                f"{n_features}, the wide form of {least} (features + outputs) or more"
            )
            if n_features < width < least:
                raise InputError(
                    f"a hidden layer of width {width} fits neither form: {fits}; take {n_features} or {least}"
                )
            raise InputError(f"{form}_widths holds {width}: {fits}")
    return plan
