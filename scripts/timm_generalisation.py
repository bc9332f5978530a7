"""Alpha of pretrained networks against published accuracies under ImageNet's shifts, which need not be run again.

Run: python scripts/timm_generalisation.py DATA --out FOLDER    where DATA holds imagenette224/val and tables/timm/*.csv

A zoo run gives the alpha of the last stage of 13 networks on 200 Imagenette images; timm's tables give their accuracies
on ImageNet, ReaL, V2, A, R and Sketch, joined by the names of models and weights. Effective robustness and statistics
follow from the joined table, with one figure for each shift. (ImageNet-A was chosen against resnet50.tv_in1k, which
has no number there.)

--weights DEFAULT takes torchvision's published weights, where they can be downloaded. Without it the weights are random
initialisations, saved under the names of the published ones: that shows the join and everything after it, and the
relations found mean nothing. One to three minutes and 2 GB on one core.
"""

from __future__ import annotations

import argparse
import json
import re
import textwrap
import warnings
from pathlib import Path

import matplotlib
import pandas as pd
import torch

import neuroalpha as na
from neuroalpha.report.plot import COLOURS
from neuroalpha.tasks.effective_robustness import effective_robustness

matplotlib.use("Agg")
from matplotlib import pyplot as plt

# torchvision's models that timm evaluated with the same weights: tag in timm's tables, name of torchvision's weights.
V1, V2 = "IMAGENET1K_V1", "IMAGENET1K_V2"
MODELS = (
    ("resnet18", "tv_in1k", V1), ("resnet34", "tv_in1k", V1), ("resnet50", "tv_in1k", V1), ("resnet101", "tv_in1k", V1),
    ("resnet50", "tv2_in1k", V2), ("resnext50_32x4d", "tv_in1k", V1), ("resnext50_32x4d", "tv2_in1k", V2),
    ("wide_resnet50_2", "tv_in1k", V1), ("densenet121", "tv_in1k", V1), ("densenet161", "tv_in1k", V1),
    ("densenet169", "tv_in1k", V1), ("densenet201", "tv_in1k", V1), ("efficientnet_b0", "ra_in1k", V1),
)  # fmt: skip
CLEAN = "results-imagenet top1"
SHIFTS = {
    "ImageNet-V2": "results-imagenetv2-matched-frequency top1",
    "ImageNet-A": "results-imagenet-a top1",
    "ImageNet-R": "results-imagenet-r top1",
    "ImageNet-Sketch": "results-sketch top1",
    "ReaL labels": "results-imagenet-real top1",
}
# A and R hold 200 of the 1000 classes; these are the accuracies on ImageNet's own images of those classes.
SAME_CLASSES = {"ImageNet-A": "results-imagenet-a-clean top1", "ImageNet-R": "results-imagenet-r-clean top1"}
NOTICE = "weights here are random initialisations: the join is shown, the relation means nothing"


def save_weights(folder: Path, published: bool) -> list[tuple[str, Path]]:
    """Checkpoints named after model and training, the way that the join finds them in timm's tables."""
    folder.mkdir(parents=True, exist_ok=True)
    saved = []
    for seed, (name, tag, weights) in enumerate(MODELS):
        path = folder / f"{name}.{tag}.pt"
        if not path.exists():
            model = na.load_model(f"torchvision:{name}", weights=weights if published else None, seed=seed)
            torch.save(model.state_dict(), path)
        saved.append((name, path))
    return saved


def write_plan(path: Path, models: list[tuple[str, Path]], pictures: Path, pixels: int, limit: int) -> None:
    """One layer, the last stage, of each model, averaged over positions."""
    parts = ['title = "Alpha and published accuracies under shifts"', 'windows = ["auto"]', ""]
    for name, weights in models:
        family = re.sub(r"(nex?t).*", r"\1", name)
        parts.append(
            f'[[models]]\nname = "torchvision:{name}"\nweights = {json.dumps(str(weights))}\nfamily = "{family}"\n'
        )
    parts.append(
        f'[[images]]\nname = "Imagenette"\nsource = {json.dumps(str(pictures))}\nsize = {pixels + pixels // 7}\n'
        f"crop = {pixels}\nlimit = {limit}\nsample_seed = 0\n"
    )
    parts.append('[[layers]]\nselect = ["layer4", "features"]\nreduce = "mean"\n')
    parts.append('[run]\nbatch_size = 16\nthreads = 1\nmemory = "500 MB"\n')
    path.write_text("\n".join(parts), encoding="utf-8")


