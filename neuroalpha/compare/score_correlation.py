"""Whether a score that needs no labels orders models as their accuracy does, over all models and among alike ones."""

from __future__ import annotations

import numbers
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from neuroalpha._checks import check_seed, whole
from neuroalpha.compare.correlation import Resamples, interval, resample_models
from neuroalpha.compare.selection_points import Points, selection_points
from neuroalpha.compare.windows import FEWEST
from neuroalpha.compare.wording import many
from neuroalpha.errors import InputError, nearest

USUAL: dict[str, str | float] = {
    "alpha": 1.0, "final_loss": "lowest", "final_loss_per_dimension": "lowest", "self_cluster": "lowest",
    "coherence": "lowest",
}  # fmt: skip
"""Which value of a score is taken for good, where that is not the highest. alpha: nearest 1, as alpha-ReQ has it.
The pseudo condition number is the smallest singular value over the largest: 1 is best, so the highest."""
COLUMNS = (
    "score", "where", "n_models", "n_missing", "spearman", "spearman_low", "spearman_high", "kendall", "kendall_low",
    "kendall_high", "direction", "picked", "regret", "regret_random", "note",
)  # fmt: skip


def score_correlations(
    table: pd.DataFrame,
    scores: str | Sequence[str] = ("alpha",),
    accuracy: str = "accuracy",
    group: str | None = "objective",
    *,
    best: Mapping[str, str | float] | None = None,
    n_bootstrap: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Rank correlations of scores with accuracy, and what picking by each score would have lost.

    Parameters
    ----------
    table : DataFrame
        One row a model, named by ``model`` or the index.
    scores : str or sequence of str
        Columns that need no labels. Models without a number are left out of that score's rows and counted.
    accuracy : str
        In percent, or in fractions (none above 1).
    group : str, optional
        Column whose models are alike, such as the objective they were trained with. None: all models together only.
    best : mapping, optional
        Which value of a score is good: "highest", "lowest", or the number it is to be near. Default: nearest 1 for
        columns that begin with ``alpha``, lowest for losses, self-clustering and coherence, else highest.
    n_bootstrap : int
        Resamples of the models; 0 leaves intervals out.
    level : float
    seed : int

    Returns
    -------
    DataFrame
        A row for each score and place. ``score``, and once more ``|score - x|`` where the good value is a number x;
        ``where``: "all", "within groups" (pooled: pairs of models in the same group only for Kendall, ranks less the
        mean of their group for Spearman) or ``"objective = simclr"``; ``n_models``, ``n_missing``; ``spearman`` and
        ``kendall`` (tau-b) with ``_low`` and ``_high``, percentiles over resampled models, whole table together;
        ``direction``; ``picked``, the model with the best score; ``regret``, the percentage points that it lacks to the
        best model of that place (models without a score included), for "within groups" the mean over the groups where
        some model has the score; ``regret_random``, the mean regret of a blind pick, over the same groups; ``note``,
        which tells how many groups had none.

    Raises
    ------
    InputError
        As :func:`~neuroalpha.compare.rule_comparison.compare_rules`, and for an unknown group or direction.

    Notes
    -----
    Fewer than 5 models get no interval; with fewer than 3, or a constant score or accuracy, the correlation is NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> rng = np.random.default_rng(0)
    >>> sweep = pd.DataFrame({"objective": ["simclr", "byol"] * 15, "alpha": rng.uniform(0.8, 1.6, 30)})
    >>> sweep["accuracy"] = 80 - 20 * abs(sweep.alpha - 1) + 5 * (sweep.objective == "byol")
    >>> found = score_correlations(sweep, n_bootstrap=200)
    >>> found[["score", "where", "spearman", "regret"]].round(2).values.tolist()
    [['alpha', 'all', -0.79, 0.0], ['alpha', 'within groups', -0.9, 0.0], ...]
    """
    names = (scores,) if isinstance(scores, str) else tuple(scores)
    points = selection_points(table, names, accuracy)
    whole(n_bootstrap, "n_bootstrap")
    if not isinstance(level, numbers.Real) or not 0.5 <= float(level) < 1:
        raise InputError(f"level is {level!r}; expected a number from 0.5 to below 1, such as 0.95")
    if group is not None and group not in table.columns:
        raise InputError(
            f"the table has no column {group!r} for the groups; give the name of one, or group=None"
            + nearest(str(group), map(str, table.columns))
        )
    labels = None if group is None else table[group].iloc[points.frame.index].astype(str).to_numpy()
    check_seed(seed)
    weights = resample_models(len(points.frame), n_bootstrap, np.random.default_rng(seed))
    rows = []
    for name in dict.fromkeys(names):
        good = _direction(name, best or {})
        for shown, values in _variants(name, points.values([name])[:, 0], good):
            rows += _rows(shown, values, good, points, labels, group, weights, float(level))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _direction(name: str, best: Mapping[str, str | float]) -> str | float:
    usual = 1.0 if name.startswith("alpha") and not name.startswith("alpha_r2") else USUAL.get(name, "highest")
    good = best.get(name, usual)
    if good in ("highest", "lowest"):
        return good
    if isinstance(good, bool) or not isinstance(good, numbers.Real) or not np.isfinite(float(good)):
        raise InputError(f"best of {name!r} is {good!r}; expected 'highest', 'lowest' or a number to be near")
    return float(good)


def _variants(name: str, values: np.ndarray, good: str | float) -> list[tuple[str, np.ndarray]]:
    if isinstance(good, str):
        return [(name, values)]
    return [(name, values), (f"|{name} - {good:g}|", np.abs(values - good))]


def _rows(
    name: str, values: np.ndarray, good: str | float, points: Points, labels: np.ndarray | None, group: str | None,
    weights: np.ndarray, level: float,
) -> list[dict[str, Any]]:  # fmt: skip
    known = np.isfinite(values)
    y, models = points.accuracies, points.frame["model"].to_numpy()
    # |score - x| is near x where it is small.
    merit = _merit(values, "lowest" if name.startswith("|") else good)
    direction = good if isinstance(good, str) else f"nearest {good:g}"
    places: list[tuple[str, np.ndarray, np.ndarray | None]] = [("all", np.ones(y.size, dtype=bool), None)]
    if labels is not None:
        of_group = np.unique(labels, return_inverse=True)[1].ravel()
        places.append(("within groups", places[0][1], of_group))
        places += [(f"{group} = {each}", labels == each, None) for each in dict.fromkeys(labels)]
    rows = []
    for where, here, codes in places:
        used = here & known
        row: dict[str, Any] = {
            "score": name, "where": where, "n_models": int(used.sum()), "n_missing": int((here & ~known).sum()),
            "direction": direction,
        }  # fmt: skip
        row |= _correlations(values[used], y[used], weights[:, used], None if codes is None else codes[used], level)
        if codes is None:
            row |= _pick(merit[here], y[here], models[here])
        else:
            each = [_pick(merit[codes == code], y[codes == code], models[codes == code]) for code in np.unique(codes)]
            row |= _over_groups(each, str(row["note"]))
        rows.append(row)
    return rows


def _merit(values: np.ndarray, good: str | float) -> np.ndarray:
    if good == "highest":
        return values
    return -values if good == "lowest" else -np.abs(values - float(good))


def _correlations(
    x: np.ndarray, y: np.ndarray, weights: np.ndarray, codes: np.ndarray | None, level: float
) -> dict[str, Any]:
    empty = dict.fromkeys(
        ("spearman", "spearman_low", "spearman_high", "kendall", "kendall_low", "kendall_high"), np.nan
    )
    if x.size < 3:
        return empty | {"note": "fewer than 3 models"}
    if codes is not None:
        codes = np.unique(codes, return_inverse=True)[1].ravel()
    few = x.size < FEWEST or len(weights) == 0
    found: dict[str, Any] = {"note": f"fewer than {FEWEST} models: no interval" if x.size < FEWEST else ""}
    for kind in ("spearman", "kendall"):
        found[kind] = float(_correlation(kind, Resamples(np.ones((1, x.size)), codes), x, y)[0])
        low, high = np.nan, np.nan
        if not few:
            # A resample that draws two of these models or fewer says nothing.
            kept = weights[(weights > 0).sum(axis=1) >= 3]
            low, high = interval(_correlation(kind, Resamples(kept, codes), x, y), level)
        found |= {f"{kind}_low": low, f"{kind}_high": high}
    if not np.isfinite(found["spearman"]):
        found["note"] = "the score or the accuracy does not vary"
    return empty | found


def _correlation(kind: str, resamples: Resamples, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    if resamples.groups is None:
        return resamples.spearman(x, y) if kind == "spearman" else resamples.kendall(x, y)
    return resamples.spearman_within(x, y) if kind == "spearman" else _kendall_within(resamples, x, y)


def _kendall_within(resamples: Resamples, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Kendall's tau-b of pairs in the same group."""
    groups, weights = resamples.groups, resamples.weights
    assert groups is not None
    same = groups[:, None] == groups
    sign_x, sign_y = (np.sign(values[:, None] - values) * same for values in (x, y))

    def pairs(of: np.ndarray) -> np.ndarray:
        return np.einsum("bi,bi->b", weights @ of, weights)

    untied = pairs(np.abs(sign_x)) * pairs(np.abs(sign_y))
    return np.where(untied > 0, pairs(sign_x * sign_y) / np.sqrt(np.where(untied > 0, untied, 1.0)), np.nan)


def _over_groups(picks: list[dict[str, Any]], note: str) -> dict[str, Any]:
    """Mean regrets of the groups where the score picks a model; one collapsed group must not hide the others."""
    able = [pick for pick in picks if np.isfinite(pick["regret"])]
    lacking = len(picks) - len(able)
    if lacking:
        said = f"no model of {lacking} of {many(len(picks), 'group')} has the score: the regret is over the others"
        note = "; ".join(each for each in (note, said if able else "no group has the score") if each)
    means = {name: float(np.mean([pick[name] for pick in able or picks])) for name in ("regret", "regret_random")}
    return {"picked": "", "note": note, **means}


def _pick(merit: np.ndarray, y: np.ndarray, models: np.ndarray) -> dict[str, Any]:
    """The model that the score likes best; of equal ones the mean regret, and the first is named."""
    blind = float((y.max() - y).mean())
    if not np.isfinite(merit).any():
        return {"picked": "", "regret": np.nan, "regret_random": blind}
    top = merit == np.nanmax(merit)
    return {"picked": str(models[top][0]), "regret": float(y.max() - y[top].mean()), "regret_random": blind}
