"""Theory of a readout from its decomposition: what predict_generalisation says of the same features."""

from __future__ import annotations

import numpy as np
import pytest

import neuroalpha as na
from neuroalpha.tasks.decomposition import decompose_and_project
from neuroalpha.theory.generalisation import VARIANTS, predict_generalisation
from neuroalpha.theory.readout_theory import readout_theory


def problem(n_images, n_neuroids, seed=0, n_classes=3):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n_images, n_neuroids)) * np.arange(1, n_neuroids + 1) ** -0.5 + 2
    return x, (x[:, :8] @ rng.standard_normal((8, n_classes))).argmax(axis=1)


@pytest.mark.parametrize("shape", [(120, 40), (60, 150)])
@pytest.mark.parametrize("n_train", [None, 17])
def test_it_says_what_predict_generalisation_says(shape, n_train):
    x, codes = problem(*shape)
    net = na.make_assembly(x, stimulus_id=np.arange(shape[0]), presentation={"label": codes})
    expected = predict_generalisation(net, n_train=[n_train or shape[0] // 2])
    decomposition, projected = decompose_and_project(x)
    found = readout_theory(decomposition.values, projected, codes, 3, expected.attrs["alpha"], n_train)
    assert list(found) == list(VARIANTS)
    for name, value in found.items():
        assert value == pytest.approx(float(expected[name][0]), rel=1e-6)


def test_neuroids_that_say_nothing_new_do_not_matter():
    x, codes = problem(80, 20)
    padded = np.c_[x, np.ones((80, 5)), x[:, :3]]
    rotated = np.c_[x[:, :3] * np.sqrt(2), x[:, 3:]]  # a copy is a louder neuroid
    one, two = (
        readout_theory(found.values, projected, codes, 3, 1.0)
        for found, projected in map(decompose_and_project, (padded, rotated))
    )
    assert one == pytest.approx(two, rel=1e-6)


def test_without_alpha_what_needs_it_is_not_known():
    x, codes = problem(80, 20)
    found, projected = decompose_and_project(x)
    none, one = (readout_theory(found.values, projected, codes, 3, alpha) for alpha in (np.nan, 1.0))
    for name in VARIANTS:
        if name in ("error_alpha_only", "error_alignment"):
            assert np.isnan(none[name])
        else:
            assert none[name] == one[name]


def test_more_images_to_draw_from():
    x, codes = problem(80, 20)
    found, projected = decompose_and_project(x)
    few, many = (readout_theory(found.values, projected, codes, 3, 1.0, 40, n) for n in (None, 10**6))
    assert 0 < few["error"] != many["error"] < 1


def test_bad_input():
    x, codes = problem(80, 20)
    found, projected = decompose_and_project(x)
    with pytest.raises(na.InputError, match=r"projections have shape \(80, 20\) for 79 codes and 20 eigenvalues"):
        readout_theory(found.values, projected, codes[1:], 3, 1.0)
    with pytest.raises(na.InputError, match="the target has no power"):
        readout_theory(found.values, projected, codes * 0, 3, 1.0)
    with pytest.raises(na.InputError, match="n_train is 80"):
        readout_theory(found.values, projected, codes, 3, 1.0, 80)
