"""What a check found, in sentences: whether errors stay within what was agreed, and what else the theories claim."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr

RATIO = (9.0, 11.0)
"""Between these an error falls about tenfold with the step size."""
TARGET_STEP = 0.01
"""Step size of the largest error that was agreed on."""
STEP_TIMES = 0.02
"""Mean relative error of Simon's step times that was agreed on."""


def of_target(errors: pd.DataFrame) -> list[str]:
    """Whether errors stay within the agreed one, judged at the agreed step size, or at the setting's smaller one."""
    known = errors[errors["target"].notna()] if "target" in errors else errors.iloc[:0]
    if known.empty:
        return []
    fine = known["step_size"] <= TARGET_STEP * (1 + 1e-9)
    reached = known["max_error"].where(fine, known["max_error_smaller"])
    step = known["step_size"].where(fine, known["smaller_step"])
    known = known.assign(reached=reached, step=step)
    missed, coarse = known[reached > known["target"]], known[step > TARGET_STEP * (1 + 1e-9)]
    text = (
        f"{len(known) - len(missed)} of {len(known)} settings stay within an error of {known['target'].iloc[0]:g} at "
        f"step size {TARGET_STEP:g} or below"
    )
    if len(coarse):
        text += ", or at a larger one: " + ", ".join(f"{row.setting} ({row.step:g})" for row in coarse.itertuples())
    if len(missed):
        text += "; not: " + ", ".join(f"{row.setting} ({row.reached:.3g})" for row in missed.itertuples())
    return [text + "."]


def of_ratios(errors: pd.DataFrame) -> list[str]:
    """Whether errors fall tenfold with the step size: nothing else then separates theory and simulation."""
    known = errors[np.isfinite(errors["ratio"])]
    if known.empty:
        return []
    off = known[(known["ratio"] < RATIO[0]) | (known["ratio"] > RATIO[1])]
    text = f"With a tenfold smaller step the error falls by {RATIO[0]:g} to {RATIO[1]:g} times in "
    text += f"{len(known) - len(off)} of {len(known)} settings"
    if len(off):
        text += "; not: " + ", ".join(f"{row.setting} ({row.ratio:.3g})" for row in off.itertuples())
    return [text + "."]


def of_trace(eigenspace: xr.Dataset) -> list[str]:
    """How well the sum of eigenvalues is conserved under the cosine loss."""
    names = [str(name) for name in eigenspace["setting"].values]
    if "cosine" not in names or "trace_drift" not in eigenspace:
        return []
    one = eigenspace.isel(setting=names.index("cosine"))
    drifts = [
        f"{float(drift):.2g} at step size {float(size):g}"
        for size, drift in zip(one["step_size"], one["trace_drift"], strict=True)
        if np.isfinite(drift)
    ]
    return ["Under the cosine loss the sum of eigenvalues drifts by a share of " + ", ".join(drifts) + "."]


def step_times(related: xr.Dataset) -> pd.DataFrame:
    """Mean relative errors of stepwise learning's step times, one row for each setting and step size.

    Where predicted steps did not come (``missed``) there is no mean: NaN.
    """
    rows = []
    for place, name in enumerate(related["setting"].values):
        one = related.isel(setting=place)
        columns = (one[each].values for each in ("step_size", "step_time_error", "steps_missed"))
        for size, error, missed in zip(*columns, strict=True):
            if np.isfinite(error) or missed > 0:
                rows.append((str(name), float(size), float(error), int(missed)))
    return pd.DataFrame(rows, columns=["setting", "step_size", "mean_relative_error", "missed"])


def of_step_times(table: pd.DataFrame) -> list[str]:
    """Whether step times are as near as agreed."""
    if table.empty:
        return []
    within, missed = int((table["mean_relative_error"] <= STEP_TIMES).sum()), int((table["missed"] > 0).sum())
    gone = [f"In {missed} of {len(table)} runs of stepwise learning some steps did not come."] if missed else []
    known = table.dropna(subset="mean_relative_error").sort_values("mean_relative_error")
    if known.empty:
        return gone
    worst = known.iloc[-1]
    return [
        *gone,
        f"Times of learning steps are within {STEP_TIMES:.0%} of theory on average in {within} of {len(table)} runs; "
        f"the farthest is {worst['setting']} with {worst['mean_relative_error']:.2%}.",
    ]


