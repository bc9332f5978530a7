"""Simulated recordings: the stated truth is the truth, the layout is the readers', the seed decides."""

from __future__ import annotations

import numpy as np
import pytest

import neuroalpha as na


def test_truth_is_the_population_spectrum():
    recording, truth = na.simulate_recording(0.8, 6000, 40, n_repeats=1, signal_fraction=1.0, spontaneous=False, seed=0)
    shown = recording.responses.isel(presentation=~recording.responses.blank.values)
    sample = na.eigenspectrum(shown, n_draws=0)
    np.testing.assert_allclose(sample.eigenvalue, truth.eigenvalue, rtol=0.08)
    np.testing.assert_allclose(truth.eigenvalue.values / truth.eigenvalue.values[0], np.arange(1, 41) ** -0.8)
    assert float(truth.eigenvalue.mean()) == pytest.approx(1)


@pytest.mark.parametrize("noise", ["aligned", "independent", "white", "gain"])
def test_layout(noise):
    recording, _ = na.simulate_recording(1.0, 30, 20, n_repeats=3, noise=noise, seed=0)
    responses = na.check_assembly(recording.responses)
    counts = np.unique(responses.stimulus_id.values[~responses.blank.values], return_counts=True)[1]
    assert counts.tolist() == [3] * 30
    assert responses.blank.values.sum() == 3
    assert (responses.istim.values[responses.blank.values] == 31).all()
    assert recording.spontaneous.sizes["neuroid"] == 20


def test_preprocessing_keeps_the_spectrum():
    """Spontaneous dimensions have nothing to do with the signal, and z-scoring scales all neurons nearly alike."""
    recording, _ = na.simulate_recording(1.0, 500, 800, signal_fraction=1.0, seed=0)
    spectrum = na.cvpca(na.preprocess(recording), n_draws=0)
    plain = na.cvpca(na.preprocess(recording, zscore=None, n_spontaneous=0), n_draws=0)
    ranks = (5, 100)
    assert na.fit_alpha(spectrum, ranks).alpha == pytest.approx(na.fit_alpha(plain, ranks).alpha, abs=0.03)


def test_seed_decides():
    one, two, other = (na.simulate_recording(1.0, 20, 30, seed=s)[0] for s in (1, 1, 2))
    assert one.identical(two)
    assert not np.array_equal(one.responses, other.responses)


def test_bad_sizes():
    with pytest.raises(na.InputError, match="cannot simulate 1 stimuli"):
        na.simulate_recording(1.0, 1, 30)
