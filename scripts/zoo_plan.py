"""Write the plan of a zoo of 39 networks on Imagenette and CIFAR-10 images, and say how to run it.

Run: python scripts/zoo_plan.py DATA --out zoo.toml && neuroalpha zoo run zoo.toml --out zoo --allow-code

DATA holds imagenette224/val, cifar10/lossless_subset.npz, weights/resnet*.th and squeezenet1_1_imagenet_notop.h5.
Thirty torchvision architectures and four CIFAR ResNets with random weights, the four trained CIFAR ResNets at all
stages, SqueezeNet with ImageNet weights. About ten minutes on two cores.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

TORCHVISION = (
    "alexnet", "vgg11", "resnet18", "resnet34", "resnet50", "resnext50_32x4d", "wide_resnet50_2", "squeezenet1_0",
    "squeezenet1_1", "densenet121", "densenet169", "googlenet", "mnasnet0_5", "mnasnet1_0", "mobilenet_v2",
    "mobilenet_v3_small", "mobilenet_v3_large", "shufflenet_v2_x0_5", "shufflenet_v2_x1_0", "shufflenet_v2_x2_0",
    "efficientnet_b0", "efficientnet_b1", "efficientnet_v2_s", "regnet_x_400mf", "regnet_x_1_6gf", "regnet_y_400mf",
    "regnet_y_1_6gf", "convnext_tiny", "swin_t", "swin_v2_t",
)  # fmt: skip


def table(_kind: str, /, **entries: object) -> str:
    """One TOML table; JSON's texts, numbers and lists are TOML's too."""
    lines = [f"{key} = {json.dumps(value)}" for key, value in entries.items() if not isinstance(value, dict)]
    lines += [
        f"{key} = {{ {', '.join(f'{k} = {json.dumps(v)}' for k, v in value.items())} }}"
        for key, value in entries.items()
        if isinstance(value, dict)
    ]
    return f"[[{_kind}]]\n" + "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("zoo.toml"))
    parser.add_argument("--pixels", type=int, default=128, help="Side of the Imagenette images.")
    parser.add_argument("--few", action="store_true", help="Every fifth architecture, 120 images: for a trial.")
    arguments = parser.parse_args()
    data = arguments.data.resolve()
    step, limit = (5, 120) if arguments.few else (1, 1000)
    parts = ['title = "A zoo of networks"', 'windows = ["auto", [4, 60]]', ""]
    parts += [table("models", name=f"torchvision:{name}") for name in TORCHVISION[::step]]
    parts += [table("models", name="cifar:*", exclude=["resnet110"])]
    for depth in (20, 32, 44, 56):
        (weights,) = sorted((data / "weights").glob(f"resnet{depth}-*.th"))
        parts.append(table("models", name=f"cifar:resnet{depth}", weights=str(weights)))
    code = Path(__file__).resolve().with_name("keras_squeezenet.py")
    keras = str(data / "weights" / "squeezenet1_1_imagenet_notop.h5")
    parts.append(table("models", code=f"{code}:imagenet", options={"weights": keras}))
    cropped = {"size": arguments.pixels + arguments.pixels // 8, "crop": arguments.pixels}
    folder = str(data / "imagenette224" / "val")
    shown = {"models": ["torchvision:*", "keras_squeezenet.py*"], "limit": limit, "sample_seed": 0}
    parts.append(table("images", name="Imagenette", source=folder, **cropped, **shown))
    lossless = {"source": str(data / "cifar10" / "lossless_subset.npz"), "key": "Xte", "label_key": "yte"}
    parts.append(table("images", name="CIFAR-10", **lossless, normalize="cifar", limit=limit, models=["cifar:*"]))
    stages = ["bn1", "layer1", "layer2", "layer3", "avgpool"]
    parts.append(table("layers", select=stages, models=["cifar:*"], reduce="flatten"))
    swin = ["features.1", "features.3", "features.5", "features.7", "output"]
    parts.append(table("layers", select=swin, models=["torchvision:swin*"], reduce="mean", channels="last"))
    parts.append(table("layers", select=["features.?", "output"], models=["torchvision:convnext*"], reduce="mean"))
    parts.append(table("layers", select=["features.*"], models=["*squeezenet*"], reduce="mean", pick=6))
    parts.append(table("layers", select=["*"], reduce="mean", pick=6))
    parts.append('[run]\nbatch_size = 32\nthreads = 1\nmemory = "2 GB"\n')
    arguments.out.write_text("\n".join(parts), encoding="utf-8")
    print(
        f"{arguments.out}: now  neuroalpha zoo run {arguments.out} --out {arguments.out.stem} --allow-code --workers 2"
    )


if __name__ == "__main__":
    main()
