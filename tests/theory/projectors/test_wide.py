"""The wide form: its closed form where modes are aligned, its limit."""

from __future__ import annotations

import numpy as np

from neuroalpha.theory.projectors.wide import aligned_values, wide_product


def test_aligned_modes():
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.standard_normal((6, 6)))[0]
    values = np.array([-1.0, -0.4, 0.3, 0.8, 0.9, 1.0])
    start, times = np.array([0.2, 0.05, 0.9]), np.array([0.0, 0.5, 2.0, 4.0])
    found = wide_product((basis * values) @ basis.T, basis[:, :3] * start, times)
    expected = aligned_values(values[:3], start, times)
    np.testing.assert_allclose(found, basis[:, :3] * expected[:, None, :], atol=1e-9)
    assert np.isfinite(aligned_values(np.array([1.0]), np.array([0.5]), np.array([1e4]))).all()


def test_grows_to_the_lowest_space():
    rng = np.random.default_rng(1)
    matrix = np.diag([-1.0, -0.7, -0.1, 0.2, 0.5])
    end = wide_product(matrix, 0.3 * np.linalg.qr(rng.standard_normal((5, 2)))[0], np.array([0.0, 30.0]))[1]
    np.testing.assert_allclose(end @ end.T, np.diag([1.0, 1, 0, 0, 0]), atol=1e-6)
