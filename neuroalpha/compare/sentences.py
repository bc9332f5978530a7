"""What statistics allow to be said in plain words: direction, size, interval, null, correction, what stays open."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from neuroalpha._text import first_few
from neuroalpha.compare.near_sentences import speak_near
from neuroalpha.compare.windows import FEWEST
from neuroalpha.compare.wording import Found, chance, direction, interval, many, p_text, place_name

if TYPE_CHECKING:
    from neuroalpha.compare.relate import Relation

DETAILED = 3  # combinations up to which each is spoken of; of more, the one with the strongest evidence
SHOWN = 12  # points that are listed when models are too few for anything else


def speak(relation: Relation) -> list[str]:
    """Every sentence, the data first, the most general statement before the details."""
    said = [_counts(relation), *relation.notes, *_left_out(relation)]
    if relation.n_models < FEWEST:
        return [*said, _points(relation)]
    places = _places(relation)
    if len(places) > 1:
        said += _over_places(relation)
    distance = None if relation.near is None else f"|{relation.x} - {relation.near:g}|"
    parts = [(relation.x, _one), *([(distance, speak_near)] if distance else [])]
    if len(places) <= DETAILED:
        for place in places:
            for _, part in parts:
                said += _prefixed(relation, place, part, len(places) > 1)
        return said
    for predictor, part in parts:
        said += _prefixed(relation, _strongest(places, predictor), part, True)
    said.append(f"Details are of the strongest of {len(places)} combinations: only their corrected p values count.")
    return said


def _prefixed(relation: Relation, place: Found, part: Callable[[Relation, Found], list[str]], named: bool) -> list[str]:
    """Sentences about one combination, which they name if there are others."""
    rho = place[relation.x, "spearman"]
    if rho["n_models"] < FEWEST or not np.isfinite(rho["value"]):
        sentences = []
        if part is _one:
            sentences = [f"nothing can be said of {many(int(rho['n_models']), 'model')} ({rho['note'] or 'no value'})."]
    else:
        sentences = part(relation, place)
    name = place_name({each: rho[each] for each in relation.within})
    return [f"At {name}: {each}" if named else _begun(relation, each) for each in sentences]


def _begun(relation: Relation, sentence: str) -> str:
    """With a capital, unless a column's name comes first."""
    return sentence if sentence.startswith((relation.x, relation.y)) else sentence[0].upper() + sentence[1:]


def _counts(relation: Relation) -> str:
    groups = f" in {many(relation.n_groups, 'group')} of {relation.group!r}" if relation.group else ""
    text = f"{relation.x} against {relation.y}: {many(relation.n_models, 'model')}{groups}"
    text += f", {many(relation.n_rows, 'row')}"
    if relation.n_tried > 1:
        text += f", {relation.n_tried} combinations of {' and '.join(relation.within)}"
    if relation.controls:
        text += f"; controls: {', '.join(relation.controls)}"
    return text + "."


def _left_out(relation: Relation) -> list[str]:
    if relation.dropped.empty:
        return []
    parts = []
    for reason, part in relation.dropped.groupby("reason", sort=False):
        parts.append(f"{len(part)} with {reason} ({first_few(part['unit'].unique())})")
    total = len(relation.dropped) + relation.n_rows
    return [f"{len(relation.dropped)} of {total} rows are left out: {'; '.join(parts)}."]


def _points(relation: Relation) -> str:
    rows = relation.points.iloc[:SHOWN]
    listed = [f"{row['unit']} ({row[relation.x]:.3g}, {row[relation.y]:.3g})" for _, row in rows.iterrows()]
    more = f" and {relation.n_rows - SHOWN} more" if relation.n_rows > SHOWN else ""
    return (
        f"{many(relation.n_models, 'model')} are too few for a p value or an interval (at least {FEWEST}); the points "
        f"({relation.x}, {relation.y}): {', '.join(listed)}{more}."
    )


def _places(relation: Relation) -> list[Found]:
    """Rows of the table by predictor and statistic, for each combination."""
    keys = list(relation.within)
    parts = relation.table.groupby(keys, sort=False, dropna=False) if keys else [((), relation.table)]
    return [{(row["predictor"], row["statistic"]): row for _, row in part.iterrows()} for _, part in parts]


def _strongest(places: list[Found], predictor: str) -> Found:
    """The combination with the least corrected p value, then the largest correlation, of a predictor."""

    def evidence(place: Found) -> tuple[float, float]:
        row = place[predictor, "spearman"]
        return float(np.nan_to_num(row["p_corrected"], nan=2.0)), -abs(float(np.nan_to_num(row["value"])))

    return min(places, key=evidence)


def _over_places(relation: Relation) -> list[str]:
    """Sign and size over all combinations, and for how many the evidence withstands the correction."""
    frame = relation.windows.dropna(subset=["rho"])
    if frame.empty:
        return []

    def at(row: pd.Series) -> str:
        return place_name({key: row[key] for key in relation.within})

    lowest, highest = frame.iloc[frame["rho"].argmin()], frame.iloc[frame["rho"].argmax()]
    n = len(frame)
    said = [
        f"Over {n} combinations, Spearman's rho runs from {lowest['rho']:.2f} ({at(lowest)}) to {highest['rho']:.2f} "
        f"({at(highest)})."
    ]
    positive, negative = frame[frame["rho"] > 0], frame[frame["rho"] < 0]
    if len(positive) and len(negative):
        sure = int((positive["low"] > 0).sum()), int((negative["high"] < 0).sum())
        text = f"Its sign flips: positive at {len(positive)} ({sure[0]} with an interval above zero), negative at "
        text += f"{len(negative)} ({sure[1]} with an interval below zero)"
        text += (
            "; a statement about one combination does not hold for others."
            if all(sure)
            else "; no two intervals lie on both sides of zero, so the flips may be chance."
        )
        said.append(text + _where_flips(relation, frame))
    else:
        said.append(f"Its sign is {'positive' if len(positive) else 'negative'} at all of them.")
    if frame["p_corrected"].notna().any():
        for predictor in relation.table["predictor"].unique():
            rows = relation.table[
                (relation.table["statistic"] == "spearman") & (relation.table["predictor"] == predictor)
            ]
            kept, plain = (int((rows[name] < chance(relation)).sum()) for name in ("p_corrected", "p"))
            said.append(
                f"{predictor}: p < {chance(relation):.2g} at {plain} of {len(rows)} combinations, at {kept} after "
                "correction for their number."
            )
    return said


