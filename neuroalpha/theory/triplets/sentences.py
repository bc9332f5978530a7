"""Kernel: a recommended signal in plain sentences."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import pandas as pd

from neuroalpha.theory.triplets.noise import bits_kept

_MUCH_NOISE = 0.3  # from here on the paper's law credits guesses with most of what it leaves


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
    """An amount without needless decimals.

    Examples
    --------
    >>> money(450.0), money(0.09), money(0.00123), money(50_000.0), money(2.5e20)
    ('450', '0.09', '0.00123', '50,000', '2.5e+20')
    """
    if 0 < amount < 0.01 or amount >= 1e15:
        return f"{amount:.3g}"
    return f"{amount:,.0f}" if amount == round(amount) or amount >= 1000 else f"{amount:,.2f}"


def _named(signal: str, sparsity: Any = None) -> str:
    """A signal with its sparsity, as in "sparse labels (k^ = 3)"."""
    if signal == "none":
        return "nothing"
    noun = "pairwise similarities" if signal == "pairwise" else f"{signal} labels"
    return noun if pd.isna(sparsity) else f"{noun} (k^ = {int(sparsity)})"


def _items(n_labelled: int, n_items: int) -> str:
    return f"all {n_items:,} items" if n_labelled == n_items else f"{n_labelled:,} of {n_items:,} items"


def _edge(weight: float) -> str:
    """A beta or a value at which the answer changes."""
    return f"{weight:,.0f}" if 10_000 <= weight < 1e15 else f"{weight:,.4g}"


def _times(ratio: float) -> str:
    """A factor that is never printed as 1: empty where it rounds to that."""
    return "" if f"{ratio:.3g}" == "1" else f"{ratio:.3g} times"


class _Options(NamedTuple):
    """How options are written."""

    value: str = "value"
    cost_scale: str = "cost_scale"
    capacity: str = "noise_law='capacity'"


_FLAGS = _Options("--value", "--cost-scale", "--noise-law capacity")


def _what(row: Any, n_classes: int) -> str:
    return {
        "hard": f"hard labels (one of {n_classes} classes)",
        "soft": f"soft labels (all {n_classes} entries)",
        "sparse": f"sparse labels with the {row['sparsity']} largest of {n_classes} entries",
        "top-class": f"soft entries of the {row['sparsity']} most telling of {n_classes} classes",
        "pairwise": "similarities of all pairs",
    }[row["signal"]]


def _collect(plan: Any, row: Any) -> str:
    items = _items(row["n_labelled"], plan.attrs["n_items"])
    made = "judgement" if row["judgements"] == 1 else "judgements"
    bought = f"{_what(row, plan.attrs['n_classes'])}, for {items}: {row['judgements']:,} {made}, cost"
    if plan.worth_it:
        return f"Collect {bought} {money(row['cost'])}."
    worth = plan.attrs["value"] * (row["utility"] - plan.attrs["utility_of_nothing"])
    return (
        f"Buy nothing: no signal is worth its price at a value of {money(plan.attrs['value'])}. Nearest: {bought} "
        f"{money(row['cost'])}, which is worth {money(worth)}."
    )


def _information(plan: Any, row: Any) -> str:
    noise = plan.attrs["noise"][row["signal"]]
    after = f" ({large(row['bits'])} bits after the noise of {noise:g})" if noise else ""
    verb = "That answers" if plan.worth_it else "That would answer"
    text = f"{verb} {large(row['triplets'])} triplet questions{after}: information ratio {row['information_ratio']:.3g}"
    if plan.attrs["information"] == "share":
        before = " before noise" if any(plan.attrs["noise"].values()) else ""
        if row["score"] == 1:
            return f"{text}, the most that any priced signal {plan.attrs['bought']} can tell{before}."
        share = f"{100 * row['score']:.3g}%"
        return f"{text}, {share} of what {plan.attrs['reference']} {plan.attrs['bought']} can tell{before}."
    return f"{text}, score {row['score']:.3g}."


def _capacity(plan: Any, options: _Options) -> str:
    """What channel capacity leaves where the noise is large and the paper's law was taken."""
    said = []
    for _, row in plan.table.iterrows():
        noise = plan.attrs["noise"][row["signal"]]
        if noise >= _MUCH_NOISE and plan.attrs["noise_law"] == "paper" and row["affordable"]:
            left = bits_kept(noise, "capacity") * row["triplets"]
            said.append(f"{large(left)} bits of {_named(row['signal'])} in place of {large(row['bits'])}")
    if not said:
        return ""
    return f"By the capacity law {' and '.join(said)} would be left: {options.capacity}."


