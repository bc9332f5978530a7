"""The package as a whole: its public face, its imports, what travels in it."""

from __future__ import annotations

import subprocess
import sys

import pytest

import neuroalpha as na


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_public_names_resolve():
    for name in na.__all__:
        assert getattr(na, name) is not None
    assert set(na.__all__) <= set(dir(na))
    for name in na.theory.__all__:
        assert getattr(na.theory, name) is not None
    assert set(na.theory.__all__) <= set(dir(na.theory))
    for face in (na, na.theory):
        with pytest.raises(AttributeError, match="no attribute 'nothing'"):
            _ = face.nothing


def test_no_public_function_is_hidden_by_a_module_of_its_name():
    """Importing a submodule sets an attribute of the package: a top-level module must not share a function's name."""
    out = run(
        "import importlib, pkgutil, types, neuroalpha as na\n"
        "[importlib.import_module(m.name) for m in pkgutil.walk_packages(na.__path__, 'neuroalpha.') "
        "if not m.name.endswith('__main__')]\n"
        "for of, meant in ((na, ('plot', 'theory')), (na.theory, ())):\n"
        "    print([n for n in of.__all__ if n not in meant and isinstance(getattr(of, n), types.ModuleType)])"
    )
    assert out == "[]\n[]"


def test_help_and_spectra_do_not_pay_for_torch():
    code = (
        "import sys, numpy as np, neuroalpha as na, neuroalpha.cli\n"
        "x = na.make_assembly(np.random.default_rng(0).normal(size=(60, 50)), stimulus_id=np.arange(60))\n"
        "na.measure(x, estimator='pca')\n"
        "na.read_array(np.ones((2, 3, 4)))\n"
        "print('torch' in sys.modules)"
    )
    assert run(code) == "False"


def test_plain_import_is_light():
    assert (
        run("import sys, neuroalpha; print(any(m in sys.modules for m in ('torch', 'xarray', 'matplotlib')))")
        == "False"
    )


def test_cards_travel_as_package_data():
    assert run("from neuroalpha.recordings.cards import load_cards; print(len(load_cards()) >= 12)") == "True"


def test_layers_of_the_house():
    """Imports go one way: nothing below knows of the command line, the report or the runs."""
    out = run(
        "import sys, neuroalpha.spectrum.fit, neuroalpha.spectrum.cvpca, neuroalpha.spectrum.reliability\n"
        "print([m for m in sys.modules if m.startswith('neuroalpha.') and "
        "m.split('.')[1] in ('cli', 'report', 'compare', 'recordings', 'networks', 'simulate')])"
    )
    assert out == "[]"
