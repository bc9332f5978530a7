"""Mergeable moments: any split, any order, any tree of merges gives the moments of the whole."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from neuroalpha.spectrum import moments
from neuroalpha.spectrum.crossgram import SINGLE


def of(*batches):
    state = moments.empty(batches[0].shape[1])
    for batch in batches:
        state = moments.update(state, batch)
    return state


def assert_same(state, x):
    deviation = x - x.mean(axis=0)
    exact = deviation.T @ deviation
    assert state.count == len(x)
    np.testing.assert_allclose(moments.mean(state), x.mean(axis=0), rtol=1e-12, atol=1e-12 * np.abs(x).max())
    scale = np.sqrt(np.outer(exact.diagonal(), exact.diagonal())) + np.finfo(float).tiny
    np.testing.assert_allclose(moments.scatter(state) / scale, exact / scale, atol=1e-12)


@settings(max_examples=60)
@given(
    n=st.integers(2, 60),
    p=st.integers(1, 8),
    cuts=st.lists(st.integers(0, 60), max_size=8),
    offset=st.sampled_from([0.0, 1.0, 150.0]),
    seed=st.integers(0, 10_000),
    tree=st.booleans(),
)
def test_any_split_any_order_any_tree(n, p, cuts, offset, seed, tree):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, p)) + offset * rng.normal(size=p)
    parts = np.split(x[rng.permutation(n)], sorted(min(c, n) for c in cuts))
    assert_same(of(*parts), x)
    states = [of(part) for part in parts]
    rng.shuffle(states)
    while len(states) > 1:
        first, second = states.pop(0), states.pop(0)
        states.insert(len(states) if tree else 0, moments.merge(first, second))
    assert_same(states[0], x)


def test_against_exact_fractions():
    x = np.random.default_rng(0).normal(size=(7, 2)) + 1000
    rows = [[Fraction(value) for value in row] for row in x.tolist()]
    mean = [sum(column) / 7 for column in zip(*rows, strict=True)]
    exact = float(sum((row[0] - mean[0]) * (row[1] - mean[1]) for row in rows))
    found = moments.scatter(moments.merge(of(x[:3]), of(x[3:])))
    np.testing.assert_allclose(found[1, 0], exact, rtol=1e-12)


def test_a_bad_first_shift_is_replaced():
    rng = np.random.default_rng(0)
    x = np.vstack([np.zeros((3, 4)), rng.normal(size=(500, 4)) + 1e7])
    tail = of(x[:3], x[3:4], x[4:])
    assert_same(tail, x)
    assert np.abs(tail.shift - x.mean(axis=0)).max() < 1e6


def test_merging_changes_neither_and_ignores_empty():
    x = np.random.default_rng(0).normal(size=(20, 3))
    one, two = of(x[:8]), of(x[8:])
    kept = one.product.copy()
    moments.merge(one, two)
    np.testing.assert_array_equal(one.product, kept)
    assert moments.merge(moments.empty(3), one) is one
    assert moments.merge(one, moments.empty(3)) is one
    assert moments.update(one, x[:0]) is one


def test_eigenvalues_against_svd():
    x = np.random.default_rng(0).normal(size=(50, 12)) + 5
    state = of(x[:20], x[20:])
    centred = np.linalg.svd(x - x.mean(axis=0), compute_uv=False) ** 2 / 49
    np.testing.assert_allclose(moments.eigenvalues(state), centred, rtol=1e-11)
    raw = np.linalg.svd(x, compute_uv=False) ** 2 / 50
    np.testing.assert_allclose(moments.eigenvalues(state, center=False), raw, rtol=1e-11)
    assert moments.eigenvalues(of(x[:5])).size == 4


def test_float32_products_stay_near_with_large_means():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4000, 60)) * np.arange(1, 61) ** -0.5
    x = (x @ np.linalg.qr(rng.normal(size=(60, 60)))[0] + 150 * rng.random(60)).astype(np.float32)
    state = moments.empty(60, SINGLE)
    for part in np.array_split(x, 7):
        state = moments.update(state, part, SINGLE)
    exact = np.linalg.svd(x - x.mean(axis=0, dtype=np.float64), compute_uv=False) ** 2 / 3999
    np.testing.assert_allclose(moments.eigenvalues(state, engine=SINGLE), exact, rtol=1e-5)
    late = np.linalg.eigvalsh(np.cov(x.T, dtype=np.float32))[::-1]
    assert np.abs(moments.eigenvalues(state, engine=SINGLE) / exact - 1).max() <= np.abs(late / exact - 1).max()
