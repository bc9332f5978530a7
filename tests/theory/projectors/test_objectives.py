"""Objectives of networks: gradients against differences of the loss, values by loops."""

from __future__ import annotations

import numpy as np
import pytest

from neuroalpha.theory.projectors.losses import contrastive_loss, non_contrastive_loss
from neuroalpha.theory.projectors.objectives import OBJECTIVES, barlow_twins, squared_error

RNG = np.random.default_rng(0)
OUTPUTS, TARGETS = RNG.standard_normal((3, 5, 2)), RNG.standard_normal((5, 2))


@pytest.mark.parametrize("name", list(OBJECTIVES))
def test_gradients_for_outputs(name):
    objective = OBJECTIVES[name]
    outputs = OUTPUTS[: objective.n_views]
    _, found = objective.rule(outputs, TARGETS)
    assert found.shape == outputs.shape
    expected = np.empty_like(outputs)
    for place in np.ndindex(outputs.shape):
        change = np.zeros_like(outputs)
        change[place] = 1e-5
        ends = [objective.rule(outputs + sign * change, TARGETS)[0] for sign in (1, -1)]
        expected[place] = (ends[0] - ends[1]) / 2e-5
    np.testing.assert_allclose(found, expected, atol=1e-8)


def test_losses_by_loops():
    u, positive, negative = OUTPUTS
    rule = {name: OBJECTIVES[f"{name}, orthonormal W2"].rule for name in ("contrastive", "non-contrastive")}
    assert rule["contrastive"](OUTPUTS, TARGETS)[0] == pytest.approx(contrastive_loss(u, positive, negative))
    assert rule["non-contrastive"](OUTPUTS[:2], TARGETS)[0] == pytest.approx(non_contrastive_loss(u, positive))
    expected = sum((u[i, a] - TARGETS[i, a]) ** 2 for i in range(5) for a in range(2)) / 10
    assert squared_error(u[None], TARGETS)[0] == pytest.approx(expected)


def test_barlow_twins_is_zero_where_views_agree_and_outputs_are_white():
    basis = np.linalg.qr(RNG.standard_normal((6, 2)))[0] * 6**0.5
    loss, gradient = barlow_twins(np.stack([basis, basis]), np.empty(0))
    assert loss == pytest.approx(0, abs=1e-25)
    np.testing.assert_allclose(gradient, 0, atol=1e-14)


def test_names_say_what_they_hold():
    for name, each in OBJECTIVES.items():
        assert name == each.name
        assert each.orthonormal == name.endswith("orthonormal W2")
        assert each.n_views == (3 if name.startswith("contrastive") else 1 if name.startswith("supervised") else 2)
