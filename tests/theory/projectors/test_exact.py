"""Exact flows against matrix exponentials, an integrator, scipy's angles; what rotations and time shifts must leave."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

from neuroalpha.theory.engine.integrate import integrate
from neuroalpha.theory.projectors import exact


def system(seed, n_features=8, n_outputs=3):
    rng = np.random.default_rng(seed)
    matrix = rng.standard_normal((n_features, n_features))
    matrix = (matrix + matrix.T) / 2
    start = np.linalg.qr(rng.standard_normal((n_features, n_outputs)))[0]
    return matrix / np.abs(np.linalg.eigvalsh(matrix)).max(), start


def test_naive_flow_is_the_exponential():
    matrix, start = system(0)
    times = np.array([0.0, 0.3, 2.0])
    found = exact.scaled_weights(matrix, start, times)
    growth = np.exp(-2 * np.linalg.eigvalsh(matrix)[0] * times)
    for time, weights, factor in zip(times, found, growth, strict=True):
        np.testing.assert_allclose(weights * factor, scipy.linalg.expm(-2 * matrix * time) @ start, atol=1e-12)
    np.testing.assert_allclose(
        exact.log_growth(matrix, start, times), np.log(np.linalg.norm(found, axis=(1, 2)) * growth)
    )
    share = exact.naive_share(matrix, start, times)
    np.testing.assert_allclose(np.trace(share, axis1=1, axis2=2), 1)


@pytest.mark.parametrize("seed", range(3))
def test_projector_solves_its_flow(seed):
    matrix, start = system(seed)
    times = np.array([0.0, 0.5, 1.0, 4.0])
    followed = integrate(lambda w: -2 * (matrix @ w - w @ (w.T @ matrix @ w)), start, times)
    found = exact.exact_projector(matrix, start, times)
    np.testing.assert_allclose(found, followed @ followed.swapaxes(1, 2), atol=1e-8)
    for time, projector in zip(times, found, strict=True):
        moved = scipy.linalg.expm(-2 * matrix * time) @ start
        np.testing.assert_allclose(projector, moved @ np.linalg.pinv(moved), atol=1e-10)


def test_nothing_overflows_and_the_limit_is_the_lowest_space():
    matrix, start = system(4)
    found = exact.exact_projector(1e3 * matrix, start, np.array([0.0, 1.0, 1e3]))
    limit, loss, gap = exact.limit_projector(1e3 * matrix, 3)
    np.testing.assert_allclose(found[-1], limit, atol=1e-10)
    values, vectors = np.linalg.eigh(matrix)
    np.testing.assert_allclose(np.trace(found[-1] @ matrix), values[:3].sum())
    np.testing.assert_allclose([loss, gap], [1e3 * values[:3].sum(), 1e3 * (values[3] - values[2])])
    # a start without the lowest direction never finds it
    other = exact.exact_projector(matrix, vectors[:, 1:2] * 0.6 + vectors[:, 4:5] * 0.8, np.array([8.0]))
    np.testing.assert_allclose(vectors[:, 0] @ other[0] @ vectors[:, 0], 0, atol=1e-12)
    assert exact.limit_projector(matrix, 8)[2] == np.inf


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.01, 3), st.floats(0.1, 10))
def test_rotations_time_and_scale(seed, time, scale):
    matrix, start = system(seed, 6, 2)
    turn = np.linalg.qr(np.random.default_rng(seed + 1).standard_normal((6, 6)))[0]
    when = np.array([0.0, time])
    found = exact.exact_projector(matrix, start, when)
    turned = exact.exact_projector(turn @ matrix @ turn.T, turn @ start, when)
    np.testing.assert_allclose(turned, turn @ found @ turn.T, atol=1e-9)
    spin = np.array([[np.cos(time), -np.sin(time)], [np.sin(time), np.cos(time)]])  # outputs in another basis
    np.testing.assert_allclose(exact.exact_projector(matrix, start @ spin, when), found, atol=1e-9)
    np.testing.assert_allclose(exact.exact_projector(scale * matrix, start, when / scale), found, atol=1e-9)
    halfway = exact.exact_frame(matrix, start, when / 2)[1]
    np.testing.assert_allclose(exact.exact_projector(matrix, halfway, when / 2)[1], found[1], atol=1e-9)
    np.testing.assert_allclose(found[1] @ found[1], found[1], atol=1e-12)


def test_one_output_is_a_softmax():
    matrix, start = system(7, 9, 1)
    values, vectors = np.linalg.eigh(matrix)
    times = np.array([0.0, 0.7, 3.0, 20.0])
    found = exact.exact_projector(matrix, start, times)
    squares = np.einsum("ki,tkl,li->ti", vectors, found, vectors)
    np.testing.assert_allclose(exact.single_output(values, (vectors.T @ start)[:, 0], times), squares, atol=1e-12)


def test_angles():
    rng = np.random.default_rng(0)
    first, second = (np.linalg.qr(rng.standard_normal((9, 3)))[0] for _ in range(2))
    np.testing.assert_allclose(
        exact.principal_angles(first[None], second)[0], scipy.linalg.subspace_angles(first, second)[::-1]
    )
    tiny = np.linalg.qr(second + 1e-9 * first)[0]
    np.testing.assert_allclose(
        exact.principal_angles(tiny, second), scipy.linalg.subspace_angles(tiny, second)[::-1], rtol=1e-4
    )


def test_gap_law():
    matrix, start = system(3)
    times = np.array([30.0, 40.0]) / (2 * exact.limit_projector(matrix, 3)[2]) * 0.5
    frames = exact.exact_frame(matrix, start, times)
    angles = exact.principal_angles(frames, np.linalg.eigh(matrix)[1][:, :3])[:, -1]
    rate = -np.diff(np.log(np.tan(angles))) / np.diff(times)
    np.testing.assert_allclose(rate, 2 * exact.limit_projector(matrix, 3)[2], rtol=1e-2)


def test_participation():
    np.testing.assert_allclose(exact.participation(np.array([[1.0, 1, 1], [2, 0, 0]])), [3, 1])
