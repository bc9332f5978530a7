"""Corrupted copies that are kept: the same pixels, made once."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import neuroalpha as na
from neuroalpha.tasks import corrupted as room

PIXELS = np.random.default_rng(0).integers(0, 256, (12, 24, 24, 3), dtype=np.uint8)


@pytest.fixture(autouse=True)
def _empty(monkeypatch):
    monkeypatch.setattr(room, "_copies", {})


@pytest.fixture
def made(monkeypatch):
    """Count the images that are corrupted."""
    from neuroalpha.tasks.corruptions import corrupt

    counts = []
    true = corrupt.corrupt

    def counting(pixels, *given, **named):
        counts.append(len(pixels))
        return true(pixels, *given, **named)

    monkeypatch.setattr(corrupt, "corrupt", counting)
    return counts


def shown(**options):
    return na.images(PIXELS, **options)


def test_pixels_are_those_of_corrupt():
    changed = room.corrupted(shown(normalize=None), "d", "shot_noise", 3, 7)
    expected = na.corrupt(PIXELS, "shot_noise", 3, seed=7)
    got = torch.cat([changed.batch(0, 5), changed.batch(5, 12)]).permute(0, 2, 3, 1).numpy() * 255
    np.testing.assert_array_equal(got.round().astype(np.uint8), expected)
    assert changed.preprocessing[-1] == {"step": "corrupt", "kind": "shot_noise", "severity": 3, "seed": 7}


def test_corruption_comes_before_normalising():
    changed = room.corrupted(shown(), "d", "fog", 1, 0)
    assert [step["step"] for step in changed.preprocessing] == ["rgb", "scale", "corrupt", "normalize"]
    plain = room.corrupted(shown(normalize=None), "d", "fog", 1, 0).batch(0, 12)
    mean, sd = (torch.tensor(v).view(3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    torch.testing.assert_close(changed.batch(0, 12), (plain - mean) / sd)


def test_made_once(made):
    for normalize in ("imagenet", None, "cifar"):  # what comes after does not matter
        changed = room.corrupted(shown(normalize=normalize), "d", "fog", 1, 0)
        changed.batch(0, 8)
        changed.batch(8, 12)
    assert sum(made) == 12


@pytest.mark.parametrize("other", [("e", "fog", 1, 0), ("d", "snow", 1, 0), ("d", "fog", 2, 0), ("d", "fog", 1, 1)])
def test_what_matters_is_made_anew(made, other):
    first = room.corrupted(shown(), "d", "fog", 1, 0).batch(0, 12)
    second = room.corrupted(shown(), *other).batch(0, 12)
    assert sum(made) == 24
    assert other[0] == "e" or not torch.equal(first, second)


def test_other_sizes_are_made_anew(made):
    room.corrupted(shown(), "d", "fog", 1, 0).batch(0, 12)
    assert room.corrupted(shown(size=32), "d", "fog", 1, 0).batch(0, 12).shape[-1] == 32
    assert sum(made) == 24


def test_what_does_not_fit_is_not_kept(made, monkeypatch):
    monkeypatch.setattr(room, "MOST_BYTES", PIXELS.size - 1)
    changed = room.corrupted(shown(), "d", "fog", 1, 0)
    assert torch.equal(changed.batch(0, 12), changed.batch(0, 12))
    assert sum(made) == 24


def test_own_preprocessing_sees_corrupted_pixels():
    seen = []

    def own(image):
        seen.append(image.clone())
        return image.float() / 255

    changed = room.corrupted(shown(normalize="imagenet").with_preprocessing(transform=own), "d", "fog", 2, 0)
    changed.batch(0, 3)
    expected = na.corrupt(PIXELS[:3], "fog", 2, seed=0)
    np.testing.assert_array_equal(torch.stack(seen).permute(0, 2, 3, 1).numpy(), expected)


def test_images_are_changed_once_only():
    changed = room.corrupted(shown(), "d", "fog", 1, 0)
    with pytest.raises(na.InputError, match="changed already"):
        room.corrupted(changed, "d", "fog", 1, 0)
