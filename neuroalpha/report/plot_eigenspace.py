"""Figures of the eigenspace theory: simulation in solid lines, theory in dashed ones over them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from neuroalpha.errors import InputError
from neuroalpha.report.plot import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FLOOR = 1e-3  # eigenvalues below it are not shown: on a logarithmic axis a collapse has no end
THEORY: dict[str, Any] = {"color": "black", "ls": (0, (4, 3)), "lw": 0.8}


def eigenspace_traces(dataset: xr.Dataset, *, axes: Any = None) -> np.ndarray:
    """Draw every eigenvalue over time, a panel for each setting: simulated at the larger step, and predicted.

    Parameters
    ----------
    dataset : Dataset
        Of ``neuroalpha.theory.compare_eigenspace``.
    axes : matplotlib Axes or array of them, optional
        One for each setting. Default: a new figure, four panels in a row.

    Returns
    -------
    array of matplotlib Axes

    Raises
    ------
    InputError
        For another Dataset, or too few axes.

    Examples
    --------
    >>> import neuroalpha as na
    >>> from neuroalpha.report.plot_eigenspace import eigenspace_traces
    >>> axes = eigenspace_traces(na.theory.compare_eigenspace(["euclidean", "euclidean iso"]))
    >>> axes[0].get_title().splitlines()
    ['euclidean', 'error 0.023 at step 0.01']
    """
    _needs(dataset, "simulated", "predicted", "time", "max_error", "step_size")
    axes = _panels(dataset.sizes["setting"], axes)
    for ax, name in zip(axes, dataset["setting"].values, strict=False):
        one = dataset.sel(setting=name)
        known = np.isfinite(one["time"].values)
        time = one["time"].values[known]
        shown = one["simulated"].isel(step=0).values[known], one["predicted"].values[known]
        _modes(ax, time, shown[0])
        ax.plot(time, shown[1], **THEORY)
        _log_eigenvalues(ax, *shown)
        text = f"error {float(one['max_error'][0]):.2g} at step {float(one['step_size'][0]):g}"
        ax.set_title(f"{name}\n{text}", fontsize=8)
    _legend(axes[0], "simulated", "theory")
    return axes


def relu_traces(relu: xr.Dataset, linear: xr.Dataset | None = None, *, axes: Any = None) -> np.ndarray:
    """Draw the eigenvalues of W W' of a ReLU network, a panel for each setting; dashed the linear theory, for contrast.

    Parameters
    ----------
    relu : Dataset
        With dims ``setting``, ``time_index``, ``mode``, as ``eigenspace_study()["relu"]``.
    linear : Dataset, optional
        Of ``neuroalpha.theory.compare_eigenspace`` from the same weights.
    axes : optional
        As of :func:`eigenspace_traces`.

    Returns
    -------
    array of matplotlib Axes

    Raises
    ------
    InputError
        For another Dataset.

    Examples
    --------
    >>> from neuroalpha.theory.linearnet.study import every_setting
    >>> relu_traces(every_setting(activation="relu", n_samples=50, n_modes=3, n_times=11))[0].get_title()
    'euclidean'
    """
    _needs(relu, "eigenvalue", "time")
    axes = _panels(relu.sizes["setting"], axes)
    for ax, name in zip(axes, relu["setting"].values, strict=False):
        one = relu.sel(setting=name)
        time, values = one["time"].values, one["eigenvalue"].values
        _modes(ax, time, values)
        theory = values
        if linear is not None and name in linear["setting"].values:
            other = linear.sel(setting=name)
            inside = other["time"].values <= time[-1]
            theory = other["predicted"].values[inside]
            ax.plot(other["time"].values[inside], theory, **THEORY)
        _log_eigenvalues(ax, values, theory)
        ax.set_title(str(name), fontsize=8)
    _legend(axes[0], "ReLU, simulated", "linear theory")
    return axes


def fixed_point_contrast(dataset: xr.Dataset, *, axes: Any = None) -> np.ndarray:
    """Draw two modes from several starts: a Euclidean loss takes all to 1, a cosine loss to the mean of their start.

    Parameters
    ----------
    dataset : Dataset
        As ``eigenspace_study()["fixed points"]``: of ``compare_eigenspace`` with a dim ``start``.
    axes : optional
        As of :func:`eigenspace_traces`; two.

    Returns
    -------
    array of matplotlib Axes

    Raises
    ------
    InputError
        For another Dataset.

    Examples
    --------
    >>> import neuroalpha as na
    >>> both = na.theory.compare_eigenspace(["euclidean", "cosine"], (0.1, 0.05), until=1, n_modes=3, n_inputs=6)
    >>> [ax.get_title() for ax in fixed_point_contrast(both.expand_dims(start=["W"]))]
    ['euclidean', 'cosine']
    """
    _needs(dataset, "simulated", "predicted", "start")
    axes = _panels(dataset.sizes["setting"], axes, across=2)
    for ax, name in zip(axes, dataset["setting"].values, strict=False):
        for place, start in enumerate(dataset["start"].values):
            one = dataset.sel(setting=name, start=start)
            colour = COLOURS[place]
            for mode in range(one.sizes["mode"]):
                label = f"from {start}" if mode == 0 else None
                ax.plot(
                    one["time"], one["simulated"].isel(step=0, mode=mode), color=colour, lw=2, alpha=0.7, label=label
                )
                ax.plot(one["time"], one["predicted"].isel(mode=mode), **THEORY)
            end = 1.0 if name == "euclidean" else float(one["predicted"].isel(time_index=0).mean())
            ax.axhline(end, color=colour, lw=0.7, ls=":")
        ax.set(title=str(name), xlabel="time", ylabel="eigenvalue")
    axes[0].plot([], [], **THEORY, label="theory")
    axes[0].plot([], [], color="grey", lw=0.7, ls=":", label="fixed point")
    axes[0].legend(fontsize=8, frameon=False, loc="upper right")
    return axes


def response_trajectories(dataset: xr.Dataset, *, axes: Any = None) -> np.ndarray:
    """Draw the paths of responses in the plane of two modes, a panel for each setting; a dot where each ends.

    Parameters
    ----------
    dataset : Dataset
        As ``eigenspace_study()["responses"]``: ``response`` (setting, time_index, sample, mode) of two modes.
    axes : optional
        As of :func:`eigenspace_traces`.

    Returns
    -------
    array of matplotlib Axes

    Raises
    ------
    InputError
        For another Dataset.

    Examples
    --------
    >>> from neuroalpha.theory.linearnet.study import every_setting
    >>> runs = every_setting(n_modes=2, n_inputs=6, n_responses=5, n_times=11, n_samples=50)
    >>> response_trajectories(runs)[0].get_xlabel()
    'mode 1'
    """
    _needs(dataset, "response")
    axes = _panels(dataset.sizes["setting"], axes, square=True)
    for ax, name in zip(axes, dataset["setting"].values, strict=False):
        paths = dataset["response"].sel(setting=name).values
        for sample in range(paths.shape[1]):
            ax.plot(paths[:, sample, 0], paths[:, sample, 1], color=COLOURS[sample % 4], lw=0.8, alpha=0.8)
        ax.plot(paths[-1, :, 0], paths[-1, :, 1], "o", ms=2.5, color="black", zorder=3)
        reach = 1.05 * np.abs(paths).max()
        ax.axhline(0, color="grey", lw=0.4)
        ax.axvline(0, color="grey", lw=0.4)
        ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", xlabel="mode 1", ylabel="mode 2")
        ax.set_title(f"{name}\nto time {float(dataset['time'].sel(setting=name)[-1]):g}", fontsize=8)
    return axes


def eigenspace_figures(datasets: Mapping[str, xr.Dataset]) -> dict[str, Figure]:
    """All figures of the page on the eigenspace theory, for what was computed.

    Parameters
    ----------
    datasets : mapping of str to Dataset
        Of ``neuroalpha.theory.eigenspace_study``: ``eigenspace``, ``extra``, ``related``, ``fixed points``,
        ``responses``, ``relu``, and ``basins`` of ``neuroalpha.theory.collapse_basins``; those that are there.

    Returns
    -------
    dict of matplotlib Figure
        By name, as file names: ``eigenspace-traces`` and so on.

    Raises
    ------
    InputError
        When none of them is there.

    Examples
    --------
    >>> import neuroalpha as na
    >>> made = eigenspace_figures({"eigenspace": na.theory.compare_eigenspace(["euclidean iso"])})
    >>> sorted(made)
    ['eigenspace-errors', 'eigenspace-traces']
    """
    from neuroalpha.report import plot_related

    made: dict[str, Any] = {}
    have = {name: datasets[name] for name in datasets}
    if "eigenspace" in have:
        made["eigenspace-traces"] = eigenspace_traces(have["eigenspace"])
    if "extra" in have:
        made["eigenspace-extra"] = eigenspace_traces(have["extra"])
    compared = [have[name] for name in ("eigenspace", "extra", "related") if name in have]
    if compared:
        made["eigenspace-errors"] = plot_related.errors(compared)
    if "fixed points" in have:
        made["eigenspace-fixed-points"] = fixed_point_contrast(have["fixed points"])
    if "responses" in have:
        made["eigenspace-responses"] = response_trajectories(have["responses"])
    if "relu" in have:
        made["eigenspace-relu"] = relu_traces(have["relu"], have.get("eigenspace"))
    if "basins" in have:
        made["eigenspace-basins"] = plot_related.basins(have["basins"])
    if "related" in have:
        made.update(plot_related.related_figures(have["related"]))
    if not made:
        raise InputError(
            f"no Dataset of the eigenspace theory among {sorted(map(str, have))}; make them with eigenspace_study"
        )
    return {name: np.ravel(axes)[0].figure for name, axes in made.items()}


def _needs(dataset: Any, *names: str) -> None:
    missing = [name for name in names if not isinstance(dataset, xr.Dataset) or name not in dataset]
    if missing:
        raise InputError(f"expected a Dataset with {missing[0]!r}, as neuroalpha.theory.eigenspace_study makes them")


def _panels(n_panels: int, axes: Any = None, *, across: int = 4, square: bool = False) -> np.ndarray:
    if axes is not None:
        given = np.ravel(np.asarray(axes, dtype=object))
        if given.size < n_panels:
            raise InputError(f"got {given.size} axes for {n_panels} panels; give one for each")
        return given
    import matplotlib.pyplot as plt

    across = min(across, n_panels)
    down = -(-n_panels // across)
    size = (2.9 * across + 0.4, (3.0 if square else 2.5) * down + 0.3)
    made = np.ravel(np.atleast_1d(plt.subplots(down, across, figsize=size, layout="constrained")[1]))
    for spare in made[n_panels:]:
        spare.set_axis_off()
    return made[:n_panels]


def _modes(ax: Axes, time: np.ndarray, values: np.ndarray) -> None:
    """Curves (t, mode) in shades from the largest mode (dark) to the smallest."""
    import matplotlib as mpl

    shades = mpl.colormaps["viridis"](np.linspace(0, 0.9, values.shape[1]))
    for mode, shade in enumerate(shades):
        ax.plot(time, values[:, mode], color=shade, lw=1.8)


def _log_eigenvalues(ax: Axes, *values: np.ndarray) -> None:
    known = np.concatenate([each[np.isfinite(each)].ravel() for each in values])
    low, high = max(float(known.min()), FLOOR), max(float(known.max()), 10 * FLOOR)
    ax.set(yscale="log", ylim=(0.7 * low, 1.5 * high), xlabel="time", ylabel="eigenvalue")


def _legend(ax: Axes, simulated: str, theory: str) -> None:
    from matplotlib.lines import Line2D

    lines = [Line2D([], [], color="#3b528b", lw=1.8, label=simulated), Line2D([], [], **THEORY, label=theory)]
    ax.legend(handles=lines, fontsize=7, frameon=False, loc="lower right")
