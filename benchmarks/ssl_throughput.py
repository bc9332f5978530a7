"""Views a second while a network learns by SimCLR: our loop beside lightly's, on the same network, batch and device.

``python benchmarks/ssl_throughput.py [--quick] [--device cuda] [--workers 2] [--batch 256] [--network convnet4 ...]``

Lightly's loop is that of its CIFAR-10 benchmark: its SimCLR transform (32 pixels, colour strength .5, no blur) in a
DataLoader with shuffling, its NT-Xent loss, SGD with momentum, float32. It is spared what the benchmark does besides:
images are in memory as PIL images, there is no Lightning around it and no readout, and the clock starts when the first
batch is done, with the next ones ready in the workers. Ours is :func:`neuroalpha.ssl.train.train` as it is, with the
monitor of alpha and the online readout, in float32 and with the precision that it chooses by itself. Both hold the same
backbone and projector. In turns, so that a machine that slows down slows all of them; medians over turns. On a machine
that others use, ``--clock cpu`` counts the processor time of this process in place of the clock on the wall, for loops
without workers and one thread (OMP_NUM_THREADS=1).

Below, what the time goes to: views alone, lightly's and ours, in one thread; and the bare network, forward and backward
on views that are ready.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from lightly.loss import NTXentLoss
from lightly.transforms import SimCLRTransform
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from neuroalpha.ssl.settings import TrainSettings, make_settings
from neuroalpha.ssl.step import Learner, build_network
from neuroalpha.ssl.train import train
from neuroalpha.ssl.views import Views

TARGET = 15_000  # views a second of ResNet-18 at 32 pixels on a GPU of the H100's class


class Pictures(Dataset):
    """What a folder of pictures gives, without reading it."""

    def __init__(self, pixels: np.ndarray, transform: Callable[[Image.Image], list[Tensor]]) -> None:
        self.pictures, self.transform = [Image.fromarray(each) for each in pixels], transform

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> list[Tensor]:
        return self.transform(self.pictures[index])


def lightlys_transform() -> SimCLRTransform:
    return SimCLRTransform(input_size=32, cj_strength=0.5, gaussian_blur=0.0)


now = time.perf_counter


def wait(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize()


def make_settings_for(network: str, given: argparse.Namespace, precision: str) -> TrainSettings:
    batch = given.batch or (512 if given.device.startswith("cuda") else 32 if network == "resnet18" else 256)
    return make_settings(
        {
            "objective": "simclr",
            "backbone": network,
            "projector_hidden": 512,
            "projector_out": 128,
            "batch_size": batch,
            "epochs": 1,
            "precision": precision,
            "device": given.device,
            "deterministic": not given.device.startswith("cuda"),
        }
    )


def lightly_loop(settings: TrainSettings, pixels: np.ndarray, workers: int) -> Callable[[], float]:
    """Lightly's loop over the images; returns views a second."""
    device = settings.device
    network = build_network(settings).to(device).train()
    loader = DataLoader(
        Pictures(pixels, lightlys_transform()),
        batch_size=settings.batch_size,
        shuffle=True,
        drop_last=True,
        num_workers=workers,
        persistent_workers=workers > 0,
    )
    criterion = NTXentLoss()
    optimiser = torch.optim.SGD(network.parameters(), lr=0.06, momentum=0.9, weight_decay=5e-4)

    def run() -> float:
        begun, steps = 0.0, 0
        for first, second in loader:
            loss = criterion(network(first.to(device)), network(second.to(device)))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            steps += 1
            if steps == 1:
                wait(device)
                begun = now()
        wait(device)
        return 2 * settings.batch_size * (steps - 1) / (now() - begun)

    return run


def our_loop(settings: TrainSettings, pixels: np.ndarray) -> Callable[[], float]:
    """Our loop over the images: ``train`` itself, with a clock around its steps."""
    labels = np.arange(len(pixels)) % 10
    step = Learner.step

    def run() -> float:
        ends: list[float] = []

        def clocked(self: Learner, *inputs: Any) -> Tensor:
            loss = step(self, *inputs)
            if not ends or len(ends) == len(pixels) // settings.batch_size - 1:
                wait(settings.device)
            ends.append(now())
            return loss

        Learner.step = clocked  # type: ignore[method-assign, assignment]
        try:
            train(pixels, settings, labels=labels, test=(pixels[:100], labels[:100]), progress=False)
        finally:
            Learner.step = step  # type: ignore[method-assign]
        return 2 * settings.batch_size * (len(ends) - 1) / (ends[-1] - ends[0])

    return run