def _default(plan: Any, options: _Options) -> str:
    """What is assumed where no worth of information was given."""
    scale = plan.attrs["cost_scale"]
    if plan.attrs["weight"] != "default" or plan.table["cost_of_all"].max() == 0:
        return ""
    whole = "all of it" if plan.attrs["information"] == "share" else "a utility of 1"
    if whole == "all of it" and plan.attrs["budget"] is not None:
        whole = "all that the budget can buy of it"
    source = "the scale of costs that was given (beta = 1)"
    if not plan.attrs["scale_given"]:
        costs = plan.attrs["largest_costs"]
        entries = (
            ""
            if max(costs, key=lambda signal: float(costs[signal])) not in ("sparse", "top-class")
            else " with all its entries"
        )
        source = (
            f"the cost of the dearest signal{entries} (beta = 1; a dearer one among the prices can change the answer)"
        )
    return (
        f"No worth of information was given: {whole} is taken to be worth {money(scale)}, {source}. Give "
        f"{options.value} (in the unit of the prices) to decide what and how much to buy."
    )


def _own_scale(plan: Any, options: _Options) -> str:
    """Say where the optimal sparsity is not one of the price."""
    if plan.sparsity is None or plan.attrs["scale_given"] or plan.attrs["weight"] == "value":
        return ""
    prices, whole = plan.attrs["prices"], plan.attrs["largest_costs"]
    one_sort = plan.attrs["price_parts"][plan.signal] == "judgement"
    fixed = plan.attrs["sparsity_given"] or plan.attrs["budget"] is not None
    if fixed or not one_sort or whole[plan.signal] < max(whole.values()) or not whole[plan.signal]:
        return ""
    half = (
        " (about half of the classes at beta = 1 with the linear utility)" if plan.attrs["utility"] == "linear" else ""
    )
    return (
        f"This k^ = {plan.sparsity} does not depend on the price of {plan.signal} labels, {prices[plan.signal]}: they "
        f"are the dearest signal, so that costs are counted in units of their own{half}. Give {options.value} or "
        f"{options.cost_scale} to let the price count; to price a dearer signal, such as pairwise, moves k^ too."
    )


def _range(plan: Any) -> str:
    """From which to which weight the signal stays, and what follows on both sides."""
    mine = plan.flips[plan.flips["utility"] == plan.attrs["utility"]]
    valued, scale = plan.attrs["weight"] == "value", plan.attrs["cost_scale"]
    if not plan.worth_it:
        worthy = mine[mine["signal"] != "none"]
        if worthy.empty:
            return "At no value are these labels worth anything: their noise leaves no bits."
        bought = worthy.iloc[-1]
        named = _named(bought["signal"], bought["sparsity"])
        return f"From a value of {_edge(scale / bought['beta_high'])} on {named} are worth buying."
    low, high = (scale / plan.beta_high, scale / plan.beta_low if plan.beta_low else math.inf) if valued else (
        plan.beta_low, plan.beta_high)  # fmt: skip
    weaker, stronger = mine[mine["beta_high"] <= plan.beta_low], mine[mine["beta_low"] >= plan.beta_high]
    below, above = (stronger.iloc[:1], weaker.iloc[-1:]) if valued else (weaker.iloc[-1:], stronger.iloc[:1])
    sides = []
    if len(below):
        worth = ""
        if plan.attrs["weight"] == "default" and plan.attrs["information"] == "share":
            worth = f" (a worth of more than {money(scale / low)})"
        sides.append(f"below {_edge(low)}{worth} {_take(below.iloc[0])}")
    if len(above):
        sides.append(f"above {_edge(high)} {_take(above.iloc[0])}")
    weight = f"a value of {money(plan.attrs['value'])}" if valued else f"beta = {plan.beta:.3g}"
    start = f"With the {plan.attrs['utility']} utility and {weight} {_named(plan.signal, plan.sparsity)} are best"
    name = "value" if valued else "beta"
    return f"{start}{_purchase(plan, name)}{'; ' + ' and '.join(sides) if sides else f', as they are at every {name}'}."


def _take(row: Any) -> str:
    return "buy nothing" if row["signal"] == "none" else f"take {_named(row['signal'], row['sparsity'])}"


def _purchase(plan: Any, name: str) -> str:
    """The range of this very purchase, where that of the signal is wider; with a value it holds the number of items."""
    low, high = plan.purchase_low, plan.purchase_high
    if (low, high) == (plan.beta_low, plan.beta_high):
        return ""
    if name == "value":
        scale = plan.attrs["cost_scale"]
        low, high = scale / high, scale / low if low else math.inf
    size = "k^" if plan.sparsity is not None and name == "beta" else "size"
    span = f"from {_edge(low)} to {_edge(high)}" if math.isfinite(high) else f"from {_edge(low)} on"
    other = "with another k^" if size == "k^" else "of another number of items" + (" or k^" if plan.sparsity else "")
    return f" ({span} exactly so, beyond it {other})"


