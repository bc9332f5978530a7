from __future__ import annotations

import pytest

import neuroalpha as na
from neuroalpha.tasks.corruptions.severities import KINDS, SIDE, TABLES, recipe_of, severity_parameters


def test_both_tables_hold_fifteen_kinds_and_five_full_rows():
    for table in TABLES.values():
        assert tuple(table) == KINDS
        for names, rows in table.values():
            assert len(rows) == 5
            assert all(len(row) == len(names) for row in rows)


@pytest.mark.parametrize(
    ("kind", "severity", "side", "expected"),
    [
        ("gaussian_noise", 5, 224, {"sd": 0.38}),
        ("gaussian_noise", 5, 32, {"sd": 0.10}),
        ("glass_blur", 5, 224, {"sigma": 1.5, "reach": 4, "passes": 2}),
        ("motion_blur", 5, 32, {"radius": 9, "sigma": 2.5}),
        ("jpeg_compression", 1, 224, {"quality": 25}),
        ("jpeg_compression", 1, 32, {"quality": 80}),
        ("elastic_transform", 5, 224, {"amplitude": 29.28, "smoothness": 2.44, "jitter": 4.88, "unit": 1}),
    ],
)
def test_published_sizes_give_published_numbers(kind, severity, side, expected):
    assert severity_parameters(kind, severity, side) == pytest.approx(expected)


def test_only_lengths_in_pixels_are_scaled():
    assert severity_parameters("defocus_blur", 4, 448) == pytest.approx({"radius": 16, "antialias": 1.0})
    twice = severity_parameters("snow", 3, 64)
    assert twice == pytest.approx(
        {"mean": 0.15, "sd": 0.3, "flake": 1.75, "threshold": 0.55, "radius": 10, "sigma": 4, "keep": 0.9, "unit": 2}
    )
    for kind in ("gaussian_noise", "shot_noise", "impulse_noise", "zoom_blur", "pixelate", "brightness", "contrast"):
        assert severity_parameters(kind, 3, 500, "imagenet") == severity_parameters(kind, 3, SIDE["imagenet"])


def test_the_table_follows_the_size():
    assert [recipe_of("auto", side) for side in (16, 64, 65, 224)] == ["cifar", "cifar", "imagenet", "imagenet"]
    assert recipe_of("imagenet", 32) == "imagenet"
    with pytest.raises(na.InputError, match="did you mean 'imagenet'"):
        recipe_of("imagnet", 224)
