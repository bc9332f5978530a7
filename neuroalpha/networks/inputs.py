"""What may be shown to a network: an ImageSet, anything that makes one, or a tensor that is taken as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from torch import Tensor

from neuroalpha.assembly import numbered
from neuroalpha.errors import InputError
from neuroalpha.networks.images import ImageSet, images


class Stimuli(Protocol):
    """The part of :class:`~neuroalpha.networks.images.ImageSet` that running a network needs."""

    stimulus_id: np.ndarray
    identifier: str

    def __len__(self) -> int: ...

    @property
    def preprocessing(self) -> list[dict[str, Any]]:
        """What is done to each input, step by step."""
        ...

    @property
    def label(self) -> np.ndarray | None:
        """One for each input, if known."""
        ...

    @property
    def concurrent(self) -> bool:
        """Whether the next batch may be read in another thread."""
        ...

    def batch(self, start: int, stop: int) -> Tensor:
        """Inputs ``start`` to ``stop`` (exclusive)."""
        ...


class TensorStimuli:
    """A tensor (n, ...) that the model takes as it is: normalised by its owner, or no images at all."""

    label = None
    concurrent = False
    identifier = "tensor"

    def __init__(self, values: Tensor) -> None:
        if values.ndim < 2:
            raise InputError(f"inputs have shape (n, ...), for images (n, 3, H, W), not {tuple(values.shape)}")
        if len(values) == 0:
            raise InputError("there are no images: the tensor is empty")
        self.values = values.detach()
        self.stimulus_id = numbered("image", len(values))
        self.preprocessing: list[dict[str, Any]] = [{"step": "as_given"}]

    def __len__(self) -> int:
        return len(self.values)

    def batch(self, start: int, stop: int) -> Tensor:
        """A view of the tensor."""
        return self.values[start:stop]


def as_stimuli(source: Any, preprocess: Callable[[Any], Any] | None = None) -> Stimuli:
    """Take an ImageSet or a tensor as it is; make an ImageSet with its defaults from everything else.

    With ``preprocess``, a function from one image as it was read (uint8 or float tensor (3, H, W)) to what the model
    takes, everything becomes an ImageSet with that function: it takes the place of an ImageSet's own preprocessing, and
    a tensor (n, 3, H, W) counts as images too, no longer as inputs that are ready.

    Examples
    --------
    >>> as_stimuli(np.zeros((2, 8, 8), np.uint8), lambda image: image / 255 - 0.5).batch(0, 1).unique()
    tensor([-0.5000])
    """
    if preprocess is None:
        if isinstance(source, ImageSet):
            return source
        return TensorStimuli(source) if isinstance(source, Tensor) else images(source)
    if not callable(preprocess):
        raise InputError(
            f"preprocess= must be a function from one image (tensor (3, H, W)) to a tensor, not "
            f"{type(preprocess).__name__}"
        )
    if isinstance(source, ImageSet):
        return source.with_preprocessing(transform=preprocess)
    return images(source, transform=preprocess)
