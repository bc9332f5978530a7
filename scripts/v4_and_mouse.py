"""cvPCA alpha and reliability of two real recordings: macaque V4 (Utah array) and mouse V1 (two-photon).

Run: python scripts/v4_and_mouse.py DATA --out FOLDER    where DATA holds v4_utah/ and mouse_v1_2p/
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib
import numpy as np

import neuroalpha as na
from neuroalpha._console import table_text
from neuroalpha.compare.measure import Measurement, to_table

matplotlib.use("Agg")


def recordings(data: Path) -> dict[str, object]:
    v4 = np.load(data / "v4_utah" / "responses_201016.npy")  # (unit, image, repeat); 1-300 natural, 301-600 binarised
    dims = ("neuroid", "stimulus", "repeat")
    return {
        "V4 natural": na.read_array(v4[:, :300], dims, attrs={"identifier": "V4 natural", "units": "spikes"}),
        "V4 binarised": na.read_array(v4[:, 300:], dims, attrs={"identifier": "V4 binarised", "units": "spikes"}),
        "mouse V1": na.read_array(
            data / "mouse_v1_2p" / "region1_raw_validation_set.npy", attrs={"identifier": "mouse V1"}
        ),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("."))
    arguments = parser.parse_args()
    measured = []
    for name, assembly in recordings(arguments.data).items():
        spectrum = na.cvpca(assembly, n_draws=200)
        measured.append(Measurement(name, spectrum, na.fit_alpha(spectrum, "auto")))
        told = na.reliability(assembly).attrs
        keys = (
            "mean_signal_variance",
            "mean_snr",
            "mean_correlation",
            "decoding_accuracy",
            "chance",
            "n_stimuli",
            "n_neuroids",
        )
        print(name, {key: round(told[key], 4) for key in keys})
    print(table_text(to_table(measured)))
    arguments.out.mkdir(parents=True, exist_ok=True)
    ax = na.plot.spectra([m.spectrum for m in measured], [m.fit for m in measured], [m.name for m in measured])
    ax.get_figure().savefig(arguments.out / "v4_and_mouse.png", dpi=150)
    for each in measured:
        ax = na.plot.window_sensitivity(each.fit)
        ax.get_figure().savefig(arguments.out / f"windows_{each.name.replace(' ', '_')}.png", dpi=150)


if __name__ == "__main__":
    main()
