"""What the paper says of supervision signals, beside what the simulation here gives: a row for each claim."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from neuroalpha.errors import InputError

EXAMPLES = (
    (20, 90, 0.53, 7),
    (90, 20, 0.70, 3),
    (90, 90, 0.80, 23),
)  # n, k, rho, effective dimension; read off Figure 2
CORRELATION = 0.734  # of information ratio and effective dimension, in the paper's text


def supervision_findings(simulation: xr.Dataset, curves: xr.Dataset | None = None) -> pd.DataFrame:
    """Put the paper's claims beside what a simulation gives; where they disagree, the row says so.

    Parameters
    ----------
    simulation : Dataset
        Of :func:`neuroalpha.theory.simulate_supervision`, with signals "hard" and "soft".
    curves : Dataset, optional
        Of :func:`neuroalpha.theory.sparsity_curves`.

    Returns
    -------
    DataFrame
        Columns ``claim``, ``paper``, ``here``, ``agrees`` ("yes", "partly", "no").

    Raises
    ------
    InputError
        When a signal is missing.

    Notes
    -----
    Numbers of the paper with "about" were read off its figures. Correlations are over cells (mean of repeats).

    Examples
    --------
    >>> from neuroalpha.theory.supervision_simulation import simulate_supervision
    >>> found = simulate_supervision([5, 20], [3, 20], 5, repeats=1, progress=False)
    >>> supervision_findings(found).loc[0, ["claim", "agrees"]].tolist()
    ['soft labels recover more than hard ones in every cell', 'yes']
    """
    if not isinstance(simulation, xr.Dataset) or not {"hard", "soft"} <= set(
        simulation.get("signal", xr.DataArray([])).values
    ):
        raise InputError(
            "the simulation lacks 'hard' or 'soft'; make it with simulate_supervision(signals=('hard', 'soft'))"
        )
    mean = simulation.mean("repeat")
    hard, soft = mean.sel(signal="hard"), mean.sel(signal="soft")
    rows = [_soft_above_hard(hard, soft), _soft_range(soft), _hard_range(hard), _hard_falls(hard), _quarter(soft)]
    rows += [_dimension_correlation(hard, soft), *_examples(soft), _follows("soft", soft), _follows("hard", hard)]
    rows.append(_wrong(hard, soft))
    if curves is not None:
        rows += _curves(curves)
    return pd.DataFrame(rows, columns=["claim", "paper", "here", "agrees"])


Row = tuple[str, str, str, str]


def _verdict(holds: float) -> str:
    """Words for the share of cases in which a claim holds."""
    return "yes" if holds >= 1 else "partly" if holds >= 0.5 else "no"


def _soft_above_hard(hard: xr.Dataset, soft: xr.Dataset) -> Row:
    above = (soft["rho"] > hard["rho"]).values
    return (
        "soft labels recover more than hard ones in every cell",
        "every cell of Figure 1",
        f"in {above.sum()} of {above.size} cells",
        _verdict(above.mean()),
    )


def _soft_range(soft: xr.Dataset) -> Row:
    inside = (soft["rho"] >= 0.595).values
    return (
        "rho of soft labels",
        "about .6 to 1",
        f"{_span(soft['rho'])}; below .6 in {_where(soft, ~inside, 'n')}",
        _verdict(inside.mean()),
    )


def _hard_range(hard: xr.Dataset) -> Row:
    inside = (hard["rho"] <= 0.405).values
    return (
        "rho of hard labels",
        "about 0 to .4",
        f"{_span(hard['rho'])}; above .4 in {_where(hard, ~inside, 'k')}",
        _verdict(inside.mean()),
    )


def _hard_falls(hard: xr.Dataset) -> Row:
    by_k = hard["rho"].mean("n")
    falls = [float(np.mean(np.diff(by_k.sel(d=d).values) < 0)) for d in by_k["d"].values]
    means = "; ".join(
        f"d = {d}: " + ", ".join(f"{each:.2f}" for each in by_k.sel(d=d).values) for d in by_k["d"].values
    )
    ks = ", ".join(str(k) for k in by_k["k"].values)
    # A step up of two noisy values near 0 is no disagreement: the first and the last tell the direction.
    ends = np.mean([by_k.sel(d=d).values[0] > by_k.sel(d=d).values[-1] for d in by_k["d"].values])
    return (
        "hard labels recover less the more classes there are",
        "highest at small k",
        f"mean over n at k = {ks}: {means} (falls in {np.mean(falls):.0%} of the steps)",
        _verdict(ends),
    )


def _quarter(soft: xr.Dataset) -> Row:
    same = [size for size in soft["n"].values if size in soft["k"].values]
    if not same:
        return ("information ratio of soft labels at n = k", "tends to 1/4", "no cell with n = k", "partly")
    at = {int(size): float(soft["information_ratio"].sel(n=size, k=size).mean()) for size in same}
    gaps = [abs(each - 0.25) for each in at.values()]
    said = ", ".join(f"{ratio:.4f} at {size}" for size, ratio in at.items())
    closer = all(np.diff(gaps) < 0)
    return "information ratio of soft labels at n = k", "tends to 1/4", said, "yes" if closer else "no"


def _dimension_correlation(hard: xr.Dataset, soft: xr.Dataset) -> Row:
    pair = ("information_ratio", "effective_dimension")
    of_soft = _pearson(*(soft[name].values.ravel() for name in pair))
    of_both = _pearson(*(np.concatenate([part[name].values.ravel() for part in (hard, soft)]) for name in pair))
    each = [
        f"{_pearson(*(part[name].values.ravel() for name in pair)):.2f} at d = {d}" for d, part in soft.groupby("d")
    ]
    near = sum(abs(value - CORRELATION) < 0.1 for value in (of_soft, of_both))
    return (
        "correlation of information ratio and effective dimension",
        f"{CORRELATION}",
        f"{of_both:.3f} over the cells of hard and soft labels together; of soft ones alone {of_soft:.3f} ("
        + ", ".join(each)
        + ")",
        "yes" if near == 2 else "partly" if min(of_soft, of_both) > 0 else "no",
    )


def _examples(soft: xr.Dataset) -> list[Row]:
    rows = []
    for n, k, rho, dimension in EXAMPLES:
        if n not in soft["n"].values or k not in soft["k"].values:
            continue
        at, dimensions = soft.sel(n=n, k=k), soft["d"].values
        said, near, near_rho = [], [], []
        for d in dimensions:
            here = float(at["rho"].sel(d=d)), float(at["effective_dimension"].sel(d=d))
            said.append(f"d = {d}: {here[0]:.2f}, {here[1]:.1f}")
            near_rho.append(abs(here[0] - rho) < 0.1)
            near.append(near_rho[-1] and abs(here[1] - dimension) <= max(2, 0.25 * dimension))
        # The paper does not tell its d. To be near at one of several is that many tries, and no agreement.
        found = f"near in both at {_which(dimensions, near)}"
        if not any(near) and any(near_rho):
            found += f", in rho alone at {_which(dimensions, near_rho)}"
        rows.append(
            (
                f"rho and effective dimension of soft labels, n = {n}, k = {k}",
                f"about {rho:.2f}, {dimension} (d not told)",
                f"{'; '.join(said)} ({found})",
                "yes" if all(near) else "partly" if any(near) else "no",
            )
        )
    return rows


def _which(dimensions: np.ndarray, near: list[bool]) -> str:
    """Say at how many d, and which: at 1 of 3 d (125)."""
    which = ", ".join(str(d) for d, each in zip(dimensions, near, strict=True) if each)
    return f"{sum(near) or 'none'} of {len(near)} d" + (f" ({which})" if which else "")


def _follows(name: str, part: xr.Dataset) -> Row:
    from scipy.stats import rankdata

    pair = ("information_ratio", "rho")
    said = {int(d): _pearson(*(rankdata(at[each].values) for each in pair)) for d, at in part.groupby("d")}
    return (
        f"rho of {name} labels follows their information ratio over n and k",
        "the phases match",
        "Spearman " + ", ".join(f"{each:.2f} at d = {d}" for d, each in said.items()),
        "yes" if min(said.values()) > 0.7 else "partly" if max(said.values()) > 0.3 else "no",
    )


def _wrong(hard: xr.Dataset, soft: xr.Dataset) -> Row:
    # The paper reads labels of different points at one class as an order of distances, which they are not.
    said = {
        name: " and ".join(f"{label} {_typical(part[name])}" for label, part in (("soft", soft), ("hard", hard)))
        for name in ("wrong_first", "wrong")
    }
    return (
        "comparisons that noise-free labels make are true",
        "taken for granted",
        f"wrong of comparisons of points at a class (median and range of cells): {said['wrong_first']}; of all: "
        f"{said['wrong']}",
        "no",
    )


SCORED = {
    "rho": "all items",
    "rho_points": "the points alone",
    "rho_asked": "the points and the classes that have labels",
}
CALLED = {"pca": "principal components", "sparse": "sparse labels", "top-class": "top-class labels"}


def _curves(curves: xr.Dataset) -> list[Row]:
    rows = []
    for better, worse in (("pca", "sparse"), ("sparse", "top-class")):
        if not {better, worse} <= set(curves["signal"].values):
            continue
        said, holds = [], []
        for measure, scored in SCORED.items():
            # Of principal components and of sparse labels all classes have a place: nothing new to tell.
            if measure not in curves or (measure == "rho_asked" and better == "pca"):
                continue
            pair = curves[measure].mean("repeat").sel(signal=[better, worse]).dropna("sparsity")
            pair = pair.isel(sparsity=pair["sparsity"].values < curves.attrs["k"])  # all of them are the soft label
            one, other = (pair.sel(signal=name).values for name in (better, worse))
            above = one > other
            holds.append(above.mean())
            listed = "; ".join(
                f"{name} {', '.join(f'{each:.2f}' for each in values)}"
                for name, values in ((better, one), (worse, other))
            )
            said.append(f"over {scored} at {above.sum()} of {above.size} k^: {listed}")
        kept = ", ".join(str(each) for each in pair["sparsity"].values)
        where = ", ".join(f"{name} = {curves.attrs[name]}" for name in "nkd")
        # Which items are scored is a choice, so that the claim holds where it does whichever is taken.
        verdict = "yes" if min(holds) >= 1 else "partly" if max(holds) >= 0.5 else "no"
        rows.append(
            (
                f"{CALLED[better]} recover more than {CALLED[worse]} at equal k^",
                "Figure 3, n up to 50",
                f"k^ = {kept}; {where}. {'. '.join(said)}",
                verdict,
            )
        )
    return rows


def _span(values: xr.DataArray) -> str:
    return f"{float(values.min()):.2f} to {float(values.max()):.2f}"


def _typical(shares: xr.DataArray) -> str:
    return f"{float(shares.median()):.1%} ({float(shares.min()):.1%} to {float(shares.max()):.1%})"


def _where(part: xr.Dataset, found: np.ndarray, mostly: str) -> str:
    """How many cells (d, n, k) were found, and how many of them at the smallest ``mostly``."""
    many = f"{np.count_nonzero(found)} of {found.size} cells"
    if not found.any():
        return many
    least = part[mostly].values[0]
    small = np.count_nonzero(np.take(found, 0, axis="dnk".index(mostly)))
    return f"{many}, {small} of them at {mostly} = {least}"


def _pearson(one: np.ndarray, two: np.ndarray) -> float:
    if np.ptp(one) == 0 or np.ptp(two) == 0:
        return float("nan")
    return float(np.corrcoef(one, two)[0, 1])
