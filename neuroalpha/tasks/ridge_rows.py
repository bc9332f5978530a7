"""Kernel: what training rows tell of every ridge readout: class sums, residuals, leverages, and the error to expect.

Penalties are compared by generalised cross-validation, which needs only eigenvalues and class sums (Golub, Heath &
Wahba 1979, "Generalized cross-validation as a method for choosing a good ridge parameter"), or by the exact
leave-one-out error, residual / (1 - leverage) (Allen 1974, "The relationship between variable selection and data
augmentation and a method for prediction"), which needs a product with Z for each label set and penalty.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from neuroalpha.spectrum.blocks import slices
from neuroalpha.spectrum.gram import multiply
from neuroalpha.tasks.decomposition import Decomposition

SMALLEST = 1e-70  # 1 less the leverage of a row that is fitted whatever the others say; its square can be divided by


@dataclass(frozen=True, eq=False)
class TrainingRows:
    """Training features on the components of their decomposition. Label sets are codes (s, n) of int32, checked.

    Targets are +1 for a row's class and -1 for the others.
    """

    decomposition: Decomposition
    projected: np.ndarray
    """Z (n, r), float64 in C order."""

    @property
    def _full(self) -> bool:
        """Whether the components span the rows, but for the intercept: then nothing of the targets lies outside."""
        return self.decomposition.values.size >= self.decomposition.n - self.decomposition.center

    def products(self, codes: np.ndarray, n_classes: int) -> tuple[np.ndarray, np.ndarray]:
        """Z'Y (s, C, r) of the centred targets, and the targets' means (s, C), zero without centring."""
        (n_sets, n), n_values = codes.shape, self.projected.shape[1]
        # Column i holds a one for each label set, in the row of its class: a row of Z is added to the sums of all label
        # sets while it is in the cache.
        rows = (codes.T + np.arange(n_sets, dtype=np.int32) * n_classes).ravel()
        starts = np.arange(n + 1, dtype=np.int32) * np.int32(n_sets)
        chooses = sparse.csc_matrix((np.ones(rows.size), rows, starts), shape=(n_sets * n_classes, n))
        products = 2 * (chooses @ self.projected).reshape(n_sets, n_classes, n_values)
        if not self.decomposition.center:
            return products - self.projected.sum(axis=0), np.zeros((n_sets, n_classes))
        # The columns of Z sum to zero: the mean of the targets falls out of the products.
        return products, np.stack([2 * np.bincount(each, minlength=n_classes) / n - 1 for each in codes])

    def generalised(
        self, products: np.ndarray, target_mean: np.ndarray, codes: np.ndarray, penalties: np.ndarray
    ) -> np.ndarray:
        """Generalised cross-validation (s, l): n * residual sum of squares / (n - effective parameters)**2.

        Both are sums of positive terms, so that neither is lost to rounding where a readout fits its training rows.
        """
        values, n = self.decomposition.values, self.decomposition.n
        shrunk = penalties / (values[:, None] + penalties)  # (r, l)
        power = products**2 / values  # of the targets along each component
        outside = 0.0
        if not self._full:
            outside = np.maximum(n * (1 - target_mean**2) - power.sum(axis=2), 0.0).sum(axis=1)[:, None]
        residual = outside + (power.sum(axis=1) @ shrunk**2)
        left = n - self.decomposition.center - values.size + shrunk.sum(axis=0)
        return residual * n / left**2 / target_mean.shape[1]

    def leave_one_out(
        self, products: np.ndarray, target_mean: np.ndarray, codes: np.ndarray, penalties: np.ndarray
    ) -> np.ndarray:
        """Mean squared leave-one-out error (s, l) over rows and classes."""
        n_sets, n_classes, n_values = products.shape
        total = np.zeros((n_sets, penalties.size))
        for rows in slices(self.projected.shape[0], max(n_values, n_sets * n_classes)):
            left = self.one_minus_leverage(rows, penalties)
            for which, penalty in enumerate(penalties):
                residuals = self.residuals(rows, products, target_mean, codes, penalty)
                np.square(residuals, out=residuals)
                weighted = left[:, which] ** -2.0 @ residuals.reshape(left.shape[0], -1)
                total[:, which] += weighted.reshape(n_sets, n_classes).sum(axis=1)
        return total / (self.projected.shape[0] * n_classes)

    def residuals(
        self, rows: slice, products: np.ndarray, target_mean: np.ndarray, codes: np.ndarray, penalty: float
    ) -> np.ndarray:
        """Targets less fitted values (row, s, C) of some training rows."""
        n_sets, n_classes, n_values = products.shape
        values, projected = self.decomposition.values, self.projected[rows]
        factor = penalty / values if self._full else -1.0  # all of the targets is inside: nothing to subtract from
        weights = (products * factor / (values + penalty)).reshape(n_sets * n_classes, n_values)
        residuals = np.ascontiguousarray(multiply(projected, weights.T)).reshape(-1, n_sets, n_classes)
        if not self._full:
            residuals -= target_mean + 1
            own = codes[:, rows].T
            np.put_along_axis(residuals, own[..., None], np.take_along_axis(residuals, own[..., None], 2) + 2, axis=2)
        return residuals

    def one_minus_leverage(self, rows: slice, penalties: np.ndarray) -> np.ndarray:
        """1 less the leverage (row, l) of some training rows."""
        values = self.decomposition.values
        share = self.projected[rows] ** 2 / values  # of each row along each component; at most 1 in all
        outside = 0.0
        if not self._full:
            own = 1.0 / self.decomposition.n if self.decomposition.center else 0.0
            outside = np.maximum(1 - own - share.sum(axis=1), 0.0)[:, None]
        left = outside + multiply(share, penalties / (values[:, None] + penalties))
        return np.maximum(left, SMALLEST)
