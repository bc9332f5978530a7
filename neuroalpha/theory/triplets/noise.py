"""Kernel: what is left of answers of which a share is wrong, by the paper's law and by channel capacity.

``error`` is the share of single comparisons answered the wrong way round, not the share of wrong labels. A half is
guessing. Above a half the answers would tell as much upside down, so no such error is taken.
"""

from __future__ import annotations

import math

import numpy as np

from neuroalpha._checks import share, whole
from neuroalpha.errors import InputError, nearest

LAWS = ("paper", "capacity")


def check_law(law: str) -> str:
    """Return the name of a noise law, or say which there are."""
    if law not in LAWS:
        raise InputError(f"noise law {law!r} is not known; expected 'paper' or 'capacity'{nearest(str(law), LAWS)}")
    return law


def check_error(error: float, name: str = "noise") -> float:
    """Return an error share as float, or say that it must be from 0 to .5."""
    try:
        return share(error, name, 0.0, 0.5)
    except InputError as wrong:
        raise InputError(f"{wrong} (share of comparisons answered wrongly; a half is guessing)") from None


def binary_entropy(probability: float) -> float:
    """H(p) = -p log2 p - (1 - p) log2 (1 - p) in bits.

    Examples
    --------
    >>> binary_entropy(0.5), binary_entropy(0.0), round(binary_entropy(0.11), 3)
    (1.0, 0.0, 0.5)
    """
    p = share(probability, "probability", 0.0, 1.0)
    return 0.0 if p in (0.0, 1.0) else -p * math.log2(p) - (1 - p) * math.log2(1 - p)


def bits_kept(error: float, law: str = "paper") -> float:
    """Bits that one answer with an error share tells.

    Parameters
    ----------
    error : float
        Share of comparisons answered wrongly, 0 to .5.
    law : {"paper", "capacity"}
        "paper": 1 - error, which still credits guesses with half a bit. "capacity": 1 - H(error), what a binary
        symmetric channel carries (and the paper's own stochastic form 1 - H / Hmax of one answer); guesses tell
        nothing.

    Returns
    -------
    float

    Examples
    --------
    >>> bits_kept(0.44), round(bits_kept(0.44, "capacity"), 3)
    (0.56, 0.01)
    """
    error = check_error(error, "error")
    return 1.0 - error if check_law(law) == "paper" else 1.0 - binary_entropy(error)


def error_of_wrong_labels(wrong: float, n_classes: int) -> float:
    """Share of a hard-labelled data set's comparisons that go wrong when a share of its labels is wrong.

    Derived, for large balanced classes, labels wrong towards any other class alike, and all questions that the true
    class leaves open counted half wrong. At a centroid c the label says that a point i labelled c is nearer than a
    point j labelled otherwise: with both labels right (or both wrong towards a third) it is right; with one of the two
    wrong so that both are of c, or neither is, it is open; with both wrong so that only j is of c, it is wrong.
    Comparisons at points, which are k / n times as many, are left out.

    Examples
    --------
    >>> error_of_wrong_labels(0.0, 10), round(error_of_wrong_labels(0.1, 10), 4)
    (0.0, 0.0556)
    """
    wrong = share(wrong, "wrong", 0.0, 1.0)
    of_other = wrong / (
        whole(n_classes, "n_classes", least=2) - 1
    )  # a point labelled otherwise is truly of c with this probability
    return wrong * of_other + 0.5 * ((1 - wrong) * of_other + wrong * (1 - of_other))


def normalised_information(probabilities: np.ndarray) -> np.ndarray:
    """The paper's stochastic form (Hmax - H) / Hmax along the last axis: 1 minus the normalised entropy.

    Parameters
    ----------
    probabilities : array (..., outcome)
        At least two outcomes, not negative, summing to 1.

    Returns
    -------
    array (...)
        1 where the outcome is certain, 0 where all are equally likely.

    Examples
    --------
    >>> normalised_information(np.array([[1.0, 0.0], [0.5, 0.5]])) + 0.0
    array([1., 0.])
    """
    p = np.asarray(probabilities, dtype=np.float64)
    if p.ndim == 0 or p.shape[-1] < 2:
        raise InputError(f"probabilities have shape {p.shape}; expected at least two outcomes along the last axis")
    if not (p >= 0).all() or not np.allclose(p.sum(axis=-1), 1, atol=1e-6):
        raise InputError("probabilities must not be negative or missing, and must sum to 1 along the last axis")
    entropy = -(p * np.log(np.where(p > 0, p, 1.0))).sum(axis=-1)
    return 1 - entropy / math.log(p.shape[-1])
