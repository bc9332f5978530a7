"""The recommended signal of a data set: what it says, its tables, bad input (the choice itself: test_weighing)."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

import neuroalpha as na
from neuroalpha.theory.recommendation import recommend_signal
from neuroalpha.theory.triplets import counts

PRICES = {"hard": 0.02, "soft": 0.1, "sparse": 0.03}
ALL = {"hard": 0.02, "soft": 0.05, "sparse": 0.03, "top-class": 0.02, "pairwise": 0.01}


def test_the_answer_of_a_data_set():
    plan = recommend_signal(5000, 100, PRICES, noise={"hard": 0.1}, budget=500)
    assert (plan.signal, plan.sparsity, plan.n_labelled, plan.judgements) == ("sparse", 3, 5000, 15000)
    assert plan.cost == pytest.approx(450)
    assert plan.triplets == counts.sparse(5000, 100, 3)
    assert plan.table["signal"].tolist()[0] == "sparse"
    assert set(plan.table["signal"]) == set(PRICES)
    assert plan.table.set_index("signal").loc["soft", ["n_labelled", "cost_of_all"]].tolist() == [50, 50_000]
    assert plan.sentences[0] == (
        "Collect sparse labels with the 3 largest of 100 entries, for all 5,000 items: 15,000 judgements, cost 450."
    )
    assert all(sentence.endswith(".") and "\n" not in sentence for sentence in plan.sentences)
    assert str(plan) == "\n".join(plan.sentences)
    assert json.loads(json.dumps(plan.to_dict(), allow_nan=False))["signal"] == "sparse"
    assert set(plan.to_dict(tables=False)) == set(plan.to_dict()) - {"curve", "sparsities", "frontier", "flips"}


def test_price_by_the_item_is_another_question():
    plan = recommend_signal(5000, 100, {**PRICES, "soft": "0.1/item"}, budget=500)
    assert (plan.signal, plan.n_labelled, plan.sparsity) == ("soft", 5000, None)
    assert plan.cost == pytest.approx(500)
    assert math.isinf(plan.margin) or plan.margin > 1
    assert "0.1 an item (500" in plan.sentences[-1]


def test_curves_and_frontier():
    plan = recommend_signal(300, 20, ALL, budget=40)
    for _, rows in plan.curve.groupby("signal"):
        assert (np.diff(rows["cost"]) > 0).all()
        assert (np.diff(rows["bits"]) >= 0).all()
        assert rows["n_labelled"].max() == 300
        assert (rows["affordable"] == (rows["cost"] <= 40)).all()
    assert (np.diff(plan.frontier["bits"]) > 0).all()
    assert (np.diff(plan.frontier["cost"]) > 0).all()
    assert plan.frontier["cost"].max() <= 40
    assert plan.frontier["bits"].max() >= plan.table.loc[plan.table["affordable"], "bits"].max()
    kept = plan.sparsities[plan.sparsities["signal"] == "sparse"]
    assert kept["sparsity"].tolist() == list(range(1, 21))
    in_table = plan.table.set_index("signal").loc["sparse"]
    assert kept["objective"].min() == pytest.approx(in_table["objective"])
    assert plan.flips.groupby("utility")["beta_low"].min().eq(0).all()
    assert set(plan.flips["utility"]) == {"linear", "sigmoid", "logit"}


def test_fixed_sparsity_scores_and_utilities_of_your_own():
    assert recommend_signal(100, 10, {"sparse": 1.0}, sparsity=4).sparsity == 4
    own = recommend_signal(100, 10, PRICES, utility=np.sqrt, information=lambda signal, ratio: np.minimum(5 * ratio, 1))
    assert own.score == pytest.approx(min(5 * own.information_ratio, 1))
    assert "custom" in set(own.flips["utility"])
    raw = recommend_signal(100, 10, PRICES, information="ratio", beta=1e-4)
    assert raw.score == raw.information_ratio


@pytest.mark.parametrize("kind", [{}, {"value": 300.0}])
def test_the_plan_holds_where_it_says_it_holds(kind):
    plan = recommend_signal(60, 12, ALL, noise={"pairwise": 0.3}, budget=30, **kind)
    again = {"noise": {"pairwise": 0.3}, "budget": 30, "cost_scale": plan.attrs["cost_scale"]}
    assert plan.worth_it
    for edge, times in ((plan.beta_low, 0.99), (plan.beta_high, 1.01)):
        if 0 < edge < math.inf:
            other = recommend_signal(60, 12, ALL, beta=edge * times, **again)
            assert kind or other.signal != plan.signal
    for _, row in plan.table.iterrows():
        if 1e-5 < row["price_factor"] < 1e5:
            for times, wins in ((0.99, True), (1.01, False)):
                changed = {**ALL, row["signal"]: ALL[row["signal"]] * row["price_factor"] * times}
                other = recommend_signal(60, 12, changed, **again, **kind)
                assert (other.worth_it and other.signal == row["signal"]) == wins


def test_a_value_too_small_for_any_label():
    plan = recommend_signal(5000, 100, PRICES, value=0.5)
    assert not plan.worth_it
    assert "to buy nothing is better" in str(plan)
    assert math.isnan(plan.margin)
    assert plan.to_dict()["beta_low"] is None
    assert (plan.table["price_factor"] < 1).all()


def test_free_labels_and_a_signal_beyond_the_budget():
    free = recommend_signal(100, 10, {"hard": 0, "soft": 0})
    assert free.signal == "soft"
    assert free.cost == 0
    poor = recommend_signal(100, 50, {"hard": 0.1, "soft": 1.0}, budget=20)
    row = poor.table.set_index("signal").loc["soft"]
    assert poor.signal == "hard"
    assert not row["affordable"]
    assert row["n_labelled"] == 0
    assert math.isnan(row["objective"])
    assert str(poor)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"n_items": 0}, "n_items is 0"),
        ({"n_items": -5}, "n_items is -5"),
        ({"n_classes": 2.5}, "n_classes is 2.5"),
        ({"n_items": 1, "n_classes": 1}, "allow no triplet"),
        ({"prices": {}}, "expected prices by signal"),
        ({"prices": {"hard": -0.02}}, r"price of 'hard' is -0.02; expected a number of at least 0"),
        ({"prices": {"hard": None}}, "price of 'hard' is missing"),
        ({"prices": {"hrad": 0.1}}, "did you mean 'hard'"),
        ({"noise": {"soft": 0.7}}, "noise of 'soft' is 0.7.*guessing"),
        ({"noise": {"soft": -0.1}}, "noise of 'soft' is -0.1"),
        ({"noise": {"pairwise": 0.1}}, "noise names 'pairwise', which has no price"),
        ({"noise": 0.1}, "noise is 0.1"),
        ({"noise_law": "shannon"}, "'paper' or 'capacity'"),
        ({"utility": "log"}, "did you mean 'logit'"),
        ({"information": "bits"}, "'share', 'ratio' or a function"),
        ({"information": lambda signal, ratio: ratio * np.nan}, "one finite score"),
        ({"beta": -1}, "beta is -1; expected a number above 0"),
        ({"beta": 0}, "beta is 0"),
        ({"beta": 1, "value": 2}, "beta and value are both given"),
        ({"value": 0}, "value is 0"),
        ({"cost_scale": 0}, "cost_scale is 0"),
        ({"budget": -5}, "budget is -5; expected a number of at least 0"),
        ({"budget": 0.001}, r"budget is 0.001, and the cheapest labels that tell something cost 0.02"),
        ({"budget": "lots"}, "budget is 'lots'"),
        ({"sparsity": 101}, "sparsity is 101 with 100 classes"),
    ],
)
def test_bad_input(change, said):
    with pytest.raises(na.InputError, match=said) as caught:
        recommend_signal(**{"n_items": 5000, "n_classes": 100, "prices": PRICES, **change})
    assert "\n" not in str(caught.value)
