"""Rows are chosen and left out as it is told."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import neuroalpha as na
from neuroalpha.compare.rows import align_layers, number_column, prepare


def zoo(n_models=6, layers=("conv", "fc"), windows=("5-50", "11-100")):
    rows = []
    for model in range(n_models):
        for depth, layer in enumerate(layers):
            for window in windows:
                rows.append({
                    "model": f"m{model}", "weights": "w", "family": "ab"[model % 2], "layer": layer, "depth": depth / 2,
                    "window": window, "alpha": model + 0.1 * depth, "accuracy": 10.0 * model, "n": 2**model,
                })  # fmt: skip
    return pd.DataFrame(rows)


def read(table, x="alpha", y="accuracy", controls=(), group="family", unit="auto", within="auto", pick="auto"):
    return prepare(table, x, y, controls, group, unit, within, pick)


def test_layers_of_the_same_names_are_compared():
    found = read(zoo())
    assert found.within == ("layer", "window")
    assert len(found.points) == 24
    assert found.notes == ()
    assert found.points[["first", "last"]].drop_duplicates().values.tolist() == [[5, 50], [11, 100]]


def test_layers_of_other_names_are_picked_by_depth_and_told():
    table = zoo()
    table.loc[table["model"] == "m0", "layer"] += "_0"
    found = read(table)
    assert found.within == ("window",)
    assert found.points["alpha"].tolist() == pytest.approx([m + 0.1 for m in range(6) for _ in range(2)])
    assert found.picked == "each model's deepest"
    assert "the deepest layer of each model" in found.notes[0]
    assert "12 rows of other layers were not used" in found.notes[0]
    shallow = read(table, pick="shallowest")
    assert shallow.points["alpha"].tolist() == [m for m in range(6) for _ in range(2)]
    without = read(table.drop(columns="depth"))
    assert without.points["alpha"].tolist() == found.points["alpha"].tolist()
    assert "by the table's order" in without.notes[0]


def test_the_same_layer_is_picked_in_all_windows():
    table = zoo()
    table.loc[table["model"] == "m0", "layer"] += "_0"
    gap = (table["model"] == "m1") & (table["layer"] == "fc") & (table["window"] == "5-50")
    table.loc[gap, "alpha"] = np.nan
    found = read(table)
    assert found.points.query("unit == 'm1'")["alpha"].tolist() == [1.1]
    assert found.dropped.values.tolist() == [["m1", "5-50", "no alpha"]]


def test_a_pick_can_be_asked_for():
    found = read(zoo(), pick="deepest")
    assert found.within == ("window",)
    assert len(found.points) == 12


def test_positions_align_layers():
    table = zoo(layers=("a", "b", "c"))
    table["layer"] = table["model"] + table["layer"]
    table["position"] = np.where(table["depth"] == 0, "first", "later")
    found = read(table)
    assert found.within == ("position", "window")
    assert len(found.points) == 24
    later = found.points[found.points["position"] == "later"]
    assert (later["depth"] == 1.0).all()
    assert "at each position" in found.notes[0]


def layered(**depths):
    """Models with as many layers as is said, each with two windows."""
    return pd.DataFrame([
        {"model": model, "weights": "", "layer": f"{model}.{depth}", "depth": float(depth), "window": window}
        for model, n in depths.items() for depth in range(n) for window in ("1-10", "5-50")
    ])  # fmt: skip


def test_one_shallow_model_does_not_cost_the_others_their_layers():
    placed, notes = align_layers(layered(a=3, b=3, c=3, d=3, e=4, flat=1))
    counts = placed.groupby("position")["model"].nunique().to_dict()
    assert counts == {"last": 6, "last but 1": 5, "last but 2": 5}
    assert notes == (
        "2 of 34 rows are left out: only 1 of 6 models has layers before 'last but 2' (fewer layers: 'a', 'b', 'c', "
        "'d', ... (5 in all)), and at least 5 are needed there.",
    )
    assert "e.0" not in set(placed["layer"])
    assert set(placed.loc[placed["position"] == "last", "layer"]) == {"a.2", "b.2", "c.2", "d.2", "e.3", "flat.0"}


def test_of_few_models_all_must_have_a_position():
    placed, notes = align_layers(layered(a=3, b=3, flat=2))
    assert set(placed["position"]) == {"last", "last but 1"}
    assert "4 of 16 rows are left out: only 2 of 3 models have layers before 'last but 1' (fewer" in notes[0]
    assert "(fewer layers: 'flat')" in notes[0]
    assert align_layers(layered(a=2, b=2))[1] == ()


def test_image_sets_are_aligned_each_for_itself():
    both = pd.concat([layered(a=2, b=2).assign(images="x"), layered(a=2, b=1).assign(images="y")], ignore_index=True)
    placed, notes = align_layers(both)
    assert placed.groupby("images")["position"].nunique().to_dict() == {"x": 2, "y": 1}
    assert len(notes) == 1


def test_layers_of_unknown_depth_stand_in_the_tables_order():
    table = layered(a=3, b=3)
    table.loc[table["model"] == "a", "depth"] = None
    assert align_layers(table)[0]["position"].tolist() == align_layers(layered(a=3, b=3))[0]["position"].tolist()


def test_images_and_estimators_are_told_apart_only_where_there_are_several():
    table = pd.concat([zoo(layers=("fc",)).assign(images=name, estimator="pca") for name in ("a", "b")])
    found = read(table)
    assert found.within == ("images", "window")
    assert len(found.points) == 24


def test_several_reductions():
    table = pd.concat([zoo(layers=("fc",)).assign(reduce=name) for name in ("avg", "max")])
    assert read(table).within == ("window", "reduce")


def test_models_are_told_apart_by_their_weights():
    table = pd.concat([zoo(layers=("fc",), windows=("5-50",)).assign(weights=f"seed {seed}") for seed in range(2)])
    found = read(table)
    assert found.points["unit"].nunique() == 12
    assert found.points["unit"].iloc[0] == "m0 (seed 0)"
    with pytest.raises(na.InputError, match="'m0' has several rows at window 5-50; name the columns"):
        read(table, unit="model")
    assert read(table, unit="model", within=("window", "weights")).within == ("window", "weights")


def test_missing_values_are_counted_by_reason():
    table = zoo(layers=("fc",), windows=("5-50",))
    table.loc[0, "alpha"], table.loc[1, "accuracy"], table.loc[2, "family"] = np.nan, np.inf, ""
    table.loc[3, ["alpha", "accuracy"]] = np.nan
    found = read(table)
    assert len(found.points) == 2
    assert found.dropped["reason"].tolist() == ["no alpha", "no accuracy", "no family", "no alpha, no accuracy"]
    assert found.dropped["unit"].tolist() == ["m0", "m1", "m2", "m3"]


def test_logarithms_and_numbers_as_text():
    table = zoo(layers=("fc",), windows=("5-50",))
    np.testing.assert_allclose(number_column(table, "log n"), np.log(2) * np.arange(6))
    table.loc[0, "n"] = -1
    assert np.isnan(number_column(table, "log n")[0])
    assert number_column(table.assign(n=["1", "2.5", None, "4", "5", "6"]), "n")[1] == 2.5
    table["log n"] = 7.0  # a column of that name is itself
    assert (number_column(table, "log n") == 7).all()


def test_constant_controls_are_named():
    found = read(zoo().assign(k=3), controls=["n", "k"])
    assert found.controls == ("n",)
    assert found.notes == ("Not controlled for, because constant: k.",)


def test_the_table_is_not_changed():
    table = zoo()
    before = table.copy()
    read(table, controls=["log n"])
    pd.testing.assert_frame_equal(table, before)


@pytest.mark.parametrize(
    ("change", "how", "match"),
    [
        (lambda t: t, {"x": "alfa"}, "no column 'alfa'; did you mean 'alpha'"),
        (lambda t: t, {"y": "log acuracy"}, "no column 'acuracy'; did you mean 'accuracy'"),
        (lambda t: t, {"controls": ["depht"]}, "no column 'depht'; did you mean 'depth'"),
        (lambda t: t, {"group": "famly"}, "no column 'famly' for the groups; .* did you mean 'family'"),
        (lambda t: t, {"unit": "modl"}, "no column 'modl' that names the models; did you mean 'model'"),
        (lambda t: t.drop(columns="model"), {}, "no column 'model' that names the models"),
        (lambda t: t, {"unit": ()}, "unit names no column"),
        (lambda t: t, {"within": "wndow"}, "no column 'wndow' to tell .* did you mean 'window'"),
        (lambda t: t, {"pick": "deep"}, "pick is 'deep'; expected one of"),
        (lambda t: t, {"y": "alpha"}, "'alpha' is asked for twice"),
        (lambda t: t, {"controls": ["n", "n"]}, "'n' is asked for twice"),
        (lambda t: t, {"controls": ["layer"]}, "column 'layer' holds 'conv', which is not a number"),
        (lambda t: t, {"x": "family"}, "'family' cannot be related"),
        (lambda t: t.assign(n=-1), {"controls": ["log n"]}, "'n' has no value above zero"),
        (lambda t: t.assign(alpha=1.5), {}, "'alpha' is 1.5 in all 24 rows"),
        (lambda t: t.assign(accuracy=np.nan), {}, "none of 24 rows can be used, most often because no accuracy"),
        (lambda t: t.assign(family=list("ab") * 12), {}, "'m0' stands in several groups of 'family': 'a', 'b'"),
        (lambda t: t.iloc[:0], {}, "no rows"),
        (lambda t: t.to_dict(), {}, "table is dict; expected a pandas DataFrame"),
        (lambda t: pd.concat([t, t]), {}, "'m0' has several rows at layer conv, window 5-50"),
        (lambda t: pd.concat([t, t[["n"]]], axis=1), {"controls": ["n"]}, "2 columns with the name 'n'"),
    ],
)
def test_bad_input(change, how, match):
    with pytest.raises(na.InputError, match=match):
        read(change(zoo()), **how)
