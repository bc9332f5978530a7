"""neuroalpha: the exponent of the power law that the eigenvalues of a population's responses follow.

Everything public is one attribute away (``import neuroalpha as na``) and is imported on first use, so that the command
line and a spectrum of a file do not pay for torch.
"""

from __future__ import annotations

import importlib
from importlib.metadata import PackageNotFoundError, version
from typing import Any

try:
    __version__ = version("neuroalpha")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0+unknown"

_PUBLIC = {
    "InputError": "errors",
    "make_assembly": "assembly",
    "check_assembly": "assembly",
    "subset": "assembly",
    "repeats": "trials",
    "save": "storage",
    "load": "storage",
    "read_stringer": "recordings.stringer",
    "write_stringer": "recordings.stringer_write",
    "read_stringer_database": "recordings.stringer_stimuli",
    "read_stringer_images": "recordings.stringer_stimuli",
    "read_stringer_classes": "recordings.stringer_stimuli",
    "preprocess": "recordings.preprocess",
    "read_array": "recordings.array",
    "simulate_recording": "simulate.recording",
    "simulate_v1": "simulate.v1",
    "eigenspectrum": "spectrum.pca",
    "cvpca": "spectrum.cvpca",
    "meme": "spectrum.meme",
    "heldout_spectrum": "spectrum.heldout",
    "spectral_correlation": "spectrum.heldout",
    "stream_spectrum": "spectrum.stream",
    "dimensions": "spectrum.dimension",
    "fit_alpha": "spectrum.fit",
    "AlphaFit": "spectrum.fit",
    "compare_models": "spectrum.compare_models",
    "straightness": "spectrum.straightness",
    "label_free_scores": "spectrum.label_free_scores",
    "LabelFreeScores": "spectrum.label_free_scores",
    "rankme": "spectrum.labelfree.rankme",
    "lidar": "spectrum.labelfree.lidar",
    "nesum": "spectrum.labelfree.nesum",
    "stable_rank": "spectrum.labelfree.nesum",
    "coding_rate": "spectrum.labelfree.coding_rate",
    "clid": "spectrum.labelfree.clid",
    "self_cluster": "spectrum.labelfree.self_cluster",
    "calibrate": "spectrum.calibrate",
    "extrapolate": "spectrum.extrapolate",
    "reliability": "spectrum.reliability",
    "layers": "networks.layers",
    "extract": "networks.extract",
    "load_model": "networks.catalogue",
    "list_models": "networks.catalogue",
    "load_checkpoint": "networks.checkpoints",
    "list_checkpoints": "networks.checkpoints",
    "load_code": "networks.code",
    "images": "networks.images",
    "model_spectra": "networks.spectra",
    "AlphaMonitor": "networks.monitor",
    "AlphaCallback": "networks.lightning",
    "readout": "tasks.readout",
    "corrupt": "tasks.corruptions.corrupt",
    "list_corruptions": "tasks.corruptions.corrupt",
    "read_shifts": "tasks.published",
    "shift_accuracy": "tasks.shift_accuracy",
    "effective_robustness": "tasks.effective_robustness",
    "corruption_notes": "tasks.corruptions.corrupt",
    "read_human_labels": "tasks.human_noise",
    "read_label_counts": "tasks.label_counts",
    "soft_labels": "tasks.soft_labels",
    "soft_readout": "tasks.soft_readout",
    "noise_robustness": "tasks.noise_curve",
    "predict_generalisation": "theory.generalisation",
    "variant_gaps": "theory.generalisation",
    "measure": "compare.measure",
    "zoo_table": "compare.zoo_table",
    "join_accuracy": "compare.accuracy",
    "relate": "compare.relate",
    "Relation": "compare.relate",
    "relate_claims": "compare.claims",
    "relate_run": "runs.statements",
    "select": "compare.selection",
    "Selection": "compare.selection",
    "compare_rules": "compare.rule_comparison",
    "RuleComparison": "compare.rule_comparison",
    "score_correlations": "compare.score_correlation",
    "compare_page": "report.page",
    "zoo_page": "report.zoo_page",
    "zoo_figures": "report.zoo_figures",
    "train": "ssl.train",
    "TrainingError": "ssl.loop",
    "load_trained": "ssl.state",
    "make_settings": "ssl.settings",
    "TrainSettings": "ssl.settings",
    "list_objectives": "ssl.objectives",
    "make_objective": "ssl.objectives",
    "objective_options": "ssl.objectives",
    "read_sweep": "ssl.sweep",
    "run_zoo": "runs.run",
    "zoo_status": "runs.status",
    "read_results": "runs.results",
    "write_report": "runs.results",
}
_MODULES = {"plot": "report.plot", "theory": "theory"}
__all__ = ["__version__", *_PUBLIC, *_MODULES]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        value: Any = importlib.import_module(f"neuroalpha.{_MODULES[name]}")
    elif name in _PUBLIC:
        value = getattr(importlib.import_module(f"neuroalpha.{_PUBLIC[name]}"), name)
    else:
        raise AttributeError(f"module 'neuroalpha' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
