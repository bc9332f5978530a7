"""Label noise on integer class codes: symmetric, class-dependent and image-dependent; numpy only.

Every kernel takes one level or several. Several levels share their random numbers: an image that is labelled wrongly at
one level keeps that wrong label at every higher one, so that a curve over levels is not roughened by fresh draws.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import special

from neuroalpha._text import first_few
from neuroalpha.errors import InputError, nearest
from neuroalpha.spectrum.gram import multiply

NOISES = ("symmetric", "asymmetric", "instance")
RATE_SD = 0.1  # of the images' own flip rates, Xia et al. 2020
CIFAR10_PAIRS = {"truck": "automobile", "bird": "airplane", "deer": "horse", "cat": "dog", "dog": "cat"}
"""Which class each of CIFAR-10's is mistaken for, Patrini et al. 2017 (CVPR), section 5; the other five stay."""


def symmetric(codes: np.ndarray, level: float | np.ndarray, n_classes: int, rng: np.random.Generator) -> np.ndarray:
    """Replace exactly round(level * n) labels, drawn at random, by another class, all others equally probable.

    The level is the share of wrong labels itself. (The other convention in use replaces by any class, the true one
    included: its share of wrong labels is level * (C - 1) / C.)

    Parameters
    ----------
    codes : int array (n,)
        True classes, 0 to n_classes - 1.
    level : float or array (l,)
        From 0 to below 1.
    n_classes : int
    rng : Generator

    Returns
    -------
    int array (n,), or (l, n) for several levels

    Raises
    ------
    InputError
        For a level outside 0 to 1.

    Examples
    --------
    >>> import numpy as np
    >>> noisy = symmetric(np.zeros(10, dtype=int), 0.4, 3, np.random.default_rng(0))
    >>> int((noisy != 0).sum())
    4
    """
    levels = check_levels(level)
    place = rng.permutation(codes.size)  # the k images with a place below k are the wrong ones
    other = (codes + rng.integers(1, n_classes, size=codes.size)) % n_classes
    count = np.floor(levels * codes.size + 0.5)
    return _shaped(np.where(place < count[:, None], other, codes), level)


