"""What human labels say: CIFAR-10H's entropies, bits for each kind of label, similarity recovered, readouts learned.

Run: python scripts/human_labels.py DATA --out FOLDER    (about half an hour on one core; killed, it goes on)

DATA holds cifar10/ (jpeg_test.npz, cifar10h_counts.npy) and weights/ (resnet20-*.th, resnet56-*.th,
squeezenet1_1_imagenet_notop.h5). FOLDER gets, part by part (``--parts``):
entropy     label-entropies.csv   a row for each kind of label
bits        label-bits.csv        questions answered, and how often other raters contradict the answers
similarity  label-similarity.csv, label-similarity-differences.csv   similarity recovered by GNMDS, three references
readouts    label-readouts.csv, label-readout-differences.csv   readouts of two networks at 8 and 80 labels a class:
            40 and 20 draws of ResNet-56, 20 and 10 of ResNet-20
scratch     label-scratch.csv, label-scratch-differences.csv    small networks trained on the same labels from scratch
and human-labels.png. Human judgements of similarity, which the paper compares with, are not published with CIFAR-10H.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from human_labels_figure import draw
from keras_squeezenet import MEAN as SQUEEZENET_MEAN
from keras_squeezenet import SD as SQUEEZENET_SD
from keras_squeezenet import keras_squeezenet
from scipy import stats
from supervision_alpha import decoded, shown, train
from tqdm import tqdm

import neuroalpha as na
from neuroalpha._files import atomic_path
from neuroalpha.tasks.label_counts import read_label_counts
from neuroalpha.tasks.scores import scores, softmax
from neuroalpha.tasks.soft_labels import label_entropy, soft_labels, split_raters
from neuroalpha.tasks.soft_logistic import soft_image_scores
from neuroalpha.tasks.soft_readout import soft_readout
from neuroalpha.theory.embedding import recover_similarity
from neuroalpha.theory.triplets.counts import all_questions
from neuroalpha.theory.triplets.effective import similarity_correlation
from neuroalpha.theory.triplets.labels import sparse_labels
from neuroalpha.theory.triplets.mining import count_triplets, mine_triplets
from neuroalpha.theory.triplets.noise import bits_kept

KINDS = {
    "hard": {"kind": "hard"},
    "human soft": {"kind": "soft"},
    "top-2 sparse": {"kind": "sparse", "top": 2},
    "smoothed .05": {"kind": "smoothed", "smoothing": 0.05},
    "smoothed .2": {"kind": "smoothed", "smoothing": 0.2},
    "one rater": {"kind": "one rater"},
    "noisy .2": {"kind": "noisy", "smoothing": 0.2},
}
PAPER = {  # Sucholutsky et al. 2023, table 1: cross-entropy at 80 and at 8 labels a class
    "hard": (1.80, 2.20),
    "human soft": (1.67, 2.15),
    "top-2 sparse": (1.68, 2.15),  # CIFAR-10S with hard labels filled in
    "smoothed .05": (1.73, 2.19),
    "smoothed .2": (1.71, 2.13),
}
SAME_AS_HARD = ("smoothed .05", "smoothed .2")  # smoothing changes no comparison: nothing is solved anew
SETS, PER_SET = 10, 100  # of the most uncertain images, disjoint, for intervals; and the 200 most uncertain of all
PAIRED = ("difference", "low", "high", "n", "of_hard")
DRAWS = {8: 40, 80: 20}  # by labels a class, of ResNet-56; half as many of ResNet-20
SCRATCH = {8: (100, 8), 80: (40, 6)}  # labels a class: epochs, seeds


def entropy_table(counts: np.ndarray) -> pd.DataFrame:
    """Entropy (nats) and shape of each kind of label over all images and over the 200 most uncertain."""
    uncertain = np.argsort(-label_entropy(counts), kind="stable")[:200]
    rows = []
    for name, how in KINDS.items():
        labels = soft_labels(counts, **how)  # type: ignore[arg-type]
        entropy = label_entropy(labels)
        rows.append(
            {
                "labels": name,
                "mean": entropy.mean(),
                "median": np.median(entropy),
                "share_zero": (entropy == 0).mean(),
                "mean_of_200_most_uncertain": entropy[uncertain].mean(),
                "mass_off_the_largest": 1 - labels.max(axis=1).mean(),
                "mean_support": (labels > 0).sum(axis=1).mean(),
            }
        )
    return pd.DataFrame(rows)


def matrices(counts: np.ndarray, seed: int = 0) -> dict[str, np.ndarray]:
    """Label matrices for questions: sparse labels with zeros, which answer nothing, where the others are."""
    labels = {name: soft_labels(counts, seed=seed, **how) for name, how in KINDS.items()}  # type: ignore[arg-type]
    return labels | {"top-2 sparse": sparse_labels(labels["human soft"], 2)}


def bits_table(counts: np.ndarray) -> pd.DataFrame:
    """Questions that each kind of label answers, and how often the soft labels of other raters contradict them."""
    order = np.argsort(-label_entropy(counts), kind="stable")
    some = np.random.default_rng(0).permutation(len(counts))[:200]
    rows = []
    for images, which in {"all 10,000": order, "200 most uncertain": order[:200], "200 at random": some}.items():
        chosen = counts[which]
        n, k = chosen.shape
        first, second = split_raters(chosen)
        other, halves = soft_labels(second), matrices(first)
        for name, labels in matrices(chosen).items():
            found = count_triplets(labels)
            wrong, checked = contradicted(mine_triplets(halves[name], limit=400_000), other)
            rows.append(
                {
                    "images": images,
                    "labels": name,
                    "at_points": found.at_points,
                    "at_centroids": found.at_centroids,
                    "triplets": found.total,
                    "information_ratio": found.total / all_questions(n, k),
                    "share_of_untied_soft": found.total / (k * n * (k + n - 2) / 2),
                    "checked": checked,
                    "contradicted": wrong,
                    "bits_paper": found.total * bits_kept(min(wrong, 0.5), "paper"),
                    "bits_capacity": found.total * bits_kept(min(wrong, 0.5), "capacity"),
                }
            )
    return pd.DataFrame(rows)


def contradicted(triplets: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """Share of triplets that other labels (n, k) contradict, of those that they answer; and the share they answer."""
    n = len(other)
    anchor, near, far = triplets.T.astype(np.int64)
    points = anchor < n
    change = np.empty(len(triplets))
    change[points] = other[anchor[points], near[points] - n] - other[anchor[points], far[points] - n]
    change[~points] = other[near[~points], anchor[~points] - n] - other[far[~points], anchor[~points] - n]
    answered = change != 0
    return float((change[answered] < 0).mean()), float(answered.mean())


def references(data: Path, pixels: torch.Tensor, which: np.ndarray, features: np.ndarray) -> dict[str, np.ndarray]:
    """What similarity is compared with: features (image, feature) of networks, for the images in ``which``."""
    model = keras_squeezenet(data / "weights" / "squeezenet1_1_imagenet_notop.h5")
    enlarged = torch.nn.functional.interpolate(pixels[which].float(), size=128, mode="bilinear") / 255
    mean, sd = (torch.tensor(values).view(3, 1, 1) for values in (SQUEEZENET_MEAN, SQUEEZENET_SD))
    net = na.extract(model, ((enlarged - mean) / sd).float(), ["features.12"], "mean", progress=False)
    return {"ResNet-56 (CIFAR-10)": features[which], "SqueezeNet (ImageNet)": net.values}


def similarity_table(data: Path, counts: np.ndarray, pixels: torch.Tensor, features: np.ndarray) -> pd.DataFrame:
    """Spearman correlation of the similarity that GNMDS recovers from labels with references."""
    order = np.argsort(-label_entropy(counts), kind="stable")[: SETS * PER_SET]
    held = references(data, pixels, order, features)
    place = np.full(len(counts), -1)
    place[order] = np.arange(order.size)
    sets = {"200 most uncertain": order[:200]}
    sets |= {f"set {number}": order[number::SETS] for number in range(SETS)}
    rows = []
    for images, which in tqdm(sets.items(), desc="similarity", unit="set"):
        first, second = split_raters(counts[which])
        told = {name: cosine(values[place[which]]) for name, values in held.items()}
        for raters, given in (("all", counts[which]), ("half", first)):
            labels, against = matrices(given), told if raters == "all" else {"other half of raters": cosine(second)}
            found = {n: recover_similarity(labels[n])["similarity"].values for n in KINDS if n not in SAME_AS_HARD}
            for name in KINDS:
                entropy = label_entropy(soft_labels(given, **KINDS[name])).mean()  # type: ignore[arg-type]
                both = found["hard" if name in SAME_AS_HARD else name], cosine(labels[name])
                for reference, similarity in against.items():
                    rho = [similarity_correlation(each, similarity) for each in both]
                    rows.append((images, name, reference, *rho, entropy, len(which)))
    columns = ["images", "labels", "reference", "spearman", "spearman_of_labels", "entropy", "n_images"]
    return pd.DataFrame(rows, columns=columns)


def cosine(features: np.ndarray) -> np.ndarray:
    """Cosine similarity (n, n) of centred features (n, p)."""
    centred = features - features.mean(axis=0, dtype=np.float64)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    return centred @ centred.T


def drawn(classes: np.ndarray, pool: np.ndarray, per_class: int, seed: int) -> np.ndarray:
    """So many images of each class, at random from the pool."""
    random = np.random.default_rng(seed)
    return np.concatenate([random.permutation(pool[classes[pool] == k])[:per_class] for k in np.unique(classes)])


def resumed(path: Path, wanted: Iterable[tuple], columns: list[str], work: Callable[..., list[dict]]) -> pd.DataFrame:
    """Rows of all the wanted jobs; those that the file has are not done again, and it is written after each."""
    table = pd.read_csv(path) if path.exists() else pd.DataFrame(columns=columns)
    done = set(map(tuple, table[columns].drop_duplicates().to_numpy().tolist()))
    for job in tqdm([job for job in wanted if job not in done], desc=path.stem, unit="draw"):
        new = pd.DataFrame([dict(zip(columns, job, strict=True)) | row for row in work(*job)])
        table = new if table.empty else pd.concat([table, new], ignore_index=True)
        with atomic_path(path) as part:
            table.to_csv(part, index=False, float_format="%.6g")
    return table


def scored(probabilities: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Scores against label distributions."""
    found = scores(soft_image_scores(probabilities, labels))
    names = {"nll": "cross_entropy", "accuracy": "accuracy", "calibration_error": "calibration_error"}
    return {ours: float(found[theirs][0]) for theirs, ours in names.items()}


