"""Kinds of jobs: their options."""

from __future__ import annotations

import pytest

import neuroalpha as na
from neuroalpha.runs.kinds import KINDS, check_options, image_sets, module_of, path_options


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_what_the_runs_use(kind):
    module = module_of(kind)
    given = {"test": "there"} if "test" in module.OPTIONS else {}
    assert check_options(kind, given, "here") == {**module.OPTIONS, **given}
    assert callable(module.jobs)
    assert callable(module.perform)
    assert kind == "spectra" or callable(module.columns)


def test_options_that_name_image_sets_and_paths():
    filled = check_options("shifts", {"test": "a", "natural": ["b", "c"], "published": ["d"]}, "here")
    assert image_sets("shifts", filled) == ["a", "b", "c"]
    assert path_options("shifts") == ("published",)
    assert image_sets("spectra", check_options("spectra", {}, "here")) == []
    assert path_options("spectra") == ()


def test_options():
    assert check_options("spectra", {"draws": 0}, "here")["draws"] == 0
    with pytest.raises(na.InputError, match="here has the unknown key 'sed'; did you mean 'seed'"):
        check_options("spectra", {"sed": 0}, "here")
