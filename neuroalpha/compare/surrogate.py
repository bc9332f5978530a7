"""A Gaussian process for the accuracy of models not yet read out, for many orders at once. Numpy only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import ndtr
from scipy.stats import rankdata

WIDTHS = (0.2, 0.6)
SHARES = (0.6, 0.95)
NONE = 0.25
DOUBT = 1.0
CLIP = 1.0
CLIP_FROM = 6


class Beliefs:
    """Ideas of how accuracy goes with the scores; each is a covariance of models with unit variance.

    An idea is which score matters (each one alone, all of them together in a sum, or none), over what distance in ranks
    (``WIDTHS``, squared exponential on ranks from 0 to 1) and how much of the variance it explains (``SHARES``).

    Parameters
    ----------
    scores : (n_models, n_scores)

    Attributes
    ----------
    covariance : (n_ideas, n_models, n_models), or one for each order, (n_orders, n_ideas, n_models, n_models)
        Without the noise.
    noise : (n_ideas,)
        Share of the variance that scores do not explain.
    weight : (n_ideas,)
        Of each idea before anything is read out; sums to 1.
    """

    def __init__(self, scores: np.ndarray) -> None:
        n, n_scores = scores.shape
        ranks = np.column_stack([(rankdata(column) - 0.5) / n for column in scores.T])
        apart = (ranks[:, None] - ranks[None]) ** 2
        covariances, noise, weight = [np.zeros((n, n))], [1.0], [NONE]
        for width in WIDTHS:
            each = np.exp(-apart / (2 * width**2))
            shapes = list(np.moveaxis(each, 2, 0)) + ([each.mean(axis=2)] if n_scores > 1 else [])
            for place, shape in enumerate(shapes):
                together = place == n_scores
                for share in SHARES:
                    covariances.append(share * shape)
                    noise.append(1 - share)
                    half = 0.5 if n_scores > 1 else 1.0
                    mass = (1 - NONE) * (half if together else half / n_scores)
                    weight.append(mass / (len(WIDTHS) * len(SHARES)))
        self.covariance, self.noise, self.weight = np.array(covariances), np.array(noise), np.array(weight)

    @classmethod
    def of_each(cls, scores: Sequence[np.ndarray]) -> Beliefs:
        """Beliefs of searches that each have models (n_models of it, n_scores) of their own, ranked among themselves.

        Searches with fewer models than the others are filled up with models that have nothing to do with any.
        """
        width = max(len(each) for each in scores)
        parts = [cls(each) for each in scores]
        made = parts[0]
        made.covariance = np.array([
            np.pad(part.covariance, ((0, 0), *((0, width - part.covariance.shape[-1]),) * 2)) for part in parts
        ])  # fmt: skip
        return made


class Surrogate:
    """What each idea says of all models once some are read out, for ``n_orders`` searches that run side by side.

    A row is added to the Cholesky factor of each idea for each readout, so a step costs n_ideas x (readouts so far) x
    n_models multiplications for each order; memory n_orders x n_ideas x n_models x ``most`` numbers. The mean accuracy
    (flat prior) and the variance (worth ``DOUBT`` readouts beside the data) are integrated out. Accuracies far below
    the median (``CLIP``) count as not so far: models that failed would else be all that a normal distribution sees.
    """

    def __init__(self, beliefs: Beliefs, n_orders: int, most: int) -> None:
        ideas, n = beliefs.covariance.shape[-3:-1]
        self.beliefs, self._covariance = beliefs, beliefs.covariance
        # Cholesky factor's inverse times the covariance with all models, and the inverse itself.
        self._rows = np.empty((n_orders, ideas, most, n))
        self._inverse = np.zeros((n_orders, ideas, most, most))
        self._ones = np.empty((n_orders, ideas, most))
        self._values = np.empty((n_orders, most))
        self._log_det = np.zeros((n_orders, ideas))
        # Sums over readouts: of rows times ones, and of rows squared.
        self._of_ones, self._of_rows = (np.zeros((n_orders, ideas, n)) for _ in range(2))
        self.n_read = 0

    def tell(self, index: np.ndarray, accuracy: np.ndarray) -> None:
        """Take one readout (n_orders,) of each order."""
        t, where = self.n_read, np.arange(index.size)
        factor = self._rows[where, :, :t, index][:, :, None]  # (n_orders, n_ideas, 1, t)
        if self._covariance.ndim == 4:
            own = self._covariance[where, :, index]  # (n_orders, n_ideas, n_models)
        else:
            own = np.moveaxis(self._covariance[:, index], 0, 1)
        variance = own[where, :, index] + self.beliefs.noise - (factor**2).sum(axis=(2, 3))
        root = np.sqrt(np.maximum(variance, 1e-12))[..., None]
        row = (own - np.matmul(factor, self._rows[:, :, :t])[:, :, 0]) / root
        self._rows[:, :, t] = row
        self._inverse[:, :, t, :t] = -np.matmul(factor, self._inverse[:, :, :t, :t])[:, :, 0] / root
        self._inverse[:, :, t, t] = 1 / root[..., 0]
        ones = self._inverse[:, :, t, : t + 1].sum(axis=2)
        self._ones[:, :, t] = ones
        self._values[:, t] = accuracy
        self._log_det += np.log(root[..., 0])
        self._of_ones += row * ones[..., None]
        self._of_rows += row**2
        self.n_read += 1

    def predict(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation (n_orders, n_models) of each model's accuracy, over all ideas by their evidence.

        A model's accuracy includes what no score explains. Needs two readouts.
        """
        t, beliefs = self.n_read, self.beliefs
        values = clipped(self._values[:, :t])
        y = np.matmul(self._inverse[:, :, :t, :t], values[:, None, :, None])[..., 0]
        ones = self._ones[:, :, :t]
        weight = np.einsum("rht,rht->rh", ones, ones)
        mean = np.einsum("rht,rht->rh", ones, y) / weight
        left = ((y - mean[..., None] * ones) ** 2).sum(axis=2)
        freedom = t - 1 + DOUBT
        left = left + DOUBT * np.maximum(values.var(axis=1), 1e-12)[:, None]
        evidence = np.log(beliefs.weight) - self._log_det - 0.5 * np.log(weight) - 0.5 * freedom * np.log(left)
        evidence = np.exp(evidence - evidence.max(axis=1, keepdims=True))
        evidence /= evidence.sum(axis=1, keepdims=True)
        of_y = np.matmul(y[:, :, None], self._rows[:, :, :t])[:, :, 0]
        centre = of_y + mean[..., None] * (1 - self._of_ones)
        unit = np.einsum("...hii->...hi", self._covariance) + beliefs.noise[:, None] - self._of_rows
        unit = np.maximum(unit, 0) + (1 - self._of_ones) ** 2 / weight[..., None]
        variance = unit * (left / freedom)[..., None]
        overall = np.einsum("rh,rhn->rn", evidence, centre)
        total = np.einsum("rh,rhn->rn", evidence, variance + (centre - overall[:, None]) ** 2)
        return overall, np.sqrt(np.maximum(total, 1e-24))

    def keep(self, orders: np.ndarray) -> None:
        """Go on with some of the orders (a mask) only."""
        for name in ("_rows", "_inverse", "_ones", "_values", "_log_det", "_of_ones", "_of_rows"):
            setattr(self, name, getattr(self, name)[orders])
        if self._covariance.ndim == 4:
            self._covariance = self._covariance[orders]

    def spread(self) -> np.ndarray:
        """How much is unknown of each model (n_orders, n_models), in units of the prior variance: needs no accuracy."""
        unit = np.einsum("...hii->...hi", self._covariance) - self._of_rows
        return np.einsum("h,rhn->rn", self.beliefs.weight, np.maximum(unit, 0.0))


