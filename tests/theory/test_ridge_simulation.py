"""The readouts that the theory is compared with, against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import Ridge, RidgeClassifier

from neuroalpha.theory.ridge_simulation import held_out_errors, ridge_weights, simulate_error


@pytest.mark.parametrize("penalty", [0.0, 1e-4, 0.1])
@pytest.mark.parametrize("n_neuroids", [20, 60, 150])
def test_readouts_are_those_of_others(n_neuroids, penalty):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(100, n_neuroids)) * np.arange(1, n_neuroids + 1) ** -0.5 + 3
    labels = rng.integers(0, 4, 100)
    y = np.where(labels[:, None] == np.arange(4), 1.0, -1.0)
    found = held_out_errors(x, y, [40, 80], [penalty] * 2, n_draws=2, seed=5)
    rng = np.random.default_rng(5)
    for draw in range(2):
        order = rng.permutation(100)
        for column, size in enumerate((40, 80)):
            train, test = order[:size], order[size:]
            if penalty:
                output = Ridge(alpha=size * penalty).fit(x[train], y[train]).predict(x[test])
            else:  # the shortest solution; the centred rows have one direction less than rows
                centred = x[train] - x[train].mean(axis=0)
                weights = np.linalg.pinv(centred, rcond=1e-10) @ (y[train] - y[train].mean(axis=0))
                output = (x[test] - x[train].mean(axis=0)) @ weights + y[train].mean(axis=0)
            expected = ((output - y[test]) ** 2).sum(axis=1).mean() / y.var(axis=0).sum()
            assert found.error[draw, column] == pytest.approx(expected, rel=1e-6)
            if penalty:
                classifier = RidgeClassifier(alpha=size * penalty).fit(x[train], labels[train])
                right = (classifier.predict(x[test]) == labels[test]).mean()
                assert found.accuracy[draw, column] == pytest.approx(right)


def test_single_targets_have_no_accuracy():
    rng = np.random.default_rng(0)
    found = held_out_errors(rng.normal(size=(30, 4)), rng.normal(size=(30, 1)), [15], [0.1], n_draws=3)
    assert np.isnan(found.accuracy).all()
    assert np.ptp(found.error) > 0  # draws differ


def test_simulated_error_is_that_on_new_images():
    values, power, p = np.arange(1, 31) ** -1.0, np.arange(1, 31) ** -1.5, 20
    got = simulate_error(values, power, p, 0.02, rest=0.2, n_draws=1, seed=3)[0]
    rng = np.random.default_rng(3)
    z = rng.standard_normal((p, 30))
    y = z @ np.sqrt(power) + np.sqrt(0.2) * rng.standard_normal(p)
    model = Ridge(alpha=p * 0.02, fit_intercept=False).fit(z * np.sqrt(values), y)
    new = np.random.default_rng(9).standard_normal((200_000, 30))
    target = new @ np.sqrt(power) + np.sqrt(0.2) * np.random.default_rng(10).standard_normal(200_000)
    error = np.mean((model.predict(new * np.sqrt(values)) - target) ** 2) / (power.sum() + 0.2)
    assert got == pytest.approx(error, rel=0.02)


def test_without_penalty_the_shortest_weights():
    rng = np.random.default_rng(0)
    for shape in ((10, 30), (30, 10)):
        x, y = rng.normal(size=shape), rng.normal(size=(shape[0], 2))
        np.testing.assert_allclose(ridge_weights(x, y, 0), np.linalg.pinv(x) @ y, atol=1e-10)
