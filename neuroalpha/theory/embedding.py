"""Similarities recovered from labels alone: generalised non-metric multidimensional scaling (GNMDS)."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import xarray as xr
from threadpoolctl import threadpool_limits

import neuroalpha
from neuroalpha._checks import check_seed, share, whole
from neuroalpha.errors import InputError, MissingExtraError
from neuroalpha.theory.triplets.comparisons import EXACT, Comparisons, LabelComparisons, TripletComparisons
from neuroalpha.theory.triplets.effective import similarity_correlation
from neuroalpha.theory.triplets.gnmds import PENALTY, GramFit, share_wrong, solve, trace_scale
from neuroalpha.theory.triplets.labels import check_labels
from neuroalpha.theory.triplets.latents import gram_similarity
from neuroalpha.theory.triplets.mining import mine_triplets

SOURCE = "GNMDS in its Gram form: Agarwal et al. 2007 (AISTATS, PMLR 2:11-18), as in Sucholutsky et al. (UAI 2023)"


def gnmds(
    labels: Any = None,
    *,
    triplets: Any = None,
    n_items: int | None = None,
    method: Literal["kernel", "cblearn"] = "kernel",
    penalty: float = PENALTY,
    tolerance: float = 0.01,
    max_iterations: int = 2000,
    n_components: int = 5,
    seed: int = 0,
) -> xr.Dataset:
    """Place items so that distances obey comparisons "near is nearer to anchor than far".

    Minimises over positive semi-definite Gram matrices K the sum over comparisons of max(0, 1 + d(anchor, near) -
    d(anchor, far)) + penalty * trace(K), d the squared distances that K holds. The problem is convex; how far the
    answer can be from the best one is computed (duality) and told as ``gap``.

    Parameters
    ----------
    labels : array (point, class), optional
        Larger is nearer; all comparisons of two points at a class and of two classes at a point are made. Equal and
        missing (NaN) entries make none. Items are the points, then the classes.
    triplets : array (triplet, 3), optional
        Instead of labels: rows (anchor, near, far) of item numbers from 0.
    n_items : int, optional
        With triplets; default the largest number + 1.
    method : {"kernel", "cblearn"}
        This library's convex solver, or GNMDS of the package cblearn in ``n_components`` dimensions (not convex, from a
        random start; needs the extra ``neuroalpha[embedding]``).
    penalty : float
        Of the trace, between 0 and 1, as a share of the penalty from which on K is zero. Default .03: from .1 to
        .01 Spearman's correlations of simulations changed by .01, at most by .04 (60 points, 60 classes).
    tolerance : float
        On the gap, of "kernel".
    max_iterations : int
    n_components, seed : int
        Of "cblearn"; the kernel needs neither.

    Returns
    -------
    Dataset
        ``gram`` (item, other_item), centred; ``similarity`` (item, other_item), its cosines, 0 for items that no
        comparison places; ``embedding`` (item, component), coordinates along principal axes. Coordinate ``kind`` of
        items ("point" or "class") with labels. attrs: ``n_triplets``, ``satisfied`` (share of comparisons that the
        distances obey), ``objective``, ``bound``, ``gap``, ``n_iterations``, ``penalty``.

    Raises
    ------
    InputError
        Labels that are no matrix of numbers or answer nothing; triplets that are not whole numbers of items or name an
        item twice; a penalty or tolerance that is not between 0 and 1.
    MissingExtraError
        Without cblearn, where asked for.

    Notes
    -----
    The solution is deterministic, and items with the same comparisons are alike in it. Scale means nothing but the
    margin of 1. Time, one core: 0.1 s for 30 points and 30 classes, 1.5 s for 90 and 90 (721,000 triplets); memory
    n k (n + k) numbers. Triplets in a list cost more for each.

    Examples
    --------
    >>> found = gnmds([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9]])
    >>> bool(found.similarity[0, 1] > found.similarity[0, 2]), found.attrs["satisfied"], found.attrs["n_triplets"]
    (True, 1.0, 9)
    >>> gnmds(triplets=[[0, 1, 2], [1, 0, 2]]).similarity.values.round(2).tolist()[0]
    [1.0, 1.0, -1.0]
    """
    penalty, tolerance = _between(penalty, "penalty"), _between(tolerance, "tolerance")
    max_iterations = whole(max_iterations, "max_iterations", 1)
    n_components, seed = whole(n_components, "n_components", 1), check_seed(seed)
    if method not in ("kernel", "cblearn"):
        raise InputError(f"method is {method!r}; expected 'kernel' or 'cblearn'")
    if (labels is None) == (triplets is None):
        raise InputError("gnmds takes labels (point, class) or triplets (triplet, 3); give one of the two")
    comparisons: Comparisons
    if triplets is None:
        matrix = check_labels(labels)
        comparisons = LabelComparisons(matrix)
        kind = ["point"] * matrix.shape[0] + ["class"] * matrix.shape[1]
        if comparisons.n_triplets == 0:
            raise InputError("the labels answer no question: all entries of each row and of each column are equal")
    else:
        rows, total = _check_triplets(triplets, n_items)
        comparisons, kind = TripletComparisons(rows, total), None
    if method == "kernel":
        with threadpool_limits(1):  # the matrices are small, and more threads only wait for each other
            fit = solve(comparisons, penalty, tolerance, max_iterations)
    else:
        listed = mine_triplets(matrix) if triplets is None else rows
        fit = _by_cblearn(comparisons, listed, penalty, max_iterations, n_components, seed)
    value, vector = np.linalg.eigh(fit.gram)
    value, vector = np.maximum(value[::-1], 0.0), vector[:, ::-1]
    kept = value > 1e-6 * value[0]
    result = xr.Dataset(
        {
            "gram": (("item", "other_item"), fit.gram),
            "similarity": (("item", "other_item"), gram_similarity(fit.gram)),
            "embedding": (("item", "component"), vector[:, kept] * np.sqrt(value[kept])),
        },
        attrs={
            "method": method,
            "n_triplets": fit.n_triplets,
            "satisfied": fit.satisfied,
            "objective": fit.objective,
            "bound": fit.bound,
            "gap": fit.gap,
            "n_iterations": fit.n_iterations,
            "penalty": penalty,
            "tolerance": tolerance,
            **({"n_components": n_components, "seed": seed} if method == "cblearn" else {}),
            "source": SOURCE,
            "software": f"neuroalpha {neuroalpha.__version__}",
        },
    )
    return result if kind is None else result.assign_coords(kind=("item", kind))


def recover_similarity(labels: Any, reference: Any = None, *, name: str = "", **options: Any) -> xr.Dataset:
    """Recover the similarities of labelled points from the labels alone, and compare them with given ones.

    Parameters
    ----------
    labels : array (point, class)
        As of :func:`gnmds`: of people, or of a network.
    reference : array (point, point), optional
        Similarities to compare with: any measure, as only its order counts; symmetric, the diagonal is not used.
    name : str
        What the reference is, for the record: the correlation means nothing without it.
    **options
        Of :func:`gnmds`.

    Returns
    -------
    Dataset
        ``similarity`` (point, other_point), cosines of the points in the space of points and classes; ``reference``
        where given. attrs: those of :func:`gnmds`, ``reference``, and ``correlation``, Spearman's of the upper
        triangles (ties share their rank; NaN without a reference or where one of the two is constant).

    Raises
    ------
    InputError
        As :func:`gnmds`; a reference of another size, not symmetric, or not finite.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x, centres = rng.normal(size=(30, 2)), rng.normal(size=(6, 2))
    >>> near = -np.linalg.norm(x[:, None] - centres, axis=2)
    >>> found = recover_similarity(near, x @ x.T, name="dot products of the truth")
    >>> bool(found.attrs["correlation"] > 0.7)
    True
    """
    matrix = check_labels(labels)
    n = len(matrix)
    given = None
    if reference is not None:
        given = np.asarray(reference, dtype=np.float64)
        if given.shape != (n, n):
            raise InputError(f"reference has shape {given.shape}; expected ({n}, {n}), one row for each labelled point")
        off = given[~np.eye(n, dtype=bool)]
        if not np.isfinite(off).all():
            raise InputError("reference holds values that are not finite; give a similarity for every pair of points")
        if not np.allclose(
            off, given.T[~np.eye(n, dtype=bool)], rtol=1e-6, atol=1e-9 * float(np.abs(off).max(initial=0))
        ):
            raise InputError("reference is not symmetric; average it with its transpose if both orders were judged")
    found = gnmds(matrix, **options)
    similarity = found["similarity"].values[:n, :n]
    correlation = float("nan") if given is None or n < 3 else similarity_correlation(similarity, given)
    values = {"similarity": (("point", "other_point"), similarity)}
    if given is not None:
        values["reference"] = (("point", "other_point"), given)
    return xr.Dataset(values, attrs={**found.attrs, "reference": name, "correlation": correlation})


def _between(value: Any, name: str) -> float:
    number = share(value, name, 0.0, 1.0)
    if number in (0.0, 1.0):
        raise InputError(f"{name} is {value!r}; expected a number between 0 and 1, neither of them")
    return number


def _check_triplets(triplets: Any, n_items: int | None) -> tuple[np.ndarray, int]:
    rows = np.asarray(triplets)
    if rows.ndim != 2 or rows.shape[1] != 3 or len(rows) == 0 or rows.dtype.kind not in "iu":
        raise InputError(
            f"triplets have shape {rows.shape} and dtype {rows.dtype}; expected whole numbers (triplet, 3)"
        )
    total = int(rows.max()) + 1 if n_items is None else whole(n_items, "n_items", 3)
    if rows.min() < 0 or rows.max() >= total:
        raise InputError(f"triplets name items {rows.min()} to {rows.max()}; expected 0 to {total - 1}")
    twice = (rows[:, 0] == rows[:, 1]) | (rows[:, 0] == rows[:, 2]) | (rows[:, 1] == rows[:, 2])
    if twice.any():
        raise InputError(f"triplet {rows[twice][0].tolist()} names an item twice; expected three different items")
    return rows, total


def _by_cblearn(
    comparisons: Comparisons, triplets: np.ndarray, penalty: float, max_iterations: int, n_components: int, seed: int
) -> GramFit:
    """The embedding form of the package, with the same objective and the kernel's certificate of it."""
    try:
        from cblearn.embedding import GNMDS
    except ImportError:
        raise MissingExtraError("cblearn", "embedding", "gnmds(method='cblearn')") from None
    weight = penalty * trace_scale(comparisons)
    model = GNMDS(n_components=n_components, lambd=weight, random_state=seed, max_iter=max_iterations)
    points = model.fit_transform(np.asarray(triplets, dtype=np.int64), n_objects=comparisons.n_items)
    points = points - points.mean(axis=0)
    objective = comparisons.evaluate(points, EXACT).loss + weight * float(np.vdot(points, points))
    return GramFit(
        points @ points.T,
        objective,
        float("nan"),
        float("nan"),
        int(model.n_iter_),
        weight,
        comparisons.n_triplets,
        1 - share_wrong(comparisons, points),
    )