def paired(group: pd.DataFrame, pair: str, value: str, level: float = 0.95) -> dict[str, tuple[float, ...]]:
    """Mean difference from hard labels over draws or sets, its Student interval, how many, hard labels' mean."""
    wide, found = group.pivot(index=pair, columns="labels", values=value), {}
    for name in [name for name in dict.fromkeys(group["labels"]) if name != "hard"]:
        change = (wide[name] - wide["hard"]).dropna()
        mean, half = change.mean(), stats.t.ppf(0.5 + level / 2, len(change) - 1) * stats.sem(change)
        found[name] = (mean, mean - half, mean + half, len(change), wide["hard"].mean())
    return found


def differences(table: pd.DataFrame, pair: str, by: list[str]) -> pd.DataFrame:
    """Differences of scores from those with hard labels, beside the paper's."""
    rows = []
    for key, group in table.groupby(by, sort=False):
        key = key if isinstance(key, tuple) else (key,)
        at = [80, 8].index(int(group["per_class"].iloc[0]))
        for target in ("class", "human"):
            for quantity in ("cross_entropy", "accuracy", "calibration_error"):
                for name, found in paired(group, pair, f"{quantity}_{target}").items():
                    known = name in PAPER and quantity == "cross_entropy"
                    told = round(PAPER[name][at] - PAPER["hard"][at], 2) if known else np.nan
                    rows.append((*key, name, target, quantity, *found, told))
    return pd.DataFrame(rows, columns=[*by, "labels", "target", "quantity", *PAIRED, "paper"])


