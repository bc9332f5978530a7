"""The claims about alpha, put to a zoo's table: which columns they speak of, and what is found for each."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from tqdm import tqdm

from neuroalpha.errors import InputError, nearest

Claim = Literal["ood", "noise"]
CLAIMS = ("ood", "noise")
CLEAN = "accuracy"
EFFECTIVE = "effective robustness: "
CONTROLS = (CLEAN, "log n_neuroids", "log parameters", "depth", "n_stimuli")
"""In-distribution accuracy, log width, log size, depth and number of stimuli: what else could make both."""
SYNTHETIC = ("symmetric", "asymmetric", "instance")


@dataclass(frozen=True, eq=False)
class Claims:
    """What was found, target by target."""

    table: pd.DataFrame
    """One row for each target, place, window and statistic, see :class:`neuroalpha.compare.relate.Relation`."""
    sentences: dict[str, list[str]]
    """By target, in plain words."""
    relations: dict[str, Any]
    """By target."""
    points: pd.DataFrame
    """The rows that were related, with ``position`` and effective robustness."""


def relate_claims(
    table: pd.DataFrame,
    claim: Claim,
    *,
    x: str = "alpha",
    controls: Sequence[str] | None = None,
    group: str | None = "family",
    n_bootstrap: int = 1000,
    n_permutations: int = 1000,
    seed: int = 0,
    progress: bool = False,
) -> Claims:
    """Relate alpha to everything in a zoo's table that a claim is about.

    Parameters
    ----------
    table : DataFrame
        Of a run with readouts and shifts, or noise: columns ``model``, ``layer``, ``depth``, ``window``, ``alpha`` and
        the targets; see docs/generalisation.md for their names.
    claim : {"ood", "noise"}
        "ood": accuracy on clean and shifted images, its drop, and effective robustness (the residual from the line that
        shifted follows clean accuracy over models). "noise": area under the noise curve, accuracy drop, memorisation.
    x : str
        The column that is to tell something.
    controls : sequence of str, optional
        Default: in-distribution accuracy (not of itself), log n_neuroids, log parameters, depth and n_stimuli, as far
        as the table has them.
    group : str, optional
        Column of the families; None for none.
    n_bootstrap, n_permutations, seed
        As for :func:`neuroalpha.relate`.
    progress : bool
        Show a bar on stderr.

    Returns
    -------
    Claims

    Raises
    ------
    InputError
        When the table holds none of the targets; as :func:`neuroalpha.relate` does.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> clean = rng.uniform(0.5, 0.9, 12)
    >>> zoo = pd.DataFrame({"model": [f"m{i}" for i in range(12)], "layer": "last", "alpha": 1.5 - 0.5 * clean,
    ...                     "accuracy": clean, "accuracy: fog": clean - 0.1})
    >>> found = relate_claims(zoo, "ood", group=None, n_bootstrap=50, n_permutations=50)
    >>> list(found.sentences)
    ['accuracy', 'accuracy: fog', 'effective robustness: fog']
    """
    from neuroalpha.compare.relate import relate

    if claim not in CLAIMS:
        raise InputError(f"there is no claim {claim!r}{nearest(str(claim), CLAIMS)}; known: {', '.join(CLAIMS)}")
    points = with_positions(table)
    points = with_effective_robustness(points) if claim == "ood" else points
    asked = targets(points, claim)
    if not asked:
        kind = "shifts" if claim == "ood" else "noise"
        raise InputError(f"the table has no numbers of {kind}; add [[tasks]] of kind = {kind!r} to the plan and run it")
    held = _controls(points, x) if controls is None else list(controls)
    family = group if group is None or group in points.columns else None
    relations: dict[str, Any] = {}
    for target in tqdm(asked, unit="target", file=sys.stderr, disable=not progress, delay=1):
        others = [name for name in held if name not in (target, x)]
        try:
            relations[target] = relate(
                points, x=x, y=target, controls=others, group=family,
                n_bootstrap=n_bootstrap, n_permutations=n_permutations, seed=seed,
            )  # fmt: skip
        except InputError as error:
            if len(asked) == 1:
                raise
            warnings.warn(f"{target}: {error}", stacklevel=2)
    if not relations:
        raise InputError(f"none of the targets {', '.join(asked)} could be related to {x!r}; the warnings say why")
    frames = [relation.table.assign(target=target) for target, relation in relations.items()]
    statistics = pd.concat(frames, ignore_index=True)
    statistics.insert(0, "target", statistics.pop("target"))
    said = {target: list(relation.sentences) for target, relation in relations.items()}
    return Claims(statistics, said, relations, points)


def statements_of(table: pd.DataFrame, n_draws: int = 500) -> tuple[pd.DataFrame | None, dict[str, list[str]]]:
    """Statistics and sentences of both claims, for the page of a run; None and nothing where there is too little.

    Resamples and shuffles are ``n_draws`` each: a page is made again and again; ``neuroalpha compare`` takes more.
    """
    frames: list[pd.DataFrame] = []
    said: dict[str, list[str]] = {}
    for claim in CLAIMS:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # the sentences say what could not be said
                found = relate_claims(table, claim, n_bootstrap=n_draws, n_permutations=n_draws)  # type: ignore[arg-type]
        except InputError:  # no such task in the plan, or nothing that can be related: the page does without
            continue
        frames.append(found.table)
        said |= found.sentences
    return (pd.concat(frames, ignore_index=True) if frames else None), said


def targets(table: pd.DataFrame, claim: Claim) -> list[str]:
    """Columns that a claim is about, those that hold several numbers.

    Single corruptions are many and much alike: their mean stands for them. The others stay in the table.
    """
    from neuroalpha.tasks.corruptions.corrupt import list_corruptions

    names = [str(name) for name in table.columns]
    corruptions = {f"accuracy: {kind}" for kind in list_corruptions()}
    if claim == "noise":
        wanted = [name for name in names if name.startswith(("noise_area: ", "noise_drop: human ", "memorisation: "))]
    else:
        several = sum(name in corruptions for name in names) > 1
        noisy = tuple(f"accuracy: {kind} " for kind in (*SYNTHETIC, "human"))
        wanted = [CLEAN] if CLEAN in names else []
        wanted += ["corruption_accuracy"] if "corruption_accuracy" in names else []
        wanted += [
            name
            for name in names
            if name.startswith("accuracy: ") and not name.startswith(noisy) and not (several and name in corruptions)
        ]
        wanted += ["relative_drop"] if "relative_drop" in names else []
        wanted += [
            name
            for name in names
            if name.startswith(EFFECTIVE) and not (several and f"accuracy: {name[len(EFFECTIVE) :]}" in corruptions)
        ]
    return [name for name in wanted if table[name].nunique() > 1]


def with_positions(table: pd.DataFrame) -> pd.DataFrame:
    """Say where each layer stands among those of its model, from the last: layers of one name differ between models.

    Examples
    --------
    >>> zoo = pd.DataFrame({"model": "a", "layer": ["conv", "fc"], "depth": [0.0, 1.0]})
    >>> with_positions(zoo)["position"].tolist()
    ['last but 1', 'last']
    """
    if "position" in table.columns or "layer" not in table.columns:
        return table
    unit = [name for name in ("model", "weights", "images") if name in table.columns]
    depth = table["depth"] if "depth" in table.columns else pd.Series(np.arange(len(table), dtype=float), table.index)
    depth = pd.to_numeric(depth, errors="coerce")
    last = pd.DataFrame({**{name: table[name] for name in unit}, "layer": table["layer"], "depth": depth})
    first = last.groupby([*unit, "layer"], sort=False, dropna=False)["depth"].transform("min")
    place = first.groupby([table[name] for name in unit], sort=False, dropna=False).rank("dense", ascending=False)
    fewest = place.groupby([table[name] for name in unit], dropna=False).transform("max").min()
    names = place.map(lambda rank: "last" if rank == 1 else f"last but {rank - 1:.0f}" if rank <= fewest else "earlier")
    if (names == "earlier").any():  # some models have more layers than others: those are set apart from nothing
        table, names = table[names != "earlier"], names[names != "earlier"]
    return table.assign(position=names)


def with_effective_robustness(table: pd.DataFrame) -> pd.DataFrame:
    """Put the distance from the line of shifted over clean accuracy to each row, line by line for each position.

    Shifts with fewer than five models get no line. Sources: see
    :func:`neuroalpha.tasks.effective_robustness.effective_robustness`.
    """
    from neuroalpha.tasks.effective_robustness import effective_robustness

    if CLEAN not in table.columns:
        return table
    shifted = {
        name.partition(": ")[2] if name != "corruption_accuracy" else "corruptions": name
        for name in map(str, table.columns)
        if name == "corruption_accuracy" or name.startswith("accuracy: ")
    }
    shifted = {short: name for short, name in shifted.items() if not short.startswith((*SYNTHETIC, "human "))}
    unit = [name for name in ("model", "weights", "images", "layer") if name in table.columns]
    place = [name for name in ("position", "images") if name in table.columns]
    one = table.drop_duplicates(unit)
    n_images = int(one["n_test"].max()) if "n_test" in one.columns and one["n_test"].notna().any() else 10_000
    found: dict[str, pd.Series] = {}
    for short, name in shifted.items():
        residual = pd.Series(np.nan, one.index)
        for _, rows in one.groupby(place, dropna=False) if place else [("", one)]:
            try:
                line = effective_robustness(rows[CLEAN].to_numpy(), rows[name].to_numpy(), n_images=n_images)
            except InputError:  # too few models, or all alike: no line, and no number
                continue
            residual[rows.index] = line.residual
        found[EFFECTIVE + short] = residual
    known = pd.concat([one[unit], pd.DataFrame(found, index=one.index)], axis=1)
    joined = table.merge(known, on=unit, how="left")
    joined.index = table.index
    return joined


def _controls(table: pd.DataFrame, x: str) -> list[str]:
    return [name for name in CONTROLS if name.removeprefix("log ") in table.columns and name != x]
