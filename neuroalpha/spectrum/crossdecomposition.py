"""Kernel: cross-decomposition of two populations' responses to the same stimuli, evaluated on held-out stimuli.

Per fold: the singular vectors u_k, v_k of the cross-covariance of the training stimuli, then the covariance of X u_k
and Y v_k over the stimuli held out, both centred by training means (Gauthaman, Menard & Bonner). Noise that is
independent between X and Y averages to zero at every rank, and so does overfitting, because no vector has seen its test
stimuli.

A rotation of either population's neuroids changes nothing. So a population with more neuroids than stimuli is first
rotated, without loss, into the at most S dimensions that its S stimuli span (:func:`coordinates`, from one Gram
matrix); everything after costs the same for any number of neuroids.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from scipy import linalg

from neuroalpha.spectrum.gram import BLAS, multiply


class Scores(NamedTuple):
    """Held-out projections of one fold: ``x``, ``y`` (test stimulus, component), and how many stimuli made the axes."""

    x: np.ndarray
    y: np.ndarray
    n_train: int


def assign_folds(n_stimuli: int, folds: int, rng: np.random.Generator) -> np.ndarray:
    """Fold (stimulus,) of each stimulus, at random, sizes equal up to one."""
    return rng.permutation(np.arange(n_stimuli) % folds)


def n_components(fold: np.ndarray, *n_neuroids: int) -> int:
    """Components that every fold's training stimuli span: all but the largest fold, less one for the mean."""
    return min(fold.size - int(np.bincount(fold).max()) - 1, *n_neuroids)


def coordinates(centred: np.ndarray) -> np.ndarray:
    """Rotate centred responses (S, N) into min(S, N) dimensions or fewer that hold all their products, in float64."""
    centred = np.asarray(centred, dtype=np.float64)
    n_stimuli, n_neuroids = centred.shape
    if n_neuroids <= n_stimuli:
        return centred
    products = BLAS.zeros(n_stimuli)
    BLAS.add_own(products, centred)  # the lower triangle, which is all that is read of it
    values, vectors = linalg.eigh(products, lower=True, driver="evd", check_finite=False)
    real = values > max(values[-1], 0.0) * n_stimuli * np.finfo(np.float64).eps
    return vectors[:, real] * np.sqrt(values[real])


def heldout_scores(x: np.ndarray, y: np.ndarray, fold: np.ndarray, size: int) -> Iterator[Scores]:
    """Project each fold's stimuli on the first ``size`` axes of the other folds; x (S, P), y (S, Q), fold (S,).

    Axes along which the training stimuli do not covary but for rounding get scores of exactly zero.
    """
    for one in np.unique(fold):
        test = fold == one
        train_x, train_y = x[~test], y[~test]
        mean_x, mean_y = train_x.mean(axis=0), train_y.mean(axis=0)
        cross = multiply((train_x - mean_x).T, train_y - mean_y)
        u, singular, vt = linalg.svd(cross, full_matrices=False, check_finite=False)
        floor = max(cross.shape) * np.finfo(np.float64).eps * (singular[0] if singular.size else 0.0)
        real = int((singular[:size] > floor).sum())
        scores = np.zeros((2, int(test.sum()), size))
        scores[0, :, :real] = multiply(x[test] - mean_x, u[:, :real])
        scores[1, :, :real] = multiply(y[test] - mean_y, vt[:real].T)
        yield Scores(scores[0], scores[1], train_x.shape[0])


def pool(scores: list[Scores]) -> np.ndarray:
    """Covariance (component,) over the test stimuli of all folds, each stimulus counted alike.

    A test stimulus less the mean of n others has 1 + 1/n times the covariance of the population, hence the divisor.
    """
    return np.sum([np.einsum("sk,sk->k", fold.x, fold.y) for fold in scores], axis=0) / _count(scores)


def heldout_covariance(x: np.ndarray, y: np.ndarray, fold: np.ndarray, size: int) -> np.ndarray:
    """Held-out covariance (size,) of each component over all folds; arguments as of :func:`heldout_scores`."""
    return pool(list(heldout_scores(x, y, fold, size)))


