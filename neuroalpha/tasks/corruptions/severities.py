"""The published severities of the fifteen corruption kinds, and which of their parameters are lengths in pixels.

Source: Hendrycks & Dietterich (2019), Benchmarking Neural Network Robustness to Common Corruptions and Perturbations,
ICLR, arXiv:1903.12261. The paper shows the severities; the numbers are those of the programs that made the published
sets, ``make_imagenet_c.py`` (ImageNet-C, 224 pixels) and ``make_cifar_c.py`` (CIFAR-10-C, 32 pixels) of the authors'
repository hendrycks/robustness.
"""

from __future__ import annotations

from neuroalpha.errors import InputError, nearest

KINDS = (
    "gaussian_noise",
    "shot_noise",
    "impulse_noise",
    "defocus_blur",
    "glass_blur",
    "motion_blur",
    "zoom_blur",
    "snow",
    "frost",
    "fog",
    "brightness",
    "contrast",
    "elastic_transform",
    "pixelate",
    "jpeg_compression",
)
SIDE = {"imagenet": 224, "cifar": 32}
LARGEST_CIFAR = 64  # the shorter side up to which recipe="auto" takes the table of CIFAR-10-C

# kind -> names of the parameters, one row for each severity. An asterisk: a length in pixels, scaled for other sizes.
# ``unit`` is the side of a pixel of the published recipe: random fields are drawn there and enlarged with the image.
_Table = dict[str, tuple[tuple[str, ...], tuple[tuple[float, ...], ...]]]
_IMAGENET: _Table = {
    "gaussian_noise": (("sd",), ((0.08,), (0.12,), (0.18,), (0.26,), (0.38,))),
    "shot_noise": (("photons",), ((60,), (25,), (12,), (5,), (3,))),
    "impulse_noise": (("share",), ((0.03,), (0.06,), (0.09,), (0.17,), (0.27,))),
    "defocus_blur": (("radius*", "antialias*"), ((3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5))),
    "glass_blur": (
        ("sigma*", "reach*", "passes"),
        ((0.7, 1, 2), (0.9, 2, 1), (1.0, 2, 3), (1.1, 3, 2), (1.5, 4, 2)),
    ),
    "motion_blur": (("radius*", "sigma*"), ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15))),
    "zoom_blur": (("stop", "step"), ((1.11, 0.01), (1.16, 0.01), (1.21, 0.02), (1.26, 0.02), (1.31, 0.03))),
    "snow": (
        ("mean", "sd", "flake", "threshold", "radius", "sigma", "keep", "unit*"),
        (
            (0.1, 0.3, 3, 0.5, 10, 4, 0.8, 1),
            (0.2, 0.3, 2, 0.5, 12, 4, 0.7, 1),
            (0.55, 0.3, 4, 0.9, 12, 8, 0.7, 1),
            (0.55, 0.3, 4.5, 0.85, 12, 8, 0.65, 1),
            (0.55, 0.3, 2.5, 0.85, 12, 12, 0.55, 1),
        ),
    ),
    "frost": (
        ("keep", "cover", "unit*"),
        ((1, 0.4, 1), (0.8, 0.6, 1), (0.7, 0.7, 1), (0.65, 0.7, 1), (0.6, 0.75, 1)),
    ),
    "fog": (("density", "decay", "unit*"), ((1.5, 2, 1), (2, 2, 1), (2.5, 1.7, 1), (2.5, 1.5, 1), (3, 1.4, 1))),
    "brightness": (("shift",), ((0.1,), (0.2,), (0.3,), (0.4,), (0.5,))),
    "contrast": (("keep",), ((0.4,), (0.3,), (0.2,), (0.1,), (0.05,))),
    # Made with 244 where the images have 224 pixels; kept, because the published images were.
    "elastic_transform": (
        ("amplitude*", "smoothness", "jitter*", "unit*"),
        (
            (244 * 2, 244 * 0.7, 244 * 0.1, 1),
            (244 * 2, 244 * 0.08, 244 * 0.2, 1),
            (244 * 0.05, 244 * 0.01, 244 * 0.02, 1),
            (244 * 0.07, 244 * 0.01, 244 * 0.02, 1),
            (244 * 0.12, 244 * 0.01, 244 * 0.02, 1),
        ),
    ),
    "pixelate": (("keep",), ((0.6,), (0.5,), (0.4,), (0.3,), (0.25,))),
    "jpeg_compression": (("quality",), ((25,), (18,), (15,), (10,), (7,))),
}
_CIFAR: _Table = {
    "gaussian_noise": (("sd",), ((0.04,), (0.06,), (0.08,), (0.09,), (0.10,))),
    "shot_noise": (("photons",), ((500,), (250,), (100,), (75,), (50,))),
    "impulse_noise": (("share",), ((0.01,), (0.02,), (0.03,), (0.05,), (0.07,))),
    "defocus_blur": (("radius*", "antialias*"), ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1, 0.2), (1.5, 0.1))),
    "glass_blur": (
        ("sigma*", "reach*", "passes"),
        ((0.05, 1, 1), (0.25, 1, 1), (0.4, 1, 1), (0.25, 1, 2), (0.4, 1, 2)),
    ),
    "motion_blur": (("radius*", "sigma*"), ((6, 1), (6, 1.5), (6, 2), (8, 2), (9, 2.5))),
    "zoom_blur": (("stop", "step"), ((1.06, 0.01), (1.11, 0.01), (1.16, 0.01), (1.21, 0.01), (1.26, 0.01))),
    "snow": (
        ("mean", "sd", "flake", "threshold", "radius", "sigma", "keep", "unit*"),
        (
            (0.1, 0.2, 1, 0.6, 8, 3, 0.95, 1),
            (0.1, 0.2, 1, 0.5, 10, 4, 0.9, 1),
            (0.15, 0.3, 1.75, 0.55, 10, 4, 0.9, 1),
            (0.25, 0.3, 2.25, 0.6, 12, 6, 0.85, 1),
            (0.3, 0.3, 1.25, 0.65, 14, 12, 0.8, 1),
        ),
    ),
    "frost": (
        ("keep", "cover", "unit*"),
        ((1, 0.2, 0.2), (1, 0.3, 0.2), (0.9, 0.4, 0.2), (0.85, 0.4, 0.2), (0.75, 0.45, 0.2)),
    ),
    "fog": (("density", "decay", "unit*"), ((0.2, 3, 1), (0.5, 3, 1), (0.75, 2.5, 1), (1, 2, 1), (1.5, 1.75, 1))),
    "brightness": (("shift",), ((0.05,), (0.1,), (0.15,), (0.2,), (0.3,))),
    "contrast": (("keep",), ((0.75,), (0.5,), (0.4,), (0.3,), (0.15,))),
    "elastic_transform": (
        ("amplitude*", "smoothness", "jitter*", "unit*"),
        (
            (0, 0, 32 * 0.08, 1),
            (32 * 0.05, 32 * 0.2, 32 * 0.07, 1),
            (32 * 0.08, 32 * 0.06, 32 * 0.06, 1),
            (32 * 0.1, 32 * 0.04, 32 * 0.05, 1),
            (32 * 0.1, 32 * 0.03, 32 * 0.03, 1),
        ),
    ),
    "pixelate": (("keep",), ((0.95,), (0.9,), (0.85,), (0.75,), (0.65,))),
    "jpeg_compression": (("quality",), ((80,), (65,), (58,), (50,), (40,))),
}
TABLES = {"imagenet": _IMAGENET, "cifar": _CIFAR}


