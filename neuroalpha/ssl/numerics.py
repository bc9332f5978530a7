"""How numbers are computed while a network trains: precision, and kernels that repeat themselves."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from neuroalpha.errors import InputError


def choose_device(name: str) -> torch.device:
    """The device by name; of an empty one a GPU where there is one.

    Examples
    --------
    >>> choose_device("cpu")
    device(type='cpu')
    """
    if not name:
        return torch.device("cuda", torch.cuda.current_device()) if torch.cuda.is_available() else torch.device("cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:  # torch built without CUDA raises the latter
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(f"the device {name!r} cannot be used here: {reason}; 'cpu' always can") from error
    if device.type == "cuda" and device.index is None:
        device = torch.device("cuda", torch.cuda.current_device())
    return device


def choose_precision(name: str, device: torch.device) -> str:
    """``float32`` or ``bfloat16``; ``auto`` takes the latter where the processor multiplies it natively.

    Examples
    --------
    >>> choose_precision("float32", torch.device("cpu"))
    'float32'
    """
    if name != "auto":
        return name
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    # Without such instructions bfloat16 is emulated, which is several times slower than float32. These two questions
    # have no public form; where a release of torch does not answer them, float32 is safe.
    asked = (getattr(torch.cpu, each, None) for each in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    native = device.type == "cpu" and any(ask is not None and ask() for ask in asked)
    return "bfloat16" if native else "float32"


@contextmanager
def repeatable(device: torch.device, wanted: bool) -> Iterator[None]:
    """Deterministic kernels for a while; what a GPU has none of runs all the same and is told by torch, once."""
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    benchmark = torch.backends.cudnn.benchmark
    memory: Any = torch.utils.deterministic
    filled = memory.fill_uninitialized_memory
    if device.type == "cuda":
        if wanted:  # cuBLAS sums in a fixed order only with a work space of its own; read when it starts
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.backends.cudnn.benchmark = not wanted
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("once", message=".*does not have a deterministic implementation.*")
            torch.use_deterministic_algorithms(wanted or device.type == "cpu", warn_only=device.type != "cpu")
            memory.fill_uninitialized_memory = False  # a search for faults in kernels, at the price of some time
            yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        torch.backends.cudnn.benchmark, memory.fill_uninitialized_memory = benchmark, filled
