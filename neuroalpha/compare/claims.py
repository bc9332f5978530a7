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

from neuroalpha.compare.permutation import holm
from neuroalpha.compare.wording import p_text, place_name
from neuroalpha.errors import InputError, nearest

Claim = Literal["ood", "noise"]
CLAIMS = ("ood", "noise")
CLEAN = "accuracy"
EFFECTIVE = "effective robustness: "
CONTROLS = (CLEAN, "log n_neuroids", "log parameters", "depth", "n_stimuli")
"""In-distribution accuracy, log width, log size, depth and number of stimuli: what else could make both."""
NO_NUMBER = "accuracies are 0 or 1, and no column n_test says of how many test images"
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
    overview: pd.DataFrame
    """One row for each target, where Spearman's rho of ``x`` has the least corrected p value: ``target``, ``place``,
    ``rho``, ``low``, ``high``, ``p_corrected`` (for all places) and ``p_holm`` (for all targets as well), ``n_models``.
    """
    notes: tuple[str, ...]
    """What was left out before anything was related, and why."""
    summary: list[str]
    """How many targets were looked at and which hold once p is corrected for their number, then the notes."""


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
        Targets that are constant, or ``x`` itself, are left out and named in ``.notes``.
    x : str
        The column that is to tell something.
    controls : sequence of str, optional
        Default: in-distribution accuracy (not of itself), log n_neuroids, log parameters, depth and n_stimuli, as far
        as the table has them.
    group : str, optional
        Column of the families; None for none. The default is left out, with a note, where the table does not have it.
    n_bootstrap, n_permutations, seed
        As for :func:`neuroalpha.relate`.
    progress : bool
        Show a bar on stderr.

    Returns
    -------
    Claims
        ``.summary``, what to read first: how many targets there are, which hold, and the notes. ``.overview``, a row
        for each target with ``p_holm``. ``.sentences``, ``.relations`` by target, ``.table``, ``.points``, ``.notes``.

    Raises
    ------
    InputError
        When the table holds none of the targets, or all are constant; for ``x``, ``controls`` and ``group`` as
        :func:`neuroalpha.relate` does.

    Warns
    -----
    UserWarning
        For layers that too few models have, targets that cannot be related, and accuracies of 0 or 1 without
        ``n_test``; the notes say the same.

    Notes
    -----
    ``p_corrected`` covers all combinations of position, window and so on that one target was looked at. ``p_holm`` is
    its least value for each target, corrected for the targets by Holm's method (Scandinavian Journal of Statistics 6,
    1979), which holds however these depend on each other. It is of Spearman's rho of ``x``: other statistics and the
    distance of alpha from 1 are not part of it.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> clean = rng.uniform(0.5, 0.9, 12)
    >>> zoo = pd.DataFrame({"model": [f"m{i}" for i in range(12)], "layer": "last", "alpha": 1.5 - 0.5 * clean,
    ...                     "accuracy": clean, "accuracy: fog": clean - 0.1})
    >>> found = relate_claims(zoo, "ood", group=None, n_bootstrap=50, n_permutations=200)
    >>> list(found.sentences)
    ['accuracy', 'accuracy: fog', 'effective robustness: fog']
    >>> print(found.summary[0])
    alpha and accuracy under shift: 3 targets were looked at, 2 hold at p < 0.05 once p is corrected ...
    """
    from neuroalpha.compare.relate import relate
    from neuroalpha.compare.rows import align_layers, check_columns, check_table, default_group
    from neuroalpha.compare.sentences import speak_over_targets

    if claim not in CLAIMS:
        raise InputError(f"there is no claim {claim!r}{nearest(str(claim), CLAIMS)}; known: {', '.join(CLAIMS)}")
    check_table(table)
    family, notes = default_group(table, group)
    points, lost = align_layers(table)
    for note in lost:
        warnings.warn(note, stacklevel=2)
    notes += lost
    if claim == "ood":
        points, unfit = _effective_robustness(points)
        notes += unfit
    held = _controls(points, x) if controls is None else [controls] if isinstance(controls, str) else list(controls)
    check_columns(points, [x, *held], family)
    asked, unasked = _asked(points, claim, x)
    notes += unasked
    relations: dict[str, Any] = {}
    failed: dict[str, list[str]] = {}
    for target in tqdm(asked, unit="target", file=sys.stderr, disable=not progress, delay=1):
        try:
            relations[target] = relate(
                points, x=x, y=target, controls=[name for name in held if name != target], group=family,
                n_bootstrap=n_bootstrap, n_permutations=n_permutations, seed=seed,
            )  # fmt: skip
        except InputError as error:
            failed.setdefault(str(error), []).append(target)
    told = [f"Not related: {', '.join(names)}: {message}." for message, names in failed.items()]
    if not relations:
        raise InputError(next(iter(failed)) if len(failed) == 1 else " ".join(told))
    for note in told:
        warnings.warn(note, stacklevel=2)
    notes += tuple(told)
    overview = _overview(relations)
    frames = [relation.table.assign(target=target) for target, relation in relations.items()]
    statistics = pd.concat(frames, ignore_index=True)
    statistics.insert(0, "target", statistics.pop("target"))
    said = {target: list(relation.sentences) for target, relation in relations.items()}
    tested = overview.dropna(subset=["p_holm"])
    for target, p in zip(tested["target"], tested["p_holm"], strict=True) if len(tested) > 1 else ():
        said[target].append(f"Corrected for the {len(tested)} targets as well (Holm), Spearman's least {p_text(p)}.")
    summary = speak_over_targets(claim, overview, relations, notes)
    return Claims(statistics, said, relations, points, overview, notes, summary)


def statements_of(table: pd.DataFrame, n_draws: int = 200) -> tuple[pd.DataFrame | None, dict[str, list[str]]]:
    """Statistics and sentences of both claims, for the page of a run; None and nothing where there is too little.

    The summaries of both stand under the empty name, before those of any target.
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
        said[""] = list(dict.fromkeys([*said.get("", []), *found.summary]))
        said |= found.sentences
    return (pd.concat(frames, ignore_index=True) if frames else None), said


