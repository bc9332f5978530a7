"""The torch twins on a GPU: agreement with numpy, and time against the bare product and eigvalsh on that GPU.

``python benchmarks/gpu.py``; ``--quick`` for small sizes, ``--device cpu`` to try it without a GPU. TF32 is off.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import neuroalpha as na
from neuroalpha.assembly import numbered


def timed(call: Callable[[], Any], device: str, repeats: int = 3) -> tuple[float, Any]:
    """Best wall time of a few after one to warm up, the device's queue emptied before each reading of the clock."""

    def wait() -> None:
        if device.startswith("cuda"):
            torch.cuda.synchronize()

    best, result = np.inf, call()
    for _ in range(repeats):
        wait()
        start = time.perf_counter()
        result = call()
        wait()
        best = min(best, time.perf_counter() - start)
    return best, result


def bare(x: torch.Tensor) -> torch.Tensor:
    """Product of the smaller side in float64 and its eigenvalues."""
    x = x.T if x.shape[0] > x.shape[1] else x
    return torch.linalg.eigvalsh(x @ x.T)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--device", default="cuda")
    given = parser.parse_args()
    device = given.device
    if device.startswith("cuda") and not torch.cuda.is_available():
        print("no CUDA device on this machine")
        return
    torch.backends.cuda.matmul.allow_tf32 = False
    print(torch.cuda.get_device_name() if device.startswith("cuda") else f"device {device}")
    n_rows, p, n_stimuli, n_neuroids = (2000, 256, 300, 1000) if given.quick else (50_000, 2048, 2800, 10_000)
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((n_rows, p), dtype=np.float32) * (np.arange(1, p + 1) ** -0.5).astype(np.float32) + 5
    wide = rng.standard_normal((n_stimuli, n_neuroids)) * np.arange(1, n_neuroids + 1) ** -0.5
    repeats = (wide + 0.05 * rng.standard_normal((2, n_stimuli, n_neuroids))).astype(np.float32)
    assembly = na.make_assembly(repeats[0], stimulus_id=numbered("", n_stimuli))
    halves = na.repeats(na.read_array(repeats))
    parts = [torch.from_numpy(part) for part in np.array_split(rows, 50)]
    there = [part.to(device) for part in parts]
    on_rows = torch.from_numpy(rows).to(device, torch.float64)
    on_wide = torch.from_numpy(repeats[0]).to(device, torch.float64)
    print(f"{'call':<58}{'numpy s':>9}{'torch s':>9}{'bare s':>8}{'x bare':>8}{'max rel. difference':>21}")
    for name, call, product in (
        (
            f"stream_spectrum, {n_rows} x {p}, batches on the device",
            lambda on: na.stream_spectrum(parts if on is None else there, device=on),
            on_rows,
        ),
        (
            f"eigenspectrum, {n_stimuli} x {n_neuroids}, from the host",
            lambda on: na.eigenspectrum(assembly, n_draws=0, device=on),
            on_wide,
        ),
        (
            f"cvpca, 2 x {n_stimuli} x {n_neuroids}, 10 shuffles, from the host",
            lambda on: na.cvpca(halves, n_draws=0, device=on),
            None,
        ),
    ):
        start = time.perf_counter()
        expected = call(None).eigenvalue.values
        on_numpy = time.perf_counter() - start
        seconds, found = timed(lambda call=call: call(device), device)
        top = min(500, expected.size)
        difference = np.abs(found.eigenvalue.values[:top] / expected[:top] - 1).max()
        reference = float("nan") if product is None else timed(lambda product=product: bare(product), device)[0]
        ratio = seconds / reference
        print(f"{name:<58}{on_numpy:>9.2f}{seconds:>9.3f}{reference:>8.3f}{ratio:>8.2f}{difference:>21.1e}", flush=True)


if __name__ == "__main__":
    main()
