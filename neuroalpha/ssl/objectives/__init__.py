"""Objectives: what a training step minimises, one idea a file, each with its paper.

Start from ``registry`` (names and options) and ``base`` (what an objective is given and gives). Contrastive:
``simclr``, ``spectral``. Decorrelating: ``barlow_twins``, ``barlow_joint``, ``vicreg``. Predicting the other view:
``byol``, ``simsiam`` with a trained predictor (``predictors``), ``directpred``, ``directcopy``, ``isoloss`` with one
computed from the projections' second moments (``spectrum_predictor``), on the losses of ``alignment``. With labels:
``supervised``. Added to any of them: ``nassar``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from neuroalpha.ssl.objectives.registry import list_objectives, make_objective, objective_options

if TYPE_CHECKING:
    from neuroalpha.ssl.objectives.base import Objective, Outputs

__all__ = ["Objective", "Outputs", "list_objectives", "make_objective", "objective_options"]


def __getattr__(name: str) -> Any:
    # They import torch, which a list of names does not need.
    if name in ("Objective", "Outputs"):
        return getattr(import_module("neuroalpha.ssl.objectives.base"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
