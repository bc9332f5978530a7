"""check_responses: every fault is named, on numpy and dask alike, and sound data pass without a word."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import neuroalpha as na
from neuroalpha.assembly import numbered
from neuroalpha.spectrum import checks
from neuroalpha.spectrum.checks import ResponseCheck, check_responses

S, N = 40, 12


@pytest.fixture(params=["numpy", "dask"])
def kind(request):
    return request.param


def wrap(array, kind):
    if kind == "numpy":
        return array
    rows, neuroids = array.shape[-2] // 4 + 1, array.shape[-1] // 2 - 1
    return array.chunk({array.dims[-2]: rows, "neuroid": neuroids})


def trials(values=None, kind="numpy", **kwargs):
    """Two presentations of each stimulus."""
    if values is None:
        values = noisy()
    ids = np.tile(numbered("", len(values) // 2), 2)
    return wrap(na.make_assembly(values, stimulus_id=ids, **kwargs), kind)


def noisy(seed=0, n_stimuli=S, n_neuroids=N):
    rng = np.random.default_rng(seed)
    return np.tile(rng.normal(size=(n_stimuli, n_neuroids)), (2, 1)) + rng.normal(size=(2 * n_stimuli, n_neuroids))


def halves(x, kind="numpy"):
    coords = {
        "stimulus_id": ("stimulus", numbered("", x.shape[1])),
        "neuroid_id": ("neuroid", numbered("", x.shape[2])),
    }
    return wrap(xr.DataArray(x, dims=("repeat", "stimulus", "neuroid"), coords=coords), kind)


def quiet(responses, needs_repeats=True):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return check_responses(responses, needs_repeats=needs_repeats)


def test_sound_data_pass_in_silence(kind):
    assert quiet(trials(kind=kind)) == ResponseCheck(0, S, 0, 0)
    assert quiet(halves(noisy().reshape(2, S, N), kind)) == ResponseCheck(0, S, 0, 0)
    once = wrap(na.make_assembly(noisy()[:S], stimulus_id=numbered("", S)), kind)
    assert quiet(once, needs_repeats=False) == ResponseCheck(0, 0, 0, 0)
    counts = np.random.default_rng(0).poisson(np.tile(np.random.default_rng(1).exponential(5, (S, N)), (2, 1)))
    assert quiet(trials(counts, kind, attrs={"units": "spikes"})) == ResponseCheck(0, S, 0, 0)
    with_gaps = noisy()
    with_gaps[np.random.default_rng(2).random(with_gaps.shape) < 0.2] = np.nan
    assert quiet(trials(with_gaps, kind)).n_copied == 0


@pytest.mark.parametrize("noise", ["aligned", "independent", "white", "gain"])
def test_simulated_recordings_pass_in_silence(noise):
    recording, _ = na.simulate_recording(1.0, n_stimuli=60, n_neuroids=80, noise=noise, signal_fraction=0.9, seed=0)
    quiet(recording.responses)
    quiet(na.preprocess(recording))
    clean, _ = na.simulate_recording(1.0, n_stimuli=60, n_neuroids=80, signal_fraction=1.0, seed=0)
    assert quiet(clean.responses).n_copied == 60  # they are copies, and meant to be


def test_constant_neuroids(kind):
    x = noisy()
    x[:, [3, 7]] = 5.1
    x[0, 3] = np.nan
    with pytest.warns(
        UserWarning, match=r"2 of 12 neuroids are constant .* neuroid_id '03', '07'; drop them"
    ) as caught:
        assert check_responses(trials(x, kind), needs_repeats=True).n_constant == 2
    assert len(caught) == 1
    # The advice that the warning gives works.
    advice = str(caught[0].message).split("drop them: ")[1]
    assembly = trials(x, kind)
    assert eval(advice, {"assembly": assembly}).sizes["neuroid"] == 10
    with pytest.warns(UserWarning, match="constant"):
        assert check_responses(halves(x.reshape(2, S, N), kind), needs_repeats=True).n_constant == 2


def test_constant_but_for_rounding_in_float32():
    x = noisy().astype(np.float32)
    x[:, 0] = np.float32(1e4)
    x[1, 0] = np.nextafter(np.float32(1e4), np.float32(2e4))
    with pytest.warns(UserWarning, match="1 of 12 neuroids are constant"):
        check_responses(trials(x), needs_repeats=True)
    x[:, 0] += np.float32(0.01) * np.arange(len(x), dtype=np.float32)
    assert quiet(trials(x)).n_constant == 0


def test_refuses_when_nothing_varies(kind):
    with pytest.raises(na.InputError, match="all 12 neuroids are constant"):
        check_responses(trials(np.tile(np.arange(N), (2 * S, 1)), kind), needs_repeats=True)


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinite_values(kind, value):
    x = noisy()
    x[5, 2] = value
    x[9, 11] = np.inf
    with pytest.raises(na.InputError, match="2 of 12 neuroids hold infinite values: neuroid_id '02', '11'"):
        check_responses(trials(x, kind), needs_repeats=True)


@pytest.mark.parametrize(("mean", "dtype"), [(0, np.float64), (0, np.float32), (1000, np.float64), (100, np.float32)])
def test_copied_repeats(kind, mean, dtype):
    once = np.random.default_rng(0).normal(size=(S, N)) + mean
    twice = np.vstack([once, once]).astype(dtype)
    rounded = np.vstack([once, (once.astype(np.float32) * np.float32(3)) / np.float32(3)]).astype(dtype)
    message = "40 of 40 repeated stimuli have presentations that are copies of each other"
    for copies in (twice, rounded):
        with pytest.warns(UserWarning, match=message):
            assert check_responses(trials(copies, kind), needs_repeats=True).n_copied == S
        with pytest.warns(UserWarning, match=message):
            check_responses(halves(copies.reshape(2, S, N), kind), needs_repeats=True)


def test_copies_matter_only_where_repeats_are_compared(kind):
    x = noisy()
    x[S:] = x[:S]
    assert quiet(trials(x, kind), needs_repeats=False).n_copied == S


def test_some_copies_among_sound_repeats(kind):
    x = noisy()
    x[S + 4] = x[4]
    x[S + 9] = x[9]
    with pytest.warns(UserWarning, match="2 of 40 repeated"):
        check_responses(trials(x, kind), needs_repeats=True)
    three = np.vstack([noisy(), noisy(1)[:S]])
    three[2 * S + 6] = three[6]  # the third presentation, of three, is the first
    ids = np.tile(numbered("", S), 3)
    with pytest.warns(UserWarning, match="1 of 40 repeated"):
        check_responses(wrap(na.make_assembly(three, stimulus_id=ids), kind), needs_repeats=True)


def test_a_network_and_equal_blanks_are_no_copies(kind):
    x = np.random.default_rng(0).normal(size=(S, N))
    doubled = np.vstack([x, x[:4]])  # the same responses to other stimuli: another matter
    net = na.make_assembly(doubled, stimulus_id=numbered("", S + 4), neuroid={"layer": ["conv"] * N})
    assert quiet(wrap(net, kind), needs_repeats=False).n_copied == 0
    blanks = np.vstack([noisy(), np.zeros((5, N))])
    ids = np.r_[np.tile(numbered("", S), 2), ["grey"] * 5]
    recording = na.make_assembly(blanks, stimulus_id=ids, presentation={"blank": ids == "grey"})
    assert quiet(wrap(recording, kind)).n_repeated == S


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 6), st.floats(0.02, 2))
def test_few_neuroids_with_few_counts_agree_by_chance(seed, n_neuroids, rate):
    rng = np.random.default_rng(seed)
    counts = rng.poisson(rate, size=(200, n_neuroids)).astype(float)
    counts[0], counts[1] = 0, 1  # so that no neuroid is constant
    quiet(trials(counts))


def test_tuned_neuroids_with_few_counts_agree_often_and_copies_are_told_apart():
    rng = np.random.default_rng(0)
    counts = rng.poisson(np.tile(rng.exponential(0.3, size=(200, 8)) ** 2, (2, 1)))
    assert quiet(trials(counts)).n_copied > 20
    sharp = np.tile(rng.choice([0.05, 9.0], size=(100, 5), p=[0.7, 0.3]), (2, 1))
    assert quiet(trials(rng.poisson(sharp))).n_copied > 5
    many = rng.poisson(np.tile(rng.exponential(3, size=(50, 8)), (2, 1)))
    many[50:] = many[:50]
    with pytest.warns(UserWarning, match="50 of 50 repeated"):
        check_responses(trials(many), needs_repeats=True)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.floats(1e-3, 1e3), st.booleans())
def test_what_is_found_depends_neither_on_scale_nor_on_order(seed, scale, copied):
    rng = np.random.default_rng(seed)
    x = noisy(seed)
    if copied:
        x[S:] = x[:S]
    assembly = trials(x * scale + rng.normal(size=N))
    shuffled = assembly.isel(presentation=rng.permutation(2 * S), neuroid=rng.permutation(N))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = check_responses(assembly, needs_repeats=True)
        assert found == check_responses(shuffled, needs_repeats=True)
    assert found == ResponseCheck(0, S, S * copied, 0)


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({}, "no stimulus occurs twice: were the responses averaged over repeats already?"),
        ({"presentation": {"n_presentations": np.full(S, 4)}}, "n_presentations is 4: the responses seem averaged"),
        ({"attrs": {"n_repeats": 10}}, "n_repeats is 10: the responses seem averaged"),
        (
            {"attrs": {"preprocessing": json.dumps([{"step": "zscore"}, {"step": "average_repetitions"}])}},
            "its preprocessing says .*average_repetitions.*seem averaged",
        ),
        ({"attrs": {"preprocessing": "trial averaged"}}, "its preprocessing says trial averaged"),
        ({"neuroid": {"layer": ["fc"] * N}}, "as in a network: .* use eigenspectrum"),
        ({"attrs": {"n_trials": 1, "preprocessing": '[{"step": "center"}]'}}, "no stimulus occurs twice"),
    ],
)
def test_repeats_that_were_averaged_already(kind, extra, message):
    once = wrap(na.make_assembly(noisy()[:S], stimulus_id=numbered("", S), **extra), kind)
    with pytest.raises(na.InputError, match=message) as error:
        check_responses(once, needs_repeats=True)
    assert "\n" not in str(error.value)
    quiet(once, needs_repeats=False)


def test_what_repeats_averaged_is_known():
    with pytest.raises(na.InputError, match=r"made by neuroalpha.repeats: the responses seem averaged"):
        check_responses(na.repeats(trials(), 1), needs_repeats=True)
    with pytest.raises(na.InputError, match=r"made by neuroalpha.repeats"):
        check_responses(na.repeats(trials(), 1)[0], needs_repeats=True)
    quiet(na.repeats(trials(), 2))


def test_blanks_alone_do_not_count_as_repeats():
    ids = np.r_[numbered("", S), ["grey"] * 5]
    x = np.random.default_rng(0).normal(size=(S + 5, N))
    with pytest.raises(na.InputError, match="no stimulus occurs twice"):
        check_responses(na.make_assembly(x, stimulus_id=ids, presentation={"blank": ids == "grey"}), needs_repeats=True)


def test_each_chunk_is_computed_once(monkeypatch):
    import dask.array as da

    read = []

    def load(block, block_info=None):
        read.append(tuple(block_info[0]["chunk-location"]))
        return block

    for shape, chunks in (((2 * S, N), (9, 5)), ((2, S, N), (2, 11, 5))):
        read.clear()
        x = da.from_array(noisy().reshape(shape), chunks=chunks).map_blocks(
            load, dtype=float, meta=np.empty((0,) * len(shape))
        )
        lazy = halves(x) if x.ndim == 3 else na.make_assembly(x, stimulus_id=np.tile(numbered("", S), 2))
        monkeypatch.setattr(checks, "BLOCK_BYTES", 1000)  # smaller than a chunk
        assert quiet(lazy) == ResponseCheck(0, S, 0, 0)
        assert len(read) == len(set(read)) == x.npartitions


def test_the_responses_are_left_as_they_were():
    x = noisy()
    x[3, 4] = np.nan
    assembly = trials(x)
    before = assembly.copy(deep=True)
    quiet(assembly)
    assert assembly.identical(before)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.zeros((3, 2)), "expected an assembly"),
        (xr.DataArray(np.zeros((3, 2)), dims=("a", "b")), "an assembly has dims"),
        (xr.DataArray(np.zeros((2, 3), dtype=complex), dims=("stimulus", "neuroid")), "real numbers"),
        (trials().isel(neuroid=[]), "empty"),
    ],
)
def test_bad_input(given, message):
    with pytest.raises(na.InputError, match=message):
        check_responses(given, needs_repeats=False)


@pytest.mark.parametrize("scale", [1e160, 1e-160])
def test_numbers_whose_squares_leave_float64(kind, scale):
    with pytest.raises(na.InputError, match="squared, such numbers leave the range of float64"):
        check_responses(trials(noisy() * scale, kind), needs_repeats=True)
    quiet(trials(noisy() * np.sqrt(scale), kind))


def test_repeats_without_names_of_neuroids(kind):
    with pytest.raises(na.InputError, match="lack the coordinate 'neuroid_id'"):
        check_responses(halves(noisy().reshape(2, S, N), kind).drop_vars("neuroid_id"), needs_repeats=True)


def test_attributes_of_repeats_are_text_and_numbers():
    with pytest.raises(na.InputError, match="attribute 'steps' is list"):
        check_responses(halves(noisy().reshape(2, S, N)).assign_attrs(steps=[1]), needs_repeats=True)


def test_rows_that_hold_a_value_are_told(kind):
    x = noisy()
    x[3], x[5, 2] = np.nan, np.nan
    np.testing.assert_array_equal(quiet(trials(x, kind)).shown, np.arange(2 * S) != 3)


def test_blank_that_is_not_boolean():
    words = trials().assign_coords(blank=("presentation", np.full(2 * S, "False")))
    with pytest.raises(na.InputError, match="'blank' has dtype"):
        check_responses(words, needs_repeats=True)
