"""A model in evaluation mode on a device, for a while: everything is put back as it was found, also after an error."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from neuroalpha.errors import InputError

logger = logging.getLogger("neuroalpha")


def as_device(device: str | torch.device | None, model: nn.Module) -> torch.device:
    """The device to run on; None means where the model is.

    Raises
    ------
    InputError
        For a device that this machine does not have, or a model spread over several that is asked to move.
    """
    homes = {tensor.device for tensor in _tensors(model)}
    if device is None:
        return next(iter(_tensors(model))).device if homes else torch.device("cpu")
    if len(homes) > 1:
        raise InputError(f"the model lies on several devices ({', '.join(sorted(map(str, homes)))}); leave device=None")
    try:
        wanted = torch.device(device)
        torch.empty(0, device=wanted)
    except (RuntimeError, AssertionError) as error:  # torch built without CUDA raises the latter
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(
            f"the device {str(device)!r} cannot be used here: {reason}; device='cpu' always can"
        ) from error
    return wanted


def input_dtype(model: nn.Module) -> torch.dtype:
    """The floating type of the model's weights, which its inputs must share."""
    return next((tensor.dtype for tensor in _tensors(model) if tensor.is_floating_point()), torch.float32)


@contextmanager
def evaluating(model: nn.Module, device: torch.device) -> Iterator[None]:
    """Evaluation mode on a device, with float32 products that are really float32.

    Training flags are kept module by module, since a model may have been half frozen. Gradients are switched off where
    the model is called, not here; ``requires_grad`` is never touched.
    """
    if any(nn.parameter.is_lazy(parameter) for parameter in model.parameters()):
        raise InputError(f"{type(model).__name__} has lazy parameters without a shape; run it once on a batch first")
    for name, module in model.named_modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.running_mean is None:
            logger.warning("%s has no running statistics: its output depends on which images share a batch", name)
    flags = [(module, module.training) for module in model.modules()]
    homes = {tensor.device for tensor in _tensors(model)}
    moved = bool(homes) and homes != {device} and len(homes) == 1
    try:
        model.eval()
        if moved:
            model.to(device)
        with _full_precision(device):
            yield
    finally:
        for module, training in flags:
            module.training = training
        if moved:
            model.to(next(iter(homes)))


@contextmanager
def _full_precision(device: torch.device) -> Iterator[None]:
    """Switch TF32 off, which keeps 10 of 23 bits and is torch's default for convolutions on recent GPUs.

    Alpha is read from small eigenvalues, and the same model should give the same ones on every device.
    """
    if device.type != "cuda":
        yield
        return
    backends: Any = torch.backends
    # torch >= 2.9 has a new switch, which must not be mixed with the old flags.
    new = hasattr(backends.cudnn, "conv")
    switches: list[Any] = [backends.cudnn.conv if new else backends.cudnn, backends.cuda.matmul]
    flag, exact = ("fp32_precision", "ieee") if new else ("allow_tf32", False)
    before = [getattr(switch, flag) for switch in switches]
    try:
        for switch in switches:
            setattr(switch, flag, exact)
        yield
    finally:
        for switch, value in zip(switches, before, strict=True):
            setattr(switch, flag, value)


def _tensors(model: nn.Module) -> Iterator[Tensor]:
    return itertools.chain(model.parameters(), model.buffers())
