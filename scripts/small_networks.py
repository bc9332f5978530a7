"""Small supervised networks for CIFAR-10 that differ in width, depth, activation, weight decay and augmentation.

Run: python scripts/small_networks.py DATA --out FOLDER    where DATA holds cifar10/jpeg_train.npz and jpeg_test.npz

Trains each on the 50,000 JPEG training images, about a minute on two cores, and writes one checkpoint for each;
networks whose checkpoint is there are not trained again. A plan of a zoo takes them by
``code = "small_networks.py:trained"``.
"""

from __future__ import annotations

import argparse
import io
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

ACTIVATIONS = {"relu": nn.ReLU, "gelu": nn.GELU, "tanh": nn.Tanh}
MEAN, SD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, as the published CIFAR ResNets were trained with


@dataclass(frozen=True)
class Recipe:
    """What a network is and how it is trained."""

    width: int = 32
    """Channels of the first stage; the second has twice, the third four times as many."""
    depth: int = 1
    """Convolutions in a stage."""
    activation: str = "relu"
    residual: bool = False
    weight_decay: float = 5e-4
    augmentation: str = "flip"
    """"none", "flip" (and shift by up to 4 pixels), or "erase" (that, and a square of 12 pixels cut out)."""
    epochs: int = 4

    @property
    def family(self) -> str:
        """Networks of one family share activation and kind of block."""
        return "residual" if self.residual else f"plain {self.activation}"


RECIPES = {
    "plain-w16": Recipe(16, epochs=5),
    "plain-w32": Recipe(),
    "plain-w48": Recipe(48, epochs=3),
    "plain-d2": Recipe(24, 2),
    "plain-d3": Recipe(20, 3),
    "plain-bare": Recipe(augmentation="none"),
    "plain-erase": Recipe(augmentation="erase"),
    "plain-wd0": Recipe(weight_decay=0.0),
    "plain-wd5": Recipe(weight_decay=5e-3),
    "plain-short": Recipe(epochs=1),
    "gelu-w24": Recipe(24, activation="gelu"),
    "gelu-d2": Recipe(20, 2, activation="gelu"),
    "gelu-bare": Recipe(24, activation="gelu", augmentation="none"),
    "gelu-wd5": Recipe(24, activation="gelu", weight_decay=5e-3),
    "tanh-w16": Recipe(16, activation="tanh"),
    "tanh-w32": Recipe(activation="tanh"),
    "tanh-wd5": Recipe(activation="tanh", weight_decay=5e-3),
    "tanh-erase": Recipe(activation="tanh", augmentation="erase"),
    "residual-w16": Recipe(16, 2, residual=True),
    "residual-w24": Recipe(24, 2, residual=True),
    "residual-bare": Recipe(20, 2, residual=True, augmentation="none"),
    "residual-wd0": Recipe(20, 2, residual=True, weight_decay=0.0),
}


class Unit(nn.Module):
    """Convolution, batch norm and activation, with a shortcut around them where the network is residual."""

    def __init__(self, before: int, after: int, activation: str, residual: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, after, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(after)
        self.act = ACTIVATIONS[activation]()
        self.around = residual and before == after

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, before, H, W) to (N, after, H, W)."""
        y = self.norm(self.conv(x))
        return self.act(y + x if self.around else y)


class SmallNetwork(nn.Module):
    """A stem and three stages at 16, 8 and 4 pixels, the mean over space, and a linear layer."""

    def __init__(self, recipe: Recipe, num_classes: int = 10) -> None:
        super().__init__()
        widths = [recipe.width, recipe.width, 2 * recipe.width, 4 * recipe.width]
        self.stem = Unit(3, widths[0], recipe.activation, False)
        for number in (1, 2, 3):
            sides = [widths[number - 1]] + [widths[number]] * recipe.depth
            units = [Unit(a, b, recipe.activation, recipe.residual) for a, b in pairwise(sides)]
            setattr(self, f"stage{number}", nn.Sequential(nn.MaxPool2d(2), *units))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.linear = nn.Linear(widths[3], num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Images (N, 3, H, W) to logits (N, num_classes)."""
        x = self.stage3(self.stage2(self.stage1(self.stem(x))))
        return self.linear(self.pool(x).flatten(1))