def targets(table: pd.DataFrame, claim: Claim) -> list[str]:
    """Columns that a claim is about, those that hold several numbers.

    Single corruptions are many and much alike: their mean stands for them. The others stay in the table.
    """
    return [name for name in _wanted(table, claim) if table[name].nunique() > 1]


def _wanted(table: pd.DataFrame, claim: Claim) -> list[str]:
    """Columns that a claim is about, whatever they hold."""
    from neuroalpha.tasks.corruptions.corrupt import list_corruptions

    names = [str(name) for name in table.columns]
    corruptions = {f"accuracy: {kind}" for kind in list_corruptions()}
    if claim == "noise":
        return [name for name in names if name.startswith(("noise_area: ", "noise_drop: ", "memorisation: "))]
    several = sum(name in corruptions for name in names) > 1
    known = [*_shift_names(table), "corruptions"]

    def shifts(prefix: str) -> list[str]:
        shorts = [name.removeprefix(prefix) for name in names if name.startswith(prefix)]
        return [
            prefix + short
            for short in shorts
            if short in known and not (several and f"accuracy: {short}" in corruptions)
        ]

    means = [name for name in (CLEAN, "corruption_accuracy") if name in names]
    drops = ["relative_drop"] if "relative_drop" in names else []
    return [*means, *shifts("accuracy: "), *drops, *shifts("relative_drop: "), *shifts(EFFECTIVE)]


def _shift_names(table: pd.DataFrame) -> list[str]:
    """Shifts whose accuracy the table has: not of noise, not ends of intervals, not the kinds of a published folder."""
    from neuroalpha.tasks.corruptions.corrupt import list_corruptions

    noisy = tuple(f"{kind} " for kind in (*SYNTHETIC, "human"))
    names = [str(name).removeprefix("accuracy: ") for name in table.columns if str(name).startswith("accuracy: ")]

    def is_part(name: str) -> bool:
        ends = any(name.endswith(end) and name.removesuffix(end) in names for end in ("_low", "_high"))
        folder, _, kind = name.rpartition(" ")
        return ends or (folder in names and kind in list_corruptions())

    return [name for name in names if not name.startswith(noisy) and not is_part(name)]


def _asked(table: pd.DataFrame, claim: Claim, x: str) -> tuple[list[str], tuple[str, ...]]:
    """The targets to relate, and notes on those that are constant or ``x`` itself."""
    wanted = _wanted(table, claim)
    kind = "shifts" if claim == "ood" else "noise"
    if not wanted:
        raise InputError(f"the table has no numbers of {kind}; add [[tasks]] of kind = {kind!r} to the plan and run it")
    counts = {name: table[name].nunique() for name in wanted}
    constant = [name for name in wanted if counts[name] == 1]
    empty = [name for name in wanted if counts[name] == 0 and not name.startswith(EFFECTIVE)]
    asked = [name for name in wanted if counts[name] > 1 and name != x]
    notes = [f"{x} is a target itself and is not related to itself."] if x in wanted else []
    notes += [f"The same in all rows, so nothing goes with it: {', '.join(constant)}."] if constant else []
    notes += [f"Without any number: {', '.join(empty)}."] if empty else []
    if not asked:
        raise InputError(f"no target of {kind} is left to relate to {x!r}: {' '.join(notes)[:-1]}; add models or tasks")
    return asked, tuple(notes)


