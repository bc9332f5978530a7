"""Kernel: the updates of the eight toy settings, averaged over a sample of view pairs.

Settings and updates: Halvagal, Laborieux and Zenke (2023, arXiv 2212.04858), toy-network notebook. The target branch
carries no gradient except in "no stop-gradient"; the predictor is made from the weights and carries none.
"""

from __future__ import annotations

import numpy as np

from neuroalpha.theory.eigenflow.settings import FlowSetting


def predictor(embedding: np.ndarray, setting: FlowSetting) -> np.ndarray:
    """W_P = C^a (mode, mode) from the covariance C of the embedding; the identity without predictor."""
    if setting.variant == "no predictor":
        return np.eye(len(embedding))
    if setting.power == 1:
        return embedding
    values, vectors = np.linalg.eigh(embedding)
    return (vectors * np.maximum(values, 0) ** setting.power) @ vectors.T


def sample_update(
    weights: np.ndarray,
    target: np.ndarray,
    view1: np.ndarray,
    view2: np.ndarray,
    setting: FlowSetting,
    *,
    relu: bool = False,
    root: np.ndarray | None = None,
) -> np.ndarray:
    """Direction (mode, input) in which one step of unit size moves the weights, weight decay included.

    Parameters
    ----------
    weights, target : (mode, input)
        Of the online network and of the one that embeds view 2.
    view1, view2 : (sample, input)
    setting : FlowSetting
    relu : bool, optional
        Whether a ReLU follows the layer. The predictor is made from the weights all the same.
    root : (input, input), optional
        Square root of the data's covariance, for the predictor.

    Examples
    --------
    >>> x = np.eye(2) * np.sqrt(2)
    >>> w = np.diag([0.5, 2.0])
    >>> sample_update(w, w, x, x, FlowSetting("euclidean", "iso"))  # w - w^3: to 1 from both sides
    array([[ 0.375,  0.   ],
           [ 0.   , -6.   ]])
    """
    scaled = weights if root is None else weights @ root
    matrix = predictor(scaled @ scaled.T, setting)
    z1, z2 = view1 @ weights.T, view2 @ target.T
    open1, open2 = (z1 > 0, z2 > 0) if relu else (1.0, 1.0)
    z1, z2 = z1 * open1, z2 * open2
    p = z1 @ matrix
    on_view2: np.ndarray | None = None
    if setting.loss == "euclidean":
        error = p - z2
        on_view1 = -error if setting.variant == "iso" else -error @ matrix
        if setting.variant == "no stop-gradient":
            on_view2 = error
    else:
        on_view1, on_view2 = cosine_directions(p, z1, z2, matrix, setting)
    found = (on_view1 * open1).T @ view1
    if on_view2 is not None:
        found += (on_view2 * open2).T @ view2
    return found / len(view1) - setting.weight_decay * weights


def cosine_directions(
    p: np.ndarray, z1: np.ndarray, z2: np.ndarray, matrix: np.ndarray, setting: FlowSetting
) -> tuple[np.ndarray, np.ndarray | None]:
    """What the cosine loss multiplies view 1 with, row by row (sample, mode), and view 2 if that learns.

    0 where every unit is silent. The published toy network without stop-gradient multiplies all by view 1 and has
    |p|^3 |z2| below both terms; ``exact_gradient`` has the gradient.
    """
    square_p, square_z = (p**2).sum(axis=1), (z2**2).sum(axis=1)
    live = (square_p > 0) & (square_z > 0)
    first = np.divide(1, np.sqrt(square_p * square_z), out=np.zeros(len(p)), where=live)
    angle = (p * z2).sum(axis=1) * first
    second = np.divide(angle, square_p, out=np.zeros(len(p)), where=live)[:, None]
    first = first[:, None]
    if setting.variant == "no stop-gradient":
        if not setting.exact_gradient:
            return first * ((z2 + z1) @ matrix) - second * (p @ matrix + z2), None
        third = np.divide(angle, square_z, out=np.zeros(len(p)), where=live)[:, None]
        return (first * z2 - second * p) @ matrix, first * p - third * z2
    direction = first * z2 - second * p
    return (direction @ matrix if setting.variant == "predictor" else direction), None