def trained(checkpoint: str, recipe: str) -> nn.Module:
    """The network of a recipe with the weights of a checkpoint, for plans of a zoo."""
    model = SmallNetwork(RECIPES[recipe])
    model.load_state_dict(torch.load(checkpoint, weights_only=True))
    return model


def decoded(path: Path) -> tuple[Tensor, Tensor]:
    """All images (n, 3, 32, 32) uint8 and labels of one of the JPEG archives."""
    with np.load(path, allow_pickle=False) as held:
        jpeg, offset, label = held["jpeg"].tobytes(), held["offset"], held["label"]
    pixels = [np.asarray(Image.open(io.BytesIO(jpeg[a:b]))) for a, b in pairwise(offset)]
    return torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).contiguous(), torch.from_numpy(label.astype(np.int64))


def shown(pixels: Tensor) -> Tensor:
    """Pixels as the networks see them."""
    mean, sd = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, SD))
    return (pixels.float() / 255 - mean) / sd


def augmented(pixels: Tensor, how: str, random: torch.Generator) -> Tensor:
    """A batch of uint8 images, each flipped, shifted and erased at random."""
    if how == "none":
        return shown(pixels)
    n = len(pixels)
    flip = torch.rand(n, generator=random) < 0.5
    pixels = torch.where(flip[:, None, None, None], pixels.flip(3), pixels)
    down, right = torch.randint(0, 9, (2, n, 1), generator=random)
    padded = F.pad(pixels, (4, 4, 4, 4))
    rows, columns = (down + torch.arange(32))[:, :, None], (right + torch.arange(32))[:, None, :]
    images = shown(padded.permute(0, 2, 3, 1)[torch.arange(n)[:, None, None], rows, columns].permute(0, 3, 1, 2))
    if how == "erase":
        top, left = torch.randint(-6, 26, (2, n, 1), generator=random)
        y, x = torch.arange(32)[None] - top, torch.arange(32)[None] - left
        inside = ((y >= 0) & (y < 12))[:, :, None] & ((x >= 0) & (x < 12))[:, None, :]
        images = images.masked_fill(inside[:, None], 0.0)
    return images


def train(recipe: Recipe, pixels: Tensor, labels: Tensor, seed: int, name: str) -> nn.Module:
    """Stochastic gradient descent with a one-cycle learning rate."""
    torch.manual_seed(seed)
    random = torch.Generator().manual_seed(seed)
    model = SmallNetwork(recipe).train().to(memory_format=torch.channels_last)
    batch, steps = 128, recipe.epochs * (len(pixels) // 128)
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9, nesterov=True, weight_decay=recipe.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.2, steps)
    with tqdm(total=steps, desc=name, unit="batch", delay=1) as bar:
        for _ in range(recipe.epochs):
            order = torch.randperm(len(pixels), generator=random)
            for rows in order.split(batch)[: len(pixels) // batch]:
                images = augmented(pixels[rows], recipe.augmentation, random).to(memory_format=torch.channels_last)
                with torch.autocast("cpu", dtype=torch.bfloat16):  # two thirds of the time
                    loss = F.cross_entropy(model(images), labels[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                bar.update()
    return model.eval()


@torch.no_grad()
def accuracy(model: nn.Module, pixels: Tensor, labels: Tensor) -> float:
    """Share of images that are named rightly."""
    right = [(model(shown(x)).argmax(1) == y).sum() for x, y in zip(pixels.split(500), labels.split(500), strict=True)]
    return float(sum(right)) / len(labels)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("small-networks"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", default=list(RECIPES))
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    missing = [name for name in arguments.only if not (arguments.out / f"{name}.pt").exists()]
    if not missing:
        return
    pixels, labels = decoded(arguments.data / "cifar10" / "jpeg_train.npz")
    test = decoded(arguments.data / "cifar10" / "jpeg_test.npz")
    for name in missing:
        begun = time.perf_counter()
        model = train(RECIPES[name], pixels, labels, arguments.seed, name)
        seconds = time.perf_counter() - begun
        half = arguments.out / f"{name}.pt.part"
        torch.save(model.state_dict(), half)
        half.rename(arguments.out / f"{name}.pt")
        print(f"{name}: {accuracy(model, *test):.1%} of the JPEG test images, {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