def asymmetric(
    codes: np.ndarray,
    level: float | np.ndarray,
    pairs: np.ndarray | None,
    n_classes: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Replace exactly round(level * its images) labels of each class by the one class it is mistaken for.

    Above a level of .5 most labels of such a class name the one it is mistaken for: no readout can then be right.

    Parameters
    ----------
    codes : int array (n,)
    level : float or array (l,)
    pairs : int array (n_classes,) or None
        The class that each is mistaken for; itself where it stays clean (the share of wrong labels is then below the
        level). None: each for the next one, the last for the first.
    n_classes : int
    rng : Generator

    Returns
    -------
    int array (n,), or (l, n) for several levels

    Raises
    ------
    InputError
        For a level outside 0 to 1.

    Examples
    --------
    >>> import numpy as np
    >>> asymmetric(np.array([0, 0, 1, 1]), 0.5, np.array([1, 1]), 2, np.random.default_rng(0))
    array([1, 0, 1, 1])
    """
    levels = check_levels(level)
    target = (np.arange(n_classes) + 1) % n_classes if pairs is None else np.asarray(pairs)
    shuffled = rng.permutation(codes.size)
    by_class = shuffled[np.argsort(codes[shuffled], kind="stable")]
    size = np.bincount(codes, minlength=n_classes)
    start = np.cumsum(size) - size
    place = np.empty(codes.size, dtype=np.int64)  # of each image in the shuffled row of its class
    place[by_class] = np.arange(codes.size) - start[codes[by_class]]
    count = np.floor(levels[:, None] * size + 0.5)
    return _shaped(np.where(place < count[:, codes], target[codes], codes), level)


def instance_dependent(
    features: np.ndarray, codes: np.ndarray, level: float | np.ndarray, n_classes: int, rng: np.random.Generator
) -> np.ndarray:
    """Noise that depends on the image: each has its own flip rate, and its features choose the class it becomes.

    Rates come from a normal distribution around the level, standard deviation .1, truncated to 0..1: their mean, and so
    the share of wrong labels, is above the level where this is near 0 (.129 at .1) and below it near 1 (.794 at .8).
    The true class y has a matrix of standard normal weights (p, n_classes); an image's row of features times this
    matrix, softmaxed over the other classes, are the probabilities of the class it becomes. Features are centred and
    scaled, by one number, to a mean square of 1, so that neither their offset nor their unit matters.

    Parameters
    ----------
    features : array (n, p)
        Finite. One row for each image: pixels, or activations.
    codes : int array (n,)
    level : float or array (l,)
        0 changes nothing.
    n_classes : int
    rng : Generator

    Returns
    -------
    int array (n,), or (l, n) for several levels

    Raises
    ------
    InputError
        For a level outside 0 to 1.

    Notes
    -----
    X. Xia et al. 2020, "Part-dependent label noise" (NeurIPS), the generation of instance-dependent noise in its
    supplement. Memory: a copy of the features and, for one class at a time, p * n_classes weights.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> noisy = instance_dependent(rng.normal(size=(1000, 8)), np.zeros(1000, dtype=int), 0.4, 3, rng)
    >>> bool(abs((noisy != 0).mean() - 0.4) < 0.05)
    True
    """
    levels = check_levels(level)
    rate = flip_rates(rng.random(codes.size), levels)
    flips = rng.random(codes.size) < rate
    flips[levels == 0] = False
    return _shaped(np.where(flips, _mistaken_for(features, codes, n_classes, rng), codes), level)


def flip_rates(uniform: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Rates (l, n) of the images' truncated normal distributions at these quantiles (n,), for levels (l,)."""
    low, high = (special.ndtr((end - levels[:, None]) / RATE_SD) for end in (0.0, 1.0))
    return np.clip(levels[:, None] + RATE_SD * special.ndtri(low + uniform * (high - low)), 0.0, 1.0)


def _mistaken_for(features: np.ndarray, codes: np.ndarray, n_classes: int, rng: np.random.Generator) -> np.ndarray:
    """Draw for each image a class that is not its own, with the probabilities that its features give."""
    x = np.asarray(features, dtype=np.float64)
    x = x - x.mean(axis=0)
    scale = np.sqrt(np.square(x).mean())
    x /= scale if scale > 0 else 1.0
    uniform = rng.random(codes.size)
    chosen = np.empty(codes.size, dtype=codes.dtype)
    for own in range(n_classes):
        rows = np.flatnonzero(codes == own)
        logits = multiply(x[rows], rng.standard_normal((x.shape[1], n_classes)))
        logits[:, own] = -np.inf
        total = np.cumsum(special.softmax(logits, axis=1), axis=1)
        # The last class with any probability ends at 1, whatever rounding left there.
        reached = uniform[rows, None] * total[:, -1:] < total
        chosen[rows] = reached.argmax(axis=1)
    return chosen


def transition_matrix(clean: np.ndarray, noisy: np.ndarray, n_classes: int) -> np.ndarray:
    """Share (n_classes, n_classes) of each true class (row) that carries each label (column); NaN for no images.

    Examples
    --------
    >>> import numpy as np
    >>> transition_matrix(np.array([0, 0, 1, 1]), np.array([1, 0, 1, 1]), 2)
    array([[0.5, 0.5],
           [0. , 1. ]])
    """
    counts = np.bincount(clean * n_classes + noisy, minlength=n_classes**2).reshape(n_classes, n_classes)
    with np.errstate(invalid="ignore"):
        return counts / counts.sum(axis=1, keepdims=True)


def resolve_pairs(pairs: Mapping[Any, Any] | None, classes: Sequence[str] | np.ndarray) -> tuple[np.ndarray, str]:
    """Turn a mapping of class names into targets (C,), and say which map it is.

    Parameters
    ----------
    pairs : mapping of class to class, or None
        Classes that it leaves out stay clean. None: the published map where the classes are CIFAR-10's by name
        (``car`` and ``plane`` count too), else each class for the next one.
    classes : sequence of str (C,)

    Returns
    -------
    targets : int array (C,)
    told : str
        ``"CIFAR-10, Patrini et al. 2017"``, ``"next class"`` or ``"given"``.

    Raises
    ------
    InputError
        For a name that is no class, or a mapping that changes nothing.

    Examples
    --------
    >>> resolve_pairs({"cat": "dog"}, ["cat", "dog"])
    (array([1, 1]), 'given')
    """
    code = {str(name): index for index, name in enumerate(classes)}
    own = np.arange(len(code))
    if pairs is None:
        alias = {"automobile": "car", "airplane": "plane"}
        names = {name: name if name in code else alias.get(name, name) for name in _CIFAR10}
        if set(names.values()) != set(code):
            return (own + 1) % own.size, "next class"
        pairs, told = {names[one]: names[two] for one, two in CIFAR10_PAIRS.items()}, "CIFAR-10, Patrini et al. 2017"
    else:
        told = "given"
    targets = own.copy()
    for one, two in pairs.items():
        for name in (str(one), str(two)):
            if name not in code:
                raise InputError(f"pairs names {name!r}, which is no class{nearest(name, code)}: {first_few(code)}")
        targets[code[str(one)]] = code[str(two)]
    if (targets == own).all():
        raise InputError(f"pairs={dict(pairs)} mistakes no class for another; give at least one such pair")
    return targets, told


def check_levels(level: Any) -> np.ndarray:
    """Return levels as a float array (l,), or say which one is outside 0 to 1."""
    try:
        levels = np.atleast_1d(np.asarray(level, dtype=np.float64))
    except (TypeError, ValueError) as error:
        raise InputError(f"noise levels are {level!r}; expected numbers from 0 to below 1") from error
    wrong = levels[~((levels >= 0) & (levels < 1))]
    if wrong.size or levels.ndim != 1:
        raise InputError(
            f"noise levels are shares of the labels, from 0 to below 1, got "
            f"{f'{wrong[0]:g}' if wrong.size else f'shape {levels.shape}'}; write 40 % as 0.4"
        )
    return levels


_CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def _shaped(noisy: np.ndarray, level: float | np.ndarray) -> np.ndarray:
    return noisy[0] if np.ndim(level) == 0 else noisy
