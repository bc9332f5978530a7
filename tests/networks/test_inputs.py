"""What may be shown to a network."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neuroalpha.errors import InputError
from neuroalpha.networks.images import ImageSet, images
from neuroalpha.networks.inputs import TensorStimuli, as_stimuli


def test_tensors_are_taken_as_they_are():
    x = torch.randn(5, 7, requires_grad=True)
    stimuli = as_stimuli(x)
    assert isinstance(stimuli, TensorStimuli)
    assert stimuli.stimulus_id.tolist() == [f"image{i}" for i in range(5)]
    torch.testing.assert_close(stimuli.batch(1, 3), x[1:3].detach())
    assert not stimuli.batch(0, 1).requires_grad


def test_everything_else_becomes_an_image_set():
    made = images(np.zeros((3, 8, 8), np.uint8))
    assert as_stimuli(made) is made
    assert isinstance(as_stimuli(np.zeros((3, 8, 8, 3), np.uint8)), ImageSet)


@pytest.mark.parametrize(("x", "message"), [(torch.zeros(3), "inputs have shape"), (torch.zeros(0, 3), "is empty")])
def test_bad_tensors(x, message):
    with pytest.raises(InputError, match=message):
        as_stimuli(x)


@pytest.mark.parametrize("form", ["array", "tensor", "set"])
def test_preprocess_is_applied_to_each_image_as_it_was_read(form):
    pixels = np.random.default_rng(0).integers(0, 256, (4, 6, 5, 3), dtype=np.uint8)
    source = {
        "array": pixels,
        "tensor": torch.from_numpy(pixels).permute(0, 3, 1, 2),
        "set": images(pixels, size=3, label=[3, 1, 2, 0], identifier="four"),
    }[form]
    stimuli = as_stimuli(source, preprocess=lambda image: image.float().flip(1) - 7)
    expected = torch.from_numpy(pixels).permute(0, 3, 1, 2).float().flip(2) - 7
    assert torch.equal(stimuli.batch(0, 4), expected)
    assert [step["step"] for step in stimuli.preprocessing] == ["transform"]
    if form == "set":
        assert stimuli.label.tolist() == [3, 1, 2, 0]
        assert stimuli.identifier == "four"
        assert source.batch(0, 1).shape == (1, 3, 3, 3)


def test_preprocess_must_be_a_function_and_needs_images():
    with pytest.raises(InputError, match=r"preprocess= must be a function .*, not str"):
        as_stimuli(np.zeros((2, 4, 4), np.uint8), "imagenet")
    with pytest.raises(InputError, match=r"images of shape \(5, 7\)"):
        as_stimuli(torch.zeros(5, 7), lambda image: image)
