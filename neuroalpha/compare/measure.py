"""From assemblies to exponents in one call: one spectrum and one fit for each population in them."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
import xarray as xr

from neuroalpha._checks import check_seed, whole
from neuroalpha.assembly import check_assembly, drop_blanks, subset
from neuroalpha.errors import InputError, nearest
from neuroalpha.spectrum.estimators import get_estimator
from neuroalpha.spectrum.fit import AlphaFit, fit_alpha
from neuroalpha.spectrum.window import auto_window, check_window

Estimator = Literal["auto", "pca", "cvpca", "meme", "heldout"]


@dataclass(frozen=True, eq=False)
class Measurement:
    """One population's name, spectrum and fitted exponent."""

    name: str
    spectrum: xr.Dataset
    fit: AlphaFit


def measure(
    assembly: xr.DataArray,
    *,
    by: str | None = "auto",
    estimator: Estimator = "auto",
    ranks: tuple[int, int] | Literal["auto"] = "auto",
    n_draws: int = 32,
    seed: int = 0,
    progress: bool = False,
) -> list[Measurement]:
    """Estimate the spectrum and alpha of every population in an assembly.

    Parameters
    ----------
    assembly : DataArray (presentation, neuroid)
        Blank presentations are left out.
    by : str, optional
        Neuroid coordinate that tells populations apart; ``"auto"`` takes ``layer``, else ``region``, where there is
        one. None treats all neuroids as one population.
    estimator : {"auto", "pca", "cvpca", "meme", "heldout"}
        ``"auto"`` cross-validates (cvPCA) where at least half of the stimuli were shown twice or more; where they were
        not, it takes PCA for network activations (a coordinate ``layer`` or ``model``) and refuses anything else.
        "meme" is the one without cvPCA's bias, if one law holds from the first rank to the last.
    ranks : (int, int) or "auto"
        As in :func:`neuroalpha.fit_alpha`; the rule by default, since populations differ in size.
    n_draws, seed
        Of the interval.
    progress : bool
        Show progress on stderr.

    Returns
    -------
    list of Measurement
        ``.name``, ``.spectrum``, ``.fit``, in the order in which populations occur. One of several that cannot be
        fitted (a layer of ten units, say) is left out with a warning.

    Raises
    ------
    InputError
        For an unknown coordinate, or as the estimator and the fit do.

    Examples
    --------
    >>> import numpy as np
    >>> import neuroalpha as na
    >>> x = np.random.default_rng(0).normal(size=(80, 60)) * np.arange(1, 61) ** -0.5
    >>> net = na.make_assembly(x, stimulus_id=np.arange(80), neuroid={"layer": ["conv"] * 30 + ["fc"] * 30})
    >>> [each.name for each in na.measure(net)]
    ['conv', 'fc']
    """
    check_assembly(assembly)
    assembly = drop_blanks(assembly)
    check_seed(seed)
    whole(n_draws, "n_draws")
    if assembly.size == 0:
        raise InputError(
            f"there is nothing to measure: {assembly.sizes['presentation']} presentations and "
            f"{assembly.sizes['neuroid']} neuroids; check what was selected"
        )
    if by is not None and not isinstance(by, str):
        raise InputError(f"by is {by!r}; expected the name of a neuroid coordinate, 'auto' or None")
    if estimator not in get_args(Estimator):
        raise InputError(
            f"estimator is {estimator!r}; expected one of {get_args(Estimator)}"
            + nearest(str(estimator), get_args(Estimator))
        )
    if by == "auto":
        by = next((name for name in ("layer", "region") if name in assembly.coords), None)
    if by is not None and (by not in assembly.coords or assembly.coords[by].dims != ("neuroid",)):
        raise InputError(
            f"no neuroid coordinate {by!r} to tell populations apart"
            + nearest(by, (str(name) for name, c in assembly.coords.items() if c.dims == ("neuroid",)))
        )
    if estimator == "auto":
        estimator = "cvpca" if mostly_repeated(assembly) else "pca"
        if estimator == "pca" and not {"layer", "model"} & set(assembly.coords):
            raise InputError(
                "fewer than half of the stimuli were shown twice, and without repeats trial noise cannot be told from "
                "signal; choose the estimator 'pca' for responses without noise, or to count noise as variance"
            )
    population = str(assembly.attrs.get("identifier", "population"))
    results: list[Measurement] = []
    failed: dict[str, str] = {}
    names = [None] if by is None else list(dict.fromkeys(assembly.coords[by].values.tolist()))
    for name in names:
        part = assembly
        if by is not None:
            part = subset(assembly, **{by: name}).assign_attrs({by: str(name)})
        title = population if name is None else str(name)
        try:
            _check_ranks(part, ranks, estimator)
            spectrum = get_estimator(estimator)(part, n_draws=n_draws, seed=seed, progress=progress)
            results.append(Measurement(title, spectrum, fit_alpha(spectrum, ranks)))
        except InputError as error:
            if len(names) == 1:
                raise
            failed[title] = str(error)
    if not results:
        title, reason = next(iter(failed.items()))
        raise InputError(f"none of {len(names)} populations can be fitted; of {title!r}: {reason}")
    for title, reason in failed.items():
        warnings.warn(f"{title} is left out: {reason}", stacklevel=2)
    return results


def _check_ranks(assembly: xr.DataArray, ranks: tuple[int, int] | Literal["auto"], estimator: str) -> None:
    """Refuse a window that cannot be, before the spectrum is computed; MEME's law holds a rank for every neuroid."""
    n_stimuli, n_neuroids = np.unique(assembly.coords["stimulus_id"].values).size, assembly.sizes["neuroid"]
    most = min(n_stimuli, n_neuroids)
    if isinstance(ranks, str) and ranks == "auto":
        auto_window(n_stimuli, n_neuroids, most)
    else:
        size = n_neuroids if estimator == "meme" else most
        check_window(ranks, size, size)


def distinct(measurements: list[Measurement]) -> list[Measurement]:
    """Give a number to names that occur again, so that tables, pages and files tell them apart: ``V1``, ``V1 (2)``."""
    seen: set[str] = set()
    result = []
    for each in measurements:
        name, again = each.name, 1
        while name in seen:
            again += 1
            name = f"{each.name} ({again})"
        seen.add(name)
        result.append(Measurement(name, each.spectrum, each.fit))
    return result


def mostly_repeated(assembly: xr.DataArray) -> bool:
    """Whether at least half of the stimuli were shown more than once."""
    counts = np.unique(assembly.coords["stimulus_id"].values.astype(str), return_counts=True)[1]
    return bool(counts.size and (counts > 1).mean() >= 0.5)


def to_table(measurements: Iterable[Measurement]) -> pd.DataFrame:
    """One row a population: its name and every scalar of its fit."""
    frames = [each.fit.to_frame().assign(name=each.name) for each in measurements]
    if not frames:
        raise InputError("nothing was measured; give at least one population")
    table = pd.concat(frames, ignore_index=True)
    return table[["name", *[column for column in table.columns if column != "name"]]]
