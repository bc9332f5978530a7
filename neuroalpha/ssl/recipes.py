"""What is drawn for a view, by recipe: the numbers of the papers, and how the strength of augmentation scales them."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

from neuroalpha._checks import share
from neuroalpha.errors import InputError, nearest

LARGE = 96
"""Images of at least this many pixels are blurred where the recipe's paper blurs its large images."""

STRONGEST = 2.5
"""Jitter of .4 times this reaches factors from 0 to 2."""


@dataclass(frozen=True)
class Recipe:
    """Probabilities and ranges of one recipe, in the order in which the steps are done.

    Tuples of ``solarize`` and ``blur`` have one probability per view, taken in turns.
    """

    name: str
    scale: tuple[float, float] | None = (0.08, 1.0)
    """Smallest and largest share of the image's area that is cropped; None: no such crop."""
    ratio: tuple[float, float] = (3 / 4, 4 / 3)
    """Smallest and largest width over height of the crop."""
    shift: float = 0.0
    """Furthest shift of the image against its frame, as a share of its size, what comes in being black."""
    flip: float = 0.5
    jitter: float = 0.8
    """Probability that colours are changed at all."""
    brightness: float = 0.4
    contrast: float = 0.4
    saturation: float = 0.4
    hue: float = 0.1
    grey: float = 0.2
    blur: tuple[float, ...] = (0.0,)
    sigma: tuple[float, float] = (0.1, 2.0)
    """Smallest and largest standard deviation of the blur in pixels."""
    solarize: tuple[float, ...] = (0.0,)

    def __post_init__(self) -> None:
        for name, most in {"shift": 0.5, "brightness": 2.0, "contrast": 2.0, "saturation": 2.0, "hue": 0.5}.items():
            share(getattr(self, name), f"{name} of recipe {self.name!r}", 0.0, most)
        for name in ("flip", "jitter", "grey", "blur", "solarize"):
            chances = getattr(self, name)
            if isinstance(chances, tuple) and not chances:
                raise InputError(f"{name} of recipe {self.name!r} is empty; give one probability, or one for each view")
            for chance in chances if isinstance(chances, tuple) else (chances,):
                share(chance, f"{name} of recipe {self.name!r}", 0.0, 1.0)
        for name, most in {"scale": 1.0, "ratio": math.inf, "sigma": math.inf}.items():
            pair = getattr(self, name)
            if pair is not None and not 0 < pair[0] <= pair[1] <= most:
                raise InputError(
                    f"{name} of recipe {self.name!r} is {pair}; expected two numbers above 0"
                    f"{' and up to 1' if most == 1 else ''}, the smaller first"
                )

    def scaled(self, strength: float) -> Recipe:
        """Return the recipe with weaker or stronger crops and colours; blur and solarisation too where below 1."""
        if self.scale is None:
            return self
        weaker = min(strength, 1.0)
        return replace(
            self,
            scale=(self.scale[0] ** strength, self.scale[1]),
            ratio=(self.ratio[0] ** weaker, self.ratio[1] ** weaker),
            brightness=self.brightness * strength,
            contrast=self.contrast * strength,
            saturation=self.saturation * strength,
            hue=min(self.hue * strength, 0.5),
            grey=self.grey * weaker,
            blur=tuple(chance * weaker for chance in self.blur),
            solarize=tuple(chance * weaker for chance in self.solarize),
        )

    def to_dict(self) -> dict[str, Any]:
        """All fields, lists in place of tuples."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}


_NOTHING = {"jitter": 0.0, "brightness": 0.0, "contrast": 0.0, "saturation": 0.0, "hue": 0.0, "grey": 0.0}


def _simclr(size: int) -> Recipe:
    # Chen et al. 2020, arXiv:2002.05709: appendix A, and B.9 for CIFAR-10: colour strength .5 and no blur. Large images
    # keep that strength and are blurred half the time.
    return Recipe("simclr", blur=(0.5 if size >= LARGE else 0.0,))


def _isoloss(size: int) -> Recipe:
    # Halvagal, Laborieux & Zenke 2023, whose settings are solo-learn's asymmetric ones: blur on STL-10 (96 px) alone.
    return Recipe("isoloss", saturation=0.2, blur=(1.0, 0.1) if size >= LARGE else (0.0,), solarize=(0.0, 0.2))


def _weak(size: int) -> Recipe:
    # He et al. 2015, arXiv:1512.03385, section 4.2: four pixels of padding on each side of 32, and flips.
    return Recipe("weak", scale=None, shift=0.125, **_NOTHING)  # type: ignore[arg-type]


def _none(size: int) -> Recipe:
    return Recipe("none", scale=None, flip=0.0, **_NOTHING)  # type: ignore[arg-type]


_RECIPES = {"simclr": _simclr, "isoloss": _isoloss, "weak": _weak, "none": _none}


def list_recipes() -> list[str]:
    """Names of recipes that :class:`~neuroalpha.ssl.views.Views` takes.

    Examples
    --------
    >>> list_recipes()
    ['simclr', 'isoloss', 'weak', 'none']
    """
    return list(_RECIPES)


def make_recipe(name: str, size: int, strength: float = 1.0) -> Recipe:
    """Return a recipe by name for views of ``size`` pixels, scaled by ``strength``.

    Examples
    --------
    >>> make_recipe("simclr", 32).hue
    0.1
    >>> make_recipe("simclr", 32, strength=0.5).hue
    0.05
    """
    if name not in _RECIPES:
        raise InputError(
            f"there is no recipe of views {name!r}{nearest(str(name), _RECIPES)}; known: {', '.join(_RECIPES)}"
        )
    return _RECIPES[name](size).scaled(share(strength, "strength", 0.0, STRONGEST))
