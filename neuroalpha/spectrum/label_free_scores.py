"""Every label-free score of one representation, in one table row."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np
import pandas as pd
import xarray as xr

import neuroalpha
from neuroalpha._checks import check_seed
from neuroalpha._text import first_few
from neuroalpha.assembly import check_assembly, drop_blanks
from neuroalpha.errors import InputError
from neuroalpha.spectrum.dimension import of_eigenvalues
from neuroalpha.spectrum.fit import AlphaFit, fit_alpha
from neuroalpha.spectrum.labelfree import (
    checks,
    clid,
    coding_rate,
    coherence,
    collapse,
    condition,
    eigenvalues,
    lidar,
    nesum,
    rankme,
    self_cluster,
)
from neuroalpha.spectrum.labelfree.entropy import check_epsilon
from neuroalpha.spectrum.result import make_spectrum
from neuroalpha.spectrum.window import auto_window, check_window

MIN_STIMULI = 4


@dataclass(frozen=True)
class LabelFreeScores:
    """Scores of one representation. Read as attributes; :meth:`to_frame` gives one table row."""

    alpha: float
    """Rank exponent of the covariance's eigenvalues; NaN where the representation has collapsed (see ``reason``)."""
    alpha_r2: float
    """Of the line; high for many spectra that are no power law."""
    alpha_first: int
    """First rank of the line; 0 without one."""
    alpha_last: int
    """Last rank of the line; 0 without one."""
    alpha_window_min: float
    """Smallest alpha over other windows."""
    alpha_window_max: float
    """Largest alpha over other windows."""
    rankme: float
    """RankMe as published: entropy of the uncentred singular values."""
    rankme_eigenvalues: float
    """What the toolbox reptrix calls RankMe: entropy of the covariance's eigenvalues."""
    lidar: float
    """LiDAR as published; NaN without views."""
    lidar_squared: float
    """What the toolbox reptrix calls LiDAR: by PCA of the LiDAR matrix, which squares its eigenvalues."""
    nesum: float
    """Sum of the covariance's eigenvalues over the largest."""
    participation_ratio: float
    """(sum of the covariance's eigenvalues)^2 / sum of their squares."""
    effective_rank: float
    """exp(entropy) of the shares of the covariance's eigenvalues."""
    stable_rank: float
    """Squared Frobenius norm over squared largest singular value, uncentred."""
    condition: float
    """Smallest over largest singular value, uncentred."""
    coding_rate: float
    """Of MCR2, rows scaled to length one, in nats."""
    clid: float
    """Cluster learnability plus intrinsic dimension over the number of units."""
    clid_cluster: float
    """Cluster learnability: accuracy of a nearest neighbour on k-means clusters."""
    intrinsic_dimension: float
    """TwoNN."""
    self_cluster: float
    """Squared cosines between stimuli, 0 as for random directions, 1 for all alike."""
    coherence: float
    """Largest leverage of a stimulus over the mean leverage."""
    rank: int
    """Directions that vary by more than rounding."""
    collapsed: bool
    """Whether all stimuli have the same features, or no more than one or a few dimensions vary."""
    reason: str
    """Why alpha is NaN, "collapsed: ..." where the representation has collapsed, else "no window: ..."; or empty."""
    identifier: str
    """Of the features."""
    n_stimuli: int
    """Rows that the scores rest on; most grow with it, so compare at equal numbers."""
    n_neuroids: int
    """Units."""
    n_objects: int
    """Images behind LiDAR; 0 without views."""
    n_views: int
    """Views of each of these images; 0 without."""
    distortion: float
    """Of the coding rate."""
    delta: float
    """Of LiDAR."""
    n_clusters: int
    """Of CLID."""
    seed: int
    """Of CLID."""
    software: str
    """Name and version that made the scores."""

    def to_frame(self) -> pd.DataFrame:
        """One row, a column for each attribute."""
        return pd.DataFrame([{each.name: getattr(self, each.name) for each in fields(self)}])


