"""Kernel: the cosine update's expectation on quasi-random directions: no integral of any theory enters.

In the eigenbasis of the embedding's covariance C the two embedded views of mode m are sqrt(lam_m) times Gaussian
numbers (a_m, b_m) of known covariance. What :class:`~neuroalpha.theory.linearnet.cosine_moments.CosineMoments` has from
a quadrature is here averaged over a scrambled Sobol sequence: an independent check of it, good to some 1e-4.
"""

from __future__ import annotations

import numpy as np
from scipy import special
from scipy.stats import qmc

from neuroalpha.theory.eigenflow.settings import FlowSetting

N_BLOCKS = 64
BLOCK_SIZE = 2048


class CosinePoints:
    """Products of the two views' modes on quasi-random points, in blocks of which every step takes the next.

    A step sees 2,048 points with both signs of the views' noise and its own order of the modes; 64 steps see 262,144.
    In memory: 126 MB for 10 modes; above that fewer blocks.

    Examples
    --------
    >>> points = CosinePoints(2, 0.0, 0.01, seed=0)
    >>> points.squares[0].shape  # z1 z1, z1 z2, z2 z2
    (3, 4096, 2)
    """

    def __init__(
        self,
        n_modes: int,
        noise1: float,
        noise2: float,
        *,
        seed: int,
        n_blocks: int | None = None,
        size: int = BLOCK_SIZE,
    ) -> None:
        n_blocks = n_blocks or max(4, min(N_BLOCKS, 10 * N_BLOCKS // n_modes))
        noisy = noise1 > 0 or noise2 > 0
        sobol = qmc.Sobol(n_modes * (2 if noisy else 1), scramble=True, seed=seed)
        own = np.sqrt(max(1 + noise2 - 1 / (1 + noise1), 0.0))  # of view 2 given view 1
        self.squares = []
        for _ in range(n_blocks):
            normal = special.ndtri(np.clip(sobol.random(size), 2**-32, 1 - 2**-32))
            shared, rest = (normal[:, :n_modes], normal[:, n_modes:]) if noisy else (normal, None)
            z1, z2 = np.sqrt(1 + noise1) * shared, shared / np.sqrt(1 + noise1)
            if rest is not None:
                z1, z2 = np.vstack([z1, z1]), np.vstack([z2 + own * rest, z2 - own * rest])
            self.squares.append(np.stack([z1 * z1, z1 * z2, z2 * z2]))
        rng = np.random.default_rng([seed, n_modes])
        self.orders = [rng.permutation(n_modes) for _ in range(997)]  # prime: orders and blocks do not keep step

    def rates(
        self, eigenvalue: np.ndarray, setting: FlowSetting, index: int, follow: np.ndarray | None = None
    ) -> np.ndarray:
        """The h (mode,) of the update's diagonal for eigenvalues (mode,), from the points of step ``index``.

        ``follow`` (mode,): singular values of a target network against the online one's.
        """
        order = self.orders[index % len(self.orders)]
        lam = np.maximum(eigenvalue, 0)[order]
        ratio = np.ones_like(lam) if follow is None else follow[order]
        gain = np.ones_like(lam) if setting.variant == "no predictor" else lam**setting.power
        one, cross, two = self.squares[index % len(self.squares)]
        square_p, dot, square_z = one @ (gain**2 * lam), cross @ (gain * lam * ratio), two @ (lam * ratio**2)
        first = 1 / np.sqrt(square_p * square_z) / len(one)
        second = first * dot / square_p
        found = ratio * (first @ cross) - gain * (second @ one)
        if setting.variant in ("predictor", "no stop-gradient"):
            found *= gain
        if setting.variant == "no stop-gradient":
            if setting.exact_gradient:
                found += gain * (first @ cross) - (first * dot / square_z) @ two
            else:
                found += gain * (first @ one) - second @ cross
        back = np.empty_like(found)
        back[order] = found
        return back