def recipe_of(recipe: str, side: int) -> str:
    """Return ``"cifar"`` or ``"imagenet"``: as asked, or for ``"auto"`` by the shorter side of the images in pixels."""
    if recipe == "auto":
        return "cifar" if side <= LARGEST_CIFAR else "imagenet"
    if recipe not in TABLES:
        raise InputError(f"recipe is {recipe!r}; expected 'auto', 'imagenet' or 'cifar'{nearest(str(recipe), TABLES)}")
    return recipe


def severity_parameters(kind: str, severity: int, side: int, recipe: str = "auto") -> dict[str, float]:
    """Return what a corruption kind is called with at one severity, for images of one size.

    At the published size (224 or 32 pixels) the numbers are the published ones. At any other size the lengths in pixels
    are multiplied by ``side`` over the published side, so that a picture and the same picture at twice the resolution
    lose the same content. Random fields (snow, fog, elastic displacements) are drawn at the published size and made
    larger or smaller by ``unit``. Shares, grey values, factors and the noise of single pixels are the same at any size.

    Parameters
    ----------
    kind : str
        One of the fifteen.
    severity : int
        1 (mild) to 5 (strong).
    side : int
        The shorter side of the images in pixels.
    recipe : {"auto", "imagenet", "cifar"}
        Which table; "auto" takes that of CIFAR-10-C up to 64 pixels.

    Raises
    ------
    InputError
        For an unknown recipe.

    Examples
    --------
    >>> severity_parameters("motion_blur", 3, side=32)
    {'radius': 6.0, 'sigma': 2.0}
    >>> severity_parameters("motion_blur", 3, side=64)
    {'radius': 12.0, 'sigma': 4.0}
    """
    recipe = recipe_of(recipe, side)
    scale = side / SIDE[recipe]
    names, rows = TABLES[recipe][kind]
    return {
        name.rstrip("*"): float(value) * (scale if name.endswith("*") else 1.0)
        for name, value in zip(names, rows[severity - 1], strict=True)
    }