def _where_flips(relation: Relation, frame: pd.DataFrame) -> str:
    """Between which neighbours in the order of first and last rank the sign changes, if windows are what differs."""
    others = [name for name in relation.within if name != "window"]
    if "window" not in relation.within or frame["first"].isna().any():
        return ""
    changes = []
    for _, part in frame.groupby(others, sort=False) if others else [((), frame)]:
        part = part.sort_values(["first", "last"])
        sign, windows = np.sign(part["rho"].to_numpy()), part["window"].tolist()
        changes += [f"{windows[i]} and {windows[i + 1]}" for i in np.flatnonzero(sign[1:] * sign[:-1] < 0)]
    changes = list(dict.fromkeys(changes))
    return f" Sorted by first and last rank, it changes between {first_few(changes)}." if changes else ""


def _one(relation: Relation, place: Found) -> list[str]:
    """Direction, null, controls and slope."""
    said = [direction(relation, place, relation.x), *_null(relation, place), *_controlled(relation, place)]
    return said + _slope(relation, place)


def _null(relation: Relation, place: Found) -> list[str]:
    rho = place[relation.x, "spearman"]
    among = f"among models of the same {relation.group}" if relation.group else "among models"
    if not np.isfinite(rho["p"]):
        if relation.n_permutations == 0 and relation.group and rho["n_groups"] == rho["n_models"]:
            return [f"no {relation.group} has two models, so shuffling {among} is impossible and there is no p value."]
        return []
    times = f"all {relation.n_permutations + 1} orders" if relation.exact else f"{relation.n_permutations} shuffles"
    text = f"shuffling {relation.y} {among} ({times}) gives Spearman {rho['null']:.2f} on average "
    text += f"[{rho['null_low']:.2f}, {rho['null_high']:.2f}]: {p_text(rho['p'])}"
    if relation.n_tried > 1:
        text += f", {rho['p_corrected']:.2g} corrected for {relation.n_tried} combinations"
    said = [text + "."]
    if relation.exact and (smallest := 1 / (relation.n_permutations + 1)) > chance(relation):
        said.append(f"so few orders exist that p cannot fall below {smallest:.2g}: the test cannot decide.")
    if relation.group:
        said += _alone(relation) + _paradox(relation, place)
    return said


def _alone(relation: Relation) -> list[str]:
    sizes = relation.points.drop_duplicates("unit")[relation.group].value_counts()
    alone = sizes.index[sizes == 1].tolist()
    if not alone:
        return []
    return [f"{len(alone)} of {len(sizes)} groups have one model and say nothing in that test: {first_few(alone)}."]


def _paradox(relation: Relation, place: Found) -> list[str]:
    """Where the direction within groups is against the one over all models."""
    rho, inside = place[relation.x, "spearman"], place.get((relation.x, "spearman within groups"))
    if inside is None or not np.isfinite(inside["value"]):
        return []
    text = f"within groups of {relation.group!r} Spearman is {interval(inside)}"
    if inside["value"] * rho["value"] < 0 and inside["p_corrected"] < chance(relation):
        return [f"{text}, against the direction over all models: that one comes from differences between groups."]
    return [text + "."]


def _controlled(relation: Relation, place: Found) -> list[str]:
    row = place.get((relation.x, "partial spearman"))
    if row is None:
        return []
    if not np.isfinite(row["value"]):
        return [f"no partial correlation: {row['note']}."]
    names = ", ".join(relation.controls) or "no control"
    text = f"given {names}, partial Spearman is {interval(row)}, partial Pearson "
    text += interval(place[relation.x, "partial pearson"])
    if np.isfinite(row["p"]):
        text += f" ({p_text(row['p'])}"
        text += f", {row['p_corrected']:.2g} corrected)" if relation.n_tried > 1 else ")"
    if row["low"] * row["high"] < 0:
        text += "; the interval holds zero: what the controls leave has no clear direction"
    return [text + (f" ({row['note']})." if row["note"] else ".")]


def _slope(relation: Relation, place: Found) -> list[str]:
    row = place[relation.x, "slope"]
    if not np.isfinite(row["value"]):
        return [f"no slope: {row['note']}."]
    given = f" given {', '.join(relation.controls)}" if relation.controls else ""
    text = (
        f"by {row['method']}, one standard deviation of {relation.x} goes with {interval(row)} of {relation.y}{given}, "
    )
    if not np.isfinite(row["p"]):
        return [f"{text}without interval ({row['note']})."]
    corrected = f", {row['p_corrected']:.2g} corrected" if relation.n_tried > 1 else ""
    return [text + p_text(row["p"]) + corrected + (f" ({row['note']})." if row["note"] else ".")]
