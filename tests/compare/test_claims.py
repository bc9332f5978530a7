"""The claims about alpha: which columns they speak of, and what a planted effect looks like in them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import neuroalpha as na
from neuroalpha.compare.claims import (
    relate_claims,
    statements_of,
    targets,
    with_effective_robustness,
    with_positions,
)

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
                     "memorisation: symmetric": 0.3 + rng.normal(0, 0.02), "noise_drop: human worst": 0.1 * clean}
                )  # fmt: skip
    return pd.DataFrame(rows)


def test_targets():
    table = with_effective_robustness(with_positions(zoo()))
    assert targets(table, "ood") == [
        "accuracy", "corruption_accuracy", "accuracy: jpeg", "relative_drop", "effective robustness: jpeg",
        "effective robustness: corruptions",
    ]  # fmt: skip
    assert targets(table, "noise") == ["noise_area: symmetric", "memorisation: symmetric", "noise_drop: human worst"]
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
    assert set(table["target"]) == set(said)
    assert statements_of(zoo(12)[["model", "layer", "window", "alpha"]]) == (None, {})


def test_refused():
    with pytest.raises(na.InputError, match="no claim 'odd'; did you mean 'ood'"):
        relate_claims(zoo(), "odd")
    with pytest.raises(na.InputError, match="no numbers of noise; add"):
        relate_claims(zoo()[["model", "layer", "window", "alpha", "accuracy"]], "noise")
    with pytest.raises(na.InputError, match="none of the targets"), pytest.warns(UserWarning, match="no column 'beta'"):
        relate_claims(zoo(), "ood", x="beta")
