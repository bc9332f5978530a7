"""Five plates of frost, grown by a program: they stand in for the photographs of the published recipe.

A plate is a dark pane, hazed over in pale blue, with feathers of ice on it, large over small. A feather is a bent stem
with barbs on both sides at about sixty degrees, the barbs with barbs of their own; sixteen are drawn and laid down
turned and scaled. The plates are the same in every run (their seeds are fixed, as the photographs are): what varies
with the seed of a corruption is which plate, and which window of it. How thick the ice lies was set by hand, so that a
CIFAR-10 ResNet errs on about half of the images at severity 5; it is not fitted to the photographs.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

PLATES = 5
SIZE = 1024  # about the size of the photographs, of which the published recipe cuts windows of 224 pixels
_STAMP = 320
_COLD = np.array([0.60, 0.78, 0.95])  # haze: pale blue
_ICE = np.array([0.95, 0.98, 1.0])  # crystals: nearly white
_LAYERS = ((60, 0.25, 0.5, 130), (45, 0.5, 0.9, 190), (18, 0.9, 1.6, 255))  # feathers: number, scale from, to, light


@lru_cache(maxsize=PLATES)
def plate(number: int) -> np.ndarray:
    """Return one of the plates, uint8 (3, 1024, 1024); the first call takes part of a second."""
    rng = np.random.default_rng([1903, 12261, number])
    crystals = Image.new("L", (SIZE, SIZE))
    for count, low, high, light in _LAYERS:
        for _ in range(count):
            stamp = _feather(int(rng.integers(16)))
            side = int(_STAMP * rng.uniform(low, high))
            stamp = stamp.resize((side, side), Image.Resampling.BILINEAR)
            stamp = stamp.rotate(rng.uniform(0, 360), Image.Resampling.BILINEAR, expand=True)
            stamp = stamp.point([int(value * light * rng.uniform(0.6, 1.0) / 255) for value in range(256)])
            left, top = (int(at) for at in rng.uniform(-stamp.width / 2, SIZE - stamp.width / 2, 2))
            where = (left, top, left + stamp.width, top + stamp.height)
            crystals.paste(ImageChops.lighter(crystals.crop(where), stamp), (left, top))
    ice = _grey(crystals)
    glow = _grey(crystals.filter(ImageFilter.GaussianBlur(5)))
    clouds = 0.5 * _clouds(rng, 5) + 0.3 * _clouds(rng, 24) + 0.2 * _clouds(rng, 100)
    grain = 1 + 0.08 * rng.standard_normal((SIZE, SIZE))
    haze = np.clip((1.5 * clouds - 0.45) * grain + 0.9 * glow, 0, 1)[..., None]
    covered = np.clip(1.2 * ice * (0.5 + clouds) * grain, 0, 1)[..., None]
    picture = haze * _COLD * (1 - covered) + covered * _ICE
    made = (np.clip(picture, 0, 1) * 255).round().astype(np.uint8).transpose(2, 0, 1)
    made.flags.writeable = False  # shared by all callers
    return made


@lru_cache(maxsize=16)
def _feather(number: int) -> Image.Image:
    """Return one feather, its stem upright in the middle of a square: grey levels, black where there is no ice."""
    rng = np.random.default_rng([1903, number])
    picture = Image.new("L", (_STAMP, _STAMP))
    pen = ImageDraw.Draw(picture)
    _grow(pen, rng, (_STAMP / 2, _STAMP * 0.97), -math.pi / 2, _STAMP * 0.92, 2)
    return ImageChops.lighter(picture, picture.filter(ImageFilter.GaussianBlur(1.2)))


def _grow(
    pen: ImageDraw.ImageDraw,
    rng: np.random.Generator,
    start: tuple[float, float],
    angle: float,
    length: float,
    depth: int,
) -> None:
    """Draw a stem that bends a little as it grows, and barbs along it, shorter towards the tip."""
    step = (4.0, 6.0, 9.0)[depth]
    bend = rng.normal(0, 0.008)
    x, y = start
    steps = max(2, int(length / step))
    for one in range(steps):
        left = 1 - one / steps
        end = (x + step * math.cos(angle), y + step * math.sin(angle))
        pen.line((x, y, *end), fill=int(rng.uniform(150, 255)), width=(1, 2, 4)[depth] if left > 0.3 else 1)
        for side in (-1, 1) if depth else ():
            barb = length * left * rng.uniform(0.15, 0.42)
            _grow(pen, rng, end, angle + side * rng.normal(1.05, 0.08), barb, depth - 1)
        x, y = end
        angle += bend + rng.normal(0, 0.03)


def _clouds(rng: np.random.Generator, cells: int) -> np.ndarray:
    """Return smooth random brightness (SIZE, SIZE) from 0 to 1 with about ``cells`` spots along each side."""
    coarse = Image.fromarray((rng.random((cells, cells)) * 255).astype(np.uint8))
    return _grey(coarse.resize((SIZE, SIZE), Image.Resampling.BICUBIC))


def _grey(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture, dtype=np.float64) / 255
