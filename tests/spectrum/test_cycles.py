"""Sums over cycles of distinct stimuli, against loops over all of them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuroalpha.spectrum.cycles import MAX_ORDER, cycle_sums


def by_loops(b: np.ndarray, p: int) -> np.ndarray:
    sums = np.zeros(len(b))
    for cycle in itertools.permutations(range(len(b)), p):
        sums[cycle[0]] += np.prod([b[s, t] for s, t in zip(cycle, (*cycle[1:], cycle[0]), strict=True)])
    return sums


@pytest.mark.parametrize("p", range(1, MAX_ORDER + 1))
@pytest.mark.parametrize("n_stimuli", [2, 5, 8])
def test_against_loops_over_all_orderings(p, n_stimuli):
    b = np.random.default_rng(p).normal(size=(n_stimuli, n_stimuli))
    expected = by_loops(b, p)
    np.testing.assert_allclose(cycle_sums(b.copy())[p - 1], expected, rtol=1e-10, atol=1e-10)


@given(seed=st.integers(0, 99), n=st.integers(5, 12))
def test_order_of_stimuli_and_direction_do_not_matter(seed, n):
    rng = np.random.default_rng(seed)
    b, order = rng.normal(size=(n, n)), rng.permutation(n)
    sums = np.array(cycle_sums(b.copy()))
    np.testing.assert_allclose(np.array(cycle_sums(b[np.ix_(order, order)])), sums[:, order], atol=1e-9)
    np.testing.assert_allclose(np.array(cycle_sums(b.T.copy())), sums, atol=1e-9)


def test_the_torch_twin_agrees():
    torch = pytest.importorskip("torch")
    b = np.random.default_rng(0).normal(size=(30, 30))
    twin = [each.numpy() for each in cycle_sums(torch.from_numpy(b.copy()))]
    np.testing.assert_allclose(twin, cycle_sums(b.copy()), rtol=1e-10)
