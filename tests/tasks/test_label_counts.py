"""Counts of raters: what is read, and every file that is refused."""

from __future__ import annotations

import numpy as np
import pytest

import neuroalpha as na
from neuroalpha.tasks.label_counts import read_label_counts

COUNTS = np.array([[5, 1, 0], [0, 2, 4], [3, 3, 0], [1, 0, 9]])


@pytest.fixture
def path(tmp_path):
    np.save(tmp_path / "counts.npy", COUNTS)
    return tmp_path / "counts.npy"


def test_counts_are_those_of_the_file(path):
    found = read_label_counts(path)
    np.testing.assert_array_equal(found, COUNTS)
    assert found.dtype == np.int64
    np.testing.assert_array_equal(read_label_counts(str(path), index=[3, 0, 3]), COUNTS[[3, 0, 3]])


@pytest.mark.parametrize("kind", ["uint8", "int16", "float32", "float64"])
def test_whole_numbers_of_any_type(tmp_path, kind):
    np.save(tmp_path / "counts.npy", COUNTS.astype(kind))
    np.testing.assert_array_equal(read_label_counts(tmp_path / "counts.npy"), COUNTS)


def test_labels_show_the_order(path):
    read_label_counts(path, labels=[0, 2, 1, 2])  # one of four is not what most said
    read_label_counts(path, index=[1, 3], labels=np.array([2, 2]))
    with pytest.raises(na.InputError, match=r"give 25.0% of the images the label given: .*another order"):
        read_label_counts(path, labels=[2, 0, 0, 1])
    with pytest.raises(na.InputError, match=r"labels have shape \(3,\).*of 4 images"):
        read_label_counts(path, labels=[0, 2, 1])
    with pytest.raises(na.InputError, match=r"labels go from 0 to 3, but .* has 3 classes"):
        read_label_counts(path, labels=[0, 2, 3, 2])


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ([4], "index 4 is outside the 4 images"),
        ([-1], "index -1 is outside"),
        ([0.5], "list of whole numbers"),
        ([], "shape"),
    ],
)
def test_bad_index(path, index, message):
    with pytest.raises(na.InputError, match=message):
        read_label_counts(path, index=index)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (COUNTS / COUNTS.sum(axis=1, keepdims=True), "holds fractions or NaN: probabilities, perhaps"),
        (np.where(COUNTS == 9, np.nan, COUNTS), "holds fractions or NaN"),
        (COUNTS - 1, "holds the count -1; expected 0 or more"),
        (COUNTS * (COUNTS.max(axis=1, keepdims=True) > 3), "no raters for 1 images, the first in row 2"),
        (COUNTS[:, :1], r"shape \(4, 1\)"),
        (COUNTS.ravel(), r"shape \(12,\)"),
        (COUNTS[:0], r"shape \(0, 3\)"),
        (COUNTS.astype(str), "dtype <U"),
    ],
)
def test_what_is_no_count(tmp_path, content, message):
    np.save(tmp_path / "counts.npy", content)
    with pytest.raises(na.InputError, match=message) as told:
        read_label_counts(tmp_path / "counts.npy")
    assert "\n" not in str(told.value)


def test_files_that_cannot_be_read(tmp_path, path):
    with pytest.raises(na.InputError, match=r"there is no file .*gone\.npy"):
        read_label_counts(tmp_path / "gone.npy")
    np.savez(tmp_path / "counts.npz", COUNTS)
    with pytest.raises(na.InputError, match=r"is no \.npy file; save counts"):
        read_label_counts(tmp_path / "counts.npz")
    np.save(tmp_path / "pickled.npy", np.array([{"run": "me"}], dtype=object), allow_pickle=True)
    with pytest.raises(na.InputError, match="cannot be read as an array that numpy saved without pickle"):
        read_label_counts(tmp_path / "pickled.npy")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(na.InputError, match="cannot be read as an array"):
        read_label_counts(path)
    path.write_bytes(b"")
    with pytest.raises(na.InputError, match="cannot be read as an array"):
        read_label_counts(path)


def test_published_counts(shared_data):
    counts = read_label_counts(shared_data / "cifar10" / "cifar10h_counts.npy")
    assert (counts.shape, counts.sum()) == ((10_000, 10), 511_000)
    assert (counts.sum(axis=1).min(), counts.sum(axis=1).max()) == (47, 63)
    with np.load(shared_data / "cifar10" / "jpeg_test.npz", allow_pickle=False) as held:
        classes = held["label"].astype(int)
    read_label_counts(shared_data / "cifar10" / "cifar10h_counts.npy", labels=classes)
    with pytest.raises(na.InputError, match="another order"):
        read_label_counts(shared_data / "cifar10" / "cifar10h_counts.npy", labels=np.roll(classes, 1))
