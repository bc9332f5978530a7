"""What supervision signals recover in simulation, by numbers of points and classes, and how many dimensions it is."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import xarray as xr

import neuroalpha
from neuroalpha._cache import ResultCache
from neuroalpha._checks import check_seed, share, whole
from neuroalpha.errors import InputError, nearest
from neuroalpha.theory.triplets import effective
from neuroalpha.theory.triplets.counts import all_questions
from neuroalpha.theory.triplets.gnmds import PENALTY
from neuroalpha.theory.triplets.grid import KINDS, MEASURES, Cell, Plan, Signal, run_grid
from neuroalpha.theory.triplets.latents import draw_latents

SIZES = (3, 10, 20, 30, 45, 60, 90)
DIMENSIONS = (5, 25, 125)
SOURCE = "simulation of Sucholutsky et al., UAI 2023 (PMLR 216:2036-2046)"


def simulate_supervision(
    n: int | Iterable[int] = SIZES,
    k: int | Iterable[int] = SIZES,
    d: int | Iterable[int] = DIMENSIONS,
    *,
    signals: str | Sequence[str] = ("hard", "soft"),
    repeats: int = 3,
    spread: float = 1.0,
    noise: float = 0.0,
    penalty: float = PENALTY,
    tolerance: float = 0.01,
    seed: int = 0,
    workers: int | None = None,
    cache: str | os.PathLike[str] | None = None,
    progress: bool = True,
) -> xr.Dataset:
    """Simulate how well labels alone recover the similarities of points and classes.

    In each cell k class centroids are standard normal in d dimensions and n points lie around them, equally many at
    each; points are labelled, all comparisons that the labels make are embedded by :func:`neuroalpha.theory.gnmds`, and
    the cosines of its Gram matrix are compared with the true cosines of all n + k items (Spearman, upper triangles).

    Parameters
    ----------
    n, k, d : int or several
        Points, classes and latent dimensions. Defaults: 7 sizes from 3 to 90, as the paper's range; its three d.
    signals : sequence of str
        "hard" (nearest centroid), "soft" (softmax of minus the distance), "proximity" (exp of minus the distance, whose
        comparisons are all true), "sparse:3" (the three largest entries of a soft label, the others tied at zero),
        "top-class:3" (soft labels of the three classes that tell most, the others missing).
    repeats : int
        Draws of each cell. All signals label the same draws.
    spread : float
        Standard deviation of points around their centroid; the centroids' is 1. The paper's main text gives neither.
    noise : float
        Share of comparisons answered wrongly, 0 to .5.
    penalty, tolerance : float
        As of ``gnmds``.
    seed : int
        The numbers depend on it and on nothing else: not on ``workers``, the order, or interruptions.
    workers : int, optional
        Processes, each with one thread. Default: one for each core, or none where the whole takes seconds.
    cache : path, optional
        Folder where finished cells are kept: a run that was stopped goes on where it stopped.
    progress : bool
        A bar on stderr.

    Returns
    -------
    Dataset over ``signal``, ``d``, ``n``, ``k``, ``repeat``
        ``rho`` over all n + k items; ``rho_points`` over the n points alone; ``rho_asked`` over the points and the
        classes that have labels (all, but for "top-class:3" and its like); ``effective_dimension`` (principal
        components of the latents whose cosines agree with the truth as well as ``rho``; 0 where that is not above 0);
        ``n_triplets`` mined and ``information_ratio``, their share of all questions; ``wrong_first``, ``wrong``: shares
        of the comparisons of points at a class, and of all, that the true distances contradict, before ``noise``;
        ``satisfied``: share of comparisons that the embedding obeys; ``gap``: relative duality gap of the embedding.
        NaN where labels answer no question, and correlations where recovered cosines are all equal or of one pair.

    Raises
    ------
    InputError
        Sizes that are not whole numbers (n, d from 1; k from 2), unknown signals, a sparsity above the smallest k,
        noise outside 0 to .5.

    Notes
    -----
    The default takes 130 s of one core, about 70 s on two; a cell of 90 points and 90 classes 1.5 s. What the paper
    leaves open is chosen here: unit spread, balanced classes, the penalty, ties of recovered cosines (equal to 1e-5),
    and cosines of the truth about the origin against those of a centred Gram matrix.

    Examples
    --------
    >>> found = simulate_supervision(20, [3, 20], 5, repeats=1, progress=False)
    >>> found.rho.sel(signal="soft").values.ravel() > found.rho.sel(signal="hard").values.ravel()
    array([ True,  True])
    """
    sizes = {"n": _several(n, "n", 1), "k": _several(k, "k", 2), "d": _several(d, "d", 1)}
    known = _signals(signals, min(sizes["k"]))
    if min(sizes["n"]) + min(sizes["k"]) < 3:
        raise InputError("1 point and 2 classes are the least that a question can be asked of; give more")
    plan = _plan(seed, spread, noise, penalty, tolerance)
    repeats = whole(repeats, "repeats", 1)
    cells = [
        Cell(*point, signal, repeat)
        for signal in known.values()
        for point in [(a, b, c) for c in sizes["d"] for a in sizes["n"] for b in sizes["k"]]
        for repeat in range(repeats)
    ]
    found = run_grid(plan, cells, _workers(workers), ResultCache(cache) if cache is not None else None, progress)
    dims = ("signal", "d", "n", "k", "repeat")
    shape = (len(known), *(len(sizes[name]) for name in ("d", "n", "k")), repeats)
    values = np.array([found[cell] for cell in cells]).T.reshape(len(MEASURES), *shape)
    result = xr.Dataset(
        {name: (dims, each) for name, each in zip(MEASURES, values, strict=True)},
        coords={"signal": list(known), **sizes, "repeat": np.arange(repeats)},
        attrs=_attrs(plan),
    )
    questions = xr.DataArray(
        [[float(all_questions(a, b)) for b in sizes["k"]] for a in sizes["n"]], dims=("n", "k"), name="questions"
    )
    return result.assign(information_ratio=(result["n_triplets"] / questions).transpose(*dims))


def sparsity_curves(
    n: int = 30,
    k: int = 30,
    d: int = 25,
    *,
    sparsities: Iterable[int] | None = None,
    signals: Sequence[str] = ("sparse", "top-class"),
    repeats: int = 3,
    spread: float = 1.0,
    penalty: float = PENALTY,
    tolerance: float = 0.01,
    seed: int = 0,
    workers: int | None = None,
    cache: str | os.PathLike[str] | None = None,
    progress: bool = True,
) -> xr.Dataset:
    """Compare sparse labels, labels of the top classes and principal components of the truth at the same number k^.

    Parameters
    ----------
    n, k, d : int
        One cell of :func:`simulate_supervision`, whose draws are used.
    sparsities : iterable of int, optional
        Entries kept, classes kept, components kept; default about ten from 1 to k.
    signals : sequence of {"sparse", "top-class"}
    repeats, spread, penalty, tolerance, seed, workers, cache, progress
        As of :func:`simulate_supervision`.

    Returns
    -------
    Dataset over ``signal``, ``sparsity``, ``repeat``
        ``rho``, ``rho_points`` and ``rho_asked`` of "pca" (NaN above d; the components of all items) and of the
        signals, and ``information_ratio`` of the signals; ``rho_soft``, ``rho_hard``, ``rho_points_soft``,
        ``rho_points_hard`` (repeat) to compare with. Top-class labels say nothing of the k - k^ classes that they drop,
        whose cosines are recovered as 0: ``rho`` charges them for that, ``rho_points`` and ``rho_asked`` do not.

    Raises
    ------
    InputError
        As :func:`simulate_supervision`; sparsities outside 1 to k.

    Examples
    --------
    >>> found = sparsity_curves(15, 8, 5, sparsities=[1, 4, 8], repeats=1, progress=False)
    >>> bool(abs(found.rho.sel(signal="sparse", sparsity=8) - found.rho_soft).item() < 1e-9)  # all entries kept
    True
    """
    n, k, d = whole(n, "n", 2), whole(k, "k", 2), whole(d, "d", 1)
    levels = _several(np.unique(np.linspace(1, k, 10).round().astype(int)) if sparsities is None else sparsities,
                      "sparsities", 1)  # fmt: skip
    names = [f"{signal}:{level}" for signal in signals for level in levels]
    found = simulate_supervision(
        n, k, d, signals=["hard", "soft", *names], repeats=repeats, spread=spread, penalty=penalty,
        tolerance=tolerance, seed=seed, workers=workers, cache=cache, progress=progress,
    ).isel(n=0, k=0, d=0)  # fmt: skip
    shape = (len(signals), len(levels), repeats)
    measures = ("rho", "rho_points", "rho_asked", "information_ratio")
    values = {name: np.full((1 + len(signals), *shape[1:]), np.nan) for name in measures}
    for name, each in values.items():
        each[1:] = found[name].sel(signal=names).values.reshape(shape)
    for repeat in range(repeats):
        items = draw_latents(n, k, d, seed, repeat, spread).items
        for name, n_scored in (("rho", None), ("rho_points", n), ("rho_asked", None)):
            truth = effective.component_correlations(items, n_scored=n_scored)
            values[name][0, :, repeat] = [truth[level - 1] if level <= truth.size else np.nan for level in levels]
    dims = ("signal", "sparsity", "repeat")
    compared = {
        f"{name}_{signal}": ("repeat", found[name].sel(signal=signal).values)
        for name in ("rho", "rho_points")
        for signal in ("soft", "hard")
    }
    return xr.Dataset(
        {**{name: (dims, each) for name, each in values.items()}, **compared},
        coords={"signal": ["pca", *signals], "sparsity": levels, "repeat": np.arange(repeats)},
        attrs={**found.attrs, "n": n, "k": k, "d": d},
    )


def effective_dimension(items: Any, correlation: float) -> int:
    """Smallest number of principal components whose cosines agree with the truth as well as a signal's do.

    Parameters
    ----------
    items : array (item, dimension)
        True positions.
    correlation : float
        Spearman's correlation of recovered with true cosines, such as ``rho`` of :func:`simulate_supervision`.

    Returns
    -------
    int
        0 where the correlation is not above 0; at most the rank of the items.

    Raises
    ------
    InputError
        Items that are no matrix of finite numbers, a correlation outside -1 to 1.

    Notes
    -----
    Components are those about the origin, as cosines are, so that all of them give correlation 1. Source: Sucholutsky
    et al., UAI 2023, effective dimensionality.

    Examples
    --------
    >>> import numpy as np
    >>> effective_dimension(np.random.default_rng(0).normal(size=(60, 10)), 0.8)
    5
    """
    values = np.asarray(items, dtype=np.float64)
    if values.ndim != 2 or len(values) < 3 or not np.isfinite(values).all():
        raise InputError(f"items have shape {values.shape}; expected finite numbers (item, dimension), 3 items or more")
    return effective.effective_dimension(values, share(correlation, "correlation", -1.0, 1.0))


def _plan(seed: Any, spread: Any, noise: Any, penalty: Any, tolerance: Any) -> Plan:
    positive = {"spread": (spread, np.inf), "penalty": (penalty, 1.0), "tolerance": (tolerance, 1.0)}
    for name, (value, most) in positive.items():
        try:
            sound = 0 < float(value) < most
        except (TypeError, ValueError):
            sound = False
        if not sound:
            raise InputError(f"{name} is {value!r}; expected a number above 0" + (" and below 1" if most == 1 else ""))
    error = share(noise, "noise", 0.0, 0.5)
    return Plan(check_seed(seed), float(spread), error, float(penalty), float(tolerance))


def _attrs(plan: Plan) -> dict[str, Any]:
    return {
        "seed": plan.seed,
        "spread": plan.spread,
        "noise": plan.noise,
        "penalty": plan.penalty,
        "tolerance": plan.tolerance,
        "score": "Spearman's correlation of recovered and true cosine similarities of all points and classes",
        "source": SOURCE,
        "software": f"neuroalpha {neuroalpha.__version__}",
    }


def _workers(workers: int | None) -> int | None:
    return None if workers is None else whole(workers, "workers", 1)


def _several(values: Any, name: str, least: int) -> list[int]:
    given = [values] if not isinstance(values, Iterable) or isinstance(values, str) else list(values)
    found = [whole(value, name, least) for value in given]
    if not found or len(set(found)) < len(found):
        raise InputError(f"{name} is {values!r}; expected one or more different whole numbers")
    return found


def _signals(signals: str | Sequence[str], fewest_classes: int) -> dict[str, Signal]:
    """Signals by their names."""
    names = [signals] if isinstance(signals, str) else [str(name) for name in signals]
    if not names or len(set(names)) < len(names):
        raise InputError(f"signals is {signals!r}; expected one or more different names")
    found = {}
    for name in names:
        kind, mark, number = name.partition(":")
        if kind not in KINDS:
            raise InputError(
                f"signal {name!r} is not known; expected hard, soft, proximity, sparse:NUMBER or top-class:NUMBER"
                f"{nearest(kind, KINDS)}"
            )
        if (kind in ("sparse", "top-class")) != bool(mark) or (mark and not number.isdecimal()):
            raise InputError(
                f"signal {name!r}: write sparse:NUMBER and top-class:NUMBER, and the others without a number"
            )
        if mark and not 1 <= int(number) <= fewest_classes:
            raise InputError(
                f"signal {name!r} keeps {number}, with {fewest_classes} classes in the grid; expected 1 to k"
            )
        found[name] = Signal(kind, int(number) if mark else 0)
    return found
