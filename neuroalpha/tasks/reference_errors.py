"""Published errors of AlexNet on ImageNet-C, by which the mean corruption error is measured."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neuroalpha.errors import InputError, nearest

# Top-1 errors on the 50,000 corrupted validation images at severities 1 to 5. Their means over the severities are the
# per-kind errors that github.com/hendrycks/robustness publishes beside the paper (Hendrycks & Dietterich, ICLR 2019,
# arXiv:1903.12261); the errors of each severity are those that timm lists with its ImageNet-C validation. RobustBench,
# which uses 5,000 of the images, has 78.88 % where the mean of this table is 78.90 %.
_ALEXNET = {
    "gaussian_noise": (0.69528, 0.82542, 0.93554, 0.98138, 0.99452),
    "shot_noise": (0.71224, 0.85108, 0.93574, 0.98182, 0.99146),
    "impulse_noise": (0.78374, 0.89808, 0.94870, 0.98720, 0.99548),
    "defocus_blur": (0.65624, 0.73202, 0.85036, 0.91364, 0.94714),
    "glass_blur": (0.64308, 0.75054, 0.88806, 0.91622, 0.93344),
    "motion_blur": (0.58430, 0.70048, 0.82108, 0.89750, 0.92638),
    "zoom_blur": (0.70008, 0.76992, 0.80784, 0.84198, 0.87198),
    "snow": (0.71726, 0.88392, 0.86468, 0.91870, 0.94952),
    "frost": (0.61390, 0.79734, 0.88790, 0.89942, 0.93430),
    "fog": (0.67474, 0.76050, 0.84378, 0.87260, 0.94500),
    "brightness": (0.45140, 0.48502, 0.54048, 0.62166, 0.72440),
    "contrast": (0.64548, 0.76150, 0.88874, 0.97760, 0.99270),
    "elastic_transform": (0.52596, 0.70116, 0.55686, 0.64076, 0.80554),
    "pixelate": (0.52218, 0.54620, 0.73728, 0.87092, 0.91262),
    "jpeg_compression": (0.51002, 0.54718, 0.57294, 0.65458, 0.74778),
}

ALEXNET_CLEAN_ERROR = 0.43478
"""Top-1 error of the same network (torchvision's AlexNet) on the clean ImageNet validation images."""


def alexnet_errors(kinds: Sequence[str] | None = None, severities: Sequence[int] = (1, 2, 3, 4, 5)) -> np.ndarray:
    """Return AlexNet's errors on ImageNet-C, the published reference of the mean corruption error.

    They are of ImageNet's 1000 classes at 224 pixels. No such reference was published for CIFAR-10-C.

    Parameters
    ----------
    kinds
        Names of corruptions; default the fifteen of the benchmark in the order of the paper.
    severities
        From 1 to 5, those of the errors that are to be compared.

    Returns
    -------
    ndarray (kind, severity)

    Raises
    ------
    InputError
        For a kind or a severity without a published error.

    Examples
    --------
    >>> round(float(alexnet_errors(["fog"]).mean()), 6)
    0.819324
    """
    kinds = list(_ALEXNET) if kinds is None else [str(kind) for kind in kinds]
    for kind in kinds:
        if kind not in _ALEXNET:
            raise InputError(
                f"there is no published error of AlexNet for {kind!r}{nearest(kind, _ALEXNET)}; leave it out, or give "
                "errors of your own as reference="
            )
    wrong = [severity for severity in severities if severity not in range(1, 6)]
    if wrong or not len(severities):
        raise InputError(f"severities are {list(severities)!r}; expected whole numbers from 1 to 5")
    columns = [int(severity) - 1 for severity in severities]
    return np.array([_ALEXNET[kind] for kind in kinds], dtype=float).reshape(len(kinds), 5)[:, columns]
