"""MEME: alpha without cvPCA's bias, its interval, its chi-square, and what it refuses."""

from __future__ import annotations

import dask.array
import numpy as np
import pytest

import neuroalpha as na


def recording(alpha=1.0, n_stimuli=300, n_neuroids=400, noise="independent", share=0.3, seed=0, n_repeats=2):
    made, _ = na.simulate_recording(alpha, n_stimuli, n_neuroids, n_repeats, share, noise, spontaneous=False, seed=seed)
    return made.responses


@pytest.mark.parametrize("noise", ["independent", "aligned", "white"])
def test_no_bias_where_cvpca_has_one(noise):
    found = [na.meme(recording(noise=noise, seed=s), n_draws=0).attrs["alpha"] for s in range(8)]
    assert abs(np.mean(found) - 1) < 0.025
    cv = [
        na.fit_alpha(na.cvpca(recording(noise=noise, seed=s), n_shuffles=1, n_draws=0), (11, 60)).alpha
        for s in range(3)
    ]
    assert np.mean(cv) < 0.95


def test_the_interval_covers_the_truth():
    fits = [na.fit_alpha(na.meme(recording(seed=s, n_stimuli=200), n_splits=2), (11, 40)) for s in range(60)]
    covered = np.mean([fit.low < 1 < fit.high for fit in fits])
    assert covered >= 0.85
    assert np.mean([fit.high - fit.low for fit in fits]) < 5 * np.std([fit.alpha for fit in fits])


def test_what_comes_out():
    spectrum = na.meme(recording())
    assert spectrum.sizes == {"component": 400, "draw": 32, "order": 5}
    attrs = spectrum.attrs
    assert (attrs["estimator"], attrs["model"], attrs["n_stimuli"], attrs["n_presentations"]) == (
        "meme",
        "power",
        300,
        600,
    )
    assert 0 <= attrs["p_value"] <= 1
    fit = na.fit_alpha(spectrum, (11, 60))
    assert fit.alpha == pytest.approx(attrs["alpha"], rel=1e-9)
    assert fit.low < fit.alpha < fit.high
    assert np.isnan(fit.window_range).all()  # one line by construction: other windows say nothing
    assert fit.p_value == attrs["p_value"]
    share = float(spectrum.moment[0] / spectrum.eigenvalue.mean())
    assert share == pytest.approx(1, abs=0.1)


def test_a_broken_law_is_found_and_a_power_law_is_refused():
    rng = np.random.default_rng(1)
    rank = np.arange(1, 401)
    power = np.where(rank <= 20, rank**-0.3, 20**1.3 * rank**-1.6)
    signal = rng.normal(size=(800, 400)) * np.sqrt(power)
    trials = na.read_array(np.stack([signal + 0.1 * rng.normal(size=signal.shape) for _ in range(2)]))
    broken = na.meme(trials, "broken")
    assert broken.attrs["alpha_head"] == pytest.approx(0.3, abs=0.15)
    assert broken.attrs["alpha_tail"] == pytest.approx(1.6, abs=0.2)
    assert broken.attrs["p_value"] > 1e-3
    with pytest.warns(UserWarning, match="contradict a power law"):
        assert na.meme(trials, n_draws=0).attrs["p_value"] < 1e-3


def test_more_repeats_are_used():
    two, six = (
        [na.meme(recording(share=0.1, seed=s, n_repeats=r), n_draws=0).attrs["alpha"] for s in range(12)]
        for r in (2, 6)
    )
    assert np.std(six) < 0.7 * np.std(two)


def test_rotation_order_and_seed():
    assembly = recording(n_stimuli=100, n_neuroids=120)
    alpha = na.meme(assembly, n_draws=0).attrs["alpha"]
    rotation = np.linalg.qr(np.random.default_rng(0).normal(size=(120, 120)))[0]
    rotated = assembly.copy(data=assembly.values.astype(float) @ rotation)
    assert na.meme(rotated, n_draws=0).attrs["alpha"] == pytest.approx(alpha, abs=1e-5)
    assert na.meme(assembly, n_draws=0).attrs["alpha"] == alpha
    shuffled = assembly[np.random.default_rng(1).permutation(assembly.sizes["presentation"])]
    assert na.meme(shuffled, n_draws=0).attrs["alpha"] == pytest.approx(alpha, abs=1e-6)
    assert na.meme(assembly, n_draws=0, seed=1).attrs["alpha"] != alpha