def bare_network(settings: TrainSettings, precision: str, steps: int) -> Callable[[], float]:
    """Forward and backward on views that are ready, in the memory order and precision of our loop."""
    device = settings.device
    network = build_network(settings).to(device).to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    views = torch.randn(2, settings.batch_size, 3, 32, 32, device=device)
    ready = [each.contiguous(memory_format=torch.channels_last) for each in views]

    def once() -> None:
        with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=precision == "bfloat16"):
            made = [network(each) for each in ready]
        network.zero_grad()
        sum(each.float().square().mean() for each in made).backward()  # type: ignore[union-attr]

    def run() -> float:
        once()
        wait(device)
        begun = now()
        for _ in range(steps):
            once()
        wait(device)
        return 2 * settings.batch_size * steps / (now() - begun)

    return run


def in_turns(calls: dict[str, Callable[[], float]], turns: int) -> dict[str, list[float]]:
    rates: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(turns):
        for name, call in calls.items():
            rates[name].append(call())
            print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return rates


def measure(network: str, given: argparse.Namespace) -> None:
    plain, own = (make_settings_for(network, given, precision) for precision in ("float32", "auto"))
    steps = given.steps or (3 if network == "resnet18" and given.device == "cpu" else 8)
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (plain.batch_size * (steps + 1), 32, 32, 3), dtype=np.uint8)
    helped = (0, given.workers) if given.clock == "wall" and given.workers else (0,)
    calls = {f"lightly, {workers} workers": lightly_loop(plain, pixels, workers) for workers in helped}
    calls["ours, float32"] = our_loop(plain, pixels)
    calls["ours, its own precision"] = our_loop(own, pixels)
    for precision in ("float32", "bfloat16"):
        calls[f"bare network, {precision}"] = bare_network(plain, precision, steps)
    rates = in_turns(calls, given.turns)
    medians = {name: statistics.median(each) for name, each in rates.items()}
    best = max(value for name, value in medians.items() if name.startswith("lightly"))
    first = next(iter(medians.values()))
    print(f"\n{network}, batches of {plain.batch_size} images of 32 px, {given.device}; {steps} steps a turn")
    print(f"{'':<30}{'views/s':>10}{'lowest':>10}{'highest':>10}{'x lightly, 0 workers':>22}{'x its faster':>14}")
    for name, value in medians.items():
        low, high = min(rates[name]), max(rates[name])
        print(
            f"{name:<30}{value:>10.0f}{low:>10.0f}{high:>10.0f}{value / first:>22.2f}{value / best:>14.2f}", flush=True
        )
    if network == "resnet18" and given.device.startswith("cuda"):
        reached = medians["ours, its own precision"] / TARGET
        print(f"target on a GPU of the H100's class: {TARGET} views/s; {reached:.2f} of it")


def views_alone(given: argparse.Namespace) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (256, 32, 32, 3), dtype=np.uint8)
    pictures = Pictures(pixels, lightlys_transform())
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous().to(given.device)
    views, generator = Views(32), torch.Generator(given.device).manual_seed(0)

    def lightlys() -> float:
        begun = now()
        for index in range(len(pictures)):
            pictures[index]
        return 2 * len(pictures) / (now() - begun)

    def ours() -> float:
        wait(given.device)
        begun = now()
        for _ in range(10):
            views(images, generator)
        wait(given.device)
        return 10 * len(pictures) / (now() - begun)

    ours()
    rates = in_turns({"lightly": lightlys, "ours": ours}, max(given.turns, 5))
    theirs, own = (statistics.median(each) for each in rates.values())
    milliseconds = f"lightly {256e3 / theirs:.0f} ms, ours {256e3 / own:.1f} ms"
    print(f"\nviews alone, 256 images of 32 px: {milliseconds}: {own / theirs:.0f} x")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--network", nargs="+", default=["convnet4", "resnet18"])
    parser.add_argument("--batch", type=int, help="images; instead of 256 (ResNet-18: 32) on a CPU, 512 on a GPU")
    parser.add_argument("--steps", type=int, help="timed in a turn; instead of 8 (ResNet-18 on a CPU: 3)")
    parser.add_argument("--turns", type=int)
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="of lightly's second loop")
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall")
    given = parser.parse_args()
    if given.clock == "cpu":
        global now
        now = time.process_time
    given.turns = given.turns or (1 if given.quick else 5)
    given.steps = given.steps or (2 if given.quick else None)
    where = torch.cuda.get_device_name() if given.device.startswith("cuda") else f"{torch.get_num_threads()} threads"
    told = f"{where}, load {os.getloadavg()[0]:.1f}; medians of {given.turns} turns by the {given.clock} clock"
    print(f"torch {torch.__version__}, {told}", flush=True)
    views_alone(given)
    for network in given.network:
        measure(network, given)


if __name__ == "__main__":
    main()