def label_free_scores(
    features: Any,
    *,
    views: Any = None,
    seed: int = 0,
    ranks: tuple[int, int] | Literal["auto"] = "auto",
    delta: float = lidar.DELTA,
    distortion: float = coding_rate.DISTORTION,
) -> LabelFreeScores:
    """Alpha and the label-free scores that compete with it, of one layer of one model.

    Parameters
    ----------
    features : assembly, or array (stimulus, unit)
        Of one layer, each stimulus shown once, without augmentation. Blank presentations are left out. Missing values
        are refused.
    views : assembly, or array (object, view, unit), optional
        Features of the same layer for several augmented views of each image, for LiDAR. In an assembly the views of an
        image are its repetitions; also (repeat, stimulus, neuroid).
    seed : int
        Of CLID's k-means and halves.
    ranks : (int, int) or "auto"
        Window of alpha, 1-based and inclusive, as in :func:`neuroalpha.fit_alpha`. ``"auto"`` depends on how many
        directions vary, and so may differ between models of a sweep (``alpha_first``, ``alpha_last``): name the window
        to have one for all.
    delta
        As in :func:`neuroalpha.lidar`.
    distortion
        As in :func:`neuroalpha.coding_rate`.

    Returns
    -------
    LabelFreeScores
        Each score by its paper's definition; ``rankme_eigenvalues`` and ``lidar_squared`` are what another toolbox
        computes under the names RankMe and LiDAR.

    Raises
    ------
    InputError
        For several layers at once, fewer than 4 stimuli, NaN or infinite features, a window that n stimuli of p units
        cannot have, or views that do not fit: of other units, one view only, or not equally many of each image.

    Warns
    -----
    UserWarning
        Where presentations repeat a stimulus; and as :func:`neuroalpha.fit_alpha`, of a window that reaches too far.

    Notes
    -----
    A representation has collapsed where (1) the stimuli are alike: their variance is below 1e-4 of the mean square, (2)
    one dimension holds all: the participation ratio is below 1.1, or (3) fewer than 4 dimensions vary by more than
    rounding (1e-6 of the root mean square in float32), though stimuli and units would allow an exponent. The trainer
    (``neuroalpha.train``) says the same of the same features. Then alpha is NaN and ``reason`` says which; a normalised
    spectrum of rounding would have an exponent too. Scores that are defined nevertheless are given; those of the
    variance, and CLID, are NaN where nothing but rounding varies. No collapse, but no alpha either, is a window that
    does not fit the dimensions that vary.

    Features computed in bfloat16 or float16 and stored in float32 carry more rounding than their type says: extract in
    float32.

    Time: on one core 25 s for 10,000 stimuli of 2,048 units (two thirds of it k-means and nearest neighbours for CLID)
    and 5 s for LiDAR of 1,000 x 10 views. Memory: about three float64 copies of the features.

    Examples
    --------
    >>> import numpy as np
    >>> import neuroalpha as na
    >>> rng = np.random.default_rng(0)
    >>> features = rng.normal(size=(400, 60)) * np.arange(1, 61) ** -0.5
    >>> views = features[:100, None] + 0.05 * rng.normal(size=(100, 5, 60))
    >>> scores = na.label_free_scores(features, views=views, ranks=(4, 30))
    >>> round(scores.alpha, 1), round(scores.rankme), round(scores.lidar), scores.reason
    (1.0, 51, 22, '')
    >>> na.label_free_scores(np.ones((400, 60))).reason
    'collapsed: all images alike, but for rounding'
    """
    check_seed(seed)
    check_epsilon(delta, "delta")
    coding_rate.check_distortion(distortion)
    x, identifier = _features(features)
    n, p = x.shape
    possible = min(n - 1, p)
    if not isinstance(ranks, str) or ranks != "auto":
        ranks = check_window(ranks, possible, possible)
    shown = None if views is None else _views(views, p)
    found_lidar = (float("nan"), float("nan"))
    if shown is not None:  # first: it refuses what the long rest does not need
        scatter = lidar.scatter(shown)
        found_lidar = lidar.of_scatter(scatter, "paper", delta), lidar.of_scatter(scatter, "squared eigenvalues", delta)
    square = collapse.mean_square(x)
    variance = collapse.above_rounding(eigenvalues.centred(x), square, n, p, collapse.resolution(x))
    collapsed = collapse.why(variance, square, n, p)
    reason, fit = (f"collapsed: {collapsed}", None) if collapsed else _alpha(variance, n, p, ranks)
    measures = of_eigenvalues(variance, strict=False)
    found_coherence, uncentred = coherence.of_scatter(x)
    directions = eigenvalues.of_directions(x)
    clusters = clid.clid(x, seed=seed) if variance.any() else clid.Clid(*[float("nan")] * 3)
    return LabelFreeScores(
        alpha=float("nan") if fit is None else fit.alpha,
        alpha_r2=float("nan") if fit is None else fit.r2,
        alpha_first=0 if fit is None else fit.ranks[0],
        alpha_last=0 if fit is None else fit.ranks[1],
        alpha_window_min=float("nan") if fit is None else fit.window_range[0],
        alpha_window_max=float("nan") if fit is None else fit.window_range[1],
        rankme=rankme.of_singular(np.sqrt(uncentred)),
        rankme_eigenvalues=rankme.of_covariance(variance, min(n, p)),
        lidar=found_lidar[0],
        lidar_squared=found_lidar[1],
        nesum=nesum.over_largest(variance),
        participation_ratio=measures["participation_ratio"],
        effective_rank=measures["effective_rank"],
        stable_rank=nesum.over_largest(uncentred),
        condition=condition.of_eigenvalues(uncentred),
        coding_rate=coding_rate.of_eigenvalues(directions, n, p, distortion),
        clid=clusters.score,
        clid_cluster=clusters.cluster,
        intrinsic_dimension=clusters.dimension,
        self_cluster=self_cluster.of_square(float(directions @ directions), n, p),
        coherence=found_coherence,
        rank=int((variance > 0).sum()),
        collapsed=collapsed != "",
        reason=reason,
        identifier=identifier,
        n_stimuli=n,
        n_neuroids=p,
        n_objects=0 if shown is None else shown.shape[0],
        n_views=0 if shown is None else shown.shape[1],
        distortion=distortion,
        delta=delta,
        n_clusters=clid.cluster_count(n),
        seed=seed,
        software=f"neuroalpha {neuroalpha.__version__}",
    )


