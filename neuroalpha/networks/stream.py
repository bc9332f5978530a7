"""Run a model over images batch by batch and hand out what its layers say, without keeping any of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn

from neuroalpha.errors import InputError, nearest
from neuroalpha.networks.hooks import Recorder, is_out_of_memory
from neuroalpha.networks.inputs import Stimuli, as_stimuli
from neuroalpha.networks.layers import matches, resolve, to_device, trace_stimuli
from neuroalpha.networks.reduce import Reduction, make_reduction
from neuroalpha.networks.state import as_device, evaluating, input_dtype, logger

DTYPES = {"float16": torch.float16, "float32": torch.float32, "float64": torch.float64}

Reduce = str | Mapping[str, str]


class Stream:
    """One pass of a model over stimuli, as a context manager; the model is put back when it closes.

    Parameters
    ----------
    model, images, layers, reduce, batch_size, device, dtype, channels, seed, preprocess
        As for :func:`~neuroalpha.networks.extract.extract`.
    on_device
        Leave the reduced outputs on the model's device (default: copy them to the CPU). For sinks that add up moments
        there, so that no activation ever crosses the bus.
    reuse
        Hand out every batch in the same memory, which the next one overwrites (default: fresh memory for each). For
        sinks that are done with a batch when they ask for the next: the system takes a while to hand out large pieces.

    Attributes
    ----------
    stimuli
        The images, as an ``ImageSet`` or alike.
    reductions : dict of str to Reduction
        The layers in the order asked for, with the units and coordinates of each. There once the pass is entered.
    depth : dict of str to float
        Place of each layer among all outputs of the model, from 0 (the first) to 1 (the last). There once entered.

    Examples
    --------
    >>> model = nn.Sequential(nn.Linear(4, 3), nn.ReLU())
    >>> total = torch.zeros(3)
    >>> with Stream(model, torch.ones(10, 4), ["0"], batch_size=4) as stream:
    ...     for start, stop, outputs in stream:
    ...         total += outputs["0"].sum(0)
    >>> bool(torch.allclose(total, 10 * model[0](torch.ones(4))))
    True
    """

    def __init__(
        self,
        model: nn.Module,
        images: Any,
        layers: str | Iterable[str],
        reduce: Reduce = "flatten",
        *,
        batch_size: int = 64,
        device: str | torch.device | None = None,
        dtype: str = "float32",
        channels: Reduce = "auto",
        seed: int = 0,
        on_device: bool = False,
        reuse: bool = False,
        preprocess: Callable[[Any], Any] | None = None,
    ) -> None:
        if not isinstance(model, nn.Module):
            raise InputError(
                f"the model must be a torch.nn.Module, not {type(model).__name__}; load_model makes one from a name"
            )
        if not isinstance(batch_size, int) or batch_size < 1:
            raise InputError(f"batch_size= must be 1 or more, not {batch_size!r}")
        if dtype not in DTYPES:
            raise InputError(f"dtype= is one of {', '.join(DTYPES)}, not {dtype!r}")
        self.model = model
        self.stimuli: Stimuli = as_stimuli(images, preprocess)
        self.device = as_device(device, model)
        self.reductions: dict[str, Reduction] = {}
        self.depth: dict[str, float] = {}
        self._options = (layers, reduce, channels, seed)
        self._batch_size = batch_size
        self._dtype = DTYPES[dtype]
        self._home = self.device if on_device else torch.device("cpu")
        self._reuse = reuse
        self._exit = ExitStack()

    def __enter__(self) -> Stream:
        layers, reduce, channels, seed = self._options
        with ExitStack() as stack:
            stack.enter_context(evaluating(self.model, self.device))
            self._input_dtype = input_dtype(self.model)
            traced = trace_stimuli(self.model, self.stimuli, self.device)
            chosen = resolve(self.model, traced, layers)
            hows = _per_layer(reduce, list(chosen), "reduce")
            orders = _per_layer(channels, list(chosen), "channels")
            self.reductions = {
                layer: make_reduction(layer, output.shape, hows[layer], orders[layer], seed)
                for layer, output in chosen.items()
            }
            usable = [output for output in traced.outputs if not output.fault]
            last = max(len(usable) - 1, 1)
            self.depth = {layer: usable.index(output) / last for layer, output in chosen.items()}
            wanted = [(output, self._keep(self.reductions[layer])) for layer, output in chosen.items()]
            self._recorder = stack.enter_context(Recorder(self.model, traced, wanted))
            self._exit = stack.pop_all()
        return self

    def __exit__(self, *error: Any) -> None:
        self._exit.close()

    def __iter__(self) -> Iterator[tuple[int, int, dict[str, Tensor]]]:
        """Yield ``(start, stop, {layer: tensor (stop - start, units)})``, in the order of the stimuli."""
        return self.over(0, len(self.stimuli))

    def over(self, begin: int, end: int) -> Iterator[tuple[int, int, dict[str, Tensor]]]:
        """The same for the stimuli from ``begin`` to ``end`` (exclusive) alone; batches are counted from ``begin``."""
        size = self._batch_size
        for first, batch in self._batches(begin, end):
            start = 0
            while start < len(batch):
                piece = batch[start : start + size]
                outputs = self._run(piece)
                if outputs is None:
                    size = self._smaller(len(piece))
                    continue
                yield first + start, first + start + len(piece), outputs
                start += len(piece)

    def _run(self, piece: Tensor) -> dict[str, Tensor] | None:
        """The outputs of one batch, or None where it did not fit into memory."""
        try:
            # no_grad, not inference_mode: a model that caches tensors (position tables, say) could not train with
            # inference tensors afterwards.
            with torch.no_grad():
                kept = self._recorder.run(self.model, to_device(piece, self.device, self._input_dtype))
            return dict(zip(self.reductions, kept, strict=True))
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            if len(piece) == 1:
                shape = tuple(piece.shape[1:])
                raise InputError(
                    f"one image of shape {shape} does not fit into the memory of {self.device}: {error}; use smaller "
                    "images, fewer layers or another device"
                ) from error
            return None

    def _smaller(self, size: int) -> int:
        """Halve the batch; called outside the except block, whose traceback would keep the big tensors alive."""
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        level = logging.WARNING if size == min(self._batch_size, len(self.stimuli)) else logging.DEBUG  # said once
        logger.log(level, "%d images do not fit into the memory of %s; halving the batch", size, self.device)
        return size // 2

    def seconds_per_image(self) -> float:
        """Time of one image in a whole batch, measured on the first one after a run that warms up; the pass is open."""
        batch = self.stimuli.batch(0, min(self._batch_size, len(self.stimuli)))
        taken = []
        for _ in range(2):
            begun = time.perf_counter()
            if self._run(batch) is None:  # the pass itself will halve the batch
                batch = batch[: max(1, len(batch) // 2)]
                continue
            if self.device.type == "cuda":
                torch.cuda.synchronize(self.device)
            taken.append((time.perf_counter() - begun) / len(batch))
        return min(taken, default=float("nan"))

    def _batches(self, begin: int, end: int) -> Iterator[tuple[int, Tensor]]:
        """Batches in order; where the source allows it, the next one is read while the model works on this one."""
        size = self._batch_size
        spans = [(start, min(start + size, end)) for start in range(begin, end, size)]
        if not self.stimuli.concurrent:
            for start, stop in spans:
                yield start, self.stimuli.batch(start, stop)
            return
        if not spans:
            return
        with ThreadPoolExecutor(1) as reader:
            pending: Future[Tensor] = reader.submit(self.stimuli.batch, *spans[0])
            for (start, _), following in zip(spans, [*spans[1:], None], strict=True):
                batch = pending.result()
                if following is not None:
                    pending = reader.submit(self.stimuli.batch, *following)
                yield start, batch

    def _keep(self, reduction: Reduction) -> Callable[[Tensor], Tensor]:
        """What the hook does with an output: reduce it where it is, then copy, so that nothing writes into it later."""
        # Pooling in half precision would lose digits that the result could hold.
        working = torch.float32 if self._dtype == torch.float16 else self._dtype

        held: Tensor | None = None

        def keep(output: Tensor) -> Tensor:
            nonlocal held
            if output.device.type == "mps":  # no float64 and no sparse products there
                output = output.cpu()
            reduced = reduction.apply(output.to(working))
            if not self._reuse:
                return reduced.to(device=self._home, dtype=self._dtype, copy=True)
            if held is None or len(held) < len(reduced):
                held = torch.empty(reduced.shape, dtype=self._dtype, device=self._home)
            return held[: len(reduced)].copy_(reduced)

        return keep


def _per_layer(option: Reduce, layers: list[str], name: str) -> dict[str, str]:
    """One value for each layer from one for all, or from a mapping of names or patterns; the first that fits counts."""
    if isinstance(option, str):
        return dict.fromkeys(layers, option)
    for pattern in option:
        if not any(layer == pattern or matches(layer, pattern) for layer in layers):
            raise InputError(
                f"{name}= names {pattern!r}, which is not among the layers asked for{nearest(pattern, layers)}"
            )
    found: dict[str, str] = {}
    for layer in layers:
        patterns = [pattern for pattern in option if matches(layer, pattern)]
        if layer not in option and not patterns:
            raise InputError(f"{name}= says nothing about the layer {layer!r}; add it, or a '*' for all others")
        found[layer] = option[layer] if layer in option else option[patterns[0]]
    return found
