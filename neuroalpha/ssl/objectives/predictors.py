"""Predictors that are trained with the network: from one view's projection to the other's."""

from __future__ import annotations

from typing import Any

from torch import nn

from neuroalpha._checks import whole
from neuroalpha.ssl.objectives.checks import choice

PREDICTORS = ("mlp", "linear", "none")


def make_predictor(kind: Any, n: int, hidden: Any, usual_hidden: int) -> nn.Module:
    """Make a predictor of projections of width ``n``.

    ``mlp`` is Linear, batch norm, ReLU, Linear as in BYOL and SimSiam; ``linear`` one matrix without bias, as Tian et
    al. 2021 study; ``none`` the identity.

    Examples
    --------
    >>> make_predictor("linear", 4, None, 8)
    Linear(in_features=4, out_features=4, bias=False)
    """
    kind = choice(kind, "predictor", PREDICTORS)
    hidden = usual_hidden if hidden is None else whole(hidden, "hidden", 1)
    if kind == "none":
        return nn.Identity()
    if kind == "linear":
        return nn.Linear(n, n, bias=False)
    # No bias before the batch norm, which would take it out.
    layers = [nn.Linear(n, hidden, bias=False), nn.BatchNorm1d(hidden), nn.ReLU(inplace=True), nn.Linear(hidden, n)]
    return nn.Sequential(*layers)
