"""The recommended signal of a data set: what it says, its tables, bad input (the choice itself: test_weighing)."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

import neuroalpha as na
from neuroalpha.theory.recommendation import recommend_signal
from neuroalpha.theory.triplets import counts, ratios

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


@pytest.mark.parametrize("kind", [{}, {"beta": 3.0}, {"cost_scale": 40.0}, {"value": 300.0}, {"value": 4e4}])
@pytest.mark.parametrize("budget", [{}, {"budget": 30}])
def test_the_plan_holds_where_it_says_it_holds(kind, budget):
    noise = {"noise": {"pairwise": 0.3}, **budget}
    plan = recommend_signal(60, 12, ALL, **noise, **kind)
    assert plan.worth_it
    assert plan.beta_low <= plan.purchase_low <= plan.beta <= plan.purchase_high <= plan.beta_high
    beside = {key: found for key, found in kind.items() if key not in ("beta", "value")}

    def again(beta, prices=ALL):
        if "value" in kind:  # the same weight in its own terms, so that numbers of items stay free
            return recommend_signal(60, 12, prices, **noise, value=plan.attrs["cost_scale"] / beta)
        return recommend_signal(60, 12, prices, **noise, **beside, beta=beta)

    edges = [(plan.beta_low, 0.999), (plan.beta_high, 1.001)]
    for edge, times in edges:
        if 0 < edge < math.inf:
            assert again(edge * times).signal != plan.signal
            assert again(edge / times).signal == plan.signal
    for edge, times in ((plan.purchase_low, 0.999), (plan.purchase_high, 1.001)):
        if 0 < edge < math.inf:
            other = again(edge * times)
            bought = (other.signal, other.sparsity, other.n_labelled)
            assert bought != (plan.signal, plan.sparsity, plan.n_labelled)
    for _, row in plan.table.iterrows():
        if 1e-11 < row["price_factor"] < 1e6:
            for times, wins in ((0.99, True), (1.01, False)):
                changed = {**ALL, row["signal"]: ALL[row["signal"]] * row["price_factor"] * times}
                other = recommend_signal(60, 12, changed, **noise, **kind)
                assert (other.signal == row["signal"]) == wins
        elif math.isnan(row["price_factor"]):
            assert recommend_signal(60, 12, {**ALL, row["signal"]: 0}, **noise, **kind).signal != row["signal"]


def test_a_told_price_is_the_one_at_which_the_answer_changes():
    plan = recommend_signal(5000, 100, {"hard": 0.02, "soft": 0.1})
    factor = plan.table.set_index("signal").loc["soft", "price_factor"]
    assert factor == pytest.approx(0.101, abs=5e-4)
    for times, signal in ((0.99, "soft"), (1.01, "hard")):
        assert recommend_signal(5000, 100, {"hard": 0.02, "soft": 0.1 * factor * times}).signal == signal
    assert not plan.close
    near = recommend_signal(5000, 100, {"hard": 0.02, "soft": 0.1 * factor * 1.1})
    assert near.close
    assert near.signal == "hard"
    assert recommend_signal(5000, 100, {"hard": 0.02, "soft": 0.1 * factor * 1.1 / 1.25}).signal == "soft"


def test_few_problems_are_close_calls():
    rng = np.random.default_rng(0)
    close = 0
    for _ in range(40):
        names = rng.choice(list(ALL), rng.integers(2, 5), replace=False).tolist()
        prices = {name: float(10 ** rng.uniform(-3, 0)) for name in names}
        close += recommend_signal(int(rng.integers(20, 2000)), int(rng.integers(3, 40)), prices).close
    assert close <= 8


@pytest.mark.parametrize("beta", [0.5, 1.0, 1.5])
def test_the_sparsity_of_the_dearest_signal_follows_from_beta_alone(beta):
    kept = [recommend_signal(5000, 100, {"hard": 1e-4, "sparse": price}, beta=beta).sparsity for price in (0.01, 1, 50)]
    assert len(set(kept)) == 1
    assert kept[0] == pytest.approx(100 * (1 - beta / 2), abs=1)  # (2 x - x^2)' = beta at x = k^ / k, many items
    dearer = recommend_signal(5000, 100, {"hard": 1e-4, "sparse": 0.01, "pairwise": 1.0}, beta=beta)
    assert (dearer.signal, dearer.sparsity) != ("sparse", kept[0])


def test_large_sizes():
    prices = {"hard": 0.02, "soft": 0.1, "sparse": 0.1, "top-class": 0.07}
    plan = recommend_signal(10**9, 10**6, {**prices, "pairwise": 1.0})
    assert plan.triplets == ratios.count(plan.signal, 10**9, 10**6, plan.sparsity)
    assert (plan.curve["cost"] > 0).all()
    assert (plan.curve["triplets"].astype(float) > 0).all()
    assert len(json.dumps(plan.to_dict(tables=False), allow_nan=False)) < 20_000


def test_a_value_too_small_for_any_label():
    plan = recommend_signal(5000, 100, PRICES, value=0.5)
    assert not plan.worth_it
    assert plan.signal is None
    assert plan.sparsity is None
    assert (plan.n_labelled, plan.judgements, plan.cost, plan.triplets, plan.bits) == (0, 0, 0.0, 0, 0.0)
    assert plan.nearest["signal"] == plan.table["signal"].iloc[0]
    assert plan.objective < plan.nearest["objective"]
    assert plan.sentences[0].startswith("Buy nothing: no signal is worth its price at a value of 0.50. Nearest: ")
    assert math.isnan(plan.margin)
    told = json.loads(json.dumps(plan.to_dict(), allow_nan=False))
    assert told["signal"] is None
    assert told["worth_it"] is False
    assert told["nearest"]["signal"] == plan.nearest["signal"]
    assert told["beta_low"] is None
    assert not (plan.table["price_factor"] >= 1).any()
    assert recommend_signal(5000, 100, PRICES, value=5e4).nearest is None


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
        ({"sparsity": 3, "prices": {"hard": 1}}, "sparsity is 3, but neither sparse nor top-class labels have a price"),
        ({"n_items": 10**23}, "n_items is 1000.*; expected at most 1,000,000,000"),
        ({"n_classes": 10**7}, "n_classes is 10000000; expected at most 1,000,000"),
        ({"value": 1e-320}, "expected a number from 1e-15"),
        ({"prices": {"hard": 1e-320, "soft": 1e308}}, "price of 'hard' is 1e-320; expected 0 or 1e-12 to"),
        ({"n_items": 2, "prices": {"pairwise": 1}}, "need a third item"),
    ],
)
def test_bad_input(change, said):
    with pytest.raises(na.InputError, match=said) as caught:
        recommend_signal(**{"n_items": 5000, "n_classes": 100, "prices": PRICES, **change})
    assert "\n" not in str(caught.value)
