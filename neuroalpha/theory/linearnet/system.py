"""Kernel: the toy network as dynamics of the engine: its start, one step, what is watched, what theory says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from neuroalpha.errors import InputError
from neuroalpha.theory.eigenflow.settings import FlowSetting
from neuroalpha.theory.eigenflow.solve import flow
from neuroalpha.theory.engine.dynamics import Dynamics, State
from neuroalpha.theory.linearnet.cosine_moments import CosineMoments, Rates, cosine_update
from neuroalpha.theory.linearnet.moments import euclidean_update
from neuroalpha.theory.linearnet.quasi_random import CosinePoints
from neuroalpha.theory.linearnet.update import sample_update
from neuroalpha.theory.linearnet.views import draw_views


def network_step(
    setting: FlowSetting,
    shape: tuple[int, int],
    *,
    n_samples: int | None = None,
    quasi_random: bool = False,
    relu: bool = False,
    whiten: bool = False,
    covariance: np.ndarray | None = None,
    seed: int = 0,
) -> Callable[[State, float, int], State]:
    """One update of (weights,), or of (weights, target weights) where the setting has a running average.

    Parameters
    ----------
    setting : FlowSetting
    shape : (modes, inputs)
        Of the weights.
    n_samples : int, optional
        Draw so many pairs of views in every step; default: the whole population, which a ReLU network has not.
    quasi_random, relu, whiten, covariance, seed
        As of :func:`neuroalpha.theory.network_flow.simulate_network`.

    Raises
    ------
    InputError
        For the cosine loss of one mode.
    """
    n_modes, n_inputs = shape
    root = None if covariance is None else symmetric_root(covariance)
    rates: Rates | None = None
    if n_samples is None and setting.loss == "cosine":
        if n_modes == 1:
            raise InputError("one mode has no direction: the cosine loss needs two modes or more")
        points = quasi_random and CosinePoints(n_modes, setting.noise1, setting.noise2, seed=seed)
        rates = points or CosineMoments()

    def update(weights: np.ndarray, target: np.ndarray, index: int) -> np.ndarray:
        if rates is not None:
            return cosine_update(weights, target, setting, rates, index, covariance)
        if n_samples is None:
            return euclidean_update(weights, target, setting, covariance)
        one, two = draw_views(
            n_samples, n_inputs, setting.noise1, setting.noise2, seed=seed, index=index, whiten=whiten, root=root
        )
        return sample_update(weights, target, one, two, setting, relu=relu, root=root)

    def step(state: State, size: float, index: int) -> State:
        weights, target = state[0], state[-1]
        moved = weights + size * update(weights, target, index)
        if setting.ema is None:
            return (moved,)
        return moved, target + size * setting.ema * (weights - target)

    return step


def network_start(weights: np.ndarray, setting: FlowSetting) -> State:
    """State at time 0; a running average starts on the online network."""
    return (weights,) if setting.ema is None else (weights, weights.copy())


def eigenvalues(weights: np.ndarray, covariance: np.ndarray | None = None) -> np.ndarray:
    """Of the embedding's covariance W S W' (mode,), falling."""
    spread = weights if covariance is None else weights @ covariance
    return np.linalg.eigvalsh(spread @ weights.T)[::-1]


def network_dynamics(
    name: str,
    setting: FlowSetting,
    weights: np.ndarray,
    *,
    n_samples: int | None = None,
    quasi_random: bool = False,
    relu: bool = False,
    whiten: bool = False,
    covariance: np.ndarray | None = None,
    seed: int = 0,
) -> Dynamics:
    """The network, with the eigenvalue flow as its theory.

    To predict raises InputError where there is none: with a ReLU, the cosine loss of data that are not white, weights
    that are not aligned with the data, and where the flow ends.

    Raises
    ------
    InputError
        For the cosine loss of one mode.

    Examples
    --------
    >>> iso = network_dynamics("iso", FlowSetting(variant="iso"), np.array([[0.5]]))
    >>> iso.predict(np.array([0.0, 10.0])).round(3).ravel().tolist()
    [0.25, 1.0]
    """
    step = network_step(
        setting,
        (len(weights), weights.shape[1]),
        n_samples=n_samples,
        quasi_random=quasi_random,
        relu=relu,
        whiten=whiten,
        covariance=covariance,
        seed=seed,
    )
    start = eigenvalues(weights, covariance)

    def predict(times: np.ndarray) -> np.ndarray:
        if relu:
            raise InputError("a ReLU network has no flow of eigenvalues")
        if covariance is None:
            found = flow(np.maximum(start, 0), times, setting)
        elif setting.loss == "cosine":
            raise InputError("covariance goes with Euclidean losses only: the cosine loss has no flow for it here")
        else:
            modes = aligned_modes(weights, covariance)
            found = np.column_stack([_scaled_flow(*mode, times, setting) for mode in zip(*modes, strict=True)])
        return np.sort(found, axis=1)[:, ::-1]

    return Dynamics(
        name, network_start(weights, setting), step, lambda state: eigenvalues(state[0], covariance), predict
    )


def _scaled_flow(start: float, variance: float, times: np.ndarray, setting: FlowSetting) -> np.ndarray:
    """The flow (t,) of a mode that reads an input of some variance: time runs faster by it, weight decay does not."""
    if variance <= 0:  # an input that does not vary
        return np.zeros(len(times))
    own = replace(
        setting,
        weight_decay=setting.weight_decay / variance,
        ema=None if setting.ema is None else setting.ema / variance,
    )
    return flow(np.array([start]), times * variance, own)[:, 0]


def aligned_modes(weights: np.ndarray, covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues (mode,) and the variances (mode,) of the inputs they read, for weights aligned with S.

    Modes separate only where every one reads along one eigenvector of the data's covariance.

    Raises
    ------
    InputError
        For other weights.

    Examples
    --------
    >>> aligned_modes(np.diag([2.0, 1.0]), np.diag([3.0, 0.5]))
    (array([12. ,  0.5]), array([3. , 0.5]))
    """
    variances, vectors = np.linalg.eigh(covariance)
    variances = np.where(variances > 1e-14 * variances.max(), variances, 0.0)
    read = weights @ vectors
    overlap = read.T @ read
    norms = np.diag(overlap)
    if np.abs(overlap - np.diag(norms)).max() > 1e-8 * norms.max():
        raise InputError(
            "the weights are not aligned with the data's covariance, so that no eigenvalue has a flow of its own; let "
            "the comparison choose the start, or simulate without comparing"
        )
    chosen = np.argsort(-norms * variances, kind="stable")[: len(weights)]
    return (norms * variances)[chosen], variances[chosen]


def aligned_weights(weights: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Weights with the singular values and output directions of the given ones that read along S's eigenvectors."""
    left, singular, _ = np.linalg.svd(weights, full_matrices=False)
    vectors = np.linalg.eigh(covariance)[1][:, ::-1]
    return (left * singular) @ vectors[:, : len(weights)].T


def symmetric_root(covariance: np.ndarray) -> np.ndarray:
    """The symmetric square root of a covariance."""
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T


def loud_inputs(n_inputs: int, n_shown: int, seed: int, covariance: np.ndarray | None = None) -> np.ndarray:
    """The inputs (sample, input) of largest norm among 5,000, whose responses are easiest seen."""
    drawn = np.random.default_rng([seed, 5000]).standard_normal((max(5000, n_shown), n_inputs))
    inputs = drawn if covariance is None else drawn @ symmetric_root(covariance)
    return inputs[np.argsort(-(inputs**2).sum(axis=1), kind="stable")[:n_shown]]
