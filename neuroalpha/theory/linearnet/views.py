"""Kernel: pairs of Gaussian views, fresh in every step, repeatable by (seed, step)."""

from __future__ import annotations

import numpy as np


def draw_views(
    n_samples: int,
    n_inputs: int,
    noise1: float,
    noise2: float,
    *,
    seed: int,
    index: int,
    whiten: bool = False,
    root: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Two views (sample, input) of the same inputs: x + sqrt(noise1) e1 and x + sqrt(noise2) e2.

    Parameters
    ----------
    n_samples, n_inputs : int
    noise1, noise2 : float
        Variances of the views' own noise, in units of the data's (0 and 0.01 in the toy notebook: view 1 is clean).
    seed, index : int
        Of the run, and of the step.
    whiten : bool, optional
        Give x, e1 and e2 of this very sample exactly the second moments of their population (needs at least as many
        samples as they have columns together): what is left of Monte-Carlo noise is that of the higher moments.
        Antithetic pairs would do nothing: an update is an even function of its sample.
    root : (input, input), optional
        A square root R of the data's covariance R R'; the noise has the covariance of the data. Default: the identity.

    Examples
    --------
    >>> one, two = draw_views(100, 3, 0.0, 0.01, seed=0, index=7, whiten=True)
    >>> bool(np.allclose(one.T @ one / 100, np.eye(3))), bool(np.allclose(two.T @ two / 100, 1.01 * np.eye(3)))
    (True, True)
    """
    rng = np.random.default_rng([seed, index])
    noises = [np.sqrt(noise) for noise in (noise1, noise2)]
    n_blocks = 1 + sum(noise > 0 for noise in noises)
    drawn = rng.standard_normal((n_samples, n_blocks * n_inputs))
    if whiten:
        factor = np.linalg.cholesky(drawn.T @ drawn / n_samples)
        drawn = np.linalg.solve(factor, drawn.T).T
    clean, *others = np.split(drawn, n_blocks, axis=1)
    rest = iter(others)
    views = [clean + noise * next(rest) if noise > 0 else clean for noise in noises]
    one, two = views if root is None else [view @ root.T for view in views]
    return one, two