def similarity_differences(table: pd.DataFrame) -> pd.DataFrame:
    """Differences of correlations from those of hard labels, over the disjoint sets of images."""
    rows = []
    for reference, group in table[table["n_images"] == PER_SET].groupby("reference", sort=False):
        for value in ("spearman", "spearman_of_labels"):
            rows += [(reference, value, name, *found) for name, found in paired(group, "images", value).items()]
    return pd.DataFrame(rows, columns=["reference", "quantity", "labels", *PAIRED])


class Images:
    """The test images of CIFAR-10 with their human labels; a fifth is for tests alone."""

    def __init__(self, data: Path, out: Path) -> None:
        self.data, self.out = data, out
        self.pixels, self.classes = decoded(data / "cifar10" / "jpeg_test.npz")
        self.counts = read_label_counts(data / "cifar10" / "cifar10h_counts.npy", labels=self.classes)
        order = np.random.default_rng(0).permutation(len(self.classes))
        self.test, self.pool = order[:2000], order[2000:]
        self.targets = {"class": np.eye(10)[self.classes[self.test]], "human": soft_labels(self.counts[self.test])}

    def features(self, depth: int) -> np.ndarray:
        """Last map of a published ResNet, averaged over space (10000, 64); kept in a file."""
        kept = self.out / f"resnet{depth}-features.npy"
        if not kept.exists():
            (path,) = sorted((self.data / "weights").glob(f"resnet{depth}-*.th"))
            images = na.images(self.pixels.permute(0, 2, 3, 1).numpy(), normalize="cifar")
            net = na.extract(na.load_model(f"cifar:resnet{depth}", weights=str(path)), images, ["layer3"], "mean")
            with atomic_path(kept) as part:
                np.save(part.open("wb"), net.values)
        return np.load(kept, allow_pickle=False)

    def readouts(self, depth: int, per_class: int, draw: int) -> list[dict]:
        """One draw of training images: a readout for each kind of label."""
        features = self.features(depth)
        net = na.make_assembly(features, stimulus_id=np.arange(len(features)))
        rows, found = drawn(self.classes, self.pool, per_class, draw), []
        for name, how in KINDS.items():
            labels = soft_labels(self.counts[rows], seed=draw, **how)  # type: ignore[arg-type]
            result = soft_readout(net[rows], labels, net[self.test], self.targets, n_boot=0, seed=draw)
            row: dict[str, object] = {"labels": name, "penalty": result.attrs["penalty"]}
            for target in self.targets:
                of = result.sel(target=target)
                for quantity in ("cross_entropy", "accuracy", "calibration_error"):
                    row[f"{quantity}_{target}"] = float(of[quantity])
            found.append(row)
        return found

    def scratch(self, per_class: int, seed: int) -> list[dict]:
        """One seed: small networks with the same first weights and images, trained on each kind of label."""
        rows, found = drawn(self.classes, self.pool, per_class, seed), []
        for name, how in KINDS.items():
            labels = soft_labels(self.counts[rows], seed=seed, **how).astype(np.float32)  # type: ignore[arg-type]
            model = train(self.pixels[rows], torch.from_numpy(labels), seed, SCRATCH[per_class][0], f"{name} {seed}")
            with torch.no_grad():
                logits = torch.cat([model(shown(batch)) for batch in self.pixels[self.test].split(250)])
            probabilities = softmax(logits.double().numpy())
            row: dict[str, object] = {"labels": name}
            for target, told in self.targets.items():
                row |= {f"{quantity}_{target}": v for quantity, v in scored(probabilities, told).items()}
            found.append(row)
        return found


