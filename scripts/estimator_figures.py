"""Figures, tables and numbers of the page "Which estimator, which window, how sure" (docs/which-estimator.md).

Run: python scripts/estimator_figures.py --recovery recovery.csv --coverage coverage.csv
(files of scripts/recovery.py and scripts/coverage.py; without them only the examples are made, in about a minute on one
core; --no-examples leaves those out)

Figures go to docs/images; tables and sentences are put into the page between ``<!-- NAME: ... -->`` and
``<!-- end -->``, in place of what stood there.
"""

from __future__ import annotations

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import argparse
import re
import textwrap
import warnings
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import xarray as xr
from scipy import stats

import neuroalpha as na
from neuroalpha.simulate.noise import add_noise, random_rotation

matplotlib.use("Agg")
from matplotlib import pyplot as plt

from neuroalpha.report.plot import COLOURS

DOCS = Path(__file__).resolve().parents[1] / "docs"
NAMES = {"pca": "PCA of the mean", "cvpca": "cvPCA", "meme": "MEME", "heldout": "held-out"}
COLOUR = dict(zip(NAMES, (COLOURS[7], COLOURS[1], COLOURS[0], COLOURS[2]), strict=True))
CELL = ["noise", "share", "alpha"]
SMALL = 0.02  # bias that is not printed in bold, for true alphas from STEEP_ENOUGH on
STEEP_ENOUGH = 0.75
CONTRADICTED = 1e-3  # p value of MEME's chi-square at which it warns
HEAD, BREAK, TAIL = 0.5, 12, 1.2  # of the example that is no power law: about what is published for mouse V1


def save(figure: plt.Figure, out: Path, name: str) -> None:
    figure.savefig(out / f"{name}.png", dpi=100)
    plt.close(figure)


def put(page: Path, name: str, text: str) -> None:
    """Replace what stands in the page between the comment that begins with ``name`` and the next ``<!-- end -->``."""
    found = re.compile(rf"(<!-- {re.escape(name)}[^>]*-->\n).*?(<!-- end -->)", re.DOTALL)
    before = page.read_text(encoding="utf-8")
    if len(found.findall(before)) != 1:
        raise SystemExit(f"{page} needs one place '<!-- {name} -->' ... '<!-- end -->'")
    lines = [
        line if line.startswith("|") else textwrap.fill(line, 126, subsequent_indent="  " * line.startswith("- "))
        for line in text.strip().split("\n")
    ]
    made = re.sub(r"(\d)%", r"\1 %", "\n".join(lines))
    page.write_text(found.sub(lambda match: f"{match[1]}\n{made}\n\n{match[2]}", before), encoding="utf-8")


def signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−")


def present(rows: pd.DataFrame) -> list[str]:
    return [name for name in NAMES if (rows.estimator == name).any()]


# Recovery: the error of alpha by estimator, noise, share of signal and true alpha


def read_recovery(path: Path) -> pd.DataFrame:
    rows = pd.read_csv(path)
    rows = rows[rows.estimator.isin(NAMES)].drop_duplicates([*CELL, "seed", "estimator"])
    return rows.assign(error=rows.found - rows.alpha, hit=(rows.low <= rows.alpha) & (rows.alpha <= rows.high))


def recovery_figure(rows: pd.DataFrame) -> plt.Figure:
    """One panel for each noise and share of signal."""
    noises, shares = list(rows.noise.unique()), sorted(rows.share.unique())
    figure, axes = plt.subplots(
        len(noises), len(shares), figsize=(9, 7.2), sharex=True, sharey=True, squeeze=False, layout="constrained"
    )
    for (row, column), ax in np.ndenumerate(axes):
        cell = rows[(rows.noise == noises[row]) & (rows.share == shares[column])]
        ax.axhspan(-SMALL, SMALL, color="#DDDDDD", lw=0)
        ax.axhline(0, color="black", lw=0.7, ls=":")
        for index, estimator in enumerate(present(rows)):
            errors = cell[cell.estimator == estimator].groupby("alpha").error
            mean, sd = errors.mean(), errors.std().fillna(0)
            ax.errorbar(
                mean.index + 0.018 * (index - 1), mean, yerr=sd, color=COLOUR[estimator], marker="o", ms=4, lw=1.2,
                capsize=2, label=NAMES[estimator],
            )  # fmt: skip
        # Straight within .05, logarithmic beyond: .005 and .5 are both there to see.
        ax.set_yscale("symlog", linthresh=0.05, linscale=0.5)
        ticks = (-0.5, -0.2, -0.1, -0.05, -0.02, 0, 0.02, 0.05, 0.1, 0.2, 0.5)
        ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks], fontsize=7)
        ax.minorticks_off()
        ax.set_xticks(sorted(rows.alpha.unique()))
        ax.set_title(f"{noises[row]} noise, signal {shares[column]:g}", fontsize=9)
    figure.supxlabel("true alpha", fontsize=10)
    figure.supylabel("error of alpha: mean and standard deviation", fontsize=10)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False, fontsize=9)
    return figure


