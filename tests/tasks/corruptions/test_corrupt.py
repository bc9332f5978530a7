from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage

import neuroalpha as na
from neuroalpha.tasks.corruptions.corrupt import corruption_notes

KINDS = na.list_corruptions()
# The published recipes change more than one thing from severity to severity in these, not always for the worse by
# squared difference: elastic moves the whole image less and its parts more, glass blurs more and shuffles less, frost
# keeps less of the image under it.
NOT_MONOTONE = {"elastic_transform", "glass_blur", "frost"}


def pictures(n=6, height=32, width=32, seed=0):
    """Smooth coloured spots over all sizes, something like photographs: uint8 (n, H, W, 3)."""
    rng = np.random.default_rng(seed)
    scene = sum(
        sigma * ndimage.gaussian_filter(rng.standard_normal((n, height, width, 3)), (0, sigma, sigma, 0), mode="wrap")
        for sigma in (0.5, 1, 2, 4, 8)
    )
    return np.clip(128 + 45 * scene / scene.std(), 0, 255).astype(np.uint8)


def test_the_fifteen_kinds():
    assert len(KINDS) == len(set(KINDS)) == 15
    assert set(corruption_notes()) - {"all kinds"} <= set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_shape_type_and_order_are_kept_for_tensors_and_arrays(kind):
    x = pictures(3, 37, 50)
    before = x.copy()
    x.flags.writeable = False  # read-only arrays are fine, and nothing is written into them
    array = na.corrupt(x, kind, 3, seed=4)
    tensor = na.corrupt(torch.tensor(x).permute(0, 3, 1, 2), kind, 3, seed=4)
    assert array.shape == x.shape
    assert array.dtype == np.uint8
    assert tensor.dtype == torch.uint8
    np.testing.assert_array_equal(tensor.permute(0, 2, 3, 1), array)
    np.testing.assert_array_equal(x, before)
    assert not np.array_equal(array, x)
    empty = na.corrupt(x[:0], kind, 3)
    assert empty.shape == (0, 37, 50, 3)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("severity", [1, 5])
def test_the_result_does_not_depend_on_batching(kind, severity):
    x = pictures(24)
    together = na.corrupt(x, kind, severity, seed=1)
    index = np.arange(24)
    for size in (1, 7):
        parts = [na.corrupt(x[at : at + size], kind, severity, 1, index[at : at + size]) for at in range(0, 24, size)]
        np.testing.assert_array_equal(np.concatenate(parts), together)


def test_large_sets_are_worked_on_in_blocks(monkeypatch):
    x = pictures(10)
    whole = {kind: na.corrupt(x, kind, 4) for kind in KINDS}
    monkeypatch.setattr(sys.modules[na.corrupt.__module__], "_BLOCK", 3 * 32 * 32 * 4)
    for kind in KINDS:
        np.testing.assert_array_equal(na.corrupt(x, kind, 4), whole[kind])


@settings(max_examples=25)
@given(
    kind=st.sampled_from(KINDS),
    severity=st.integers(1, 5),
    seed=st.integers(0, 2**40),
    order=st.permutations(range(5)),
    height=st.integers(16, 48),
    width=st.integers(16, 48),
)
def test_images_in_another_order_are_corrupted_the_same(kind, severity, seed, order, height, width):
    x = pictures(5, height, width)
    index = np.array([3, 0, 17, 2**33, 8])
    straight = na.corrupt(x, kind, severity, seed, index)
    np.testing.assert_array_equal(na.corrupt(x[order], kind, severity, seed, index[order]), straight[order])


@pytest.mark.parametrize("kind", KINDS)
def test_the_seed_and_the_index_choose_the_random_numbers(kind):
    x = pictures(1).repeat(2, axis=0)
    made = na.corrupt(x, kind, 4, seed=0)
    np.testing.assert_array_equal(made, na.corrupt(x, kind, 4, seed=0))
    other = na.corrupt(x, kind, 4, seed=1)
    fixed = kind in {"defocus_blur", "zoom_blur", "brightness", "contrast", "pixelate", "jpeg_compression"}
    assert np.array_equal(made, other) == fixed
    assert np.array_equal(made[0], made[1]) == fixed


def test_the_generators_of_torch_and_numpy_are_left_alone():
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    for kind in KINDS:
        na.corrupt(pictures(2), kind, 3)
    assert torch.equal(torch.get_rng_state(), torch_state)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in NOT_MONOTONE])
@pytest.mark.parametrize("recipe", ["cifar", "imagenet"])
def test_the_difference_from_the_clean_image_grows_with_severity(kind, recipe):
    x = pictures(60) if recipe == "cifar" else pictures(12, 112, 112)
    found = [
        np.square(na.corrupt(x, kind, severity, recipe=recipe) - x.astype(float)).mean() for severity in range(1, 6)
    ]
    assert found == sorted(found), found
    assert found[0] > 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [0, 255])
