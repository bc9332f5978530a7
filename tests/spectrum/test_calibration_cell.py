"""Simulated recordings: their covariances, and the random numbers that cells share."""

from __future__ import annotations

import numpy as np
import pytest

import neuroalpha as na
from neuroalpha.simulate.noise import random_rotation
from neuroalpha.spectrum.calibration_cell import Plan, read_alpha, simulate


def plan(n_stimuli=4000, n_neuroids=12, shown=2, share=0.25, estimator="cvpca", ranks=(2, 8), power=None, **options):
    power = 1.0 / np.arange(1, n_neuroids + 1) if power is None else power
    return Plan(
        np.full(n_stimuli, shown), n_neuroids, share, power / power.sum(), estimator, ranks, {"n_draws": 0, **options}
    )


def moments(x):
    d = (x[0] - x[1]) / np.sqrt(2)
    return (x[0].T @ x[1] + x[1].T @ x[0]) / (2 * x.shape[1]), d.T @ d / x.shape[1]


@pytest.mark.parametrize("noise", ["white", 1.0, 0.5, 0.0])
def test_signal_and_noise_have_the_asked_covariance(noise):
    made = plan(n_stimuli=20000)
    signal, error = moments(simulate(made, noise, 1.5, 0))
    power = np.arange(1, 13) ** -1.5
    power *= 12 / power.sum()
    np.testing.assert_allclose(signal, np.diag(power), atol=0.25)
    assert np.trace(error) == pytest.approx(3 * 12, rel=0.03)
    if noise == "white":
        np.testing.assert_allclose(error, 3 * np.eye(12), atol=0.12)
    if noise == 1.0:
        np.testing.assert_allclose(error, np.diag(36 * made.noise_power), atol=0.3)
    if noise == 0.0:
        np.testing.assert_allclose(np.linalg.eigvalsh(error)[::-1], 36 * made.noise_power, rtol=0.05)
        assert np.abs(error - np.diag(np.diag(error))).max() > 1  # axes of its own


def test_kinds_of_noise_share_their_stimuli_and_alphas_do_not():
    made = plan(n_stimuli=50)
    flat = simulate(made, "none", 0.5, 3)
    white, aligned = simulate(made, "white", 0.5, 3) - flat, simulate(made, 1.0, 0.5, 3) - flat
    ratio = aligned / white  # one set of standard normal trials, scaled axis by axis
    np.testing.assert_allclose(ratio, np.broadcast_to(ratio[0, 0], ratio.shape), rtol=1e-2)
    np.testing.assert_array_equal(flat, simulate(made, "none", 0.5, 3))
    steep = simulate(made, "none", 1.5, 3)
    assert abs(np.corrcoef(flat[0].ravel(), steep[0].ravel())[0, 1]) < 0.2
    assert not np.allclose(flat, simulate(made, "none", 0.5, 4))


def test_no_estimate_notices_the_basis():
    made = plan(n_stimuli=60, n_neuroids=40, ranks=(2, 15), share=0.6)
    x = simulate(made, 1.0, 1.0, 0)
    rotated = random_rotation(40, np.random.default_rng(5))(x)
    alphas = [
        na.fit_alpha(na.cvpca(na.read_array(each, ("repeat", "stimulus", "neuroid")), n_draws=0), (2, 15)).alpha
        for each in (x, rotated)
    ]
    assert alphas[0] == pytest.approx(alphas[1], abs=1e-6)
    assert read_alpha(made, 1.0, 1.0, 0)[0] == pytest.approx(alphas[0], abs=1e-9)


def test_stimuli_are_shown_as_often_as_in_the_recording(monkeypatch):
    seen = {}

    def spy(assembly, **_):
        seen["shown"] = np.unique(assembly.stimulus_id.values, return_counts=True)[1]
        return na.eigenspectrum(assembly, n_draws=0)

    monkeypatch.setattr("neuroalpha.spectrum.calibration_cell.get_estimator", lambda name: spy)
    shown = np.array([2, 3, 1, 4] * 10)
    read_alpha(Plan(shown, 30, 0.5, np.full(30, 1 / 30), "pca", (2, 10)), "white", 1.0, 0)
    np.testing.assert_array_equal(seen["shown"], shown)


def test_draws_give_an_interval():
    alpha, low, high = read_alpha(plan(80, 60, ranks=(2, 15), share=0.7, n_draws=6, n_shuffles=1), "white", 1.0, 0)
    assert low < alpha < high


@pytest.mark.filterwarnings("error")
def test_nothing_above_noise_is_nan_and_strict_says_why():
    made = plan(40, 30, ranks=(10, 25), share=1e-6)
    assert np.isnan(read_alpha(made, "white", 1.5, 0)).all()
    with pytest.raises(na.InputError, match="not above noise"):
        read_alpha(made, "white", 1.5, 0, strict=True)