def clipped(values: np.ndarray) -> np.ndarray:
    """Accuracies (n_orders, n_read), none farther below the median than ``CLIP`` times the best is above it.

    Fewer than ``CLIP_FROM`` accuracies say too little of what is usual, and stay.

    Examples
    --------
    >>> clipped(np.array([[10.0, 77, 78, 80, 82, 84, 85]]))
    array([[75., 77., 78., 80., 82., 84., 85.]])
    """
    if values.shape[1] < CLIP_FROM:
        return values
    middle, best = np.median(values, axis=1), values.max(axis=1)
    return np.maximum(values, (middle - CLIP * (best - middle))[:, None])


def expected_improvement(mean: np.ndarray, deviation: np.ndarray, best: np.ndarray) -> np.ndarray:
    """Mean of max(accuracy - best, 0) for normal accuracies (n_orders, n_models); Mockus 1975, Jones et al. 1998.

    Examples
    --------
    >>> expected_improvement(np.array([[1.0, 0.0]]), np.array([[1e-9, 1.0]]), np.array([0.0])).round(3)
    array([[1.   , 0.399]])
    """
    above = (mean - best[:, None]) / deviation
    density = np.exp(-0.5 * above**2) / np.sqrt(2 * np.pi)
    return deviation * (above * ndtr(above) + density)