def bin_means(values: np.ndarray, bins: list[np.ndarray]) -> np.ndarray:
    """Mean of values (..., component) over the ranks of each bin: (..., bin)."""
    return np.stack([values[..., ranks - 1].mean(axis=-1) for ranks in bins], axis=-1)


def null_fixed(
    scores: list[Scores], bins: list[np.ndarray], n_permutations: int, rng: np.random.Generator
) -> np.ndarray:
    """Bin means (permutation, bin) with the pairing of test stimuli shuffled within each fold, the axes left as fixed.

    Too narrow by the factor :func:`widening`.
    """
    null = np.zeros((n_permutations, len(bins)))
    for fold in scores:
        n_test = fold.x.shape[0]
        rows = np.arange(n_test)
        pairing = rng.permuted(np.tile(rows, (n_permutations, 1)), axis=1)
        for number, ranks in enumerate(bins):
            # All products of one test stimulus' x and another's y, summed over the bin: a permutation picks from them.
            products = multiply(fold.x[:, ranks - 1], fold.y[:, ranks - 1].T) / ranks.size
            null[:, number] += products[rows, pairing].sum(axis=1)
    return null / _count(scores)


def widening(
    x: np.ndarray, y: np.ndarray, fold: np.ndarray, bins: list[np.ndarray], shuffles: Iterable[np.ndarray]
) -> float:
    """How many times the spread of the estimate under the null exceeds that of :func:`null_fixed`.

    Each fold's stimuli made the axes of the others, so the folds' statistics are correlated even where x and y share
    nothing; with axes fixed and test stimuli shuffled they are not. With K folds of correlation c the variance of their
    sum is 1 + (K - 1) c times that of independent ones. It is measured on data whose pairing is shuffled (``shuffles``:
    orders (S,) of y's stimuli), as the mean over shuffles and bins, each bin's folds scaled to mean square 1.
    """
    size = int(bins[-1][-1])
    found = []
    for order in shuffles:
        scores = heldout_scores(x, y[order], fold, size)
        found.append([bin_means(np.einsum("sk,sk->k", one.x, one.y), bins) for one in scores])
    folds = np.array(found)  # (shuffle, fold, bin)
    square = (folds**2).sum(axis=1).mean(axis=0)
    ratio = np.divide((folds.sum(axis=1) ** 2).mean(axis=0), square, out=np.ones(len(bins)), where=square > 0)
    return float(np.sqrt(max(ratio.mean(), 1.0)))


def null_refitted(
    x: np.ndarray, y: np.ndarray, fold: np.ndarray, bins: list[np.ndarray], shuffles: Iterable[np.ndarray]
) -> np.ndarray:
    """Bin means (permutation, bin) of the whole estimate with y's stimuli in the order of each of ``shuffles`` (S,)."""
    size = int(bins[-1][-1])
    return np.array([bin_means(heldout_covariance(x, y[order], fold, size), bins) for order in shuffles])


def cross_and_within(a: list[np.ndarray], b: list[np.ndarray], fold: np.ndarray, bins: list[np.ndarray]) -> np.ndarray:
    """Bin means (3, bin) of the spectra of a with b, of a and of b, each given as one or two repeats (S, dimension).

    Every product takes its sides from different repeats where there are two: cross is the mean of (a1, b2), (a2, b1).
    """
    size = int(bins[-1][-1])
    both = len(a) > 1 and len(b) > 1
    cross = [(i, j) for i in range(len(a)) for j in range(len(b)) if not both or i != j]
    spectra = [
        np.mean([heldout_covariance(a[i], b[j], fold, size) for i, j in cross], axis=0),
        heldout_covariance(a[0], a[-1], fold, size),
        heldout_covariance(b[0], b[-1], fold, size),
    ]
    return bin_means(np.array(spectra), bins)


def _count(scores: list[Scores]) -> float:
    return sum(fold.x.shape[0] * (1 + 1 / fold.n_train) for fold in scores)
