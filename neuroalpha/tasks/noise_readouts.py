"""Kernel: a readout for every noisy label set of one decomposition, scored on clean test images."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from neuroalpha.tasks.label_noise import NOISES, asymmetric, instance_dependent, symmetric
from neuroalpha.tasks.noise_scores import memorisation
from neuroalpha.tasks.ridge import RidgeReadouts, Select

COEFFICIENTS = 2**25  # numbers of readouts held at a time
SETS = 20  # label sets fitted before the progress bar moves


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of s label sets, each fitted to n training images and tested on m."""

    correct: np.ndarray
    """(s, m) bool: test images predicted as their true class."""
    wrong: np.ndarray
    """(s,) share of training labels that are not the true class."""
    as_labelled: np.ndarray
    """(s,) share of wrongly labelled training images predicted as their wrong label; NaN where there are none."""
    as_true: np.ndarray
    """(s,) share of those predicted as their true class."""
    penalty: np.ndarray
    """(s,) chosen."""


def noisy_labels(
    codes: np.ndarray,
    n_classes: int,
    noises: Sequence[str],
    levels: np.ndarray,
    n_seeds: int,
    targets: np.ndarray | None,
    features: Any,
    seed: int,
) -> np.ndarray:
    """Label sets (noise, draw, level, n) of int32.

    Random numbers come from the seed, the kind and the draw: the same whatever other kinds, levels and draws are asked
    for, and but for the kind ``"instance"`` the same whatever the features.

    Parameters
    ----------
    codes : int array (n,)
        True classes.
    n_classes : int
    noises : sequence of {"symmetric", "asymmetric", "instance"}
    levels : array (l,)
    n_seeds : int
        Draws.
    targets : int array (n_classes,) or None
        Of :func:`neuroalpha.tasks.label_noise.asymmetric`.
    features : array (n, p)
        Of :func:`neuroalpha.tasks.label_noise.instance_dependent`; not used without it.
    seed : int

    Examples
    --------
    >>> import numpy as np
    >>> noisy_labels(np.arange(8) % 2, 2, ["symmetric"], np.array([0.5]), 3, None, None, 0).shape
    (1, 3, 1, 8)
    """
    kinds = {
        "symmetric": lambda rng: symmetric(codes, levels, n_classes, rng),
        "asymmetric": lambda rng: asymmetric(codes, levels, targets, n_classes, rng),
        "instance": lambda rng: instance_dependent(features, codes, levels, n_classes, rng),
    }
    sets = np.empty((len(noises), n_seeds, levels.size, codes.size), dtype=np.int32)
    for which, noise in enumerate(noises):
        for draw in range(n_seeds):
            sets[which, draw] = kinds[noise](np.random.default_rng([seed, NOISES.index(noise), draw]))
    return sets


def score_label_sets(
    readouts: RidgeReadouts,
    sets: np.ndarray,
    codes_train: np.ndarray,
    projected_test: np.ndarray,
    codes_test: np.ndarray,
    n_classes: int,
    penalties: Any,
    select: Select,
    shared: np.ndarray | None = None,
    progress: bool = False,
) -> Scores:
    """Fit a readout to each label set and score it.

    Parameters
    ----------
    readouts : RidgeReadouts
    sets : int array (s, n)
        Labels to train on.
    codes_train : int array (n,)
        True classes.
    projected_test : array (m, r)
    codes_test : int array (m,)
    n_classes : int
    penalties, select
        As of :meth:`neuroalpha.tasks.ridge.RidgeReadouts.fit`; each label set gets a penalty of its own.
    shared : int array, optional
        Classes that test images can be predicted as. Default: all.
    progress : bool

    Notes
    -----
    Time: for each label set 2 r n_classes (n + m) operations to predict. Memory: the label sets, and blocks.

    Examples
    --------
    >>> import numpy as np
    >>> from neuroalpha.tasks.decomposition import decompose
    >>> x, codes = np.eye(4), np.array([0, 0, 1, 1])
    >>> found = decompose(x)
    >>> z = found.project(x)
    >>> score_label_sets(RidgeReadouts(found, z), codes[None], codes, z, codes, 2, [1.0], "gcv").correct
    array([[ True,  True,  True,  True]])
    """
    n_sets, n_test = sets.shape[0], codes_test.size
    correct = np.empty((n_sets, n_test), dtype=bool)
    as_labelled, as_true, penalty = np.empty((3, n_sets))
    step = max(1, min(SETS, COEFFICIENTS // max(1, n_classes * readouts.projected.shape[1])))
    for start in tqdm(range(0, n_sets, step), "label noise", file=sys.stderr, disable=not progress, delay=1):
        rows = slice(start, min(start + step, n_sets))
        fit = readouts.fit(sets[rows], n_classes, penalties, select)
        memorised = readouts.predict(fit, readouts.projected)
        as_labelled[rows], as_true[rows] = memorisation(memorised, sets[rows], codes_train)
        penalty[rows] = fit.penalty
        if shared is None or shared.size == n_classes:
            correct[rows] = readouts.predict(fit, projected_test) == codes_test
        else:
            few = dataclasses.replace(
                fit, coefficients=fit.coefficients[:, :, shared], intercept=fit.intercept[:, shared]
            )
            correct[rows] = shared[readouts.predict(few, projected_test)] == codes_test
    return Scores(correct, (sets != codes_train).mean(axis=1), as_labelled, as_true, penalty)
