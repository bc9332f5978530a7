"""cvpca on labelled data: truth with no noise, known bias with noise, common offsets, missing trials, bad input."""

from __future__ import annotations

import numpy as np
import pytest

import neuroalpha as na


def recording(alpha=1.0, n_stimuli=300, n_neuroids=500, **kwargs):
    made, truth = na.simulate_recording(alpha, n_stimuli, n_neuroids, spontaneous=False, **kwargs)
    return na.preprocess(made, zscore=None), truth


def test_identical_repeats_equal_eigenspectrum():
    x = np.random.default_rng(0).normal(size=(40, 30))
    both = na.read_array(np.stack([x, x]))
    cv = na.cvpca(both, n_draws=0)
    pca = na.eigenspectrum(na.repeats(both, 1)[0], n_draws=0)
    np.testing.assert_allclose(cv.eigenvalue, pca.eigenvalue, rtol=1e-8)


def test_single_trial_pca_reads_noise_and_cvpca_does_not():
    responses, truth = recording(alpha=1.5, signal_fraction=0.3, noise="white", seed=0)
    ranks = (4, 60)
    true = na.fit_alpha(truth, ranks).alpha
    cv = na.fit_alpha(na.cvpca(responses, n_draws=0), ranks).alpha
    first = responses.isel(presentation=(responses.repetition == 0).values)
    pca = na.fit_alpha(na.eigenspectrum(first, n_draws=0), ranks).alpha
    assert abs(cv - true) < 0.25
    assert abs(pca - true) > 2 * abs(cv - true)


@pytest.mark.parametrize(("noise", "expected"), [(None, 0.937), ("white", 0.901)])
def test_bias_is_the_known_one(noise, expected):
    """2800 stimuli, 4000 neurons, signal variance .15, true alpha 1, ranks 11 to 500: within .02 of the known bias."""
    responses, _ = recording(1.0, 2800, 4000, signal_fraction=0.15 if noise else 1.0, noise=noise or "white", seed=0)
    assert na.fit_alpha(na.cvpca(responses, n_shuffles=1, n_draws=0)).alpha == pytest.approx(expected, abs=0.02)


def test_a_common_offset_in_each_presentation_breaks_the_notebook_but_not_us():
    responses, _ = recording(n_stimuli=600, n_neuroids=800, signal_fraction=0.5, noise="white", seed=0)
    offset = np.random.default_rng(1).normal(size=(responses.sizes["presentation"], 1)) * responses.values.std()
    disturbed = responses + offset

    def alpha(data, convention):
        spectrum = na.cvpca(data, convention=convention, n_shuffles=5, n_draws=0)
        return na.fit_alpha(spectrum, ranks=(11, 300), negative="abs").alpha

    assert alpha(disturbed, "stringer2019") == pytest.approx(alpha(responses, "stringer2019"), abs=0.03)
    assert alpha(responses, "python2019") == pytest.approx(alpha(responses, "stringer2019"), abs=0.03)
    assert alpha(disturbed, "python2019") < alpha(responses, "python2019") - 0.3


def test_missing_trials_are_handled_neuron_by_neuron():
    responses, _ = recording(n_stimuli=120, n_neuroids=60, n_repeats=6, signal_fraction=0.5, noise="white", seed=0)
    whole = na.cvpca(responses, n_draws=0)
    gaps = responses.where(np.random.default_rng(0).random(responses.shape) > 0.1)
    missing = na.cvpca(gaps, n_draws=0)
    assert missing.attrs["n_stimuli"] == 120
    assert missing.attrs["n_missing_filled"] > 0  # some halves lost all three trials of a neuron
    np.testing.assert_allclose(missing.eigenvalue[:10], whole.eigenvalue[:10], rtol=0.15)


def test_negative_values_stay_negative_and_result_is_reproducible():
    responses, _ = recording(n_stimuli=100, n_neuroids=200, signal_fraction=0.05, noise="white", seed=0)
    one = na.cvpca(responses, seed=3)
    assert (one.eigenvalue < 0).any()
    assert one.identical(na.cvpca(responses, seed=3))
    assert not np.array_equal(one.eigenvalue, na.cvpca(responses, seed=4).eigenvalue)
    wanted = {"estimator": "cvpca", "convention": "stringer2019", "n_shuffles": 10, "n_stimuli": 100, "n_neuroids": 200}
    assert {name: one.attrs[name] for name in wanted} == wanted


def test_bad_input():
    single = na.make_assembly(np.ones((5, 4)), stimulus_id=np.arange(5))
    with pytest.raises(na.InputError, match="no stimulus has 2 usable presentations"):
        na.cvpca(single)
    with pytest.raises(na.InputError, match="expected 2 repeats, got 3"):
        na.cvpca(na.repeats(na.read_array(np.ones((3, 5, 4))), 3))
    with pytest.raises(na.InputError, match="NaN in every presentation"):
        na.cvpca(na.read_array(np.where(np.arange(4) == 1, np.nan, np.random.default_rng(0).normal(size=(2, 9, 4)))))
    with pytest.raises(na.InputError, match="convention is 'matlab'"):
        na.cvpca(single, convention="matlab")
    with pytest.raises(na.InputError, match="n_shuffles is 0"):
        na.cvpca(single, n_shuffles=0)
