"""The claims about alpha: which columns they speak of, and what a planted effect looks like in them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import neuroalpha as na
from neuroalpha.compare.claims import relate_claims, statements_of, targets, with_effective_robustness
from neuroalpha.compare.rows import align_layers


def with_positions(table):
    return align_layers(table)[0]


QUICK = {"n_bootstrap": 40, "n_permutations": 60}


def zoo(n=14, windows=("1-10", "11-50"), seed=0, slope=-0.3):
    """Two layers of each model under names of its own; accuracy falls with alpha in the last layer alone."""
    rng = np.random.default_rng(seed)
    rows = []
    for model in range(n):
        alpha = rng.uniform(0.6, 1.4)
        for depth, layer in enumerate(("early", "late") if model % 2 else ("stem", "head")):
            clean = 0.7 + (slope * (alpha - 1) if depth else 0) + rng.normal(0, 0.01)
            shifted = {f"accuracy: {kind}": clean - drop for kind, drop in (("fog", 0.1), ("snow", 0.2))}
            for window in windows:
                rows.append(
                    {"model": f"m{model}", "weights": "", "images": "train", "layer": layer, "depth": float(depth),
                     "window": window, "alpha": alpha + rng.normal(0, 0.01), "family": "ab"[model % 2],
                     "parameters": 1000 * (model + 1), "n_neuroids": 64 * (1 + model % 3), "n_stimuli": 500,
                     "accuracy": clean, **shifted, "accuracy: jpeg": clean - 0.05 + rng.normal(0, 0.01),
                     "corruption_accuracy": clean - 0.15 + rng.normal(0, 0.01), "relative_drop": 0.2 + 0.1 * clean,
                     "accuracy: symmetric 0.4": clean - 0.2, "noise_area: symmetric": clean - 0.1,
                     "memorisation: symmetric": 0.3 + rng.normal(0, 0.02), "noise_drop: human worst": 0.1 * clean,
                     "noise_drop: symmetric": 0.3 * clean}
                )  # fmt: skip
    return pd.DataFrame(rows)


def test_targets():
    table = with_effective_robustness(with_positions(zoo()))
    assert targets(table, "ood") == [
        "accuracy", "corruption_accuracy", "accuracy: jpeg", "relative_drop", "effective robustness: jpeg",
        "effective robustness: corruptions",
    ]  # fmt: skip
    assert targets(table, "noise") == [
        "noise_area: symmetric", "memorisation: symmetric", "noise_drop: human worst",
        "noise_drop: symmetric",
    ]  # fmt: skip
    assert "accuracy: fog" in targets(table.drop(columns="accuracy: snow"), "ood")  # the only one stands for itself


def test_a_planted_effect_is_found_where_it_is():
    found = relate_claims(zoo(40), "ood", controls=[], **{**QUICK, "n_permutations": 300})
    rho = found.table.query("target == 'accuracy' and statistic == 'spearman' and predictor == 'alpha'")
    late, early = (rho[rho["position"] == name] for name in ("last", "last but 1"))
    assert (late["value"] < -0.8).all()
    assert (late["p_corrected"] < 0.05).all()
    assert (early["p_corrected"] > 0.05).all()
    assert all(found.sentences[target] for target in found.sentences)


def test_layers_are_aligned_from_the_last():
    table = zoo(4)
    extra = table[table["layer"] == "early"].assign(layer="first", depth=-1.0)
    placed = with_positions(pd.concat([table, extra], ignore_index=True))
    assert set(placed["position"]) == {"last", "last but 1"}
    assert "first" not in set(placed["layer"])  # only some models have a third layer from the end
    assert set(placed.loc[placed["position"] == "last", "layer"]) == {"late", "head"}


def test_effective_robustness_is_the_distance_from_the_line():
    table = with_positions(zoo(12, windows=("1-10",)))
    found = with_effective_robustness(table.assign(n_test=400.0))
    for position in ("last", "last but 1"):
        rows = found[found["position"] == position]
        own = na.effective_robustness(rows["accuracy"].to_numpy(), rows["accuracy: jpeg"].to_numpy(), n_images=400)
        np.testing.assert_allclose(rows["effective robustness: jpeg"], own.residual)
    assert found.index.equals(table.index)


def test_too_few_models_get_no_line():
    found = with_effective_robustness(with_positions(zoo(4)))
    assert found["effective robustness: jpeg"].isna().all()
    assert "effective robustness: jpeg" not in targets(found, "ood")


def test_fewer_than_five_models_get_no_p_value():
    found = relate_claims(zoo(4), "ood", **QUICK)
    assert found.table["p"].isna().all()
    assert any("4 models" in sentence for sentence in found.sentences["accuracy"])


def test_controls_are_those_that_the_table_has():
    found = relate_claims(zoo(30, windows=("11-50",)), "ood", n_bootstrap=0, n_permutations=10)
    assert found.relations["accuracy: jpeg"].controls == ("accuracy", "log n_neuroids", "log parameters", "depth")
    assert "accuracy" not in found.relations["accuracy"].controls
    assert relate_claims(zoo(14), "ood", controls=["n_stimuli"], **QUICK).relations["accuracy"].controls == ()


def test_for_the_page():
    table, said = statements_of(zoo(12), 30)
    assert set(said) >= {"accuracy", "noise_area: symmetric"}
    assert next(iter(said)) == ""  # both summaries, before any target
    assert [each.split(":")[0] for each in said[""][:2]] == ["alpha and accuracy under shift", "alpha and label noise"]
    assert {"", *table["target"]} == set(said)
    assert statements_of(zoo(12)[["model", "layer", "window", "alpha"]]) == (None, {})


def test_refused():
    with pytest.raises(na.InputError, match="no claim 'odd'; did you mean 'ood'"):
        relate_claims(zoo(), "odd")
    with pytest.raises(na.InputError, match="no numbers of noise; add"):
        relate_claims(zoo()[["model", "layer", "window", "alpha", "accuracy"]], "noise")


ALONE = {"group": None, "n_bootstrap": 0, "n_permutations": 50}


def small(n=8, **columns):
    """A model a row, under one shift."""
    rng = np.random.default_rng(0)
    clean = rng.uniform(0.6, 0.9, n)
    return pd.DataFrame({
        "model": [f"m{i}" for i in range(n)], "alpha": 2 - clean + rng.normal(0, 0.01, n), "accuracy": clean,
        "accuracy: wood": clean - 0.1 + rng.normal(0, 0.02, n), "family": "a",
    } | columns)  # fmt: skip


@pytest.mark.parametrize(
    ("how", "match"),
    [
        ({"x": "alfa"}, "^the table has no column 'alfa'; did you mean 'alpha'"),
        ({"x": "model"}, "^column 'model' holds 'm0', which is not a number"),
        ({"controls": ["dpth"]}, "^the table has no column 'dpth'"),
        ({"controls": ["log acuracy"]}, "^the table has no column 'acuracy'; did you mean 'accuracy'"),
        ({"controls": ["alpha"]}, "^'alpha' is asked for twice"),
        ({"group": "famly"}, "^the table has no column 'famly' for the groups; .* did you mean 'family'"),
        ({"x": "same"}, "^'same' is 3 in all 8 rows"),
    ],
)
def test_bad_columns_are_one_error_and_no_warning(how, match, recwarn):
    with pytest.raises(na.InputError, match=match) as caught:
        relate_claims(small(same=3.0), "ood", **ALONE | how)
    assert "\n" not in str(caught.value)
    assert len(recwarn) == 0


def test_bad_tables_are_refused():
    with pytest.raises(na.InputError, match="expected a pandas DataFrame"):
        relate_claims({"alpha": [1]}, "ood")
    with pytest.raises(na.InputError, match="no rows"):
        relate_claims(small().iloc[:0], "ood")
    with pytest.raises(na.InputError, match="no column 'model'"):
        relate_claims(small().drop(columns="model").assign(layer="x"), "ood")


def test_x_that_is_a_target_is_not_related_to_itself(recwarn):
    found = relate_claims(small(), "ood", x="accuracy", **ALONE)
    assert list(found.sentences) == ["accuracy: wood", "effective robustness: wood"]
    assert "accuracy is a target itself and is not related to itself." in found.notes
    assert len(recwarn) == 0
    with pytest.raises(na.InputError, match=r"no target of shifts is left .* accuracy is a target itself"):
        relate_claims(small()[["model", "alpha", "accuracy"]], "ood", x="accuracy", **ALONE)


def test_constant_targets_are_named():
    table = small(**{"accuracy: wood": 0.5, "relative_drop: wood": np.nan})
    found = relate_claims(table, "ood", **ALONE)
    assert list(found.sentences) == ["accuracy"]
    assert "The same in all rows, so nothing goes with it: accuracy: wood." in found.summary
    assert "Without any number: relative_drop: wood." in found.summary
    with pytest.raises(
        na.InputError, match=r": accuracy, accuracy: wood\. Without any number: relative_drop: wood; add"
    ):
        relate_claims(table.assign(accuracy=0.7), "ood", **ALONE)


def test_a_target_that_cannot_be_related_is_told_once():
    table = small(**{"accuracy: odd": [0.5, *[0.6] * 7]})
    table.loc[0, "alpha"] = np.nan  # what is left is constant
    with pytest.warns(UserWarning, match="Not related: accuracy: odd: 'accuracy: odd' is 0.6 in all 7 rows"):
        found = relate_claims(table, "ood", **ALONE)
    assert any("Not related: accuracy: odd" in note for note in found.notes)
    assert "accuracy: odd" not in found.overview["target"].tolist()


def test_families_may_be_missing_where_they_were_not_asked_for():
    found = relate_claims(small().drop(columns="family"), "ood", n_bootstrap=0, n_permutations=20)
    assert found.relations["accuracy"].group is None
    assert "The table names no families: models are shuffled among all others." in found.notes


def test_layers_that_few_models_have_are_told():
    table = zoo(6)
    extra = table[(table["layer"] == "early")].assign(layer="first", depth=-1.0)
    with pytest.warns(UserWarning, match="rows are left out") as caught:
        found = relate_claims(pd.concat([table, extra], ignore_index=True), "ood", n_bootstrap=0, n_permutations=20)
    told = [str(each.message) for each in caught if "rows are left out" in str(each.message)]
    assert told == [found.notes[0]]
    assert told[0].startswith("6 of 30 rows are left out: only 3 of 6 models have layers before 'last but 1'")
    assert "'m0', 'm2', 'm4'" in told[0]
    assert found.summary[1] == told[0]


def test_clean_accuracy_on_the_classes_of_a_shift():
    rng = np.random.default_rng(1)
    table = small(**{"clean accuracy: wood": rng.uniform(0.7, 0.95, 8), "n_images: wood": 50.0, "n_test": 400.0})
    found = with_effective_robustness(table)["effective robustness: wood"]
    clean, shifted = table["clean accuracy: wood"].to_numpy(), table["accuracy: wood"].to_numpy()
    np.testing.assert_allclose(found, na.effective_robustness(clean, shifted, n_images=(400, 50)).residual)
    other = na.effective_robustness(table["accuracy"].to_numpy(), shifted, n_images=(400, 50)).residual
    assert not np.allclose(found, other)
    dropped = table.assign(**{"relative_drop: wood": 0.1 * clean})
    assert targets(with_effective_robustness(dropped), "ood") == [
        "accuracy", "accuracy: wood", "relative_drop: wood", "effective robustness: wood"
    ]  # fmt: skip


def test_perfect_accuracies_need_the_number_of_images():
    table = small()
    table.loc[0, "accuracy: wood"] = 1.0
    with pytest.warns(UserWarning, match="No effective robustness for wood: accuracies are 0 or 1, and no column n_t"):
        found = with_effective_robustness(table)
    assert found["effective robustness: wood"].isna().all()
    clean, shifted = table["accuracy"].to_numpy(), table["accuracy: wood"].to_numpy()
    for columns, n in (({"n_test": 300.0}, 300), ({"n_test": 300.0, "n_images: wood": 60.0}, 60)):
        found = with_effective_robustness(table.assign(**columns))["effective robustness: wood"]
        np.testing.assert_allclose(found, na.effective_robustness(clean, shifted, n_images=(300, n)).residual)
    only = with_effective_robustness(table.assign(**{"n_images: wood": 60.0}))["effective robustness: wood"]
    np.testing.assert_allclose(only, found)  # clean accuracies are inside, their number is not needed


def test_few_models_have_no_effective_robustness_and_are_told():
    found = relate_claims(small(4), "ood", **ALONE)
    assert "Effective robustness needs 5 models with both accuracies; not for wood." in found.summary
    assert found.summary[0].endswith("none with a p value (4 models, at least 5 are needed).")
    assert found.overview["p_holm"].isna().all()


def test_targets_are_corrected_for_their_number():
    from statsmodels.stats.multitest import multipletests

    rng = np.random.default_rng(0)
    alpha = rng.uniform(1.1, 2, 20)
    columns = {f"noise_area: {i}": effect * alpha + rng.normal(0, 0.2, 20) for i, effect in enumerate((1, 0.3, 0, 0))}
    base = pd.DataFrame({"model": [f"m{i}" for i in range(20)], "alpha": alpha} | columns)
    table = pd.concat([base.assign(window=w, alpha=alpha + rng.normal(0, s, 20)) for w, s in (("a", 0.02), ("b", 0.3))])
    found = relate_claims(table, "noise", group=None, n_bootstrap=100, n_permutations=400)
    spearman = found.table[(found.table["statistic"] == "spearman") & (found.table["predictor"] == "alpha")]
    least = spearman.groupby("target", sort=False)["p_corrected"].min()
    overview = found.overview.set_index("target")
    np.testing.assert_allclose(overview["p_corrected"], least.loc[overview.index])
    np.testing.assert_allclose(overview["p_holm"], multipletests(overview["p_corrected"], method="holm")[1])
    assert list(overview.columns) == ["place", "rho", "low", "high", "p_corrected", "p_holm", "n_models"]
    best = overview.loc["noise_area: 0"]
    assert (best["place"], best["n_models"]) == ("window a", 20)
    held = overview.index[overview["p_holm"] < 0.05]
    assert 0 < len(held) < 4
    assert found.summary[0].startswith(f"alpha and label noise: 4 targets were looked at, {len(held)} hold")
    assert [name for name in overview.index if f"{name} (" in found.summary[0]] == list(held)
    assert found.sentences["noise_area: 2"][-1].startswith("Corrected for the 4 targets as well (Holm)")


def test_where_nothing_holds_the_strongest_is_named():
    rng = np.random.default_rng(3)
    table = pd.DataFrame({"model": [f"m{i}" for i in range(12)], "alpha": rng.uniform(1, 2, 12)})
    for name in ("noise_area: symmetric", "memorisation: symmetric"):
        table[name] = rng.uniform(size=12)
    found = relate_claims(table, "noise", group=None, n_bootstrap=0, n_permutations=20)
    strongest = found.overview.sort_values("p_holm", kind="stable").iloc[0]
    assert "2 targets were looked at, none holds at p < 0.05" in found.summary[0]
    assert f"the strongest is {strongest['target']} (Spearman" in found.summary[0]
    assert "with so few shuffles none can (0.095 at least)" in found.summary[0]
    never = relate_claims(table, "noise", group=None, n_bootstrap=0, n_permutations=0)
    assert never.summary[0].endswith("none with a p value (nothing was shuffled).")


def test_parts_of_a_shift_are_no_targets():
    table = zoo(8).assign(
        **{
            "accuracy: jpeg_low": 0.1, "accuracy: jpeg_high": 0.9, "accuracy: set-C": np.linspace(0.3, 0.5, 32),
            "accuracy: set-C fog": np.linspace(0.2, 0.4, 32), "relative_drop: set-C": np.linspace(0.2, 0.4, 32),
            "relative_drop: set-C fog": np.linspace(0.2, 0.4, 32),
        }
    )  # fmt: skip
    found = targets(with_effective_robustness(table), "ood")
    assert [name for name in found if "jpeg" in name] == ["accuracy: jpeg", "effective robustness: jpeg"]
    assert [name for name in found if "set-C" in name] == [
        "accuracy: set-C", "relative_drop: set-C", "effective robustness: set-C",
    ]  # fmt: skip
