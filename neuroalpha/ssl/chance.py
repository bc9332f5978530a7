"""Random numbers as a function of where they are used: a run that goes on needs no state of theirs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

WEIGHTS, PROJECTOR, ORDER, VIEW, STEP, HELD_OUT, SHUFFLE, BANK = range(8)
"""What numbers are for; different purposes never share them."""


def derived(seed: int, *place: int) -> int:
    """A seed (0 to 2^63 - 1) of its own for each place.

    Examples
    --------
    >>> derived(0, VIEW, 3, 1) == derived(0, VIEW, 3, 1), derived(0, VIEW, 3, 1) == derived(0, VIEW, 3, 2)
    (True, False)
    """
    return int(np.random.SeedSequence((seed, *place)).generate_state(1, np.uint64)[0] >> np.uint64(1))


def generator(device: torch.device, seed: int, *place: int) -> torch.Generator:
    """A generator of torch for a place.

    Examples
    --------
    >>> at = (torch.device("cpu"), 0, ORDER, 5)
    >>> bool((torch.randperm(9, generator=generator(*at)) == torch.randperm(9, generator=generator(*at))).all())
    True
    """
    return torch.Generator(device).manual_seed(derived(seed, *place))


def order(n: int, seed: int, epoch: int) -> Tensor:
    """The order (n,) of the images in an epoch, on the CPU."""
    return torch.randperm(n, generator=generator(torch.device("cpu"), seed, ORDER, epoch))


@contextmanager
def own_randomness(device: torch.device) -> Iterator[None]:
    """Torch's own generators are put back afterwards; within, :func:`restart` sets them."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        yield


def restart(device: torch.device, seed: int, *place: int) -> None:
    """Set torch's own generators, for what draws from them: dropout, say."""
    value = derived(seed, *place)
    torch.default_generator.manual_seed(value)
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(value)
