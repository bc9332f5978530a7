"""Does alpha tell how CIFAR-10 networks generalise? Four published ResNets and 22 small networks, all their stages.

Run: python scripts/small_networks.py DATA --out NETWORKS                  (trains them, about half an hour)
     python scripts/cifar_generalisation.py DATA NETWORKS --out FOLDER    (about half an hour)

DATA holds cifar10/ (lossless_subset.npz, jpeg_test.npz, cifar10n_labels.npz) and weights/*.th. Readouts are trained on
1,500 lossless training images and tested on 600 lossless test images, their corrupted and their JPEG copies; with label
noise of three synthetic kinds and by people (CIFAR-10N). Alpha is that of the same training images. A run that was
killed goes on. ``--reduce mean`` takes responses averaged over space, and all lossless training images.
"""

from __future__ import annotations

import argparse
import io
import json
from pathlib import Path

import numpy as np
from PIL import Image
from small_networks import RECIPES

import neuroalpha as na
from neuroalpha.runs.statements import relate_run, write_statements

RESNETS = (20, 32, 44, 56)
N_TRAIN = 1500
N_TEST = 600
CLASSES = json.dumps("airplane automobile bird cat deer dog frog horse ship truck".split())


def write_images(data: Path, out: Path, n_train: int) -> None:
    """The image sets of the plan, and the human labels of the training images."""
    held = np.load(data / "cifar10" / "lossless_subset.npz", allow_pickle=False)
    jpeg = np.load(data / "cifar10" / "jpeg_test.npz", allow_pickle=False)
    names = jpeg["class_names"].astype(str)
    rows = held["idx_tr"][:n_train]
    np.savez(out / "train.npz", images=held["Xtr"][:n_train], labels=names[held["ytr"][:n_train]])
    np.savez(out / "test.npz", images=held["Xte"][:N_TEST], labels=names[held["yte"][:N_TEST]])
    copies = [jpeg["jpeg"][jpeg["offset"][i] : jpeg["offset"][i + 1]].tobytes() for i in held["idx_te"][:N_TEST]]
    pixels = np.stack([np.asarray(Image.open(io.BytesIO(copy))) for copy in copies])
    np.savez(out / "test-jpeg.npz", images=pixels, labels=names[held["yte"][:N_TEST]])
    labels = na.read_human_labels(data / "cifar10" / "cifar10n_labels.npz", index=rows, clean=held["ytr"][:n_train])
    labels = {name: labels[name] for name in ("aggregate", "random1", "worst")}
    np.savez(out / "human.npz", clean_label=held["ytr"][:n_train], **labels)
    wrong = {name: float((given != held["ytr"][:n_train]).mean()) for name, given in labels.items()}
    print("share of wrong human labels among these training images:", {k: round(v, 3) for k, v in wrong.items()})


def plan_text(data: Path, networks: Path, reduce: str, corruptions: bool) -> str:
    """The plan of the run, as TOML."""
    parts = ['title = "CIFAR-10: alpha and generalisation"', 'windows = ["auto", [4, 64], [11, 100], [11, 400]]']
    for depth in RESNETS:
        (weights,) = sorted((data / "weights").glob(f"resnet{depth}-*.th"))
        parts.append(f'[[models]]\nname = "cifar:resnet{depth}"\nweights = {quoted(weights)}\nfamily = "ResNet"')
    for name, recipe in RECIPES.items():
        options = f"{{ checkpoint = {quoted(networks / f'{name}.pt')}, recipe = {quoted(name)} }}"
        code = quoted(Path(__file__).resolve().parent / "small_networks.py")[:-1] + ':trained"'
        parts.append(
            f"[[models]]\ncode = {code}\noptions = {options}\nlabel = {quoted(name)}\nfamily = {quoted(recipe.family)}"
        )
    for name in ("train", "test", "test-jpeg"):
        parts.append(
            f'[[images]]\nname = "{name}"\nsource = "{name}.npz"\nkey = "images"\nlabel_key = "labels"\n'
            'normalize = "cifar"'
        )
    parts.append(f'[[layers]]\nmodels = ["cifar:*"]\nselect = ["relu", "layer?"]\nreduce = "{reduce}"')
    parts.append(f'[[layers]]\nselect = ["stem", "stage?"]\nreduce = "{reduce}"')
    on = 'images = ["train"]'
    parts.append(f'[[tasks]]\nkind = "spectra"\n{on}\ndraws = 10')
    parts.append(f'[[tasks]]\nkind = "readouts"\n{on}\ntest = "test"\nclassifiers = ["ridge", "knn"]')
    kinds = '["*"]' if corruptions else "[]"
    parts.append(f'[[tasks]]\nkind = "shifts"\n{on}\ntest = "test"\ncorruptions = {kinds}\nnatural = ["test-jpeg"]')
    parts.append(f'[[tasks]]\nkind = "noise"\n{on}\ntest = "test"\nhuman = ["human.npz"]\nclasses = {CLASSES}')
    parts.append("[run]\nbatch_size = 128")
    return "\n\n".join(parts) + "\n"


def quoted(text: object) -> str:
    """A TOML string; JSON's are."""
    return json.dumps(str(text))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("networks", type=Path)
    parser.add_argument("--out", type=Path, default=Path("cifar-generalisation"))
    parser.add_argument("--reduce", default="flatten", choices=["flatten", "mean"])
    parser.add_argument("--no-corruptions", action="store_true", help="the JPEG shift alone: a few minutes")
    arguments = parser.parse_args()
    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    data, networks = arguments.data.resolve(), arguments.networks.resolve()
    write_images(data, out, N_TRAIN if arguments.reduce == "flatten" else 10_000)
    text = plan_text(data, networks, arguments.reduce, not arguments.no_corruptions)
    (out / "plan.toml").write_text(text, encoding="utf-8")
    done = na.run_zoo(out / "plan.toml", out / "run", allow_code=True)
    print(f"{done.n_groups} networks, {done.n_done} results added, {done.n_failed} failed")
    print("\n".join(map(str, na.write_report(out / "run"))))
    for claim in ("ood", "noise"):
        found = relate_run(out / "run", claim, progress=True)
        folder = out / claim
        folder.mkdir(exist_ok=True)
        write_statements(found, folder)
        print("\n" + "\n".join(found.summary))
        print(found.overview.round(3).to_string(index=False))


if __name__ == "__main__":
    main()
