"""From right and wrong answers under shifts to one Dataset: accuracies, their means and intervals over images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

import neuroalpha
from neuroalpha.tasks.linear_readout import Answers
from neuroalpha.tasks.shift_scores import corruption_accuracy, mean_corruption_error, relative_drop

Natural = Mapping[str, tuple[np.ndarray, np.ndarray, Answers]]


def shift_result(
    clean: Mapping[str, np.ndarray],
    corrupted: np.ndarray,
    natural: Natural,
    kinds: Sequence[str],
    severities: Sequence[int],
    n_boot: int,
    seed: int,
) -> xr.Dataset:
    """Gather what one readout did.

    Parameters
    ----------
    clean
        Whether each clean test image was named rightly (k,), under ``""``.
    corrupted
        The same (kind, severity, image) for the corrupted copies.
    natural
        By name of a set: right answers (images,) on it, on clean test images of the same classes, and what was asked.
    kinds, severities
        Of the corruptions.
    n_boot, seed
        Of the bootstrap over images.

    Returns
    -------
    Dataset
        ``accuracy`` of the clean images with ``_low`` and ``_high`` (Wilson); ``corruption_accuracy`` (corruption,
        severity), ``kind_accuracy`` (corruption) and ``mean_corruption_accuracy``, the last two with intervals from a
        paired bootstrap over images; ``mean_corruption_error`` (one less the mean accuracy: nothing is normalised);
        ``relative_drop`` with interval; ``natural_accuracy`` (natural) with Wilson intervals,
        ``natural_clean_accuracy`` on clean test images of the same classes, ``natural_drop``, ``natural_images`` and
        ``natural_classes`` counts.
    """
    right = clean[""]
    found = xr.Dataset(coords={"corruption": list(kinds), "severity": list(severities), "natural": list(natural)})
    found["accuracy"] = float(right.mean())
    found["accuracy_low"], found["accuracy_high"] = wilson(right)
    if kinds:
        scored = corruption_accuracy(corrupted, right, n_boot=n_boot, seed=seed)
        found["corruption_accuracy"] = (("corruption", "severity"), scored.accuracy)
        for name, values in (("", scored.kind), ("_low", scored.kind_low), ("_high", scored.kind_high)):
            found[f"kind_accuracy{name}"] = ("corruption", values)
        for name, value in (("", scored.mean), ("_low", scored.low), ("_high", scored.high)):
            found[f"mean_corruption_accuracy{name}"] = value
        for name, value in (("", scored.drop), ("_low", scored.drop_low), ("_high", scored.drop_high)):
            found[f"relative_drop{name}"] = value
        found["mean_corruption_error"] = float(mean_corruption_error(1 - scored.accuracy))
    if natural:
        ends = [wilson(answered) for answered, _, _ in natural.values()]
        own = np.array([answered.mean() for answered, _, _ in natural.values()])
        before = np.array([alike.mean() if alike.size else np.nan for _, alike, _ in natural.values()])
        found["natural_accuracy"] = ("natural", own)
        found["natural_accuracy_low"] = ("natural", [low for low, _ in ends])
        found["natural_accuracy_high"] = ("natural", [high for _, high in ends])
        found["natural_clean_accuracy"] = ("natural", before)
        found["natural_drop"] = (
            "natural",
            np.where(np.isnan(before), np.nan, relative_drop(np.nan_to_num(before), own)),
        )
        found["natural_images"] = ("natural", [asked.rows.size for _, _, asked in natural.values()])
        found["natural_classes"] = ("natural", [asked.among.size for _, _, asked in natural.values()])
        found["natural_dropped"] = ("natural", [", ".join(asked.dropped) for _, _, asked in natural.values()])
    return found.assign_attrs(
        classifier="ridge",
        n_test=int(right.size),
        n_boot=n_boot,
        seed=seed,
        software=f"neuroalpha {neuroalpha.__version__}",
    )


def wilson(right: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """Wilson's interval of a share, from booleans (n,)."""
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(int(right.sum()), right.size, 1 - level, "wilson")
    return float(low), float(high)
