"""The live search: the user's readout is called for few models, and whatever goes wrong is told by name."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import neuroalpha as na
from neuroalpha.compare.selection import Selection, select
from neuroalpha.compare.selection_trials import improvement_trials, interval_trials, random_orders


def sweep(n=60, seed=0, noise=1.0):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"model": [f"net{i}" for i in range(n)], "alpha": rng.uniform(0.5, 2.5, n)})
    table["rankme"] = rng.uniform(10, 500, n)
    table["truth"] = 90 - 10 * abs(table["alpha"] - 1) + noise * rng.normal(size=n)
    return table


def look_up(row):
    return row["truth"]


@pytest.mark.parametrize("rule", ["interval", "improvement"])
@pytest.mark.parametrize("scale", [1, 0.01])
def test_live_is_the_simulation(rule, scale):
    table = sweep()
    truth = table["truth"].to_numpy()
    found = select(table, lambda row: scale * row["truth"], score="alpha", rule=rule, budget=None, seed=7)
    order = random_orders(60, 1, 7)
    if rule == "interval":
        trials = interval_trials(table["alpha"].to_numpy(), truth, order)
    else:
        trials = improvement_trials(table["alpha"].to_numpy(), truth, order, tolerance=1.0)
    assert isinstance(found, Selection)
    assert found.n_readouts == trials.readouts[0] < 60
    assert found.accuracy == pytest.approx(scale * trials.at(trials.readouts)[0])
    assert truth.max() - found.accuracy / scale <= 1
    assert found.best_model["model"] == found.best


def test_the_readout_is_called_once_for_each_survivor_only():
    table, calls = sweep(), []

    def readout(row):
        calls.append(row["model"])
        return row["truth"]

    found = select(table, readout, score="alpha", budget=15)
    assert calls == found.names
    assert len(set(calls)) == len(calls) == found.n_readouts == 15
    assert found.cost == 15
    assert found.stopped == "the budget of 15 readouts was spent"
    low, high = found.interval
    frame = found.to_frame().set_index("model")
    late = frame.loc[found.names[10:], "alpha"]
    assert late.between(low, high).mean() > 0.5
    assert frame.loc[found.best, "accuracy"] == found.accuracy == frame["accuracy"].max()
    assert (frame["status"] == "read out").sum() == 15
    assert frame["best"].sum() == 1
    assert set(frame["seed"]) == {0}
    assert found.sentences[0] in str(found)


def test_models_in_every_form():
    table = sweep(20)
    named = dict(zip(table["model"], table["truth"], strict=True))
    alphas = table["alpha"].tolist()
    by_mapping = select(named, float, score=dict(zip(table["model"], alphas, strict=True)), budget=12)
    by_list = select(list(named.values()), float, score=alphas, budget=12)
    by_frame = select(table, look_up, score="alpha", budget=12)
    by_function = select(table, look_up, score=lambda row: row["alpha"], budget=12)
    assert by_mapping.best == by_frame.best == by_function.best == table["model"][int(by_list.best)]
    assert by_mapping.accuracies.tolist() == by_frame.accuracies.tolist() == by_list.accuracies.tolist()
    both = select(table, look_up, score=["alpha", "rankme"], rule="improvement", budget=12)
    assert both.score == "alpha + rankme"


def test_halving_takes_a_length():
    table, calls = sweep(27), []

    def readout(row, length):
        calls.append(length)
        return row["truth"] - 5 * (1 - length)

    found = select(table, readout, rule="halving", budget=None)
    assert found.best == table["model"][table["truth"].argmax()]
    assert found.accuracy == table["truth"].max()
    assert [calls.count(each) for each in (1 / 9, 1 / 3, 1.0)] == [27, 9, 3]
    assert found.cost == pytest.approx(9)
    assert select(table, readout, rule="halving", budget=5).cost <= 5


def test_a_readout_that_raises_is_told_and_the_rest_goes_on():
    table = sweep()

    def readout(row):
        if row["model"] in ("net3", "net10"):
            raise RuntimeError("no such\ncheckpoint")
        return np.nan if row["model"] == "net20" else row["truth"]

    found = select(table, readout, score="alpha", rule="random", budget=None)
    assert found.failed["net3"] == "RuntimeError: no such checkpoint"
    assert found.failed["net20"] == "the accuracy is nan"
    assert found.n_readouts == 60
    assert sum("net10" in sentence for sentence in found.sentences) == 1
    for rule in ("interval", "improvement"):
        other = select(table, readout, score="alpha", rule=rule, budget=None)
        assert other.accuracy >= table["truth"].max() - 1


def test_more_than_half_failing_ends_the_search():
    calls = []

    def readout(model):
        calls.append(model)
        raise ValueError("broken head")

    with pytest.raises(na.InputError, match=r"3 of 3 readouts failed.*broken head"):
        select(list(range(30)), readout, score=np.arange(30.0))
    assert len(calls) == 3
    with pytest.raises(na.InputError, match=r"no readout gave an accuracy.*broken head"):
        select([1, 2], readout, rule="random")


def test_interrupts_are_not_swallowed():
    def readout(model):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        select([1, 2, 3], readout, rule="random")


def test_collapsed_models_are_left_out_and_said():
    table = sweep(30)
    table.loc[[2, 5], "alpha"] = np.nan
    found = select(table, look_up, score="alpha", budget=None)
    assert set(found.left_out) == {"net2", "net5"}
    assert not set(found.names) & {"net2", "net5"}
    assert any("collapsed" in sentence for sentence in found.sentences)
    assert found.to_frame().set_index("model").loc["net2", "status"].startswith("left out: no alpha")
    table["alpha"] = np.nan
    with pytest.raises(na.InputError, match="every model collapsed"):
        select(table, look_up, score="alpha")
    assert select(table, look_up, score="alpha", rule="random").n_readouts == 20


def test_equal_scores_and_fewer_models_than_a_batch():
    table = sweep(30).assign(alpha=1.0)
    found = select(table, look_up, score="alpha", budget=None)
    assert found.n_readouts == 30
    assert any("the same for every model" in sentence for sentence in found.sentences)
    few = select(sweep(6), look_up, score="alpha")
    assert few.n_readouts == 6
    assert any("one batch of at most 10" in sentence for sentence in few.sentences)
    assert few.accuracy == sweep(6)["truth"].max()
    assert select(sweep(1), look_up, score="alpha", rule="improvement").n_readouts == 1


def test_notes_follow_the_batch_and_the_budget():
    def said(n, **given):
        return [
            each
            for each in select(sweep(n), look_up, score="alpha", **given).sentences[1:]
            if "first" in each or "batch" in each
        ]

    assert said(8, options={"batch": 3, "top": 2}) == []
    assert "8 models make one batch of at most 8" in said(8, options={"batch": 8})[0]
    assert said(30, budget=20) == []
    assert "within the first batch of 10" in said(30, budget=10)[0]
    assert "random search" in said(30, budget=5)[0]
    assert said(30, budget=11) == []
    assert "ends with the first 3, which only explore" in said(30, budget=3, rule="improvement")[0]
    assert said(30, budget=4, rule="improvement") == []
    blind = select(sweep(30), look_up, score="alpha", budget=10, seed=4)
    assert blind.names == select(sweep(30), look_up, rule="random", budget=10, seed=4).names


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rule": "intervall"}, "did you mean 'interval'"),
        ({"score": "alhpa"}, "did you mean 'alpha'"),
        ({"score": None}, "needs a score"),
        ({"score": ["alpha", "rankme"]}, "takes one score, 2 were given"),
        ({"score": [1.0, 2.0]}, r"shape \(2,\) for 60 models"),
        ({"score": "model"}, "holds no numbers"),
        ({"score": {"net0": 1.0}}, "59 models have no score"),
        ({"score": lambda row: row["nothing"]}, "score of model 'net0' cannot be computed: KeyError"),
        ({"budget": 0}, "not one readout"),
        ({"budget": "all"}, "budget is 'all'"),
        ({"tolerance": -1}, "tolerance is -1"),
        ({"seed": None}, "seed is None"),
        ({"options": {"bath": 3}}, "'bath' is no option.*did you mean 'batch'"),
        ({"options": {"batch": 0}}, "batch is 0"),
        ({"rule": "halving", "options": {"lengths": (0.5, 0.2)}}, "rising shares"),
        ({"rule": "random", "options": {"batch": 3}}, "it has none"),
        ({"readout": 3}, "readout is int"),
        ({"readout": lambda row: "good"}, "returned str; expected its accuracy"),
        ({"models": []}, "no models"),
        ({"models": 5}, "models is int"),
        ({"models": ["a", "a"], "score": [1, 2]}, "occur several times: 'a'"),
        ({"models": {"a": 1}, "score": "alpha"}, "models are no DataFrame"),
    ],
)
def test_bad_input(change, message):
    given = {"models": sweep(), "readout": look_up, "score": "alpha"} | change
    with pytest.raises(na.InputError, match=message) as caught:
        select(given.pop("models"), given.pop("readout"), **given)
    assert "\n" not in str(caught.value)
