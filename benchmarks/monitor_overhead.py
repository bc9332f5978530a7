"""What na.AlphaMonitor costs a training step: the same model with and without it, step about, in one run.

``python benchmarks/monitor_overhead.py``; ``--quick`` for few steps, ``--device cuda``, ``--size 224`` for ResNet-18.
A step is forward, cross-entropy, backward and SGD with momentum on random images. One step without the monitor and one
with it make a pair, in an order that changes from pair to pair; the overhead is the median over pairs of the
difference, over the median step without. Two layers are watched, by their mean over space, and in a row of its own one
by all its units. Where moments are kept, an eighth of the window is multiplied at once every so many steps, which a
median does not see: it is timed by itself and its share of a step added. The time within the hooks is told too: on a
CPU it is the same thing without the noise of two steps (on a GPU it is that of the launches). What compute() takes is
told apart, spread over an epoch of 50 000 samples.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

import neuroalpha as na
from neuroalpha.networks.monitor import AlphaMonitor
from neuroalpha.networks.monitor_window import condense

EPOCH = 50_000


def make_step(model: nn.Module, batch: int, size: int, classes: int, device: str) -> Callable[[], float]:
    """A training step that returns its seconds, the device's queue emptied before each reading of the clock."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    rng = torch.Generator().manual_seed(0)
    x = torch.randn(batch, 3, size, size, generator=rng).to(device)
    y = torch.randint(classes, (batch,), generator=rng).to(device)

    def wait() -> None:
        if device.startswith("cuda"):
            torch.cuda.synchronize()

    def step() -> float:
        wait()
        start = time.perf_counter()
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
        wait()
        return time.perf_counter() - start

    return step


def measure(
    name: str, batch: int, size: int, layers: list[str], reduce: str, last: int, given: argparse.Namespace
) -> None:
    torch.manual_seed(0)
    model = na.load_model(name).train().to(given.device)
    classes = 10 if name.startswith("cifar") else 1000
    step = make_step(model, batch, size, classes, given.device)
    monitor = AlphaMonitor(model, layers, reduce=reduce, last=last)

    hooked: list[float] = []
    receive = monitor._watch._receive

    def timed_receive(*output: Any) -> None:
        start = time.perf_counter()
        receive(*output)
        hooked[-1] += time.perf_counter() - start

    monitor._watch._receive = timed_receive

    def watched() -> float:
        hooked.append(0.0)
        with monitor:  # attaching takes microseconds and is not timed
            return step()

    for _ in range(given.warm_up):
        step()
        watched()
    hooked.clear()
    times = np.empty((given.pairs, 2))
    for pair in range(given.pairs):
        for which in (0, 1) if pair % 2 else (1, 0):
            times[pair, which] = watched() if which else step()
    in_hooks = float(np.median(hooked))
    # The window as full as in the middle of a training run; the numbers do not matter to the time.
    with monitor, torch.no_grad():
        x = torch.randn(batch, 3, size, size, device=given.device)
        for _ in range(min(last // batch, given.fill)):
            model(x.normal_())
    start = time.perf_counter()
    table = monitor.compute()
    computing = time.perf_counter() - start
    bursts = 0.0
    for window in monitor._samples._windows.values():
        if not window.by_rows:
            window.rows.normal_()
            taken = []
            for _ in range(3):
                start = time.perf_counter()
                condense(window.rows, 0).scatter.cpu()
                taken.append(time.perf_counter() - start)
            bursts += float(np.median(taken)) * batch / len(window.rows)
    without, with_it = np.median(times, axis=0)
    difference = np.median(times[:, 1] - times[:, 0]) + bursts
    spread = np.subtract(*np.percentile(times[:, 1] - times[:, 0], [75, 25])) / np.sqrt(given.pairs)
    steps = EPOCH / batch
    units = "+".join(str(n) for n in table["n_units"])
    print(
        f"{f'{name}, {batch} x {size} px, {reduce}':<46}{units:>14}{1e3 * without:>10.1f}{1e3 * with_it:>10.1f}"
        f"{1e3 * in_hooks:>10.2f}{1e3 * bursts:>11.2f}{100 * (in_hooks + bursts) / without:>8.2f}"
        f"{100 * difference / without:>9.2f} +-{100 * spread / without:>5.2f}{1e3 * computing:>12.0f}"
        f"{int(table['n_samples'].iloc[0]):>9}{100 * computing / (steps * without):>13.3f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--batch", type=int, default=64, help="of ResNet-18")
    parser.add_argument("--pairs", type=int, default=30)
    parser.add_argument("--last", type=int, default=10_000)
    given = parser.parse_args()
    given.pairs = 5 if given.quick else given.pairs
    given.warm_up, given.fill = (1, 2) if given.quick else (3, 80)
    where = torch.cuda.get_device_name() if given.device.startswith("cuda") else f"{torch.get_num_threads()} threads"
    print(
        f"torch {torch.__version__}, {given.device}, {where}; {given.pairs} pairs of steps; medians; last={given.last}"
    )
    print(
        f"{'training step':<46}{'units':>14}{'ms':>10}{'with, ms':>10}{'hooks, ms':>10}{'bursts, ms':>11}"
        f"{'both, %':>8}{'overhead, %':>18}{'compute, ms':>12}"
        f"{'samples':>9}{'per epoch, %':>13}"
    )
    cifar, imagenet = ["layer2", "layer3"], ["layer3", "layer4"]
    measure("cifar:resnet20", 128, 32, cifar, "mean", given.last, given)
    measure("torchvision:resnet18", given.batch, given.size, imagenet, "mean", given.last, given)
    measure("cifar:resnet20", 128, 32, ["layer3"], "flatten", 2000, given)
    print(f"per epoch: compute() once in {EPOCH} samples, over the steps' time")


if __name__ == "__main__":
    main()
