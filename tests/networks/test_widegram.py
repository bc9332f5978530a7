"""Blocks of several layers and parts against one matrix for each layer."""

from __future__ import annotations

import numpy as np
import pytest

from neuroalpha.errors import InputError
from neuroalpha.networks.sharding import Part
from neuroalpha.networks.widegram import WideGrams
from neuroalpha.spectrum.accumulate import Accumulated, Gram
from neuroalpha.spectrum.gram import BLAS

N = 12
X = {layer: np.random.default_rng(seed).standard_normal((N, 30)) for seed, layer in enumerate("abc")}


def made(parts: int, cuts: list[int], spoil: str = "") -> dict[str, Accumulated | InputError]:
    grams = WideGrams(lambda: Gram(N, None, 0, BLAS), Part(parts), list(X))
    done = {}
    for layer, values in X.items():
        for first, end in zip([0, *cuts], [*cuts, 30], strict=True):
            block = values[:, first:end].copy()
            if layer == spoil and first:
                block[3] = np.nan
            done.update(grams.add(layer, min(first * parts // 30, parts - 1), first, block))
        assert layer not in done  # not before the next begins
    done.update(grams.finish())
    return done


@pytest.mark.parametrize("parts", [1, 2, 3])
def test_each_layer_has_its_own_matrix(parts):
    done = made(parts, [10, 20])
    assert list(done) == list(X)
    for layer, values in X.items():
        truth = np.linalg.svd(values - values.mean(0), compute_uv=False)[: N - 1] ** 2 / (N - 1)
        assert np.allclose(done[layer].eigenvalue, truth, rtol=1e-10)


def test_a_bad_layer_leaves_the_others_alone():
    good, some = made(2, [10, 20]), made(2, [10, 20], spoil="b")
    assert isinstance(some["b"], InputError)
    assert "the first is unit 10" in str(some["b"])
    assert "first: number 3" in str(some["b"])
    for layer in "ac":
        assert np.array_equal(some[layer].eigenvalue, good[layer].eigenvalue)
