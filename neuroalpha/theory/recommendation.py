"""Which supervision signal to collect for a data set: cost against information, and when the answer changes."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

import neuroalpha
from neuroalpha.errors import InputError, nearest
from neuroalpha.theory.triplets import costs, counts, plan_tables, ratios
from neuroalpha.theory.triplets.noise import bits_kept, check_error
from neuroalpha.theory.triplets.sentences import sentences
from neuroalpha.theory.triplets.tradeoff import sparsity_steps
from neuroalpha.theory.triplets.utility import Utility
from neuroalpha.theory.triplets.weighing import Problem, Score, refined, weigh

_INFORMATION = ("share", "ratio")
_MOST_ITEMS, _MOST_CLASSES = 10**9, 10**6
_LEAST, _LARGEST = 1e-15, 1e30  # of a beta, a value, a scale or a budget
_CLOSE = 1.25  # a change of one price by less than this changes the answer


@dataclass(frozen=True, eq=False)
class SignalPlan:
    """The recommended supervision signal of a data set, with everything it was weighed against.

    ``print(plan)`` gives the sentences. Costs are in the unit of the prices.
    """

    signal: str | None
    """The recommended signal: hard, soft, sparse, top-class or pairwise; None where nothing is worth its price."""
    sparsity: int | None
    """Optimal entries k^ of a label, for sparse and top-class ones."""
    n_labelled: int
    """Items to label."""
    judgements: int
    cost: float
    triplets: int
    """Triplet questions answered, exact, before noise."""
    bits: float
    """What is left of them after noise."""
    information_ratio: float
    """``bits`` over all questions about the items and the centroids."""
    score: float
    """What the utility is taken of: see ``information`` of ``recommend_signal``."""
    objective: float
    """L^ = beta * cost / cost_scale - utility."""
    worth_it: bool
    """False where a value was given and to buy nothing has the smaller objective. Then there is no ``signal``, numbers
    of items, judgements, costs and bits are 0, and ``nearest`` is what comes nearest to being worth its price."""
    nearest: dict[str, Any] | None
    """The first row of ``table`` where nothing is worth its price, else None."""
    beta: float
    beta_low: float
    """The same signal is recommended for beta from ``beta_low`` to ``beta_high`` (nan if it is not worth it)."""
    beta_high: float
    purchase_low: float
    """The same for the very purchase: signal, k^ and number of items."""
    purchase_high: float
    table: pd.DataFrame
    """One row for each priced signal at its best, the recommended one first. ``price_factor``: up to which multiple of
    its price it is recommended, all other prices as they are, as this function would say with the new price (0: only
    if it is free, nan: never). ``cost_of_all``: its cost on all items. ``bits_per_cost``: bits for a unit of money."""
    curve: pd.DataFrame
    """Cost against information of each signal as more items are labelled, also beyond the budget."""
    sparsities: pd.DataFrame
    """The best purchase at every k^ of sparse and top-class labels."""
    frontier: pd.DataFrame
    """The most information for each amount of money, up to the budget, whichever signal gives it."""
    flips: pd.DataFrame
    """For each utility the best purchase over all beta: one row for each range of beta."""
    per_label: dict[str, Any] | None = None
    """The answer (signal, sparsity, n_labelled, cost) if plain numbers given for soft, sparse or top-class labels, the
    ``prices``, were those of whole labels; None without any. Plain numbers are prices of one entry."""
    attrs: dict[str, Any] = field(default_factory=dict)
    """How it was made: sizes, prices, noise, law, utility, scale, source."""

    @property
    def close(self) -> bool:
        """Whether another price of one signal, by a factor of less than 1.25, changes the answer."""
        return any(1 / _CLOSE <= factor <= _CLOSE for factor in self.table["price_factor"])

    @property
    def margin(self) -> float:
        """Factor by which beta may change, up or down, before another signal is recommended (nan if not worth it)."""
        return min(self.beta / self.beta_low if self.beta_low else math.inf, self.beta_high / self.beta)

    @property
    def sentences(self) -> tuple[str, ...]:
        """The answer in plain words."""
        return sentences(self)

    def __str__(self) -> str:
        return "\n".join(self.sentences)

    def to_dict(self, tables: bool = True) -> dict[str, Any]:
        """Return the plan as plain numbers, text and lists of rows, for JSON; what is missing or endless is None.

        Without ``tables`` only the table of signals is in it, not the curves and ranges (some hundred kilobytes).
        """
        plain: dict[str, Any] = {"sentences": list(self.sentences)}
        for name in self.__dataclass_fields__:
            found = getattr(self, name)
            if isinstance(found, pd.DataFrame) and not tables and name != "table":
                continue
            plain[name] = _plain(found.to_dict(orient="records") if isinstance(found, pd.DataFrame) else found)
        return plain


def _plain(value: Any) -> Any:
    """A number, text, dictionary or list as JSON knows it."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if value is pd.NA or (isinstance(value, numbers.Real) and not math.isfinite(value)):
        return None
    return value.item() if isinstance(value, np.generic) else value


