"""cvpca on labelled data: truth with no noise, known bias with noise, common offsets, missing trials, bad input."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import neuroalpha as na
from neuroalpha.spectrum.crossval import cv_scatter, swaps


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
    ratio = float(missing.eigenvalue[:10].sum() / whole.eigenvalue[:10].sum())
    share = missing.attrs["n_missing_filled"] / (2 * 120 * 60)
    assert ratio == pytest.approx(1 - 2 * share, abs=0.05)  # entries that count as the mean shrink the rest


def test_many_missing_entries_are_told():
    responses, _ = recording(n_stimuli=60, n_neuroids=40, signal_fraction=0.5, noise="white", seed=0)
    with pytest.warns(UserWarning, match="% of the entries are missing"):
        na.cvpca(responses.where(np.random.default_rng(0).random(responses.shape) > 0.2), n_draws=0)


def test_draws_are_the_estimate_on_submatrices_with_the_same_swaps():
    x = np.random.default_rng(0).normal(size=(2, 40, 30)) + np.random.default_rng(1).normal(size=(40, 30)) * 2
    made = na.cvpca(na.read_array(x), n_shuffles=3, n_draws=5, fraction=0.5, seed=7)
    rng = np.random.default_rng(7)
    masks = swaps(40, 3, rng)
    for draw in made.eigenvalue_draw.values:
        stimuli = np.sort(rng.choice(40, 20, replace=False))
        neuroids = np.sort(rng.choice(30, 15, replace=False))
        part = x[:, stimuli][:, :, neuroids]
        part = part - part.mean(axis=(0, 1))
        expected = cv_scatter(part, masks[:, stimuli]) / 19 * 2  # half of the neuroids, scaled to all
        np.testing.assert_allclose(draw[:15], expected, rtol=1e-8, atol=1e-10)
        assert np.isnan(draw[15:]).all()


def test_band_is_the_sampling_error_of_the_eigenvalues():
    """New stimuli and neurons in each run: the band's half width is 1.96 times their spread, wider at higher ranks."""
    axes = np.random.default_rng(9).normal(size=(300, 2000)) * np.arange(1, 301)[:, None] ** -0.5
    values, claimed = [], []
    for run in range(30):
        rng = np.random.default_rng(run)
        x = rng.normal(size=(200, 300)) @ axes[:, rng.choice(2000, 250, replace=False)]
        one = na.eigenspectrum(na.make_assembly(x, stimulus_id=np.arange(200)), n_draws=16 if run < 6 else 0, seed=run)
        values.append(one.eigenvalue.values[:20])
        if run < 6:
            claimed.append(((one.eigenvalue_high - one.eigenvalue) / 1.96).values[:20])
    ratio = np.mean(claimed, axis=0) / np.std(values, axis=0, ddof=1)
    assert 0.7 < ratio[:5].mean() < 1.4
    assert 0.7 < ratio[5:].mean() < 2.2  # neighbours repel, so that single eigenvalues vary less than subsamples tell


def test_blank_presentations_are_no_stimulus():
    made, _ = na.simulate_recording(1.0, 40, 30, seed=0)
    assert na.cvpca(made["responses"], n_draws=0).attrs["n_stimuli"] == 40


def test_a_rank_deficient_population_has_no_false_tail():
    rng = np.random.default_rng(0)
    signal = rng.normal(size=(120, 20)) @ rng.normal(size=(20, 150))
    made = na.cvpca(na.read_array(np.stack([signal, signal])), n_draws=0)
    with pytest.raises(na.InputError, match="only 20 of its 120 eigenvalues are above rounding"):
        na.fit_alpha(made, (4, 50))


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
    with pytest.raises(na.InputError, match="no stimulus occurs twice: were the responses averaged"):
        na.cvpca(single)
    with pytest.raises(na.InputError, match="expected 2 repeats, got 3"):
        na.cvpca(na.repeats(na.read_array(np.random.default_rng(0).normal(size=(3, 5, 4))), 3))
    with pytest.raises(na.InputError, match="NaN in every presentation"):
        na.cvpca(na.read_array(np.where(np.arange(4) == 1, np.nan, np.random.default_rng(0).normal(size=(2, 9, 4)))))
    with pytest.raises(na.InputError, match="convention is 'matlab'"):
        na.cvpca(single, convention="matlab")
    with pytest.raises(na.InputError, match="n_shuffles is 0"):
        na.cvpca(single, n_shuffles=0)


