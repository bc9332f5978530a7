"""Which rows a statement is about: columns found, missing values counted, one row for each model and place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from neuroalpha._text import first_few
from neuroalpha.compare.windows import FEWEST
from neuroalpha.errors import InputError, nearest

OTHERS = ("images", "estimator")  # columns that tell rows of one model apart, beside layer and window
PICKS = ("auto", "deepest", "shallowest")


@dataclass(frozen=True, eq=False)
class Rows:
    """What is left to relate."""

    points: pd.DataFrame
    """One row for each model and combination: ``unit`` (text), the columns asked for, ``first`` and ``last``."""
    dropped: pd.DataFrame
    """Rows with missing values: ``unit``, the combination, ``reason``."""
    within: tuple[str, ...]
    controls: tuple[str, ...]
    notes: tuple[str, ...]
    picked: str
    """What is said of a layer that is not the same in all models."""


def prepare(
    table: pd.DataFrame,
    x: str,
    y: str,
    controls: Sequence[str],
    group: str | None,
    unit: str | Sequence[str],
    within: str | Sequence[str],
    pick: str,
) -> Rows:
    """Check the columns, choose the rows; see :func:`neuroalpha.compare.relate.relate` for the parameters."""
    names = [x, y, *controls]
    units = check_columns(table, names, group, unit)
    table = table.reset_index(drop=True)
    values = {name: pd.Series(number_column(table, name)) for name in names}
    frame = pd.DataFrame({"unit": _unit_names(table, units)}, index=table.index)
    for name in (*units, *OTHERS, "layer", "window", "reduce", "position", "depth", "first", "last"):
        if name in table.columns:
            frame[name] = table[name]
    chosen, frame, notes, picked = _places(frame, table, within, pick)
    if group is not None:
        frame[group] = table.loc[frame.index, group]
    for name, column in values.items():
        frame[name] = column.loc[frame.index]
    frame, dropped = _without_missing(frame, names, group, chosen)
    if frame.empty:
        reason = dropped["reason"].value_counts().index[0]
        raise InputError(f"none of {len(dropped)} rows can be used, most often because {reason}; look at the table")
    for name in (x, y):
        if frame[name].nunique() == 1 and len(frame) > 1:
            raise InputError(
                f"{name!r} is {frame[name].iloc[0]:g} in all {len(frame)} rows; nothing goes with a constant"
            )
    constant = [name for name in controls if frame[name].nunique() == 1]
    if constant:
        notes.append(f"Not controlled for, because constant: {', '.join(constant)}.")
    if group is not None:
        _check_groups(frame, group)
    _ranks(frame)
    kept = tuple(name for name in controls if name not in constant)
    return Rows(frame.reset_index(drop=True), dropped.reset_index(drop=True), chosen, kept, tuple(notes), picked)


def check_table(table: pd.DataFrame, unit: str | Sequence[str] = "auto") -> tuple[str, ...]:
    """Refuse what has no rows or does not name its models; returns the columns that do."""
    if not isinstance(table, pd.DataFrame):
        raise InputError(f"table is {type(table).__name__}; expected a pandas DataFrame with a row for each model")
    if table.empty:
        raise InputError("the table has no rows; there is nothing to relate")
    return _unit_columns(table, unit)


def check_columns(
    table: pd.DataFrame, names: Sequence[str], group: str | None, unit: str | Sequence[str] = "auto"
) -> tuple[str, ...]:
    """Refuse columns that are asked for twice, reserved, unknown or not numeric; returns those that name the models."""
    units = check_table(table, unit)
    asked = list(names)
    twice = next((name for name in asked if asked.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"{twice!r} is asked for twice among x, y and controls; each must be another column")
    taken = next((name for name in asked if name in ("unit", group)), None)
    if taken is not None:
        raise InputError(f"{taken!r} cannot be related: it is the group or a reserved name; copy it to another column")
    if group is not None and group not in table.columns:
        raise InputError(
            f"the table has no column {group!r} for the groups; give the name of one, or group=None"
            + nearest(str(group), map(str, table.columns))
        )
    for name in asked:
        number_column(table, name)
    return units


def default_group(table: pd.DataFrame, group: str | None) -> tuple[str | None, tuple[str, ...]]:
    """The column of the groups; the default, ``family``, may be missing or empty, which is noted."""
    if group != "family":
        return group, ()
    if "family" in table.columns and (table["family"].notna() & (table["family"] != "")).any():
        return group, ()
    return None, ("The table names no families: models are shuffled among all others.",)


def align_layers(table: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Put the column ``position``: where each layer stands among those of its model, from the last; and what was lost.

    A position is kept where at least five models have a layer; of fewer models, where all have. Layers whose depths
    are unknown are taken in the table's order.

    Examples
    --------
    >>> zoo = pd.DataFrame({"model": ["a", "a", "b"], "layer": ["conv", "fc", "fc"], "depth": [0.0, 1.0, 1.0]})
    >>> align_layers(zoo)[1]
    ("1 of 3 rows are left out: only 1 of 2 models has layers before 'last' (fewer layers: 'b'), and ...",)
    """
    if "position" in table.columns or "layer" not in table.columns:
        return table, ()
    unit = [name for name in ("model", "weights", "images") if name in table.columns]
    model = table.groupby(unit, sort=False, dropna=False).ngroup()
    order = pd.Series(np.arange(len(table), dtype=float), table.index)
    depth = pd.to_numeric(table["depth"], errors="coerce").astype(float) if "depth" in table.columns else order
    depth = depth.mask(depth.isna().groupby(model).transform("any"), order)
    first = depth.groupby([model, table["layer"]], sort=False).transform("min")
    rank = first.groupby(model).rank("dense", ascending=False).astype(int)
    images = table["images"] if "images" in table.columns else pd.Series("", table.index)
    n_here = model.groupby([images, rank], dropna=False).transform("nunique")
    n_all = model.groupby(images, dropna=False).transform("nunique")
    kept = n_here >= np.minimum(n_all, FEWEST)
    names = rank.map(lambda each: "last" if each == 1 else f"last but {each - 1}")
    placed = table.assign(position=names)[kept]
    if kept.all():
        return placed, ()
    ranks = rank.to_numpy()
    row = int(np.where(kept, ranks.max() + 1, ranks).argmin())  # of the first position that is lost
    first_lost, here, total = int(ranks[row]), int(n_here.iloc[row]), int(n_all.iloc[row])
    beside = images.isna() if pd.isna(images.iloc[row]) else images == images.iloc[row]
    short = beside & (rank.groupby(model).transform("max") < first_lost)
    fewer = first_few(_unit_names(table, _unit_columns(table, "auto"))[short].unique())
    before = "last" if first_lost == 2 else f"last but {first_lost - 2}"
    return placed, (
        f"{int((~kept).sum())} of {len(table)} rows are left out: only {here} of {total} models "
        f"{'has' if here == 1 else 'have'} layers before {before!r} (fewer layers: {fewer}), and at least "
        f"{min(total, FEWEST)} are needed there.",
    )


