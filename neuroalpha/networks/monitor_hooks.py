"""Hooks that stay on a model while it trains: they hand on what chosen layers give, at the moment they give it.

Unlike :func:`~neuroalpha.networks.hooks.trace`, nothing runs for their sake: the model's own first forward pass shows
how often each module runs and what it gives, and the layers get their names at its end.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from neuroalpha._text import first_few
from neuroalpha.errors import InputError, nearest
from neuroalpha.networks.hooks import Output, Trace, first_names, leaves, module_names
from neuroalpha.networks.layers import matches, resolve
from neuroalpha.networks.state import logger

When = Literal["train", "eval", "both"]

Key = tuple[str, int, str]
"""Module, call within a pass, path within the output: what an output is called before its layer has a name."""

_SPEC = re.compile(r"(?P<name>.*?)(?::(?P<call>[\d*?]+))?(?P<path>(?:\[[^\[\]]*\])*)", re.DOTALL)


def unwrap(model: nn.Module) -> nn.Module:
    """The model inside DataParallel, DistributedDataParallel and ``torch.compile``."""
    while True:
        if isinstance(model, nn.DataParallel | nn.parallel.DistributedDataParallel):
            model = model.module
        elif isinstance(inner := getattr(model, "_orig_mod", None), nn.Module):
            model = inner
        else:
            return model


class Watch:
    """Watch layers of a model.

    Parameters
    ----------
    model
        The model, unwrapped.
    specs
        Names of layers, as :func:`~neuroalpha.networks.layers.resolve` takes them.
    when
        Passes of which mode count, by the training flag of the whole model.
    every
        One forward pass in so many is handed on.
    receive
        Called with the key, the layer's name as far as it is known, the tensor, which the model may change later, and
        the step.
    forget
        Called with the key of an output that turns out not to be asked for.

    Attributes
    ----------
    layers : dict of str to Key
        Those known so far, in the order of ``specs``.
    calls : dict of str to int
        How often each module runs within a pass, of the modules that have run.
    step : int
        Forward passes so far, of those that ``when`` names.
    """

    def __init__(
        self,
        model: nn.Module,
        specs: Iterable[str],
        when: When,
        every: int,
        receive: Callable[[Key, str, Tensor, int], None],
        forget: Callable[[Key], object],
    ) -> None:
        self.model, self.specs = model, list(specs)
        self.layers: dict[str, Key] = {}
        self.calls: dict[str, int] = {}
        self.step = 0
        self._when, self._every, self._receive, self._forget = when, every, receive, forget
        self._modules = {name: module for module, name in first_names(model).items()}
        self._specs = _candidates(model, self.specs)
        self._places: dict[str, int] = {}
        self._met: set[str] = set()
        self._complete = False
        self._told: set[str] = set()
        self._handles: list[RemovableHandle] = []
        self._reset()

    def _reset(self) -> None:
        self._so_far: Counter[str] = Counter()
        self._outputs: dict[str, list[Output]] = {}
        self._inside = False
        self._batch: int | None = None

    @property
    def attached(self) -> bool:
        """Whether the hooks are on the model."""
        return bool(self._handles)

    def attach(self) -> None:
        """Put the hooks on."""
        if self.attached:
            return
        self._reset()
        for name in self._specs:
            self._handles.append(self._modules[name].register_forward_hook(_Hook(self._on_output(name))))
        self._handles.append(self.model.register_forward_pre_hook(_Hook(self._on_begin), with_kwargs=True))
        self._handles.append(self.model.register_forward_hook(_Hook(self._on_end)))

    def detach(self) -> None:
        """Take the hooks away."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def resume(self, step: int, layers: Mapping[str, Key], calls: Mapping[str, int]) -> None:
        """Take over what an earlier run found, so that no first pass is needed."""
        missing = [layer for layer, (module, _, _) in layers.items() if module not in self._specs]
        if missing:
            raise InputError(f"the state holds layers that this model does not have: {first_few(missing)}")
        self.step, self.layers, self.calls = step, dict(layers), dict(calls)
        self._complete = bool(layers)

    def _listens(self, module: nn.Module, mine: nn.Module) -> bool:
        """Whether a call counts: by mode, not one of a checkpoint's second forward pass, not one of a copy."""
        if self._when != "both" and self.model.training != (self._when == "train"):
            return False
        if torch._C._current_graph_task_id() != -1:  # within a backward pass
            return False
        if getattr(module, "_is_replica", False):  # DataParallel: the first GPU's share of each batch
            return torch.cuda.current_device() == next(mine.parameters()).device.index
        return module is mine

    def _on_begin(self, module: nn.Module, inputs: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        if self._listens(module, self.model):
            self._next_pass()
            self._inside, self._batch = True, _batch_size(inputs, keywords)

    def _on_end(self, module: nn.Module, inputs: Any, result: Any) -> None:
        if not self._inside or not self._listens(module, self.model):
            return
        self._inside = False
        for name in list(self._outputs):
            self._settle(name)
        if not self._complete:
            self._check_found()
            self._complete = True

    def _on_output(self, name: str) -> Callable[[nn.Module, Any, Any], None]:
        mine = self._modules[name]

        def hook(module: nn.Module, inputs: Any, result: Any) -> None:
            if not self._listens(module, mine):
                return
            if not self._inside and (self._so_far[name] or not self._so_far):
                self._next_pass()  # a part of the model was called by itself: each of its calls is a pass
            call = self._so_far[name]
            self._so_far[name] += 1
            known = name in self.calls
            if known and call >= self.calls[name]:
                self._tell(f"{name} runs more often in a forward pass than in the first one; what is more is left out")
                return
            if not known:
                self._outputs.setdefault(name, [])
            for path, tensor in leaves(result):
                output = Output(name, call, path, tuple(tensor.shape), _fault(tensor, self._batch))
                if not known:
                    self._outputs[name].append(output)
                if not output.fault and (self.step - 1) % self._every == 0:
                    self._hand_on(output, tensor)
            if not known and not self._inside:
                self._settle(name)

        return hook

    def _next_pass(self) -> None:
        self._so_far.clear()
        self._outputs.clear()
        self._inside, self._batch = False, None
        self.step += 1

    def _hand_on(self, output: Output, tensor: Tensor) -> None:
        key = (output.module, output.call, output.path)
        if output.module in self.calls:
            names = [layer for layer, known in self.layers.items() if known == key]
        else:  # until the pass is over, nobody knows whether the module runs again
            names = [
                output.module + (f":{output.call}" if _parts(spec)[1] else "") + output.path
                for spec in self._specs[output.module]
                if _may_mean(spec, output)
            ]
        if names:
            self._receive(key, names[0], tensor, self.step)

    def _settle(self, name: str) -> None:
        """Give the outputs of one module their names: it has run as often as it does in a pass."""
        outputs = self._outputs.pop(name)
        self.calls[name] = self._so_far[name]
        traced = Trace(tuple(outputs), {name: self.calls[name]})
        for spec in self._specs[name]:
            for layer, output in _meant(self.model, traced, spec).items():
                self._met.add(spec)
                self.layers.setdefault(layer, (name, output.call, output.path))
                self._places.setdefault(layer, self.specs.index(spec))
        self.layers = dict(sorted(self.layers.items(), key=lambda item: self._places.get(item[0], -1)))
        for output in outputs:
            if (key := (name, output.call, output.path)) not in self.layers.values():
                self._forget(key)

    def _check_found(self) -> None:
        """After the first pass of the whole model: everything that was asked for has run."""
        for spec in self.specs:
            if _is_pattern(spec) and spec not in self._met:
                raise InputError(f"no layer matches {spec!r}; there are {first_few(self.layers)}")
            if not _is_pattern(spec) and _module(self.model, spec) not in self.calls:
                raise InputError(
                    f"the layer {spec!r} exists, but the model does not call it as a module, so it has no output to "
                    "record; see neuroalpha.layers(model, example)"
                )

    def _tell(self, message: str) -> None:
        if message not in self._told:
            self._told.add(message)
            logger.warning(message)


class _Hook:
    """A hook that does nothing in copies of the model, neither in memory nor in a file, and that no compiler enters."""

    def __init__(self, call: Callable[..., None] | None = None) -> None:
        self.call = None if call is None else torch.compiler.disable(call)

    def __call__(self, *given: Any) -> None:
        if self.call is not None:
            self.call(*given)

    def __reduce__(self) -> tuple[type[_Hook], tuple[()]]:
        return _Hook, ()


def _candidates(model: nn.Module, specs: list[str]) -> dict[str, list[str]]:
    """The modules that the names may mean, each with those names; says at once which ones mean nothing."""
    if not specs:
        raise InputError("no layers were asked for; see neuroalpha.layers(model, example)")
    firsts = list(first_names(model).values())
    found: dict[str, list[str]] = {}
    for spec in dict.fromkeys(specs):
        names = [name for name in firsts if _fits(name, spec)] if _is_pattern(spec) else [_module(model, spec)]
        if not names:
            raise InputError(f"no layer matches {spec!r}; there are {first_few(firsts)}")
        for name in names:
            found.setdefault(name, []).append(spec)
    return found


def _is_pattern(spec: str) -> bool:
    return any(sign in spec for sign in "*?")


def _parts(spec: str) -> tuple[str, str | None, str]:
    """Name of the module, call and path that a layer's name says."""
    parts = _SPEC.fullmatch(spec)
    assert parts is not None  # the pattern fits every text
    return parts["name"], parts["call"], parts["path"]


def _fits(name: str, pattern: str) -> bool:
    """Whether outputs of this module may have a name that fits the pattern."""
    return matches(name, pattern) or matches(name, _parts(pattern)[0])


def _module(model: nn.Module, spec: str) -> str:
    """First name of the module that a layer's name means."""
    modules = module_names(model)
    base = spec if spec in modules else _parts(spec)[0]
    if base not in modules:
        raise InputError(
            f"there is no layer {spec!r}{nearest(base, modules) or f'; there are {first_few(modules)}'} "
            "(neuroalpha.layers(model, example) lists them)"
        )
    return first_names(model)[modules[base]]


def _may_mean(spec: str, output: Output) -> bool:
    """Whether the name may turn out to mean this output of its module."""
    if _is_pattern(spec):
        return any(matches(f"{output.module}{call}{output.path}", spec) for call in ("", f":{output.call}"))
    _, call, path = _parts(spec)
    return call in (None, str(output.call)) and path in ("", output.path)


def _meant(model: nn.Module, traced: Trace, spec: str) -> dict[str, Output]:
    """The outputs of one module that a name means."""
    if not _is_pattern(spec):
        return resolve(model, traced, [spec])
    return {
        traced.name(output): output
        for output in traced.outputs
        if not output.fault and matches(traced.name(output), spec)
    }


def _fault(tensor: Tensor, batch: int | None) -> str:
    """Why an output cannot be recorded, or an empty string."""
    shape = tuple(tensor.shape)
    if not shape or (batch is not None and shape[0] != batch):
        return f"its shape {shape} does not begin with the number of samples" + f" ({batch})" * (batch is not None)
    return "its values are complex numbers" if tensor.is_complex() else ""


def _batch_size(inputs: tuple[Any, ...], keywords: dict[str, Any]) -> int | None:
    """Number of samples, where the first input is a tensor, or a mapping that begins with one."""
    first = next(iter(inputs or keywords.values()), None)
    first = next(iter(first.values()), None) if isinstance(first, Mapping) else first
    return len(first) if isinstance(first, Tensor) and first.ndim else None
