"""Accuracy under a shift beyond what accuracy in distribution predicts, over many models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, logit, ndtr, ndtri

from neuroalpha._checks import whole
from neuroalpha.errors import InputError, nearest
from neuroalpha.tasks.shift_scores import booleans, shares

MIN_MODELS = 5
"""Below this a line through models is refused."""

# Scales on which accuracies of many models lie on a line, and the way back: logit in Taori et al. 2020 (section 3),
# probit in Recht et al. 2019 and Miller et al. 2021.
TRANSFORMS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray], np.ndarray]]] = {
    "logit": (logit, expit),
    "probit": (ndtri, ndtr),
    "linear": (np.asarray, np.asarray),
}


@dataclass(frozen=True, eq=False)
class EffectiveRobustness:
    """Accuracies under a shift against the line that they follow over models."""

    residual: np.ndarray
    """(model,) accuracy under the shift minus what the line expects: effective robustness."""
    expected: np.ndarray
    """(model,) accuracy that the line expects."""
    slope: float
    intercept: float
    """Of the line, on the transformed scale."""
    r2: float
    """Share of variance that it explains there, over the models that it was fitted to."""
    n_models: int
    """How many these are."""
    transform: str


def effective_robustness(
    in_accuracy: Any,
    shifted: Any,
    transform: str = "logit",
    *,
    n_images: int | tuple[int, int] | None = None,
    baseline: Any = None,
) -> EffectiveRobustness:
    """Accuracy under a shift beyond what the accuracy in distribution predicts (Taori et al. 2020, equation 1).

    Over models, accuracy under a shift follows accuracy in distribution along a line once both are transformed (Recht
    et al. 2019; Taori et al. 2020; Miller et al. 2021). The line is fitted by least squares; effective robustness is
    the residual, taken back on the scale of accuracies.

    Parameters
    ----------
    in_accuracy, shifted
        (model,) shares; a model with a NaN in either gets NaN and takes no part in the line.
    transform
        ``"logit"`` (default, Taori et al.), ``"probit"`` or ``"linear"``.
    n_images
        Number of test images, one or (in distribution, shifted). Needed only where an accuracy is 0 or 1, whose logit
        is infinite: accuracies are then kept half an image away from both ends, in 0.5/n .. 1 - 0.5/n.
    baseline
        (model,) booleans: which models define the line; default all. Taori et al. use models that were trained on the
        data set alone, without robustness interventions or more data.

    Returns
    -------
    EffectiveRobustness

    Raises
    ------
    InputError
        For fewer than 5 models in the line, accuracies outside 0..1 (percent), equal accuracies in distribution, or an
        accuracy of 0 or 1 without ``n_images``.

    Examples
    --------
    >>> x = np.array([0.5, 0.6, 0.7, 0.8, 0.9])
    >>> found = effective_robustness(x, x - np.array([0.1, 0.1, 0.05, 0.1, 0.1]), "linear")
    >>> found.residual.round(3), round(found.slope, 3)
    (array([-0.01, -0.01,  0.04, -0.01, -0.01]), 1.0)
    """
    if transform not in TRANSFORMS:
        raise InputError(
            f"transform= is {transform!r}{nearest(str(transform), TRANSFORMS)}; give one of {', '.join(TRANSFORMS)}"
        )
    forward, back = TRANSFORMS[transform]
    images = n_images if isinstance(n_images, tuple) else (n_images, n_images)
    pair = [_accuracies(values, name) for values, name in ((in_accuracy, "in_accuracy"), (shifted, "shifted"))]
    if pair[0].shape != pair[1].shape:
        raise InputError(f"in_accuracy has {pair[0].size} models and shifted {pair[1].size}; give one of each")
    known = ~(np.isnan(pair[0]) | np.isnan(pair[1]))
    used = known.copy()
    if baseline is not None:
        used &= booleans(baseline, "baseline", 1, "(model,)", pair[0].size)
    if used.sum() < MIN_MODELS:
        raise InputError(
            f"effective robustness is the distance from a line over models, and {int(used.sum())} of {known.size} have "
            f"both accuracies{'' if baseline is None else ' and are in the baseline'}; at least {MIN_MODELS} are needed"
        )
    inner = pair if transform == "linear" else [_inside(*each) for each in zip(pair, images, strict=True)]
    x, y = (forward(values) for values in inner)
    if np.ptp(x[used]) == 0:
        raise InputError(f"all {int(used.sum())} models have the same accuracy in distribution: no line can be fitted")
    centred = x[used] - x[used].mean()
    slope = float(centred @ y[used] / (centred @ centred))
    intercept = float(y[used].mean() - slope * x[used].mean())
    left = y[used] - slope * x[used] - intercept
    total = float(((y[used] - y[used].mean()) ** 2).sum())
    expected = back(slope * x + intercept)
    return EffectiveRobustness(
        pair[1] - expected,
        expected,
        slope,
        intercept,
        1 - float(left @ left) / total if total > 0 else np.nan,
        int(used.sum()),
        transform,
    )


def _inside(values: np.ndarray, n_images: int | None) -> np.ndarray:
    """Keep accuracies half an image away from 0 and 1."""
    if n_images is None:
        ends = int(((values == 0) | (values == 1)).sum())
        if ends:
            raise InputError(
                f"{ends} of {values.size} accuracies are 0 or 1, whose logit is infinite; say with n_images= how many "
                "test images there are, which keeps them half an image away from both, or take transform='linear'"
            )
        return values
    half = 0.5 / whole(n_images, "n_images", 1)
    return np.clip(values, half, 1 - half)


def _accuracies(values: Any, name: str) -> np.ndarray:
    values = shares(values, name, missing=True)
    if values.ndim != 1:
        raise InputError(f"{name} has shape {values.shape}; expected (model,), one accuracy for each")
    return values
