"""Sessions, images and classes of the published collection, in both MATLAB formats."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.io

import neuroalpha as na

NAMES = ["natimg2800", "natimg2800_white", "ori32"]


@pytest.fixture(params=["v5", "v7.3"])
def database(request, tmp_path, write_mat73):
    sessions = [("M170714_MP032", "2017-09-14"), ("M161025_MP030", "2017-05-29")]
    path = tmp_path / "dbstims.mat"
    if request.param == "v5":
        db = np.array([sessions], dtype=[("mouse_name", object), ("date", object)])
        scipy.io.savemat(path, {"dbstims": db, "stimset": np.array(NAMES, dtype=object), "stype": [1.0, 3.0]})
        return path
    return write_mat73(
        path,
        {
            "dbstims": [{"mouse_name": m, "date": d} for m, d in sessions],
            "stimset": NAMES,
            "stype": np.array([[1.0, 3.0]]),
        },
    )


def test_database(database):
    table = na.read_stringer_database(database)
    assert table.file.tolist() == ["natimg2800_M170714_MP032_2017-09-14.mat", "ori32_M161025_MP030_2017-05-29.mat"]
    assert table.stimset.tolist() == ["natimg2800", "ori32"]


def test_images(tmp_path, write_mat73):
    images = np.random.default_rng(0).integers(0, 255, (68, 270, 4)).astype(np.uint8)
    scipy.io.savemat(tmp_path / "images.mat", {"imgs": images})
    read = na.read_stringer_images(tmp_path / "images.mat")
    assert read.dims == ("stimulus", "y", "x")
    np.testing.assert_array_equal(read.values, np.moveaxis(images, 2, 0))
    assert read.stimulus_id.values.tolist() == ["1", "2", "3", "4"]


def test_image_ids_fit_the_recording(tmp_path):
    made, _ = na.simulate_recording(1.0, 12, 30, seed=0)
    recording = na.read_stringer(na.write_stringer(made, tmp_path / "a.mat"))
    scipy.io.savemat(tmp_path / "images.mat", {"imgs": np.zeros((68, 270, 12), np.uint8)})
    ids = set(na.read_stringer_images(tmp_path / "images.mat").stimulus_id.values.tolist())
    assert ids == set(recording.responses.stimulus_id.values[~recording.responses.blank.values].tolist())


def test_classes_out_of_range(tmp_path):
    scipy.io.savemat(
        tmp_path / "c.mat", {"class_assignment": [0, 5], "class_names": np.array(["a", "b"], dtype=object)}
    )
    with pytest.raises(na.InputError, match="run from 0 to 5, but there are 2 names"):
        na.read_stringer_classes(tmp_path / "c.mat")


def test_wrong_file_says_what_is_missing(tmp_path):
    scipy.io.savemat(tmp_path / "a.mat", {"imgs": np.zeros((2, 2, 2))})
    with pytest.raises(na.InputError, match="lacks the variable 'class_assignment'; it has imgs"):
        na.read_stringer_classes(tmp_path / "a.mat")
    with pytest.raises(na.InputError, match="lacks the variable 'dbstims'"):
        na.read_stringer_database(tmp_path / "a.mat")
