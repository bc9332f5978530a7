"""Files of any kind through one door."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import neuroalpha as na
from neuroalpha.recordings.open import open_responses


def test_each_kind(tmp_path):
    made, truth = na.simulate_recording(1.0, 40, 60, seed=0)
    expected = na.preprocess(made)
    for path in (na.save(made, tmp_path / "r.nc"), na.write_stringer(made, tmp_path / "r.mat")):
        np.testing.assert_allclose(open_responses(path).values, expected.values, atol=1e-9)
        raw = open_responses(path, published_preprocessing=False)
        np.testing.assert_array_equal(raw.values, made.responses.values[~made.responses.blank.values])
    assert open_responses(na.save(expected, tmp_path / "a.nc")).identical(expected)
    xr.testing.assert_identical(open_responses(na.save(truth, tmp_path / "t.nc")), truth)
    recording_despite_dims = open_responses(tmp_path / "r.mat", dims=("neuroid", "stimulus", "repeat"))
    assert recording_despite_dims.shape == expected.shape  # dims are for arrays, which a call may hold beside it
    np.save(tmp_path / "x.npy", np.ones((2, 3, 4)))
    assert open_responses(tmp_path / "x.npy").shape == (6, 4)
    assert open_responses(tmp_path / "x.npy", dims=("stimulus", "neuroid", "repeat")).shape == (8, 3)


def test_a_file_without_responses(tmp_path):
    path = na.save(xr.Dataset({"table": ("x", [1.0])}), tmp_path / "a.nc")
    with pytest.raises(na.InputError, match="neither responses nor a spectrum"):
        open_responses(path)
