"""Images as they are read: folders, files, arrays, datasets."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from neuroalpha.errors import InputError
from neuroalpha.networks.sources import ArraySource, DatasetSource, read_files, read_folder


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("b/2.png", "a/1.png", "a/10.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (6, 5, 3), dtype=np.uint8)).save(tmp_path / name)
    (tmp_path / "a" / "notes.txt").write_text("no image")
    (tmp_path / ".hidden.png").write_bytes(b"")
    return tmp_path


def test_folder_is_sorted_and_labelled(folder):
    source = read_folder(folder)
    assert source.stimulus_id.tolist() == ["a/1.png", "a/10.png", "b/2.png"]
    assert source.label.tolist() == ["a", "a", "b"]
    expected = np.asarray(Image.open(folder / "a" / "10.png"))
    np.testing.assert_array_equal(source.read(1).permute(1, 2, 0).numpy(), expected)


def test_files_are_named_below_what_they_share(folder):
    source = read_files([folder / "b" / "2.png", folder / "a" / "1.png"])
    assert source.stimulus_id.tolist() == ["b/2.png", "a/1.png"]
    with pytest.raises(InputError, match="is a folder"):
        read_files([folder])


def test_bad_files(folder, tmp_path):
    (folder / "a" / "1.png").write_bytes((folder / "a" / "1.png").read_bytes()[:60])
    source = read_folder(folder)  # the header is whole
    with pytest.raises(InputError, match=r"1\.png does not decode"):
        source.read(0)
    (folder / "a" / "1.png").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"1\.png is not an image that can be read"):
        read_folder(folder)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no images"):
        read_folder(tmp_path / "empty")


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