def recovery_text(rows: pd.DataFrame) -> str:
    estimators = present(rows)
    sizes = rows[["n_stimuli", "n_neuroids"]].drop_duplicates()
    size = " and ".join(f"{s:,} stimuli x {n:,} neurons" for s, n in sizes.itertuples(index=False))
    counts = rows.groupby([*CELL, "estimator"]).size().unstack()
    drawn = [f"{NAMES[name]} {spoken_range(counts[name].dropna())}" for name in estimators]
    lines = [
        f"{size}, two repeats; recordings a cell: {', '.join(drawn)}. "
        f"Mean error (standard deviation); bold: {SMALL:g} or more; −k: k recordings without a readable window.",
        "",
        "| noise | signal | true alpha | " + " | ".join(NAMES[name] for name in estimators) + " |",
        "|---|---|---|" + "---|" * len(estimators),
    ]
    for key, part in rows.groupby(CELL, sort=True):
        cells = [cell(part.error[part.estimator == name]) for name in estimators]
        lines.append(f"| {key[0]} | {key[1]:g} | {key[2]:g} | " + " | ".join(cells) + " |")
    steep = rows[rows.alpha >= STEEP_ENOUGH]
    lines += ["", f"For true alphas of {STEEP_ENOUGH:g} and above:", ""]
    for name in estimators:
        errors = steep[steep.estimator == name].groupby(CELL).error
        mean = errors.mean().dropna()
        worst = mean.abs().idxmax()
        standard = errors.std()[worst] / np.sqrt(errors.count()[worst])
        known = f" (standard error {standard:.3f})" if np.isfinite(standard) else ""
        lines.append(
            f"- {NAMES[name]}: mean error within ±{SMALL:g} in {int((mean.abs() < SMALL).sum())} of {len(mean)} cells; "
            f"at worst {signed(mean[worst])}{known}, {worst[0]} noise, signal {worst[1]:g}, alpha {worst[2]:g}."
        )
    meme = rows[rows.estimator == "meme"]
    held = f"{meme.hit.mean():.1%} of all, and in {meme.hit[meme.alpha >= STEEP_ENOUGH].mean():.1%} of those"
    refused = int((meme.p_value < CONTRADICTED).sum())
    lines += [
        "",
        f"All these recordings follow a power law. MEME's chi-square contradicted it (p < {CONTRADICTED:g}) in "
        f"{refused} of {len(meme)}; in the others the rule reads MEME. Its 95 % interval held the truth in {held} "
        f"with alpha {STEEP_ENOUGH:g} and above.",
    ]
    return "\n".join(lines)


def spoken_range(counts: pd.Series) -> str:
    low, high = int(counts.min()), int(counts.max())
    return f"{low}" if low == high else f"{low} to {high}"


def cell(error: pd.Series) -> str:
    if error.empty:
        return ""
    if error.notna().sum() == 0:
        return "none readable"
    mean, lost = float(error.mean()), int(error.isna().sum())
    text = signed(mean) + (f" ({error.std():.3f})" if error.notna().sum() > 1 else "")
    return (f"**{text}**" if abs(mean) >= SMALL else text) + (f" −{lost}" if lost else "")


# Coverage: how often the 95 % interval holds the truth


def read_coverage(path: Path) -> pd.DataFrame:
    """One row for each cell and estimator; an interval that could not be made covers nothing."""
    rows = pd.read_csv(path).drop_duplicates(["alpha", "noise", "share", "draw", "estimator"])
    table = []
    for (alpha, noise, share, estimator), part in rows.groupby(["alpha", "noise", "share", "estimator"], sort=False):
        hits = int(((part.low <= alpha) & (alpha <= part.high)).sum())
        low, high = stats.binomtest(hits, len(part)).proportion_ci(method="wilson")
        error, half = part.found - alpha, (part.high - part.low).median() / 2
        table.append(
            (alpha, noise, share, estimator, len(part), error.mean(), error.std(), half, hits / len(part), low, high)
        )
    columns = ["alpha", "noise", "share", "estimator", "n", "bias", "sd", "half", "covered", "low", "high"]
    return pd.DataFrame(table, columns=columns).sort_values("estimator", ascending=False, kind="stable")


