"""What macaque V4 repeats, and what it shares with a network, on images held out: spectra and spectral correlation.

Run: python scripts/heldout_spectra.py DATA --out heldout_spectra.png
where DATA holds v4_utah/ (responses and the zip of images) and weights/squeezenet1_1_imagenet_notop.h5
"""

from __future__ import annotations

import argparse
import io
import zipfile
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import xarray as xr
from PIL import Image
from v4_beside_network import LAYERS, MEAN, SD, keras_squeezenet

import neuroalpha as na
from neuroalpha.report import plot_heldout

matplotlib.use("Agg")


def v4_and_network(data: Path) -> tuple[xr.DataArray, xr.DataArray]:
    """V4 responses to 300 natural images, and the activations of a network shown the same."""
    with zipfile.ZipFile(data / "v4_utah" / "images_201016.zip") as archive:
        names = sorted(archive.namelist())[:300]
        pictures = np.stack([np.asarray(Image.open(io.BytesIO(archive.read(name))).convert("RGB")) for name in names])
    ids = [Path(name).stem for name in names]
    v4 = na.read_array(
        np.load(data / "v4_utah" / "responses_201016.npy")[:, :300],
        ("neuroid", "stimulus", "repeat"),
        stimulus_id=ids,
        attrs={"identifier": "macaque V4", "units": "spikes"},
    )
    model = keras_squeezenet(data / "weights" / "squeezenet1_1_imagenet_notop.h5")
    shown = na.images(pictures, normalize=(MEAN, SD), stimulus_id=ids, identifier="the V4 images")
    return v4, na.extract(model, shown, list(LAYERS), reduce="mean")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("heldout_spectra.png"))
    arguments = parser.parse_args()
    v4, net = v4_and_network(arguments.data)
    layers = {name: na.subset(net, layer=name) for name in LAYERS}
    spectra = {"V4, repeat 1 x repeat 2": na.heldout_spectrum(v4, n_draws=100)}
    for name, layer in layers.items():
        spectra[f"V4 x SqueezeNet {name}"] = na.heldout_spectrum(v4, layer, n_draws=100)
    fits = {name: na.fit_alpha(spectrum, (4, 30)) for name, spectrum in spectra.items()}
    rows = [
        (
            name,
            fit.alpha,
            fit.low,
            fit.high,
            fit.n_negative,
            spectra[name].attrs["n_bins_above_null"],
            spectra[name].bin.size,
        )
        for name, fit in fits.items()
    ]
    cv = na.fit_alpha(na.cvpca(v4, n_draws=100), (4, 30))
    rows.append(("V4, cvPCA", cv.alpha, cv.low, cv.high, cv.n_negative, "", ""))
    columns = ["spectrum", "alpha 4-30", "low", "high", "negative", "bins above null", "bins"]
    print(pd.DataFrame(rows, columns=columns).to_string(index=False, float_format="%.3f"))
    shared = {name: na.spectral_correlation(v4, layer, n_draws=100) for name, layer in layers.items()}
    print("\nspectral correlation of V4 and SqueezeNet, by bin of ranks (NaN: V4 repeats too little there)")
    first = next(iter(shared.values()))
    ranges = [f"{a}-{b}" for a, b in zip(first.bin_first.values, first.bin_last.values, strict=True)]
    print(pd.DataFrame({k: v.r.values for k, v in shared.items()}, ranges).T.to_string(float_format="%.2f"))

    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(15, 5), layout="constrained")
    chosen = LAYERS[-1]
    for ax, name in zip(axes, ("V4, repeat 1 x repeat 2", f"V4 x SqueezeNet {chosen}"), strict=False):
        plot_heldout.heldout(spectra[name], fits[name], ax=ax).set_title(name, fontsize=9)
    plot_heldout.spectral_correlation(shared[chosen], ax=axes[2])
    figure.savefig(arguments.out, dpi=120)
    print(f"\n{arguments.out}")


if __name__ == "__main__":
    main()
