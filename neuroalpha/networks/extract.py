"""Any model, any layers, any images: one labelled assembly."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import nn
from tqdm import tqdm

from neuroalpha.assembly import make_assembly, numbered
from neuroalpha.networks.inputs import Stimuli
from neuroalpha.networks.memory import check_fits
from neuroalpha.networks.provenance import describe
from neuroalpha.networks.reduce import COORDS, Reduction
from neuroalpha.networks.state import logger
from neuroalpha.networks.stream import Reduce, Stream


def extract(
    model: nn.Module,
    images: Any,
    layers: str | Iterable[str],
    reduce: Reduce = "flatten",
    batch_size: int = 64,
    device: str | torch.device | None = None,
    dtype: str = "float32",
    channels: Reduce = "auto",
    seed: int = 0,
    progress: bool = True,
    preprocess: Callable[[Any], Any] | None = None,
) -> xr.DataArray:
    """Record layers of a model while it looks at images, all of them in one pass.

    Parameters
    ----------
    model
        Any ``nn.Module`` whose first argument is a batch. It runs in evaluation mode without gradients; afterwards its
        training flags, device and hooks are as they were, also after an error.
    images
        An ``ImageSet`` (see :func:`~neuroalpha.networks.images.images`); a tensor (n, ...), which the model takes as it
        is; or anything that ``images`` takes, with the defaults of that function (ImageNet normalisation).
    layers
        Names as :func:`~neuroalpha.networks.layers.layers` lists them, or patterns with ``*`` (any text, also dots).
    reduce
        ``"flatten"`` (default; every unit), ``"mean"`` or ``"max"`` over space or tokens, ``"cls"`` (first token), or
        ``"project:K"`` (K sparse random projections, which keep the spectrum only roughly); one for all layers, or a
        mapping of names or patterns. What applies to which shape: :mod:`~neuroalpha.networks.reduce`.
    batch_size
        Images at once. Does not change the result beyond rounding. Halved where memory runs out on the way.
    device
        ``"cuda"``, ``"cpu"``, ... Default: where the model is. TF32 is switched off during the pass.
    dtype
        Of the result: ``"float32"`` (default), ``"float64"`` or ``"float16"``.
    channels
        ``"first"`` for maps (N, C, H, W), ``"last"`` for (N, H, W, C) such as Swin's; one for all, or a mapping.
        ``"auto"`` (default) is "first", but refuses a map whose shape looks like channels last.
    seed
        Of the random projections.
    progress
        Show a bar on stderr.
    preprocess
        The model's own preprocessing: a function from one image as it was read (uint8, or float in 0..1, (3, H, W)) to
        a float tensor (3, H', W'), such as ``torchvision``'s ``weights.transforms()``. It takes the place of that of
        ``images``, also of an ``ImageSet``'s; a tensor then holds images (n, 3, H, W), not inputs that are ready.

    Returns
    -------
    xarray.DataArray
        An assembly (presentation, neuroid). Along ``presentation``: ``stimulus_id``, ``repetition`` (all 0) and, where
        known, ``label``. Along ``neuroid``, layer after layer in the order asked for: ``neuroid_id``, ``layer``,
        ``model``, and where they apply to any layer ``channel``, ``row``, ``column``, ``token`` (-1 elsewhere). attrs:
        ``identifier``, ``model``, ``weights``, ``source`` (digest of the weights), ``layers`` and ``preprocessing``
        (JSON), ``n_nonfinite`` (activations that are NaN or infinite; they are kept).

    Raises
    ------
    InputError
        Unknown or ambiguous layers, a reduction that does not apply, images that do not decode or do not fit the model,
        a result larger than the free memory (both numbers are given).

    Notes
    -----
    Memory: images x units x 4 bytes for the result, allocated once, plus one batch. To add up moments without storing
    activations use :class:`~neuroalpha.networks.stream.Stream`.

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True))
    >>> net = extract(model, torch.randn(5, 3, 8, 8), ["0", "1"], progress=False)
    >>> net.shape, bool((net.sel(neuroid=net.layer == "0") < 0).any())  # the in-place ReLU came too late
    ((5, 288), True)
    """
    stream = Stream(
        model,
        images,
        layers,
        reduce,
        batch_size=batch_size,
        device=device,
        dtype=dtype,
        channels=channels,
        seed=seed,
        preprocess=preprocess,
    )
    source = describe(model)
    with stream:
        ends = np.cumsum([reduction.units for reduction in stream.reductions.values()])
        shape = (len(stream.stimuli), int(ends[-1]))
        values = _allocate(shape, np.dtype(dtype))
        nonfinite = 0
        with tqdm(total=shape[0], unit="image", disable=not progress) as bar:
            for start, stop, outputs in stream:
                for output, end in zip(outputs.values(), ends, strict=True):
                    block = output.numpy()
                    values[start:stop, end - block.shape[1] : end] = block
                    nonfinite += block.size - int(np.isfinite(block).sum())
                bar.update(stop - start)
    if nonfinite:
        logger.warning("%d of %d activations are NaN or infinite", nonfinite, values.size)
    stimuli = stream.stimuli
    steps = [*stimuli.preprocessing, *(reduction.step for reduction in stream.reductions.values())]
    return make_assembly(
        values,
        stimulus_id=stimuli.stimulus_id,
        repetition=np.zeros(len(stimuli), dtype=np.int64),
        neuroid_id=np.concatenate([numbered(f"{layer}/", r.units) for layer, r in stream.reductions.items()]),
        presentation=_presentation(stimuli),
        neuroid={**neuroid_coords(stream.reductions), "model": np.full(shape[1], source["model"])},
        attrs={
            "identifier": f"{source['model']} on {stimuli.identifier}",
            "model": source["model"],
            "weights": source["weights"],
            "source": source["digest"],
            "layers": json.dumps(list(stream.reductions)),
            "preprocessing": json.dumps(steps),
            "n_nonfinite": nonfinite,
        },
    )


def neuroid_coords(reductions: Mapping[str, Reduction]) -> dict[str, np.ndarray]:
    """``layer`` and the places of all neuroids; a million take a tenth of a second.

    Examples
    --------
    >>> from neuroalpha.networks.reduce import make_reduction
    >>> coords = neuroid_coords({"conv": make_reduction("conv", (1, 1, 1, 2), "flatten"),
    ...                          "fc": make_reduction("fc", (1, 2), "flatten")})
    >>> coords["layer"].tolist(), coords["column"].tolist()
    (['conv', 'conv', 'fc', 'fc'], [0, 1, -1, -1])
    """
    units = [reduction.units for reduction in reductions.values()]
    coords = {"layer": np.repeat(np.array(list(reductions)), units)}
    for name in COORDS:
        if any(name in reduction.coords for reduction in reductions.values()):
            coords[name] = np.concatenate([r.coords.get(name, _nowhere(r.units)) for r in reductions.values()])
    return coords


def _nowhere(units: int) -> np.ndarray:
    return np.full(units, -1, dtype=np.int32)


def _presentation(stimuli: Stimuli) -> dict[str, np.ndarray]:
    label = stimuli.label
    return {} if label is None else {"label": label}


def _allocate(shape: tuple[int, int], dtype: np.dtype) -> np.ndarray:
    needed = shape[0] * shape[1] * dtype.itemsize
    what = f"recording {shape[0]} images x {shape[1]} units as {dtype}"
    logger.info("%s takes %.3f GB of memory", what, needed / 1e9)
    check_fits(needed, what, "ask for fewer layers, or reduce them with reduce='mean' or 'project:1000'")
    return np.empty(shape, dtype=dtype)
