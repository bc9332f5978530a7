"""Does y turn where alpha is 1? A line that bends at a free place against a line and a monotone curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuroalpha.compare.correlation import FLAT, interval, resample_models, standardised
from neuroalpha.compare.partial import residuals

N_POSITIONS = 61
BESIDE = 3  # models that must lie on each side of a bend, and of the place that is asked about
MOST_RESAMPLES = 500  # each resample is fitted at every position


@dataclass(frozen=True, eq=False)
class Kink:
    """A line that bends at the position that fits best, with percentile intervals (value, low, high)."""

    position: tuple[float, float, float]
    slope_below: tuple[float, float, float]
    slope_above: tuple[float, float, float]
    gain: float
    """Share of the line's squared error that the bend removes."""


def positions_of(x: np.ndarray) -> np.ndarray:
    """Places where a bend is tried: evenly from the third smallest to the third largest value; empty if there is none.

    Places are a sixtieth of that range apart.
    """
    inside = np.sort(x)[BESIDE - 1 : x.size - BESIDE + 1]
    if x.size < 2 * BESIDE or inside[-1] - inside[0] <= FLAT * max(abs(inside[0]), abs(inside[-1])):
        return np.empty(0)
    return np.linspace(inside[0], inside[-1], N_POSITIONS)


