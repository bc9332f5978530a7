"""A zoo's figures for papers: every format, the same bytes each time, names as written, the numbers of the table."""

from __future__ import annotations

import re
import warnings
import xml.etree.ElementTree as ElementTree

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from scipy import stats

import neuroalpha as na
from neuroalpha.report import zoo_figures as module
from neuroalpha.report.zoo_against import draw_against, draw_target
from neuroalpha.report.zoo_figures import last_layers, zoo_figures
from neuroalpha.report.zoo_page import complete


@pytest.fixture(scope="module")
def zoo(make_zoo):
    table, spectra = make_zoo(n_models=5, n_layers=3, images=("imagenette", "cifar10"), n_draws=6)
    return table.assign(**{"results-a top1": table["model"].str[-1].astype(float) * 3 + 50}), spectra


def texts_of(path):
    return [(each.text or "").strip() for each in ElementTree.parse(path).iter() if each.tag.endswith("}text")]


def panels_of(frame, draw):
    """The axes of one figure, before it is written."""
    _, panels = module._panels(frame, 4, 3)
    for ax, rows in panels:
        draw(ax, rows)
    return [ax for ax, _ in panels]


def test_files(zoo, tmp_path):
    table, spectra = zoo
    paths = zoo_figures(table, spectra, tmp_path / "f", against=["results-a top1", "participation_ratio"])
    stems = ["spectra", "depth", "alpha", "against-results-a-top1", "against-participation-ratio"]
    assert [path.name for path in paths] == [f"{stem}.{form}" for stem in stems for form in ("svg", "pdf")]
    assert sorted(p.name for p in (tmp_path / "f").iterdir()) == sorted(path.name for path in paths)
    for path in paths:
        assert path.read_bytes().startswith(b"%PDF" if path.suffix == ".pdf" else b"<?xml")
    texts = texts_of(tmp_path / "f" / "alpha.svg")
    assert {"imagenette", "cifar10", "torchvision:net0", "torchvision:net4"} <= set(texts)
    assert "results-a top1" in texts_of(tmp_path / "f" / "against-results-a-top1.svg")


def test_same_bytes_whatever_the_user_has_set(zoo, tmp_path):
    table, spectra = zoo
    how = {"formats": ("svg", "pdf", "png"), "against": ["parameters"]}
    first = zoo_figures(table, spectra, tmp_path / "a", **how)
    with mpl.rc_context({"axes.facecolor": "red", "svg.hashsalt": "mine", "font.size": 30}):
        second = zoo_figures(table, spectra, tmp_path / "b", **how)
        assert mpl.rcParams["font.size"] == 30
    for one, two in zip(first, second, strict=True):
        assert one.read_bytes() == two.read_bytes(), one.name
    assert not re.search(rb"<dc:date>|CreationDate|ModDate", b"".join(path.read_bytes() for path in first))


def test_names_stand_as_written(zoo, tmp_path):
    table, spectra = zoo
    names = {
        f"torchvision:net{i}": text for i, text in enumerate(["_x", "$a_1$ <b>&", "q\"'\n\x01", "naïve Δ", "y" * 90])
    }
    evil = table.assign(model=table["model"].map(names), images=table["images"] + "$</svg><script>")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        zoo_figures(evil, spectra, tmp_path, formats=["svg"])
    texts = texts_of(tmp_path / "alpha.svg")
    for name in ("_x", "$a_1$ <b>&", "naïve Δ", "imagenette$</svg><script>"):
        assert name in texts
    assert any(text.startswith("y" * 20 + "y") and len(text) < 60 for text in texts)
    assert {"_x", "naïve Δ"} <= {text.split(":")[0] for text in texts_of(tmp_path / "spectra.svg")}


def test_panels_hold_what_was_measured_in_one_way(zoo):
    frame = complete(zoo[0])
    last = frame[last_layers(frame)]
    assert (last["layer"] == "layer2").all()
    axes = panels_of(frame, module._draw_depth)
    assert [ax.get_title() for ax in axes] == ["imagenette", "cifar10"]
    lines = [line for line in axes[0].get_lines() if len(line.get_xdata()) == 3]
    drawn = {tuple(np.round(line.get_ydata().astype(float), 9)) for line in lines}
    part = frame[frame["images"] == "imagenette"]
    assert {tuple(np.round(rows["alpha"], 9)) for _, rows in part.groupby("model")} <= drawn
    (one,) = [ax for ax in panels_of(last, module._draw_sorted) if ax.get_title() == "cifar10"]
    shown = one.get_lines()[0].get_xdata()
    np.testing.assert_array_equal(shown, np.sort(last.loc[last["images"] == "cifar10", "alpha"]))


def test_a_column_of_the_model_has_one_point_a_model(zoo):
    frame = complete(zoo[0])
    last = frame[last_layers(frame)]
    ax = panels_of(last, lambda ax, rows: draw_against(ax, rows, "results-a top1", True))[0]
    part = last[last["images"] == "imagenette"]
    rho = stats.spearmanr(part["results-a top1"], part["alpha"])[0]
    assert ax.get_title() == f"imagenette\nSpearman {rho:.2f}, n = 5".replace("-", "\N{MINUS SIGN}")
    assert ax.get_ylabel() == "alpha of the last layer"


