"""Is alpha related to what people care about? Correlations of a zoo's table with everything a referee asks for."""

from __future__ import annotations

import dataclasses
import numbers
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from neuroalpha._checks import check_seed, whole
from neuroalpha.compare.partial import independent_columns
from neuroalpha.compare.rows import Rows, prepare
from neuroalpha.compare.sentences import speak
from neuroalpha.compare.windows import Answers, Place, Question, answer
from neuroalpha.errors import InputError

COLUMNS = (
    "predictor", "statistic", "value", "low", "high", "low_groups", "high_groups", "p", "p_corrected", "null",
    "null_low", "null_high", "n_models", "n_groups", "n_rows", "method", "note",
)  # fmt: skip
NUMBERS = COLUMNS[2:12]


@dataclass(frozen=True, eq=False, repr=False)
class Relation:
    """How two columns of a table of models go together. Printing it prints the sentences."""

    x: str
    y: str
    controls: tuple[str, ...]
    """Those that vary."""
    group: str | None
    within: tuple[str, ...]
    """Columns whose combinations were each looked at."""
    near: float | None
    """The value that closeness to was tested; None where it was not."""
    table: pd.DataFrame
    """One row for each combination, predictor and statistic; see :func:`relate`."""
    windows: pd.DataFrame
    """Spearman's rho of ``x`` at each combination: ``layer``, ``window``, ``first``, ``last``, ``rho``, ``low``,
    ``high``, ``p``, ``p_corrected``, ``sign``, ``n_models``."""
    forms: pd.DataFrame
    """How well each form of relation predicts a model from the others; see :func:`relate`. Empty without ``near``."""
    sentences: list[str]
    """What can be said, and what cannot, in plain words."""
    points: pd.DataFrame
    """The rows used; ``unit`` names the model."""
    dropped: pd.DataFrame
    """Rows left out because a value is missing: ``unit``, the combination, ``reason``."""
    notes: tuple[str, ...]
    """What was chosen and left out when rows were read."""
    n_models: int
    n_groups: int
    """0 without groups."""
    n_rows: int
    n_tried: int
    """Combinations that the corrected p values are corrected for."""
    n_bootstrap: int
    n_permutations: int
    """Shuffles done."""
    exact: bool
    """Whether those were all there are."""
    level: float
    seed: int

    def __str__(self) -> str:
        """Return the sentences, one on each line."""
        return "\n".join(self.sentences)

    __repr__ = __str__

    def to_frame(self) -> pd.DataFrame:
        """Return the table with what was asked on every row."""
        return self.table.assign(
            x=self.x,
            y=self.y,
            controls=", ".join(self.controls),
            group=self.group or "",
            n_tried=self.n_tried,
            n_bootstrap=self.n_bootstrap,
            n_permutations=self.n_permutations,
            level=self.level,
            seed=self.seed,
        )