def bend(
    x: np.ndarray, y: np.ndarray, controls: np.ndarray, positions: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Fit y = b0 + b1 x + c max(x - k, 0) + controls at each position k, and keep the best, in each resample.

    Parameters
    ----------
    x, y : (n_models,)
    controls : (n_models, n_controls)
    positions : (n_positions,)
    weights : (n_resamples, n_models)

    Returns
    -------
    index : (n_resamples,)
        Of the best position.
    coefficients : (n_resamples, 3 + n_controls)
        b0, b1, those of the controls, c; NaN where a resample cannot be fitted.
    """
    weights = weights.astype(float)
    base = np.column_stack([np.ones(x.size), x, controls])
    hinge = np.maximum(x[:, None] - positions, 0)
    n, p = base.shape

    def moment(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Weighted products of two sets of columns (n_resamples, a columns, b columns)."""
        products = (a[:, :, None] * b[:, None, :]).reshape(n, -1)
        return (weights @ products).reshape(len(weights), a.shape[1], b.shape[1])

    inverse = np.linalg.pinv(moment(base, base), rcond=1e-10, hermitian=True)
    base_hinge, base_y = moment(base, hinge), moment(base, y[:, None])[:, :, 0]
    base_fit = (inverse @ base_y[:, :, None])[:, :, 0]
    hinge_fit = inverse @ base_hinge
    hinge_left = weights @ hinge**2 - (base_hinge * hinge_fit).sum(axis=1)
    hinge_y = weights @ (hinge * y[:, None]) - np.einsum("bpk,bp->bk", base_hinge, base_fit)
    sound = hinge_left > 1e-8 * np.maximum(weights @ hinge**2, FLAT)
    gain = np.where(sound, hinge_y**2 / np.where(sound, hinge_left, 1.0), -1.0)
    best = gain.argmax(axis=1)
    every = np.arange(len(weights))
    enough = ((weights > 0).sum(axis=1) > p + 1) & sound[every, best]
    c = np.where(enough, hinge_y[every, best] / np.where(enough, hinge_left[every, best], 1.0), np.nan)
    coefficients = base_fit - hinge_fit[every, :, best] * c[:, None]
    return best, np.column_stack([coefficients, c])


def kink(
    x: np.ndarray, y: np.ndarray, controls: np.ndarray, n_bootstrap: int, level: float, rng: np.random.Generator
) -> Kink | None:
    """The best bend and its intervals over at most 500 resamples of the models; None where x leaves no place."""
    positions = positions_of(x)
    if positions.size == 0 or x.size < controls.shape[1] + 6:
        return None
    controls = standardised(controls)
    weights = [np.ones((1, x.size))]
    if n_bootstrap:
        weights.append(resample_models(x.size, min(n_bootstrap, MOST_RESAMPLES), rng))
    index, coefficients = bend(x, y, controls, positions, np.vstack(weights))
    below, above = coefficients[:, 1], coefficients[:, 1] + coefficients[:, -1]
    place = np.where(np.isfinite(below), positions[index], np.nan)

    def with_interval(draws: np.ndarray) -> tuple[float, float, float]:
        return (float(draws[0]), *interval(draws[1:], level))

    gain = float(bend_gain(x, y[:, None], controls)[0])
    return Kink(with_interval(place), with_interval(below), with_interval(above), gain)


def bend_gain(x: np.ndarray, y: np.ndarray, controls: np.ndarray) -> np.ndarray:
    """Share of a line's squared error that the best bend removes, for each column of ``y`` (n_models, n_columns)."""
    base = np.column_stack([x, standardised(controls)])
    hinge = residuals(np.maximum(x[:, None] - positions_of(x), 0), base)
    length = np.sqrt((hinge**2).sum(axis=0))
    hinge = hinge[:, length > 1e-6 * length.max()] / length[length > 1e-6 * length.max()]
    left = residuals(y, base)
    squares = (left**2).sum(axis=0)
    best = ((hinge.T @ left) ** 2).max(axis=0)
    return np.where(squares > 0, best / np.where(squares > 0, squares, 1.0), 0.0)


def null_bend(x: np.ndarray, y: np.ndarray, controls: np.ndarray, orders: np.ndarray) -> np.ndarray:
    """Gain of the best bend (n_permutations,) with a line's residuals shuffled; its place is chosen anew."""
    left = residuals(y, np.column_stack([x, controls]))
    return bend_gain(x, left[orders].T, controls)


def prediction_errors(x: np.ndarray, y: np.ndarray, controls: np.ndarray, near: float) -> dict[str, np.ndarray]:
    """Squared error of each model when it is predicted from the others (n_models,), for each form of relation.

    "constant"; "line"; "monotone", the best rising or falling steps (isotonic regression); "distance", a line in
    abs(x - near); a line that bends at ``near``; one that bends at a free place, found anew without the model. Controls
    enter each linearly.
    """
    controls = standardised(controls)
    ones, bent = np.ones((x.size, 1)), np.maximum(x - near, 0)
    designs = {
        "constant": np.column_stack([ones, controls]),
        "line": np.column_stack([ones, x, controls]),
        "distance": np.column_stack([ones, np.abs(x - near), controls]),
        "kink at near": np.column_stack([ones, x, bent, controls]),
    }
    errors = {name: _left_out(design, y) for name, design in designs.items()}
    errors["monotone"] = _monotone_left_out(x, y, controls)
    positions = positions_of(x)
    if positions.size:
        index, coefficients = bend(x, y, controls, positions, 1.0 - np.eye(x.size))
        design = np.column_stack([ones, x, controls, np.maximum(x - positions[index], 0)])
        errors["free kink"] = (y - (design * coefficients).sum(axis=1)) ** 2
    return errors


def corrected_criterion(x: np.ndarray, y: np.ndarray, controls: np.ndarray, near: float) -> dict[str, float]:
    """Akaike's criterion, corrected for few models, of those forms of relation that have one; the less the better."""
    found: dict[str, float] = {}
    forms: dict[str, np.ndarray] = {
        "constant": controls,
        "line": np.column_stack([x, controls]),
        "distance": np.column_stack([np.abs(x - near), controls]),
        "kink at near": np.column_stack([x, np.maximum(x - near, 0), controls]),
    }
    squares = {name: float((residuals(y, form) ** 2).sum()) for name, form in forms.items()}
    free = {name: form.shape[1] + 2 for name, form in forms.items()}  # a constant and the variance
    if positions_of(x).size:
        squares["free kink"] = squares["line"] * (1 - float(bend_gain(x, y[:, None], controls)[0]))
        free["free kink"] = free["line"] + 2
    for name, square in squares.items():
        k, n = free[name], x.size
        sound = n - k - 1 > 0 and square > 0
        found[name] = n * np.log(square / n) + 2 * k + 2 * k * (k + 1) / (n - k - 1) if sound else np.nan
    return found


def _left_out(design: np.ndarray, y: np.ndarray) -> np.ndarray:
    basis, scale, _ = np.linalg.svd(design, full_matrices=False)
    basis = basis[:, scale > 1e-10 * scale[0]]
    leverage = (basis**2).sum(axis=1)
    left = y - basis @ (basis.T @ y)
    return (left / np.where(leverage < 1 - 1e-9, 1 - leverage, np.nan)) ** 2


def _monotone_left_out(x: np.ndarray, y: np.ndarray, controls: np.ndarray) -> np.ndarray:
    """Of isotonic regression; what the controls explain beside a line in x is taken out first, without the model."""
    errors = np.empty(x.size)
    for model in range(x.size):
        kept = np.arange(x.size) != model
        target, base = y, 0.0
        if controls.shape[1]:
            design = np.column_stack([np.ones(x.size), x, controls])
            coefficients = np.linalg.lstsq(design[kept], y[kept], rcond=None)[0]
            base = controls @ coefficients[2:]
            target = y - base
        errors[model] = (target[model] - _monotone(x[kept], target[kept], x[model])) ** 2
    return errors


def _monotone(x: np.ndarray, y: np.ndarray, at: float) -> float:
    """Value at one place of the monotone steps, rising or falling, that fit better; linear between the models."""
    places, which = np.unique(x, return_inverse=True)
    which = which.ravel()
    size = np.bincount(which).astype(float)
    mean = np.bincount(which, weights=y) / size
    fits = [rising_steps(mean, size), -rising_steps(-mean, size)]
    best = min(fits, key=lambda fit: float((size * (mean - fit) ** 2).sum()))
    return float(np.interp(at, places, best))


def rising_steps(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Isotonic regression (n,): at each place the largest, over beginnings, of the least mean up to any end.

    The formula of maxima and minima (Barlow et al., Statistical inference under order restrictions, 1972).
    """
    n = values.size
    sums, sizes = np.cumsum(np.r_[0.0, weights * values]), np.cumsum(np.r_[0.0, weights])
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (sums[None, 1:] - sums[:-1, None]) / (sizes[None, 1:] - sizes[:-1, None])
    inside = np.tri(n, dtype=bool).T  # from a to b >= a
    least = np.minimum.accumulate(np.where(inside, mean, np.inf)[:, ::-1], axis=1)[:, ::-1]
    return np.where(inside, least, -np.inf).max(axis=0)


def verdict(
    kink_rows: dict[str, dict[str, float]],
    errors: dict[str, float],
    sides: tuple[int, int],
    near: float,
    monotone_p: float,
    chance: float,
) -> str:
    """What the forms of relation allow to be said.

    Parameters
    ----------
    kink_rows : dict
        By statistic ("kink position", "slope below kink", "slope above kink") its value, low, high and p_corrected.
    errors : dict
        Root mean squared prediction error of each form.
    sides : (int, int)
        Models below and above ``near``.
    near : float
    monotone_p : float
        Corrected p value of Spearman's rho.
    chance : float
        P values below it count.

    Returns
    -------
    str
        "one side", "turns near", "turns elsewhere", "bends near", "bends elsewhere", "monotone" or "undecided". To turn
        is to rise on one side and to fall on the other, each slope with an interval without zero; to bend is to change
        slope only.
    """
    if min(sides) < BESIDE:
        return "one side"
    rising = min(errors["line"], errors["monotone"])
    place, below, above = (
        kink_rows.get(name, {}) for name in ("kink position", "slope below kink", "slope above kink")
    )
    if place.get("p_corrected", np.nan) < chance and errors.get("free kink", np.inf) < rising:
        turns = (below["low"] > 0 and above["high"] < 0) or (below["high"] < 0 and above["low"] > 0)
        here = place["low"] <= near <= place["high"]
        return f"{'turns' if turns else 'bends'} {'near' if here else 'elsewhere'}"
    return "monotone" if monotone_p < chance and rising < errors["constant"] else "undecided"
