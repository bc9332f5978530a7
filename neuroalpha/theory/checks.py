"""Each theory's check, whole: what ``neuroalpha theory`` computes, prints and writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import xarray as xr

from neuroalpha.errors import InputError, nearest
from neuroalpha.theory import verdicts
from neuroalpha.theory.engine.dataset import error_table

FEATURES = 30
"""Of the samples that ``compare_grassmann`` makes."""
COUNTED = ((10, 3), (12, 12), (10, 40), (60, 12), (45, 7))
"""Sizes (n, k) whose triplets are counted one by one."""


@dataclass(frozen=True, eq=False)
class Check:
    """Numbers, tables and sentences of a theory's check."""

    datasets: Mapping[str, xr.Dataset]
    tables: Mapping[str, pd.DataFrame]
    sentences: list[str] = field(default_factory=list)


def check_eigenspace(
    settings: Sequence[str] | None = None,
    step_sizes: Sequence[float] | None = None,
    *,
    n_modes: int = 10,
    n_inputs: int = 15,
    seed: int = 2,
    progress: bool = False,
) -> Check:
    """Eigenvalue flows and the related systems against gradient descent.

    Without arguments all that the page on the theory shows, about a minute on one core; else the comparisons alone.

    Parameters
    ----------
    settings : sequence of str, optional
        Of ``compare_eigenspace`` and of ``compare_related``; ``"extra"`` and ``"related"`` stand for several. Default
        all.
    step_sizes : two numbers, optional
        For all settings. Default: each setting's own.
    n_modes, n_inputs : int, optional
        Of the toy network.
    seed : int, optional
    progress : bool, optional

    Raises
    ------
    InputError
        As :func:`neuroalpha.theory.compare_eigenspace`.

    Examples
    --------
    >>> found = check_eigenspace(["euclidean iso", "supervised"])
    >>> found.tables["errors"][["system", "setting"]].values.tolist()
    [['eigenspace', 'euclidean iso'], ['related', 'supervised']]
    """
    from neuroalpha.theory.linearnet.study import eigenspace_study
    from neuroalpha.theory.network_flow import compare_eigenspace
    from neuroalpha.theory.related_flows.compare_related import compare_related

    datasets: dict[str, xr.Dataset] = {}
    whole = settings is None and step_sizes is None and (n_modes, n_inputs) == (10, 15)
    if whole:
        datasets = dict(eigenspace_study(seed=seed, progress=progress))
    else:
        network, related = _sorted(settings)
        if network:
            datasets["eigenspace"] = compare_eigenspace(
                network, step_sizes, n_modes=n_modes, n_inputs=n_inputs, seed=seed
            )
        if related:
            datasets["related"] = compare_related(related, step_sizes, seed=seed)
    compared = {name: datasets[name] for name in ("eigenspace", "extra", "related") if name in datasets}
    errors = pd.concat([error_table(each).assign(system=name) for name, each in compared.items()], ignore_index=True)
    errors = errors[["system", *(column for column in errors if column != "system")]]
    tables, said = {"errors": errors}, [*verdicts.of_target(errors), *verdicts.of_ratios(errors)]
    if "eigenspace" in datasets:
        said += verdicts.of_trace(datasets["eigenspace"])
    if "related" in datasets and "step_time_error" in datasets["related"]:
        tables["step-times"] = verdicts.step_times(datasets["related"])
        said += verdicts.of_step_times(tables["step-times"])
    if whole:
        said += [verdicts.of_closed_forms(), verdicts.of_thresholds()]
    return Check(datasets, tables, said)