def of_closed_forms() -> str:
    """Largest difference between closed forms and an integrator that knows nothing of them."""
    from neuroalpha.theory.eigenflow.fields import euclidean_rate
    from neuroalpha.theory.eigenflow.settings import FlowSetting
    from neuroalpha.theory.eigenflow.solve import flow
    from neuroalpha.theory.engine.integrate import integrate

    start, times = np.geomspace(0.01, 2, 12), np.linspace(0, 10, 41)
    apart = []
    for setting in (
        FlowSetting(), FlowSetting(power=0.5), FlowSetting(weight_decay=0.1), FlowSetting(variant="iso"),
        FlowSetting(variant="iso", weight_decay=0.1, noise1=0.2), FlowSetting(variant="no predictor", noise1=0.2),
        FlowSetting(variant="no stop-gradient", noise2=0.01),
    ):  # fmt: skip

        def field(lam: np.ndarray, setting: FlowSetting = setting) -> np.ndarray:
            return lam * euclidean_rate(np.log(lam), setting)

        apart.append(np.abs(flow(start, times, setting) - integrate(field, start, times, atol=1e-13)).max())
    return f"Euclidean flows in closed form and integrated differ by {max(apart):.1g} at most in {len(apart)} settings."


def of_thresholds() -> str:
    """Whether modes a hundredth below the threshold of collapse fall, and those above it grow to the fixed point."""
    from neuroalpha.theory.eigenflow.basins import fixed_points
    from neuroalpha.theory.eigenflow.settings import FlowSetting
    from neuroalpha.theory.eigenflow.solve import flow

    decays, right = np.linspace(0.02, 0.24, 12), 0
    for decay in decays:
        setting = FlowSetting(weight_decay=float(decay))
        threshold, end = fixed_points(setting)
        found = flow(np.array([0.99 * threshold, 1.01 * threshold]), np.array([0.0, 3000.0]), setting)[-1]
        right += int(found[0] < 1e-3 * threshold and abs(found[1] - end) < 1e-6)
    beyond = flow(np.array([0.01, 0.5, 2.0]), np.array([0.0, 3000.0]), FlowSetting(weight_decay=0.26))[-1]
    text = f"Thresholds of collapse are those of theory at {right} of {len(decays)} weight decays below 1/4"
    return f"{text}; at 0.26 {'every mode collapses' if beyond.max() < 1e-3 else 'some mode does not collapse'}."


def of_widths(linear: xr.Dataset) -> str:
    """How far simulations of different widths are from each other, and weights from orthonormal."""
    apart = [
        float(np.ptp(group["kernel_error"].isel(step=0).values))
        for _, group in linear.groupby("loss")
        for _, group in group.groupby("form")
    ]
    return (
        f"Across widths and retractions the largest error of a projector differs by {max(apart):.1g}; weights stay "
        f"orthonormal to {float(linear['residual'].max()):.1g}."
    )


def of_limits(datasets: Mapping[str, xr.Dataset]) -> list[str]:
    """Where constrained and naive flows end."""
    linear = datasets["linear"]
    last = linear["loss_simulated"].isel(step=-1, time_index=-1)
    apart = float(abs(last - linear["limit_loss"]).max())
    said = [f"The loss ends within {apart:.1g} of the sum of the lowest eigenvalues."]
    if "naive" in datasets:
        ratio = datasets["naive"]["participation_simulated"].isel(step=-1).values
        said.append(
            f"Without constraint the participation ratio of {datasets['naive'].sizes['output']} outputs goes from "
            f"{ratio[0]:.3g} to {ratio[-1]:.5g}."
        )
    return said
