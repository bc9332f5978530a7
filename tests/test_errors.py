"""Errors are one line and suggest what was meant."""

from __future__ import annotations

from neuroalpha.errors import InputError, MissingExtraError, nearest


def test_one_line():
    assert str(InputError("a\n   b")) == "a b"
    assert isinstance(InputError("a"), ValueError)


def test_missing_extra_says_how_to_get_it():
    error = MissingExtraError("timm", "zoo", "the model 'timm:x'")
    assert str(error) == "the model 'timm:x' needs the package 'timm': install it with `pip install 'neuroalpha[zoo]'`"


def test_nearest():
    assert nearest("layr3", ["layer3", "conv"]) == "; did you mean 'layer3'?"
    assert nearest("zzz", ["layer3", "conv"]) == ""