def _sorted(settings: Sequence[str] | None) -> tuple[list[str], list[str]]:
    """Names of settings of the toy network, and of the related systems."""
    from neuroalpha.theory.linearnet.settings import EXTRA, TOY
    from neuroalpha.theory.related_flows.compare_related import RELATED

    given = [*TOY, *EXTRA, *RELATED] if settings is None else list(settings)
    sets = {"extra": list(EXTRA), "related": list(RELATED), "all": [*TOY, *EXTRA, *RELATED]}
    names = list(dict.fromkeys(name for each in given for name in sets.get(each, [each])))
    for name in names:
        if name not in (*TOY, *EXTRA, *RELATED):
            known = [*TOY, *EXTRA, *RELATED]
            raise InputError(f"no setting {name!r}{nearest(name, known)}; known are {', '.join(known)}, extra, related")
    return [name for name in names if name not in RELATED], [name for name in names if name in RELATED]


def check_grassmann(
    widths: Sequence[int] | None = None,
    step_sizes: Sequence[float] | None = None,
    *,
    seed: int = 0,
    progress: bool = False,
) -> Check:
    """The exact projector against gradient descent; the naive flow; frozen features and kernels against width.

    With ``widths`` or step sizes the linear networks alone: those of up to 30 hidden units in the tall form, wider ones
    in the wide form, of 30 features. Without, all that the page on the theory shows, about a minute on one core.

    Raises
    ------
    InputError
        As :func:`neuroalpha.theory.compare_grassmann`.

    Examples
    --------
    >>> found = check_grassmann([5], (0.05, 0.005))
    >>> found.tables["errors"].setting.tolist()[:2]
    ['non-contrastive, one layer, polar', 'non-contrastive, one layer, geodesic']
    """
    from neuroalpha.theory.grassmann import grassmann_matrices
    from neuroalpha.theory.projectors.linear_comparison import compare_grassmann, naive_collapse
    from neuroalpha.theory.projectors.losses import make_views
    from neuroalpha.theory.projectors.wide_networks import compare_random_features, kernel_change

    sizes = tuple(step_sizes) if step_sizes is not None else (0.01, 0.001)
    tall = None if widths is None else [width for width in widths if width <= FEATURES]
    wide = None if widths is None else [width for width in widths if width > FEATURES]
    linear = compare_grassmann(tall_widths=tall, wide_widths=wide, step_sizes=sizes, seed=seed, progress=progress)
    datasets = {"linear": linear}
    if widths is None and step_sizes is None:
        matrix = grassmann_matrices(*make_views(n_features=FEATURES, seed=seed))["matrix"].sel(loss="non-contrastive")
        start = np.random.default_rng(seed + 1).standard_normal((FEATURES, 3))
        datasets["naive"] = naive_collapse(matrix.values, start)
        datasets["random_features"] = compare_random_features(seed=seed, progress=progress)
        datasets["kernel_change"] = kernel_change(seed=seed, progress=progress)
    compared = [error_table(datasets[name]) for name in ("linear", "naive") if name in datasets]
    for place, column in ((0, "projector_error"), (-1, "projector_error_smaller")):
        compared[0][column] = linear["kernel_error"].isel(step=place).values  # Frobenius norm, largest over times
    tables = {"errors": pd.concat(compared, ignore_index=True)}
    said = [*verdicts.of_ratios(tables["errors"]), verdicts.of_widths(linear), *verdicts.of_limits(datasets)]
    if "random_features" in datasets:
        features, kernels = datasets["random_features"], datasets["kernel_change"]
        at_end = features[["kernel_error", "frozen_error"]].isel(step=-1, time=-1)
        changes = features[["first_change", "second_change", "kernel_change"]]
        frame = xr.merge([at_end.drop_vars("step_size", errors="ignore"), changes], compat="override").to_dataframe()
        tables["random-features"] = frame.reset_index()[
            ["loss", "width", *(name for name in (*at_end.data_vars, *changes.data_vars))]
        ]
        columns = pd.Index([str(width) for width in kernels["width"].values])
        moved = pd.DataFrame(kernels["kernel_change"].transpose("objective", "width").values, columns=columns)
        moved.insert(0, "objective", kernels["objective"].values)
        tables["kernel-change"] = moved.assign(slope=kernels["slope"].values)
        said.append(
            "The error of frozen features falls with width as "
            + ", ".join(
                f"h^{slope:.2f} ({loss})"
                for loss, slope in zip(features["loss"].values, features["slope"].values, strict=True)
            )
            + "."
        )
    return Check(datasets, tables, said)


