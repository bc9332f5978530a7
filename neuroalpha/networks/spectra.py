"""Any model, any layers, any number of stimuli: exact spectra, and no activation kept that they do not need."""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
import xarray as xr
from torch import nn

from neuroalpha._checks import check_seed, whole
from neuroalpha.errors import InputError, nearest
from neuroalpha.networks import sharding
from neuroalpha.networks.passes import Setting, run_passes
from neuroalpha.networks.projection import METHOD
from neuroalpha.networks.provenance import describe
from neuroalpha.networks.reduce import Reduction
from neuroalpha.networks.routes import ROUTES, Measured, Route, default_memory, parse_bytes, plan_route
from neuroalpha.networks.state import as_device
from neuroalpha.networks.store import free_disk, seconds_per_byte
from neuroalpha.networks.stream import Reduce, Stream
from neuroalpha.spectrum import twin
from neuroalpha.spectrum.accumulate import Accumulated, deal, kept_share
from neuroalpha.spectrum.crossgram import SINGLE
from neuroalpha.spectrum.gram import Engine
from neuroalpha.spectrum.resample import check_center
from neuroalpha.spectrum.result import make_spectrum


def model_spectra(
    model: nn.Module,
    images: Any,
    layers: str | Iterable[str],
    reduce: Reduce = "flatten",
    *,
    preprocess: Callable[[Any], Any] | None = None,
    center: bool = True,
    n_draws: int = 0,
    route: str = "auto",
    memory: str | int | None = None,
    scratch: str | os.PathLike[str] | None = None,
    batch_size: int = 64,
    device: str | torch.device | None = None,
    precision: Literal["float64", "float32"] = "float64",
    channels: Reduce = "auto",
    seed: int = 0,
    shards: int | None = None,
    progress: bool = True,
) -> dict[str, xr.Dataset]:
    """Exact eigenspectra of layers of a model over images, without storing activations that are not needed.

    The same eigenvalues as ``na.eigenspectrum(na.extract(model, images, layers))`` layer by layer, whichever way each
    layer goes: by the covariance of its units, batch by batch on the device (memory independent of the number of
    stimuli), or by the Gram matrix of the stimuli, for layers of more units than stimuli (memory independent of the
    number of units). The cost model in :mod:`neuroalpha.networks.routes` chooses, and each spectrum says what was
    expected and what it took.

    Parameters
    ----------
    model, images, layers, reduce, batch_size, device, channels
        As for :func:`neuroalpha.extract`. ``reduce="project:K"`` is the approximation for layers where both sides are
        too large: K sparse random projections of all units. The result says so with ``projection``, ``n_units`` and
        ``projection_error``: the root of the expected sum of squared errors of all eigenvalues, at most, as a share of
        the root of their sum of squares (derived in :mod:`neuroalpha.networks.projection`); eigenvalues after
        ``projection_error_rank`` are smaller than the error.
    preprocess
        From one image to the tensor that the model takes, as ``torchvision``'s ``weights.transforms()``.
    center
        Subtract each unit's mean over the stimuli before the product (default).
    n_draws
        For an interval: the stimuli are dealt to this many groups and each draw leaves one out (delete-group
        jackknife; 10 to 20 are usual, at least 5). Default 0: none. It tells how much the choice of stimuli matters.
    route
        ``"auto"`` (default); ``"covariance"`` or ``"gram"`` for all layers; ``"gram, held"``, ``"gram, spilled"``,
        ``"gram, recomputed"`` say how wide layers wait, too.
    memory
        Bound for all that the spectra need beside the model and one batch of its activations, as ``"2 GB"``; default
        half of the free memory, that of the GPU where the model is on one.
    scratch
        Folder for the scratch file; default the system's temporary folder. The file goes when the call ends or is
        killed.
    precision
        Of the products: ``"float64"`` (default), or ``"float32"`` on the CPU: activations are centred in float64,
        multiplied in float32, added up in float64; nearly twice as fast, off by 1e-7 of the largest eigenvalue.
    seed
        Of the deal and of projections.
    shards
        Contiguous parts in which the stimuli (covariance) or units (Gram) are added up, merged in order. Default: one,
        or under ``torchrun`` one for each process; a single process with the same number gives the same bits.
    progress
        Show the choice and a bar on stderr.

    Returns
    -------
    dict of layer to Dataset over ``component``
        As :func:`neuroalpha.eigenspectrum`, in the order asked for. Further attrs: ``model``, ``layer``, ``depth``
        (place among the outputs of the model, 0 to 1), ``route``, ``n_constant`` units, ``cost_expected_bytes``,
        ``cost_scratch_bytes``, ``cost_passes``, ``cost_expected_extra_seconds``, ``cost_extra_seconds`` (of
        spilling or recomputing), ``cost_seconds_forward`` and ``cost_seconds_products`` (of all layers of the call).

    Raises
    ------
    InputError
        As :func:`neuroalpha.extract`; where ``memory`` cannot do, with the numbers; for NaN or infinite activations
        (unit and stimulus are named) and layers whose output never varies.

    Notes
    -----
    Time with n stimuli and p units: one forward pass or several, a product of n * p * min(n, p), one eigenvalue
    problem of side min(n, p) and another for each draw.

    Examples
    --------
    >>> import neuroalpha as na
    >>> model = na.load_model("cifar:resnet20")
    >>> pictures = torch.rand(60, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    >>> spectra = na.model_spectra(model, pictures, ["layer1", "layer3"], {"layer1": "flatten", "*": "mean"},
    ...                            progress=False)
    >>> {layer: (spectrum.attrs["route"], spectrum.sizes["component"]) for layer, spectrum in spectra.items()}
    {'layer1': ('gram, held', 59), 'layer3': ('gram, held', 59)}
    """
    found = collect_spectra(
        model, images, layers, reduce, preprocess=preprocess, center=center, n_draws=n_draws, route=route,
        memory=memory, scratch=scratch, batch_size=batch_size, device=device, precision=precision, channels=channels,
        seed=seed, shards=shards, progress=progress,
    )  # fmt: skip
    spectra = {}
    for layer, result in found.results.items():
        if isinstance(result, InputError):
            raise InputError(f"layer {layer!r}: {result}")
        spectra[layer] = result.assign_attrs(found.cost)
    return spectra