def test_nothing_wraps_around_at_black_and_white(kind, value):
    """Black and white come back near themselves, or from the side that the kind adds: never from the far end."""
    plain = np.full((4, 32, 32, 3), value, np.uint8)
    made = na.corrupt(plain, kind, 1).astype(int)
    lightening = kind in {"brightness", "snow", "frost"}
    if value == 255 and kind not in {"gaussian_noise", "shot_noise", "impulse_noise", "fog"}:
        assert made.min() >= 250
    if value == 0 and kind not in {"gaussian_noise", "impulse_noise"} and not lightening:
        assert made.max() <= 5
    if kind == "gaussian_noise":
        assert abs(made - value).max() < 60


@pytest.mark.parametrize("kind", KINDS)
def test_the_smallest_and_uneven_sizes_work(kind):
    for height, width in ((16, 16), (16, 90), (131, 65)):
        for severity in (1, 5):
            for recipe in ("cifar", "imagenet"):
                made = na.corrupt(pictures(1, height, width), kind, severity, recipe=recipe)
                assert made.shape == (1, height, width, 3)


BAD = [
    (dict(kind="gausian_noise"), "did you mean 'gaussian_noise'"),
    (dict(kind=3), "unknown corruption 3"),
    (dict(severity=0), "severity is 0"),
    (dict(severity=6), r"severity is 6; expected 1 \(mild\) to 5"),
    (dict(severity=2.5), "severity is 2.5"),
    (dict(severity=True), "severity is True"),
    (dict(seed=None), "seed is None"),
    (dict(recipe="cifar100"), "recipe is 'cifar100'"),
    (dict(index=[0]), r"index has shape \(1,\)"),
    (dict(index=[0, -1]), "expected one whole number from 0 up"),
    (dict(index=[0.0, 1.0]), "type float64"),
    (dict(images=np.zeros((2, 32, 32, 3))), "images is float64; expected uint8 from 0 to 255"),
    (dict(images=torch.zeros(2, 3, 32, 32)), "images is float32"),
    (dict(images=np.zeros((32, 32, 3), np.uint8)), r"images\[None\]"),
    (dict(images=np.zeros((2, 32, 32, 1), np.uint8)), "repeat grey images"),
    (dict(images=np.zeros((2, 3, 32, 32), np.uint8)), r"expected a numpy array \(n, H, W, 3\)"),
    (dict(images=torch.zeros(2, 32, 32, 3, dtype=torch.uint8)), r"expected a tensor \(n, 3, H, W\)"),
    (dict(images=np.zeros((2, 15, 40, 3), np.uint8)), "15 x 40 pixels; corruptions need 16 x 16"),
    (dict(images=[[1, 2], [3, 4]]), "images is a list"),
]


@pytest.mark.parametrize(("change", "message"), BAD)
def test_bad_input_is_told_in_one_line(change, message):
    call = {"images": np.zeros((2, 32, 32, 3), np.uint8), "kind": "fog", "severity": 3, **change}
    with pytest.raises(na.InputError, match=message) as told:
        na.corrupt(call.pop("images"), **call)
    assert "\n" not in str(told.value)


def test_real_cifar_images(shared_data: Path):
    path = shared_data / "cifar10" / "lossless_subset.npz"
    if not path.is_file():
        pytest.skip(f"{path} is not here")
    x = np.load(path, allow_pickle=False)["Xte"][:100]
    for kind in KINDS:
        made = [na.corrupt(x, kind, severity) for severity in range(1, 6)]
        found = [np.square(one - x.astype(float)).mean() for one in made]
        assert kind in NOT_MONOTONE or found == sorted(found), (kind, found)
        # A corrupted image is still more like its own clean image than like the others.
        likeness = np.corrcoef(x.reshape(100, -1).astype(float), made[2].reshape(100, -1).astype(float))[:100, 100:]
        assert (likeness.argmax(axis=0) == np.arange(100)).mean() > 0.85, kind


def test_real_imagenette_images(shared_data: Path):
    files = sorted((shared_data / "imagenette224" / "val").glob("*/*"))[::80][:4]
    if not files:
        pytest.skip("imagenette224 is not here")
    x = np.stack([np.asarray(Image.open(file).convert("RGB")) for file in files])
    assert x.shape[1:] == (224, 224, 3)
    for kind in KINDS:
        found = [np.square(na.corrupt(x, kind, severity) - x.astype(float)).mean() for severity in (1, 3, 5)]
        assert kind in NOT_MONOTONE or found == sorted(found), (kind, found)
