"""Which layers a model has, as a table, and what the names that a user writes mean."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn

from neuroalpha._text import first_few
from neuroalpha.errors import InputError, nearest
from neuroalpha.networks.hooks import Output, Trace, first_names, is_out_of_memory, module_names, trace
from neuroalpha.networks.inputs import Stimuli, as_stimuli
from neuroalpha.networks.reduce import rule
from neuroalpha.networks.state import as_device, evaluating, input_dtype

_WILDCARDS = ("*", "?")


def layers(model: nn.Module, example: Any, preprocess: Callable[[Any], Any] | None = None) -> pd.DataFrame:
    """List every module whose output can be recorded, in the order in which outputs are completed.

    Parameters
    ----------
    model
        Any module; it runs once in evaluation mode and is then put back as it was.
    example
        One input or more: a tensor (n, 3, H, W) that the model takes as it is, an ``ImageSet``, or whatever
        :func:`~neuroalpha.networks.images.images` takes. Two inputs are used (one is shown twice), so that the axis of
        the images is recognised.
    preprocess
        From one image to what the model takes, as for :func:`~neuroalpha.networks.extract.extract`.

    Returns
    -------
    pandas.DataFrame
        ``layer`` (the name that :func:`~neuroalpha.networks.extract.extract` takes: ``name:0``, ``name:1`` where a
        module runs more than once, ``name[0]``, ``name[key]`` where it gives a tuple or dict; ``output`` is the model
        itself), ``type`` (class), ``output_shape`` (without the images' axis), ``units`` (their product),
        ``parameters`` (of the module and all it holds), ``rule`` (``map``, ``tokens``, ``vector`` or ``array``, see
        :mod:`~neuroalpha.networks.reduce`). Modules that do not run, or whose output has no axis of images, are left
        out.

    Raises
    ------
    InputError
        If the model cannot run on the example.

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten())
    >>> layers(model, torch.zeros(1, 3, 8, 8))[["layer", "type", "units", "rule"]]
        layer        type  units    rule
    0       0      Conv2d    144     map
    1       1        ReLU    144     map
    2       2     Flatten    144  vector
    3  output  Sequential    144  vector
    """
    stimuli = as_stimuli(example, preprocess)
    device = as_device(None, model)
    with evaluating(model, device):
        traced = trace_stimuli(model, stimuli, device)
    modules = module_names(model)
    rows = [
        {
            "layer": traced.name(output),
            "type": type(modules[output.module]).__name__,
            "output_shape": output.shape[1:],
            "units": math.prod(output.shape[1:]),
            "parameters": sum(parameter.numel() for parameter in modules[output.module].parameters()),
            "rule": rule(output.shape),
        }
        for output in traced.outputs
        if not output.fault
    ]
    return pd.DataFrame(rows, columns=["layer", "type", "output_shape", "units", "parameters", "rule"])


def trace_stimuli(model: nn.Module, stimuli: Stimuli, device: torch.device) -> Trace:
    """Trace a model on two inputs: with one alone any axis of length 1 would pass for that of the images."""
    two = stimuli.batch(0, min(2, len(stimuli)))
    two = torch.cat([two, two]) if len(two) == 1 else two
    with torch.no_grad():
        try:
            return trace(model, to_device(two, device, input_dtype(model)))
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
        return trace(model, to_device(two[:1], device, input_dtype(model)))


def to_device(batch: Tensor, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Copy a batch; floats take the dtype of the model's weights, whole numbers (token ids) stay whole.

    Always a copy: a model may begin with an in-place operation, which must not reach the caller's images.
    """
    return batch.to(device=device, dtype=dtype if batch.is_floating_point() else batch.dtype, copy=True)


def resolve(model: nn.Module, traced: Trace, specs: str | Iterable[str]) -> dict[str, Output]:
    """Find the outputs that layer names mean.

    Parameters
    ----------
    model, traced
        The model and its trace.
    specs
        Names as in :func:`layers`. ``*`` and ``?`` stand for any text, dots included, within the listed names. A plain
        name is enough for a module that runs once and gives one tensor.

    Returns
    -------
    dict
        Name to output, in the order asked for; a name that comes twice counts once.

    Raises
    ------
    InputError
        For no names at all, unknown ones (with the nearest), ambiguous ones (with the choices), and those of modules
        that do not run or cannot be recorded.
    """
    specs = [specs] if isinstance(specs, str) else list(specs)
    if not specs:
        raise InputError("no layers were asked for; see neuroalpha.layers(model, example)")
    listed = {traced.name(output): output for output in traced.outputs}
    chosen: dict[str, Output] = {}
    for spec in specs:
        if spec not in listed and any(sign in spec for sign in _WILDCARDS):
            matching = [name for name, output in listed.items() if matches(name, spec) and not output.fault]
            if not matching:
                raise InputError(f"no layer matches {spec!r}; there are {first_few(listed)}")
            chosen.update((name, listed[name]) for name in matching)
        else:
            chosen[spec] = listed[spec] if spec in listed else _only(model, traced, listed, spec)
            if chosen[spec].fault:
                raise InputError(f"the layer {spec!r} cannot be recorded: {chosen[spec].fault}")
    return chosen


def matches(name: str, pattern: str) -> bool:
    """Whether a layer fits a pattern; brackets mean themselves, since they are part of names."""
    return fnmatchcase(name, pattern.replace("[", "[[]"))


def _only(model: nn.Module, traced: Trace, listed: dict[str, Output], spec: str) -> Output:
    """The one output that a name not listed as such can mean: shorter than listed, or a module's second name."""
    modules = module_names(model)
    parts = re.fullmatch(r"(?P<name>.*?)(?::(?P<call>\d+))?(?P<path>(?:\[[^\[\]]*\])*)", spec, re.DOTALL)
    base = spec if spec in modules else parts["name"] if parts else ""
    if base not in modules:
        raise InputError(
            f"there is no layer {spec!r}{nearest(spec, listed) or f'; there are {first_few(listed)}'} "
            "(neuroalpha.layers(model, example) lists them)"
        )
    module = first_names(model)[modules[base]]
    if module not in traced.calls:
        raise InputError(
            f"the layer {spec!r} exists, but the model does not call it as a module, so it has no output to record; "
            "see neuroalpha.layers(model, example)"
        )
    call, path = (None, "") if parts is None or base == spec else (parts["call"], parts["path"])
    own = {name: output for name, output in listed.items() if output.module == module}
    fitting = {
        name: output
        for name, output in own.items()
        if call in (None, str(output.call)) and (output.path == path if path else True)
    }
    if len(fitting) == 1:
        return next(iter(fitting.values()))
    if fitting:
        runs = traced.calls[module]
        why = f"runs {runs} times for each batch" if runs > 1 else "gives several tensors"
        raise InputError(f"the layer {spec!r} {why}; choose from {first_few(fitting, 8)}")
    choices = first_few(own, 8) if own else "no tensor that can be recorded"
    raise InputError(f"there is no layer {spec!r}: {module!r} gives {choices}")
