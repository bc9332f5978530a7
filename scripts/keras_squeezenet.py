"""SqueezeNet 1.1 with ImageNet weights from a Keras file (height, width, in, out), as torchvision's network.

Used by other scripts, and by plans: code = "keras_squeezenet.py:imagenet", options = { weights = "FILE.h5" }.
"""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import torch

import neuroalpha as na

FIRE = {2: 3, 3: 4, 4: 6, 5: 7, 6: 9, 7: 10, 8: 11, 9: 12}  # the paper's fire modules and torchvision's positions
# The weights come from Caffe: channels BGR, pixel values 0..255 less these means (here RGB, on a scale of 1).
MEAN, SD = (123.68 / 255, 116.779 / 255, 103.939 / 255), (1 / 255, 1 / 255, 1 / 255)


def keras_squeezenet(path: str | Path) -> torch.nn.Module:
    """Fill torchvision's SqueezeNet 1.1 with Keras kernels; the classifier, which the file lacks, stays random."""
    model = na.load_model("torchvision:squeezenet1_1", weights=None)
    with h5py.File(path, "r") as file:

        def convolution(group: str) -> tuple[torch.Tensor, torch.Tensor]:
            arrays: list[np.ndarray] = []
            file[group].visititems(lambda _, node: arrays.append(node[()]) if isinstance(node, h5py.Dataset) else None)
            kernel = next(a for a in arrays if a.ndim == 4)
            bias = next(a for a in arrays if a.ndim == 1)
            return torch.from_numpy(kernel.transpose(3, 2, 0, 1).copy()), torch.from_numpy(bias)

        state = model.state_dict()
        kernel, state["features.0.bias"] = convolution("conv1")
        state["features.0.weight"] = kernel.flip(1)  # BGR to RGB
        for fire, position in FIRE.items():
            for part in ("squeeze", "expand1x1", "expand3x3"):
                name = "squeeze1x1" if part == "squeeze" else part
                key = f"features.{position}.{part}"
                state[f"{key}.weight"], state[f"{key}.bias"] = convolution(f"fire{fire}/{name}")
    model.load_state_dict(state)
    return model


def preprocess(image: torch.Tensor) -> torch.Tensor:
    """What the network was trained on: the middle of the image, as it is, less the mean colour."""
    height, width = image.shape[-2:]
    top, left = (height - 224) // 2, (width - 224) // 2
    middle = image[..., top : top + 224, left : left + 224].float()
    return middle - 255 * torch.tensor(MEAN).view(3, 1, 1)


def imagenet(weights: str) -> tuple[torch.nn.Module, object]:
    """For a plan: the network and its preprocessing."""
    return keras_squeezenet(weights), preprocess