def coverage_figure(table: pd.DataFrame) -> plt.Figure:
    figure, ax = plt.subplots(figsize=(7.2, 4.2), layout="constrained")
    cells = list(dict.fromkeys(zip(table.alpha, table.noise, table.share, strict=True)))
    ax.axvspan(0.93, 0.97, color="#DDDDDD", lw=0)
    ax.axvline(0.95, color="black", lw=0.8, ls=":")
    for index, (name, part) in enumerate(table.groupby("estimator", sort=False)):
        at = [cells.index(key) for key in zip(part.alpha, part.noise, part.share, strict=True)]
        errors = np.abs(part[["low", "high"]].to_numpy().T - part.covered.to_numpy())
        ax.errorbar(
            part.covered, np.array(at) + 0.18 * index, xerr=errors, color=COLOUR[str(name)], marker="o", ms=5, lw=1.3,
            capsize=3, ls="", label=NAMES[str(name)],
        )  # fmt: skip
    ax.set_yticks(range(len(cells)), [f"alpha {a:g}, {noise} noise, signal {s:g}" for a, noise, s in cells], fontsize=8)
    ax.set(xlabel="share of recordings whose 95 % interval holds the true alpha", xlim=(None, 1.005))
    ax.invert_yaxis()
    figure.legend(loc="outside upper center", ncols=2, frameon=False, fontsize=9)
    return figure


def coverage_text(table: pd.DataFrame) -> str:
    lines = [
        "1,000 stimuli x 2,000 neurons, two repeats, new data in every draw; in parentheses the 95 % interval of the "
        "share itself (Wilson). Half-width: median.",
        "",
        "| estimator | true alpha | noise | signal | draws | mean error | standard deviation | half-width | covered |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in table.to_dict("records"):
        lines.append(
            f"| {NAMES[row['estimator']]} | {row['alpha']:g} | {row['noise']} | {row['share']:g} | {row['n']} | "
            f"{signed(row['bias'])} | {row['sd']:.3f} | {row['half']:.3f} | {row['covered']:.1%} ({row['low']:.1%} to "
            f"{row['high']:.1%}) |"
        )
    return "\n".join(lines)


# Examples


def broken_recording(n_stimuli: int, n_neurons: int, share: float, noise: str, seed: int) -> tuple[xr.DataArray, float]:
    """Two repeats of a population whose law breaks, and its exponent past the break."""
    rng = np.random.default_rng(seed)
    rank = np.arange(1, n_neurons + 1)
    power = np.where(rank <= BREAK, rank**-HEAD, BREAK ** (TAIL - HEAD) * rank**-TAIL)
    rotate = random_rotation(n_neurons, rng)
    signal = rotate(rng.standard_normal((n_stimuli, n_neurons)) * np.sqrt(power * n_neurons / power.sum()))
    repeats = [add_noise(signal, noise, share, rotate, n_neurons, rng) for _ in range(2)]
    return na.read_array(np.asarray(repeats, dtype=np.float32), attrs={"identifier": "broken law"}), TAIL


def window(out: Path) -> str:
    """Alpha over windows of a spectrum that bends."""
    responses, _ = broken_recording(600, 1000, 0.5, "white", seed=1)
    fit = na.fit_alpha(na.cvpca(responses), "auto")
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.4), layout="constrained")
    na.plot.window_band(fit, ax=left)
    na.plot.window_sensitivity(fit, ax=right)
    save(figure, out, "window")
    low, high = fit.window_range
    r2 = fit.sensitivity["r2"]
    return (
        f"Simulated: exponent {HEAD} to rank {BREAK}, {TAIL} beyond; 600 stimuli x 1,000 neurons, two repeats, half of "
        f"the variance signal, white noise. cvPCA reads {fit.alpha:.2f} [{fit.low:.2f}, {fit.high:.2f}] at ranks "
        f"{fit.ranks[0]} to {fit.ranks[1]} (the rule), with an R² of {fit.r2:.3f}. Over the grid of windows alpha goes "
        f"from {low:.2f} to {high:.2f}, while R² is nowhere below {r2.min():.2f}."
    )