def relate(
    table: pd.DataFrame,
    x: str = "alpha",
    y: str = "accuracy",
    controls: Sequence[str] = (),
    group: str | None = "family",
    *,
    unit: str | Sequence[str] = "auto",
    within: str | Sequence[str] = "auto",
    pick: Literal["auto", "deepest", "shallowest"] = "auto",
    near: float | Literal["auto"] | None = "auto",
    n_bootstrap: int = 2000,
    n_permutations: int = 2000,
    level: float = 0.95,
    seed: int = 0,
    progress: bool = False,
) -> Relation:
    """Relate a column of a zoo's table to another, with intervals, nulls, controls and the corrections they need.

    Parameters
    ----------
    table : DataFrame
        One row for each model, layer, window and so on: of :func:`neuroalpha.zoo_table` or a run.
    x, y : str
        Columns of numbers; ``"log NAME"`` is the natural logarithm of one.
    controls : sequence of str
        Columns that partial correlations and slopes are given, such as clean accuracy, ``"log n_neuroids"`` and
        ``depth``. Constant and redundant ones are left out, by name.
    group : str, optional
        Column with the family of each model. Shuffles stay within families, and the mixed model gives each its own
        intercept. None: all models are alike.
    unit : str or sequence of str
        Columns that name a model; default ``model`` and, where there is one, ``weights``.
    within : str or sequence of str
        Columns that tell the rows of one model apart: each combination is looked at by itself, and p values are
        corrected for their number. Default: ``window``; ``position`` if there is such a column (it aligns models whose
        layers have different names), else ``layer`` if all models have layers of the same names, else one layer of each
        model is picked; ``images``, ``estimator`` and ``reduce`` where they must be told apart.
    pick : {"auto", "deepest", "shallowest"}
        Which layer of each model to take, by the column ``depth``; "auto" picks the deepest only where layers cannot be
        aligned.
    near : float, optional
        Test whether ``y`` goes with the distance of ``x`` from this value, or turns there. Default: 1 if ``x`` is an
        alpha, else not.
    n_bootstrap, n_permutations : int
        Resamples of the models and, where there are five or more, of the groups; shuffles. 0 leaves them out.
    level : float
        Of the intervals; p values below 1 - level count in the sentences.
    seed : int
        Of resamples and shuffles.
    progress : bool
        Show progress on stderr.

    Returns
    -------
    Relation
        ``.sentences`` and ``.table``. Columns of the table: ``layer``, ``window`` and other columns of the combination;
        ``predictor``, ``x`` or its distance from ``near``; ``statistic``: "spearman", "kendall" (tau-b), "pearson",
        "spearman within groups" (of ranks less their group's mean), "partial spearman", "partial pearson", "slope" (of
        the mixed model, in standard deviations), "kink position", "slope below kink", "slope above kink"; ``value``;
        ``low``, ``high``, percentile intervals over models, ``low_groups``, ``high_groups`` over groups; ``p``,
        ``p_corrected``; ``null``, ``null_low``, ``null_high``, mean and interval of the shuffled values; ``n_models``,
        ``n_groups``, ``n_rows``; ``method`` of the slope; ``note``.
        ``.forms``: for each combination and form ("constant", "line", "monotone", "distance", "kink at near",
        "free kink") the leave-one-model-out ``prediction_error`` (root mean square), ``corrected_criterion`` (AICc),
        and by how much its squared error is ``ahead`` of the better of line and monotone, with the standard error of
        that.

    Raises
    ------
    InputError
        For unknown columns, columns that hold no numbers or are constant, a model in two groups, several rows for one
        model that nothing tells apart, or no complete row.

    Notes
    -----
    No warnings: what was left out or cannot be said stands in ``.sentences``, ``.dropped`` and the table's ``note``.

    Intervals are percentiles over models drawn with return, a model's rows together. Where families are few, those over
    whole families are the honest ones, and wide. The null shuffles ``y`` among the models of one family, in the same
    way at all combinations; all orders are taken where there are no more than ``n_permutations``. What two families
    differ in does so in shuffled data too, therefore a p value counts deviations from the mean of the null and is about
    differences within families. p = (1 + shuffles that deviate as far) / (1 + shuffles); ``p_corrected`` compares with
    the largest deviation, in units of each combination's null, over all combinations (Westfall & Young,
    Resampling-based multiple testing, 1993, single step), for slopes by Holm's method. Shuffled for partial
    correlations are the residuals of ``y`` given the controls (Freedman & Lane, Journal of Business & Economic
    Statistics 1, 1983). The kink's p value is that of the largest gain over all positions against a line.

    Fewer than 5 models give points and correlations, no intervals and no p values. Takes about 0.05 s for each
    combination of 60 models, and memory for a few times ``n_bootstrap`` x models numbers.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> rng = np.random.default_rng(0)
    >>> table = pd.DataFrame({"model": [f"net{i}" for i in range(24)], "family": ["a", "b", "c"] * 8})
    >>> table["alpha"] = rng.uniform(0.7, 1.4, 24)
    >>> table["accuracy"] = 80 - 20 * abs(table.alpha - 1) + rng.normal(size=24)
    >>> found = relate(table, n_bootstrap=200, n_permutations=200)
    >>> [sentence for sentence in found.sentences if "turn" in sentence][0]
    'accuracy turns near alpha = 1: ...'
    >>> found.table.query("statistic == 'spearman'")[["predictor", "value"]].round(1).values.tolist()
    [['alpha', ...], ['|alpha - 1|', -0.9]]
    """
    check_seed(seed)
    whole(n_bootstrap, "n_bootstrap")
    whole(n_permutations, "n_permutations")
    if not isinstance(level, numbers.Real) or not 0.5 <= float(level) < 1:
        raise InputError(f"level is {level!r}; expected a number from 0.5 to below 1, such as 0.95")
    asked = (controls,) if isinstance(controls, str) else tuple(controls)
    close = _near(near, x)
    rows = prepare(table, x, y, asked, group, unit, within, pick)
    places, codes, groups = _placed(rows, x, y, group)
    question = Question(x, groups, close, n_bootstrap, n_permutations, float(level), seed)
    answers = answer(places, question, progress=progress)
    frame = _table(answers, rows, groups, codes, group)
    relation = Relation(
        x=x, y=y, controls=rows.controls, group=group, within=rows.within, near=close, table=frame,
        windows=_windows(frame, rows, x), forms=pd.DataFrame(answers.forms), sentences=[], points=rows.points,
        dropped=rows.dropped, notes=rows.notes, n_models=len(codes),
        n_groups=0 if groups is None else int(groups.max()) + 1, n_rows=len(rows.points), n_tried=len(places),
        n_bootstrap=n_bootstrap, n_permutations=answers.n_shuffles, exact=answers.exact, level=float(level), seed=seed,
    )  # fmt: skip
    return dataclasses.replace(relation, sentences=speak(relation))