def write(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    with atomic_path(path) as part:
        table.to_csv(part, index=False, float_format="%.6g")
    print(f"\n{path.name}\n{table.to_string(index=False, float_format='%.4g')}", flush=True)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("human-labels"))
    parts = ["entropy", "bits", "similarity", "readouts", "scratch"]
    parser.add_argument("--parts", nargs="*", default=parts, choices=parts)
    parser.add_argument("--draws", type=int, default=None, help="of readouts, instead of 40 and 20 (20 and 10)")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    images = Images(arguments.data, out)
    if "entropy" in arguments.parts:
        write(entropy_table(images.counts), out / "label-entropies.csv")
    if "bits" in arguments.parts:
        write(bits_table(images.counts), out / "label-bits.csv")
    if "similarity" in arguments.parts:
        found = similarity_table(arguments.data, images.counts, images.pixels, images.features(56))
        write(found, out / "label-similarity.csv")
        write(similarity_differences(found), out / "label-similarity-differences.csv")
    if "readouts" in arguments.parts:
        draws = {
            (depth, per): arguments.draws or most // (56 // depth) for depth in (56, 20) for per, most in DRAWS.items()
        }
        jobs = [(depth, per, draw) for (depth, per), n in draws.items() for draw in range(n)]
        columns = ["depth", "per_class", "draw"]
        found = resumed(out / "label-readouts.csv", jobs, columns, images.readouts)
        write(differences(found, "draw", columns[:2]), out / "label-readout-differences.csv")
    if "scratch" in arguments.parts:
        jobs = [(per, seed) for per, (_, seeds) in SCRATCH.items() for seed in range(seeds)]
        found = resumed(out / "label-scratch.csv", jobs, ["per_class", "seed"], images.scratch)
        write(differences(found, "seed", ["per_class"]), out / "label-scratch-differences.csv")
    draw(out, list(KINDS))


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        main()