def test_dask_repeats_and_torch_give_the_same():
    assembly = recording(n_stimuli=100, n_neuroids=120)
    alpha = na.meme(assembly, n_draws=0).attrs["alpha"]
    lazy = assembly.copy(data=dask.array.from_array(assembly.values, chunks=(-1, 50)))
    assert na.meme(lazy, n_draws=0).attrs["alpha"] == pytest.approx(alpha, rel=1e-9)
    assert na.meme(assembly, n_draws=0, device="cpu").attrs["alpha"] == pytest.approx(alpha, rel=1e-8)
    halves = na.repeats(assembly[~assembly.blank.values])
    assert na.meme(halves, n_draws=0, n_splits=16).attrs["alpha"] == pytest.approx(
        na.meme(assembly, n_draws=0, n_splits=16).attrs["alpha"], abs=0.02
    )


def test_the_device_agrees_with_the_cpu():
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    assembly = recording()
    reference, twin = na.meme(assembly, n_draws=0), na.meme(assembly, n_draws=0, device="cuda")
    np.testing.assert_allclose(twin.moment, reference.moment, rtol=1e-5)
    assert twin.attrs["alpha"] == pytest.approx(reference.attrs["alpha"], rel=1e-5)


def test_real_recordings(shared_data):
    raw = np.load(shared_data / "v4_utah" / "responses_201016.npy")[:, :300]
    v4 = na.read_array(raw, dims=("neuroid", "stimulus", "repeat"))
    spectrum = na.meme(v4, "broken")
    assert 0 < spectrum.attrs["alpha_head"] < 2
    assert spectrum.attrs["n_presentations"] == np.isfinite(raw).any(axis=0).sum()


def test_units_drift_and_padding_do_not_matter():
    assembly = recording(n_stimuli=120, n_neuroids=150)
    assembly = assembly[~assembly.blank.values].astype(float)
    alpha = na.meme(assembly, n_draws=0).attrs["alpha"]
    for scale in (1e-20, 1e20):
        assert na.meme(assembly * scale, n_draws=0).attrs["alpha"] == pytest.approx(alpha, abs=1e-6)
    drift = 3 * np.random.default_rng(0).normal(size=150) * assembly.repetition.values[:, None]
    assert na.meme(assembly + drift, n_draws=0).attrs["alpha"] == pytest.approx(alpha, abs=1e-5)
    halves = na.repeats(assembly)
    padded = np.concatenate([halves.values, np.full((2, *halves.shape[1:]), np.nan)])
    padded[2, :10] = padded[0, :10] + 1
    spectrum = na.meme(na.read_array(padded).copy(), n_draws=0)
    assert spectrum.attrs["n_presentations"] == 250


def test_a_break_that_is_not_determined_is_told():
    with pytest.warns(UserWarning, match="edge of what is searched"):
        na.meme(recording(n_stimuli=500, n_neuroids=1000, seed=3), "broken", n_draws=0)


def test_heavy_tails_are_told():
    rng = np.random.default_rng(0)
    signal = np.exp(1.5 * rng.normal(size=(200, 100))) * np.arange(1, 101) ** -0.5
    trials = na.read_array(np.stack([signal + 0.1 * rng.normal(size=signal.shape) for _ in range(2)]))
    with pytest.warns(UserWarning, match="few stimuli carry"):
        na.meme(trials, n_draws=0)


def test_bad_input():
    assembly = recording(n_stimuli=60, n_neuroids=50)
    with pytest.raises(na.InputError, match="model is 'bend'"):
        na.meme(assembly, "bend")
    with pytest.raises(na.InputError, match="n_draws is 3"):
        na.meme(assembly, n_draws=3)
    with pytest.raises(na.InputError, match="n_splits is 0"):
        na.meme(assembly, n_splits=0)
    with pytest.raises(na.InputError, match="seed is None"):
        na.meme(assembly, seed=None)
    with pytest.raises(na.InputError, match="device"):
        na.meme(assembly, device="abacus")
    with pytest.raises(na.InputError, match="at least 20 repeated stimuli"):
        na.meme(recording(n_stimuli=10, n_neuroids=50))
    with pytest.raises(na.InputError, match="no stimulus occurs twice"):
        na.meme(na.make_assembly(np.random.default_rng(0).normal(size=(50, 20)), stimulus_id=np.arange(50)))
    noise = np.random.default_rng(0).normal(size=(2, 60, 50))
    with pytest.raises(na.InputError, match="no signal"):
        na.meme(na.read_array(noise))
    copies = na.read_array(np.tile(np.random.default_rng(0).normal(size=(1, 60, 50)), (2, 1, 1)))
    with pytest.warns(UserWarning, match="copies of each other"):
        na.meme(copies, n_draws=0)
