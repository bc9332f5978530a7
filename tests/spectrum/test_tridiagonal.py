"""Leading eigenvectors: against LAPACK, on spectra flat and steep, and where eigenvalues coincide."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg

from neuroalpha.spectrum import tridiagonal
from neuroalpha.spectrum.tridiagonal import leading, tridiagonal_vectors


def scatter(side, alpha, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(side, 2 * side)) * np.arange(1, 2 * side + 1) ** (-alpha / 2)
    return np.asfortranarray(x @ x.T)


@pytest.mark.parametrize("alpha", [0.0, 1.0, 2.0])
@pytest.mark.parametrize("k", [1, 200, 520])
def test_against_lapack(alpha, k):
    matrix = scatter(520, alpha)
    values, vectors = leading(matrix.copy(order="F"), k)
    expected = linalg.eigvalsh(matrix)[::-1][:k]
    np.testing.assert_allclose(values, expected, rtol=1e-9)
    np.testing.assert_allclose(matrix @ vectors, vectors * values, atol=1e-12 * values[0])
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(k), atol=1e-6)


@pytest.mark.parametrize("spectrum", ["twins", "low rank", "zero", "diagonal"])
def test_coinciding_eigenvalues_are_left_to_lapack(spectrum):
    side = 520
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.normal(size=(side, side)))[0]
    lengths = {
        "twins": np.repeat(np.arange(side // 2, 0, -1.0), 2),
        "low rank": np.r_[np.arange(10, 0, -1.0), np.zeros(side - 10)],
        "zero": np.zeros(side),
        "diagonal": np.arange(side, 0, -1.0),
    }[spectrum]
    matrix = np.diag(lengths) if spectrum == "diagonal" else (axes * lengths) @ axes.T
    matrix = np.asfortranarray((matrix + matrix.T) / 2)
    values, vectors = leading(matrix.copy(order="F"), side)
    np.testing.assert_allclose(values, lengths, atol=1e-10)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(side), atol=1e-10)
    np.testing.assert_allclose((vectors * values) @ vectors.T, matrix, atol=1e-9)


def test_float32_says_when_it_will_not_do():
    assert leading(scatter(520, 1.0).astype(np.float32, order="F"), 100, np.float32) is not None
    assert leading(scatter(520, 6.0).astype(np.float32, order="F"), 100, np.float32) is None
    assert leading(np.zeros((520, 520), np.float32, order="F"), 100, np.float32) is None


@settings(max_examples=40)
@given(side=st.integers(2, 60), seed=st.integers(0, 10_000), zeros=st.booleans())
def test_tridiagonal_vectors(side, seed, zeros):
    rng = np.random.default_rng(seed)
    diagonal = rng.normal(size=side) * (not zeros)  # a zero diagonal has exactly zero pivots on its way
    below = rng.uniform(0.5, 2, size=side - 1)
    values = linalg.eigvalsh_tridiagonal(diagonal, below)
    vectors = tridiagonal_vectors(diagonal, below, values)
    matrix = np.diag(diagonal) + np.diag(below, 1) + np.diag(below, -1)
    np.testing.assert_allclose(matrix @ vectors, vectors * values, atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=0), 1, rtol=1e-12)


def test_chunks_of_vectors_make_no_difference(monkeypatch):
    whole = leading(scatter(520, 1.0), 100)[1]
    monkeypatch.setattr(tridiagonal, "CHUNK", 33)
    np.testing.assert_allclose(leading(scatter(520, 1.0), 100)[1], whole, atol=1e-12)
