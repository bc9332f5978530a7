"""Kernel: a recommended signal in plain sentences."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd


def large(number: float) -> str:
    """A count in words that can be read aloud.

    Examples
    --------
    >>> large(72_310_000), large(15_000), large(2.5e9)
    ('72.3 million', '15,000', '2.5 billion')
    """
    for size, word in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if number >= size:
            return f"{number / size:.3g} {word}" if number < 1000 * size else f"{number:.3g}"
    return f"{number:,.0f}"


def money(amount: float) -> str:
    """An amount without needless decimals."""
    return f"{amount:,.0f}" if amount == round(amount) or amount >= 1000 else f"{amount:,.2f}"


def _named(signal: str, sparsity: Any) -> str:
    """A signal with its sparsity, as in "sparse labels (k^ = 3)"."""
    if signal == "none":
        return "nothing"
    noun = "pairwise similarities" if signal == "pairwise" else f"{signal} labels"
    return noun if pd.isna(sparsity) else f"{noun} (k^ = {int(sparsity)})"


def _collect(plan: Any) -> str:
    n_items, n_classes = plan.attrs["n_items"], plan.attrs["n_classes"]
    what = {
        "hard": f"hard labels (one of {n_classes} classes)",
        "soft": f"soft labels (all {n_classes} entries)",
        "sparse": f"sparse labels with the {plan.sparsity} largest of {n_classes} entries",
        "top-class": f"soft entries of the {plan.sparsity} most telling of {n_classes} classes",
        "pairwise": "similarities of all pairs",
    }[plan.signal]
    items = f"all {n_items:,}" if plan.n_labelled == n_items else f"{plan.n_labelled:,} of {n_items:,}"
    made = "judgement" if plan.judgements == 1 else "judgements"
    return f"Collect {what}, for {items} items: {plan.judgements:,} {made}, cost {money(plan.cost)}."


def _information(plan: Any) -> str:
    noise = plan.attrs["noise"][plan.signal]
    after = f" ({large(plan.bits)} bits after the noise of {noise:g})" if noise else ""
    text = (
        f"That answers {large(plan.triplets)} triplet questions{after}: information ratio {plan.information_ratio:.3g}"
    )
    if plan.attrs["information"] == "share":
        if plan.score == 1:
            return f"{text}, the most that any priced signal {plan.attrs['bought']} can tell."
        return f"{text}, {100 * plan.score:.3g}% of what {plan.attrs['reference']} {plan.attrs['bought']} can tell."
    return f"{text}, score {plan.score:.3g}."


def _prices(plan: Any) -> str:
    said = []
    for _, row in plan.table.iterrows():
        noise = plan.attrs["noise"][row["signal"]]
        after = f", noise {noise:g}" if noise else ", no noise"
        said.append(f"{row['signal']} {row['price']} ({money(row['cost_of_all'])}{after})")
    return f"Prices, and what they make for all items: {'; '.join(said)}."


def _range(plan: Any) -> str:
    """From which to which beta the signal stays, and what follows on both sides."""
    mine = plan.flips[plan.flips["utility"] == plan.attrs["utility"]]
    below, above = mine[mine["beta_high"] <= plan.beta_low], mine[mine["beta_low"] >= plan.beta_high]
    sides = []
    if len(below):
        sides.append(f"below {plan.beta_low:.3g} take {_named(*below.iloc[-1][['signal', 'sparsity']])}")
    if len(above):
        sides.append(f"above {plan.beta_high:.3g} take {_named(*above.iloc[0][['signal', 'sparsity']])}")
    start = f"With the {plan.attrs['utility']} utility and beta = {plan.beta:.3g} {_named(plan.signal, None)} are best"
    if not sides:
        return f"{start}, as they are at every beta."
    sure = "A close call: w" if plan.margin < 1.25 else "W"
    return f"{sure}{start[1:]}; {' and '.join(sides)}."


def _most(plan: Any) -> str:
    """The most telling purchase that the budget pays for, where it is another one."""
    if plan.attrs["budget"] is None:
        return ""
    most = plan.frontier.iloc[-1]
    if most["bits"] <= plan.bits * (1 + 1e-9):
        return "Nothing tells more within the budget."
    return (
        f"The most information that the budget buys: {_named(most['signal'], most['sparsity'])} of "
        f"{most['n_labelled']:,} items for {money(most['cost'])}, {most['bits'] / plan.bits:.3g} times the bits."
    )


def _other_utilities(plan: Any) -> str:
    others = plan.flips[plan.flips["utility"] != plan.attrs["utility"]]
    here = others[(others["beta_low"] <= plan.beta) & (plan.beta <= others["beta_high"])]
    here = here.drop_duplicates("utility", keep="last")
    said = [f"{row['utility']} says {_named(row['signal'], row['sparsity'])}" for _, row in here.iterrows()]
    same = (here["signal"] == plan.signal).all() and plan.worth_it
    start = "The utility does not change the signal" if same else "The utility matters"
    return f"{start}: at the same beta {' and '.join(said)}."


def _price_changes(plan: Any) -> str:
    said = []
    for place, (_, row) in enumerate(plan.table.iterrows()):
        name, factor = _named(row["signal"], None), row["price_factor"]
        if place == 0 and plan.worth_it:
            said.append(f"{name} stay best up to {factor:.3g} times" if math.isfinite(factor) else f"{name} stay best")
        elif factor > 0:
            said.append(f"{name} would be best below {factor:.3g} times")
        else:
            said.append(f"{name} at no price")
    return f"If one price alone changes: {'; '.join(said)}." if said else ""


def sentences(plan: Any) -> tuple[str, ...]:
    """Say a ``SignalPlan`` in sentences: what to collect, what it tells, when the answer changes."""
    found = [_collect(plan), _information(plan)]
    if plan.worth_it:
        found.append(_range(plan))
    else:
        found.append(
            f"But with the {plan.attrs['utility']} utility and a value of {money(plan.attrs['value'])} to buy nothing "
            "is better: no signal is worth its price, and this is the one that comes nearest."
        )
    found += [_most(plan), _other_utilities(plan), _price_changes(plan), _prices(plan)]
    return tuple(sentence for sentence in found if sentence)
