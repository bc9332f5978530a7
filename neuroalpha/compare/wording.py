"""Numbers and directions in words, for all sentences about a relation."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neuroalpha.compare.windows import FEWEST_GROUPS

if TYPE_CHECKING:
    from neuroalpha.compare.relate import Relation

Found = dict[tuple[str, str], pd.Series]  # rows of the table at one combination, by predictor and statistic


def interval(row: pd.Series, low: str = "low", high: str = "high") -> str:
    """``0.42 [0.10, 0.70]``."""
    ends = f" [{row[low]:.2f}, {row[high]:.2f}]" if np.isfinite(row[low]) else ""
    return f"{row['value']:.2f}{ends}"


def p_text(p: float) -> str:
    """``p = 0.012``, two digits."""
    return f"p = {p:.2g}" if p >= 0.001 else f"p = {p:.1g}"


def place_name(place: Mapping[str, Any]) -> str:
    """``layer1, window 11-500``: a value that begins with its column's name stands alone."""
    return ", ".join(str(v) if str(v).startswith(name) else f"{name} {v}" for name, v in place.items())


def many(number: int, what: str) -> str:
    """``1 model``, ``3 models``."""
    return f"{number} {what if number == 1 else what + 's'}"


def corrected_p(row: pd.Series, n_tried: int) -> str:
    """``p = 0.012, 0.05 corrected``, the second part only where there are several combinations."""
    return p_text(row["p"]) + (f", {row['p_corrected']:.2g} corrected" if n_tried > 1 else "")


def short_names(names: Iterable[str], width: int = 32) -> list[str]:
    """Names without the folders that all begin with, and without their middle where they are long.

    Examples
    --------
    >>> short_names(["zoo/small/a.pt", "zoo/small/b.pt"])
    ['a.pt', 'b.pt']
    """
    full = [str(name) for name in names]
    folders = zip(*(name.split("/")[:-1] for name in full), strict=False)
    shared = list(itertools.takewhile(lambda level: len(set(level)) == 1, folders)) if len(full) > 1 else []
    cut = ["/".join(name.split("/")[len(shared) :]) for name in full]
    half = (width - 3) // 2
    short = [name if len(name) <= width else f"{name[:half]}...{name[-half:]}" for name in cut]
    return short if len(set(short)) == len(set(full)) else cut


def chance(relation: Relation) -> float:
    """P values below it count."""
    return 1 - relation.level + 1e-12


def direction(relation: Relation, place: Found, predictor: str) -> str:
    """Whether y rises or falls with a predictor, with sizes and intervals; no claim that interval or null forbid."""
    rho, tau, r = (place[predictor, name] for name in ("spearman", "kendall", "pearson"))
    sizes = f"Spearman {interval(rho)}, Kendall {interval(tau)}, Pearson {interval(r)}"
    if relation.n_bootstrap:
        sizes += f" ({100 * relation.level:g} % intervals over {many(int(rho['n_models']), 'model')}"
        if np.isfinite(rho["low_groups"]):
            sizes += f"; over whole groups Spearman [{rho['low_groups']:.2f}, {rho['high_groups']:.2f}]"
        elif relation.group:
            sizes += (
                f"; {many(int(rho['n_groups']), 'group')}, fewer than {FEWEST_GROUPS}, give no interval over groups"
            )
        sizes += ")"
    if not np.isfinite(rho["low"]) and not np.isfinite(rho["p"]):
        return f"{relation.y} and {predictor}: {sizes}; without interval and p value no direction is claimed."
    clear = rho["low"] * rho["high"] > 0 if np.isfinite(rho["low"]) else True
    likely = rho["p_corrected"] < chance(relation) if np.isfinite(rho["p_corrected"]) else True
    verb = "rises" if rho["value"] > 0 else "falls"
    if clear and likely:
        return f"{relation.y} {verb} with {predictor}: {sizes}."
    if clear:
        return f"{relation.y} {verb} with {predictor} in these models, but shuffled data often do as much: {sizes}."
    return (
        f"no clear direction of {relation.y} with {predictor}: {sizes}; this does not show that there is no relation."
    )
