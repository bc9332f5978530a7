"""Forward hooks: one that notes what every module puts out, one that copies what was asked for at the moment it exists.

The copy cannot wait for the end of the forward pass: an in-place operation further on (AlexNet's ReLU, a residual
``+=``) writes into the very memory of the recorded output. Hooks that keep a reference return numbers that the layer
never produced.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from neuroalpha.errors import InputError

ROOT = "output"
"""The name of the whole model's own output, unless one of its modules is called that."""


def leaves(output: Any, path: str = "") -> Iterator[tuple[str, Tensor]]:
    """Walk through tuples, lists and dicts: yields ``("", tensor)``, or ``("[0]", tensor)``, ``("[key]", tensor)``."""
    if isinstance(output, Tensor):
        yield path, output
    elif isinstance(output, Mapping):
        for key, value in output.items():
            yield from leaves(value, f"{path}[{key}]")
    elif isinstance(output, tuple | list):
        for index, value in enumerate(output):
            yield from leaves(value, f"{path}[{index}]")


def module_names(model: nn.Module) -> dict[str, nn.Module]:
    """All names of all modules; a module that is registered twice has two. The model itself is called ``output``."""
    named = dict(model.named_modules(remove_duplicate=False))
    root = named.pop("")
    return named if ROOT in named else {**named, ROOT: root}


def first_names(model: nn.Module) -> dict[nn.Module, str]:
    """Every module once, with the name under which it is recorded."""
    names: dict[nn.Module, str] = {}
    for name, module in module_names(model).items():
        names.setdefault(module, name)
    return names


@dataclass(frozen=True)
class Output:
    """One tensor that one call of one module gave in a traced forward pass."""

    module: str
    call: int
    path: str
    shape: tuple[int, ...]
    fault: str
    """Why it cannot be recorded, or an empty string."""


@dataclass(frozen=True)
class Trace:
    """Every output of one forward pass, in the order in which they were completed."""

    outputs: tuple[Output, ...]
    calls: Mapping[str, int]
    """How often each module ran, by its first name."""

    def name(self, output: Output) -> str:
        """``layer``, ``layer:1`` if the module ran more than once, ``layer[0]`` if it gave a tuple."""
        return output.module + (f":{output.call}" if self.calls[output.module] > 1 else "") + output.path


def trace(model: nn.Module, batch: Tensor) -> Trace:
    """Run the model once, as it stands, and note the outputs of every module.

    Raises
    ------
    InputError
        If the model cannot run on the batch (its own message is passed on).
    """
    outputs: list[Output] = []
    calls: Counter[str] = Counter()

    def watch(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def hook(module: nn.Module, inputs: Any, output: Any) -> None:
            for path, tensor in leaves(output):
                shape = tuple(tensor.shape)
                fault = ""
                if not shape or shape[0] != len(batch):
                    fault = f"its shape {shape} does not begin with the number of images ({len(batch)})"
                elif tensor.is_complex():
                    fault = "its values are complex numbers"
                outputs.append(Output(name, calls[name], path, shape, fault))
            calls[name] += 1

        return hook

    handles = [module.register_forward_hook(watch(name)) for module, name in first_names(model).items()]
    try:
        model(batch)
    except (RuntimeError, AssertionError, ValueError, TypeError, IndexError) as error:  # models check in many ways
        if is_out_of_memory(error) and len(batch) > 1:
            raise
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(
            f"{type(model).__name__} cannot run on inputs of shape {tuple(batch.shape)}: {reason}; check the number of "
            "channels, the size of the images and the memory"
        ) from error
    finally:
        for handle in handles:
            handle.remove()
    return Trace(tuple(outputs), dict(calls))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a smaller batch may help: torch's own error, or what cuBLAS and the CPU allocator say instead."""
    text = str(error)
    return isinstance(error, torch.OutOfMemoryError) or any(
        sign in text for sign in ("out of memory", "CUBLAS_STATUS_ALLOC_FAILED", "can't allocate memory")
    )


Wanted = Sequence[tuple[Output, Callable[[Tensor], Tensor]]]


class Recorder:
    """Record chosen outputs while a model runs; a context manager that takes its hooks away again.

    Parameters
    ----------
    model
        The model.
    wanted
        Outputs of its :func:`trace` and, for each, the function that turns the tensor into what is kept. It is called
        inside the hook and must return memory of its own.
    """

    def __init__(
        self, model: nn.Module, traced: Trace, wanted: Sequence[tuple[Output, Callable[[Tensor], Tensor]]]
    ) -> None:
        self._modules = module_names(model)
        self._traced = traced
        self._wanted = list(wanted)
        self._kept: list[Tensor | None] = []
        self._calls: Counter[str] = Counter()
        self._batch = 0
        self._handles: list[RemovableHandle] = []

    def __enter__(self) -> Recorder:
        for name in dict.fromkeys(output.module for output, _ in self._wanted):
            self._handles.append(self._modules[name].register_forward_hook(self._hook(name)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self._kept.clear()

    def run(self, model: nn.Module, batch: Tensor) -> list[Tensor]:
        """Run the model on a batch and return what was kept, in the order of ``wanted``."""
        self._kept = [None] * len(self._wanted)
        self._calls.clear()
        self._batch = len(batch)
        model(batch)
        for (output, _), kept in zip(self._wanted, self._kept, strict=True):
            if kept is None or self._calls[output.module] != self._traced.calls[output.module]:
                raise InputError(
                    f"{output.module} ran {self._calls[output.module]} times for one batch and "
                    f"{self._traced.calls[output.module]} times for another: its outputs cannot be told apart"
                )
        kept_all, self._kept = self._kept, []
        return [kept for kept in kept_all if kept is not None]

    def _hook(self, name: str) -> Callable[[nn.Module, Any, Any], None]:
        mine = [(place, output, keep) for place, (output, keep) in enumerate(self._wanted) if output.module == name]

        def hook(module: nn.Module, inputs: Any, result: Any) -> None:
            call = self._calls[name]
            self._calls[name] += 1
            tensors = dict(leaves(result)) if any(output.call == call for _, output, _ in mine) else {}
            for place, output, keep in mine:
                if output.call == call and output.path in tensors:
                    tensor = tensors[output.path]
                    if tensor.ndim == 0 or tensor.shape[0] != self._batch or tensor.shape[1:] != output.shape[1:]:
                        raise InputError(
                            f"{self._traced.name(output)} has shape {tuple(tensor.shape)} for {self._batch} images but "
                            f"had {output.shape} for {output.shape[0]}: its size depends on the images"
                        )
                    self._kept[place] = keep(tensor)

        return hook
