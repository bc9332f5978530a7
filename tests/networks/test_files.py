"""Image files: which are found, what they are called, what is no image."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from neuroalpha.errors import InputError
from neuroalpha.networks.files import read_files, read_folder
from neuroalpha.networks.unreadable import UnreadableImage


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


def test_some_of_a_folder(folder):
    source = read_folder(folder).select(np.array([0, 2]))
    assert source.stimulus_id.tolist() == ["a/1.png", "b/2.png"]
    assert source.label.tolist() == ["a", "b"]
    assert source.read(1).equal(read_folder(folder).read(2))


def test_files_are_named_below_what_they_share(folder):
    source = read_files([folder / "b" / "2.png", folder / "a" / "1.png"])
    assert source.stimulus_id.tolist() == ["b/2.png", "a/1.png"]
    with pytest.raises(InputError, match="is a folder"):
        read_files([folder])


def test_a_header_may_be_whole_where_the_rest_is_not(folder):
    (folder / "a" / "1.png").write_bytes((folder / "a" / "1.png").read_bytes()[:60])
    source = read_folder(folder)
    source.glance(0)
    with pytest.raises(UnreadableImage, match=r"a/1\.png cannot be read: it does not decode"):
        source.read(0)


def test_what_is_no_image_is_told_by_its_header(folder):
    (folder / "a" / "1.png").write_bytes(b"nothing")
    with pytest.raises(UnreadableImage, match=r"a/1\.png cannot be read: it is not an image that Pillow knows"):
        read_folder(folder).glance(0)
    with pytest.raises(UnreadableImage, match=r"cannot be read: it does not open \(No such file or directory\)"):
        read_files([folder / "a" / "2.png"]).glance(0)
    Image.fromarray(np.full((4, 4), 40000, dtype=np.uint16)).save(folder / "a" / "deep.png")
    with pytest.raises(
        UnreadableImage, match=r"deep\.png cannot be read: it has more than 8 bits a channel \(mode I;16"
    ):
        read_folder(folder).read(2)


def test_empty_folder(tmp_path):
    with pytest.raises(InputError, match="holds no images"):
        read_folder(tmp_path)
