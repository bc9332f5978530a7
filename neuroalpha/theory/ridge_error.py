"""Kernel: the test error of ridge regression, from eigenvalues of the features and the target's power along them.

Canatar, Bordelon & Pehlevan 2021 (Nature Communications 12:2914); for features of networks Canatar, Feather, Wakhloo &
Chung 2023 (NeurIPS 36). Normalisation: ``l_i`` are the eigenvalues of F'F / P for features F (P images in rows), which
are those of the kernel K = FF' / P too; ``power_i`` is the variance of the target y along eigenvector i of K: w_i^2 for
w_i = v_i'y / sqrt(P) and unit v_i, so that the powers add up to the variance of y. The readout minimises, on p images,

    (1 / p) sum of squared training errors + penalty |weights|^2,

so that scikit-learn's ``Ridge(alpha)`` and ``RidgeClassifier(alpha)`` have penalty = alpha / p. With the root kappa of

    kappa = p penalty + kappa sum_i l_i / (p l_i + kappa)

mode i is learned to the share s_i = p l_i / (p l_i + kappa) of its weight, and with gamma = (1 / p) sum_i s_i^2

    test error = [ sum_i power_i (1 - s_i)^2 + rest + gamma noise ] / (1 - gamma),      R^2 = 1 - error / variance of y.

``rest`` is variance of y outside the span of the features; ``noise`` is label noise in training only (clean test).

Two additions, exact in the same limit (many images and modes, eigenvectors in general position), proved in the tests:

- ``intercept``: readouts have an unpenalised constant. It is a mode of infinite eigenvalue, so it takes one image.
- ``n_images`` = P: eigenvalues and powers are those measured on P images; p of these are drawn for training, without
  replacement, and the other P - p tested. Measured on few images, eigenvectors fit the targets better than they should
  (with more features than images they span any target), and the formula above promises too much. Here nothing is
  estimated: only which p of the P rows are drawn is averaged over. Each of the P modes, of eigenvalue 0 or not, has

      s_i = (p l_i + r) / (p l_i + kappa),  r = p^2 penalty / P,  kappa from sum_i s_i = p,
      test error = [ sum_i power_i (1 - s_i)^2 + (gamma - p / P) noise ] / [ (1 - p / P) (1 - gamma) ].

  Derivation: the tested rows T err by inv(M_TT) (M y)_T with M = inv(FF' + p penalty), and if the eigenvectors of M lie
  anyhow, the part TT of a matrix inverts, on average, like inv(M + s) with s (1 / P) trace inv(M + s) = p / P (free
  compression); 1 / s = P kappa / p - p penalty. Large P gives the formulas above, p = P - 1 generalised
  cross-validation.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import optimize

from neuroalpha.errors import InputError


class Shares(NamedTuple):
    """How far a readout of p images has learned each mode."""

    kappa: float
    """The effective penalty, in units of p times an eigenvalue."""
    unlearned: np.ndarray
    """1 - s_i (i,): the share of each mode's weight that is missing."""
    unlearned_rest: float
    """The same for a mode of eigenvalue zero: 1 where ``n_images`` is not given."""
    gamma: float
    """(1 / p) sum of s_i^2; the choice of training images multiplies the error by 1 / (1 - gamma)."""
    one_minus_gamma: float
    """Kept apart, for gamma comes near 1 where p nears the number of modes."""


class RidgeError(NamedTuple):
    """Predicted errors for k numbers of training images."""

    error: np.ndarray
    """(k,), or (class, k) where powers are (class, i): mean squared test error over the target's variance, 1 - R^2."""
    kappa: np.ndarray
    """(k,)."""
    gamma: np.ndarray
    """(k,)."""
    unlearned: np.ndarray
    """(k, i): the share of each mode's weight that is missing."""


def effective_penalty(
    eigenvalues: np.ndarray, n_train: float, penalty: float, *, n_images: int | None = None, intercept: bool = False
) -> float:
    """The root kappa of ``kappa = p penalty + kappa sum l_i / (p l_i + kappa)``, p = n_train; 0 where all is learned.

    The learned shares fall as kappa grows, so there is one root. It is found in log kappa, between bounds that hold for
    any spectrum. Without penalty, and with p of at least the number of non-zero eigenvalues, it is 0.

    Examples
    --------
    >>> round(effective_penalty(np.ones(100), 50, 0.0), 9)  # white features without penalty: modes - p
    50.0
    >>> effective_penalty(np.ones(100), 200, 0.0)
    0.0
    """
    values = check_problem(eigenvalues, n_train, penalty, n_images, intercept)
    total, ratio = n_train * penalty, n_train / n_images if n_images else 0.0
    positive, free = values[values > 0], n_train - intercept  # free: what the shares of these modes add up to
    if total == 0 and positive.size <= free:
        return 0.0
    shift = ratio * total
    others = n_train - ratio * (values.size + intercept)  # modes without features, in units of P / p

    def excess(log_kappa: float) -> float:
        kappa = np.exp(log_kappa)
        return float(((n_train * values + shift) / (n_train * values + kappa)).sum() + others * total / kappa - free)

    smallest = n_train * positive.min() * (positive.size - free) / free  # the root if all were as small as the smallest
    low = max(shift, others * total / free, smallest) / 2
    high = 2 * (n_train * values.sum() + shift * values.size + others * total) / free
    return float(np.exp(optimize.brentq(excess, np.log(low), np.log(high), xtol=1e-14, rtol=1e-14, maxiter=1000)))