@pytest.mark.parametrize("resample", ["stimulus", ("stimulus", "neuroid")])
@pytest.mark.parametrize("shape", [(2, 20, 45), (2, 45, 20)])
def test_a_lazy_assembly_gives_the_same(shape, resample):
    dask_array = pytest.importorskip("dask.array")
    x = np.random.default_rng(0).normal(size=shape) + 3
    responses = na.read_array(x)
    lazy = responses.copy(data=dask_array.from_array(responses.values, chunks=(11, 13)))
    options = {"n_shuffles": 3, "n_draws": 5, "resample": resample}
    for ours, other in ((lazy, responses), (na.repeats(lazy), na.repeats(responses))):
        found, expected = na.cvpca(ours, **options), na.cvpca(other, **options)
        np.testing.assert_allclose(found.eigenvalue, expected.eigenvalue, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(found.eigenvalue_draw, expected.eigenvalue_draw, rtol=1e-9, atol=1e-12)
        assert found.attrs == expected.attrs


def test_an_assembly_gives_what_its_repeats_give():
    responses, _ = recording(n_stimuli=60, n_neuroids=80, n_repeats=5, signal_fraction=0.5, noise="white", seed=0)
    gaps = responses.where(np.random.default_rng(0).random(responses.shape) > 0.001)
    for data in (responses, gaps):
        one, two = na.cvpca(data, n_draws=5), na.cvpca(na.repeats(data), n_draws=5)
        xr.testing.assert_identical(one, two)


def test_leading_components_and_float32():
    responses, _ = recording(n_stimuli=600, n_neuroids=700, signal_fraction=0.5, noise="white", seed=0)
    responses = responses.astype(np.float32)
    every = na.cvpca(responses, n_shuffles=3, n_draws=0)
    some = na.cvpca(responses, n_shuffles=3, n_draws=5, n_components=100)
    assert some.sizes["component"] == 100
    np.testing.assert_allclose(some.eigenvalue, every.eigenvalue[:100], rtol=1e-6)
    single = na.cvpca(responses, n_shuffles=3, n_draws=0, n_components=100, precision="float32")
    assert (every.attrs["precision"], single.attrs["precision"]) == ("float64", "float32")
    np.testing.assert_allclose(single.eigenvalue, some.eigenvalue, rtol=1e-3)
    assert not np.array_equal(single.eigenvalue, some.eigenvalue)
    double = na.cvpca(responses.astype(np.float64), n_shuffles=3, n_draws=0, precision="float32")
    assert double.attrs["precision"] == "float64"  # float64 values are never rounded
    np.testing.assert_allclose(every.eigenvalue[:300], double.eigenvalue[:300], rtol=1e-6)
    few = na.cvpca(responses.astype(np.float64), n_shuffles=3, n_draws=0, n_components=100)
    np.testing.assert_allclose(few.eigenvalue, double.eigenvalue[:100], rtol=1e-9)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"n_components": 0}, "n_components is 0"), ({"precision": "half"}, "precision is 'half'")],
)
def test_bad_options(options, message):
    with pytest.raises(na.InputError, match=message):
        na.cvpca(na.read_array(np.ones((2, 4, 3))), **options)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"seed": None}, "seed is None"),
        ({"n_draws": 32.0}, "n_draws is 32.0"),
        ({"n_shuffles": "ten"}, "n_shuffles is 'ten'"),
        ({"n_shuffles": 0}, "n_shuffles is 0"),
        ({"n_components": 2.5}, "n_components is 2.5"),
        ({"center": "no"}, "center is 'no'"),
        ({"convention": "python2019", "device": "cpu"}, "device is 'cpu' .* 'python2019'"),
        ({"convention": "python2019", "precision": "float32"}, "precision 'float32'.* 'python2019'"),
    ],
)
def test_bad_options_are_refused_first(bad, message):
    with pytest.raises(na.InputError, match=message):
        na.cvpca(na.read_array(np.random.default_rng(0).normal(size=(2, 20, 10))), **bad)


def test_says_how_many_components_and_where():
    x = na.read_array(np.random.default_rng(0).normal(size=(2, 30, 20)))
    made = na.cvpca(x, n_draws=0, n_shuffles=2)
    assert (made.attrs["n_components"], made.attrs["device"]) == (0, "numpy")
    assert na.cvpca(x, n_draws=0, n_components=7).attrs["n_components"] == 7
    assert na.cvpca(x, n_draws=0, n_shuffles=2, device="cpu").attrs["device"] == "cpu"
    assert na.cvpca(x, n_draws=0, convention="python2019").attrs["n_components"] == 1024


def test_small_eigenproblems_run_on_one_thread(monkeypatch):
    from threadpoolctl import threadpool_info

    from neuroalpha.spectrum import crossval

    seen, once = [], crossval.from_gram
    monkeypatch.setattr(
        crossval, "from_gram", lambda *a: seen.append([p["num_threads"] for p in threadpool_info()]) or once(*a)
    )
    na.cvpca(na.read_array(np.random.default_rng(0).normal(size=(2, 20, 30))), n_draws=5, n_shuffles=2)
    assert len(seen) == 12
    assert all(number == 1 for numbers in seen for number in numbers[:1])


def test_repeats_without_names_of_neuroids():
    halves = na.repeats(na.read_array(np.random.default_rng(0).normal(size=(2, 20, 10)))).drop_vars("neuroid_id")
    with pytest.raises(na.InputError, match="lack the coordinate 'neuroid_id'"):
        na.cvpca(halves)
