"""How the eigenvalues of an embedding's covariance move under self-supervised losses with a predictor, labelled."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

import neuroalpha
from neuroalpha.errors import InputError
from neuroalpha.theory.eigenflow.arguments import (
    Settings,
    as_settings,
    changes,
    coordinates,
    starting_eigenvalues,
)
from neuroalpha.theory.eigenflow.basins import final_eigenvalues, fixed_points
from neuroalpha.theory.eigenflow.crossing import crossing_times
from neuroalpha.theory.eigenflow.sample import network_responses, own_velocity
from neuroalpha.theory.eigenflow.settings import as_setting
from neuroalpha.theory.eigenflow.solve import flow
from neuroalpha.theory.engine.inputs import number, real_array, rising

SOURCE = "Halvagal, Laborieux & Zenke 2023, Implicit variance regularization in non-contrastive SSL (arXiv 2212.04858)"


def eigenvalue_flow(
    start: Any,
    times: Any,
    setting: Settings = "euclidean",
    *,
    power: float | None = None,
    noise1: float | None = None,
    noise2: float | None = None,
    weight_decay: float | None = None,
    ema: float | None = None,
) -> xr.Dataset:
    """Eigenvalues of the embedding's covariance over the time of training, as theory has them.

    A linear network ``z = W x`` on white inputs, with the predictor ``W_P = C^power`` of ``C = W W'``, follows the
    gradient flow of the population's loss. Its eigenvectors stay; its eigenvalues move, each by itself under the
    Euclidean loss (closed forms), all together under the cosine loss (an expectation by quadrature, right to 1e-8),
    which keeps their sum.

    Parameters
    ----------
    start : (mode,)
        Eigenvalues at time 0: numbers, a DataArray, or a spectrum (Dataset with ``eigenvalue``).
    times : (time,)
        Rising, from 0 on, in units of one over the learning rate: step size times number of steps.
    setting : str, FlowSetting, or several of them, optional
        ``"euclidean"``, ``"cosine"``, and either followed by ``iso``, ``no predictor`` or ``no stop-gradient``. Those
        of the names have clean views; the published toy networks had ``noise2=0.01``, without which the cosine loss
        without predictor does nothing.
    power, noise1, noise2, weight_decay, ema : float, optional
        Changes made to all settings, see :class:`~neuroalpha.theory.eigenflow.settings.FlowSetting`. Defaults: power 1,
        the others none.

    Returns
    -------
    Dataset
        ``eigenvalue`` (setting, time, mode), and the parameters of each setting as coordinates along ``setting``
        (``ema`` NaN: no target network).

    Raises
    ------
    InputError
        For eigenvalues below 0, times that do not rise, unknown settings, weight decay below 0, power not above 0; for
        a flow that ends before the last time, as the published update without stop-gradient does in the cosine loss
        when eigenvalues are small; for one that takes more than 20,000 steps.

    Notes
    -----
    Measured for 1,000 modes at 1,000 times on one core, with spectra between uniform and 1/n: below 1 s with the
    Euclidean loss (target network of rate 0.5 too; 5 s at rate 100) and with the cosine loss without target network;
    1 to 15 s with the cosine loss and a target network of rate 0.5, whose explicit steps must be short next to one over
    that rate. A flow that needs more than 20,000 steps, or that many numbers for its quadrature that it would take
    minutes, is given up with the time reached. Eigenvalues of 0 stay 0. Source: Halvagal, Laborieux & Zenke 2023 (arXiv
    2212.04858); noise, weight decay, EMA and the quadrature derived here.

    Examples
    --------
    >>> import neuroalpha as na
    >>> found = na.theory.eigenvalue_flow([1.5, 0.1], [0.0, 5.0, 50.0], ["euclidean", "cosine"])
    >>> found.eigenvalue.sel(setting="cosine").round(3).values.tolist()  # both go to their mean
    [[1.5, 0.1], [0.914, 0.686], [0.8, 0.8]]
    """
    made = changes(power=power, noise1=noise1, noise2=noise2, weight_decay=weight_decay, ema=ema)
    settings = as_settings(setting, made)
    begin, wanted = _eigenvalues(start), rising(times)
    found = np.stack([flow(begin, wanted, each) for each in settings])
    return xr.Dataset(
        {"eigenvalue": (("setting", "time", "mode"), found)},
        coords={**coordinates(settings), "time": wanted, "mode": np.arange(1, begin.size + 1)},
        attrs=_attrs("closed forms where they exist, else an adaptive integration of log eigenvalues"),
    )


def collapse_basins(
    start: Any,
    weight_decay: Any,
    setting: Settings = "euclidean",
    *,
    power: float | None = None,
    noise1: float | None = None,
    noise2: float | None = None,
) -> xr.Dataset:
    """Where an eigenvalue ends, from every start and weight decay, and which starts collapse to 0.

    Parameters
    ----------
    start : (start,)
        Eigenvalues at time 0.
    weight_decay : (weight_decay,)
    setting : str, FlowSetting, or several of them, optional
        Euclidean ones. A target network changes no basin.
    power, noise1, noise2 : float, optional
        Changes made to all settings.

    Returns
    -------
    Dataset
        ``final`` (setting, start, weight_decay), the eigenvalue after infinite time; ``collapsed`` (bool, the same);
        ``threshold`` (setting, weight_decay): starts below it collapse; infinite where every start does, 0 where none.

    Raises
    ------
    InputError
        For a cosine loss, where weight decay shrinks all eigenvalues together whatever their start; for negative
        numbers.

    Notes
    -----
    With p = eigenvalue^power and c = 1 + noise1: predictor p* = (1 +- sqrt(1 - 4 c w)) / (2 c), the lower one the
    threshold, all collapse beyond w = 1 / (4 c); IsoLoss p* = (1 - w) / c from every start. Source: Halvagal, Laborieux
    & Zenke 2023 for the flows; roots derived here and reproduced by integration in the tests.

    Examples
    --------
    >>> import neuroalpha as na
    >>> found = na.theory.collapse_basins([0.1, 0.5], [0.0, 0.16, 0.3])
    >>> found.final.isel(setting=0).round(3).values.tolist()
    [[1.0, 0.0, 0.0], [1.0, 0.8, 0.0]]
    >>> found.threshold.values.round(3).tolist()
    [[0.0, 0.2, inf]]
    """
    begin = starting_eigenvalues(start)
    decays = np.atleast_1d(real_array(weight_decay, "weight_decay", (0, 1)))
    settings = as_settings(setting, changes(power=power, noise1=noise1, noise2=noise2))
    for each in settings:
        if each.loss == "cosine":
            raise InputError(
                f"{each.name!r} has no basins: weight decay shrinks all eigenvalues of the cosine loss together, "
                "from every start; give Euclidean settings"
            )
    table = [[as_setting(each, weight_decay=float(decay)) for decay in decays] for each in settings]
    final = np.stack([np.stack([final_eigenvalues(begin, one) for one in row], axis=1) for row in table])
    threshold = np.array([[fixed_points(one)[0] for one in row] for row in table])
    along = coordinates(settings)
    along.pop("weight_decay")
    return xr.Dataset(
        {
            "final": (("setting", "start", "weight_decay"), final),
            "collapsed": (("setting", "start", "weight_decay"), final == 0),
            "threshold": (("setting", "weight_decay"), threshold),
        },
        coords={**along, "start": begin, "weight_decay": decays},
        attrs=_attrs("roots of the flow (derived)"),
    )


def time_to_reach(
    start: Any,
    level: float,
    setting: Settings = "euclidean",
    *,
    until: float = 1e4,
    power: float | None = None,
    noise1: float | None = None,
    noise2: float | None = None,
    weight_decay: float | None = None,
    ema: float | None = None,
) -> xr.Dataset:
    """When each eigenvalue first reaches a level.

    From a small start IsoLoss takes about ln(1 / start) / 2, the predictor of power a start^-a / (2 a): the paper's
    equalised convergence.

    Parameters
    ----------
    start : (mode,)
        Eigenvalues at time 0: numbers, a DataArray, or a spectrum.
    level : float
        Above 0.
    setting : str, FlowSetting, or several of them, optional
    until : float, optional
        How far to follow settings without a closed form (the cosine loss, EMA). Default 10,000.
    power, noise1, noise2, weight_decay, ema : float, optional
        Changes made to all settings.

    Returns
    -------
    Dataset
        ``time`` (setting, mode): infinite where the level is not reached (or, without a closed form, not by ``until``).

    Raises
    ------
    InputError
        For a level that is not above 0; as :func:`eigenvalue_flow`.

    Examples
    --------
    >>> import neuroalpha as na
    >>> found = na.theory.time_to_reach([0.1, 0.01], 0.99, ["euclidean", "euclidean iso"])
    >>> found.time.round(1).values.tolist()
    [[7.9, 54.1], [3.4, 4.6]]
    """
    settings = as_settings(
        setting, changes(power=power, noise1=noise1, noise2=noise2, weight_decay=weight_decay, ema=ema)
    )
    begin = _eigenvalues(start)
    height, last = number(level, "level", above=0), number(until, "until", above=0)
    found = np.stack([crossing_times(begin, height, each, last) for each in settings])
    return xr.Dataset(
        {"time": (("setting", "mode"), found)},
        coords={**coordinates(settings), "mode": np.arange(1, begin.size + 1), "start": ("mode", begin)},
        attrs={**_attrs("closed forms where they exist, else an adaptive integration"), "level": height},
    )


def sample_flow(
    responses: Any,
    start: Any,
    times: Any,
    setting: Settings = "euclidean",
    *,
    view2: Any = None,
    power: float | None = None,
    noise1: float | None = None,
    noise2: float | None = None,
    weight_decay: float | None = None,
) -> xr.Dataset:
    """How the responses to single samples move, in the eigenbasis of the embedding's covariance.

    Parameters
    ----------
    responses : (sample, mode)
        To view 1 at time 0, along the eigenvectors of C.
    start : (mode,)
        Eigenvalues of C at time 0.
    times : (time,)
        Rising, from 0 on; the first need not be 0.
    setting : str, FlowSetting, or several of them, optional
        Without EMA.
    view2 : (sample, mode), optional
        Responses to the other view at time 0. Default: those to view 1.
    power, noise1, noise2, weight_decay : float, optional
        Changes made to all settings.

    Returns
    -------
    Dataset
        ``response`` (setting, time, sample, mode): in a network that learns from the whole population, where a mode's
        responses grow with the square root of its eigenvalue; ``velocity``, the same dimensions: how fast a sample's
        own loss would move its response there, for an input of unit length (its average over the population is the
        network's); ``eigenvalue`` (setting, time, mode).

    Raises
    ------
    InputError
        For responses and eigenvalues that do not fit; as :func:`eigenvalue_flow`.

    Notes
    -----
    The form of the single-sample velocities in the paper's theorems could not be read; they were derived for this
    library, and their population average is the eigenvalue flow (a test). Memory: 16 bytes x setting x time x sample x
    mode.

    Examples
    --------
    >>> import neuroalpha as na
    >>> found = na.theory.sample_flow([[0.3, -0.2]], [0.25, 0.04], [0.0, 20.0], "euclidean iso")
    >>> found.response.isel(setting=0, sample=0).round(3).values.tolist()
    [[0.3, -0.2], [0.6, -1.0]]
    """
    settings = as_settings(setting, changes(power=power, noise1=noise1, noise2=noise2, weight_decay=weight_decay))
    begin, wanted = _eigenvalues(start), rising(times)
    first = real_array(responses, "responses", 2, "finite numbers (sample, mode)")
    second = first if view2 is None else real_array(view2, "view2", 2, "finite numbers (sample, mode)")
    for rows, what in ((first, "responses"), (second, "view2")):
        if rows.shape != (len(first), begin.size):
            raise InputError(
                f"{what} have shape {rows.shape} for {begin.size} eigenvalues and {len(first)} samples; expected "
                "finite numbers (sample, mode)"
            )
    if any(each.ema is not None for each in settings):
        raise InputError("single samples are offered without a target network: leave ema out")
    asked = wanted if wanted[0] == 0 else np.append(0.0, wanted)
    eigenvalues, moved, velocity = [], [], []
    for each in settings:
        course = flow(begin, asked, each)
        one, two = network_responses(first, course), network_responses(second, course)
        with np.errstate(divide="ignore", invalid="ignore"):  # a response of length 0 has no direction: NaN
            own = own_velocity(one, two, course[:, None, :], each)[0] - each.weight_decay * one
        kept = slice(asked.size - wanted.size, None)
        eigenvalues.append(course[kept])
        moved.append(one[kept])
        velocity.append(own[kept])
    return xr.Dataset(
        {
            "response": (("setting", "time", "sample", "mode"), np.stack(moved)),
            "velocity": (("setting", "time", "sample", "mode"), np.stack(velocity)),
            "eigenvalue": (("setting", "time", "mode"), np.stack(eigenvalues)),
        },
        coords={**coordinates(settings), "time": wanted, "mode": np.arange(1, begin.size + 1)},
        attrs=_attrs("responses by the eigenvalue flow; single-sample velocities derived"),
    )


def _attrs(method: str) -> dict[str, str | int | float]:
    return {"source": SOURCE, "method": method, "version": neuroalpha.__version__}


def _eigenvalues(start: Any) -> np.ndarray:
    if isinstance(start, xr.Dataset):
        if "eigenvalue" not in start:
            raise InputError("the starting Dataset has no 'eigenvalue'; give a spectrum or a row of numbers")
        start = start["eigenvalue"]
    return starting_eigenvalues(start)
