"""dimensions: closed forms, numpy's own decompositions, known dimension, negative eigenvalues, bad input."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import entropy, ortho_group

import neuroalpha as na
from neuroalpha.assembly import numbered
from neuroalpha.spectrum.dimension import above_noise, of_eigenvalues

MEASURES = [
    "participation_ratio",
    "effective_rank",
    "effective_rank_singular",
    "stable_rank",
    "n_80",
    "n_90",
    "n_95",
]


def spectrum(eigenvalue):
    eigenvalue = np.asarray(eigenvalue, dtype=float)
    rank = np.arange(1, eigenvalue.size + 1)
    return xr.Dataset({"eigenvalue": ("component", eigenvalue)}, {"rank": ("component", rank)})


def assembly(x, **kwargs):
    return na.make_assembly(x, stimulus_id=numbered("", len(x)), **kwargs)


def halves(x):
    coords = {
        "stimulus_id": ("stimulus", numbered("", x.shape[1])),
        "neuroid_id": ("neuroid", numbered("", x.shape[2])),
    }
    return xr.DataArray(x, dims=("repeat", "stimulus", "neuroid"), coords=coords)


def test_equal_eigenvalues_count_themselves():
    found = na.dimensions(spectrum(np.full(20, 3.0)))
    for name in MEASURES[:4]:
        assert getattr(found, name) == pytest.approx(20)
    assert (found.n_80, found.n_90, found.n_95) == (16, 18, 19)
    assert np.isnan(found.participation_ratio_unbiased)
    assert found.corrected == ""


@pytest.mark.parametrize("size", [10, 20, 40, 60, 80, 100])
def test_a_share_reached_but_for_rounding_is_reached(size):
    found = na.dimensions(spectrum(np.full(size, 0.1)))
    assert (found.n_80, found.n_90) == (size * 4 // 5, size * 9 // 10)


def test_geometric_spectrum_has_closed_forms():
    """Shares (1 - q) q^k: PR (1 + q) / (1 - q), entropy (-q log q - (1 - q) log(1 - q)) / (1 - q), sum / largest."""
    q = 0.9
    found = na.dimensions(spectrum(q ** np.arange(600)))
    assert found.participation_ratio == pytest.approx((1 + q) / (1 - q))
    assert found.effective_rank == pytest.approx(np.exp((-q * np.log(q) - (1 - q) * np.log(1 - q)) / (1 - q)))
    r = q**0.5
    assert found.effective_rank_singular == pytest.approx(np.exp((-r * np.log(r) - (1 - r) * np.log(1 - r)) / (1 - r)))
    assert found.stable_rank == pytest.approx(1 / (1 - q))
    expected = [int(np.ceil(np.log(1 - share) / np.log(q))) for share in (0.8, 0.9, 0.95)]
    assert [found.n_80, found.n_90, found.n_95] == expected


@pytest.mark.parametrize("center", [True, False])
def test_an_assembly_against_numpy(center):
    """Uncentred, the singular-value form is RankMe and sum / largest is ||X||_F^2 / s_1^2."""
    x = np.random.default_rng(0).normal(size=(50, 20)) * np.arange(1, 21) ** -0.5 + 1
    found = na.dimensions(assembly(x), center=center)
    s = np.linalg.svd(x - x.mean(axis=0) if center else x, compute_uv=False)
    assert found.effective_rank_singular == pytest.approx(np.exp(entropy(s)))
    assert found.effective_rank == pytest.approx(np.exp(entropy(s**2)))
    assert found.stable_rank == pytest.approx((s**2).sum() / s[0] ** 2)
    assert found.participation_ratio == pytest.approx((s**2).sum() ** 2 / (s**4).sum())
    assert na.dimensions(assembly(x), center=center, correct=()).participation_ratio_unbiased == pytest.approx(
        found.participation_ratio
    )
    assert found.center == ("neuroid mean" if center else "none")
    assert (found.estimator, found.n_stimuli, found.n_neuroids, found.n_draws) == ("pca", 50, 20, 0)
    assert found.corrected == "stimulus+neuroid"


def test_the_layouts_of_responses_agree():
    rng = np.random.default_rng(0)
    signal = rng.normal(size=(30, 8)) @ rng.normal(size=(8, 40))
    x = signal + rng.normal(size=(2, 30, 40))
    trials = na.make_assembly(x.reshape(60, 40), stimulus_id=np.tile(numbered("", 30), 2))
    blank = na.make_assembly(
        np.vstack([x.reshape(60, 40), rng.normal(size=(3, 40)) + 50]),
        stimulus_id=np.r_[np.tile(numbered("", 30), 2), ["grey"] * 3],
        presentation={"blank": np.arange(63) >= 60},
    )
    one, two, three = (na.dimensions(each).to_frame() for each in (halves(x), trials, blank))
    for each in (two, three):
        np.testing.assert_allclose(each[MEASURES], one[MEASURES])
        assert each.participation_ratio_unbiased[0] == pytest.approx(one.participation_ratio_unbiased[0])
        assert each.estimator[0] == "cvpca"
        assert each.corrected[0] == "stimulus+neuroid+noise"
    averaged = na.repeats(trials, 1)[0]
    plain = na.dimensions(averaged)
    assert plain.participation_ratio == na.dimensions(na.eigenspectrum(averaged, n_draws=0)).participation_ratio
    assert na.dimensions(halves(x), correct=("stimulus", "neuroid")).participation_ratio_unbiased == pytest.approx(
        plain.participation_ratio_unbiased
    )


def test_known_dimension_through_noise_at_every_size():
    """X W / d has participation ratio d; the naive ratio misses it by far, the unbiased one does not."""
    rng, d = np.random.default_rng(3), 30
    for n_stimuli, n_neuroids in ((40, 160), (160, 40), (100, 100)):
        naive, unbiased = [], []
        for _ in range(12):
            signal = rng.normal(size=(n_stimuli, d)) @ rng.normal(size=(d, n_neuroids)) / d**0.5
            x = signal + 0.2**0.5 * rng.normal(size=(2, n_stimuli, n_neuroids))
            found = na.dimensions(halves(x))
            naive.append(found.participation_ratio)
            unbiased.append(found.participation_ratio_unbiased)
        error = np.std(unbiased, ddof=1) / 12**0.5
        assert abs(np.mean(unbiased) - d) < 3.5 * error
        assert error < 1.5
        assert np.mean(naive) < d - 10


def test_negative_eigenvalues_cancel_the_smallest_positive_ones():
    np.testing.assert_allclose(above_noise(np.array([8.0, 1, 4, -2, 0, 1, -1])), [8, 3])
    np.testing.assert_allclose(above_noise(np.array([5.0, -0.5, 1, 0])), [5, 0.5])
    found = na.dimensions(spectrum([8.0, 1, 4, -2, 0, 1, -1]))
    assert found.participation_ratio == pytest.approx(11**2 / (8**2 + 3**2))
    assert found.n_negative == 2
    assert (found.n_80, found.stable_rank) == (2, pytest.approx(11 / 8))


@settings(max_examples=60, deadline=None)
@given(arrays(float, st.integers(2, 30), elements=st.floats(-2, 10, width=32)), st.floats(0.01, 100))
def test_what_is_kept_has_the_sum_of_all(eigenvalue, scale):
    kept = above_noise(eigenvalue)
    if eigenvalue.sum() <= 1e-6:
        return
    assert kept.sum() == pytest.approx(eigenvalue.sum(), rel=1e-9)
    assert (np.diff(kept) <= 0).all()
    assert kept.size <= (eigenvalue > 0).sum()
    if (eigenvalue >= 0).all():
        np.testing.assert_array_equal(kept, np.sort(eigenvalue[eigenvalue > 0])[::-1])
    measures, scaled = of_eigenvalues(eigenvalue), of_eigenvalues(scale * eigenvalue)
    for name in MEASURES[:4]:
        assert scaled[name] == pytest.approx(measures[name], rel=1e-6)
        assert 1 - 1e-9 <= measures[name] <= kept.size + 1e-6
    assert measures["stable_rank"] <= measures["participation_ratio"] + 1e-6  # Renyi entropies fall with their order
    assert measures["participation_ratio"] <= measures["effective_rank"] * (1 + 1e-9)
    assert measures["effective_rank"] <= measures["effective_rank_singular"] * (1 + 1e-9)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.01, 100))
def test_invariances(seed, scale):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(25, 3)) @ rng.normal(size=(3, 12)) + 0.01 * rng.normal(size=(25, 12))
    plain = na.dimensions(assembly(x)).to_frame()
    rotated = x @ ortho_group.rvs(12, random_state=seed)
    shuffled = x[rng.permutation(25)][:, rng.permutation(12)]
    for same in (rotated, shuffled, scale * x + rng.normal(size=12)):
        np.testing.assert_allclose(na.dimensions(assembly(same)).to_frame()[MEASURES], plain[MEASURES], rtol=1e-7)
    found = na.dimensions(assembly(scale * shuffled)).participation_ratio_unbiased
    np.testing.assert_allclose(found, plain.participation_ratio_unbiased[0], rtol=1e-6)


def test_intervals_cover_the_truth_and_come_from_the_draws():
    rng, d = np.random.default_rng(4), 10
    hits = 0
    for _ in range(25):
        x = rng.normal(size=(50, d)) @ rng.normal(size=(d, 40)) + rng.normal(size=(2, 50, 40))
        found = na.dimensions(halves(x), n_draws=16, seed=1)
        low, high = found.intervals.loc["participation_ratio_unbiased"]
        hits += low < d < high
        assert low < found.participation_ratio_unbiased < high
    assert hits >= 21
    row = found.to_frame()
    assert len(row) == 1
    assert row.n_draws[0] == 16
    assert row.n_90_low[0] <= row.n_90[0] <= row.n_90_high[0]
    spectra = na.cvpca(halves(x), n_draws=16, seed=1)
    again = na.dimensions(spectra)
    np.testing.assert_allclose(again.intervals.loc[MEASURES], found.intervals.loc[MEASURES])
    assert again.intervals.loc["participation_ratio_unbiased"].isna().all()
    assert na.dimensions(halves(x)).intervals.isna().all(axis=None)


def test_lazy_assembly_gives_the_same():
    rng = np.random.default_rng(0)
    x = assembly(rng.normal(size=(40, 3)) @ rng.normal(size=(3, 25)))
    lazy = x.chunk({"presentation": 7, "neuroid": 10})
    np.testing.assert_allclose(
        na.dimensions(lazy).to_frame()[[*MEASURES, "participation_ratio_unbiased"]],
        na.dimensions(x).to_frame()[[*MEASURES, "participation_ratio_unbiased"]],
    )


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.float16])
def test_small_dtypes_are_computed_in_float64(dtype):
    rng = np.random.default_rng(0)
    x = rng.integers(60, 100, size=(30, 20)) + rng.integers(0, 27, size=(2, 30, 20))
    expected = na.dimensions(halves(x.astype(float)), correct=("stimulus",))
    found = na.dimensions(halves(x.astype(dtype)), correct=("stimulus",))
    np.testing.assert_allclose(found.to_frame()[MEASURES], expected.to_frame()[MEASURES])
    assert found.participation_ratio_unbiased == pytest.approx(expected.participation_ratio_unbiased)


def test_where_noise_leaves_nothing_it_says_so():
    """White noise: tr Sigma^2 over distinct neuroids is zero, and for this seed estimated below it."""
    with pytest.warns(UserWarning, match="ratio is NaN: noise leaves a moment"):
        found = na.dimensions(assembly(np.random.default_rng(0).normal(size=(40, 25))))
    assert np.isnan(found.participation_ratio_unbiased)
    assert np.isfinite(found.participation_ratio)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"correct": ("stimuli",)}, "expected any of"),
        ({"correct": ("stimulus", "noise")}, "every stimulus is shown once"),
        ({"level": 95}, "level is 95"),
        ({"level": 1}, "expected a share such as 0.95"),
        ({"level": "0.95"}, "level is '0.95'"),
        ({"correct": 5}, "correct is 5; expected names out of"),
        ({"correct": (5,)}, "expected names out of"),
        ({"seed": None}, "seed is None"),
        ({"n_draws": 5.0}, "n_draws is 5.0"),
        ({"fraction": "half"}, "fraction is 'half'"),
        ({"n_draws": 3}, "at least 5 subsamples"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(na.InputError, match=message):
        na.dimensions(assembly(np.random.default_rng(0).normal(size=(8, 5))), **arguments)


@pytest.mark.parametrize(
    ("given", "arguments", "message"),
    [
        (np.zeros((3, 2)), {}, "got ndarray"),
        (spectrum([1.0, 2]), {"correct": "noise"}, "a spectrum was given"),
        (spectrum([1.0, -3]), {}, "no eigenvalue is above noise"),
        (spectrum([1.0, np.nan]), {}, "NaN or infinite"),
        (halves(np.random.default_rng(0).normal(size=(2, 8, 5))), {"correct": "noise"}, "four repeats"),
        (assembly(np.eye(3)), {}, "at least 4 stimuli"),
        (assembly(np.eye(5)[:, :1]), {}, "2 neuroids"),
        (xr.Dataset(), {}, "expected a spectrum"),
    ],
)
def test_bad_input(given, arguments, message):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(na.InputError, match=message) as error:
            na.dimensions(given, **arguments)
    assert "\n" not in str(error.value)


def test_nothing_and_unnamed_neuroids_are_refused():
    x = na.make_assembly(np.random.default_rng(0).normal(size=(16, 3)), stimulus_id=[*range(8)] * 2)
    for empty in (x.isel(presentation=[]), x.assign_coords(blank=("presentation", np.ones(16, dtype=bool)))):
        with pytest.raises(na.InputError, match=r"none of the \d+ presentations"):
            na.dimensions(empty)
    halves = na.repeats(x).drop_vars("neuroid_id")
    for unnamed in (halves, halves[0]):
        with pytest.raises(na.InputError, match="lacks the coordinate 'neuroid_id'"):
            na.dimensions(unnamed)


def test_presentations_that_are_nan_throughout_are_none():
    values = np.random.default_rng(0).normal(size=(2, 200, 5))
    single = na.dimensions(na.read_array(values[:1]))
    values[1] = np.nan
    found = na.dimensions(na.read_array(values))
    assert found.estimator == single.estimator
    assert found.participation_ratio == pytest.approx(single.participation_ratio)
    assert found.participation_ratio_unbiased == pytest.approx(single.participation_ratio_unbiased)
