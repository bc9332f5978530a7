"""From what a monitor's window holds to a labelled spectrum and to a row of its table; no number ends a run."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch
import xarray as xr

from neuroalpha.errors import InputError
from neuroalpha.networks.monitor_window import Content, eigenvalues
from neuroalpha.spectrum.dimension import of_eigenvalues
from neuroalpha.spectrum.fit import fit_alpha
from neuroalpha.spectrum.result import make_spectrum

COLUMNS = (
    "epoch", "step", "first_step", "layer", "alpha", "r2", "first", "last", "alpha_window_min", "alpha_window_max",
    "effective_rank", "participation_ratio", "n_samples", "n_nonfinite", "n_skipped", "n_units", "n_constant", "reduce",
    "device", "reason",
)  # fmt: skip


def labelled(content: Content, named: Mapping[str, str]) -> xr.Dataset:
    """The spectrum of two samples or more; ``named`` holds identifier, model, layer and reduce."""
    return make_spectrum(
        eigenvalues(content),
        None,
        {name: named[name] for name in ("identifier", "model", "layer")},
        estimator="pca",
        n_stimuli=content.n_samples,
        n_presentations=content.n_samples,
        n_neuroids=content.low.size,
        n_missing_filled=0,
        n_nonfinite_dropped=content.n_nonfinite,
        center="neuroid mean",
        resample="",
        draw_fraction=1.0,
        seed=0,
        reduce=named["reduce"],
        first_step=content.first_step,
        device=content.engine.device,
    )


def row(
    content: Content | None, named: Mapping[str, str], ranks: tuple[int, int] | Literal["auto"]
) -> tuple[dict[str, Any], dict[str, str]]:
    """The numbers of one layer, and notes by kind: why a number is NaN or needs care."""
    found: dict[str, Any] = {
        "first_step": -1 if content is None else content.first_step,
        **dict.fromkeys(("alpha", "r2", "alpha_window_min", "alpha_window_max"), np.nan),
        "first": -1,
        "last": -1,
        **dict.fromkeys(("effective_rank", "participation_ratio"), np.nan),
        "n_samples": 0 if content is None else content.n_samples,
        "n_nonfinite": 0 if content is None else content.n_nonfinite,
        "n_units": -1 if content is None else int(content.low.size),
        "n_constant": -1,
        "reduce": named["reduce"],
        "device": "" if content is None else content.device,
    }
    if content is None:
        why = "no forward pass in the recorded mode has reached this layer (a compiled model: attach before its first)"
        return found, {"empty": f"nothing was recorded: {why}"}
    notes: dict[str, str] = {}
    if content.n_nonfinite:
        notes["left out"] = f"{content.n_nonfinite} samples with NaN or infinite values are left out"
    if not content.latest_finite:
        return found, {"not finite": "all samples of the latest pass hold NaN or infinite values", **notes}
    if content.n_samples < 2:
        return found, {"few": f"{content.n_samples} finite samples so far; a spectrum needs 2", **notes}
    found["n_constant"] = int((content.low == content.high).sum())
    if found["n_constant"] == found["n_units"]:
        return found, {"constant": f"all {found['n_units']} units are constant", **notes}
    try:
        with np.errstate(all="ignore"):
            spectrum = labelled(content, named)
        measures = of_eigenvalues(spectrum["eigenvalue"].values, strict=False)
    except (np.linalg.LinAlgError, torch.linalg.LinAlgError) as error:  # values whose squares are not finite
        return found, {"no spectrum": f"no eigenvalues: {error}", **notes}
    if not np.isfinite(spectrum["eigenvalue"].values).all():
        return found, {"no spectrum": "the squares of the values are not finite", **notes}
    found |= {name: measures[name] for name in ("effective_rank", "participation_ratio")}
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            fit = fit_alpha(spectrum, ranks)
    except InputError as error:
        return found, {"no alpha": str(error), **notes}
    if caught:
        notes["window"] = "; ".join(str(each.message) for each in caught)
    least, most = fit.window_range
    found |= {"alpha": fit.alpha, "r2": fit.r2, "first": fit.ranks[0], "last": fit.ranks[1]}
    return found | {"alpha_window_min": least, "alpha_window_max": most}, notes
