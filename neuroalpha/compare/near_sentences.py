"""Whether y turns near 1, in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neuroalpha.compare.near_one import BESIDE, verdict
from neuroalpha.compare.wording import Found, chance, direction, interval, p_text

if TYPE_CHECKING:
    from neuroalpha.compare.relate import Relation

FORMS = {
    "constant": "its mean", "line": "a line", "monotone": "monotone steps", "distance": "a line in the distance",
    "kink at near": "a line that bends at {near:g}", "free kink": "a line that bends at a free place",
}  # fmt: skip


def speak_near(relation: Relation, place: Found) -> list[str]:
    """Direction with the distance from 1, the bend, and which form predicts best; or that none of it can be decided."""
    near, x, y = relation.near, relation.x, relation.y
    assert near is not None
    distance = f"|{x} - {near:g}|"
    forms = relation.forms
    rho = place[x, "spearman"]
    for name in relation.within:
        forms = forms[forms[name] == rho[name]]
    errors = dict(zip(forms["form"], forms["prediction_error"], strict=True))
    below, above = (int(forms[name].iloc[0]) for name in ("n_below", "n_above"))
    kinks: dict[str, Any] = {
        name: dict(place[x, name])
        for name in ("kink position", "slope below kink", "slope above kink")
        if (x, name) in place
    }
    found = verdict(kinks, errors, (below, above), near, float(rho["p_corrected"]), chance(relation))
    if found == "one side":
        side = "above" if above > below else "below"
        return [
            f"whether {y} turns at {x} = {near:g} cannot be decided: {max(above, below)} of {int(rho['n_models'])} "
            f"models lie {side} it, fewer than {BESIDE} on the other side; the distance from {near:g} then tells "
            f"little more than {x}."
        ]
    said = [direction(relation, place, distance)]
    row = place[distance, "spearman"]
    if np.isfinite(row["p"]):
        corrected = f", {row['p_corrected']:.2g} corrected" if relation.n_tried > 1 else ""
        said[0] = said[0][:-1] + f"; Spearman's {p_text(row['p'])}{corrected}."
    said += [_turn(found, kinks, relation), _prediction(forms, near)]
    return said


def _turn(found: str, kinks: dict[str, Any], relation: Relation) -> str:
    near, x, y = relation.near, relation.x, relation.y
    place = kinks.get("kink position")
    if place is None or not np.isfinite(place["value"]):
        return f"{x} takes too few values to look for a bend."
    where = f"the best bend is at {x} = {interval(place)}"
    slopes = f"slopes {interval(kinks['slope below kink'])} below and {interval(kinks['slope above kink'])} above it"
    test = f"against a line {p_text(place['p'])}" if np.isfinite(place["p"]) else "no p value"
    if np.isfinite(place["p"]) and relation.n_tried > 1:
        test += f", {place['p_corrected']:.2g} corrected"
    if found.startswith(("turns", "bends")):
        verb = found.split()[0]
        but = "" if verb == "turns" else "; only its slope changes for sure, not its direction"
        if found.endswith("near"):
            held = f"the interval of the place holds {near:g}"
            return f"{y} {verb} near {x} = {near:g}: {where}, {slopes}, {test}; {held}{but}."
        return f"{y} {verb}, but not at {x} = {near:g}: {where}, {slopes}, {test}{but}."
    if found == "monotone":
        return (
            f"no turn at {near:g} is needed: a line or monotone steps predict {y} as well ({where}, {slopes}, {test})."
        )
    return f"whether {y} turns at {near:g} stays open: {where}, {slopes}, {test}."


def _prediction(forms: pd.DataFrame, near: float) -> str:
    """The forms of relation side by side, and whether the best one is ahead by more than chance."""
    known = forms.dropna(subset=["prediction_error"]).sort_values("prediction_error")
    spoken = {form: text.format(near=near) for form, text in FORMS.items()}
    listed = ", ".join(f"{row['prediction_error']:.3g} by {spoken[row['form']]}" for _, row in known.iterrows())
    best = known.iloc[0]
    text = f"each model predicted from the others, root mean squared errors are {listed}"
    if best["form"] in ("line", "monotone"):
        return text + "; nothing beats a monotone relation."
    if not best["ahead"] > 2 * best["ahead_error"]:
        return text + "; the best is not ahead of a line or monotone steps by more than twice the standard error."
    return (
        text + f"; {spoken[best['form']]} is ahead of a line and monotone steps by more than twice the standard error."
    )
