"""Corrupted copies that are kept: the same pixels, made once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

import neuroalpha as na
from neuroalpha.tasks import corrupted as room

PIXELS = np.random.default_rng(0).integers(0, 256, (12, 24, 24, 3), dtype=np.uint8)


@pytest.fixture(autouse=True)
def _empty():
    room.forget()
    yield
    room.forget()


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


def test_copies_of_one_set_at_a_time_are_kept(made, monkeypatch):
    monkeypatch.setattr(room, "MOST_BYTES", 2 * PIXELS.size)  # those of both sets would not fit
    for kind in ("fog", "snow", "fog", "snow"):
        room.corrupted(shown(), "d", kind, 1, 0).batch(0, 12)
    assert sum(made) == 24
    for kind in ("fog", "snow", "fog", "snow"):
        room.corrupted(shown(), "e", kind, 1, 0).batch(0, 12)
    assert sum(made) == 48
    room.corrupted(shown(), "d", "fog", 1, 0).batch(0, 12)  # its copies were dropped for those of the other
    assert sum(made) == 60
    room.forget()
    room.corrupted(shown(), "d", "fog", 1, 0).batch(0, 12)
    assert sum(made) == 72


def test_a_copy_in_use_outlives_being_dropped(made):
    expected = room.corrupted(shown(), "d", "fog", 1, 0).batch(0, 12)
    used = room.corrupted(shown(), "d", "fog", 1, 0)
    first = used.batch(0, 5)
    other = room.corrupted(shown(), "e", "fog", 1, 0)
    other.batch(0, 6)
    room.forget()
    assert torch.equal(torch.cat([first, used.batch(5, 12)]), expected)
    other.batch(6, 12)  # nor did the one still in use drop the other's
    assert torch.equal(other.batch(0, 12), expected)
    assert sum(made) == 24


def test_threads_that_show_several_sets_get_the_right_pixels():
    kinds = ("fog", "contrast", "brightness")
    expected = {kind: room.corrupted(shown(), "d", kind, 1, 0).batch(0, 12) for kind in kinds}

    def ask(number):
        kind = kinds[number % 3]
        changed = room.corrupted(shown(), "de"[number % 2], kind, 1, 0)
        return torch.equal(torch.cat([changed.batch(at, at + 4) for at in (0, 4, 8)]), expected[kind])

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(ask, range(36)))


def test_own_preprocessing_sees_corrupted_pixels():
    def own(image):
        assert image.dtype == torch.uint8
        return image.float() + 1  # whole numbers, whichever thread makes them

    changed = room.corrupted(shown(normalize="imagenet").with_preprocessing(transform=own), "d", "fog", 2, 0)
    expected = na.corrupt(PIXELS[:3], "fog", 2, seed=0)
    np.testing.assert_array_equal(changed.batch(0, 3).permute(0, 2, 3, 1).numpy() - 1, expected)


def test_images_are_changed_once_only():
    changed = room.corrupted(shown(), "d", "fog", 1, 0)
    with pytest.raises(na.InputError, match="changed already"):
        room.corrupted(changed, "d", "fog", 1, 0)