def number_column(table: pd.DataFrame, name: str) -> np.ndarray:
    """A column as floats, NaN where missing; ``"log NAME"`` is the natural logarithm of one."""
    source = name
    if name not in table.columns and str(name).startswith("log "):
        source = name[4:]
    if source not in table.columns:
        raise InputError(f"the table has no column {source!r}" + nearest(str(source), map(str, table.columns)))
    column = table[source]
    if isinstance(column, pd.DataFrame):
        raise InputError(f"the table has {column.shape[1]} columns with the name {source!r}; give each another name")
    numbers = pd.to_numeric(column, errors="coerce").astype(float).to_numpy()
    text = np.isnan(numbers) & column.notna().to_numpy()
    if text.any():
        raise InputError(
            f"column {source!r} holds {column[text].iloc[0]!r}, which is not a number; x, y and controls are numbers, "
            "text can be the group"
        )
    if source != name:
        if not (numbers > 0).any():
            raise InputError(f"column {source!r} has no value above zero to take the logarithm of")
        numbers = np.log(np.where(numbers > 0, numbers, np.nan))
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _unit_columns(table: pd.DataFrame, unit: str | Sequence[str]) -> tuple[str, ...]:
    if isinstance(unit, str) and unit == "auto":
        unit = ("model", "weights") if "weights" in table.columns else ("model",)
    units: tuple[str, ...] = (unit,) if isinstance(unit, str) else tuple(unit)
    for name in units:
        if name not in table.columns:
            raise InputError(
                f"the table has no column {name!r} that names the models" + nearest(str(name), map(str, table.columns))
            )
    if not units:
        raise InputError("unit names no column; give the one that names the models")
    return units


def _unit_names(table: pd.DataFrame, units: tuple[str, ...]) -> pd.Series:
    """The model's name; where models of one name differ in other columns, those stand in brackets behind it."""
    names = table[units[0]].astype(str)
    if len(units) == 1:
        return names
    rest = table[list(units[1:])].astype(str).agg(", ".join, axis=1)
    several = rest.groupby(names).transform("nunique") > 1
    return names.where(~several, names + " (" + rest + ")")


