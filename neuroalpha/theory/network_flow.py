"""The toy network of implicit variance regularisation: simulated, and compared with the flow of its eigenvalues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

import neuroalpha
from neuroalpha._checks import check_seed, whole
from neuroalpha.errors import InputError
from neuroalpha.theory.eigenflow.settings import FlowSetting
from neuroalpha.theory.engine.comparison import compare
from neuroalpha.theory.engine.dataset import comparison_dataset
from neuroalpha.theory.engine.inputs import number, two_steps
from neuroalpha.theory.linearnet import system
from neuroalpha.theory.linearnet.run import run_network
from neuroalpha.theory.linearnet.settings import (
    TARGET,
    as_named,
    checked_covariance,
    checked_weights,
    defaults,
    even_times,
    named_settings,
    start_weights,
)

MOST_STEPS = 200_000
"""A comparison whose end is not given ends after so many of the smaller steps at the latest."""
LEAST_STEPS = 10
"""And after so many of the larger ones at the earliest, so that steps which diverge are seen to."""


def simulate_network(
    setting: str | FlowSetting = "euclidean",
    *,
    step_size: float | None = None,
    until: float | None = None,
    n_times: int = 101,
    n_modes: int = 10,
    n_inputs: int = 15,
    start: Any = None,
    n_samples: int | None = None,
    quasi_random: bool = False,
    activation: str = "identity",
    whiten: bool = False,
    covariance: Any = None,
    n_responses: int = 0,
    seed: int = 2,
) -> xr.Dataset:
    """Train one layer ``z = f(W x)`` on pairs of views by the published toy network's own steps.

    Halvagal, Laborieux and Zenke (2023, arXiv 2212.04858), toy-network notebook: predictor ``W_P = (W W')^a`` from the
    weights, first view clean, second with noise of variance 0.01, W normal / 4.

    Parameters
    ----------
    setting : str or FlowSetting, optional
        Of TOY or EXTRA, or any other.
    step_size, until : float, optional
        Default: the notebook's, 0.01 until time 15; 0.1 until 150 for the cosine losses and without predictor; 10 until
        10,000 for the cosine loss without predictor (notebook 0.1); at least 10 steps.
    n_times : int, optional
        About so many times are returned, evenly spaced.
    n_modes, n_inputs, start
        Outputs, inputs, and the weights (mode, input) at time 0 in place of random ones.
    n_samples : int, optional
        Draw so many pairs afresh in every step (the notebook: 50,000). Default: the population of Gaussian inputs
        itself, by its second moments (Euclidean) or by a quadrature (cosine).
    quasi_random : bool, optional
        Average the cosine loss over quasi-random directions in place of the quadrature: slower, an independent check.
    activation : {"identity", "relu"}, optional
        "relu" needs ``n_samples``. No theory here predicts it: the flows hold for linear networks.
    whiten : bool, optional
        Give each sample exactly the population's second moments.
    covariance : array (input,) or (input, input), optional
        S of the inputs, and of the noise up to its size; default the identity. The eigenvalues are those of W S W'.
    n_responses : int, optional
        Return the responses to so many inputs: those of largest norm of 5,000.
    seed : int, optional
        Of the weights, the samples and the inputs of ``n_responses``.

    Returns
    -------
    Dataset
        ``eigenvalue`` (time, mode) of W S W', falling; ``trace`` (time,); with ``n_responses`` ``response``
        (time, sample, mode) in the eigenbasis at time 0.

    Raises
    ------
    InputError
        For unknown settings, more modes than inputs, a covariance that is not symmetric or definite.
    DivergenceError
        An InputError: the step size is too large, measured by the flow where there is one; says the largest that is
        not.

    Examples
    --------
    >>> import neuroalpha as na
    >>> found = na.theory.simulate_network("euclidean iso", n_times=4)
    >>> found.eigenvalue.isel(mode=-1).round(2).values.tolist()  # the smallest eigenvalue grows to 1
    [0.11, 1.0, 1.0, 1.0]
    """
    name, chosen = as_named(setting)
    if activation not in ("identity", "relu"):
        raise InputError(f"activation is {activation!r}; expected 'identity' or 'relu'")
    relu = activation == "relu"
    if relu and n_samples is None:
        raise InputError("a ReLU network has no closed population; give n_samples, as n_samples=5000")
    whole(n_responses, "n_responses")
    weights = start_weights(n_modes, n_inputs, check_seed(seed)) if start is None else checked_weights(start)
    _check_samples(n_samples, whiten, weights.shape[1])
    spread = checked_covariance(covariance, weights.shape[1])
    size, end = defaults(chosen)
    size = size if step_size is None else number(step_size, "the step size", above=0)
    times = even_times(max(end, LEAST_STEPS * size) if until is None else until, size, n_times)
    options: dict[str, Any] = {
        "n_samples": n_samples,
        "quasi_random": quasi_random,
        "relu": relu,
        "whiten": whiten,
    }
    kept = run_network(name, chosen, weights, size, times, covariance=spread, seed=seed, **options)
    values = np.stack([system.eigenvalues(each, spread) for each in kept])
    made = xr.Dataset(
        {"eigenvalue": (("time", "mode"), values), "trace": ("time", values.sum(axis=1))},
        coords={"time": times, "mode": np.arange(1, values.shape[1] + 1)},
        attrs={
            "setting": name,
            "how": chosen.name,
            "source": "Halvagal, Laborieux, Zenke 2023, arXiv 2212.04858, toy networks",
            "step_size": float(size),
            "activation": activation,
            "expectation": _expectation(chosen, n_samples, quasi_random),
            "seed": seed,
            "version": neuroalpha.__version__,
        },
    )
    if n_responses:
        shown = system.loud_inputs(weights.shape[1], n_responses, seed, spread)
        basis = np.linalg.eigh((weights if spread is None else weights @ spread) @ weights.T)[1][:, ::-1]
        outputs = np.stack([shown @ each.T for each in kept])
        made["response"] = (("time", "sample", "mode"), (np.maximum(outputs, 0) if relu else outputs) @ basis)
    return made


def compare_eigenspace(
    settings: str | FlowSetting | Sequence[str | FlowSetting] | Mapping[str, FlowSetting] | None = None,
    step_sizes: Sequence[float] | None = None,
    *,
    until: float | None = None,
    n_times: int = 101,
    n_modes: int = 10,
    n_inputs: int = 15,
    start: Any = None,
    n_samples: int | None = None,
    quasi_random: bool = False,
    whiten: bool = False,
    covariance: Any = None,
    seed: int = 2,
) -> xr.Dataset:
    """Gradient descent of the linear toy network against the flow of its eigenvalues, at two step sizes.

    Parameters
    ----------
    settings : names, FlowSettings, mapping of name to FlowSetting, "extra" or "all", optional
        Default: the eight of TOY; "extra": those of EXTRA; "all": both.
    step_sizes : two numbers or more, optional
        Default: the notebook's and a tenth of it, that is 0.01 and 0.001, or 0.1 and 0.01 for the cosine losses and
        without predictor; 10 and 1 for the cosine loss without predictor, so slow that the notebook takes 100,000 steps
        of 0.1.
    until, n_times, n_modes, n_inputs, start, n_samples, quasi_random, whiten, seed
        As of :func:`simulate_network`. With ``n_samples`` the error does not fall with the step size below the noise
        of the samples.
    covariance : array (input,) or (input, input), optional
        S of the inputs; the Euclidean losses only. The start is turned to read along its eigenvectors: only then do
        modes separate, each with its own clock.

    Returns
    -------
    Dataset
        ``simulated`` (setting, step, time_index, mode), ``predicted`` (setting, time_index, mode), ``time``,
        ``step_size``, ``max_error``, ``mean_error`` (setting, step), ``ratio``, ``target``; besides ``trace_drift``
        (setting, step): largest change of the simulated sum of eigenvalues, as a share of it.

    Raises
    ------
    InputError
        As :func:`simulate_network`; for fewer than two step sizes, and weights without a flow.
    DivergenceError
        An InputError: a step size is too large; says the largest that is not.

    Examples
    --------
    >>> import neuroalpha as na
    >>> found = na.theory.compare_eigenspace(["euclidean", "euclidean iso"])
    >>> bool((found.max_error.isel(step=0) < found.target).all()), found.ratio.round(0).values.tolist()
    (True, [10.0, 10.0])
    """
    chosen = named_settings(settings)
    steps = None if step_sizes is None else two_steps(step_sizes)
    weights = start_weights(n_modes, n_inputs, check_seed(seed)) if start is None else checked_weights(start)
    _check_samples(n_samples, whiten, weights.shape[1])
    spread = checked_covariance(covariance, weights.shape[1])
    if spread is not None:
        if any(each.loss == "cosine" for each in chosen.values()):
            raise InputError("covariance goes with Euclidean losses only: the cosine loss has no flow for it here")
        if start is None:
            weights = system.aligned_weights(weights, spread)
    comparisons = []
    for name, setting in chosen.items():
        size, end = defaults(setting)
        sizes = steps or (size, size / 10)
        end = max(min(end, MOST_STEPS * sizes[-1]), LEAST_STEPS * sizes[0]) if until is None else until
        times = even_times(end, sizes[0], n_times)
        dynamics = system.network_dynamics(
            name,
            setting,
            weights,
            n_samples=n_samples,
            quasi_random=quasi_random,
            whiten=whiten,
            covariance=spread,
            seed=seed,
        )
        comparisons.append(compare(dynamics, sizes, times))
    made = comparison_dataset(
        comparisons,
        {
            "source": "Halvagal, Laborieux, Zenke 2023, arXiv 2212.04858; flows derived",
            "expectation": "; ".join(sorted({_expectation(each, n_samples, quasi_random) for each in chosen.values()})),
            "seed": seed,
        },
        dict.fromkeys(chosen, TARGET),
    )
    trace = made["simulated"].sum("mode", skipna=True)
    first = trace.isel(time_index=0)
    made["trace_drift"] = (abs(trace / first - 1).where(made["time"].notnull())).max("time_index")
    made["how"] = ("setting", [each.name for each in chosen.values()])
    return made


def _expectation(setting: FlowSetting, n_samples: int | None, quasi_random: bool) -> str:
    """How averages over views were taken."""
    if n_samples is not None:
        return f"{n_samples} samples, new in every step"
    if setting.loss == "euclidean":
        return "second moments"
    return "quasi-random directions" if quasi_random else "quadrature"


def _check_samples(n_samples: int | None, whiten: bool, n_inputs: int) -> None:
    if n_samples is None:
        return
    whole(n_samples, "n_samples", 1)
    if whiten and n_samples < 3 * n_inputs:
        raise InputError(f"n_samples is {n_samples}; to whiten {n_inputs} inputs and their noise give {3 * n_inputs}")