def test_many_populations_are_grey_but_for_twelve(make_zoo):
    table, spectra = make_zoo(n_models=20, n_layers=1, n_draws=0)
    frame = complete(table)
    ax = panels_of(frame, lambda ax, rows: module._draw_spectra(ax, rows, spectra))[0]
    curves = [line for line in ax.get_lines() if len(line.get_xdata()) == 80]
    assert len(curves) == 20
    assert sum(line.get_color() == module.GREY["color"] for line in curves) == 8
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert len(texts) == 12
    alphas = np.array([float(text.split(": ")[-1]) for text in texts])
    assert (np.diff(alphas) <= 0).all()
    assert alphas[[0, -1]] == pytest.approx([table["alpha"].max(), table["alpha"].min()], abs=0.005)
    assert ax.get_legend().get_title().get_text().endswith("12 of 20, spread over alpha, the others grey")


def test_rows_without_fit_or_spectrum_or_depth(zoo, tmp_path):
    table, spectra = zoo
    table = table.copy()
    table.loc[table["model"] == "torchvision:net0", ["alpha", "low", "high", "first", "last"]] = np.nan
    table["depth"] = np.nan
    some = {key: spectra[key] for key in list(spectra)[:3]}
    assert len(zoo_figures(table, some, tmp_path, formats=["svg"], against=["r2"])) == 4
    bare = table[["key", "model", "images", "layer"]].assign(alpha=np.nan)
    assert len(zoo_figures(bare, {}, tmp_path / "bare", formats=["png"])) == 3


def test_names_of_files_do_not_meet(zoo, tmp_path):
    table, spectra = zoo
    twice = table.assign(**{"a b": 1.0, "a-B": 2.0, "///": 3.0})
    paths = zoo_figures(twice, spectra, tmp_path, formats=["svg"], against=["a b", "a-B", "///", "a b"])
    assert [path.name for path in paths[3:]] == ["against-a-b.svg", "against-a-B-2.svg", "against-column.svg"]


def test_a_target_is_drawn_against_alpha_with_families_and_intervals(zoo, tmp_path):
    table, spectra = zoo
    families = ["plain", "residual", "$x$ <b>", "plain", ""]
    accuracy = np.random.default_rng(0).uniform(0.3, 0.9, len(table))
    table = table.assign(
        family=table["model"].str[-1].astype(int).map(lambda i: families[i]), accuracy=accuracy,
        accuracy_low=accuracy - 0.05, accuracy_high=accuracy + 0.02, relative_drop=1 - accuracy,
    )  # fmt: skip
    frame = complete(table)
    last = last_layers(frame)
    (target, drop) = module.targets(frame)[:2]

    def draw(ax, rows):
        draw_target(ax, rows, last[rows.index], target, ["$x$ <b>", "plain", "residual"])

    ax = panels_of(frame, draw)[0]
    part, is_last = frame[frame["images"] == "imagenette"], last[frame["images"] == "imagenette"]
    drawn = [bars.lines[0].get_xydata() for bars in ax.containers]
    np.testing.assert_allclose(np.sort(np.vstack(drawn), axis=0), np.sort(part[["alpha", "accuracy"]], axis=0))
    assert {len(bars.lines[2]) for bars in ax.containers} == {2}  # both intervals
    inside = ax.containers[-1]  # the last layer of the one residual model
    (row,) = part[is_last & (part["family"] == "residual")].itertuples()
    (across,), (up,) = (lines.get_segments() for lines in inside.lines[2])
    np.testing.assert_allclose(across[:, 0], [row.low, row.high])
    np.testing.assert_allclose(up[:, 1], [row.accuracy_low, row.accuracy_high])
    rho = [stats.spearmanr(rows["alpha"], rows["accuracy"])[0] for rows in (part[is_last], part)]
    said = f"imagenette\nSpearman: last layers {rho[0]:.2f}, n = 5; all layers {rho[1]:.2f}, n = 15"
    assert ax.get_title() == said.replace("-", "\N{MINUS SIGN}")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [r"\$x\$ <b>", "plain", "residual"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("alpha", "accuracy")
    ax = panels_of(frame, lambda ax, rows: draw_target(ax, rows, last[rows.index], drop))[0]
    assert ax.get_ylabel() == "relative drop (lower is better)"
    assert ax.get_legend() is None
    paths = zoo_figures(table, spectra, tmp_path, formats=["svg"], against=["accuracy", "relative_drop"])
    assert {"$x$ <b>", "families"} <= set(texts_of(paths[3]))


@pytest.mark.parametrize(
    ("how", "match"),
    [
        ({"formats": ["gif"]}, "cannot write figures as 'gif'"),
        ({"against": "top1"}, "expected a list"),
        ({"against": ["participation_ration"]}, "did you mean 'participation_ratio'"),
        ({"against": ["model"]}, "no numbers 'model'"),
    ],
)
def test_bad_input(zoo, tmp_path, how, match):
    table, spectra = zoo
    with pytest.raises(na.InputError, match=match):
        zoo_figures(table, spectra, tmp_path / "f", **how)
    assert not (tmp_path / "f").exists()


def test_the_last_layer_is_the_deepest_one_that_has_an_alpha():
    rows = [("a", 0.0, 1.0), ("a", 0.5, 2.0), ("a", 1.0, np.nan), ("b", 0.5, np.nan), ("b", 1.0, np.nan)]
    frame = pd.DataFrame(rows, columns=["model", "depth", "alpha"]).assign(weights="", images="set")
    assert last_layers(frame).tolist() == [False, True, False, False, True]
