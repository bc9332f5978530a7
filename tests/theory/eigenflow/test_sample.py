from __future__ import annotations

import numpy as np
import pytest

from neuroalpha.theory.eigenflow.cosine_field import CosineField
from neuroalpha.theory.eigenflow.fields import euclidean_rate
from neuroalpha.theory.eigenflow.sample import network_responses, own_velocity
from neuroalpha.theory.eigenflow.settings import NAMES, FlowSetting

LAM = np.array([1.3, 0.7, 0.2])
EVERY = [*NAMES.values(), FlowSetting("cosine", "no stop-gradient", exact_gradient=True)]


@pytest.mark.parametrize("kind", EVERY, ids=lambda each: each.name)
def test_the_average_over_samples_is_the_flow(kind):
    setting = FlowSetting(kind.loss, kind.variant, 0.8, 0.2, 0.1, exact_gradient=kind.exact_gradient)
    rng = np.random.default_rng(1)
    z = rng.standard_normal((20, 20_000, 3))
    z1 = (z + np.sqrt(0.2) * rng.standard_normal(z.shape)) * np.sqrt(LAM)
    z2 = (z + np.sqrt(0.1) * rng.standard_normal(z.shape)) * np.sqrt(LAM)
    first, second = own_velocity(z1, z2, LAM, setting)
    batches = (2 * z1 * first + 2 * z2 * second).mean(axis=1)
    error = batches.std(axis=0, ddof=1) / np.sqrt(20)
    field = euclidean_rate if setting.loss == "euclidean" else lambda log, _: CosineField(setting).rate(log)
    assert (np.abs(batches.mean(axis=0) - field(np.log(LAM), setting) * LAM) < 5 * error).all()


@pytest.mark.parametrize("name", ["euclidean", "cosine", "euclidean iso", "cosine iso", "cosine no predictor"])
def test_velocity_is_the_gradient_with_respect_to_the_response(name):
    z1, z2 = np.random.default_rng(0).standard_normal((2, 5, 3))
    p = LAM if "no predictor" not in name else np.ones(3)

    def loss(z):
        y = z - z1 + z1 * p if "iso" in name else z * p  # iso: with respect to the prediction, applied to the response
        if "euclidean" in name:
            return 0.5 * ((y - z2) ** 2).sum(axis=1)
        return -(y * z2).sum(axis=1) / np.linalg.norm(y, axis=1) / np.linalg.norm(z2, axis=1)

    gradient = np.stack([(loss(z1 + 1e-5 * e) - loss(z1 - 1e-5 * e)) / 2e-5 for e in np.eye(3)], axis=1)
    np.testing.assert_allclose(own_velocity(z1, z2, LAM, NAMES[name])[0], -gradient, rtol=1e-6, atol=1e-8)


def test_responses_grow_with_the_root_of_their_eigenvalue():
    course = np.array([[0.25, 0.0], [1.0, 0.0]])
    moved = network_responses(np.array([[0.3, 0.0]]), course)
    assert moved.tolist() == [[[0.3, 0.0]], [[0.6, 0.0]]]
