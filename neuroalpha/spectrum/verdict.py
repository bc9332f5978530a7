"""Held-out errors of laws over splits of the stimuli: their table, their tests, and the sentences that say it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from neuroalpha.spectrum.models import PARAMETERS, SPOKEN, Law, Points, fit, log_error
from neuroalpha.spectrum.resample import interval

# Of the power law's error. Two laws that coincide differ by next to nothing, but in every split: not worth a verdict.
MATERIAL = 0.05


def score(
    log_halves: np.ndarray, at: Points, biases: dict[str, np.ndarray], level: float
) -> tuple[pd.DataFrame, dict[str, Law]]:
    """Score laws on halves that they were not fitted to.

    Parameters
    ----------
    log_halves : array (split, half, group)
        Log eigenvalues of both halves of every split.
    biases : dict
        For each law, what finite sampling adds to the log eigenvalues of a population that follows it (group,).

    Returns
    -------
    table : DataFrame
        See :func:`neuroalpha.spectrum.compare_models.compare_models`.
    laws : dict
        Each law fitted to the mean over all halves.
    """
    n_splits = log_halves.shape[0]
    last = int(at.ranks[-1][-1])
    errors, laws, rows = {}, {}, []
    for name, bias in biases.items():
        y = log_halves - bias
        fitted = [[fit(name, at, one) for one in split] for split in y]
        errors[name] = np.array(
            [np.mean([log_error(fitted[s][h], at, y[s, 1 - h]) for h in (0, 1)]) for s in range(n_splits)]
        )
        law = laws[name] = fit(name, at, y.mean(axis=(0, 1)))
        ends = np.array([one.exponent(last) for split in fitted for one in split])
        # A half is a subsample of share 1/2 of the stimuli, so the spread of halves is the error of the whole.
        low, high = interval(law.exponent(last), ends, 0.5, level)
        rows.append(
            {"alpha_end": law.exponent(last), "alpha_end_low": low, "alpha_end_high": high, "log_c": law.log_c}
            | dict(zip(PARAMETERS[name], law.coefficients, strict=True))
        )
    simultaneous = 1 - (1 - level) / max(len(biases) - 1, 1)
    compared = []
    for name, row in zip(biases, rows, strict=True):
        difference = paired_difference(errors[name] - errors["power"], simultaneous)
        compared.append(
            {
                "model": name,
                "heldout_error": errors[name].mean(),
                "heldout_error_se": paired_difference(errors[name], level)[1],
                **dict(zip(("difference", "difference_se", "low", "high"), difference, strict=True)),
                "better": bool(difference[3] < 0 and difference[0] < -MATERIAL * errors["power"].mean()),
                **row,
            }
        )
    parameters = list(dict.fromkeys(p for names in PARAMETERS.values() for p in names))
    table = pd.DataFrame(compared)
    return table.reindex(columns=[*[c for c in table.columns if c not in parameters], *parameters]), laws


def paired_difference(values: np.ndarray, level: float) -> tuple[float, float, float, float]:
    """Mean of a score over random halvings, its standard error, and its Student-t interval.

    Splits overlap. Nadeau & Bengio 2003 (equation 10): variance (1/J + n_test/n_train) s^2, here n_test = n_train.
    """
    mean, n = float(values.mean()), values.size
    error = float(np.sqrt((1 / n + 1) * values.var(ddof=1)))
    half = error * float(stats.t.ppf(0.5 + level / 2, n - 1))
    return mean, error, mean - half, mean + half


def verdict_sentence(table: pd.DataFrame, best: str, first: int, last: int) -> str:
    """Say whether a power law is beaten, by what, and with which held-out log errors."""
    errors = table.set_index("model")["heldout_error"]
    others = [name for name in errors.index if name != "power"]
    if best == "power":
        low, high = (f"{errors[others].min():.3f}", f"{errors[others].max():.3f}")
        against = low if low == high else f"{low} to {high}"
        return (
            f"a power law describes ranks {first} to {last} no worse than {_listed(others)}, as far as halves of these "
            f"stimuli can show (held-out log error {errors['power']:.3f} against {against})"
        )
    sentence = (
        f"{SPOKEN[best]} describes ranks {first} to {last} better than a power law (held-out log error "
        f"{errors[best]:.3f} against {errors['power']:.3f})"
    )
    also = [name for name in others if name != best and table.set_index("model").loc[name, "better"]]
    if also:
        sentence += f"; so {'does' if len(also) == 1 else 'do'} {_listed(also, 'and')} " + (
            f"({', '.join(f'{errors[name]:.3f}' for name in also)})"
        )
    return sentence


def bound_sentence(row: pd.Series, best: str, d: float, last: int, level: float) -> str:
    """Say whether the exponent at the end of the window agrees with alpha > 1 + 2/d (Stringer et al. 2019)."""
    bound = 1 + 2 / d
    low, high = row["alpha_end_low"], row["alpha_end_high"]
    if low > bound:
        judged = "consistent with"
    elif high < bound:
        judged = "not consistent with"
    else:
        judged = "undecided about"
    return (
        f"{judged} alpha > 1 + 2/d = {bound:.2f} for d = {d:g} ({SPOKEN[best]} has exponent {row['alpha_end']:.2f} at "
        f"rank {last}, {level:.0%} interval {low:.2f} to {high:.2f}); the bound is about ranks without end, which a "
        "finite window cannot decide"
    )


def _listed(names: list[str], joint: str = "or") -> str:
    spoken = [SPOKEN[name] for name in names]
    return spoken[0] if len(spoken) == 1 else f"{', '.join(spoken[:-1])} {joint} {spoken[-1]}"
