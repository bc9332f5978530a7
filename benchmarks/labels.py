"""What labels cost: checking, and selecting a layer of, 1,000,000 neuroids x 200 presentations (800 MB of activations).

Run: python benchmarks/labels.py
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

import neuroalpha as na
from neuroalpha.assembly import numbered

N_NEUROIDS, N_PRESENTATIONS, N_LAYERS = 1_000_000, 200, 5


def median_ms(call: Callable[[], object], runs: int = 7) -> float:
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return 1e3 * float(np.median(times))


def main() -> None:
    values = np.zeros((N_PRESENTATIONS, N_NEUROIDS), dtype=np.float32)
    labels = {
        "stimulus_id": numbered("image", N_PRESENTATIONS),
        "neuroid_id": numbered("model/layer/", N_NEUROIDS),
        "neuroid": {"layer": np.repeat([f"layer{i}" for i in range(N_LAYERS)], N_NEUROIDS // N_LAYERS)},
    }
    net = na.make_assembly(values, **labels)
    mask = net.layer == "layer3"
    print(f"{N_NEUROIDS:,} neuroids x {N_PRESENTATIONS} presentations, {values.nbytes / 1e6:.0f} MB; medians of 7")
    for name, call in {
        "make labels (numbered ids)": lambda: numbered("model/layer/", N_NEUROIDS),
        "make_assembly": lambda: na.make_assembly(values, **labels),
        "check_assembly": lambda: na.check_assembly(net),
        "subset(layer=...), a view": lambda: na.subset(net, layer="layer3"),
        "net.layer == 'layer3' alone": lambda: net.layer == "layer3",
        "net.sel(neuroid=mask), copies": lambda: net.sel(neuroid=mask),
    }.items():
        print(f"  {name:32s} {median_ms(call):8.1f} ms")


if __name__ == "__main__":
    main()
