"""Partial correlation: what is left between x and y when controls are taken out of both. Numpy only."""

from __future__ import annotations

import numpy as np

from neuroalpha.compare.correlation import FLAT, Resamples, standardised

DEPENDENT = 1e-6  # share of a column's variance that others leave unexplained, below which it is no column of its own


def independent_columns(controls: np.ndarray) -> list[int]:
    """Which columns (n_models, n_controls) neither are constant nor follow from those before them."""
    kept: list[int] = []
    columns = standardised(controls)
    for column in range(columns.shape[1]):
        left = residuals(columns[:, column], columns[:, kept])
        if (left**2).mean() > DEPENDENT:
            kept.append(column)
    return kept


def residuals(values: np.ndarray, controls: np.ndarray) -> np.ndarray:
    """What a linear fit by the controls (n_models, n_controls) and a constant leaves of ``values`` (n_models, ...)."""
    design = np.column_stack([np.ones(len(values)), standardised(controls)])
    basis = np.linalg.svd(design, full_matrices=False)
    basis_columns = basis[0][:, basis[1] > 1e-10 * basis[1][0]]
    return values - basis_columns @ (basis_columns.T @ values)


def partial_correlation(
    resamples: Resamples, x: np.ndarray, y: np.ndarray, controls: np.ndarray, kind: str
) -> np.ndarray:
    """Correlation of what the controls leave of ``x`` and ``y``, in each resample, through covariances.

    Parameters
    ----------
    resamples : Resamples
    x, y : (n_models,)
    controls : (n_models, n_controls)
    kind : {"value", "rank"}
        Pearson's, or Spearman's: of the ranks of x, of y and of each control.

    Returns
    -------
    (n_resamples,)
        NaN where the controls determine one of the two, or hardly more different models are left than controls.
    """
    columns = [resamples.deviations(column, kind) for column in (x, y, *controls.T)]
    size = len(columns)
    covariance = np.empty((len(resamples.weights), size, size))
    for i in range(size):
        for j in range(i + 1):
            covariance[:, i, j] = covariance[:, j, i] = np.einsum("bn,bn->b", columns[i], columns[j])
    # With unit diagonal, so that one tolerance serves all columns.
    scale = np.sqrt(np.einsum("bpp->bp", covariance))
    constant = scale[:, :2].min(axis=1) <= FLAT
    scale = np.where(scale > FLAT, scale, 1.0)
    covariance /= scale[:, :, None] * scale[:, None, :]
    for control in range(2, size):  # swept out one after the other; what others explain already is passed over
        pivot = covariance[:, control, control]
        used = pivot > DEPENDENT
        column = covariance[:, :, control] / np.sqrt(np.where(used, pivot, np.inf))[:, None]
        covariance = covariance - column[:, :, None] * column[:, None, :]
    left = covariance
    enough = (resamples.weights > 0).sum(axis=1) > size
    sound = enough & ~constant & (np.minimum(left[:, 0, 0], left[:, 1, 1]) > DEPENDENT)
    product = np.where(sound, left[:, 0, 0] * left[:, 1, 1], 1.0)
    return np.where(sound, left[:, 0, 1] / np.sqrt(product), np.nan)


def null_partial(x: np.ndarray, y: np.ndarray, controls: np.ndarray, orders: np.ndarray) -> np.ndarray:
    """Partial correlation (n_permutations,) with the residuals of ``y`` shuffled; of ranks, it is the partial rho.

    The residuals given the controls are shuffled and the controls taken out again (Freedman & Lane 1983), so that the
    controls keep what they explain.
    """
    left_x, left_y = residuals(x, controls), residuals(y, controls)
    shuffled = left_y[orders]
    squares = (residuals(shuffled.T, controls) ** 2).sum(axis=0) * (left_x**2).sum()
    sound = squares > FLAT * (x.var() * y.var() + np.finfo(float).tiny)
    return np.where(sound, shuffled @ left_x / np.sqrt(np.where(sound, squares, 1.0)), np.nan)
