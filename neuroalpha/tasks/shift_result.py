"""From right and wrong answers under shifts to one Dataset: accuracies, their means and intervals over images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

import neuroalpha
from neuroalpha.tasks.corruptions.corrupt import corruption_notes
from neuroalpha.tasks.intervals import wilson
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
        ``natural_classes`` counts. The attribute ``corruption_notes`` says where the corruptions shown differ from the
        published ones (:func:`neuroalpha.corruption_notes`); empty without any.
    """
    right = clean[""]
    found = xr.Dataset(coords={"corruption": list(kinds), "severity": list(severities), "natural": list(natural)})
    found["accuracy"] = float(right.mean())
    found["accuracy_low"], found["accuracy_high"] = wilson(right.sum(), right.size)
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
        counts = np.array([(answered.sum(), answered.size) for answered, _, _ in natural.values()])
        own, (low, high) = counts[:, 0] / counts[:, 1], wilson(counts[:, 0], counts[:, 1])
        before = np.array([alike.mean() if alike.size else np.nan for _, alike, _ in natural.values()])
        found["natural_accuracy"] = ("natural", own)
        found["natural_accuracy_low"] = ("natural", low)
        found["natural_accuracy_high"] = ("natural", high)
        found["natural_clean_accuracy"] = ("natural", before)
        found["natural_drop"] = (
            "natural",
            np.where(np.isnan(before), np.nan, relative_drop(np.nan_to_num(before), own)),
        )
        found["natural_images"] = ("natural", [asked.rows.size for _, _, asked in natural.values()])
        found["natural_classes"] = ("natural", [asked.among.size for _, _, asked in natural.values()])
        found["natural_dropped"] = ("natural", [", ".join(asked.dropped) for _, _, asked in natural.values()])
    notes = [f"{kind}: {note}" for kind, note in corruption_notes().items() if kinds and kind in ("all kinds", *kinds)]
    return found.assign_attrs(
        classifier="ridge",
        corruption_notes="; ".join(notes),
        n_test=int(right.size),
        n_boot=n_boot,
        seed=seed,
        software=f"neuroalpha {neuroalpha.__version__}",
    )
