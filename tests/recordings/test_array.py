"""Bare arrays: every order of dimensions, every file type, real recordings, bad input."""

from __future__ import annotations

import itertools

import h5py
import numpy as np
import pytest
import scipy.io
import xarray as xr

import neuroalpha as na

X = np.random.default_rng(0).normal(size=(3, 5, 4))  # repeat, stimulus, neuroid
X[2, 1] = np.nan  # a repeat that was not shown


@pytest.mark.parametrize("dims", list(itertools.permutations(("repeat", "stimulus", "neuroid"))))
def test_any_order_of_dimensions(dims):
    order = [("repeat", "stimulus", "neuroid").index(d) for d in dims]
    assembly = na.read_array(X.transpose(order), dims)
    assert assembly.shape == (14, 4)
    for row in assembly:
        expected = X[int(row.repetition), int(row.stimulus_id)]
        np.testing.assert_array_equal(row.values, expected)


def test_labels_follow_their_stimuli():
    assembly = na.read_array(
        X, stimulus_id=list("abcde"), stimulus={"label": list("vwxyz")}, neuroid={"x": np.arange(4.0)}
    )
    assert dict(zip(assembly.stimulus_id.values, assembly.label.values, strict=True)) == dict(
        zip("abcde", "vwxyz", strict=True)
    )


def test_presentations_and_single_showings():
    rows = na.read_array(X[0], ("presentation", "neuroid"), stimulus_id=["a", "b", "a", "b", "a"])
    np.testing.assert_array_equal(rows.repetition, [0, 0, 1, 1, 2])
    once = na.read_array(X[0].T, ("neuroid", "stimulus"))
    np.testing.assert_array_equal(once.values, X[0])
    assert (once.repetition == 0).all()


@pytest.mark.parametrize("suffix", ["npy", "npz", "mat", "h5", "v73.mat"])
def test_files(tmp_path, suffix, write_mat73):
    path = tmp_path / f"data.{suffix}"
    values = X[:2]
    if suffix == "npy":
        np.save(path, values)
    elif suffix == "npz":
        np.savez(path, resp=values)
    elif suffix == "mat":
        scipy.io.savemat(path, {"resp": values})
    elif suffix == "h5":
        with h5py.File(path, "w") as file:
            file["group/resp"] = values
    else:
        with h5py.File(path, "w", userblock_size=512) as file:
            file["resp"] = values.T
    xr.testing.assert_equal(
        na.read_array(path).drop_vars("stimulus_id"), na.read_array(values).drop_vars("stimulus_id")
    )


def test_several_variables_need_a_key(tmp_path):
    path = tmp_path / "data.npz"
    np.savez(path, a=X, b=X * 2)
    with pytest.raises(na.InputError, match="holds several variables \\('a', 'b'\\); name one with key"):
        na.read_array(path)
    np.testing.assert_array_equal(na.read_array(path, key="b").values, na.read_array(X * 2).values)
    with pytest.raises(na.InputError, match="has no 'c'"):
        na.read_array(path, key="c")


def test_nothing_is_unpickled(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(na.InputError, match="cannot read"):
        na.read_array(tmp_path / "a.npy")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"dims": ("repeat", "neuron", "stimulus")}, "expected a permutation"),
        ({"dims": ("stimulus", "neuroid")}, "has shape \\(3, 5, 4\\), but dims names 2"),
        ({"stimulus_id": list("abc")}, "'stimulus_id' has shape \\(3,\\), but there are 5 stimuli"),
        ({"stimulus_id": list("abcda")}, "must differ between stimuli"),
        ({"neuroid_id": list("nnop")}, "'n' occur more than once"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(na.InputError, match=message):
        na.read_array(X, **arguments)


def test_bad_files(tmp_path):
    with pytest.raises(na.InputError, match="no such file"):
        na.read_array(tmp_path / "a.npy")
    (tmp_path / "a.csv").write_text("1,2")
    with pytest.raises(na.InputError, match=r"expected one of \.npy"):
        na.read_array(tmp_path / "a.csv")
    for name in ("a.npy", "a.npz", "a.h5", "a.mat"):
        (tmp_path / name).write_bytes(b"not what it says")
        with pytest.raises(na.InputError, match=name):
            na.read_array(tmp_path / name)


def test_v4_recording(shared_data):
    counts = np.load(shared_data / "v4_utah" / "responses_201016.npy")
    v4 = na.read_array(shared_data / "v4_utah" / "responses_201016.npy", ("neuroid", "stimulus", "repeat"))
    assert v4.sizes["presentation"] == int((~np.isnan(counts).all(axis=0)).sum())
    assert set(v4.groupby("stimulus_id").count().values[:, 0].tolist()) <= {5, 6, 7, 8, 9}
    halves = na.repeats(v4)
    assert halves.shape == (2, 600, 82)
    assert halves.attrs["n_stimuli_dropped"] == 0
    np.testing.assert_allclose(
        halves.values[0, 0], np.nanmean(counts[:, 0, : int((~np.isnan(counts[0, 0])).sum()) // 2], axis=1)
    )


def test_mouse_v1_recording(shared_data):
    v1 = na.read_array(shared_data / "mouse_v1_2p" / "region1_raw_validation_set.npy")
    assert dict(v1.sizes) == {"presentation": 500, "neuroid": 103}
    result = na.reliability(v1)
    assert 0.4 < result.attrs["mean_signal_variance"] < 0.7
    assert result.attrs["decoding_accuracy"] > 20 * result.attrs["chance"]


def test_mat_variables_that_are_no_numbers(tmp_path):
    scipy.io.savemat(tmp_path / "a.mat", {"cell": np.array(["a", np.ones(3)], dtype=object)})
    with pytest.raises(na.InputError, match="'cell' is a cell array or struct, not an array of numbers"):
        na.read_array(tmp_path / "a.mat")


def test_a_masked_array_is_missing_where_masked():
    masked = np.ma.masked_array(X[0], mask=np.eye(5, 4) > 0)
    assert int(np.isnan(na.make_assembly(masked, stimulus_id=np.arange(5))).sum()) == 4


def test_a_file_name_in_another_encoding(tmp_path):
    path = tmp_path / "daten\udce4.npy"
    try:
        np.save(path, X[:2])
    except OSError:
        pytest.skip("this file system takes Unicode names only")
    assembly = na.read_array(path)
    assert assembly.attrs["identifier"] == "daten?"
    assert na.load(na.save(assembly, tmp_path / "a.nc")).identical(assembly)
