"""Every example in a docstring runs and prints what it says."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import warnings

import pytest

import neuroalpha

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(neuroalpha.__path__, "neuroalpha.")
    if not module.name.endswith("__main__")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples(name, tmp_path):
    module = importlib.import_module(name)
    options = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        failed, _ = doctest.testmod(module, extraglobs={"tmp": tmp_path}, optionflags=options)
    assert failed == 0


def test_every_public_function_has_an_example():
    for face in (neuroalpha, neuroalpha.theory):
        for name in face.__all__:
            thing = getattr(face, name)
            if callable(thing) and not isinstance(thing, type):
                assert ">>>" in (thing.__doc__ or ""), name
