"""Images in numpy's files: which array is meant, what stays on the disk, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from neuroalpha.errors import InputError
from neuroalpha.networks import memory
from neuroalpha.networks.arrayfiles import read_array_file
from neuroalpha.networks.images import images

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 5, 4, 3), dtype=np.uint8)


def test_npy_stays_on_the_disk(tmp_path):
    np.save(tmp_path / "x.npy", PIXELS)
    source = read_array_file(tmp_path / "x.npy")
    assert isinstance(source.values, np.memmap)
    assert source.name == "x.npy"
    np.testing.assert_array_equal(source.read(2).permute(1, 2, 0).numpy(), PIXELS[2])
    np.save(tmp_path / "f.npy", np.asfortranarray(PIXELS))
    np.testing.assert_array_equal(read_array_file(tmp_path / "f.npy").block(1, 4), source.block(1, 4))


def test_the_only_array_with_the_form_of_images_is_taken(tmp_path):
    np.savez_compressed(tmp_path / "x.npz", pixels=PIXELS[..., 0] / 255, y=np.arange(6))
    source = read_array_file(tmp_path / "x.npz")
    assert (source.name, source.label) == ("x.npz:pixels", None)
    np.testing.assert_array_equal(source.block(0, 6)[:, 1], PIXELS[..., 0] / 255)


def test_labels_and_images_by_name(tmp_path):
    np.savez(tmp_path / "x.npz", a=PIXELS, b=PIXELS[:2], ya=np.arange(6), yb=np.array(["cat", "dog"]))
    source = read_array_file(tmp_path / "x.npz", "b", "yb")
    assert source.label.tolist() == ["cat", "dog"]
    np.testing.assert_array_equal(source.read(1).permute(1, 2, 0), PIXELS[1])


def test_real_images(shared_data):
    path = shared_data / "cifar10" / "lossless_subset.npz"
    stimuli = images(path, key="Xte", label_key="yte", normalize="cifar", limit=50)
    with np.load(path) as data:
        np.testing.assert_array_equal(stimuli.label, data["yte"][:50])
        assert stimuli.batch(0, 50).equal(images(data["Xte"], normalize="cifar").batch(0, 50))
    assert stimuli.identifier == "lossless_subset.npz:Xte"
    with pytest.raises(
        InputError, match=r"has 2 arrays that could be images, name one with key=: Xtr \(8068, 32, 32, 3\)"
    ):
        images(path)
    with pytest.raises(InputError, match=r"no array 'Xtest' \(key=\); did you mean 'Xte'"):
        images(path, key="Xtest")
    with pytest.raises(InputError, match=r"no array 'ytest' \(label_key=\); did you mean 'yte'"):
        images(path, key="Xte", label_key="ytest")
    with pytest.raises(InputError, match=r"idx_te of .*images of shape \(1017,\)|idx_te of .*dtype int64"):
        images(path, key="idx_te")
    with pytest.raises(InputError, match=r"ytr of .* has shape \(8068,\), but labels of 1017 images"):
        images(path, key="Xte", label_key="ytr")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": PIXELS.transpose(0, 3, 1, 2)}, r"x of .*images of shape \(6, 3, 5, 4\) do not have 1 or 3 channels"),
        ({"x": PIXELS.astype(np.int32)}, "x of .*the images have dtype int32"),
        ({"x": np.array([{"a": 1}], dtype=object)}, "has 0 arrays that could be images"),
        ({"y": np.zeros(3)}, r"has 0 arrays that could be images.*y \(3,\)"),
        ({"x": PIXELS, "x2": PIXELS}, "has 2 arrays that could be images"),
    ],
)
def test_what_does_not_hold_images(tmp_path, arrays, message):
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(InputError, match=message):
        read_array_file(tmp_path / "x.npz")


def test_pickled_objects_are_refused(tmp_path):
    objects = np.empty((2, 3, 3), dtype=object)
    np.savez(tmp_path / "x.npz", x=objects)
    np.save(tmp_path / "x.npy", objects, allow_pickle=True)
    for name in ("x.npz", "x.npy"):
        with pytest.raises(InputError, match="cannot be read as arrays that numpy saved without pickle"):
            read_array_file(tmp_path / name)


def test_damaged_files(tmp_path):
    np.savez_compressed(tmp_path / "x.npz", x=PIXELS)
    np.save(tmp_path / "x.npy", PIXELS)
    for name in ("x.npz", "x.npy"):
        whole = (tmp_path / name).read_bytes()
        for content in (b"", b"hello", whole[:40], whole[: len(whole) - 40]):
            (tmp_path / name).write_bytes(content)
            with pytest.raises(InputError, match="cannot be read as arrays"):
                read_array_file(tmp_path / name)


def test_keys_are_for_archives(tmp_path):
    np.save(tmp_path / "x.npy", PIXELS)
    with pytest.raises(InputError, match="holds one array without a name"):
        read_array_file(tmp_path / "x.npy", key="x")
    with pytest.raises(InputError, match=r"name arrays of an \.npz file, which"):
        images(tmp_path, key="x")


def test_an_array_larger_than_the_memory_is_told_before_it_is_read(tmp_path, monkeypatch):
    np.savez(tmp_path / "x.npz", x=PIXELS)
    monkeypatch.setattr(memory, "available_memory", lambda: 100)
    with pytest.raises(InputError, match=r"loading x of .* takes .* GB of memory.*\.npy, which stays on disk"):
        read_array_file(tmp_path / "x.npz")
