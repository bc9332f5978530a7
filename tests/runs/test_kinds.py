"""Kinds of jobs: their options."""

from __future__ import annotations

import pytest

import neuroalpha as na
from neuroalpha.runs.kinds import KINDS, check_options, module_of


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_what_the_runs_use(kind):
    module = module_of(kind)
    assert check_options(kind, {}, "here") == dict(module.OPTIONS)
    assert callable(module.jobs)
    assert callable(module.perform)


def test_options():
    assert check_options("spectra", {"draws": 0}, "here")["draws"] == 0
    with pytest.raises(na.InputError, match="here has the unknown key 'sed'; did you mean 'seed'"):
        check_options("spectra", {"sed": 0}, "here")
