"""Predicted error of a readout of which the decomposition is there already."""

from __future__ import annotations

import numpy as np

from neuroalpha.errors import InputError
from neuroalpha.theory.generalisation import VARIANTS, predict_errors


def readout_theory(
    values: np.ndarray,
    projected: np.ndarray,
    codes: np.ndarray,
    n_classes: int,
    alpha: float,
    n_train: int | None = None,
    n_images: int | None = None,
) -> dict[str, float]:
    """Error that theory expects of a ridge readout, from the components that the readout is fitted on.

    What :func:`neuroalpha.predict_generalisation` says of the same features at one number of training images and the
    best penalty, without another eigenvalue problem. Time: n r C for n images, r components, C classes, then r n_train
    for each of 37 penalties.

    Parameters
    ----------
    values : array (r,)
        Eigenvalues of the scatter matrix of the centred features, all positive, descending.
    projected : array (n, r)
        The features on its eigenvectors.
    codes : int array (n,)
        Class of each image, from 0.
    n_classes : int
        Targets are one-vs-rest, +1 and -1, centred.
    alpha : float
        Of the spectrum; NaN where it could not be fitted: the variants that need it are NaN.
    n_train : int, optional
        After how many training images. Default: half of all.
    n_images : int, optional
        Of how many images training ones are drawn, the others being tested. Default: n.

    Returns
    -------
    dict of str to float
        By the names of :data:`neuroalpha.theory.generalisation.VARIANTS`: mean squared error over target variance.

    Raises
    ------
    InputError
        For arrays that do not fit each other, codes of one class, numbers of training images out of range.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(100, 4)) * [4, 3, 2, 1]
    >>> values, vectors = np.linalg.eigh(np.cov(x.T) * 99)
    >>> projected = (x - x.mean(axis=0)) @ vectors[:, ::-1]
    >>> found = readout_theory(values[::-1], projected, (x[:, 0] > 0).astype(int), 2, alpha=np.nan)
    >>> round(found["error"], 2), found["error_alpha_only"]
    (0.38, nan)
    """
    n = len(projected)
    if projected.shape != (np.size(codes), np.size(values)):
        raise InputError(
            f"the projections have shape {projected.shape} for {np.size(codes)} codes and {np.size(values)} "
            "eigenvalues; expected (image, component)"
        )
    targets = 2.0 * (np.asarray(codes)[:, None] == np.arange(n_classes)) - 1
    targets -= targets.mean(axis=0)
    power = ((projected.T @ targets) ** 2).sum(axis=1) / values / n
    rest = max(float((targets**2).sum()) / n - float(power.sum()), 0.0)
    errors = predict_errors(
        values / n,
        power,
        [n // 2 if n_train is None else n_train],
        "best",
        alpha,
        rest=rest,
        n_images=n if n_images is None else n_images,
    )
    return {name: float(errors[name][0]) for name in VARIANTS}
