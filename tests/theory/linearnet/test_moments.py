"""Euclidean updates over the whole population: against whitened samples, whose second moments are the population's."""

from __future__ import annotations

import numpy as np
import pytest

from neuroalpha.theory.linearnet.moments import euclidean_update
from neuroalpha.theory.linearnet.settings import EXTRA, TOY
from neuroalpha.theory.linearnet.system import symmetric_root
from neuroalpha.theory.linearnet.update import sample_update
from neuroalpha.theory.linearnet.views import draw_views

ALL = {**TOY, **EXTRA}


@pytest.mark.parametrize("coloured", [False, True])
@pytest.mark.parametrize("name", [name for name in ALL if name.startswith("euclidean")])
def test_euclidean_moments_are_those_of_whitened_samples(name, coloured):
    rng = np.random.default_rng(0)
    weights, x = rng.normal(size=(4, 6)) / 2, rng.normal(size=(12, 6))
    spread = x.T @ x / 12 if coloured else None
    root = symmetric_root(spread) if coloured else None
    target = weights if ALL[name].variant == "no stop-gradient" else 0.8 * weights
    one, two = draw_views(60, 6, ALL[name].noise1, ALL[name].noise2, seed=0, index=0, whiten=True, root=root)
    sampled = sample_update(weights, target, one, two, ALL[name], root=root)
    np.testing.assert_allclose(euclidean_update(weights, target, ALL[name], spread), sampled, atol=1e-10)
