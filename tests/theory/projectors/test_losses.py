"""Matrices of the losses against the losses themselves, by hand."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from neuroalpha.theory.projectors.losses import (
    contrastive_loss,
    cross_matrix,
    make_views,
    non_contrastive_loss,
    symmetric_part,
)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 30), st.integers(1, 6), st.integers(1, 4))
def test_loss_is_a_trace(seed, n_samples, n_features, n_outputs):
    rng = np.random.default_rng(seed)
    x, positive, negative = rng.standard_normal((3, n_samples, n_features))
    weights = rng.standard_normal((n_features, n_outputs))
    by_hand = sum((weights.T @ x[i]) @ (weights.T @ negative[i] - weights.T @ positive[i]) for i in range(n_samples))
    outputs = [view @ weights for view in (x, positive, negative)]
    np.testing.assert_allclose(contrastive_loss(*outputs), by_hand / n_samples)
    for matrix, loss in (
        (cross_matrix(x, positive, negative), contrastive_loss(*outputs)),
        (cross_matrix(x, positive), non_contrastive_loss(*outputs[:2])),
    ):
        for same in (matrix, symmetric_part(matrix)):  # only the symmetric part acts
            np.testing.assert_allclose(np.trace(weights.T @ same @ weights), loss, atol=1e-10)
    order = rng.permutation(n_samples)
    np.testing.assert_allclose(
        cross_matrix(x[order], positive[order], negative[order]), cross_matrix(x, positive, negative), atol=1e-12
    )


def test_made_views():
    x, positive, negative = make_views(4000, 10, 2, noise=0.3, seed=3)
    covariance = x.T @ positive / len(x)
    values = np.linalg.eigvalsh(symmetric_part(covariance))[::-1]
    np.testing.assert_allclose(values[:3], [1, 0.7, 0.15], rtol=0.1)
    assert np.abs(np.linalg.eigvalsh(symmetric_part(x.T @ negative / len(x)))).max() < 0.08  # another sample
    np.testing.assert_allclose(np.linalg.eigvalsh(x.T @ x / len(x))[-1], 1.09, rtol=0.1)
    np.testing.assert_array_equal(x, make_views(4000, 10, 2, noise=0.3, seed=3)[0])