def check_supervision(*, seed: int = 0, workers: int | None = None, progress: bool = False) -> Check:
    """Counts against enumeration, the simulation's grid, the paper's claims beside it; 90 seconds on two cores.

    Examples
    --------
    >>> found = check_supervision(workers=2)  # doctest: +SKIP
    >>> print(found.sentences[0])  # doctest: +SKIP
    25 of 25 counts of triplets equal their enumeration.
    """
    from neuroalpha.theory.supervision import preference_map
    from neuroalpha.theory.supervision_claims import supervision_findings
    from neuroalpha.theory.supervision_simulation import simulate_supervision, sparsity_curves

    counted = count_table(COUNTED, seed)
    simulation = simulate_supervision(seed=seed, workers=workers, progress=progress)
    curves = sparsity_curves(seed=seed, workers=workers, progress=progress)
    middle = int(simulation["d"].values[len(simulation["d"]) // 2])
    scores = simulation["rho"].sel(d=middle).mean("repeat").rename(f"simulated rho, d = {middle}")
    preference = preference_map(scores=scores)
    equal = int((counted["formula"] == counted["enumerated"]).sum())
    findings = supervision_findings(simulation, curves)
    said = [f"{equal} of {len(counted)} counts of triplets equal their enumeration."]
    agrees = findings["agrees"].value_counts()
    said.append(f"Of {len(findings)} claims: " + ", ".join(f"{count} {word}" for word, count in agrees.items()) + ".")
    return Check(
        {"simulation": simulation, "curves": curves, "preference": preference},
        {"counts": counted, "findings": findings},
        said,
    )


def count_table(sizes: Sequence[tuple[int, int]], seed: int = 0) -> pd.DataFrame:
    """Triplets by formula and by looking at every pair of entries of drawn labels, balanced over the classes.

    Examples
    --------
    >>> count_table([(4, 2)])[["signal", "formula", "enumerated"]].values.tolist()[:2]
    [['hard', 12, 12], ['soft', 16, 16]]
    """
    from neuroalpha.theory.triplets import counts

    rows = []
    for n, k in sizes:
        soft = np.random.default_rng([seed, n, k]).random((n, k)) + 1
        kept = max(k // 3, 1)
        first = np.arange(n)[:, None] * kept + np.arange(kept)  # each class is given equally often, or once more
        given = np.zeros((n, k), dtype=bool)
        given[np.arange(n)[:, None], first % k] = True
        of_classes = np.where(np.arange(k) < kept, soft, np.nan)
        for signal, sparsity, labels, formula in (
            ("hard", None, np.eye(k)[np.arange(n) % k], counts.hard(n, k)),
            ("soft", None, soft, counts.soft(n, k)),
            ("sparse", kept, np.where(given, soft, 0.0), counts.sparse(n, k, kept)),
            ("top-class", kept, of_classes, counts.top_class(n, k, kept)),
        ):
            found = enumerate_triplets(labels) + enumerate_triplets(labels.T)
            rows.append((n, k, signal, sparsity, formula, found))
        near = np.random.default_rng([seed, n]).random((n, n))
        similarity = np.where(np.eye(n, dtype=bool), np.nan, near + near.T)
        rows.append((n, k, "pairwise", None, counts.pairwise(n), enumerate_triplets(similarity)))
    columns = ["n", "k", "signal", "sparsity", "formula", "enumerated"]
    return pd.DataFrame(rows, columns=columns).astype({"sparsity": "Int64"})


def enumerate_triplets(labels: np.ndarray) -> int:
    """Questions that the rows of a matrix answer: pairs of entries that are given (not NaN) and differ."""
    total = 0
    for row in labels:
        known = row[np.isfinite(row)]
        total += int((known[:, None] > known).sum())
    return total
