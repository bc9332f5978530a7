"""Eigenvalue flows of 1,000 modes at 1,000 times against the plain way, as one table of CPU seconds.

The plain way solves the Euclidean losses mode by mode with ``scipy.integrate.solve_ivp``, and the cosine losses with
averages over 20,000 fixed normal samples in place of the expectation (error about 1 %, timed on one tenth of the modes
at a loose tolerance). Then the settings with a target network, weight decay and long times, without a plain way.
``python benchmarks/theory_flows.py``; ``--quick`` for a small size.
"""

from __future__ import annotations

import argparse
import os
import time

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(threads, "1")

import numpy as np
from scipy.integrate import solve_ivp

from neuroalpha.errors import InputError
from neuroalpha.theory.eigenflow.fields import euclidean_rate
from neuroalpha.theory.eigenflow.settings import NAMES, FlowSetting
from neuroalpha.theory.eigenflow.solve import flow


def plain_euclidean(start: np.ndarray, times: np.ndarray, setting: FlowSetting) -> np.ndarray:
    """Mode by mode."""

    def velocity(_: float, log: np.ndarray) -> np.ndarray:
        return euclidean_rate(log, setting)

    span = (0.0, times[-1])
    runs = [solve_ivp(velocity, span, [log], t_eval=times, rtol=1e-8, atol=1e-10).y[0] for log in np.log(start)]
    return np.exp(np.stack(runs, axis=1))


def plain_cosine(start: np.ndarray, times: np.ndarray, setting: FlowSetting, n_samples: int) -> np.ndarray:
    """Averages over samples of clean views."""
    x = np.random.default_rng(0).standard_normal((n_samples, start.size))

    def velocity(_: float, log: np.ndarray) -> np.ndarray:
        lam = np.exp(log)
        p = lam if setting.has_predictor else np.ones_like(lam)
        z = x * np.sqrt(lam)
        y = z * p
        ny, nz = np.linalg.norm(y, axis=1, keepdims=True), np.linalg.norm(z, axis=1, keepdims=True)
        dot = (y * z).sum(axis=1, keepdims=True)
        if setting.variant == "no stop-gradient":
            g = 2 * y / (ny * nz) - dot * (p * y + z) / (ny**3 * nz)
        else:
            g = (p if setting.variant == "predictor" else 1.0) * (z / (ny * nz) - dot * y / (ny**3 * nz))
        return 2 * (g * z).mean(axis=0) / lam

    return np.exp(solve_ivp(velocity, (0.0, times[-1]), np.log(start), t_eval=times, rtol=1e-4, atol=1e-6).y.T)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    n_modes, n_times, n_samples = (100, 100, 500) if quick else (1000, 1000, 20_000)
    spectra = {
        "uniform": np.random.default_rng(2).uniform(0.01, 1, n_modes),
        "power law": np.arange(1, n_modes + 1) ** -1.0,
    }
    print(f"{n_modes} modes, {n_times} times, one thread")
    print(f"{'spectrum':<10} {'setting':<28} {'until':>6} {'seconds':>8} {'plain':>8} {'apart by':>9}")
    for spectrum, start in spectra.items():
        for name, setting in NAMES.items():
            until = 30.0 if setting.loss == "euclidean" else float(n_modes)
            if name == "cosine no stop-gradient":  # where small, the published update ends at a finite time
                start = start + 1.1
            times = np.linspace(0, until, n_times)
            began = time.process_time()
            found = flow(start, times, setting)
            ours = time.process_time() - began
            began = time.process_time()
            if setting.loss == "euclidean":
                plain, same = plain_euclidean(start, times, setting), found
            else:
                few = start[:: max(n_modes // 100, 1)]
                plain = plain_cosine(few, times / (n_modes / few.size), setting, n_samples)
                same = flow(few, times / (n_modes / few.size), setting)
            seconds, apart = time.process_time() - began, np.abs(plain - same).max()
            print(f"{spectrum:<10} {name:<28} {until:>6g} {ours:>8.2f} {seconds:>8.2f} {apart:>9.1e}", flush=True)

    uniform, power_law = spectra.values()
    print(f"\n{'spectrum':<10} {'setting':<42} {'until':>6} {'seconds':>8}")
    for loss in ("euclidean", "cosine"):
        for variant in ("predictor", "iso", "no predictor"):
            for spectrum, start in (("uniform", uniform), ("power law", power_law)):
                timed(
                    spectrum, start, np.linspace(0, n_modes, n_times), FlowSetting(loss, variant, noise2=0.01, ema=0.5)
                )
            even = np.linspace(0.05, 2, n_modes)
            timed("even", even, np.geomspace(1e-3, 1e4, n_times), FlowSetting(loss, variant, ema=0.5))
    for variant in ("predictor", "iso"):
        until = np.linspace(0, n_modes, n_times)
        timed("uniform", uniform, until, FlowSetting("cosine", variant, weight_decay=0.01))
    timed("power law", power_law, np.linspace(0, 15, n_times), FlowSetting("cosine", "no stop-gradient", noise2=0.01))


def timed(spectrum: str, start: np.ndarray, times: np.ndarray, setting: FlowSetting) -> None:
    """Print one row: the seconds of a flow, and what it says where it is refused."""
    began, said = time.process_time(), ""
    try:
        flow(start, times, setting)
    except InputError as error:
        said = str(error)
    print(f"{spectrum:<10} {setting.name:<42} {times[-1]:>6g} {time.process_time() - began:>8.2f} {said}", flush=True)


if __name__ == "__main__":
    main()
