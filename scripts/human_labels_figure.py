"""The figure of scripts/human_labels.py, from its tables alone.

Run: python scripts/human_labels_figure.py FOLDER    where FOLDER holds the tables of scripts/human_labels.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib
import pandas as pd

from neuroalpha._files import atomic_path

matplotlib.use("Agg")
BELOW = {"fontsize": 8, "loc": "upper center", "bbox_to_anchor": (0.5, -0.06), "ncol": 3, "frameon": False}


def draw(out: Path, names: list[str]) -> None:
    """Questions answered, similarity recovered, gains over hard labels: whichever tables are there."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 2, figsize=(13, 10), layout="constrained")
    axes = axes.ravel()
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(axis="x", color="0.92")
        ax.set_axisbelow(True)
    place = {name: number for number, name in enumerate(names)}
    if (out / "label-bits.csv").exists():
        table = pd.read_csv(out / "label-bits.csv")
        for shift, (images, group) in zip((-0.25, 0, 0.25), table.groupby("images", sort=False), strict=True):
            spot = [place[name] + shift for name in group["labels"]]
            axes[0].barh(spot, group["share_of_untied_soft"], 0.22, label=images)
            axes[0].plot(group["share_of_untied_soft"] * group["bits_capacity"] / group["triplets"], spot, "k|", ms=7)
        axes[0].legend(**BELOW)
        axes[0].set_title(
            "questions answered, as share of soft labels without ties\n(mark: bits, at the capacity law)", fontsize=9
        )
    if (out / "label-similarity.csv").exists():
        table = pd.read_csv(out / "label-similarity.csv")
        for number, (reference, group) in enumerate(table.groupby("reference", sort=False)):
            of_sets = group[group["images"] != "200 most uncertain"]
            spot = of_sets["labels"].map(place) + 0.2 * (number - 1)
            axes[1].plot(of_sets["spearman"], spot, ".", color=f"C{number}", alpha=0.35, ms=5)
            mean = of_sets.groupby("labels")["spearman"].mean()
            axes[1].plot(
                mean, [place[n] + 0.2 * (number - 1) for n in mean.index], "D", color=f"C{number}", label=reference
            )
        axes[1].legend(**BELOW)
        axes[1].set_title(
            "Spearman of the similarity recovered by GNMDS\n(10 sets of 100 uncertain images)", fontsize=9
        )
    for ax, part in ((axes[2], "readout"), (axes[3], "scratch")):
        path = out / f"label-{part}-differences.csv"
        if not path.exists():
            continue
        table = pd.read_csv(path)
        table = table[(table["quantity"] == "cross_entropy") & (table.get("depth", 56) == 56)]
        styles = [(per, target) for per in (8, 80) for target in ("class", "human")]
        for number, (per, target) in enumerate(styles):
            group = table[(table["per_class"] == per) & (table["target"] == target)]
            spot, colour = group["labels"].map(place) + 0.16 * (number - 1.5), f"C{number}"
            error = [group["difference"] - group["low"], group["high"] - group["difference"]]
            ax.errorbar(
                group["difference"], spot, xerr=error, fmt="o", ms=4, color=colour, label=f"{per} a class, on {target}"
            )
        for per, colour in ((8, "C0"), (80, "C2")):
            group = table[(table["per_class"] == per) & (table["target"] == "class")].dropna(subset="paper")
            ax.plot(group["paper"], group["labels"].map(place) + 0.4, "x", color=colour, label=f"paper, {per}")
        ax.axvline(0, color="0.3", lw=1)
        ax.legend(**BELOW)
        whose = "a readout of ResNet-56" if part == "readout" else "networks from scratch"
        ax.set_title(f"cross-entropy of {whose}\nless that with hard labels (95 % intervals)", fontsize=10)
    for ax in axes:
        ax.set_yticks(range(len(names)), names)
        ax.set_ylim(len(names) - 0.4, -0.6)
    with atomic_path(out / "human-labels.png") as part_path:
        figure.savefig(part_path, dpi=110, format="png")
    plt.close(figure)


if __name__ == "__main__":
    draw(Path(sys.argv[1]), list(dict.fromkeys(pd.read_csv(Path(sys.argv[1]) / "label-entropies.csv")["labels"])))
