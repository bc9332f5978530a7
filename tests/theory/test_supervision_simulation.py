"""The simulation of supervision signals: counts against formulas, the paper's directions, seeds, bad input."""

from __future__ import annotations

import numpy as np
import pytest

import neuroalpha as na
from neuroalpha.theory.supervision_simulation import effective_dimension, simulate_supervision, sparsity_curves
from neuroalpha.theory.triplets import ratios
from neuroalpha.theory.triplets.effective import component_correlations
from neuroalpha.theory.triplets.latents import draw_latents


@pytest.fixture(scope="module")
def found():
    return simulate_supervision(
        (4, 24), (3, 12), (5, 25), signals=("hard", "soft", "proximity", "sparse:2"), repeats=2, progress=False
    )


def test_counts_and_ratios_equal_the_formulas(found):
    for n in (4, 24):
        for k in (3, 12):
            part = found.sel(n=n, k=k)
            assert (part.n_triplets.sel(signal=["soft", "proximity"]) == ratios.count("soft", n, k)).all()
            # Far apart (d = 25), the nearest centroid is a point's own, and hard labels are balanced.
            if n == 24:
                assert (part.n_triplets.sel(signal="hard", d=25) == ratios.count("hard", n, k)).mean() >= 0.5
            np.testing.assert_allclose(part.information_ratio.sel(signal="soft"), ratios.ratio("soft", n, k))


def test_the_directions_of_the_paper(found):
    mean = found.mean("repeat")
    assert (mean.rho.sel(signal="soft") > mean.rho.sel(signal="hard")).all()
    assert (mean.rho.sel(signal="hard", n=24, k=3) > mean.rho.sel(signal="hard", n=24, k=12)).all()
    assert (mean.rho.sel(signal="soft", n=24, k=12) > 0.75).all()
    assert (found.wrong_first.sel(signal="proximity") == 0).all()
    assert (found.wrong_first.sel(signal="soft", n=24, k=12) > 0.1).all()
    assert (found.gap <= 0.01).all()
    assert found.attrs["seed"] == 0


def test_effective_dimension_belongs_to_rho(found):
    at = found.sel(signal="soft", n=24, k=12, d=25, repeat=1)
    items = draw_latents(24, 12, 25, 0, 1).items
    q = int(at.effective_dimension)
    correlations = component_correlations(items)
    assert correlations[q - 1] >= float(at.rho) > correlations[q - 2]
    assert effective_dimension(items, float(at.rho)) == q


def test_more_noise_recovers_less():
    rho = [
        float(simulate_supervision(24, 12, 5, signals="soft", noise=noise, repeats=2, progress=False).rho.mean())
        for noise in (0.0, 0.25, 0.4, 0.5)
    ]
    assert rho == sorted(rho, reverse=True)
    assert abs(rho[-1]) < 0.25


def test_numbers_depend_on_the_seed_alone_and_are_kept(tmp_path, monkeypatch):
    how = {"repeats": 1, "progress": False, "cache": tmp_path}
    one = simulate_supervision(5, 3, 4, **how)
    monkeypatch.setattr("neuroalpha.theory.triplets.grid.simulate_cell", None)
    assert simulate_supervision(5, 3, 4, **how).identical(one)
    monkeypatch.undo()
    other = simulate_supervision(5, 3, 4, seed=1, **how)
    assert not np.allclose(one.rho, other.rho)


def test_sparsity_curves_meet_soft_labels_where_all_is_kept():
    curves = sparsity_curves(16, 8, 12, sparsities=[1, 3, 8], repeats=2, progress=False)
    np.testing.assert_allclose(curves.rho.sel(signal="sparse", sparsity=8), curves.rho_soft)
    np.testing.assert_allclose(curves.rho.sel(signal="top-class", sparsity=8), curves.rho_soft)
    mean = curves.rho.mean("repeat").sel(sparsity=3)
    assert mean.sel(signal="pca") > mean.sel(signal="sparse") > mean.sel(signal="top-class")
    assert np.isnan(sparsity_curves(6, 4, 2, sparsities=[3], repeats=1, progress=False).rho.sel(signal="pca")).all()
    for sparsity in (1, 3, 8):
        expected = ratios.ratio("top-class", 16, 8, sparsity)
        np.testing.assert_allclose(curves.information_ratio.sel(signal="top-class", sparsity=sparsity), expected)


def test_curves_hold_every_choice_of_items():
    curves = sparsity_curves(16, 8, 12, sparsities=[3, 8], repeats=2, progress=False)
    cell = simulate_supervision(16, 8, 12, signals=("soft", "top-class:3"), repeats=2, progress=False).squeeze()
    for name in ("rho", "rho_points", "rho_asked"):
        of = curves[name].sel(signal="top-class", sparsity=3)
        np.testing.assert_array_equal(of, cell[name].sel(signal="top-class:3"))
    np.testing.assert_array_equal(curves.rho_points_soft, cell.rho_points.sel(signal="soft"))
    # Every class of a sparse label is asked about; of top-class labels five are not, and count against them in rho.
    np.testing.assert_array_equal(*(curves[name].sel(signal="sparse") for name in ("rho", "rho_asked")))
    assert (curves.rho_asked > curves.rho).sel(signal="top-class", sparsity=3).all()
    expected = [component_correlations(draw_latents(16, 8, 12, 0, r).items, n_scored=16)[[2, 7]] for r in (0, 1)]
    np.testing.assert_allclose(curves.rho_points.sel(signal="pca").values.T, expected)


@pytest.mark.parametrize(
    ("how", "match"),
    [
        ({"n": 0}, "n is 0"),
        ({"k": 1}, "k is 1"),
        ({"d": 2.5}, "d is 2.5"),
        ({"n": (5, 5)}, "different"),
        ({"n": ()}, "one or more"),
        ({"signals": "softt"}, "did you mean 'soft'"),
        ({"signals": "sparse"}, "sparse:NUMBER"),
        ({"signals": "soft:3"}, "without a number"),
        ({"signals": "sparse:4"}, "with 3 classes"),
        ({"signals": "top-class:0"}, "expected 1 to k"),
        ({"signals": ()}, "one or more"),
        ({"repeats": 0}, "repeats is 0"),
        ({"noise": 0.7}, "noise is 0.7"),
        ({"spread": 0}, "spread is 0"),
        ({"penalty": 1}, "penalty is 1"),
        ({"tolerance": "x"}, "tolerance is 'x'"),
        ({"seed": None}, "seed is None"),
        ({"workers": 0}, "workers is 0"),
    ],
)
def test_bad_input(how, match):
    with pytest.raises(na.InputError, match=match):
        simulate_supervision(**{"n": 5, "k": 3, "d": 2, "progress": False, **how})


@pytest.mark.parametrize(("items", "rho", "match"), [(np.ones(4), 0.5, "shape"), (np.eye(4), 2, "correlation is 2")])
def test_bad_items(items, rho, match):
    with pytest.raises(na.InputError, match=match):
        effective_dimension(items, rho)