@dataclass(frozen=True)
class Collected:
    """Spectra, or what was wrong with a layer, and the cost of the call, which is no part of a result."""

    results: dict[str, xr.Dataset | InputError]
    cost: dict[str, int | float | str]


def collect_spectra(
    model: nn.Module,
    images: Any,
    layers: str | Iterable[str],
    reduce: Reduce = "flatten",
    *,
    preprocess: Callable[[Any], Any] | None = None,
    center: bool = True,
    n_draws: int = 0,
    route: str = "auto",
    memory: str | int | None = None,
    scratch: str | os.PathLike[str] | None = None,
    batch_size: int = 64,
    device: str | torch.device | None = None,
    precision: str = "float64",
    channels: Reduce = "auto",
    seed: int = 0,
    shards: int | None = None,
    progress: bool = True,
) -> Collected:
    """As :func:`model_spectra`, but a layer that fails leaves the others alone."""
    bound = _check(center, n_draws, route, memory, precision, seed)
    part = sharding.current(shards)
    home = as_device(device, model)
    if home.type == "mps":  # which has no float64: activations come to the CPU
        home = torch.device("cpu")
    if bound is None:  # processes of one machine share its memory, but have a GPU each
        bound = default_memory(home) // (part.neighbours if home.type == "cpu" else 1)
    bound = part.least(bound)

    def stream(names: str | Iterable[str], hows: Reduce = reduce, orders: Reduce = channels) -> Stream:
        return Stream(
            model, images, names, hows, batch_size=batch_size, device=device, channels=orders, seed=seed,
            on_device=home.type != "cpu", preprocess=preprocess,
        )  # fmt: skip

    def stream_again(names: Iterable[str]) -> Stream:
        steps = {name: reductions[name].step for name in names}  # a pass shows some layers only: no patterns any more
        return stream(
            list(steps),
            {name: step["reduce"] for name, step in steps.items()},
            {name: step.get("channels", "auto") for name, step in steps.items()},
        )

    first = stream(layers)
    stimuli, n = first.stimuli, len(first.stimuli)
    if n < 3 or n < n_draws:
        raise InputError(f"a spectrum needs at least 3 stimuli, and as many as draws ({n_draws}); got {n}")
    where = None if home.type == "cpu" else str(home)
    engine: Engine = SINGLE if where is None and precision == "float32" else twin.engine(where)
    source = describe(model)

    def measure() -> Measured:
        found = part.all_or_none(
            lambda: Measured(first.seconds_per_image() * n, seconds_per_byte(scratch), free_disk(scratch))
        )
        return Measured(part.agreed(found[0]), part.agreed(found[1]), part.least(found[2]))

    with first:
        reductions, depth = first.reductions, first.depth
        refused = _too_large(
            reductions,
            lambda units, extra: plan_route(
                units, n, n_draws, bound, lambda: Measured(0.0, 0.0, 2**62), route, part, extra
            ),
        )
        reductions = {layer: reduction for layer, reduction in reductions.items() if layer not in refused}
        units = {layer: reduction.units for layer, reduction in reductions.items()}
        if not units:
            raise next(iter(refused.values()))
        beside = sum(one.projection.extra_bytes for one in reductions.values() if one.projection is not None)
        way = plan_route(units, n, n_draws, bound, measure, route, part, beside)
    if progress and part.rank == 0:
        print(tell(way, units, n), file=sys.stderr)
    setting = Setting(
        stream_again, reductions, way, n, deal(n, n_draws, seed), n_draws, engine, center, part, home, scratch, progress
    )
    try:
        done = run_passes(setting)
    except InputError as error:
        if part.together:  # the others wait in the middle of a merge: only the end of this process ends them
            raise RuntimeError(str(error)) from error
        raise
    clock = setting.clock
    cost: dict[str, int | float | str] = {
        "cost_way": way.wide or "covariance",
        **{f"cost_expected_{name}_seconds": round(seconds, 3) for name, seconds in way.choices.items()},
        "cost_expected_bytes": way.expected_bytes,
        "cost_scratch_bytes": way.scratch_bytes,
        "cost_passes": way.n_passes,
        "cost_expected_extra_seconds": round(way.expected_extra_seconds, 3),
        "cost_extra_seconds": round(clock.extra, 3),
        "cost_seconds_forward": round(clock.forward, 3),
        "cost_seconds_products": round(clock.products, 3),
    }
    results: dict[str, xr.Dataset | InputError] = dict(refused)
    for layer, reduction in reductions.items():
        outcome = done[layer]
        if isinstance(outcome, InputError):
            results[layer] = outcome
            continue
        results[layer] = make_spectrum(
            outcome.eigenvalue,
            outcome.draws,
            {
                "identifier": f"{source['model']} {layer} on {stimuli.identifier}",
                "source": source["digest"],
                "model": source["model"],
                "layer": layer,
                "preprocessing": json.dumps([*stimuli.preprocessing, reduction.step]),
            },
            weights=source["weights"],
            depth=depth[layer],
            estimator="pca",
            n_stimuli=n,
            n_presentations=n,
            n_neuroids=reduction.units,
            n_constant=outcome.n_constant,
            n_missing_filled=0,
            center="neuroid mean" if center else "none",
            resample="stimulus" if n_draws else "",
            draw_fraction=kept_share(n_draws),
            seed=int(seed),
            shards=part.n_parts,
            batch_size=int(batch_size),
            precision=precision if where is None else "float64",
            device=engine.device,
            route=way.of(layer),
            **_projected(layer, reduction, outcome, setting),
        )
    return Collected(results, cost)


