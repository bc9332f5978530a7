"""Images to learn from: the same bytes whatever they come from."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

import neuroalpha as na
from neuroalpha.ssl.trainset import read_trainset, split


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (30, 8, 9, 3), dtype=np.uint8)


def test_the_same_bytes_from_everywhere(pixels, tmp_path):
    first = pixels.transpose(0, 3, 1, 2)
    for number, image in enumerate(pixels):
        (tmp_path / "all").mkdir(exist_ok=True)
        Image.fromarray(image).save(tmp_path / "all" / f"{number:02}.png")
    np.savez(tmp_path / "pixels.npz", pixels=pixels)
    sources = [
        pixels,
        np.asfortranarray(pixels),
        first,
        torch.from_numpy(first.copy()),
        pixels.astype(np.float32) / 255,
        na.images(pixels),
        na.images(pixels, normalize=((0.1, 0.2, 0.3), (0.4, 0.5, 3.0))),
        na.images(tmp_path / "all"),
        tmp_path / "pixels.npz",
    ]
    for source in sources:
        assert np.array_equal(read_trainset(source).pixels.numpy(), first)
    labels = [each % 2 for each in range(30)]
    assert len({read_trainset(source, labels).digest() for source in sources}) == 1


def test_the_digest_knows_pixels_order_and_labels(pixels):
    base = read_trainset(pixels, np.arange(30) % 3)
    others = [
        read_trainset(pixels),
        read_trainset(pixels, np.arange(30) % 2),
        read_trainset(pixels[::-1], np.arange(30) % 3),
        read_trainset(pixels.transpose(0, 2, 1, 3), np.arange(30) % 3),
    ]
    assert len({each.digest() for each in (base, *others)}) == 5
    assert base.digest() == read_trainset(pixels.copy(), list(np.arange(30) % 3)).digest()


def test_resizing_and_changes_of_a_set_count(pixels):
    stimuli = na.images(pixels, size=4, crop=4).changed(lambda block, _: 255 - block, {"step": "invert"})
    plain = read_trainset(na.images(pixels, size=4, crop=4))
    assert tuple(plain.pixels.shape) == (30, 3, 4, 4)
    assert int((read_trainset(stimuli).pixels.int() + plain.pixels.int() - 255).abs().max()) <= 1


@pytest.mark.parametrize("kind", ["<U3", "int64"])
def test_codes_and_a_held_out_tenth(pixels, kind):
    labels = (np.arange(30) % 3 * 5).astype(kind)
    whole = read_trainset(pixels, labels)
    assert whole.codes(np.unique(labels)).tolist() == np.unique(labels, return_inverse=True)[1].tolist()
    learned, told = split(whole, None, 0)
    assert (len(learned), len(told)) == (27, 3)
    together = {
        image.numpy().tobytes(): label
        for part in (learned, told)
        for image, label in zip(part.pixels, part.labels, strict=True)
    }
    assert together == {image.numpy().tobytes(): label for image, label in zip(whole.pixels, whole.labels, strict=True)}
    again, other = split(whole, None, 0)[1], split(whole, None, 1)[1]
    assert told.digest() == again.digest() != other.digest()
    assert split(whole, told, 0) == (whole, told)


def test_nothing_is_held_out_without_labels(pixels):
    whole = read_trainset(pixels)
    assert split(whole, None, 0) == (whole, None)
    assert whole.codes(np.arange(2)) is None


def test_what_cannot_be_learned_from(pixels):
    with pytest.raises(na.InputError, match=r"labels of images have shape \(29,\), but there are 30 images"):
        read_trainset(pixels, np.zeros(29))
    normal = na.images(pixels, transform=lambda image: image.float() - 100)
    with pytest.raises(na.InputError, match=r"must hold pixels in 0\.\.1, not -100 to 155"):
        read_trainset(normal)
    with pytest.raises(na.InputError, match="cannot read images from int"):
        read_trainset(3)
