"""Kernel: what labels cost. The paper's unit is a judgement: c n for hard labels, c n k for soft ones."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neuroalpha.errors import InputError
from neuroalpha.theory.triplets.ratios import check_signal

JUDGEMENT = {
    "hard": "one class chosen for an item",
    "soft": "one entry (item, class)",
    "sparse": "one entry (item, class)",
    "top-class": "one entry (item, class)",
    "pairwise": "one pair of items rated",
}


UNITS = {
    **dict.fromkeys(("item", "items", "label", "labels"), "item"),
    **dict.fromkeys(
        ("judgement", "judgements", "judgment", "judgments", "entry", "entries", "pair", "pairs"), "judgement"
    ),
}
"""Words after the slash of a price, and which of its two parts they name."""
LEAST_PRICE, LARGEST_PRICE = 1e-12, 1e12


@dataclass(frozen=True)
class Price:
    """Price of a signal: so much for every item labelled, and so much for every judgement made.

    Examples
    --------
    >>> Price(judgement=0.02), Price(item=0.1)
    (Price(judgement=0.02, item=0.0), Price(judgement=0.0, item=0.1))
    """

    judgement: float = 0.0
    item: float = 0.0

    def __str__(self) -> str:
        parts = [f"{self.item:g} an item"] if self.item else []
        if self.judgement or not parts:
            parts.append(f"{self.judgement:g} a judgement")
        return " and ".join(parts)


def _amount(text: Any, signal: str, given: Any) -> float:
    try:
        amount = float(text)
    except (TypeError, ValueError):
        amount = math.nan
    if isinstance(text, (bool, np.bool_)) or not 0 <= amount < math.inf:
        kind = "missing" if given is None or given == "" else repr(given)
        raise InputError(
            f"the price of {signal!r} is {kind}; expected a number of at least 0, such as 0.02 (a judgement: "
            f"{JUDGEMENT[signal]}) or '0.1/item'"
        )
    if amount and not LEAST_PRICE <= amount <= LARGEST_PRICE:
        raise InputError(
            f"the price of {signal!r} is {given!r}; expected 0 or {LEAST_PRICE:g} to {LARGEST_PRICE:g}: count in "
            "another unit of money"
        )
    return amount


def parse_price(given: Any, signal: str) -> Price:
    """Read a price: a number (of a judgement), or text such as "0.1/item" or "0.05/item+0.01/judgement".

    "label" says the same as "item"; "judgment", "entry" and "pair" the same as "judgement"; all in the plural too.

    Examples
    --------
    >>> parse_price(0.02, "hard"), str(parse_price("0.05/item+0.01/judgement", "sparse"))
    (Price(judgement=0.02, item=0.0), '0.05 an item and 0.01 a judgement')
    """
    check_signal(signal)
    if isinstance(given, Price):
        return Price(_amount(given.judgement, signal, given.judgement), _amount(given.item, signal, given.item))
    if isinstance(given, numbers.Real) or not isinstance(given, str):
        return Price(judgement=_amount(given, signal, given))
    totals = {"judgement": 0.0, "item": 0.0}
    for part in given.split("+"):
        amount, _, unit = part.partition("/")
        unit = unit.strip().lower() or "judgement"
        if unit not in UNITS:
            raise InputError(
                f"the price of {signal!r} is {given!r}; its unit {unit!r} is neither 'item' (a whole label) nor "
                f"'judgement' ({JUDGEMENT[signal]}): write {signal}=0.1/item or {signal}=0.02/judgement"
            )
        totals[UNITS[unit]] += _amount(amount.strip(), signal, given)
    return Price(**totals)


def is_plain(given: Any) -> bool:
    """Whether a price is a number alone, without a word on what it is the price of.

    Examples
    --------
    >>> is_plain(0.1), is_plain(".1"), is_plain("0.1/item")
    (True, True, False)
    """
    return "/" not in given if isinstance(given, str) else isinstance(given, numbers.Real)


def parse_prices(prices: Mapping[str, Any]) -> dict[str, Price]:
    """Read the prices of one or more signals, or say what is missing."""
    if not isinstance(prices, Mapping) or not prices:
        raise InputError(
            f"prices is {prices!r}; expected prices by signal, such as {{'hard': 0.02, 'soft': '0.1/item'}}"
        )
    return {check_signal(signal): parse_price(given, signal) for signal, given in prices.items()}


def judgements(signal: str, n_items: Any, n_classes: int, sparsity: Any = None) -> Any:
    """Judgements that a signal takes: n, n k, n k^ or n (n - 1) / 2; numbers or arrays.

    Examples
    --------
    >>> [judgements(signal, 60, 12, 4) for signal in ("hard", "soft", "sparse", "top-class", "pairwise")]
    [60, 720, 240, 240, 1770]
    """
    if check_signal(signal) == "hard":
        return n_items
    if signal == "pairwise":
        return n_items * (n_items - 1) // 2
    return n_items * (n_classes if signal == "soft" or sparsity is None else sparsity)


def cost(price: Price, signal: str, n_items: Any, n_classes: int, sparsity: Any = None) -> Any:
    """Cost of a signal on ``n_items`` items, in the unit of the price; numbers or arrays (in float64).

    Examples
    --------
    >>> cost(Price(item=0.5, judgement=0.1), "sparse", 10, 12, 4)
    9.0
    """
    if isinstance(n_items, np.ndarray):
        n_items = n_items.astype(np.float64)  # whole numbers of 64 bits would overflow without a word
    return price.item * n_items + price.judgement * judgements(signal, n_items, n_classes, sparsity)
