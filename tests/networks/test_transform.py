"""From pixels to what a network sees, each step as torchvision or plain arithmetic does it."""

from __future__ import annotations

import pytest
import torch
from torchvision.transforms import v2

from neuroalpha.errors import InputError
from neuroalpha.networks.transform import NORMALIZATIONS, make_transform


def test_against_torchvision():
    image = torch.randint(0, 255, (3, 40, 60), dtype=torch.uint8)
    ours = make_transform(32, 24, "imagenet", None)
    mean, sd = NORMALIZATIONS["imagenet"]
    theirs = v2.Compose(
        [
            v2.ToDtype(torch.float32, scale=True),
            v2.Resize(32, antialias=True),
            v2.CenterCrop(24),
            v2.Normalize(list(mean), list(sd)),
        ]
    )
    torch.testing.assert_close(ours.many(ours.one(image, "x")[None])[0], theirs(image), atol=1e-5, rtol=1e-5)
    assert [step["step"] for step in ours.steps] == ["rgb", "scale", "resize", "centre_crop", "normalize"]


def test_own_transform_is_recorded_by_name():
    made = make_transform(None, None, None, torch.flip)
    assert made.steps[0]["step"] == "transform"
    assert "0x" not in str(make_transform(None, None, None, v2.Resize(3)).steps)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, None, None, None), "size= is a number of pixels"),
        ((None, (3, -1), None, None), "crop= is a number of pixels"),
        ((None, None, "imagenett", None), "did you mean 'imagenet'"),
        ((None, None, ((0, 0, 0), (1, 1, 0)), None), "three positive standard deviations"),
        ((8, None, None, torch.flip), "takes the place of"),
    ],
)
def test_bad_options(arguments, message):
    with pytest.raises(InputError, match=message):
        make_transform(*arguments)


def test_bad_pixels():
    made = make_transform(None, 50, "imagenet", None)
    with pytest.raises(InputError, match="cannot crop 50 x 50 pixels from the cat"):
        made.one(torch.zeros(3, 8, 8), "the cat")
    with pytest.raises(InputError, match=r"outside 0\.\.1"):
        made.one(torch.full((3, 60, 60), 200.0), "x")
    with pytest.raises(InputError, match="not finite"):
        made.one(torch.full((3, 60, 60), float("nan")), "x")
