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
