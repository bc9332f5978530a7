"""Spectra of network layers: cost beyond the bare forward pass, beside the bare Gram product, and memory.

    python benchmarks/model_spectra.py [--quick] [--device cuda] [--only pooled|wide|memory] [--images N]

Three questions, each answered side by side in one process, in turns, by medians:

- pooled: AlexNet, five layers of up to 4,096 units; what the spectra add to the forward pass, without and with draws;
- wide: four flattened stages and the pooled output of ResNet-18 (376,832 units); what the spectra take beyond the
  forward pass, over numpy's ``x @ x.T`` of matrices of the same sizes that are ready in memory;
- memory: peak resident memory of fresh processes against the number of stimuli.

Weights are random: they change neither time nor memory. Threads are those of the machine unless OMP_NUM_THREADS is set.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
import torchvision
from torch import nn

from neuroalpha.networks.spectra import model_spectra

POOLED = {"features.2": "mean", "features.5": "mean", "features.12": "mean", "classifier.1": "flatten",
          "classifier.4": "flatten"}  # fmt: skip
WIDE = ["layer1", "layer2", "layer3", "layer4", "avgpool"]
UNITS = [200_704, 100_352, 50_176, 25_088, 512]


def pictures(n: int, device: str) -> torch.Tensor:
    return torch.rand(n, 3, 224, 224, generator=torch.Generator().manual_seed(0)).to(device)


def forward(model: nn.Module, images: torch.Tensor, batch_size: int = 64) -> None:
    with torch.no_grad():
        for start in range(0, len(images), batch_size):
            model(images[start : start + batch_size].clone())  # as the stream does, lest a model writes into them
    if images.is_cuda:
        torch.cuda.synchronize()


def in_turns(calls: dict[str, Callable[[], object]], repeats: int) -> dict[str, list[float]]:
    """Seconds of each call, in turns, so that a machine that slows down slows all of them."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            begun = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - begun)
            print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return seconds


def pooled(device: str, n: int, repeats: int) -> None:
    torch.manual_seed(0)
    model, images = torchvision.models.alexnet(weights=None).eval().to(device), pictures(n, device)
    options = {"progress": False, "memory": "8 GB"}
    forward(model, images[:128])
    model_spectra(model, images[:128], list(POOLED), POOLED, **options)
    seconds = in_turns(
        {
            "forward": lambda: forward(model, images),
            "no draws": lambda: model_spectra(model, images, list(POOLED), POOLED, **options),
            "10 draws": lambda: model_spectra(model, images, list(POOLED), POOLED, n_draws=10, **options),
        },
        repeats,
    )
    bare = statistics.median(seconds["forward"])
    print(f"\nAlexNet, {n} images, five pooled layers of 64 to 4096 units, {device}")
    print(f"{'':<36}{'s':>8}{'over forward':>14}")
    for name, taken in seconds.items():
        median = statistics.median(taken)
        print(f"{name:<36}{median:>8.2f}{median / bare - 1:>13.1%}", flush=True)


def wide(device: str, n: int, repeats: int) -> None:
    torch.manual_seed(0)
    model, images = torchvision.models.resnet18(weights=None).eval().to(device), pictures(n, device)
    rng = np.random.default_rng(0)
    ready: dict[str, list] = {"float64": [rng.standard_normal((n, p)) for p in UNITS]}
    if device == "cpu":
        ready["float32"] = [x.astype(np.float32) for x in ready["float64"]]
    else:
        ready["float64"] = [torch.from_numpy(x).to(device) for x in ready["float64"]]
    forward(model, images[:64])
    model_spectra(model, images[:64], WIDE, progress=False)

    def product(precision: str) -> None:
        for x in ready[precision]:
            x @ x.T
        if device != "cpu":
            torch.cuda.synchronize()

    calls: dict[str, Callable[[], object]] = {"forward": lambda: forward(model, images)}
    for precision in ready:
        calls[f"bare product, {precision}"] = lambda precision=precision: product(precision)  # type: ignore[misc]
        calls[f"spectra, {precision}"] = lambda precision=precision: model_spectra(  # type: ignore[misc]
            model, images, WIDE, precision=precision, memory="4 GB", progress=False
        )
    seconds = in_turns(calls, repeats)
    bare = statistics.median(seconds["forward"])
    print(f"\nResNet-18, {n} images, five layers of {sum(UNITS)} units, {device}")
    print(f"{'':<36}{'s':>8}{'beyond forward':>16}{'x bare product':>16}")
    for name, taken in seconds.items():
        median, share = statistics.median(taken), ""
        if name.startswith("spectra"):
            reference = statistics.median(seconds["bare product, " + name.split(", ")[1]])
            # Pairs of one turn, whose forward passes were alike.
            beyond = statistics.median(one - two for one, two in zip(taken, seconds["forward"], strict=True))
            share = f"{beyond:>16.2f}{beyond / reference:>16.2f}"
        print(f"{name:<36}{median:>8.2f}{share}", flush=True)
    print(f"(forward {bare:.2f} s)")


def peak_now() -> float:
    """Peak resident memory of this process in MB."""
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 / 1e6 for line in file if line.startswith("VmHWM"))


def measure_peak(n: int, route: str, bound: str) -> None:
    """Print the peak before and after the spectra of so many images that are in memory; run in a fresh process."""
    torch.manual_seed(0)
    model, images = torchvision.models.resnet18(weights=None).eval(), torch.rand(n, 3, 64, 64)
    layers, reduce = (WIDE[:2], "flatten") if route == "gram" else (WIDE, {"layer*": "mean", "*": "flatten"})
    forward(model, images[:128])
    model_spectra(model, images[:128], ["layer2"], progress=False)
    before = peak_now()
    model_spectra(model, images, layers, reduce, n_draws=10, memory=bound, progress=False)
    print(before, peak_now())


def memory(quick: bool) -> None:
    print(f"\n{'peak memory beyond the forward pass, MB':<44}{'images':>8}{'before':>10}{'growth':>10}")
    for route, bound in (("covariance", "1 GB"), ("gram", "500 MB")):
        title = f"{'pooled' if route == 'covariance' else '24,576 units'}, {route}, bound {bound}"
        for n in (500, 1000) if quick else (500, 1000, 2000, 4000):
            code = (
                "import sys; sys.path.insert(0, 'benchmarks')\n"
                f"from model_spectra import measure_peak; measure_peak({n}, {route!r}, {bound!r})"
            )
            done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
            before, after = map(float, done.stdout.split())
            print(f"{title:<44}{n:>8}{before:>10.0f}{after - before:>10.0f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--only", choices=["pooled", "wide", "memory"])
    parser.add_argument("--repeats", type=int)
    parser.add_argument("--images", type=int, help="instead of 5000 (pooled) and 400 (wide)")
    given = parser.parse_args()
    repeats = given.repeats or (2 if given.quick else 3)
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, load {os.getloadavg()[0]:.1f}")
    if given.only in (None, "pooled"):
        pooled(given.device, given.images or (600 if given.quick else 5000), repeats)
    if given.only in (None, "wide"):
        wide(given.device, given.images or (100 if given.quick else 400), repeats)
    if given.only in (None, "memory") and given.device == "cpu":
        memory(given.quick)


if __name__ == "__main__":
    main()
