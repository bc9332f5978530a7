"""Exact dynamics beside the eigenspace theory: DirectPred, stepwise self-supervision and supervision, labelled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

import neuroalpha
from neuroalpha._checks import check_seed, whole
from neuroalpha.errors import InputError
from neuroalpha.theory.engine.inputs import number, real_array, rising, symmetric
from neuroalpha.theory.related_flows import directpred, stepwise, supervised
from neuroalpha.theory.related_flows.compare_related import RELATED, compare_related
from neuroalpha.theory.related_flows.directpred import DirectPredSetting
from neuroalpha.theory.related_flows.matrices import shared_modes

__all__ = ["RELATED", "compare_related", "directpred_flow", "stepwise_flow", "supervised_flow"]


def directpred_flow(
    predictor: Any,
    correlation: Any,
    times: Sequence[float] | np.ndarray,
    *,
    tau: float | Sequence[float] = 1.0,
    predictor_rate: float = 1.0,
    noise: float = 0.0,
    weight_decay: float = 0.0,
    ema: float | None = None,
    rule: str = "gradient",
    epsilon: float = 0.0,
) -> xr.Dataset:
    """How a linear predictor and the correlation of the features it predicts from grow together, mode by mode.

    Tian, Chen and Ganguli (2021): white inputs, symmetric predictor, shared eigenvectors. With pull
    ``g = tau - (1 + noise) p``: ``p' = predictor_rate s g - weight_decay p``, ``s' = 2 p s g - 2 weight_decay s``,
    ``s tau' = ema (1 - tau) s - tau s' / 2``.

    Parameters
    ----------
    predictor : array (mode,) or (mode, mode)
        p of every mode, or the symmetric matrix W_p. Not used with ``rule="directpred"``, there None will do.
    correlation : array (mode,) or (mode, mode)
        s of every mode, or the matrix F = W W', symmetric and not indefinite, with the eigenvectors of W_p.
    times : (t,)
        Rising, from 0 on, in units of 1 / learning rate of the network.
    tau : float or array (mode,), optional
        How far the target follows, at time 0; used only with ``ema``.
    predictor_rate, weight_decay, ema : float, optional
        Learning rate of the predictor against the network's; weight decay of both; rate of the target's running
        average (default: the target is the online network).
    noise : float, optional
        Variance of the views' noise against the data's.
    rule : {"gradient", "directpred"}, optional
        "directpred" sets p = sqrt(s) + epsilon max(s) at all times: the paper's algorithm without running averages.
    epsilon : float, optional
        Of that rule; the authors' command for STL-10 has 0.01.

    Returns
    -------
    Dataset
        ``time``, ``mode``: ``predictor``, ``correlation``, ``tau`` and, with the gradient rule, ``invariant``
        (s - p^2 / predictor_rate) e^(2 weight_decay t), which the flow conserves; attrs ``collapse_below`` and
        ``fixed_point``: the two p at which a mode on the parabola rests (NaN: all collapse; derived here).

    Raises
    ------
    InputError
        For matrices that are not symmetric, not definite or do not share eigenvectors; negative rates or noise; times
        that do not rise; what is not finite real numbers.

    Examples
    --------
    >>> import neuroalpha as na
    >>> flow = na.theory.directpred_flow([0.3, 0.04], [0.09, 0.0016], [0.0, 500.0], weight_decay=0.05)
    >>> flow.predictor.isel(time=-1).round(3).values.tolist(), round(flow.attrs["collapse_below"], 3)
    ([0.947, 0.0], 0.053)
    """
    setting = DirectPredSetting(predictor_rate, noise, weight_decay, ema, rule, epsilon)
    p, s = _modes(predictor, correlation, setting)
    given = real_array(tau, "tau", (0, 1), f"one number, or {s.size} of them")
    if given.shape not in ((), s.shape):
        raise InputError(f"tau has shape {given.shape}; expected one number, or {s.size} of them")
    follow = np.broadcast_to(given if ema is not None else 1.0, s.shape)
    when = rising(times)
    ps, ss, taus = np.moveaxis(directpred.mode_flow(np.stack([p, s, follow]), setting, when), 1, 0)
    low, high = setting.fixed_points()
    made = _dataset(when, s.size, "Tian, Chen, Ganguli 2021, read second-hand; fixed points derived")
    made["predictor"] = (("time", "mode"), ps)
    made["correlation"] = (("time", "mode"), ss)
    made["tau"] = (("time", "mode"), taus)
    if rule == "gradient":
        made["invariant"] = (("time", "mode"), directpred.invariant(ps, ss, when, setting))
        made.attrs.update(collapse_below=low, fixed_point=high)
    made.attrs.update({name: getattr(setting, name) for name in ("predictor_rate", "noise", "weight_decay", "epsilon")})
    made.attrs.update(rule=rule, ema="none" if setting.ema is None else setting.ema)
    return made


def stepwise_flow(
    gamma: Any,
    times: Sequence[float] | np.ndarray,
    start: Any = None,
    *,
    n_outputs: int | None = None,
    scale: float = 1e-4,
    seed: int = 0,
) -> xr.Dataset:
    """How a linear network under the Barlow Twins loss learns the eigenmodes of its pairs, one step at a time.

    Simon et al. (2023): eigenvalue j of the embedding's cross-correlation follows ``lam' = 8 g_j lam (1 - lam)``, g_j
    the eigenvalues of ``gamma``; the loss falls from d by 1 at every step. Exact for weights that start along the
    leading eigenvectors, a limit for any other small start.

    Parameters
    ----------
    gamma : array (input, input), (mode,) or pair of arrays (sample, input)
        Cross-correlation of positive pairs, symmetric but perhaps indefinite; or its positive eigenvalues (as of
        ``neuroalpha.theory.related_flows.stepwise.kernel_modes`` from a kernel); or the two views themselves as a
        tuple, uncentred.
    times : (t,)
        Learning rate times number of steps.
    start : array (d,) or (d, input), optional
        Singular values at time 0, or weights of any direction (then ``|R_jj|`` of the QR decomposition of W V takes
        their place). Default: random weights of ``n_outputs`` rows.
    n_outputs : int, optional
        d, for a random start; default: all positive eigenvalues, at most 10.
    scale : float, optional
        Standard deviation of random weights.
    seed : int, optional

    Returns
    -------
    Dataset
        ``time``, ``mode``: ``eigenvalue``; ``loss`` (time,); ``step_time``, ``gamma``, ``start`` (mode,).

    Raises
    ------
    InputError
        For a matrix that is not symmetric; more outputs than positive eigenvalues; a start of embedding eigenvalue 0,
        or of 1 and above, which takes no step; times that do not rise; what is not finite real numbers.

    Examples
    --------
    >>> import neuroalpha as na
    >>> flow = na.theory.stepwise_flow(np.diag([1.0, 0.5, -0.2]), np.linspace(0, 12, 241), start=[1e-3, 1e-3])
    >>> flow.step_time.round(2).values.tolist(), flow.loss[[0, 60, -1]].round(2).values.tolist()
    ([1.73, 3.63], [2.0, 0.86, 0.0])
    """
    when = rising(times)
    check_seed(seed)
    matrix = _gamma(gamma)
    if start is None:
        n_positive = int((np.linalg.eigvalsh(matrix) > 1e-12 * np.abs(matrix).max()).sum())
        size = max(min(n_positive, 10), 1) if n_outputs is None else whole(n_outputs, "n_outputs", 1)
        drawn = np.random.default_rng(seed).standard_normal((size, len(matrix)))
        given = number(scale, "scale", above=0) * drawn
    else:
        expected = f"singular values (d,) or weights (d, {len(matrix)})"
        given = real_array(start, "start", (1, 2), expected)
        if given.ndim == 2 and given.shape[1] != len(matrix):
            raise InputError(f"start has shape {given.shape}; expected {expected}")
        if given.ndim == 1 and (given < 0).any():
            raise InputError(f"start holds the negative singular value {given.min():g}; expected {expected}")
        if n_outputs is not None and whole(n_outputs, "n_outputs", 1) != len(given):
            raise InputError(f"n_outputs is {n_outputs} and start has {len(given)}; leave out n_outputs")
    leading, vectors = stepwise.leading_modes(matrix, len(given))
    singular = given if given.ndim == 1 else stepwise.effective_start(given, vectors)
    begin = leading * singular**2
    if (begin <= 0).any() or (begin >= 1).any():
        raise InputError(
            f"embedding eigenvalues start from {begin.min():.3g} to {begin.max():.3g}; expected all between 0 and 1, a "
            "smaller start takes steps"
        )
    found = stepwise.embedding_eigenvalues(begin, leading, when)
    made = _dataset(when, leading.size, "Simon et al. 2023, arXiv 2303.15438; forms derived")
    made["eigenvalue"] = (("time", "mode"), found)
    made["loss"] = ("time", stepwise.loss(found))
    made["step_time"] = ("mode", stepwise.step_times(begin, leading))
    made["gamma"], made["start"] = ("mode", leading), ("mode", begin)
    made.attrs.update(seed=seed, scale=scale if start is None else "given")
    return made


def supervised_flow(
    singular: Sequence[float] | np.ndarray,
    times: Sequence[float] | np.ndarray,
    *,
    start: float | Sequence[float] = 0.01,
    time_constant: float = 1.0,
) -> xr.Dataset:
    """How a two-layer linear network learns the modes of a task: ``u(t) = s e^(2st/T) / (e^(2st/T) - 1 + s / u(0))``.

    Saxe, McClelland and Ganguli (2013): whitened inputs, balanced layers, aligned at the start.

    Parameters
    ----------
    singular : array (mode,) or (output, input)
        Singular values of the correlation of outputs with whitened inputs, or that matrix.
    times : (t,)
    start : float or array (mode,), optional
        Strengths at time 0, above 0.
    time_constant : float, optional
        T: 1 / learning rate.

    Returns
    -------
    Dataset
        ``time``, ``mode``: ``strength``; ``singular`` (mode,).

    Raises
    ------
    InputError
        For negative singular values, a start or a time constant that is not above 0; times that do not rise; what is
        not finite real numbers.

    Examples
    --------
    >>> import neuroalpha as na
    >>> na.theory.supervised_flow([2.0, 1.0], [0.0, 2.0, 8.0]).strength.round(3).values.tolist()
    [[0.01, 0.01], [1.875, 0.355], [2.0, 1.0]]
    """
    when = rising(times)
    expected = "singular values of at least 0, or a matrix (output, input)"
    values = real_array(singular, "singular", (1, 2), expected)
    if values.ndim == 2:
        values = np.linalg.svd(values, compute_uv=False)
    if (values < 0).any():
        raise InputError(f"singular holds the negative number {values.min():g}; expected {expected}")
    wanted = f"one strength above 0, or {values.size} of them"
    begin = real_array(start, "start", (0, 1), wanted)
    if begin.shape not in ((), values.shape):
        raise InputError(f"start has shape {begin.shape}; expected {wanted}")
    if (begin <= 0).any():
        raise InputError(f"start holds {begin.min():g}; expected {wanted}")
    time_constant = number(time_constant, "time_constant", above=0)
    made = _dataset(when, values.size, "Saxe, McClelland, Ganguli 2013, arXiv 1312.6120; form derived")
    curves = supervised.strengths(np.broadcast_to(begin, values.shape), values, when, time_constant)
    made["strength"] = (("time", "mode"), curves)
    made["singular"] = ("mode", values)
    made.attrs["time_constant"] = time_constant
    return made


def _modes(predictor: Any, correlation: Any, setting: DirectPredSetting) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues p and s (mode,) from vectors or from matrices."""
    expected = "eigenvalues (mode,) of at least 0, or a symmetric matrix"
    s = real_array(correlation, "correlation", (1, 2), expected)
    if s.ndim == 2:
        s = symmetric(s, "correlation", definite=True)
    elif (s < 0).any():
        raise InputError(f"correlation holds the negative number {s.min():g}; expected {expected}")
    if setting.rule == "directpred":
        s = np.maximum(np.linalg.eigvalsh(s)[::-1], 0) if s.ndim == 2 else s
        return directpred.rule_of(s, setting.epsilon), s
    if predictor is None:
        raise InputError("predictor is missing; give its eigenvalues (mode,) or its symmetric matrix")
    p = real_array(predictor, "predictor", (1, 2), "eigenvalues (mode,) or a symmetric matrix")
    if p.ndim == 2 and s.ndim == 2:
        p, s = shared_modes(symmetric(p, "predictor"), s, ("predictor", "correlation"))
        return p, np.maximum(s, 0)
    if p.shape != s.shape:
        raise InputError(f"predictor has shape {p.shape} and correlation {s.shape}; expected two vectors or matrices")
    return p, s


def _gamma(gamma: Any) -> np.ndarray:
    """Cross-correlation (input, input) from a matrix, its eigenvalues or the two views."""
    if isinstance(gamma, tuple) and len(gamma) == 2 and all(np.ndim(view) == 2 for view in gamma):
        one, two = (real_array(view, f"view {place}", 2) for place, view in enumerate(gamma, start=1))
        if one.shape != two.shape:
            raise InputError(f"the views have shapes {one.shape} and {two.shape}; expected pairs, of one shape")
        return stepwise.cross_correlation(one, two)
    values = real_array(gamma, "gamma", (1, 2), "a symmetric matrix, its eigenvalues (mode,), or a tuple of two views")
    return np.diag(values) if values.ndim == 1 else symmetric(values, "gamma")


def _dataset(times: np.ndarray, n_modes: int, source: str) -> xr.Dataset:
    return xr.Dataset(
        coords={"time": times, "mode": np.arange(1, n_modes + 1)},
        attrs={"source": source, "version": neuroalpha.__version__},
    )
