"""Are ImageNet weights loaded right? A ridge readout of SqueezeNet's last map on the ten classes of Imagenette.

Run: python scripts/squeezenet_readout.py DATA    where DATA holds imagenette224/{train,val} and weights/*squeezenet*.h5

About a minute on two cores. The same network with random weights is read out beside it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from keras_squeezenet import keras_squeezenet, preprocess
from sklearn.linear_model import RidgeClassifierCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import neuroalpha as na

LAYER = "features.12"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    arguments = parser.parse_args()
    trained = keras_squeezenet(arguments.data / "weights" / "squeezenet1_1_imagenet_notop.h5")
    random = na.load_model("torchvision:squeezenet1_1", seed=0)
    for name, model in (("ImageNet weights", trained), ("random weights", random)):
        parts = [
            na.extract(model, arguments.data / "imagenette224" / part, [LAYER], reduce="mean", preprocess=preprocess)
            for part in ("train", "val")
        ]
        readout = make_pipeline(StandardScaler(), RidgeClassifierCV(alphas=np.logspace(-1, 5, 13)))
        readout.fit(parts[0].values, parts[0].label.values)
        accuracy = readout.score(parts[1].values, parts[1].label.values)
        print(
            f"{name}: {accuracy:.1%} of {parts[1].sizes['presentation']} images, ridge on {LAYER} averaged over space"
        )


if __name__ == "__main__":
    main()
