"""V1-like neurons: tuned like Gabor cells, true to their noise-free responses, in the readers' layout."""

from __future__ import annotations

import numpy as np
import pytest

import neuroalpha as na
from neuroalpha.demo import photo_patches
from neuroalpha.simulate.v1 import gabor_responses


def gratings(phases=16, size=32, cycles=4):
    x = np.mgrid[:size, :size][1] / size
    return np.array([np.cos(2 * np.pi * cycles * x + p) for p in np.linspace(0, 2 * np.pi, phases, endpoint=False)])


def test_complex_cells_ignore_phase_and_simple_cells_do_not():
    pictures = gratings()
    complex_cells = gabor_responses(pictures, 200, 1.0, np.random.default_rng(0))
    simple_cells = gabor_responses(pictures, 200, 0.0, np.random.default_rng(0))
    driven = complex_cells.mean(0) > np.median(complex_cells.mean(0))

    def modulation(r):
        return (r.max(0) - r.min(0)) / (r.max(0) + r.min(0) + 1e-12)

    assert np.median(modulation(complex_cells)[driven]) < 0.3
    assert np.median(modulation(simple_cells)[driven]) > 0.9
    assert (simple_cells >= 0).all()


def test_brightness_alone_drives_no_cell():
    flat = np.ones((2, 24, 24)) * np.array([0.0, 5.0])[:, None, None]
    with pytest.raises(na.InputError, match="never answer"):
        na.simulate_v1(np.stack([flat[1], flat[1]]), 10)
    responses = gabor_responses(np.concatenate([flat, gratings(2, 24)]), 50, 1.0, np.random.default_rng(0))
    assert responses[1].max() < 1e-9 * responses[2:].max()


@pytest.mark.parametrize("noise", ["aligned", "white"])
def test_truth_is_what_noise_free_trials_show(noise):
    patches, _ = photo_patches(120, size=24)
    clean, truth = na.simulate_v1(patches, 80, signal_fraction=1.0, noise=noise, spontaneous=False, seed=3)
    shown = na.cvpca(na.preprocess(clean, zscore=None), n_draws=0)
    np.testing.assert_allclose(shown.eigenvalue[:60], truth.eigenvalue[:60], rtol=1e-4)
    assert truth.attrs["estimator"] == "truth"


def test_same_cells_answer_whatever_the_noise():
    patches, _ = photo_patches(60, size=24)
    _, one = na.simulate_v1(patches, 30, noise="white", seed=1)
    _, two = na.simulate_v1(patches, 30, noise="gain", seed=1)
    np.testing.assert_array_equal(one.eigenvalue, two.eigenvalue)


def test_bad_input():
    with pytest.raises(na.InputError, match="expected at least 2 of"):
        na.simulate_v1(np.ones((1, 8, 8)))
    with pytest.raises(na.InputError, match="complex_fraction is 2"):
        na.simulate_v1(np.ones((4, 8, 8)), complex_fraction=2)


def test_share_of_signal():
    patches, _ = photo_patches(200, size=24)
    for fraction in (0.2, 0.6):
        recording, _ = na.simulate_v1(patches, 150, signal_fraction=fraction, noise="white", spontaneous=False, seed=0)
        result = na.reliability(recording)
        assert result.attrs["mean_signal_variance"] == pytest.approx(fraction, abs=0.03)
        assert float(result.signal_variance.std()) < 0.12  # every cell has the same share, not the loud ones all of it
