"""The registry of estimators."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

import neuroalpha as na
from neuroalpha.spectrum.estimators import ESTIMATORS, bare_options, check_options, get_entry, get_estimator


@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_name_leads_to_a_public_function(name):
    if importlib.util.find_spec(ESTIMATORS[name].module) is None:
        pytest.skip(f"{name} is not built yet")
    assert get_estimator(name) is getattr(na, ESTIMATORS[name].function)


def test_unknown_names_and_options():
    with pytest.raises(na.InputError, match="did you mean 'cvpca'"):
        get_entry("cv_pca")
    with pytest.raises(na.InputError, match="expected one of"):
        get_entry(3)  # type: ignore[arg-type]
    with pytest.raises(na.InputError, match="'n_shufles', which 'cvpca' does not take; did you mean 'n_shuffles'"):
        check_options("cvpca", {"n_shufles": 3})
    assert check_options("cvpca", {"n_shuffles": 3}) == {"n_shuffles": 3}


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_bare_options_leave_the_eigenvalues_as_they_are(name):
    if importlib.util.find_spec(ESTIMATORS[name].module) is None:
        pytest.skip(f"{name} is not built yet")
    assert check_options(name, ESTIMATORS[name].bare) == bare_options(name, {})
    recording = na.simulate_recording(1.0, 60, 50, 2, 0.7, "white", False, 0)[0]
    values = na.preprocess(recording, zscore=None)
    full, bare = (get_estimator(name)(values, **options) for options in ({}, bare_options(name, {})))
    np.testing.assert_allclose(bare["eigenvalue"], full["eigenvalue"], rtol=1e-6, atol=1e-12)
    assert "eigenvalue_draw" not in bare
    assert bare_options(name, {"n_draws": 8})["n_draws"] == 8
