"""Kernel: how well similarities agree, and how many principal components of the truth agree as well."""

from __future__ import annotations

import numpy as np

from neuroalpha.theory.triplets.latents import cosine_similarity

RECOVERED = 1e-5  # recovered cosines closer than this are ties: an optimiser's last digits are no order
EXACT = 1e-10  # and for values that were computed, of the largest one


def upper_ranks(similarity: np.ndarray, resolution: float) -> np.ndarray:
    """Ranks of the upper triangle (pairs,), standardised; values that agree to ``resolution`` share their mean rank.

    The mean product of two of them is Spearman's correlation. All NaN where all values are equal.
    """
    from scipy.stats import rankdata

    rank = rankdata(np.round(similarity[np.triu_indices(len(similarity), 1)] / resolution))
    rank -= rank.mean()
    size = np.sqrt(np.mean(rank**2)) if rank.size else 0.0
    return rank / size if size > 0 else np.full(rank.size, np.nan)


def similarity_correlation(similarity: np.ndarray, truth: np.ndarray) -> float:
    """Spearman's correlation of the upper triangles of recovered cosines with true similarities, both (item, item).

    NaN where either is constant, as with fewer than three items.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> truth = rng.random((6, 6))
    >>> round(similarity_correlation(truth, truth**3), 6)
    1.0
    """
    if len(truth) < 3:
        return float("nan")
    largest = float(np.abs(truth[np.triu_indices(len(truth), 1)]).max())
    true = upper_ranks(truth, EXACT * largest if largest > 0 else 1.0)
    recovered = upper_ranks(similarity, RECOVERED)
    return float(np.mean(recovered * true))


def component_correlations(
    items: np.ndarray, n_components: int | None = None, stop: float = np.inf, n_scored: int | None = None
) -> np.ndarray:
    """Correlations (q,) of the cosines of items (item, d) with those of their first 1, 2, ... q principal components.

    Components are those of all items about the origin, as the cosines are, so that all of them together give 1. Ends
    after the first correlation that reaches ``stop``. With ``n_scored`` the cosines of the first items alone count.
    """
    left, singular, _ = np.linalg.svd(items, full_matrices=False)
    scores = (left * singular)[:n_scored]
    truth = upper_ranks(cosine_similarity(items[:n_scored]), EXACT)
    found: list[float] = []
    for q in range(1, min(n_components or singular.size, singular.size) + 1):
        found.append(float(np.mean(upper_ranks(cosine_similarity(scores[:, :q]), EXACT) * truth)))
        if found[-1] >= stop:
            break
    return np.array(found)


def effective_dimension(items: np.ndarray, correlation: float) -> int:
    """Smallest number of principal components of items (item, d) whose cosines agree as well as ``correlation``.

    0 where nothing was learned (correlation not above 0), d where no fewer do.

    Examples
    --------
    >>> items = np.random.default_rng(0).normal(size=(40, 6))
    >>> [effective_dimension(items, rho) for rho in (0.0, 0.3, 0.9, 1.0)]
    [0, 1, 5, 6]
    """
    if not correlation > 0:
        return 0
    # A correlation of 1 is never reached to the last digit.
    return component_correlations(items, stop=min(correlation, 1 - 1e-9)).size


def wrong_shares(labels: np.ndarray, distance: np.ndarray) -> tuple[float, float, float]:
    """Shares of a label matrix's comparisons (n, k) that the true distances (n, k) contradict.

    Of points at a class, of classes at a point, and of both together; NaN where there are none.
    """
    counts = []
    for label, far in ((labels.T, distance.T), (labels, distance)):
        with np.errstate(invalid="ignore"):
            made = label[:, :, None] > label[:, None, :]
        counts.append((np.count_nonzero(made & (far[:, :, None] > far[:, None, :])), np.count_nonzero(made)))
    counts.append((counts[0][0] + counts[1][0], counts[0][1] + counts[1][1]))
    first, second, both = (wrong / made if made else float("nan") for wrong, made in counts)
    return first, second, both