def _too_large(
    reductions: Mapping[str, Reduction], plan: Callable[[dict[str, int], int], Route]
) -> dict[str, InputError]:
    """Layers that do not fit into the bound even alone; the others can go on without them."""
    refused: dict[str, InputError] = {}
    for layer, reduction in reductions.items():
        try:
            plan({layer: reduction.units}, reduction.projection.extra_bytes if reduction.projection else 0)
        except InputError as error:
            refused[layer] = error
    return refused


def _projected(
    layer: str, reduction: Reduction, outcome: Accumulated, setting: Setting
) -> dict[str, str | int | float]:
    """What the spectrum of a projection says of itself, and a warning."""
    projection = reduction.projection
    if projection is None:
        return {}
    values = outcome.eigenvalue
    error = projection.error(setting.sums[layer], values, setting.n - bool(setting.center), setting.center)
    relative = error / float(np.sqrt((values**2).sum()))
    rank = int((values > error).sum())
    warnings.warn(
        f"the spectrum of {layer!r} is that of {projection.wanted} random projections of {projection.units} units: "
        f"expect its eigenvalues to be off by up to {relative:.1%} of all (root sum of squares); those after rank "
        f"{rank} are smaller than that",
        stacklevel=4,
    )
    return {
        "n_units": projection.units,
        "projection": METHOD,
        "projection_error": relative,
        "projection_error_rank": rank,
    }


def tell(way: Route, units: dict[str, int], n: int) -> str:
    """The choice in words, with what it is expected to cost."""
    said = [f"{n} stimuli"]
    if way.covariance:
        said.append(f"{sum(map(len, way.covariance))} layers by the covariance")
    if way.gram:
        total = sum(units[layer] for layer in way.gram)
        said.append(f"{len(way.gram)} layers ({total} units) by the Gram matrix, {way.wide}")
    said.append(f"up to {way.expected_bytes / 1e9:.2f} GB of memory")
    if way.scratch_bytes:
        said.append(f"{way.scratch_bytes / 1e9:.2f} GB of scratch file")
    if way.n_passes > 1:
        said.append(f"{way.n_passes} forward passes")
    if way.choices:
        said.append("expected extra: " + ", ".join(f"{name} {s:.1f} s" for name, s in way.choices.items()))
    return "; ".join(said)


def _check(center: Any, n_draws: Any, route: Any, memory: Any, precision: Any, seed: Any) -> int | None:
    """Check the options before any work; returns the bound in bytes."""
    check_center(center)
    check_seed(seed)
    if 0 < whole(n_draws, "n_draws") < 5:
        raise InputError(f"n_draws is {n_draws}; a jackknife needs at least 5 groups (10 is usual), or 0 for none")
    if route not in ROUTES:
        raise InputError(f"route is {route!r}; expected one of {', '.join(ROUTES)}{nearest(str(route), ROUTES)}")
    if precision not in ("float64", "float32"):
        raise InputError(f"precision is {precision!r}; expected 'float64' or 'float32'")
    return parse_bytes(memory)
