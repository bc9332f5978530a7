"""Figures of supervision signals show the numbers that they were given."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest

import neuroalpha as na
from neuroalpha.report import plot_supervision
from neuroalpha.theory.recommendation import recommend_signal
from neuroalpha.theory.supervision import preference_map
from neuroalpha.theory.supervision_simulation import simulate_supervision, sparsity_curves


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def simulation():
    return simulate_supervision((4, 8, 12), (3, 6), (4, 9), repeats=2, progress=False)


@pytest.fixture(scope="module")
def curves():
    return sparsity_curves(9, 5, 3, sparsities=[1, 3, 5], repeats=2, progress=False)


def test_map_holds_the_means_with_points_across_and_classes_up(simulation):
    ax = plot_supervision.recovery_map(simulation, signal="soft", d=9)
    expected = simulation.rho.sel(signal="soft", d=9).mean("repeat").values.T
    np.testing.assert_allclose(np.asarray(ax.images[0].get_array()), expected)
    assert ax.images[0].origin == "lower"
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["4", "8", "12"]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["3", "6"]
    assert len(ax.texts) == expected.size
    assert ax.texts[0].get_text().lstrip("-") in (f"{abs(expected[0, 0]):.2f}"[1:], "1.0", "0")


def test_scatter_has_a_point_for_each_cell(simulation):
    ax = plot_supervision.effective_dimensions(simulation)
    drawn = np.concatenate([np.asarray(each.get_offsets()) for each in ax.collections])
    part = simulation.sel(signal="soft").mean("repeat")
    expected = np.stack([part.information_ratio.values.ravel(), part.effective_dimension.values.ravel()], axis=1)
    np.testing.assert_allclose(sorted(map(tuple, drawn)), sorted(map(tuple, expected)))
    r = np.corrcoef(expected.T)[0, 1]
    assert f"r = {r:.2f}" in ax.get_title()
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["d = 4", "d = 9"]


def test_lines_of_sparsity(curves):
    ax = plot_supervision.sparsity_lines(curves)
    lines = {line.get_label(): line for line in ax.lines}
    np.testing.assert_allclose(
        lines["sparse labels"].get_ydata(), curves.rho.sel(signal="sparse").mean("repeat").values
    )
    assert lines["principal components of the truth"].get_xdata().tolist() == [1, 3]  # three dimensions, no fifth
    assert lines["hard labels"].get_ydata()[0] == pytest.approx(float(curves.rho_hard.mean()))
    assert ax.get_title() == "n = 9, k = 5, d = 3"


def test_lines_of_sparsity_over_the_points_alone(curves):
    ax = plot_supervision.sparsity_lines(curves, value="rho_points", legend=False)
    lines = {line.get_label(): line for line in ax.lines}
    for name in ("sparse", "top-class"):
        expected = curves.rho_points.sel(signal=name).mean("repeat").values
        np.testing.assert_allclose(lines[f"{name} labels"].get_ydata(), expected)
    assert lines["soft labels"].get_ydata()[0] == pytest.approx(float(curves.rho_points_soft.mean()))
    assert ax.get_title() == "n = 9, k = 5, d = 3: the points alone"
    assert ax.get_legend() is None
    with pytest.raises(na.InputError, match="no 'wrong'"):
        plot_supervision.sparsity_lines(curves, value="wrong")


def test_all_figures_of_what_is_there(simulation, curves):
    plan = recommend_signal(400, 10, {"hard": 0.02, "soft": 0.01})
    given = {"simulation": simulation, "curves": curves, "preference": preference_map([3, 9], [3, 9]), "plan": plan}
    figures = plot_supervision.supervision_figures(given)
    names = ["recovery", "information", "effective-dimension", "sparsity", "preference", "cost-curve"]
    assert list(figures) == names
    assert len(figures["recovery"].axes) == 2 * 2 + 2  # signals x d, and a bar for each row
    assert [ax.get_title() for ax in figures["sparsity"].axes] == list(plot_supervision.SCORED.values())
    assert len(figures["preference"].axes) == 9 + 1

    class Held:
        datasets = {"curves": curves}  # noqa: RUF012

    assert list(plot_supervision.supervision_figures(Held())) == ["sparsity"]


@pytest.mark.parametrize(
    ("how", "match"),
    [
        ({"signal": "sfot"}, "no signal 'sfot'"),
        ({"signal": "soft", "d": 7}, "no d 7"),
        ({"signal": "soft", "value": "x"}, "no 'x'"),
    ],
)
def test_bad_input(simulation, how, match):
    with pytest.raises(na.InputError, match=match):
        plot_supervision.recovery_map(simulation, **how)


def test_nothing_to_draw():
    with pytest.raises(na.InputError, match="nothing to draw"):
        plot_supervision.supervision_figures({"other": 1})


def test_short_numbers():
    assert [plot_supervision._short(x) for x in (0.831, -0.024, 0.999, 0.003, -0.001, 0.0)] == [
        ".83", "-.02", "1.0", ".003", "0", "0",
    ]  # fmt: skip