def learned_shares(
    eigenvalues: np.ndarray, n_train: float, penalty: float, *, n_images: int | None = None, intercept: bool = False
) -> Shares:
    """How far each mode is learned; arguments as of :func:`generalisation_error`.

    Examples
    --------
    >>> found = learned_shares(np.array([4.0, 1.0, 0.25]), 2, 0.1)
    >>> found.unlearned.round(2), round(found.gamma, 2)
    (array([0.15, 0.41, 0.73]), 0.57)
    """
    values = check_problem(eigenvalues, n_train, penalty, n_images, intercept)
    kappa = effective_penalty(values, n_train, penalty, n_images=n_images, intercept=intercept)
    free, total, ratio = n_train - intercept, n_train * penalty, n_train / n_images if n_images else 0.0
    if kappa == 0:  # features are learned; the training images that are left fit modes without features
        positive = values > 0
        spare = free - positive.sum()
        rest = 1.0 - spare / (n_images - intercept - positive.sum()) if n_images else 1.0
        unlearned = np.where(positive, 0.0, rest)
        spread = spare * rest
    else:
        unlearned = (kappa - ratio * total) / (n_train * values + kappa)
        rest = 1.0 - ratio * total / kappa
        spare = (n_train - ratio * (values.size + intercept)) * total / kappa
        spread = (unlearned * (1 - unlearned)).sum() + spare * rest
    # p (1 - gamma) is the sum of s (1 - s), for the shares add up to p: no digits are lost where gamma is near 1.
    one_minus_gamma = float(spread) / n_train
    return Shares(kappa, unlearned, float(rest), 1 - one_minus_gamma, one_minus_gamma)


def generalisation_error(
    eigenvalues: np.ndarray,
    power: np.ndarray,
    n_train: np.ndarray | float,
    penalty: np.ndarray | float,
    *,
    rest: np.ndarray | float = 0.0,
    noise: np.ndarray | float = 0.0,
    n_images: int | None = None,
    intercept: bool = False,
) -> RidgeError:
    """Predicted test error of ridge regression after n_train images, as a share of the target's variance.

    Parameters
    ----------
    eigenvalues : array (i,)
        Of the features' covariance, divided by the number of images; zeros allowed.
    power : array (i,) or (class, i)
        Variance of each target along each eigenvector.
    n_train : number or array (k,)
        Training images p.
    penalty : number or array (k,)
        On the mean squared training error, in units of the eigenvalues: scikit-learn's alpha / p.
    rest, noise : number or array (class,)
        Target variance outside the span of the features; variance of label noise in training. In units of ``power``.
    n_images : int, optional
        How many images eigenvalues and powers were measured on, if training images are drawn from these and the others
        tested. None: the eigenvalues and powers are those of the population.
    intercept : bool
        Whether the readout fits an unpenalised constant. Features and targets are centred either way.

    Raises
    ------
    InputError
        For eigenvalues below zero, powers that do not fit them, numbers of training images out of range.

    Examples
    --------
    >>> found = generalisation_error(np.ones(100), np.ones(100), np.array([25.0, 50.0, 200.0]), 0.0)
    >>> found.error.round(9)  # white features and target, no penalty: 1 - p / modes until all is known
    array([0.75, 0.5 , 0.  ])
    """
    powers = np.asarray(power, dtype=np.float64)
    if powers.shape[-1:] != np.shape(eigenvalues) or powers.ndim > 2 or not (powers >= 0).all():
        raise InputError(
            f"power has shape {powers.shape} for {np.size(eigenvalues)} eigenvalues; expected (i,) or (class, i), none "
            "below 0"
        )
    variance = powers.sum(axis=-1) + rest
    if not np.all(variance > 0):
        raise InputError("the target has no power: its labels never vary")
    sizes, penalties = np.broadcast_arrays(np.atleast_1d(np.asarray(n_train, float)), np.asarray(penalty, float))
    found = [
        learned_shares(eigenvalues, float(p), float(each), n_images=n_images, intercept=intercept)
        for p, each in zip(sizes, penalties, strict=True)
    ]
    errors = []
    for p, share in zip(sizes, found, strict=True):
        ratio = p / n_images if n_images else 0.0
        missing = (powers * share.unlearned**2).sum(axis=-1) + rest * share.unlearned_rest**2
        missing = missing + (share.gamma - ratio) * np.asarray(noise)
        with np.errstate(divide="ignore", invalid="ignore"):  # as many modes as images, all learned: 0 / 0 is 0
            error = missing / ((1 - ratio) * share.one_minus_gamma) / variance
        errors.append(np.where(missing == 0, 0.0, error))
    return RidgeError(
        np.stack(errors, axis=-1),
        np.array([each.kappa for each in found]),
        np.array([each.gamma for each in found]),
        np.stack([each.unlearned for each in found]),
    )


def check_problem(
    eigenvalues: np.ndarray, n_train: float, penalty: float, n_images: int | None, intercept: bool
) -> np.ndarray:
    """Return eigenvalues (i,) as float64, or say which number cannot be."""
    values = np.asarray(eigenvalues, dtype=np.float64)
    if values.ndim != 1 or not values.size or not np.isfinite(values).all() or values.min() < 0 or values.max() == 0:
        raise InputError("the eigenvalues must be one row of finite numbers, none below 0 and some above")
    if not (np.isfinite(penalty) and penalty >= 0):
        raise InputError(f"penalty is {penalty}; expected a finite number of at least 0")
    if n_images is not None and values.size > n_images - intercept:
        raise InputError(f"{values.size} eigenvalues cannot come from {n_images} images; leave out those that are 0")
    if not n_train > intercept or (n_images is not None and n_train >= n_images):
        most = f" and below the {n_images} images" if n_images is not None else ""
        raise InputError(f"n_train is {n_train:g}; expected a number above {int(intercept)}{most}")
    return values