def _overview(relations: dict[str, Any]) -> pd.DataFrame:
    """Each target where the evidence of Spearman's rho is strongest, corrected for the number of targets."""
    rows = []
    for target, relation in relations.items():
        found = relation.windows.assign(size=-relation.windows["rho"].abs())
        best = found.sort_values(["p_corrected", "size"], kind="stable").iloc[0]
        numbers = {name: best[name] for name in ("rho", "low", "high", "p_corrected")}
        place = place_name({name: best[name] for name in relation.within})
        rows.append({"target": target, "place": place, **numbers, "p_holm": np.nan, "n_models": int(best["n_models"])})
    frame = pd.DataFrame(rows)
    known = frame["p_corrected"].notna()
    frame.loc[known, "p_holm"] = holm(frame.loc[known, "p_corrected"].to_numpy())
    return frame


def with_effective_robustness(table: pd.DataFrame) -> pd.DataFrame:
    """Put the distance from the line of shifted over clean accuracy to each row, line by line for each position.

    The clean accuracy is that on the classes of the shift, ``clean accuracy: NAME``, where the table has it. Shifts
    with fewer than five models get no line, nor do accuracies of 0 or 1 where ``n_test`` does not say how many images
    they are of; of these a warning tells. Sources: see
    :func:`neuroalpha.tasks.effective_robustness.effective_robustness`.
    """
    return _effective_robustness(table)[0]


def _effective_robustness(table: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The table with effective robustness, and notes on shifts that have none."""
    from neuroalpha.tasks.effective_robustness import MIN_MODELS, effective_robustness

    if CLEAN not in table.columns:
        return table, ()
    shifted = {
        name.partition(": ")[2] if name != "corruption_accuracy" else "corruptions": name
        for name in map(str, table.columns)
        if name == "corruption_accuracy" or name.startswith("accuracy: ")
    }
    whole = ["corruptions", *_shift_names(table)]
    shifted = {short: name for short, name in shifted.items() if short in whole}
    unit = [name for name in ("model", "weights", "images", "layer") if name in table.columns]
    place = [name for name in ("position", "images") if name in table.columns]
    one = table.drop_duplicates(unit)
    found: dict[str, pd.Series] = {}
    few, reasons = [], dict[str, list[str]]()
    for short, name in shifted.items():
        clean = f"clean accuracy: {short}" if f"clean accuracy: {short}" in one.columns else CLEAN
        residual = pd.Series(np.nan, one.index)
        most = 0
        for _, rows in one.groupby(place, dropna=False) if place else [("", one)]:
            pair = rows[[clean, name]].astype(float)
            n_clean = _most(rows, "n_test")
            n_images = (n_clean, _most(rows, f"n_images: {short}") or n_clean)
            n_known = int(pair.notna().all(axis=1).sum())
            most = max(most, n_known)
            if n_known < MIN_MODELS or pair[name].nunique() == 1:  # the residuals of a constant are rounding alone
                continue
            ends = [int(pair[each].isin([0, 1]).sum()) for each in (clean, name)]
            if any(count and n is None for count, n in zip(ends, n_images, strict=True)):
                reasons.setdefault(NO_NUMBER, []).append(short)
                continue
            try:
                line = effective_robustness(
                    pair[clean].to_numpy(),
                    pair[name].to_numpy(),
                    n_images=n_images,  # type: ignore[arg-type]  # None where no accuracy is 0 or 1
                )
            except InputError as error:  # all alike, or percent: no line, and no number
                reasons.setdefault(str(error), []).append(short)
                continue
            residual[rows.index] = line.residual
        few += [short] if most < MIN_MODELS else []
        found[EFFECTIVE + short] = residual
    notes = [f"No effective robustness for {', '.join(dict.fromkeys(v))}: {why}." for why, v in reasons.items()]
    if NO_NUMBER in reasons:
        warnings.warn(notes[list(reasons).index(NO_NUMBER)], stacklevel=3)
    if few:
        notes.append(f"Effective robustness needs {MIN_MODELS} models with both accuracies; not for {', '.join(few)}.")
    known = pd.concat([one[unit], pd.DataFrame(found, index=one.index)], axis=1)
    joined = table.merge(known, on=unit, how="left")
    joined.index = table.index
    return joined, tuple(notes)


def _most(rows: pd.DataFrame, name: str) -> int | None:
    """The largest number of images in a column; None without the column or a number in it."""
    if name not in rows.columns or rows[name].isna().all():
        return None
    return int(rows[name].max())


def _controls(table: pd.DataFrame, x: str) -> list[str]:
    """Those by default that have numbers, without ``x`` and its logarithm."""
    named = {name: name.removeprefix("log ") for name in CONTROLS if x not in (name, name.removeprefix("log "))}
    return [name for name, source in named.items() if source in table.columns and table[source].notna().any()]
