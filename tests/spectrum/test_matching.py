"""Laws matched to moments: exact moments give their law back, whatever their scale."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuroalpha.spectrum.matching import gradient, log_spectrum, make_target, match
from neuroalpha.spectrum.signal_moments import Moments

N_NEUROIDS = 400
LOG_RANK = np.log(np.arange(1, N_NEUROIDS + 1))


def exact(model, theta, relative_error=0.01, seed=0):
    """The moments of a law, with errors that are correlated as those of a sample are."""
    order = np.arange(1, 6)
    value = np.exp(order[:, None] * log_spectrum(model, np.asarray(theta), LOG_RANK)).mean(axis=1)
    noise = np.random.default_rng(seed).normal(size=(5, 200)) * 0.3 + np.random.default_rng(seed + 1).normal(size=200)
    influence = (noise - noise.mean(axis=1, keepdims=True)) * (value * order * relative_error * np.sqrt(200))[:, None]
    return Moments(value, influence)


@pytest.mark.parametrize("alpha", [0.3, 0.5, 1.0, 1.5, 2.5])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e9])
def test_a_power_law_comes_back(alpha, scale):
    moments = exact("power", (np.log(scale), alpha))
    target = make_target(moments, moments.value[0])
    no_bias = target._replace(value=np.log(moments.value / moments.value[0] ** np.arange(1, 6)))
    found = match("power", no_bias, N_NEUROIDS)
    assert found.theta[1] == pytest.approx(alpha, abs=1e-6)
    assert found.theta[0] + np.log(moments.value[0]) == pytest.approx(np.log(scale), abs=1e-5)
    assert found.chi2 < 1e-9
    assert (found.dof, found.p_value) == (3, pytest.approx(1))


@pytest.mark.parametrize(("head", "at", "tail"), [(0.5, 15, 1.2), (0.3, 40, 1.6), (1.2, 20, 0.5)])
def test_a_broken_law_comes_back(head, at, tail):
    moments = exact("broken", (0.0, head, np.log(at), tail))
    target = make_target(moments, moments.value[0])
    no_bias = target._replace(value=np.log(moments.value / moments.value[0] ** np.arange(1, 6)))
    found = match("broken", no_bias, N_NEUROIDS)
    np.testing.assert_allclose(found.theta[1:], (head, np.log(at), tail), atol=0.02)
    assert found.dof == 1


def test_a_broken_law_contradicts_a_power_law():
    moments = exact("broken", (0.0, 0.3, np.log(30), 1.8))
    found = match("power", make_target(moments, moments.value[0]), N_NEUROIDS)
    assert found.p_value < 1e-3


@given(
    model=st.sampled_from(["power", "broken"]),
    a1=st.floats(0.1, 3),
    a2=st.floats(0.1, 3),
    log_break=st.floats(1, 4),
)
def test_gradient_against_differences(model, a1, a2, log_break):
    # Ranks between whole numbers' logs, so that no step crosses the break.
    log_rank = np.linspace(0, 5, 40)[np.abs(np.linspace(0, 5, 40) - log_break) > 1e-3]
    theta = np.array([0.2, a1] if model == "power" else [0.2, a1, log_break, a2])
    found = gradient(model, theta, log_rank)
    for k in range(theta.size):
        step = np.zeros(theta.size)
        step[k] = 1e-6
        difference = log_spectrum(model, theta + step, log_rank) - log_spectrum(model, theta - step, log_rank)
        np.testing.assert_allclose(found[k], difference / 2e-6, atol=1e-7)


def test_a_moment_that_only_repeats_a_lower_one_is_left_out():
    moments = exact("power", (0.0, 1.0), relative_error=0.15)
    target = make_target(moments, moments.value[0])
    assert target.order.max() < 5
    assert match("power", target, N_NEUROIDS).dof == target.order.size - 2


def test_a_moment_that_noise_hides_is_compared_as_it_is():
    moments = exact("power", (0.0, 1.0))
    influence = moments.influence.copy()
    influence[2] = 40 * np.abs(influence[2]).max() * np.sin(np.arange(200))  # noise of its own
    hidden = Moments(moments.value * np.r_[1, 1, -0.5, 1, 1], influence)
    target = make_target(hidden, hidden.value[0])
    assert list(target.logarithm) == [True, True, False, True, True]
    assert target.value[2] < 0
    assert np.isfinite(match("power", target, N_NEUROIDS).chi2)


def sampled(relative_error, seed):
    """Moments of a power law with Gaussian errors of the logarithm's size, and influences that tell them."""
    moments = exact("power", (0.0, 1.0), relative_error)
    errors = np.random.default_rng(seed).multivariate_normal(np.zeros(5), moments.covariance)
    return Moments(moments.value + errors, moments.influence)


def test_the_chi_square_has_its_degrees_of_freedom():
    found = [match("power", make_target(m, m.value[0]), N_NEUROIDS) for m in (sampled(0.01, s) for s in range(200))]
    assert {each.dof for each in found} == {3}
    assert np.mean([each.chi2 for each in found]) == pytest.approx(3, abs=0.6)


def test_logarithms_are_not_biased():
    targets = [make_target(m, 1.0) for m in (sampled(0.05, s) for s in range(800))]
    law = np.log((np.exp(-LOG_RANK) ** np.arange(1, 6)[:, None]).mean(axis=1))
    mean = np.mean([t.value[:3] for t in targets], axis=0)
    error = np.std([t.value[:3] for t in targets], axis=0, ddof=1) / np.sqrt(800)
    assert (np.abs(mean - law[:3]) < 3.5 * error + 1e-4).all()
