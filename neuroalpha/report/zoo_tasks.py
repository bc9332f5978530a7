"""What the zoo's page says of tasks: which columns are accuracies or scores, noise curves, statistics, sentences."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from neuroalpha._text import first_few, valid
from neuroalpha.errors import InputError, nearest
from neuroalpha.report.zoo_columns import is_numbers, numbers, pack, short, texts

NOISES = ("symmetric", "asymmetric", "instance")  # beside what people wrote, "human ..."
PLAIN = {  # columns with one name: the group they are offered in, and which way is good
    "accuracy": ("readout", "higher"),
    "balanced_accuracy": ("readout", "higher"),
    "knn_accuracy": ("readout", "higher"),
    "logistic_accuracy": ("readout", "higher"),
    "online_accuracy": ("readout", "higher"),
    "online_knn_accuracy": ("readout", "higher"),
    "calibration_error": ("readout", "lower"),
    "corruption_accuracy": ("shifts", "higher"),
    "mean_corruption_error": ("shifts", "lower"),
    "relative_drop": ("shifts", "lower"),
}
FAMILIES = {  # what stands before the colon
    "accuracy": ("shifts", "higher"),
    "effective robustness": ("effective robustness", "higher"),
    "noise_area": ("label noise", "higher"),
    "noise_drop": ("label noise", "lower"),
    "memorisation": ("label noise", "lower"),
}
THEORY = "theory_error"  # what the predicted errors' names begin with: theory_error_alpha_only, ...
GROUPS = (
    "readout", "shifts", "effective robustness", "label noise", "accuracy under label noise", "theory", "published"
)  # fmt: skip
PUBLISHED = re.compile(r"(^|[\s_-])(top.?1|acc|accuracy)$", re.IGNORECASE)
CURVES = ("key", "noise", "level", "accuracy")
STATED = (  # columns of statistics that are known, as they stand; others come before method and note
    "target", "layer", "position", "window", "predictor", "statistic", "value", "low", "high", "low_groups",
    "high_groups", "p", "p_corrected", "null", "null_low", "null_high", "n_models", "n_groups", "n_rows",
)  # fmt: skip
STATED_NUMBERS = STATED[STATED.index("value") :]
STATED_LAST = ("method", "note")


def targets(frame: pd.DataFrame, noises: Iterable[str] = ()) -> list[dict[str, str]]:
    """Columns of a zoo's table that are accuracies or scores, grouped.

    Parameters
    ----------
    frame : DataFrame
        Of :func:`neuroalpha.report.zoo_page.complete`.
    noises : iterable of str
        Kinds of label noise besides the known ones and those with a ``noise_area`` or ``noise_drop``: the column
        ``accuracy: mine 0.2`` is then of a noise, not of a shift.

    Returns
    -------
    list of dict
        ``name`` of the column, ``label``, ``group``, ``better`` ("higher", "lower") and, where the table has both ends
        of an interval, ``low`` and ``high``: their columns. By group, in the order of the table. Published accuracies
        (``results-imagenetv2 top1``) alone are given only when there are at least two, as without a shift the page's
        other figure says the same.

    Examples
    --------
    >>> table = pd.DataFrame({"alpha": [1.0], "accuracy: fog": [0.5], "accuracy: symmetric 0.2": [0.6]})
    >>> [(each["name"], each["group"]) for each in targets(table)]
    [('accuracy: fog', 'shifts'), ('accuracy: symmetric 0.2', 'accuracy under label noise')]
    """
    columns = [str(name) for name in frame.columns]
    stems = [name.split(": ", 1) for name in columns if name.startswith(("noise_area: ", "noise_drop: "))]
    known = {*NOISES, *noises, *(rest for _, rest in stems)}
    ends = {f"{name}_{end}" for name in columns if _group(name, known)[0] for end in ("low", "high")}
    found: list[dict[str, str]] = []
    for name in columns:
        group, better = _group(name, known)
        if not group or name in ends or frame[name].dtype != float or frame[name].isna().all():
            continue
        stem, colon, rest = name.partition(": ")
        label = name if group == "published" else stem.replace("_", " ") + colon + rest
        one = {"name": name, "label": label, "group": group, "better": better}
        if {f"{name}_low", f"{name}_high"} <= set(columns):
            one |= {"low": f"{name}_low", "high": f"{name}_high"}
        found.append(one)
    if len(found) == 1 and found[0]["group"] == "published":
        return []
    return sorted(found, key=lambda one: GROUPS.index(one["group"]))


def _group(name: str, noises: set[str]) -> tuple[str, str]:
    if name in PLAIN:
        return PLAIN[name]
    if name == THEORY or name.startswith(f"{THEORY}_"):
        return "theory", "lower"
    stem, colon, rest = name.partition(": ")
    if colon and stem in FAMILIES:
        of_level = re.fullmatch(r"(.+?)\s+[\d.]+(?:e-?\d+)?%?", rest)
        noisy = rest in noises or rest.startswith("human ") or (of_level and of_level[1] in noises)
        if stem == "accuracy" and noisy:
            return "accuracy under label noise", "higher"
        return FAMILIES[stem]
    return ("published", "higher") if PUBLISHED.search(name) else ("", "")


def noise_data(noise: pd.DataFrame | None, keys: Iterable[str]) -> list[dict[str, Any]]:
    """One curve for each key and kind of noise, by level: lists of numbers, None where not known.

    Examples
    --------
    >>> curves = pd.DataFrame({"key": "0f", "noise": "symmetric", "level": [0.2, 0], "accuracy": [0.5, 0.75]})
    >>> noise_data(curves, ["0f"])
    [{'key': '0f', 'noise': 'symmetric', 'level': [0, 0.2], 'accuracy': [0.75, 0.5]}]
    """
    if noise is None or noise.empty:
        return []
    for name in CURVES:
        if name not in noise.columns:
            raise InputError(f"the noise curves have no column {name!r}" + nearest(name, map(str, noise.columns)))
    values = {
        name: numbers(noise[name]) for name in ("level", "accuracy", "low", "high", "memorisation") if name in noise
    }
    frame = pd.DataFrame({"key": texts(noise["key"]), "noise": texts(noise["noise"]), **values})
    if frame["level"].isna().any():
        raise InputError(f"{int(frame['level'].isna().sum())} rows of the noise curves have no level; drop them")
    frame = frame[frame["key"].isin(set(keys))]
    if frame.empty:
        raise InputError(
            f"the noise curves have keys {first_few(noise['key'].unique())}, and none is a key of the table"
        )
    twice = frame.duplicated(["key", "noise", "level"])
    if twice.any():
        key, kind, level = frame.loc[twice, ["key", "noise", "level"]].iloc[0]
        raise InputError(
            f"the noise curves have two accuracies of {key!r} at {kind!r} noise {level:g}; average over seeds first"
        )
    curves = []
    for (key, kind), rows in frame.groupby(["key", "noise"], sort=False):
        rows = rows.sort_values("level")
        known = [name for name in values if rows[name].notna().any()]
        curves.append({"key": key, "noise": kind} | {name: short(rows[name].to_numpy().round(6)) for name in known})
    return [curve for curve in curves if "accuracy" in curve]


def statistics_data(statistics: pd.DataFrame | None) -> dict[str, Any] | None:
    """The columns of a table of statistics, the known ones first; None without a row.

    Examples
    --------
    >>> told = statistics_data(pd.DataFrame({"y": ["accuracy"], "statistic": ["Spearman"], "value": [-0.5]}))
    >>> told["order"], told["columns"]["value"]
    (['target', 'statistic', 'value'], {'numbers': [-0.5]})
    """
    if statistics is None or statistics.empty:
        return None
    table = statistics.rename(columns=str)
    if "target" not in table.columns:
        table = table.rename(columns={"y": "target"})
    for name in ("target", "statistic", "value"):
        if name not in table.columns:
            raise InputError(f"the statistics have no column {name!r}" + nearest(name, map(str, statistics.columns)))
    known = (*STATED, *STATED_LAST)
    further = [name for name in table.columns if name not in known]
    names = [name for name in (*STATED, *further, *STATED_LAST) if name in table.columns]
    columns: dict[str, np.ndarray | list[str]] = {}
    for name in names:
        of_numbers = name in STATED_NUMBERS or (name not in known and is_numbers(table[name]))
        columns[valid(name)] = numbers(table[name]) if of_numbers else texts(table[name])
    return {"order": list(columns), "columns": pack(pd.DataFrame(columns)), "n": len(table)}


def sentences_data(sentences: Sequence[str] | Mapping[str, Sequence[str]] | None) -> list[tuple[str, list[str]]]:
    """Targets and what is said of each; without a mapping, one entry of target "".

    Examples
    --------
    >>> sentences_data("Nothing was found."), sentences_data({"accuracy": ["It rises.", "It falls."]})
    ([('', ['Nothing was found.'])], [('accuracy', ['It rises.', 'It falls.'])])
    """
    if not sentences:
        return []
    of_target = sentences if isinstance(sentences, Mapping) else {"": sentences}
    listed = {name: [said] if isinstance(said, str) else list(said) for name, said in of_target.items()}
    return [(valid(str(name)), [valid(str(one)) for one in said]) for name, said in listed.items() if said]