def recommend_signal(
    n_items: int,
    n_classes: int,
    prices: Mapping[str, Any],
    *,
    noise: Mapping[str, float] | None = None,
    noise_law: str = "paper",
    utility: str | Utility = "linear",
    information: str | Score = "share",
    beta: float | None = None,
    value: float | None = None,
    cost_scale: float | None = None,
    budget: float | None = None,
    sparsity: int | None = None,
) -> SignalPlan:
    """Recommend a supervision signal: the one with the smallest L^ = beta * cost / cost_scale - utility.

    As in the paper every signal is bought for all items, or for as many as the budget pays for; for sparse and
    top-class labels the best number k^ of entries is found. With ``value`` utility is money, and the number of items
    is free too. Classes are taken to be balanced, and each item to be labelled once.

    Parameters
    ----------
    n_items, n_classes : int
        Size of your data set.
    prices : mapping of signal to price
        At least one of "hard", "soft", "sparse" (the k^ largest entries of each item), "top-class" (the entries of the
        k^ most telling classes), "pairwise" (similarity ratings). A number is the price of **one judgement**, the unit
        of the paper's cost model: a class chosen for an item (hard labels, n judgements), an entry (item, class) (soft
        labels n k, sparse and top-class ones n k^), a pair rated (n (n - 1) / 2). Text gives another unit: "0.1/item"
        or "0.1/label", or both as "0.05/item+0.01/judgement". 0, or 1e-12 to 1e12. ``per_label`` of the plan tells the
        answer if plain numbers were meant as prices of whole labels.
    noise : mapping of signal to error share, optional
        Share of single comparisons answered the wrong way, 0 (default) to .5 (guessing). It is not the share of wrong
        labels: ``error_of_wrong_labels`` converts that.
    noise_law : {"paper", "capacity"}
        Bits left of an answer: 1 - error, or 1 - H(error). By the paper's law guesses still count half.
    utility : {"linear", "sigmoid", "logit"} or function of an array
        Of the score below, the paper's rho, sigma(rho), sigma^-1(rho).
    information : {"share", "ratio"} or function
        The score. "share" (0 to 1): bits over those of the most telling purchase that competes, without noise; with
        ``value`` over those of the most telling priced signal on all items. "ratio": the information ratio, as the
        paper allows; it is small (n items and k classes give at most about 1/4, many items k / n), and then beta must
        be small too. A function of (signal, ratios) returns for instance a simulated rho.
    beta : float, optional
        Weight of cost against utility, default 1: then a utility of 1 (all information) is taken to be worth
        ``cost_scale``, and the sentences say so. It is a convention of the paper's figures, not a worth of yours: with
        the default scale the dearest signal is worth next to nothing by construction, and to price a dearer one
        (pairwise similarities, say) moves the answer.
    value : float, optional
        What a utility of 1 is worth in the unit of the prices, in place of beta (= cost_scale / value). Then part of
        the items may be labelled, or none where that is better.
    cost_scale : float, optional
        Divisor of all costs. Default: the cost of the dearest signal on all items with its largest k^, whatever the
        budget. (The paper leaves the scale open.) Where sparse or top-class labels are themselves the dearest, k^ does
        not depend on their price, since costs are counted in units of their own: with the linear utility and beta = 1
        it is about half of the classes. A ``value`` or a ``cost_scale`` lets the price count.
    budget : float, optional
        Most that may be spent.
    sparsity : int, optional
        Fixes k^. By default every k^ from 1 to the number of classes is weighed; of more than 256, those in equal
        ratios and then all around the best one.

    Returns
    -------
    SignalPlan
        ``print`` it. 5,000 items with 100 classes and 50,000 with 1,000 take about half a second (2 s with a value),
        1e6 with 10,000 1 s (3 s and 200 MB with a value).

    Raises
    ------
    InputError
        Sizes that are not whole and positive, or above 1e9 items or 1e6 classes; prices or noise that are missing,
        negative or of unknown signals; a budget that does not pay for one item; a sparsity above the number of classes,
        or without sparse or top-class labels.

    Notes
    -----
    Source: Sucholutsky et al., UAI 2023: counts, noise law, cost model L^ and utilities. Derived here: counts of sparse
    and top-class labels and of pairs, labelling a part of the items, capacity, and the ranges of beta (corners of the
    convex hull of utility over cost, so exact; above 256 classes, of the sparsities weighed). A bit is an answered
    triplet question. The count takes every comparison of soft labels down a column as true, although some are not (the
    softmax divides each row by its own sum): enter that as noise of soft labels if it matters. At k^ = 1 a sparse label
    tells more than a hard one, because its entry has a value that is compared with those of other items.

    Examples
    --------
    >>> plan = recommend_signal(5000, 100, {"hard": 0.02, "soft": 0.1, "sparse": 0.03}, noise={"hard": 0.1}, budget=500)
    >>> plan.signal, plan.sparsity, plan.n_labelled, round(plan.cost, 2)
    ('sparse', 3, 5000, 450.0)
    >>> print(plan.sentences[0])
    Collect sparse labels with the 3 largest of 100 entries, for all 5,000 items: 15,000 judgements, cost 450.
    """
    n_items, n_classes, _ = counts.check_sizes(n_items, n_classes, sparsity)
    if counts.all_questions(n_items, n_classes) == 0:
        raise InputError(f"{n_items} items and {n_classes} classes allow no triplet; expected three of them together")
    for name, size, most in (("n_items", n_items, _MOST_ITEMS), ("n_classes", n_classes, _MOST_CLASSES)):
        if size > most:
            raise InputError(f"{name} is {size}; expected at most {most:,}")
    priced = costs.parse_prices(prices)
    if sparsity is not None and not {"sparse", "top-class"} & set(priced):
        raise InputError(
            f"sparsity is {sparsity}, but neither sparse nor top-class labels have a price; price one or leave it out"
        )
    errors = _errors(noise, priced)
    if not callable(information) and information not in _INFORMATION:
        raise InputError(
            f"information {information!r} is not known; expected 'share', 'ratio' or a function"
            f"{nearest(str(information), _INFORMATION)}"
        )
    if beta is not None and value is not None:
        raise InputError("beta and value are both given; expected one of them (value sets beta = cost_scale / value)")
    problem = Problem(
        n_items=n_items,
        n_classes=n_classes,
        prices=priced,
        kept_bits={signal: bits_kept(error, noise_law) for signal, error in errors.items()},
        sparsities=sparsity_steps(n_classes) if sparsity is None else [int(sparsity)],
        budget=math.inf if budget is None else _amount(budget, "budget"),
        information=information,
        utility=utility,
        beta=1.0 if beta is None else _amount(beta, "beta", above=True),
        value=None if value is None else _amount(value, "value", above=True),
        cost_scale=None if cost_scale is None else _amount(cost_scale, "cost_scale", above=True),
    )
    plain = [signal for signal, given in prices.items() if costs.is_plain(given)]
    thinned, problem = problem, refined(problem)
    weighing = weigh(problem)
    picks = weighing.picks()
    table = plan_tables.signal_table(weighing, picks)
    worth = weighing.name(weighing.best()) != "none"
    low, high = weighing.reign() if worth else (math.nan, math.nan)
    purchase_low, purchase_high = weighing.purchase_reign() if worth else (math.nan, math.nan)
    best = table.iloc[0] if worth else plan_tables.nothing(weighing, table)
    kept = {
        signal: problem.sparsities[-1] if row is None else int(weighing.options.sparsity[row])
        for signal, row in picks.items()
    }
    return SignalPlan(
        signal=str(best["signal"]) if worth else None,
        sparsity=None if pd.isna(best["sparsity"]) else int(best["sparsity"]),
        n_labelled=int(best["n_labelled"]),
        judgements=int(best["judgements"]),
        cost=float(best["cost"]),
        triplets=int(best["triplets"]),
        bits=float(best["bits"]),
        information_ratio=float(best["information_ratio"]),
        score=float(best["score"]),
        objective=float(best["objective"]),
        worth_it=worth,
        nearest=None if worth else {str(key): _plain(item) for key, item in table.iloc[0].items()},
        beta=weighing.beta,
        beta_low=low,
        beta_high=high,
        purchase_low=purchase_low,
        purchase_high=purchase_high,
        table=table,
        curve=plan_tables.cost_curves(problem, kept),
        sparsities=plan_tables.sparsity_table(weighing),
        frontier=plan_tables.frontier(problem),
        flips=plan_tables.flip_table(weighing),
        per_label=plan_tables.per_label(thinned, plain),
        attrs={
            "n_items": n_items,
            "n_classes": n_classes,
            "prices": {signal: str(price) for signal, price in priced.items()},
            "noise": errors,
            "noise_law": noise_law,
            "utility": "custom" if callable(utility) else utility,
            "information": "custom" if callable(information) else information,
            "reference": f"{weighing.reference} labels"
            if weighing.reference != "pairwise"
            else "pairwise similarities",
            "bought": "of all items" if budget is None or value is not None else "within the budget",
            "cost_scale": weighing.scale,
            "scale_given": cost_scale is not None,
            "weight": "value" if value is not None else "default" if beta is None else "beta",
            "utility_of_nothing": None if value is None else float(weighing.gain[0]),
            "largest_costs": {signal: problem.whole_cost(signal) for signal in priced},
            "price_parts": {
                signal: " and ".join(part for part in ("item", "judgement") if getattr(price, part))
                for signal, price in priced.items()
            },
            "sparsity_given": sparsity is not None,
            "budget": problem.budget if budget is not None else None,
            "value": problem.value,
            "source": "Sucholutsky et al., UAI 2023, PMLR 216:2036-2046; extensions derived (see recommend_signal)",
            "software": f"neuroalpha {neuroalpha.__version__}",
        },
    )


def _amount(given: Any, name: str, above: bool = False) -> float:
    """Return an amount of money as float: at least zero, or above zero."""
    sound = isinstance(given, numbers.Real) and not isinstance(given, (bool, np.bool_)) and math.isfinite(given)
    if not sound or given < 0 or (above and given == 0):
        raise InputError(f"{name} is {given!r}; expected a number {'above' if above else 'of at least'} 0")
    if given and not _LEAST <= given <= _LARGEST:
        raise InputError(f"{name} is {given!r}; expected a number from {_LEAST:g} to {_LARGEST:g}")
    return float(given)


def _errors(noise: Mapping[str, float] | None, priced: Mapping[str, Any]) -> dict[str, float]:
    """Error share of every priced signal; 0 where none is given."""
    if noise is not None and not isinstance(noise, Mapping):
        raise InputError(f"noise is {noise!r}; expected the error share of signals by name, such as {{'hard': 0.1}}")
    errors = dict.fromkeys(priced, 0.0)
    for signal, error in (noise or {}).items():
        if ratios.check_signal(signal) not in priced:
            raise InputError(f"noise names {signal!r}, which has no price; expected one of {', '.join(priced)}")
        errors[signal] = check_error(error, f"noise of {signal!r}")
    return errors
