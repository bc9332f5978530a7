"""Recipes against the numbers of their papers, and what strength does to them."""

from __future__ import annotations

import json

import pytest

from neuroalpha.errors import InputError
from neuroalpha.ssl.recipes import Recipe, list_recipes, make_recipe


def test_simclr_on_cifar_is_strength_a_half_without_blur() -> None:
    recipe = make_recipe("simclr", 32)
    assert recipe.scale == (0.08, 1.0)
    # Appendix A: .8 s, .8 s, .8 s, .2 s applied 4 times in 5, grey one time in 5; appendix B.9: s = .5, no blur.
    assert (recipe.brightness, recipe.contrast, recipe.saturation, recipe.hue) == (0.4, 0.4, 0.4, 0.1)
    assert (recipe.jitter, recipe.grey, recipe.flip) == (0.8, 0.2, 0.5)
    assert not any(recipe.blur)
    assert make_recipe("simclr", 96).blur == (0.5,)


def test_isoloss_differs_between_views() -> None:
    recipe = make_recipe("isoloss", 32)
    assert (recipe.brightness, recipe.contrast, recipe.saturation, recipe.hue) == (0.4, 0.4, 0.2, 0.1)
    assert recipe.solarize == (0.0, 0.2)
    assert not any(recipe.blur)
    assert make_recipe("isoloss", 96).blur == (1.0, 0.1)


@pytest.mark.parametrize("name", ["simclr", "isoloss"])
def test_strength(name: str) -> None:
    full, half, none = (make_recipe(name, 96, strength) for strength in (1.0, 0.5, 0.0))
    assert full == make_recipe(name, 96)
    assert none.scale == (1.0, 1.0)
    assert none.ratio == (1.0, 1.0)
    assert none.brightness == none.contrast == none.saturation == none.hue == none.grey == 0
    assert not any((*none.blur, *none.solarize))
    assert none.flip == 0.5
    assert half.scale is not None
    assert half.scale[0] == pytest.approx(0.08**0.5)
    assert half.hue == pytest.approx(full.hue / 2)
    assert half.grey == pytest.approx(0.1)
    strong = make_recipe(name, 96, 2.5)
    assert strong.brightness == pytest.approx(1.0)
    assert strong.grey == full.grey  # chances do not grow
    assert strong.hue <= 0.5


@pytest.mark.parametrize("name", ["weak", "none"])
def test_recipes_without_a_crop_do_not_depend_on_strength(name: str) -> None:
    assert make_recipe(name, 32, 0.0) == make_recipe(name, 32, 2.0)


def test_every_recipe_can_be_written_down() -> None:
    for name in list_recipes():
        told = json.loads(json.dumps(make_recipe(name, 32).to_dict()))
        assert told["name"] == name


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: make_recipe("simcrl", 32), r"no recipe of views 'simcrl'; did you mean 'simclr'\?; known: simclr"),
        (lambda: make_recipe("simclr", 32, -1), "strength is -1; expected a number from 0 to 2.5"),
        (lambda: make_recipe("simclr", 32, float("nan")), "strength is nan"),
        (lambda: Recipe("own", scale=(0.5, 1.5)), r"scale of recipe 'own' is \(0.5, 1.5\)"),
        (lambda: Recipe("own", ratio=(2.0, 0.5)), r"ratio of recipe 'own' is \(2.0, 0.5\)"),
        (lambda: Recipe("own", flip=1.5), "flip of recipe 'own' is 1.5; expected a number from 0 to 1"),
        (lambda: Recipe("own", hue=0.7), "hue of recipe 'own' is 0.7; expected a number from 0 to 0.5"),
        (lambda: Recipe("own", solarize=()), "solarize of recipe 'own' is empty"),
        (lambda: Recipe("own", blur=(0.5, 2.0)), "blur of recipe 'own' is 2.0"),
        (lambda: Recipe("own", sigma=(0.0, 2.0)), "sigma of recipe 'own'"),
    ],
)
def test_bad_recipes_are_told(call, message) -> None:
    with pytest.raises(InputError, match=message) as told:
        call()
    assert "\n" not in str(told.value)
