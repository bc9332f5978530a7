"""Second moments: exact against SVD, whatever the blocks, however large the means."""

from __future__ import annotations

import ast
import inspect

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuroalpha.spectrum import blocks, crossdecomposition, crossgram, crossval, gram, moments


def spectrum(x, center=True):
    means = gram.column_means(x)[0] if center else 0.0
    return gram.eigenvalues(gram.smaller_side(x, means), min(x.shape))


@pytest.mark.parametrize("shape", [(40, 25), (25, 40), (30, 30), (2, 50), (50, 1)])
@pytest.mark.parametrize("center", [True, False])
def test_against_svd(shape, center):
    x = np.random.default_rng(0).normal(size=shape) + 3
    expected = np.linalg.svd(x - x.mean(0) * center, compute_uv=False) ** 2
    np.testing.assert_allclose(spectrum(x, center), expected, rtol=1e-9, atol=1e-10 * expected[0])


@settings(max_examples=30, deadline=None)
@given(n=st.integers(2, 30), p=st.integers(1, 30), block=st.integers(1, 20_000), seed=st.integers(0, 99))
def test_any_split_gives_the_same(n, p, block, seed):
    x = np.random.default_rng(seed).normal(size=(n, p))
    whole = spectrum(x)
    kept, blocks.BLOCK_BYTES = blocks.BLOCK_BYTES, block
    try:
        np.testing.assert_allclose(spectrum(x), whole, rtol=1e-9, atol=1e-9 * whole.max(initial=0))
    finally:
        blocks.BLOCK_BYTES = kept


def test_large_means_do_not_cost_the_small_eigenvalues():
    """ReLU-like features, means 1500 times their spread: a float32 Gram matrix centred afterwards gives garbage "
    "here."""
    rng = np.random.default_rng(0)
    n, p = 300, 500
    x = (rng.normal(size=(n, p)) * np.arange(1, p + 1) ** -0.75).astype(np.float64)
    exact = np.linalg.svd(x - x.mean(0), compute_uv=False)[: n - 1] ** 2
    shifted = x + 1500 * x.std() * rng.random(p)
    np.testing.assert_allclose(spectrum(shifted)[: n - 1], exact, rtol=1e-8)

    single = shifted.astype(np.float32)
    late = single @ single.T
    late = late - late.mean(0) - late.mean(1)[:, None] + late.mean()
    wrong = np.linalg.eigvalsh(late.astype(np.float64))[::-1][250]
    assert abs(wrong / exact[250] - 1) > 0.5  # the trap is real


def test_nan_counts_as_the_mean():
    x = np.random.default_rng(0).normal(size=(20, 6))
    x[3, 2] = np.nan
    filled = x.copy()
    filled[3, 2] = np.nanmean(x[:, 2])
    np.testing.assert_allclose(spectrum(x), spectrum(filled), rtol=1e-10)
    assert gram.column_means(x)[1].tolist() == [0, 0, 1, 0, 0, 0]


def test_rank_deficiency_is_exactly_zero():
    x = np.random.default_rng(0).normal(size=(30, 4)) @ np.random.default_rng(1).normal(size=(4, 20))
    values = spectrum(x)
    assert (values[:4] > 0).all()
    assert (values[4:] == 0).all()


ORDERS = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "reversed": lambda x: np.ascontiguousarray(x[:, ::-1])[:, ::-1],
    "strided": lambda x: np.repeat(np.repeat(x, 2, axis=0), 3, axis=1)[::2, ::3],
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("one", ORDERS)
@pytest.mark.parametrize("two", ORDERS)
@pytest.mark.parametrize("shape", [(7, 5, 3), (1, 4, 1), (3, 1, 6), (4, 5, 0), (3, 0, 2), (0, 3, 2)])
def test_multiply_in_any_order_of_axes(dtype, one, two, shape):
    rng = np.random.default_rng(0)
    a, b = rng.integers(-9, 9, size=shape[:2]), rng.integers(-9, 9, size=shape[1:])
    expected = (a[:, :, None] * b).sum(axis=1)  # of whole numbers: exact
    a, b = ORDERS[one](a.astype(dtype)), ORDERS[two](b.astype(dtype))
    found = gram.multiply(a, b)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, expected)
    total = np.full(expected.shape, 2.0, dtype=dtype, order="F")
    added = gram.multiply(a, b, total)
    np.testing.assert_array_equal(total, expected + 2)
    assert added.size == 0 or np.shares_memory(added, total)


@pytest.mark.parametrize("order", ["C", "F"])
def test_multiply_copies_neither_order(order):
    x = np.ones((6, 4), order=order)
    given, turned = gram._fortran(x)
    assert np.shares_memory(given, x)
    assert given.flags.f_contiguous
    np.testing.assert_array_equal(given.T if turned else given, x)


def test_multiply_never_converts_or_adds_to_a_copy():
    x = np.ones((3, 3), order="F")
    for one, two, total in ((x, x.astype(np.float32), None), (x, x, np.ones((3, 2)).T), (x, x, x.astype(np.float32))):
        with pytest.raises(AssertionError):
            gram.multiply(one, two, None if total is None else total[::-1])


@pytest.mark.parametrize("engine", [gram.BLAS, crossgram.SINGLE])
@pytest.mark.parametrize("shape", [(50, 7), (1, 3), (4, 1), (0, 3)])
def test_sums_of_rows(engine, shape):
    x = np.random.default_rng(0).normal(size=shape) + 5
    block = engine.shifted(x, np.zeros(shape[1]))
    found = engine.sum_rows(block)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, x.sum(axis=0), rtol=1e-12 if engine is gram.BLAS else 1e-6)


@pytest.mark.parametrize("engine", [gram.BLAS, crossgram.SINGLE])
def test_sums_of_rows_tell_which_columns_are_not_finite(engine):
    x = np.ones((9, 4))
    x[2, 1], x[3, 2], x[4, 2] = np.nan, np.inf, -np.inf
    found = engine.sum_rows(engine.shifted(x, np.zeros(4)))
    assert np.isfinite(found).tolist() == [True, False, False, True]


@pytest.mark.parametrize("module", [gram, moments, crossgram, crossval, crossdecomposition])
def test_kernels_do_not_go_from_one_blas_to_another(module):
    """NumPy's products have threads of their own, which spin on the cores that SciPy's need next."""
    names = {"dot", "vdot", "inner", "matmul", "tensordot"}
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        assert not isinstance(node, ast.MatMult)
        assert not (isinstance(node, ast.Attribute) and node.attr in names | {"linalg"} and _is_numpy(node.value))


def _is_numpy(node):
    return isinstance(node, ast.Name) and node.id == "np"
