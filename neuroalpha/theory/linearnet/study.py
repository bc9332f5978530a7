"""Everything that the page on the eigenspace theory shows, computed in one call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from neuroalpha._checks import check_seed
from neuroalpha.theory.linearnet.settings import TOY, start_weights
from neuroalpha.theory.network_flow import compare_eigenspace, simulate_network
from neuroalpha.theory.related_flows.compare_related import compare_related


def eigenspace_study(*, seed: int = 2, progress: bool = False) -> dict[str, xr.Dataset]:
    """Compute what the figures and tables of the eigenspace theory are made from.

    About a minute on one core.

    Parameters
    ----------
    seed : int, optional
    progress : bool, optional
        A bar on stderr.

    Returns
    -------
    dict of Dataset
        ``eigenspace`` and ``extra`` (:func:`compare_eigenspace`), ``related`` (:func:`compare_related`), ``basins``
        (``neuroalpha.theory.collapse_basins``), ``fixed points`` (two modes from three starts, dimension ``start``),
        ``responses`` and ``relu`` (:func:`simulate_network` for every setting of TOY, dimension ``setting``).

    Examples
    --------
    >>> from neuroalpha.report.plot_eigenspace import eigenspace_figures
    >>> figures = eigenspace_figures(eigenspace_study())  # doctest: +SKIP
    """
    from tqdm import tqdm

    check_seed(seed)
    steps: dict[str, Callable[[], xr.Dataset]] = {
        "eigenspace": lambda: compare_eigenspace(seed=seed),
        "extra": lambda: compare_eigenspace("extra", seed=seed),
        "related": lambda: compare_related(seed=seed),
        "basins": basins,
        "fixed points": lambda: fixed_points(seed),
        "responses": lambda: every_setting(n_modes=2, n_inputs=6, n_responses=20, n_times=61, seed=seed),
        "relu": lambda: every_setting(activation="relu", n_samples=2000, n_times=61, seed=seed),
    }
    made = {}
    with tqdm(steps.items(), disable=not progress, delay=1) as bar:
        for name, compute in bar:
            bar.set_postfix_str(name)
            made[name] = compute()
    return made


def fixed_points(seed: int = 2) -> xr.Dataset:
    """Two modes from the weights W, 2 W and others, under both losses (the notebook's Figure 5); dim ``start``."""
    small = start_weights(2, 6, seed)
    other = np.random.default_rng([seed, 1]).standard_normal((2, 6)) / 2
    starts = {"W": small, "2 W": 2 * small, "other": other}
    parts = []
    for start in starts.values():
        euclidean = compare_eigenspace("euclidean", (0.05, 0.005), until=15, start=start, seed=seed)
        cosine = compare_eigenspace("cosine", (0.2, 0.02), until=40, start=start, seed=seed)
        parts.append(xr.concat([euclidean, cosine], "setting", combine_attrs="drop_conflicts"))
    made = xr.concat(parts, "start", combine_attrs="drop_conflicts")
    made["start"] = np.array(list(starts), dtype=object)
    return made


def basins() -> xr.Dataset:
    """Where one eigenvalue ends, over starts and weight decays, with the predictor and with IsoLoss."""
    from neuroalpha.theory.eigenspace import collapse_basins

    return collapse_basins(np.geomspace(0.01, 2, 41), np.linspace(0, 0.3, 31), ["euclidean", "euclidean iso"])


def every_setting(**options: Any) -> xr.Dataset:
    """:func:`simulate_network` for each of the eight settings, dim ``setting``; time by its place.

    ``options`` are those of :func:`simulate_network`, for all settings.
    """
    runs = []
    for name, setting in TOY.items():
        steps = {"until": 15.0, "step_size": 0.05}  # all of 60 equal stretches
        if name == "cosine no predictor":
            steps = {"until": 3000.0, "step_size": 25.0}
            if options.get("activation") == "relu":  # what samples scatter by adds up over large steps
                steps = {"until": 300.0, "step_size": 0.25}
        elif setting.loss == "cosine":
            steps = {"until": 150.0, "step_size": 0.25}
        more = dict(options)
        if name == "cosine no stop-gradient" and options.get("n_modes", 10) < 3:
            # The update as coded has tails so heavy in two modes that its expectation says nothing of a sample's steps.
            more.setdefault("n_samples", 20_000)
            steps = {"until": 15.0, "step_size": 0.05}
        run = simulate_network(name, **{**more, **steps}).rename({"time": "time_index"})
        run["time"] = ("time_index", run["time_index"].values)
        runs.append(run.drop_vars("time_index"))
    made = xr.concat(runs, "setting", combine_attrs="drop_conflicts")
    made["setting"] = np.array(list(TOY), dtype=object)
    return made
