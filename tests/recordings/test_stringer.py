"""The figshare layout: every part read, both file formats alike, wrong files refused in one line."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.io

import neuroalpha as na


def test_reads_every_part(session_file, session):
    recording = na.read_stringer(session_file)
    responses = recording["responses"]
    na.check_assembly(responses)
    np.testing.assert_array_equal(responses.values, session["resp"])
    np.testing.assert_array_equal(responses.istim, session["istim"])
    np.testing.assert_array_equal(responses.blank, session["istim"] == 6)
    assert responses.stimulus_id.values.tolist() == [str(i) for i in session["istim"]]
    np.testing.assert_array_equal(responses.repetition, [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1])
    np.testing.assert_array_equal(np.column_stack([responses[a] for a in "xyz"]), session["med"])
    np.testing.assert_array_equal(responses.redcell, np.array(session["red"], bool))
    np.testing.assert_array_equal(recording["spontaneous"], session["spont"])
    assert responses.attrs["stimset"] == "natimg2800"
    assert responses.attrs["subject"] == "M170714_MP032"
    assert responses.attrs["date"] == "2017-09-14"
    assert responses.attrs["licence"] == "CC BY-NC 4.0"


def test_classes_become_labels(session_file, tmp_path):
    names = np.array(["unknown", "bird", "fish"], dtype=object)
    scipy.io.savemat(tmp_path / "c.mat", {"class_assignment": [1, 0, 2, 1, 2], "class_names": names})
    responses = na.read_stringer(session_file, classes=tmp_path / "c.mat").responses
    expected = {"1": "bird", "2": "unknown", "3": "fish", "4": "bird", "5": "fish", "6": "blank"}
    assert responses.label.values.tolist() == [expected[s] for s in responses.stimulus_id.values]
    scipy.io.savemat(tmp_path / "short.mat", {"class_assignment": [1, 0], "class_names": names})
    with pytest.raises(na.InputError, match="names 2 stimuli, but the recording shows number 5"):
        na.read_stringer(session_file, classes=tmp_path / "short.mat")


def save(path, **change):
    stim = {
        "resp": np.arange(12.0).reshape(4, 3) ** 2,
        "istim": np.array([1, 2, 1, 3]),
        "spont": np.zeros((0, 0)),
        **change,
    }
    scipy.io.savemat(path, {"stim": {k: v for k, v in stim.items() if v is not None}})
    return path


def test_empty_spontaneous_activity(tmp_path):
    recording = na.read_stringer(save(tmp_path / "a.mat"))
    assert "spontaneous" not in recording
    assert na.preprocess(recording).shape == (3, 3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"istim": np.array([1, 2])}, "4 rows, but stim.istim 2 entries"),
        ({"istim": np.array([1, 2, 1, 0.5])}, "whole numbers from 1"),
        ({"spont": np.ones((9, 2))}, "stim.spont has shape"),
        ({"resp": None}, "lacks stim.resp"),
    ],
)
def test_inconsistent_files(tmp_path, change, message):
    with pytest.raises(na.InputError, match=message):
        na.read_stringer(save(tmp_path / "a.mat", **change))


def test_other_files_of_the_collection_are_named(tmp_path):
    scipy.io.savemat(tmp_path / "images.mat", {"imgs": np.zeros((68, 270, 2))})
    with pytest.raises(na.InputError, match="use read_stringer_images"):
        na.read_stringer(tmp_path / "images.mat")
    scipy.io.savemat(tmp_path / "other.mat", {"data": np.zeros(3)})
    with pytest.raises(na.InputError, match="read_array"):
        na.read_stringer(tmp_path / "other.mat")


def test_blank_can_be_switched_off(tmp_path):
    assert not na.read_stringer(save(tmp_path / "a.mat"), blank=False).responses.blank.any()