def _alpha(
    variance: np.ndarray, n: int, p: int, ranks: tuple[int, int] | Literal["auto"]
) -> tuple[str, AlphaFit | None]:
    """Why there is no alpha, or "" and the fit."""
    possible, rank = variance.size, int((variance > 0).sum())
    try:
        window = auto_window(n, p, rank) if isinstance(ranks, str) else check_window(ranks, possible, rank)
    except InputError:
        if rank < possible:
            where = "" if isinstance(ranks, str) else f" over ranks {ranks[0]} to {ranks[1]}"
            return f"no window: only {rank} of {possible} dimensions vary, too few for an exponent{where}", None
        return f"no window: {n} stimuli of {p} units have too few ranks for an exponent", None
    spectrum = make_spectrum(
        variance, None, {}, estimator="pca", n_stimuli=n, n_neuroids=p, center="neuroid mean", seed=-1
    )
    return "", fit_alpha(spectrum, window)


def _features(given: Any) -> tuple[np.ndarray, str]:
    """Features (stimulus, unit) and their identifier."""
    if isinstance(given, xr.Dataset):
        raise InputError("features are a Dataset; take its variable, as in recording['responses']")
    identifier = ""
    if isinstance(given, xr.DataArray):
        identifier = str(given.attrs.get("identifier", ""))
        if given.dims != ("stimulus", "neuroid"):
            given = drop_blanks(check_assembly(given))
            _check_rows(given)
        given = given.values
    return checks.matrix(given, least=MIN_STIMULI), identifier


def _check_rows(assembly: xr.DataArray) -> None:
    """Refuse several layers at once; tell of stimuli that were shown repeatedly."""
    layers = np.unique(assembly.coords["layer"].values.astype(str)) if "layer" in assembly.coords else np.empty(0)
    if layers.size > 1:
        raise InputError(
            f"the features hold {layers.size} layers ({first_few(layers)}); give one: "
            f"assembly.isel(neuroid=(assembly.layer == {str(layers[0])!r}).values)"
        )
    repeated = assembly.shape[0] - np.unique(assembly.coords["stimulus_id"].values.astype(str)).size
    if repeated:
        warnings.warn(
            f"{repeated} of {assembly.shape[0]} presentations repeat a stimulus and count as rows of their own; give "
            "each stimulus once, and repetitions as views",
            stacklevel=4,
        )


def _views(given: Any, n_neuroids: int) -> np.ndarray:
    """Views (object, view, unit) of the same units."""
    if isinstance(given, xr.DataArray):
        if given.dims == ("repeat", "stimulus", "neuroid"):
            given = given.transpose("stimulus", "repeat", "neuroid").values
        else:
            given = _by_stimulus(drop_blanks(check_assembly(given)))
    views = checks.view_array(given)
    if views.shape[2] != n_neuroids:
        raise InputError(
            f"views have {views.shape[2]} units, the features {n_neuroids}: give both of the same layer (views as "
            "(object, view, unit))"
        )
    return views


def _by_stimulus(assembly: xr.DataArray) -> np.ndarray:
    """The repetitions of each stimulus as its views (stimulus, repetition, neuroid)."""
    ids, stimulus, count = np.unique(
        assembly.coords["stimulus_id"].values.astype(str), return_inverse=True, return_counts=True
    )
    if count.min() < count.max():
        raise InputError(
            f"views hold {count.min()} repetitions of stimulus '{ids[count.argmin()]}' and {count.max()} of "
            f"'{ids[count.argmax()]}'; expected equally many views of each image"
        )
    order = np.lexsort((assembly.coords["repetition"].values, stimulus.reshape(-1)))
    return assembly.values[order].reshape(ids.size, int(count[0]), assembly.shape[1])
