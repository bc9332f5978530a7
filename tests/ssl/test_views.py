"""Whole views: against the same steps done image by image with torchvision, and what they may not depend on."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import interpolate
from torchvision.transforms import functional as tvf

from neuroalpha.errors import InputError
from neuroalpha.ssl import crops, views
from neuroalpha.ssl.blur import kernel_size
from neuroalpha.ssl.recipes import Recipe, list_recipes
from neuroalpha.ssl.views import Views


def pixels(n: int = 8, height: int = 32, width: int = 32, seed: int = 0) -> Tensor:
    """Smooth pictures, lest a crop of noise is grey all over."""
    coarse = torch.rand((n, 3, 4, 4), generator=torch.Generator().manual_seed(seed))
    return (255 * interpolate(coarse, (height, width), mode="bicubic").clamp(0, 1)).to(torch.uint8)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def one_by_one(images: Tensor, recipe: Recipe, size: int, seed: int, view: int) -> Tensor:
    """The recipe with torchvision's functionals, from the numbers that Views draws."""
    uniform = torch.rand((len(images), crops.NUMBERS + 10), generator=generator(seed))
    names = ("flip", "jitter", "brightness", "contrast", "saturation", "hue", "grey", "blur", "sigma", "solarize")
    result = []
    for image, numbers in zip(images, uniform, strict=True):
        u = dict(zip(names, numbers[-10:].tolist(), strict=True))
        if recipe.scale is not None:
            box = crops.random_boxes(numbers[None, :-10], *image.shape[1:], recipe.scale, recipe.ratio)
            top, left, tall, wide = (int(side) for side in box)
            x = image[:, top : top + tall, left : left + wide]
        elif recipe.shift:
            top, left, _, _ = (int(side) for side in crops.shifted_boxes(numbers[None, :-10], 32, 32, recipe.shift))
            x = torch.nn.functional.pad(image, (4, 4, 4, 4))[:, top + 4 : top + 36, left + 4 : left + 36]
        else:
            x = image
        x = interpolate(x[None].float() / 255, (size, size), mode="bilinear", antialias=True)[0]
        if u["flip"] < recipe.flip:
            x = tvf.hflip(x)
        if u["jitter"] < recipe.jitter:
            x = tvf.adjust_brightness(x, 1 + recipe.brightness * (2 * u["brightness"] - 1))
            x = tvf.adjust_contrast(x, 1 + recipe.contrast * (2 * u["contrast"] - 1))
            x = tvf.adjust_saturation(x, 1 + recipe.saturation * (2 * u["saturation"] - 1))
            x = tvf.adjust_hue(x, recipe.hue * (2 * u["hue"] - 1))
        if u["grey"] < recipe.grey:
            x = tvf.rgb_to_grayscale(x, 3)
        if u["blur"] < recipe.blur[view % len(recipe.blur)]:
            sigma = recipe.sigma[0] + (recipe.sigma[1] - recipe.sigma[0]) * u["sigma"]
            x = tvf.gaussian_blur(x, kernel_size(size), sigma)
        if u["solarize"] < recipe.solarize[view % len(recipe.solarize)]:
            x = tvf.solarize(x, 0.5)
        result.append(tvf.normalize(x, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    return torch.stack(result)


@pytest.mark.parametrize(
    ("name", "size", "strength"),
    [("simclr", 32, 1.0), ("simclr", 32, 0.3), ("simclr", 96, 2.5), ("isoloss", 32, 1.0), ("isoloss", 96, 1.0),
     ("weak", 32, 1.0), ("none", 24, 1.0)],
)  # fmt: skip
def test_views_are_those_made_image_by_image(name: str, size: int, strength: float) -> None:
    images = pixels(24)
    made = Views(size, recipe=name, strength=strength)
    for view in (0, 1):
        expected = one_by_one(images, made.recipe, size, 5, view)
        # A hair's breadth at the threshold is another side of it after solarisation, and 1 - .5 is .5 all the same.
        torch.testing.assert_close(made(images, generator(5), view), expected, atol=2e-4, rtol=0)


@pytest.mark.parametrize("name", list_recipes())
def test_views_follow_the_seed(name: str) -> None:
    made, images = Views(recipe=name), pixels(16)
    first = made(images, generator(1))
    assert first.shape == (16, 3, 32, 32)
    assert first.dtype == torch.float32
    assert first.isfinite().all()
    assert torch.equal(first, made(images, generator(1)))
    assert torch.equal(first, made(images, generator(2))) == (name == "none")
    assert torch.equal(images, pixels(16))


def test_the_global_random_state_is_left_alone() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    Views()(pixels(), generator())
    assert torch.equal(before, torch.get_rng_state())


@settings(max_examples=15)
@given(st.integers(1, 40), st.sampled_from([1, 7, 16, 64]))
def test_work_in_parts_changes_nothing(n: int, chunk: int) -> None:
    images = pixels(n)
    whole = Views(recipe="isoloss")(images, generator(), 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(views, "CHUNK", chunk)
        parts = Views(recipe="isoloss")(images, generator(), 1)
    torch.testing.assert_close(parts, whole, atol=1e-5, rtol=0)


def test_images_have_parameters_of_their_own() -> None:
    same = pixels(1).expand(32, 3, 32, 32)
    made = Views()(same, generator())
    assert len({tuple(view.flatten()[:64].tolist()) for view in made}) == 32


def test_strength_0_leaves_the_image_and_its_mirror() -> None:
    images = pixels(40)
    made = Views(strength=0.0, normalize=None)
    plain = made.clean(images)
    got = made(images, generator())
    mirrored = [not torch.allclose(a, b, atol=1e-5) for a, b in zip(got, plain, strict=True)]
    assert 8 < sum(mirrored) < 32
    for is_mirrored, a, b in zip(mirrored, got, plain, strict=True):
        torch.testing.assert_close(a, b.flip(2) if is_mirrored else b, atol=1e-5, rtol=0)


def test_shares_of_images_are_those_of_the_recipe() -> None:
    images = pixels(1).expand(2000, 3, 32, 32)
    only = {"scale": None, "jitter": 0.0, "flip": 0.0, "grey": 0.0}
    plain = Views(recipe="none", normalize=None).clean(images[:1])
    for change, chance in (
        ({"grey": 0.2}, 0.2),
        ({"flip": 0.5}, 0.5),
        ({"solarize": (0.0, 0.2)}, 0.2),
        ({"jitter": 0.8}, 0.8),
    ):
        made = Views(recipe=Recipe("own", **{**only, **change}), normalize=None)(images, generator(), 1)  # type: ignore[arg-type]
        changed = ((made - plain).abs().amax((1, 2, 3)) > 1e-3).float().mean()
        assert float(changed) == pytest.approx(chance, abs=4 * (chance * (1 - chance) / 2000) ** 0.5)


def test_clean_images_are_only_normalised() -> None:
    images = pixels()
    expected = tvf.normalize(images.float() / 255, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    torch.testing.assert_close(Views().clean(images), expected)
    smaller = interpolate(images.float() / 255, (20, 20), mode="bilinear", antialias=True)
    torch.testing.assert_close(Views(20, normalize=None).clean(images), smaller, atol=1e-5, rtol=0)
    torch.testing.assert_close(
        Views(normalize=((0.5,) * 3, (0.25,) * 3)).clean(images), (images.float() / 255 - 0.5) / 0.25
    )


def test_half_precision_around_them_does_not_reach_the_pixels() -> None:
    images, made = pixels(), Views()
    with torch.autocast("cpu", torch.bfloat16):
        got = made(images, generator())
    assert torch.equal(got, made(images, generator()))


def test_no_images() -> None:
    assert Views()(pixels()[:0], generator()).shape == (0, 3, 32, 32)


def test_preprocessing_tells_all_numbers() -> None:
    told = json.loads(json.dumps(Views(96, recipe="isoloss").preprocessing()))
    assert [step["step"] for step in told] == ["rgb", "scale", "views", "normalize"]
    assert told[2]["size"] == 96
    assert told[2]["name"] == "isoloss"
    assert told[2]["scale"] == [0.08, 1.0]
    assert told[2]["kernel_size"] == 9
    assert told[-1]["mean"] == [0.485, 0.456, 0.406]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Views(0), "size is 0; expected a whole number of at least 1"),
        (lambda: Views(recipe="simclr2"), "no recipe of views 'simclr2'; did you mean 'simclr'"),
        (lambda: Views(recipe=3), "no recipe of views 3"),
        (lambda: Views(strength=3.0), "strength is 3.0; expected a number from 0 to 2.5"),
        (lambda: Views(normalize="imagenette"), "no normalisation 'imagenette'"),
        (lambda: Views()(pixels().float(), generator()), r"uint8 tensor \(n, 3, H, W\).*not of a torch.float32 tensor"),
        (lambda: Views()(pixels()[0], generator()), r"not of a torch.uint8 tensor \(3, 32, 32\)"),
        (lambda: Views()(pixels().permute(0, 2, 3, 1), generator()), r"\(8, 32, 32, 3\); move the colours"),
        (lambda: Views().clean(pixels().numpy()), "not of ndarray"),
        (lambda: Views()(pixels(), 3), "generator is int; give a torch.Generator"),
        (lambda: Views()(pixels().to("meta"), generator()), "generator is on cpu, the pixels on meta"),
    ],
)
def test_bad_input_is_told(call: Any, message: str) -> None:
    with pytest.raises(InputError, match=message) as told:
        call()
    assert "\n" not in str(told.value)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu() -> None:
    images = pixels(64).cuda()
    made = Views(recipe="isoloss")
    got = made(images, torch.Generator("cuda").manual_seed(0), 1)
    assert got.is_cuda
    assert torch.equal(got, made(images, torch.Generator("cuda").manual_seed(0), 1))