def wrong_law(n_seeds: int = 3) -> str:
    """What each estimator says of a population that follows no power law."""
    read: dict[str, list[str]] = {"MEME, power law": [], "MEME, broken law": [], "cvPCA": []}
    notes: dict[str, list[str]] = {name: [] for name in read}
    for seed in range(n_seeds):
        responses, _ = broken_recording(1000, 1500, 0.17, "independent", seed)
        power, broken = na.meme(responses), na.meme(responses, model="broken")
        crossed = na.cvpca(responses, n_shuffles=4, n_draws=8)
        for name, spectrum in zip(read, (power, broken, crossed), strict=True):
            fit = na.fit_alpha(spectrum, (11, 200))
            read[name].append(f"{fit.alpha:.2f} [{fit.low:.2f}, {fit.high:.2f}]")
            p_value = spectrum.attrs.get("p_value", np.nan)
            notes[name].append(f"R² {fit.r2:.2f}" if np.isnan(p_value) else f"p = {p_value:.1g}")
    lines = [
        f"Simulated: exponent {HEAD} to rank {BREAK}, {TAIL} beyond; 1,000 stimuli x 1,500 neurons, two repeats, "
        "signal share .17, noise with power 1/n along axes of its own. Alpha, ranks 11 to 200, with its 95 % interval:",
        "",
        "| | " + " | ".join(f"recording {seed + 1}" for seed in range(n_seeds)) + " |",
        "|---|" + "---|" * n_seeds,
    ]
    for name in read:
        cells = [f"{value}, {note}" for value, note in zip(read[name], notes[name], strict=True)]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def calibration(out: Path) -> str:
    recording, _ = na.simulate_recording(1.0, 300, 400, 2, 1 / 3, "independent", spontaneous=False, seed=1)
    found = na.calibrate(
        na.preprocess(recording, zscore=None), alphas=(0.5, 0.75, 1.0, 1.25, 1.5), n_simulations=10, n_jobs=1,
        estimator_options={"n_shuffles": 4}, progress=False,
    )  # fmt: skip
    save(na.plot.calibration(found).get_figure(), out, "calibration")
    each = ", ".join(
        f"{row.alpha:.2f} if {row.noise}" for row in found.calibrated.itertuples() if row.noise != "measured"
    )
    return (
        f"Simulated: alpha 1, 300 stimuli x 400 neurons, two repeats, a third of the variance signal, noise along "
        f"axes of its own. cvPCA reads {found.observed:.2f} at ranks {found.ranks[0]} to {found.ranks[1]}; calibrated: "
        f"{found.alpha:.2f} [{found.low:.2f}, {found.high:.2f}] (by kind of noise: {each})."
    )


def extrapolation(out: Path) -> str:
    rng = np.random.default_rng(0)
    alpha, n_stimuli, n_units = 1.0, 3000, 1024
    x = rng.standard_normal((n_stimuli, n_units)) * np.arange(1, n_units + 1) ** (-alpha / 2)
    attrs = {"identifier": f"true alpha {alpha:g}"}
    units = na.make_assembly(x.astype(np.float32), stimulus_id=np.arange(n_stimuli), attrs=attrs)
    found = na.extrapolate(units, axis="stimulus", ranks=(11, 100), n_subsets=5, n_draws=16, progress=False)
    save(na.plot.extrapolation(found).get_figure(), out, "extrapolation")
    line, quarter = found.lines.iloc[0], found.table[found.table["fraction"] == 0.25]["alpha"].mean()
    return (
        f"Simulated: alpha 1, {n_stimuli:,} stimuli, {n_units:,} units, no noise. PCA reads {quarter:.3f} from a "
        f"quarter of the stimuli, {line['alpha_full']:.3f} [{found.full.low:.3f}, {found.full.high:.3f}] from all, and "
        f"{line['alpha']:.3f} [{line['low']:.3f}, {line['high']:.3f}] extrapolated."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recovery", type=Path)
    parser.add_argument("--coverage", type=Path)
    parser.add_argument("--no-examples", action="store_true")
    parser.add_argument("--out", type=Path, default=DOCS / "images")
    parser.add_argument("--page", type=Path, default=DOCS / "which-estimator.md")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore", UserWarning)
    if given.recovery:
        rows = read_recovery(given.recovery)
        save(recovery_figure(rows), given.out, "recovery")
        put(given.page, "recovery table", recovery_text(rows))
    if given.coverage:
        table = read_coverage(given.coverage)
        save(coverage_figure(table), given.out, "coverage")
        put(given.page, "coverage table", coverage_text(table))
    if not given.no_examples:
        put(given.page, "window example", window(given.out))
        put(given.page, "wrong law example", wrong_law())
        put(given.page, "calibration example", calibration(given.out))
        put(given.page, "extrapolation example", extrapolation(given.out))


if __name__ == "__main__":
    main()
