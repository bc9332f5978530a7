"""Recordings written in the figshare layout: read back unchanged, laid out as published, whole or not at all."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.io
import xarray as xr

import neuroalpha as na


@pytest.mark.parametrize("red", [True, False])
def test_write_and_read_back(tmp_path, red):
    made, _ = na.simulate_recording(1.0, 15, 40, n_repeats=3, seed=0)
    if red:
        made["responses"] = made["responses"].assign_coords(redcell=("neuroid", np.arange(40) % 7 == 0))
    back = na.read_stringer(na.write_stringer(made, tmp_path / "natimg_M1_MP1_2020-01-01.mat"))
    np.testing.assert_array_equal(back.responses, made.responses)
    np.testing.assert_array_equal(back.spontaneous, made.spontaneous)
    for name in ("stimulus_id", "repetition", "blank", "istim", "x", "y", "z", *(["redcell"] if red else [])):
        np.testing.assert_array_equal(back.responses[name], made.responses[name])
    xr.testing.assert_allclose(na.preprocess(back), na.preprocess(made))


def test_writing_needs_a_blank(tmp_path):
    made, _ = na.simulate_recording(1.0, 15, 40, seed=0)
    kept = made.isel(presentation=~made.responses.blank.values)
    with pytest.raises(na.InputError, match="no blank presentations"):
        na.write_stringer(kept, tmp_path / "a.mat")


def test_the_file_is_laid_out_as_published(tmp_path):
    """Ids from 1 on, the largest of them the blank, and parts that a recording lacks empty or NaN."""
    ids = np.array(["sky", "sea", "grey", "sky", "grey", "tree"])
    values = np.random.default_rng(0).normal(size=(6, 4))
    responses = na.make_assembly(values, stimulus_id=ids, presentation={"blank": ids == "grey"})
    path = na.write_stringer(xr.Dataset({"responses": responses}), tmp_path / "a.mat")
    raw = scipy.io.loadmat(path)
    stim = raw["stim"][0, 0]
    np.testing.assert_array_equal(stim["resp"], values)
    assert stim["istim"].ravel().tolist() == [2, 1, 4, 2, 4, 3]  # in the order of their names, the blank last
    assert stim["istim"].shape == (6, 1)
    assert stim["spont"].size == 0
    assert raw["med"].shape == (4, 3)
    assert np.isnan(raw["med"]).all()
    assert raw["stat"].shape == (1, 4)
    assert raw["stat"].dtype.names == ("npix",)


@pytest.mark.parametrize("given", [None, np.zeros((3, 2)), xr.Dataset({"spontaneous": ("time", np.zeros(3))})])
def test_what_is_no_recording_is_refused(tmp_path, given):
    with pytest.raises(na.InputError, match="expected a recording"):
        na.write_stringer(given, tmp_path / "a.mat")
    assert not list(tmp_path.iterdir())


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    made, _ = na.simulate_recording(1.0, 15, 40, seed=0)
    path = na.write_stringer(made, tmp_path / "a.mat")
    before = path.read_bytes()

    def breaks_off(handle, variables):
        handle.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(scipy.io, "savemat", breaks_off)
    with pytest.raises(KeyboardInterrupt):
        na.write_stringer(made, path)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["a.mat"]
