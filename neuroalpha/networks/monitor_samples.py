"""The samples of all watched layers: outputs come in, are reduced to rows, and go into a window each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from neuroalpha.errors import InputError
from neuroalpha.networks.layers import matches
from neuroalpha.networks.monitor_hooks import Key
from neuroalpha.networks.monitor_window import Content, Window
from neuroalpha.networks.reduce import Reduction, make_reduction
from neuroalpha.networks.state import as_device


class Samples:
    """Windows by key; the parameters are those of :class:`~neuroalpha.networks.monitor.AlphaMonitor`."""

    def __init__(
        self,
        last: int,
        reduce: str | Mapping[str, str],
        channels: str | Mapping[str, str],
        seed: int,
        device: str | torch.device | None,
    ) -> None:
        self._last, self._seed = last, seed
        self._reduce, self._channels = _mapping(reduce, "reduce"), _mapping(channels, "channels")
        for how in self._reduce.values():
            make_reduction("", (1, 1, 1), how)  # an output to which all reductions apply: only unknown ones are refused
        for order in self._channels.values():
            make_reduction("", (1, 1, 1), "flatten", order)
        self._device = None if device is None else as_device(device, torch.nn.Identity())
        self._windows: dict[Key, Window] = {}
        self._reductions: dict[Key, tuple[tuple[int, ...], Reduction]] = {}
        self._skipped: dict[Key, int] = {}

    @property
    def options(self) -> dict[str, Any]:
        """What the rows depend on."""
        return {"last": self._last, "reduce": self._reduce, "channels": self._channels, "seed": self._seed}

    def how(self, layer: str) -> str:
        """The reduction that was asked for."""
        return _choice(self._reduce, layer, "reduce")

    def skipped(self, key: Key | None) -> int:
        """Samples that came with another number of units than the first ones."""
        return 0 if key is None else self._skipped.get(key, 0)

    def receive(self, key: Key, layer: str, output: Tensor, step: int) -> None:
        """Reduce an output and copy it into its window; the model may write into it as soon as this returns."""
        kind = output.device.type
        # Out of inference mode, or a window that was made in one could not be written to by a training step.
        with torch.inference_mode(False), torch.no_grad(), torch.autocast(kind, enabled=False):
            output = output.detach()
            if kind == "mps":  # no float64 there
                output = output.cpu()
            if key not in self._reductions:
                shape = tuple(output.shape)
                self._reductions[key] = (shape, self._reduction(layer, shape))
            shape, reduction = self._reductions[key]
            pooled = reduction.step["reduce"] in ("mean", "max", "cls") and output.ndim > 2
            same = output.ndim == len(shape) and (pooled or output.shape[1:] == shape[1:])
            working = output.dtype if output.dtype == torch.float64 else torch.float32
            rows = reduction.apply(output.to(working)) if same and len(output) else output.new_empty(0, 0)
            if rows.shape[1] != reduction.units:
                self._skipped[key] = self._skipped.get(key, 0) + len(output)
                return
            if self._device is not None:
                rows = rows.to(self._device)
            if key not in self._windows:
                self._windows[key] = Window(self._last, reduction.units, working, rows.device)
            self._windows[key].add(rows, step)

    def forget(self, key: Key) -> None:
        """Drop an output that was not asked for after all."""
        for kept in (self._windows, self._reductions, self._skipped):
            kept.pop(key, None)

    def clear(self) -> None:
        """Drop all samples."""
        self._windows.clear()
        self._skipped.clear()

    def contents(self, layers: Mapping[str, Key]) -> dict[str, Content]:
        """What the windows hold, of the layers that have one."""
        return {layer: self._windows[key].content() for layer, key in layers.items() if key in self._windows}

    def state(self, layers: Mapping[str, Key]) -> dict[str, Any]:
        """Tensors and plain numbers, by layer."""
        return {
            layer: {
                "key": list(key),
                "shape": list(self._reductions[key][0]),
                "skipped": self._skipped.get(key, 0),
                "window": self._windows[key].state() if key in self._windows else None,
            }
            for layer, key in layers.items()
            if key in self._reductions
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over a :meth:`state`."""
        self.clear()
        self._reductions.clear()
        for layer, saved in state.items():
            key, shape = as_key(saved["key"]), tuple(saved["shape"])
            self._reductions[key] = (shape, self._reduction(layer, shape))
            self._skipped[key] = saved["skipped"]
            if saved["window"] is not None:
                self._windows[key] = Window.restored(saved["window"])

    def _reduction(self, layer: str, shape: tuple[int, ...]) -> Reduction:
        return make_reduction(layer, shape, self.how(layer), _choice(self._channels, layer, "channels"), self._seed)


def as_key(saved: Any) -> Key:
    """A key from how it was saved."""
    module, call, path = saved
    return str(module), int(call), str(path)


def _mapping(option: str | Mapping[str, str], name: str) -> dict[str, str]:
    if isinstance(option, str):
        return {"*": option}
    if not isinstance(option, Mapping) or not all(isinstance(x, str) for pair in option.items() for x in pair):
        raise InputError(f"{name}= is {option!r}; expected a name, or a mapping of layers or patterns to names")
    return dict(option)


def _choice(option: Mapping[str, str], layer: str, name: str) -> str:
    """What a mapping of layers or patterns says of a layer: its own entry, else the first pattern that fits."""
    found = [layer] if layer in option else [pattern for pattern in option if matches(layer, pattern)]
    if not found:
        raise InputError(f"{name}= says nothing about the layer {layer!r}; add it, or a '*' for all others")
    return option[found[0]]
