"""One page: macaque V4 responses to 300 natural images, and an ImageNet-trained SqueezeNet shown the same images.

Run: python scripts/v4_beside_network.py DATA --out page.html
where DATA holds v4_utah/ (responses and the zip of images) and weights/squeezenet1_1_imagenet_notop.h5 (Keras kernels)
"""

from __future__ import annotations

import argparse
import io
import zipfile
from pathlib import Path

import numpy as np
from keras_squeezenet import MEAN, SD, keras_squeezenet
from PIL import Image

import neuroalpha as na
from neuroalpha._console import table_text
from neuroalpha.compare.measure import Measurement, to_table

LAYERS = ("features.3", "features.7", "features.12")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("v4_beside_network.html"))
    arguments = parser.parse_args()
    folder = arguments.data / "v4_utah"
    with zipfile.ZipFile(folder / "images_201016.zip") as archive:
        names = sorted(archive.namelist())[:300]
        pictures = np.stack([np.asarray(Image.open(io.BytesIO(archive.read(name))).convert("RGB")) for name in names])
    ids = [Path(name).stem for name in names]
    responses = np.load(folder / "responses_201016.npy")[:, :300]
    v4 = na.read_array(
        responses,
        ("neuroid", "stimulus", "repeat"),
        stimulus_id=ids,
        attrs={"identifier": "macaque V4, natural images"},
    )
    model = keras_squeezenet(arguments.data / "weights" / "squeezenet1_1_imagenet_notop.h5")
    shown = na.images(pictures, normalize=(MEAN, SD), stimulus_id=ids, identifier="the V4 images")
    net = na.extract(model, shown, list(LAYERS), reduce="mean")
    if set(net.stimulus_id.values) != set(v4.stimulus_id.values):
        raise SystemExit("the network and the neurons did not see the same images")
    spectrum = na.cvpca(v4, n_draws=100)
    measured = [Measurement("V4 (82 units)", spectrum, na.fit_alpha(spectrum, "auto"))]
    measured += [Measurement(f"SqueezeNet {m.name}", m.spectrum, m.fit) for m in na.measure(net, n_draws=100)]
    print(table_text(to_table(measured)))
    print(na.compare_page(measured, arguments.out, title="Macaque V4 and a network on the same 300 natural images"))


if __name__ == "__main__":
    main()
