"""The slope of y on x with models nested in families: a mixed model where it can be fitted, robust errors where not."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from scipy import stats

from neuroalpha.compare.correlation import standardised

FEW_GROUPS = 10  # cluster-robust errors of fewer are known to be too small
SINGULAR = 1e-4  # share of the variance that lies between groups, below which its estimate stands at its bound


@dataclass(frozen=True)
class Slope:
    """Standardised slope of y on x: standard deviations of y for each of x."""

    value: float
    low: float
    high: float
    p: float
    method: str
    """What was fitted."""
    note: str
    """Why it was that, and what to beware of; empty where nothing is to be said."""


def slope(x: np.ndarray, y: np.ndarray, controls: np.ndarray, groups: np.ndarray | None, level: float) -> Slope:
    """Fit y ~ x + controls + (1 | group) by restricted maximum likelihood, all columns standardised.

    The slope is tested with Student's t on n_models - n_groups - n_controls - 1 degrees of freedom. Where the mixed
    model does not converge, has no variance between groups or cannot be computed, ordinary least squares take its place
    with errors that are robust to clusters (t on n_groups - 1 degrees of freedom), or, where there is one group or
    none, to unequal variances (HC3).

    Parameters
    ----------
    x, y : (n_models,)
    controls : (n_models, n_controls)
        Independent of each other.
    groups : (n_models,) or None
        Codes 0, 1, ...
    level : float
        Of the interval.

    Returns
    -------
    Slope
        NaN where there are no more models than coefficients and two.
    """
    design = np.column_stack([np.ones(x.size), standardised(x), standardised(controls)])
    target = standardised(y)
    if x.size < design.shape[1] + 2:
        reason = f"{x.size} models are too few for {design.shape[1]} coefficients"
        return Slope(np.nan, np.nan, np.nan, np.nan, "none", reason)
    n_groups = 0 if groups is None else np.unique(groups).size
    if groups is None:
        return _least_squares(target, design, None, level, "no groups were given")
    if n_groups < 2:
        return _least_squares(target, design, None, level, "all models are one group")
    free = x.size - n_groups - (design.shape[1] - 1)
    if free < 1:
        reason = f"{n_groups} groups and {design.shape[1] - 1} slopes leave no freedom among {x.size} models"
        return _least_squares(target, design, groups, level, f"no mixed model: {reason}")
    alone = "its fit is singular (no variance between groups)"
    fitted = _mixed(target, design, groups) if _varies_between(target, design, groups) else alone
    if isinstance(fitted, str):
        return _least_squares(target, design, groups, level, f"no mixed model: {fitted}")
    value, error = fitted
    half = stats.t.ppf((1 + level) / 2, free) * error
    p = 2 * stats.t.sf(abs(value) / error, free)
    note = f"only {n_groups} groups: their variance is poorly known" if n_groups < 5 else ""
    return Slope(value, value - half, value + half, float(p), f"mixed model (REML, {n_groups} groups)", note)


def _varies_between(target: np.ndarray, design: np.ndarray, groups: np.ndarray) -> bool:
    """Whether the restricted likelihood rises from no variance between groups; if not, there it is largest.

    Its derivative there compares the squared sums of residuals over groups with what they are by chance. Optimisers
    take long at that bound, and statsmodels tries several.
    """
    member = (groups[:, None] == np.unique(groups)).astype(float)
    basis = np.linalg.svd(design, full_matrices=False)
    basis_columns = basis[0][:, basis[1] > 1e-10 * basis[1][0]]
    left = target - basis_columns @ (basis_columns.T @ target)
    expected = len(target) - ((basis_columns.T @ member) ** 2).sum()
    free = len(target) - basis_columns.shape[1]
    return bool(free * ((member.T @ left) ** 2).sum() > expected * (left**2).sum())


def _mixed(target: np.ndarray, design: np.ndarray, groups: np.ndarray) -> tuple[float, float] | str:
    """Slope and standard error of a random-intercept model, or why there is none."""
    from statsmodels.regression.mixed_linear_model import MixedLM
    from statsmodels.tools.sm_exceptions import ConvergenceWarning

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            result = MixedLM(target, design, groups=groups).fit(reml=True)
            value, error = float(result.params[1]), float(result.bse[1])
            between = float(np.asarray(result.cov_re)[0, 0])
        except (np.linalg.LinAlgError, ValueError) as failure:
            return f"its fit failed ({str(failure).strip().splitlines()[0] if str(failure).strip() else 'singular'})"
    # An optimum at the bound of the variance upsets the optimiser's own checks, so this reason comes first.
    if not between > SINGULAR * (between + float(result.scale)):
        return "its fit is singular (no variance between groups)"
    if not result.converged:
        return "it did not converge"
    doubts = [str(each.message) for each in told if issubclass(each.category, ConvergenceWarning)]
    if doubts:
        return f"it converged doubtfully ({doubts[0].strip().rstrip('.')})"
    if not (np.isfinite(value) and np.isfinite(error) and error > 0):
        return "its standard error is not finite"
    return value, error


def _least_squares(
    target: np.ndarray, design: np.ndarray, groups: np.ndarray | None, level: float, reason: str
) -> Slope:
    from statsmodels.regression.linear_model import OLS

    if groups is None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a model that alone decides a coefficient has no HC3 error; then NaN
            fitted = OLS(target, design).fit(cov_type="HC3", use_t=True)
            low, high = fitted.conf_int(alpha=1 - level)[1]
        value, p = float(fitted.params[1]), float(fitted.pvalues[1])
        return Slope(value, float(low), float(high), p, "least squares, HC3 errors", reason)
    n_groups = np.unique(groups).size
    value = float(np.linalg.lstsq(design, target, rcond=None)[0][1])
    error = _jackknife(target, design, groups, value)
    if n_groups < FEW_GROUPS:
        reason += f"; with {n_groups} groups (fewer than {FEW_GROUPS}) these errors tend to be too small"
    if not error > 0:
        reason += "; without some group the slope is not determined, so it has no error"
        return Slope(value, np.nan, np.nan, np.nan, f"least squares, no errors over {n_groups} groups", reason)
    half = float(stats.t.ppf((1 + level) / 2, n_groups - 1)) * error
    p = float(2 * stats.t.sf(abs(value) / error, n_groups - 1))
    return Slope(value, value - half, value + half, p, f"least squares, errors robust to {n_groups} groups", reason)


def _jackknife(target: np.ndarray, design: np.ndarray, groups: np.ndarray, value: float) -> float:
    """Error of the slope from fits without each group; NaN where one of them does not determine all coefficients.

    The usual sandwich is too small with few groups: in simulations of 6 without any effect its p fell below .05 in 9 to
    14 % of cases, this one's in 5 to 6 %.
    """
    slopes = []
    for group in np.unique(groups):
        coefficients, _, rank, _ = np.linalg.lstsq(design[groups != group], target[groups != group], rcond=None)
        if rank < design.shape[1]:
            return np.nan
        slopes.append(coefficients[1])
    n_groups = len(slopes)
    return float(np.sqrt((n_groups - 1) / n_groups * ((np.array(slopes) - value) ** 2).sum()))