def _most(plan: Any) -> str:
    """The most telling purchase that the budget pays for, where it is another one."""
    if plan.attrs["budget"] is None or not plan.worth_it:
        return ""
    most = plan.frontier.iloc[-1]
    if most["bits"] <= plan.bits * (1 + 1e-9):
        return "Nothing tells more within the budget."
    more = _times(most["bits"] / plan.bits)
    return (
        f"The most information that the budget buys: {_named(most['signal'], most['sparsity'])} of "
        f"{most['n_labelled']:,} items for {money(most['cost'])}, {f'{more} the bits' if more else 'hardly more bits'}."
    )


def _other_utilities(plan: Any) -> str:
    others = plan.flips[plan.flips["utility"] != plan.attrs["utility"]]
    here = others[(others["beta_low"] <= plan.beta) & (plan.beta <= others["beta_high"])]
    here = here.drop_duplicates("utility", keep="last")
    answer = (plan.signal or "none", plan.sparsity)
    found = [(row["signal"], None if pd.isna(row["sparsity"]) else int(row["sparsity"])) for _, row in here.iterrows()]
    said = [f"{name} says {_named(*each)}" for name, each in zip(here["utility"], found, strict=True)]
    weight = "value" if plan.attrs["weight"] == "value" else "beta"
    if all(each == answer for each in found):
        return f"The utility does not change the answer: at the same {weight} {' and '.join(said)}."
    if all(each[0] == answer[0] for each in found):
        return f"The utility changes k^, not the signal: at the same {weight} {' and '.join(said)}."
    return f"The utility matters: at the same {weight} {' and '.join(said)}."


def _price_changes(plan: Any) -> str:
    if len(plan.table) == 1 and plan.worth_it and math.isinf(plan.table["price_factor"].iloc[0]):
        return f"No other signal has a price, so that {_named(plan.signal)} are best whatever they cost."
    said = []
    for _, row in plan.table.iterrows():
        name, factor = _named(row["signal"]), row["price_factor"]
        if row["signal"] == plan.signal:
            said.append(_stays(name, factor, free=row["cost_of_all"] == 0))
        elif math.isnan(factor):
            said.append(f"never {name}, even free")
        elif factor == 0:
            said.append(f"{name} only if they are free")
        else:
            near = _times(factor)
            said.append(
                f"{name} would be best " + (f"below {near} their price" if near else "at a little less than now")
            )
    start = "A close call. If" if plan.close else "If"
    return f"{start} one price alone changes: {'; '.join(said)}."


def _stays(name: str, factor: float, free: bool) -> str:
    if free:
        return f"{name} are free as it is"
    if math.isinf(factor):
        return f"{name} stay best even at a million times their price"
    near = _times(factor)
    return f"{name} stay best up to " + (f"{near} their price" if near else "a little more than now")


def _labels(plan: Any) -> str:
    """The answer where plain numbers are meant as prices of whole labels."""
    other = plan.per_label
    if other is None:
        return ""
    n_classes, told = plan.attrs["n_classes"], []
    table = plan.table.set_index("signal")
    for signal, price in other["prices"].items():
        kept = n_classes if signal == "soft" else table.loc[signal, "sparsity"]
        of = f"one of {n_classes} entries" if signal == "soft" else "one entry"
        label = "" if pd.isna(kept) else f", {money(price * int(kept))} a label" + (
            "" if signal == "soft" else f" of {int(kept)}")  # fmt: skip
        told.append(f"{signal} {price:g} is taken as the price of {of}{label}")
    written = " ".join(f"{signal}={price:g}/item" for signal, price in other["prices"].items())
    if other["signal"] is None:
        then = "then too nothing is worth its price"
    else:
        items = _items(other["n_labelled"], plan.attrs["n_items"])
        then = f"then {_named(other['signal'], other['sparsity'])} of {items}, cost {money(other['cost'])}"
    text = "; ".join(told)
    meant = "it is the price of a whole label" if len(told) == 1 else "these are prices of whole labels"
    return f"{text[0].upper()}{text[1:]}; if {meant} write {written}: {then}."


def _prices(plan: Any) -> str:
    said = []
    for _, row in plan.table.iterrows():
        noise = plan.attrs["noise"][row["signal"]]
        after = f", noise {noise:g}" if noise else ""
        said.append(f"{row['signal']} {row['price']} ({money(row['cost_of_all'])}{after})")
    return f"Prices (cost of all items): {'; '.join(said)}."


def sentences(plan: Any, flags: bool = False) -> tuple[str, ...]:
    """Say a ``SignalPlan`` in sentences: what to collect, what it tells, when the answer changes.

    With ``flags`` options are named as on the command line.
    """
    options = _FLAGS if flags else _Options()
    row = plan.table.iloc[0]
    found = [
        _collect(plan, row),
        _information(plan, row),
        _capacity(plan, options),
        _default(plan, options),
        _own_scale(plan, options),
    ]
    found += [_range(plan), _most(plan), _other_utilities(plan), _price_changes(plan), _labels(plan), _prices(plan)]
    return tuple(sentence for sentence in found if sentence)
