"""Exact predictions, each beside its simulator: of readouts' generalisation, and of three theories of learning.

Three theories of representation learning (``na.theory``): implicit variance regularisation of eigenvalues (Halvagal et
al. 2023; :mod:`~neuroalpha.theory.eigenspace`), dynamics on the Grassmannian (Esser et al. 2023;
:mod:`~neuroalpha.theory.grassmann`), informativeness of supervision signals (Sucholutsky et al. 2023;
:mod:`~neuroalpha.theory.supervision`). They share one engine, :mod:`~neuroalpha.theory.engine`: a model of the
dynamics, a simulator, and a comparator that reports the error at two step sizes.
"""

from __future__ import annotations

import importlib
from typing import Any

_PUBLIC = {
    "eigenvalue_flow": "eigenspace",
    "sample_flow": "eigenspace",
    "collapse_basins": "eigenspace",
    "time_to_reach": "eigenspace",
    "FlowSetting": "eigenflow.settings",
    "simulate_network": "network_flow",
    "compare_eigenspace": "network_flow",
    "directpred_flow": "related",
    "stepwise_flow": "related",
    "supervised_flow": "related",
    "compare_related": "related_flows.compare_related",
    "eigenspace_study": "linearnet.study",
    "grassmann_matrices": "grassmann",
    "grassmann_flow": "grassmann",
    "naive_collapse": "projectors.linear_comparison",
    "compare_grassmann": "projectors.linear_comparison",
    "compare_random_features": "projectors.wide_networks",
    "kernel_change": "projectors.wide_networks",
    "recommend_signal": "recommendation",
    "SignalPlan": "recommendation",
    "supervision_counts": "supervision",
    "label_information": "supervision",
    "LabelInformation": "supervision",
    "preference_map": "supervision",
    "error_of_wrong_labels": "triplets.noise",
    "mine_triplets": "triplets.mining",
    "count_triplets": "triplets.mining",
    "gnmds": "embedding",
    "recover_similarity": "embedding",
    "simulate_supervision": "supervision_simulation",
    "sparsity_curves": "supervision_simulation",
    "effective_dimension": "supervision_simulation",
    "supervision_findings": "supervision_claims",
    "error_table": "engine.dataset",
}
__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'neuroalpha.theory' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"neuroalpha.theory.{_PUBLIC[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
