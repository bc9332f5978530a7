"""What statistics allow to be said in plain words: direction, size, interval, null, correction, what stays open."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neuroalpha._text import first_few
from neuroalpha.compare.near_sentences import speak_near
from neuroalpha.compare.windows import FEWEST
from neuroalpha.compare.wording import (
    Found,
    chance,
    corrected_p,
    direction,
    interval,
    many,
    p_text,
    place_name,
    short_names,
)

if TYPE_CHECKING:
    from neuroalpha.compare.relate import Relation

DETAILED = 3  # combinations up to which each is spoken of; of more, the one with the strongest evidence


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
    """One point for each model, at the last layer and the first window."""
    points = relation.points
    where: dict[str, Any] = {}
    for name in relation.within:
        value = points[name].iloc[0]
        if name == "position" and (points[name] == "last").any():
            value = "last"
        elif name == "layer":
            known = "depth" in points and points["depth"].notna().any()
            value = points[name].iloc[int(np.nanargmax(points["depth"].astype(float))) if known else -1]
        points = points[points[name].isna() if pd.isna(value) else points[name] == value]
        where[name] = value
    names = short_names(points["unit"])
    values = zip(names, points[relation.x], points[relation.y], strict=True)
    listed = ", ".join(f"{name} ({x:.3g}, {y:.3g})" for name, x, y in values)
    place = f" at {place_name(where)}" if relation.n_tried > 1 else ""
    few = f"{many(relation.n_models, 'model')} {'is' if relation.n_models == 1 else 'are'} too few"
    return (
        f"{few} for a p value or an interval (at least {FEWEST}); the points ({relation.x}, {relation.y}){place}: "
        f"{listed}."
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
    sizes = []
    for statistic in ("partial spearman", "partial pearson"):
        each = place[relation.x, statistic]
        test = f" ({corrected_p(each, relation.n_tried)})" if np.isfinite(each["p"]) else ""
        sizes.append(f"{interval(each)}{test}")
    text = f"given {names}, partial Spearman is {sizes[0]}, partial Pearson {sizes[1]}"
    if row["low"] * row["high"] < 0:
        text += "; the interval of Spearman holds zero: what the controls leave has no clear direction"
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
    return [text + corrected_p(row, relation.n_tried) + (f" ({row['note']})." if row["note"] else ".")]


def speak_over_targets(
    claim: str, overview: pd.DataFrame, relations: Mapping[str, Relation], notes: Sequence[str]
) -> list[str]:
    """How many targets of a claim were looked at and which withstand the correction for that; then what was left out.

    ``overview`` is that of :class:`neuroalpha.compare.claims.Claims`.
    """
    relation = next(iter(relations.values()))
    subject = f"{relation.x} and {'accuracy under shift' if claim == 'ood' else 'label noise'}"
    looked = f"{subject}: {many(len(overview), 'target')} {'was' if len(overview) == 1 else 'were'} looked at"
    tested = overview.dropna(subset=["p_holm"])
    if tested.empty:
        most = max(each.n_models for each in relations.values())
        why = f"{many(most, 'model')}, at least {FEWEST} are needed" if most < FEWEST else "nothing was shuffled"
        return [f"{looked}, none with a p value ({why}).", *notes]
    held = tested[tested["p_holm"] < chance(relation)].sort_values("p_holm", kind="stable")
    limit = f"p < {chance(relation):.2g}"
    how = "once p is corrected for combinations and, by Holm's method, for targets"
    if held.empty:
        best = tested.sort_values(["p_holm", "p_corrected"], kind="stable").iloc[0]
        text = f"{looked}, none holds at {limit} {how}; the strongest is {_headline(best)}"
    else:
        which = "; ".join(_headline(row) for _, row in held.iterrows())
        text = f"{looked}, {len(held)} {'holds' if len(held) == 1 else 'hold'} at {limit} {how}: {which}"
    smallest = len(tested) / (min(each.n_permutations for each in relations.values()) + 1)
    if held.empty and smallest > chance(relation):
        text += f"; with so few shuffles none can ({smallest:.2g} at least)"
    without = overview.loc[overview["p_holm"].isna(), "target"]
    text += f"; no p value for {', '.join(without)}" if len(without) else ""
    return [f"{text}.", *notes]


def _headline(row: pd.Series) -> str:
    ends = f" [{row['low']:.2f}, {row['high']:.2f}]" if np.isfinite(row["low"]) else ""
    where = f"{row['place']}: " if row["place"] else ""
    return f"{row['target']} ({where}Spearman {row['rho']:.2f}{ends}, {p_text(row['p_holm'])})"
