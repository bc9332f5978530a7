"""Kernel: information ratios, the answered share of all questions about n points and k centroids."""

from __future__ import annotations

from collections.abc import Callable

from neuroalpha.errors import InputError, nearest
from neuroalpha.theory.triplets import counts

SIGNALS = ("hard", "soft", "sparse", "top-class", "pairwise")

_COUNTS: dict[str, Callable[[int, int, int], int]] = {
    "hard": lambda n, k, kept: counts.hard(n, k),
    "soft": lambda n, k, kept: counts.soft(n, k),
    "sparse": counts.sparse,
    "top-class": counts.top_class,
    "pairwise": lambda n, k, kept: counts.pairwise(n),
}

GROWTH = {
    ("hard", "many items"): "1/n",
    ("hard", "as many items as classes"): "1/n",
    ("hard", "many classes"): "1/k^2",
    ("soft", "many items"): "1/n",
    ("soft", "as many items as classes"): "1",
    ("soft", "many classes"): "1/k",
}
"""How the ratio falls in the three regimes (the paper's Figure 1): three phases for soft labels, two for hard ones."""


def check_signal(signal: str) -> str:
    """Return the name of a supervision signal, or say which there are."""
    if signal not in SIGNALS:
        raise InputError(
            f"signal {signal!r} is not known; expected one of {', '.join(SIGNALS)}{nearest(str(signal), SIGNALS)}"
        )
    return signal


def count(signal: str, n_items: int, n_classes: int, sparsity: int | None = None) -> int:
    """Questions that a signal answers, exact; ``sparsity`` matters for "sparse" and "top-class" alone.

    Examples
    --------
    >>> [count(signal, 60, 12, 4) for signal in SIGNALS]
    [3960, 25200, 14160, 7440, 102660]
    """
    n_items, n_classes, kept = counts.check_sizes(n_items, n_classes, sparsity)
    return _COUNTS[check_signal(signal)](n_items, n_classes, kept)


def ratio(signal: str, n_items: int, n_classes: int, sparsity: int | None = None) -> float:
    """Information ratio T / (3 binom(n + k, 3)); needs three items and centroids together.

    Examples
    --------
    >>> round(ratio("soft", 1000, 1000), 4)  # towards 1/4: the number is not a share of what can be learned
    0.2501
    """
    questions = counts.all_questions(n_items, n_classes)
    if questions == 0:
        raise InputError(f"{n_items} items and {n_classes} classes allow no triplet; expected three of them together")
    return count(signal, n_items, n_classes, sparsity) / questions


def hard_ratio_paper(n_items: float, n_classes: float) -> float:
    """The paper's IR_H = 2n (n + k - 1 - n/k) / [(n + k)(n + k - 1)(n + k - 2)].

    Examples
    --------
    >>> round(hard_ratio_paper(60, 12), 6) == round(ratio("hard", 60, 12), 6)
    True
    """
    n, k = n_items, n_classes
    return 2 * n * (n + k - 1 - n / k) / ((n + k) * (n + k - 1) * (n + k - 2))


def soft_ratio_paper(n_items: float, n_classes: float) -> float:
    """The paper's IR_S = k n / [(n + k)(n + k - 1)].

    Examples
    --------
    >>> round(soft_ratio_paper(60, 12), 6) == round(ratio("soft", 60, 12), 6)
    True
    """
    n, k = n_items, n_classes
    return k * n / ((n + k) * (n + k - 1))


def asymptotic_ratio(signal: str, n_items: float, n_classes: float, regime: str) -> float:
    """Leading term of the ratio of hard or soft labels where n >> k, n = k or n << k.

    Parameters
    ----------
    signal : {"hard", "soft"}
        Kind of label.
    n_items, n_classes : float
        n and k.
    regime : {"many items", "as many items as classes", "many classes"}
        n >> k: 2 (1 - 1/k) / n for hard labels, k / n for soft ones. n = k: 1 / (2n) and 1/4. n << k: 2n / k^2 and n /
        k.

    Returns
    -------
    float

    Examples
    --------
    >>> asymptotic_ratio("soft", 500, 500, "as many items as classes")
    0.25
    """
    n, k = n_items, n_classes
    terms = {
        ("hard", "many items"): 2 * (1 - 1 / k) / n,
        ("hard", "as many items as classes"): 1 / (2 * n),
        ("hard", "many classes"): 2 * n / k**2,
        ("soft", "many items"): k / n,
        ("soft", "as many items as classes"): 0.25,
        ("soft", "many classes"): n / k,
    }
    if (signal, regime) not in terms:
        raise InputError(f"no leading term for {signal!r} with {regime!r}; expected one of {sorted(terms)}")
    return terms[signal, regime]