def add_robustness(table: pd.DataFrame) -> list[str]:
    """Add effective robustness on every shift, in percentage points; returns the lines that it is measured from."""
    lines = []
    for shift, column in SHIFTS.items():
        for clean, note in ((CLEAN, ""), (SAME_CLASSES.get(shift), " (its own classes)")):
            if clean is None:
                continue
            found = effective_robustness(table[clean] / 100, table[column] / 100)
            table[f"effective robustness: {shift}{note}"] = 100 * found.residual
            lines.append(
                f"{shift + note:>30}: logit(shifted) = {found.slope:.2f} logit(clean) {found.intercept:+.2f}, "
                f"R2 {found.r2:.2f}, {found.n_models} models"
            )
    return lines


def draw(table: pd.DataFrame, shift: str, n_images: int, path: Path, title: str) -> None:
    """Alpha with its interval against the published accuracy, coloured by family."""
    figure, ax = plt.subplots(figsize=(6.4, 5), layout="constrained")
    for colour, (family, rows) in zip(COLOURS, table.groupby("family"), strict=False):
        reach = [(rows["alpha"] - rows["low"]).clip(lower=0), (rows["high"] - rows["alpha"]).clip(lower=0)]
        ax.errorbar(rows["alpha"], rows[SHIFTS[shift]], xerr=reach, fmt="o", color=colour, ms=5, lw=0.8, label=family)
        for row in rows.itertuples():
            name = str(row.weights).removesuffix("_in1k.pt").removesuffix(".tv")
            at = (row.alpha, table.loc[row.Index, SHIFTS[shift]])
            ax.annotate(name, at, xytext=(4, 4), textcoords="offset points", fontsize=6, color="0.3")
    ax.set(
        xlabel=f"alpha of the last stage, {n_images} Imagenette images", ylabel=f"{shift}: top-1 accuracy (%), by timm"
    )
    ax.set_title(title, fontsize=9)
    figure.legend(loc="outside lower center", ncols=5, fontsize=7, frameon=False)
    figure.savefig(path, dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("timm_generalisation"))
    parser.add_argument("--weights", choices=["random", "DEFAULT"], default="random")
    parser.add_argument("--pixels", type=int, help="Side of the images; default 224 with published weights, else 96.")
    parser.add_argument("--images", type=int, default=200)
    arguments = parser.parse_args()
    published = arguments.weights == "DEFAULT"
    out, data = arguments.out.resolve(), arguments.data.resolve()
    notice = "" if published else f"NOTE: {NOTICE}"
    print(notice, flush=True)
    models = save_weights(out / f"weights-{arguments.weights}", published)
    write_plan(
        out / "plan.toml", models, data / "imagenette224" / "val", arguments.pixels or (224 if published else 96),
        arguments.images,
    )  # fmt: skip
    na.run_zoo(out / "plan.toml", out / "run")
    spectra = list(na.read_results(out / "run").values())
    files = sorted((data / "tables" / "timm").glob("*.csv"))
    table = na.join_accuracy(na.zoo_table(spectra), files)
    families = {spectrum.attrs["key"]: spectrum.attrs["family"] for spectrum in spectra}
    table["family"] = table["key"].map(families)
    lines = add_robustness(table)
    table.assign(note="" if published else NOTICE).to_csv(out / "table.csv", index=False)
    shown = table[["weights", "alpha", "low", "high", "first", "last", "results-imagenet img_size", CLEAN]]
    shown = pd.concat([shown, table[list(SHIFTS.values())]], axis=1)
    shown.columns = ["weights", "alpha", "low", "high", "first", "last", "size", "ImageNet", *SHIFTS]
    robust = table[["weights", *(name for name in table if str(name).startswith("effective robustness"))]]
    robust.columns = [str(name).removeprefix("effective robustness: ") for name in robust]
    print("alpha, and top-1 accuracies (%) of timm's tables", shown.round(2).to_string(index=False), sep="\n")
    print("\neffective robustness (percentage points)", robust.round(2).to_string(index=False), sep="\n")
    print(*lines, sep="\n")
    print(f"\n{int(table[CLEAN].notna().sum())} of {len(table)} models joined, from {len(files)} tables\n")
    title = textwrap.fill("published weights" if published else NOTICE.upper(), 70)
    short = table.rename(columns={column: shift for shift, column in (*SHIFTS.items(), ("ImageNet", CLEAN))})
    for shift in SHIFTS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # the sentences say it too
            relation = na.relate(short, "alpha", shift, controls=["ImageNet"], group="family")
        print(f"== {shift} {'' if published else '(' + NOTICE + ')'}", relation, "", sep="\n")
        draw(table, shift, arguments.images, out / f"{shift.replace(' ', '_')}.png", title)
    print(notice or f"figures and table.csv in {out}")


if __name__ == "__main__":
    main()
