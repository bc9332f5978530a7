"""Labelled: what the public functions share: views that were given or made, names of losses, how a result was made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import neuroalpha
from neuroalpha.errors import InputError, nearest
from neuroalpha.theory.projectors.checks import views
from neuroalpha.theory.projectors.losses import LOSSES, make_views

REDERIVED = (
    "re-derived after Esser, Mukherjee & Ghoshdastidar 2023 (arXiv 2309.02011); the theorems of the paper could not be "
    "read"
)
"""Every result says so."""
TIME_UNIT = "1 / |C|, |C| the largest absolute eigenvalue of the symmetric matrix of the loss"


def views_or_made(
    x: Any,
    positive: Any,
    negative: Any,
    center: bool,
    seed: int,
    *,
    n_samples: int = 60,
    n_features: int = 20,
    n_outputs: int = 2,
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """The views that were given, checked, or made ones."""
    if x is None and positive is None and negative is None:
        x, positive, negative = make_views(n_samples, n_features, min(n_outputs, n_features), seed=seed)
    elif x is None or positive is None:
        raise InputError("give samples and their views, x and positive (and negative), or none of them")
    return views(x, positive, negative, center)


def losses_of(losses: Sequence[str] | None, has_negative: bool) -> list[str]:
    """Names of losses, checked."""
    if losses is None:
        return [name for name in LOSSES if has_negative or name != "contrastive"]
    names = [losses] if isinstance(losses, str) else [str(name) for name in losses]
    for name in names:
        if name not in LOSSES:
            raise InputError(f"there is no loss {name!r}{nearest(name, LOSSES)}; there are {list(LOSSES)}")
    if "contrastive" in names and not has_negative:
        raise InputError("the contrastive loss needs negative views; give negative, or losses=['non-contrastive']")
    if not names:
        raise InputError(f"losses is empty; expected some of {list(LOSSES)}")
    return names


def made_by(seed: int | None = None, **more: str | int | float) -> dict[str, str | int | float]:
    """Attributes of a result: seed, what else is known, the version."""
    return {**({} if seed is None else {"seed": seed}), **more, "software": f"neuroalpha {neuroalpha.__version__}"}
