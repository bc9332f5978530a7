"""eigenspectrum: against scikit-learn, invariances, bias table, bad input."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ortho_group
from sklearn.decomposition import PCA

import neuroalpha as na
from neuroalpha.assembly import numbered


def assembly(x, **kwargs):
    return na.make_assembly(x, stimulus_id=numbered("", len(x)), **kwargs)


@pytest.mark.parametrize("shape", [(60, 40), (40, 60)])
def test_against_scikit_learn(shape):
    x = np.random.default_rng(0).normal(size=shape)
    spectrum = na.eigenspectrum(assembly(x), n_draws=0)
    size = min(shape[0] - 1, shape[1])
    expected = PCA(n_components=size, svd_solver="full").fit(x).explained_variance_
    np.testing.assert_allclose(spectrum.eigenvalue, expected, rtol=1e-9)
    np.testing.assert_array_equal(spectrum["rank"], np.arange(1, size + 1))


def test_invariances():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(50, 30)) * np.arange(1, 31) ** -0.5
    plain = na.eigenspectrum(assembly(x), n_draws=0).eigenvalue
    rotated = x @ ortho_group.rvs(30, random_state=0)
    shuffled = x[rng.permutation(50)][:, rng.permutation(30)]
    shifted = x + rng.normal(size=30) * 10
    for same in (rotated, shuffled, shifted):
        np.testing.assert_allclose(na.eigenspectrum(assembly(same), n_draws=0).eigenvalue, plain, rtol=1e-8)
    np.testing.assert_allclose(na.eigenspectrum(assembly(3 * x), n_draws=0).eigenvalue, 9 * plain, rtol=1e-9)


def test_float32_input_accumulates_in_float64():
    x = np.random.default_rng(0).normal(size=(80, 60)).astype(np.float32) + 100
    expected = na.eigenspectrum(assembly(x.astype(np.float64)), n_draws=0).eigenvalue
    np.testing.assert_allclose(na.eigenspectrum(assembly(x), n_draws=0).eigenvalue, expected, rtol=1e-12)


def test_says_how_it_was_made_and_is_reproducible():
    x = assembly(np.random.default_rng(0).normal(size=(60, 40)), attrs={"identifier": "toy", "source": "test"})
    one, two = na.eigenspectrum(x, seed=5), na.eigenspectrum(x, seed=5)
    assert one.identical(two)
    assert not np.allclose(one.eigenvalue_draw, na.eigenspectrum(x, seed=6).eigenvalue_draw, equal_nan=True)
    wanted = {"estimator": "pca", "n_stimuli": 60, "n_neuroids": 40, "center": "neuroid mean", "seed": 5, "n_draws": 32}
    assert {name: one.attrs[name] for name in wanted} == wanted
    assert one.attrs["identifier"] == "toy"
    known = np.isfinite(one.eigenvalue_low)
    assert (one.eigenvalue_low <= one.eigenvalue)[known].all()
    assert known.sum() >= 30


def test_draws_are_spectra_of_submatrices():
    x = np.random.default_rng(0).normal(size=(40, 30))
    spectrum = na.eigenspectrum(assembly(x), n_draws=6, resample="stimulus", fraction=0.5, seed=2)
    rng = np.random.default_rng(2)
    for draw in spectrum.eigenvalue_draw.values:
        rows = np.sort(rng.choice(40, 20, replace=False))
        expected = PCA(svd_solver="full").fit(x[rows]).explained_variance_[:19]
        np.testing.assert_allclose(draw[:19], expected, rtol=1e-8)
        assert np.isnan(draw[19:]).all()


def test_repeats_of_a_stimulus_are_resampled_together():
    x = np.repeat(np.random.default_rng(0).normal(size=(20, 8)), 3, axis=0)
    together = na.make_assembly(x, stimulus_id=np.repeat(np.arange(20), 3))
    spectrum = na.eigenspectrum(together, n_draws=8, resample="stimulus", fraction=0.5)
    whole = na.eigenspectrum(
        together.isel(presentation=slice(None, None, 3)), n_draws=8, resample="stimulus", fraction=0.5
    )
    scale = (10 - 1) * 3 / (30 - 1)  # three copies of ten rows: same scatter directions, other divisor
    np.testing.assert_allclose(spectrum.eigenvalue_draw[:, :8], whole.eigenvalue_draw[:, :8] * scale, rtol=1e-8)


@pytest.mark.parametrize(
    ("dimensions", "stimuli", "alpha", "expected"),
    [
        (2048, 1000, 0.5, (0.350, 0.340, 0.432)),
        (2048, 1000, 1.0, (0.940, 0.921, 0.938)),
        (2048, 1000, 1.5, (1.485, 1.484, 1.491)),
        (512, 1000, 1.0, (0.968, 0.964, 1.155)),
    ],
)
@pytest.mark.filterwarnings("ignore:.*reach past half:UserWarning")
def test_sample_bias_is_the_known_one(dimensions, stimuli, alpha, expected):
    """Gaussian data of covariance diag(i^-alpha): what PCA of a finite sample must read, within .01."""
    found = []
    for seed in range(8):
        x = np.random.default_rng(seed).normal(size=(stimuli, dimensions)) * np.arange(1, dimensions + 1) ** (
            -alpha / 2
        )
        spectrum = na.eigenspectrum(assembly(x), n_draws=0)
        found.append([na.fit_alpha(spectrum, ranks).alpha for ranks in ((4, 100), (11, 100), (11, 500))])
    np.testing.assert_allclose(np.mean(found, axis=0), expected, atol=0.01)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda x: np.where(np.arange(5) == 2, np.nan, x),
            "1 of 5 neuroids are NaN in every presentation: neuroid_id '2'",
        ),
        (lambda x: np.where(np.arange(5) == 2, np.inf, x), "1 of 5 neuroids hold infinite values"),
        (lambda x: np.where(np.eye(8, 5) > 0, [np.inf, -np.inf, 1, 1, 1], x), "2 of 5 neuroids hold infinite values"),
        (lambda x: x[:1], "at least 2 presentations"),
    ],
)
def test_bad_values(spoil, message):
    with pytest.raises(na.InputError, match=message):
        na.eigenspectrum(assembly(spoil(np.random.default_rng(0).normal(size=(8, 5)))))


@pytest.mark.parametrize(
    "bad", [{"resample": "mouse"}, {"n_draws": -1}, {"n_draws": 3}, {"fraction": 1.0}, {"resample": ()}]
)
def test_bad_resampling(bad):
    with pytest.raises(na.InputError):
        na.eigenspectrum(assembly(np.random.default_rng(0).normal(size=(8, 5))), **bad)


@pytest.mark.parametrize("shape", [(60, 40), (40, 60)])
@pytest.mark.parametrize("center", [True, False])
def test_a_lazy_assembly_gives_the_same(monkeypatch, shape, center):
    dask_array = pytest.importorskip("dask.array")
    x = assembly(np.random.default_rng(0).normal(size=shape) + 20)
    lazy = x.copy(data=dask_array.from_array(x.values, chunks=(13, 11)))
    expected = na.eigenspectrum(x, n_draws=6, center=center)
    for limit in (2**28, 1):  # all subsamples in one pass, or one each
        monkeypatch.setattr("neuroalpha.spectrum.gram.DRAW_BYTES", limit)
        found = na.eigenspectrum(lazy, n_draws=6, center=center)
        np.testing.assert_allclose(found.eigenvalue, expected.eigenvalue, rtol=1e-9)
        np.testing.assert_allclose(found.eigenvalue_draw, expected.eigenvalue_draw, rtol=1e-9)
        assert found.attrs == expected.attrs


def test_blank_and_empty_presentations_are_left_out():
    x = np.random.default_rng(0).normal(size=(40, 12))
    expected = na.eigenspectrum(assembly(x[:30]), n_draws=6)
    spoiled = x.copy()
    spoiled[30:35] = np.nan
    both = assembly(spoiled).assign_coords(blank=("presentation", np.arange(40) >= 35))
    for given in (both, both.chunk({"presentation": 7})):
        with pytest.warns(UserWarning, match="5 of 35 presentations are NaN in every neuroid and are left out"):
            found = na.eigenspectrum(given, n_draws=6)
        np.testing.assert_allclose(found.eigenvalue, expected.eigenvalue, rtol=1e-10)
        np.testing.assert_allclose(found.eigenvalue_draw, expected.eigenvalue_draw, rtol=1e-10)
        assert (found.attrs["n_presentations"], found.attrs["n_missing_filled"]) == (30, 0)
    one_left = assembly(np.where(np.arange(40)[:, None] > 0, np.nan, x))
    with pytest.raises(na.InputError, match=r"at least 2 presentations|constant"):
        na.eigenspectrum(one_left)


@pytest.mark.parametrize("bad", [{"seed": None}, {"seed": 1.5}, {"n_draws": 32.0}, {"center": "no"}])
def test_bad_options_are_refused_first(bad):
    with pytest.raises(na.InputError, match=f"{next(iter(bad))} is "):
        na.eigenspectrum(assembly(np.random.default_rng(0).normal(size=(8, 5))), **bad)


def test_says_where_it_was_computed():
    x = assembly(np.random.default_rng(0).normal(size=(20, 10)))
    assert na.eigenspectrum(x, n_draws=0).attrs["device"] == "numpy"
    assert na.eigenspectrum(x, n_draws=0, device="cpu").attrs["device"] == "cpu"