def _near(near: float | str | None, x: str) -> float | None:
    if isinstance(near, str) and near == "auto":
        return 1.0 if str(x).startswith("alpha") else None
    if near is None:
        return None
    if isinstance(near, str) or not isinstance(near, numbers.Real) or not np.isfinite(float(near)):
        raise InputError(f"near is {near!r}; expected a number, 'auto' or None")
    return float(near)


def _placed(rows: Rows, x: str, y: str, group: str | None) -> tuple[list[Place], dict[str, int], np.ndarray | None]:
    """The places with their arrays, codes of the models, and the code of each model's group."""
    points = rows.points
    names = list(dict.fromkeys(points["unit"]))
    codes = {name: code for code, name in enumerate(names)}
    groups = None
    if group is not None:
        of_model = points.drop_duplicates("unit")[group]
        groups = np.unique(of_model.to_numpy(dtype=str), return_inverse=True)[1].ravel()
    places = []
    parts = points.groupby(list(rows.within), sort=False, dropna=False) if rows.within else [((), points)]
    for key, part in parts:
        keys = key if isinstance(key, tuple) else (key,)
        where = dict(zip(rows.within, keys, strict=True))
        models = part["unit"].map(codes).to_numpy()
        part = part.iloc[np.argsort(models)]
        controls = part[list(rows.controls)].to_numpy(dtype=float).reshape(len(part), -1)
        kept = independent_columns(controls) if len(part) > 1 else []
        left = [name for index, name in enumerate(rows.controls) if index not in kept]
        note = f"constant here or determined by the others, not controlled for: {', '.join(left)}" if left else ""
        places.append(
            Place(
                where,
                np.sort(models),
                part[x].to_numpy(dtype=float),
                part[y].to_numpy(dtype=float),
                controls[:, kept],
                note,
                bool(rows.controls),
            )
        )
    return places, codes, groups


def _table(
    answers: Answers, rows: Rows, groups: np.ndarray | None, codes: dict[str, int], group: str | None
) -> pd.DataFrame:
    frame = pd.DataFrame(answers.rows).reindex(columns=[*rows.within, *COLUMNS])
    points = rows.points
    by_place = points.groupby(list(rows.within), sort=False, dropna=False) if rows.within else [((), points)]
    details = []
    for key, part in by_place:
        keys = key if isinstance(key, tuple) else (key,)
        shown = dict(zip(rows.within, keys, strict=True))
        shown["n_groups"] = 0 if group is None else part[group].nunique()
        for name in ("layer", "window"):
            if name not in rows.within:
                values = part[name].astype(str).unique() if name in part else np.array([""])
                shown[name] = values[0] if len(values) == 1 else (rows.picked if name == "layer" else "various")
        details.append(shown)
    extra = pd.DataFrame(details)
    frame = frame.drop(columns="n_groups")
    frame = frame.merge(extra, on=list(rows.within), how="left") if rows.within else frame.merge(extra, how="cross")
    frame["n_rows"] = frame["n_models"]
    frame[list(NUMBERS)] = frame[list(NUMBERS)].astype(float)
    frame[["method", "note"]] = frame[["method", "note"]].astype(object).fillna("")
    others = [name for name in rows.within if name not in ("layer", "window")]
    return frame[["layer", "window", *others, *COLUMNS]]


def _windows(frame: pd.DataFrame, rows: Rows, x: str) -> pd.DataFrame:
    """Spearman's rho of x at each combination, with the ranks of its window."""
    found = frame[(frame["statistic"] == "spearman") & (frame["predictor"] == x)].copy()
    found = found.rename(columns={"value": "rho"})
    found["sign"] = np.sign(found["rho"])
    found["first"] = found["last"] = np.nan
    if {"first", "last"} <= set(rows.points.columns):
        names = ["first", "last"]
        if rows.within:
            ranks = rows.points.groupby(list(rows.within), sort=False, dropna=False)[names].median().reset_index()
            found = found.drop(columns=names).merge(ranks, on=list(rows.within), how="left")
        else:
            found[names] = rows.points[names].median().to_numpy()
    others = [name for name in rows.within if name not in ("layer", "window")]
    columns = [
        "layer",
        "window",
        *others,
        "first",
        "last",
        "rho",
        "low",
        "high",
        "p",
        "p_corrected",
        "sign",
        "n_models",
    ]
    return found[columns].reset_index(drop=True)
