"""Halves of stimuli: the same in any coordinates, and the sampling bias is the one that populations show."""

from __future__ import annotations

import numpy as np
import pytest

from neuroalpha.spectrum import halves
from neuroalpha.spectrum.models import Law, points
from neuroalpha.spectrum.powerlaw import geometric_bins


def last_of(iterable):
    *_, last = iterable
    return last


def centred(x):
    return x - x.mean(axis=(0, 1))


def test_pca_of_halves_against_svd():
    x = centred(np.random.default_rng(0).normal(size=(1, 41, 30)))
    of = halves.setting(x, halves.pca)
    one, two = halves.split_spectra(of, np.random.default_rng(5))
    order = np.random.default_rng(5).permutation(41)
    for found, rows in ((one, order[:20]), (two, order[20:40])):
        part = x[0, rows] - x[0, rows].mean(axis=0)
        np.testing.assert_allclose(found, np.linalg.svd(part, compute_uv=False)[:19] ** 2 / 19, rtol=1e-9)


@pytest.mark.parametrize(("estimate", "k"), [(halves.pca, 1), (halves.crossvalidated, 2)])
def test_fewer_coordinates_change_nothing(estimate, k):
    rng = np.random.default_rng(0)
    x = centred(rng.normal(size=(k, 40, 300)) * np.arange(1, 301) ** -0.5)
    of = halves.setting(x, estimate)
    assert of.x.shape == (k, 40, 40 * k)
    rows = np.arange(5, 30)
    direct, reduced = (estimate(values[:, rows], np.random.default_rng(1)) for values in (x, of.x))
    np.testing.assert_allclose(reduced[:20], direct[:20], rtol=1e-6)


@pytest.mark.parametrize("n_neuroids", [30, 90])
def test_axes_are_orthonormal_and_span_the_mean(n_neuroids):
    x = centred(np.random.default_rng(0).normal(size=(2, 40, n_neuroids)))
    of = halves.setting(x, halves.crossvalidated)
    np.testing.assert_allclose(of.axes @ of.axes.T, np.eye(of.axes.shape[0]), atol=1e-6)
    mean = of.x.mean(axis=0)
    np.testing.assert_allclose(mean @ of.axes.T @ of.axes, mean, atol=1e-5)
    assert of.axes.shape[0] == min(39, n_neuroids)


def test_population():
    at = points(geometric_bins(5, 50, 10))
    law = Law("broken", 0.0, (0.5, 1.2, 20.0))
    head = np.array([9.0, 7.0, 3.0, 2.0])
    values = halves.population(law, at, head, 6.0, 400)
    np.testing.assert_allclose(values[:4], head)
    np.testing.assert_allclose(values[4:50], np.exp(law.log(np.arange(5, 51))))
    assert values[50:].sum() == pytest.approx(6.0)
    steps = np.diff(np.log(values[49:])) / np.diff(np.log(np.arange(50, 401)))
    np.testing.assert_allclose(steps, steps[0])
    assert (np.diff(values) <= 0).all()
    # Next to nothing gives a steep tail; more than a flat tail could hold, a flat tail.
    assert halves.population(law, at, head, 1e-3, 400)[60:].sum() < 1e-3
    np.testing.assert_allclose(halves.population(law, at, head, 1e9, 400)[50:], values[49])


@pytest.mark.parametrize("alpha", [0.7, 1.2])
def test_pca_bias_is_the_bias_of_a_population(alpha):
    """Against the known truth, averaged over recordings: what one recording's simulation says is what happens."""
    n_stimuli, n_neuroids = 240, 200
    eigenvalue = np.arange(1, n_neuroids + 1) ** -alpha
    at = points(geometric_bins(4, 40, 10))
    truth = at.mean(np.log(eigenvalue))
    told, happened = [], []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        x = centred(rng.normal(size=(1, n_stimuli, n_neuroids)) * np.sqrt(eigenvalue))
        of = halves.setting(x, halves.pca)
        mean = np.mean([np.mean(halves.split_spectra(of, rng), axis=0) for _ in range(3)], axis=0)
        happened.append(np.log(at.mean(mean)) - truth)
        told.append(last_of(halves.sampling_bias("power", of, at, mean, 4, seed)).bias)
    happened, told = np.mean(happened, axis=0), np.mean(told, axis=0)
    assert np.ptp(happened) > 0.08  # a bend that any law with a bend would fit
    np.testing.assert_allclose(told, happened, atol=0.04)


def test_simulated_recordings_carry_the_recorded_noise():
    """Covariance between repeats is the signal's; the difference of repeats has the recorded noise covariance."""
    rng = np.random.default_rng(0)
    noise_sd = np.r_[3.0, 1.0, np.full(8, 0.3)]
    x = centred(rng.normal(size=(1, 4000, 10)) + rng.normal(size=(2, 4000, 10)) * noise_sd)
    of = halves.setting(x, halves.crossvalidated)
    eigenvalue = np.linspace(2, 0.2, 10)
    drawn = np.concatenate([halves.simulate(of, eigenvalue, 2000, np.random.default_rng(k)) for k in range(8)], axis=1)
    between = drawn[0].T @ drawn[1] / drawn.shape[1]
    np.testing.assert_allclose(of.axes @ between @ of.axes.T, np.diag(eigenvalue), atol=0.25)
    np.testing.assert_allclose((drawn[0] - drawn[1]).var(axis=0) / 2, noise_sd**2, rtol=0.15)


@pytest.mark.parametrize("n_neuroids", [30, 90, 200])
def test_signs_of_axes_do_not_depend_on_layout_or_order_of_neuroids(n_neuroids):
    rng = np.random.default_rng(0)
    x = centred(rng.normal(size=(2, 40, n_neuroids)))
    projected = []
    for values in (x, np.asfortranarray(x), x[:, :, rng.permutation(n_neuroids)], np.ascontiguousarray(x[..., ::-1])):
        of = halves.setting(values, halves.crossvalidated)
        projected.append(of.x.mean(axis=0) @ of.axes.T)
    farthest = np.abs(projected[0]).argmax(axis=0)
    assert (projected[0][farthest, np.arange(farthest.size)] > 0).all()
    for other in projected[1:]:
        np.testing.assert_allclose(other, projected[0], atol=1e-4)
