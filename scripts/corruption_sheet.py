"""Contact sheets of the fifteen corruption kinds (rows) at five severities (columns, the clean image first).

Run: python scripts/corruption_sheet.py DATA --out FOLDER    (DATA holds cifar10/lossless_subset.npz and imagenette224/)

Writes corruptions_cifar.png (an image of 32 pixels, enlarged by copying pixels) and corruptions_imagenet.png (one of
224 pixels, shown as they are); a few seconds.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

import neuroalpha as na

MARGIN, LEFT, TOP = 4, 150, 24


def sheet(image: np.ndarray, enlarge: int, seed: int) -> Image.Image:
    """One image (H, W, 3) in all 75 conditions, as a picture with names."""
    kinds = na.list_corruptions()
    height, width = (side * enlarge + MARGIN for side in image.shape[:2])
    picture = Image.new("RGB", (LEFT + 6 * width, TOP + len(kinds) * height), "white")
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(14)
    for column in range(6):
        name = f"severity {column}" if column else "clean"
        pen.text((LEFT + column * width + 2, 4), name, fill="black", font=font)
    for row, kind in enumerate(kinds):
        pen.text((4, TOP + row * height + height // 2 - 8), kind, fill="black", font=font)
        shown = [image] + [na.corrupt(image[None], kind, severity, seed=seed)[0] for severity in range(1, 6)]
        for column, pixels in enumerate(shown):
            tile = Image.fromarray(pixels.repeat(enlarge, axis=0).repeat(enlarge, axis=1))
            picture.paste(tile, (LEFT + column * width, TOP + row * height))
    return picture


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("."))
    parser.add_argument("--image", type=int, default=3, help="which CIFAR test image of the lossless subset")
    parser.add_argument("--file", type=Path, help="the larger image; the first of imagenette224/val by default")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    small = np.load(arguments.data / "cifar10" / "lossless_subset.npz", allow_pickle=False)["Xte"][arguments.image]
    file = arguments.file or sorted((arguments.data / "imagenette224" / "val").glob("*/*"))[0]
    large = np.asarray(Image.open(file).convert("RGB"))
    for name, image, enlarge in (("cifar", small, 4), ("imagenet", large, 1)):
        path = arguments.out / f"corruptions_{name}.png"
        sheet(image, enlarge, arguments.seed).save(path)
        print(
            f"{path}: {len(na.list_corruptions())} kinds, five severities, {image.shape[0]} x {image.shape[1]} pixels"
        )


if __name__ == "__main__":
    main()
