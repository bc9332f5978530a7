"""A sweep's table: which columns are settings, scores and accuracies, how objectives look, what the page shows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from neuroalpha._text import first_few, valid
from neuroalpha.errors import InputError, nearest
from neuroalpha.report.plot import COLOURS
from neuroalpha.report.zoo_columns import is_numbers, texts

SETTING = "setting: "  # what the names of a sweep's settings begin with
GROUP = "setting: objective"
SCORES = {  # label-free scores, in the order of the panels, and how they are written
    "alpha": "alpha",
    "rankme": "RankMe",
    "lidar": "LiDAR",
    "nesum": "NESum",
    "participation_ratio": "participation ratio",
    "effective_rank": "effective rank",
    "stable_rank": "stable rank",
    "coding_rate": "coding rate",
    "clid": "CLID",
    "self_cluster": "self-cluster",
    "coherence": "coherence",
    "condition": "inverse condition number",
    "intrinsic_dimension": "intrinsic dimension",
    "rankme_eigenvalues": "RankMe (of eigenvalues)",
    "lidar_squared": "LiDAR (squared)",
    "clid_cluster": "CLID (cluster part)",
    "final_loss": "final training loss",
    "final_loss_per_dimension": "final loss per dimension",
    "stable_rank_uncentred": "stable rank (uncentred)",
}
ACCURACIES = {
    "accuracy": "accuracy of the readout",
    "online_accuracy": "accuracy of the online readout",
    "readout_accuracy": "accuracy of the online readout",
    "knn_accuracy": "kNN accuracy",
    "logistic_accuracy": "logistic accuracy",
    "balanced_accuracy": "balanced accuracy",
}


class Look(NamedTuple):
    """How an objective is drawn, in every figure."""

    colour: str
    marker: str
    style: str


_PURPLE = "#6A3D9A"  # beside the palette: objectives that stand in one sweep need nine colours
_ORDER = (
    ("simclr", COLOURS[0], "o"), ("barlow_twins", COLOURS[1], "s"), ("vicreg", COLOURS[2], "^"),
    ("byol", COLOURS[3], "D"), ("simsiam", COLOURS[4], "v"), ("spectral", COLOURS[5], "P"),
    ("directpred", COLOURS[6], "X"), ("isoloss", _PURPLE, "h"), ("supervised", COLOURS[7], "o"),
    # Those that follow share a colour with the objective they are a form of, and differ in mark and line.
    ("directcopy", COLOURS[6], "<"), ("barlow_joint", COLOURS[1], "p"), ("nassar", COLOURS[0], "*"),
    ("random_labels", COLOURS[7], ">"),
)  # fmt: skip
N_COLOURS = 9
_STYLES = ("-", "--", ":", "-.")
LOOKS = {name: Look(colour, mark, _STYLES[index // N_COLOURS]) for index, (name, colour, mark) in enumerate(_ORDER)}
MARKS = {
    "o": "circle", "s": "square", "^": "triangle-up", "D": "diamond", "v": "triangle-down", "P": "cross", "X": "x",
    "h": "hexagon", "<": "triangle-left", "p": "pentagon", "*": "star", ">": "triangle-right",
}  # fmt: skip


def looks_of(names: Iterable[str]) -> dict[str, Look]:
    """A colour, mark and line style for each name: always the same for a known objective, else the next one free.

    Examples
    --------
    >>> looks_of(["byol"])["byol"] == looks_of(["mine", "simclr", "byol"])["byol"]
    True
    """
    wanted = sorted(set(names))
    taken = {LOOKS[name].colour for name in wanted if name in LOOKS}
    colours = sorted([look.colour for look in LOOKS.values()][:N_COLOURS], key=lambda colour: colour in taken)
    marks, known = list(MARKS), {(look.colour, look.marker) for look in LOOKS.values()}
    free = [
        Look(colour, marks[(index + again) % len(marks)], _STYLES[again % len(_STYLES)])
        for again in range(len(marks))
        for index, colour in enumerate(colours)
        if (colour, marks[(index + again) % len(marks)]) not in known
    ]
    further = [name for name in wanted if name not in LOOKS]
    found = LOOKS | {name: free[index % len(free)] for index, name in enumerate(further)}
    return {name: found[name] for name in wanted}


def settings_of(table: pd.DataFrame) -> list[str]:
    """The settings that differ between the rows of a table, in its order.

    Examples
    --------
    >>> table = pd.DataFrame({"setting: lr": [0.1, 0.2], "setting: width": [16, 16], "alpha": [0.8, 1.1]})
    >>> settings_of(table)
    ['setting: lr']
    """
    names = [str(name) for name in table.columns if str(name).startswith(SETTING)]
    return [name for name in names if len(set(texts(table[name])) - {""}) > 1]


def scores_of(table: pd.DataFrame) -> list[str]:
    """The label-free scores of a table that hold numbers.

    Examples
    --------
    >>> scores_of(pd.DataFrame({"rankme": [20.0, 30.0], "alpha": [0.8, 1.1], "lidar": float("nan"), "model": "a"}))
    ['alpha', 'rankme']
    """
    return [name for name in SCORES if name in table.columns and is_numbers(table[name])]


def accuracies_of(table: pd.DataFrame) -> list[str]:
    """The accuracies of a table that hold numbers: of readouts, then on shifts.

    Examples
    --------
    >>> accuracies_of(pd.DataFrame({"knn_accuracy": [0.5], "accuracy: fog": [0.4], "accuracy": [0.6]}))
    ['accuracy', 'knn_accuracy', 'accuracy: fog']
    """
    plain = [name for name in ACCURACIES if name in table.columns]
    shifts = [str(name) for name in table.columns if str(name).startswith("accuracy: ")]
    return [name for name in [*plain, *shifts] if is_numbers(table[name])]


def group_of(table: pd.DataFrame) -> str:
    """The column that colours models: the objective, else nothing."""
    return next((name for name in (GROUP, "objective") if name in table.columns), "")


def label_of(name: str) -> str:
    """How a column is written in a figure.

    Examples
    --------
    >>> label_of("rankme"), label_of("setting: options.temperature"), label_of("accuracy: fog")
    ('RankMe', 'temperature', 'accuracy: fog')
    """
    if name.startswith(SETTING):
        return name[len(SETTING) :].removeprefix("options.")
    return {**SCORES, **ACCURACIES}.get(name, name)


def column(table: pd.DataFrame, name: str, what: str = "the sweep's table") -> str:
    """The column of this name, with or without ``setting: ``; an error that suggests what was meant, where missing."""
    if not isinstance(table, pd.DataFrame):
        raise InputError(f"expected {what} (pandas.DataFrame), got {type(table).__name__}")
    for each in (name, SETTING + name, f"{SETTING}options.{name}"):
        if each in table.columns:
            return each
    known = [str(each) for each in table.columns]
    shorter = [each.removeprefix(SETTING) for each in known]
    raise InputError(f"{what} has no column {name!r}{nearest(name, shorter)}; it has {first_few(known, 8)}")


def collapsed(table: pd.DataFrame) -> np.ndarray:
    """Which rows are of models that have collapsed, (n,) bool: those with a word or a true value in ``collapsed``."""
    if "collapsed" not in table.columns:
        return np.zeros(len(table), dtype=bool)
    said = table["collapsed"].astype(object).where(table["collapsed"].notna(), "").astype(str).str.strip().str.lower()
    return ~said.isin(["", "0", "0.0", "false", "no", "nan"]).to_numpy()


def sweep_data(frame: pd.DataFrame) -> dict[str, Any] | None:
    """What the page's section of a sweep needs to know of the table's columns; None where it has no settings.

    Examples
    --------
    >>> table = pd.DataFrame({"setting: lr": [0.1, 0.2], "layer": "backbone", "alpha": [0.8, 1.1]})
    >>> found = sweep_data(table)
    >>> found["settings"], found["scores"], found["layer"]
    ([{'name': 'setting: lr', 'label': 'lr'}], [{'name': 'alpha', 'label': 'alpha'}], 'backbone')
    """
    settings, group = settings_of(frame), group_of(frame)
    if not settings:
        return None
    layers = sorted(set(texts(frame["layer"]))) if "layer" in frame.columns else [""]
    looks = looks_of(texts(frame[group])) if group else {"": Look(COLOURS[0], "o", "-")}
    return {
        "settings": [_named(name) for name in settings],
        "scores": [_named(name) for name in scores_of(frame)],
        "accuracies": [_named(name) for name in accuracies_of(frame)],
        "group": group,
        "looks": {name: {"colour": look.colour, "mark": MARKS[look.marker]} for name, look in looks.items()},
        "layers": layers,
        "layer": "backbone" if "backbone" in layers else layers[0],
        "collapsed": np.flatnonzero(collapsed(frame)).tolist(),
    }


def _named(name: str) -> dict[str, str]:
    return {"name": valid(name), "label": valid(label_of(name))}