def _places(
    frame: pd.DataFrame, table: pd.DataFrame, within: str | Sequence[str], pick: str
) -> tuple[tuple[str, ...], pd.DataFrame, list[str], str]:
    """The columns that tell the rows of one model apart, and the rows that are compared."""
    if pick not in PICKS:
        raise InputError(f"pick is {pick!r}; expected one of {PICKS}" + nearest(str(pick), PICKS))
    notes: list[str] = []
    picked = "each model's own"
    automatic = isinstance(within, str) and within == "auto"
    if automatic:
        chosen = [name for name in OTHERS if name in frame and frame[name].nunique() > 1]
        chosen += ["position"] if "position" in frame else []
        if pick == "auto" and "position" not in frame and "layer" in frame and _same_layers(frame):
            chosen.append("layer")
        chosen += ["window"] if "window" in frame else []
    else:
        chosen = [within] if isinstance(within, str) else list(within)
        for name in chosen:
            if name not in table.columns:
                raise InputError(
                    f"the table has no column {name!r} to tell the rows of a model apart"
                    + nearest(str(name), map(str, table.columns))
                )
            frame[name] = table[name]
    if "layer" in frame and "layer" not in chosen:
        key = ["unit", *(name for name in chosen if name != "window"), *_others(frame, chosen)]
        if frame.groupby(key, dropna=False)["layer"].nunique().max() > 1:
            end = "deepest" if pick == "auto" else pick
            frame, note = _picked(frame, key, end)
            notes.append(note)
            picked = f"each model's {end}"
    if automatic and "reduce" in frame and frame.duplicated(["unit", *chosen]).any():
        chosen.append("reduce")
    again = frame.duplicated(["unit", *chosen])
    if again.any():
        row = frame[again].iloc[0]
        place = ", ".join(f"{name} {row[name]}" for name in chosen) or "the whole table"
        raise InputError(
            f"{row['unit']!r} has several rows at {place}; name the columns that tell them apart in within=, or leave "
            "rows out"
        )
    return tuple(chosen), frame, notes, picked


def _others(frame: pd.DataFrame, chosen: list[str]) -> list[str]:
    return [name for name in OTHERS if name in frame and name not in chosen]


def _same_layers(frame: pd.DataFrame) -> bool:
    sets = frame.groupby("unit")["layer"].agg(frozenset)
    return sets.nunique() == 1 and len(sets.iloc[0]) > 1


def _picked(frame: pd.DataFrame, place: list[str], pick: str) -> tuple[pd.DataFrame, str]:
    """One layer of each model, the same in all windows; without depths, the last or first that the table names."""
    order = (
        frame["depth"].astype(float) if "depth" in frame else pd.Series(np.arange(len(frame), dtype=float), frame.index)
    )
    keyed = frame.assign(_order=order.fillna(-np.inf))
    last = keyed.groupby(place, dropna=False, sort=False)["_order"].transform("max" if pick == "deepest" else "min")
    extreme = keyed[keyed["_order"] == last].drop_duplicates(place)
    layers = extreme.set_index(place)["layer"].to_dict()
    keys = [key if len(place) > 1 else key[0] for key in frame[place].itertuples(index=False, name=None)]
    kept = frame[[layers[key] == layer for key, layer in zip(keys, frame["layer"], strict=True)]]
    how = "" if "depth" in frame else " (by the table's order, for it has no column depth)"
    where = "" if len(place) == 1 else " at each " + " and ".join(place[1:])
    left = len(frame) - len(kept)
    return kept.copy(), (
        f"Layers differ between models or were not to be compared; taken was the {pick} layer of each model{where}"
        f"{how}, {left} rows of other layers were not used."
    )


def _without_missing(
    frame: pd.DataFrame, names: list[str], group: str | None, within: tuple[str, ...]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    missing = {name: frame[name].isna().to_numpy() for name in names}
    if group is not None:
        missing[group] = (frame[group].isna() | (frame[group].astype(str).str.strip() == "")).to_numpy()
    gone = np.any(list(missing.values()), axis=0)
    reasons = [
        "no " + ", no ".join(name for name, where in missing.items() if where[row]) for row in np.flatnonzero(gone)
    ]
    dropped = frame.loc[gone, ["unit", *within]].assign(reason=pd.Series(reasons, frame.index[gone], dtype=object))
    return frame[~gone].copy(), dropped


def _check_groups(frame: pd.DataFrame, group: str) -> None:
    several = frame.groupby("unit")[group].nunique()
    if (several > 1).any():
        unit = several.index[several > 1][0]
        raise InputError(
            f"model {unit!r} stands in several groups of {group!r}: "
            f"{first_few(frame.loc[frame['unit'] == unit, group].unique())}; a model belongs to one"
        )
    frame[group] = frame[group].astype(str)


def _ranks(frame: pd.DataFrame) -> None:
    """Read first and last rank from windows like "11-500" where the table has no columns for them."""
    if "window" in frame and not {"first", "last"} <= set(frame.columns):
        parts = frame["window"].astype(str).str.extract(r"^(\d+)-(\d+)$").astype(float)
        frame["first"], frame["last"] = parts[0], parts[1]
