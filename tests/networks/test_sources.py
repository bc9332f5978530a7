"""Images as they are read: arrays and datasets."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from neuroalpha.errors import InputError
from neuroalpha.networks.sources import ArraySource, DatasetSource
from neuroalpha.networks.unreadable import UnreadableImage


def test_arrays_and_datasets():
    grey = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
    assert tuple(ArraySource(grey).read(1).shape) == (3, 3, 4)
    with pytest.raises(InputError, match="dtype int64"):
        ArraySource(grey.astype(np.int64))
    with pytest.raises(InputError, match="1 or 3 channels"):
        ArraySource(np.zeros((2, 5, 5, 4), np.uint8))
    dataset = DatasetSource([(Image.fromarray(grey[0]), "x"), (Image.fromarray(grey[1]), "y")])
    np.testing.assert_array_equal(dataset.read(1)[0].numpy(), grey[1])
    assert dataset.label.tolist() == ["x", "y"]


def test_some_of_an_array_twice_over():
    values = np.arange(6 * 4, dtype=np.uint8).reshape(6, 2, 2)
    for given in (values, torch.from_numpy(values)):
        chosen = ArraySource(given, label=np.arange(6) * 10).select(np.array([1, 3, 5])).select(np.array([0, 2]))
        assert chosen.stimulus_id.tolist() == ["image1", "image5"]
        assert chosen.label.tolist() == [10, 50]
        assert chosen.where(1) == "image 5 of the array"
        np.testing.assert_array_equal(chosen.block(0, 2)[:, 0].numpy(), values[[1, 5]])
        np.testing.assert_array_equal(chosen.read(1)[2].numpy(), values[5])


def test_pixels_that_are_not_finite_are_an_unreadable_image():
    values = np.zeros((3, 2, 2), np.float32)
    values[1, 0, 0] = np.nan
    assert ArraySource(values).read(0).shape == (3, 2, 2)
    with pytest.raises(UnreadableImage, match="image 1 of the array cannot be read: it has pixels that are not finite"):
        ArraySource(values).read(1)


class Broken:
    """A dataset of files, some of which cannot be read."""

    def __init__(self, bad, error=None):
        self.bad, self.error = bad, error or OSError("image file is truncated")

    def __len__(self):
        return 5

    def __getitem__(self, index):
        if index in self.bad:
            raise self.error
        return np.full((4, 4), index, np.uint8), f"class{index}"


def test_a_dataset_whose_first_item_is_broken_still_has_labels():
    source = DatasetSource(Broken({0, 3}))
    with pytest.raises(UnreadableImage, match=r"item 3 of the dataset cannot be read: .*truncated"):
        source.read(3)
    good = source.select(np.array([1, 2, 4]))
    assert good.label.tolist() == ["class1", "class2", "class4"]
    assert good.where(2) == "item 4 of the dataset"


def test_faults_of_the_dataset_are_not_the_images():
    with pytest.raises(KeyError):
        DatasetSource(Broken({0}, KeyError("no such column")))
    with pytest.raises(OSError, match="Too many open files"):
        DatasetSource(Broken({3}, OSError(24, "Too many open files"))).read(3)


def test_a_dataset_may_give_images_that_are_not_decoded_yet(tmp_path):
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (60, 50, 3), dtype=np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:500])
    with pytest.raises(UnreadableImage, match="item 0 of the dataset cannot be read: it does not decode"):
        DatasetSource([Image.open(tmp_path / "a.png")]).read(0)
    with pytest.raises(UnreadableImage, match="more than 8 bits"):
        DatasetSource([Image.fromarray(np.zeros((4, 4), np.uint16))]).read(0)
