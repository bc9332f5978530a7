"""The choice of a signal, against loops over all purchases, and as prices, noise, budget and weights change."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import neuroalpha as na
from neuroalpha.theory.triplets import costs, ratios
from neuroalpha.theory.triplets.noise import LAWS, bits_kept
from neuroalpha.theory.triplets.tradeoff import sparsity_steps
from neuroalpha.theory.triplets.utility import utility_of
from neuroalpha.theory.triplets.weighing import Problem, price_factor, refined, weigh

factors = st.floats(1.01, 20)


@st.composite
def problems(draw, valued=False, limited=True):
    names = draw(st.lists(st.sampled_from(ratios.SIGNALS), min_size=1, max_size=5, unique=True))
    n, k = draw(st.integers(3, 40)), draw(st.integers(2, 9))
    law = draw(st.sampled_from(LAWS))
    prices = {name: costs.Price(draw(st.floats(0.01, 10)), draw(st.sampled_from([0.0, 0.5]))) for name in names}
    cheapest = min(float(costs.cost(price, name, 3, k, 1)) for name, price in prices.items())
    times = draw(st.sampled_from([1.0, 3.0, 30.0, 300.0, math.inf])) if limited else math.inf
    return Problem(
        n_items=n,
        n_classes=k,
        prices=prices,
        kept_bits={name: bits_kept(draw(st.floats(0, 0.5)), law) for name in names},
        sparsities=range(1, k + 1),
        budget=math.inf if math.isinf(times) else cheapest * times,
        information=draw(st.sampled_from(["share", "ratio"])),
        utility=draw(st.sampled_from(["linear", "sigmoid", "logit"])),
        beta=draw(st.floats(0.05, 20)),
        value=draw(st.floats(0.1, 1e4)) if valued else None,
    )


def choice(problem):
    """Signal, cost, bits and objective of the best purchase."""
    weighing = weigh(problem)
    row = weighing.best()
    return weighing.name(row), weighing.options.cost[row], weighing.bits[row], weighing.objective[row]


def chosen(problem):
    """Signal of the best purchase; None where the budget buys none, so that nothing is recommended."""
    try:
        return choice(problem)[0]
    except na.InputError:
        return None


def bought(problem, every_number):
    """Loop over signals, sparsities and numbers of items: (signal, entries, items, cost) within the budget."""
    for signal, price in problem.prices.items():
        for kept in problem.sparsities if signal in ("sparse", "top-class") else [problem.n_classes]:
            paid = [float(costs.cost(price, signal, m, problem.n_classes, kept)) for m in range(1, problem.n_items + 1)]
            within = [m for m, cost in enumerate(paid, 1) if cost <= problem.budget * (1 + 1e-12)]
            for m in within if every_number else within[-1:]:
                if ratios.count(signal, m, problem.n_classes, kept):
                    yield signal, kept, m, paid[m - 1]


def score(problem, signal, triplets, reference):
    divisor = reference if problem.information == "share" else problem.questions
    return float(utility_of(np.array(problem.kept_bits[signal] * triplets / max(divisor, 1)), problem.utility))


def told(problem, signal, kept, items):
    return ratios.count(signal, items, problem.n_classes, kept)


@given(problems())
def test_against_a_loop_over_all_purchases(problem):
    rows = list(bought(problem, every_number=False))
    assume(rows)
    reference = max(told(problem, *row[:3]) for row in rows)
    scale = max(problem.whole_cost(signal) for signal in problem.names)
    objectives = [
        problem.beta * row[3] / scale - score(problem, row[0], told(problem, *row[:3]), reference) for row in rows
    ]
    signal, cost, _, objective = choice(problem)
    assert objective == pytest.approx(min(objectives), rel=1e-9, abs=1e-9)
    ties = [row for row, found in zip(rows, objectives, strict=True) if found <= min(objectives) + 1e-9]
    assert (signal, pytest.approx(cost)) in [(row[0], row[3]) for row in ties]


@settings(max_examples=30)
@given(problems(valued=True))
def test_with_a_value_against_a_loop_over_all_numbers_of_items(problem):
    rows = list(bought(problem, every_number=True))
    assume(rows)
    reference = max(told(problem, s, problem.sparsities[-1], problem.n_items) for s in problem.names)
    objectives = [row[3] / problem.value - score(problem, row[0], told(problem, *row[:3]), reference) for row in rows]
    nothing = -float(utility_of(np.zeros(()), problem.utility))
    signal, _, _, objective = choice(problem)
    assert objective == pytest.approx(min(nothing, *objectives), rel=1e-9, abs=1e-9)
    if min(objectives) > nothing + 1e-9:
        assert signal == "none"


@given(problems(limited=False), factors)
def test_a_dearer_signal_is_not_taken_up(problem, factor):
    before = choice(problem)[0]
    for signal in problem.names:
        assert choice(problem.cheaper(signal, factor))[0] != signal or before == signal


@given(problems(), st.floats(0, 1))
def test_a_noisier_signal_is_not_taken_up(problem, factor):
    before = choice(problem)
    for signal in problem.names:
        after = choice(replace(problem, kept_bits={**problem.kept_bits, signal: problem.kept_bits[signal] * factor}))
        assert after[0] != signal or before[0] == signal
        assert after[3] >= before[3] - 1e-9


@given(problems(), factors)
def test_a_larger_weight_of_cost_never_spends_more(problem, factor):
    _, cost, bits, _ = choice(problem)
    _, less, fewer, _ = choice(replace(problem, beta=problem.beta * factor))
    assert less <= cost
    assert fewer <= bits


@given(problems(valued=True), factors)
def test_with_a_value_a_larger_budget_never_buys_less_information(problem, factor):
    _, cost, bits, objective = choice(problem)
    _, _, more, lower = choice(replace(problem, budget=problem.budget * factor))
    assert cost <= problem.budget * (1 + 1e-9)
    assert more >= bits * (1 - 1e-9)
    assert lower <= objective + 1e-9


@given(problems(valued=True), factors)
def test_with_a_value_dearer_labels_never_help(problem, factor):
    before = choice(problem)
    for signal in problem.names:
        dearer = problem.cheaper(signal, factor)
        assume(any(True for _ in bought(dearer, every_number=False)))
        after = choice(dearer)
        assert after[3] >= before[3] - 1e-9
        assert after[0] != signal or before[0] == signal


@given(problems(), st.floats(0.01, 100))
def test_the_currency_does_not_matter(problem, rate):
    other = replace(
        problem,
        prices={s: costs.Price(p.judgement * rate, p.item * rate) for s, p in problem.prices.items()},
        budget=problem.budget * rate,
    )
    assert choice(other)[3] == pytest.approx(choice(problem)[3], rel=1e-6, abs=1e-9)


@given(problems())
def test_the_signal_holds_between_its_betas_and_not_beyond(problem):
    weighing = weigh(problem)
    low, high = weighing.reign()
    signal = weighing.name(weighing.best())
    assert low <= problem.beta <= high
    for edge, times in ((low, 0.999), (high, 1.001)):
        if 1e-9 < edge < math.inf:
            assert choice(replace(problem, beta=edge * times))[0] != signal
    inside = math.sqrt(max(low, 1e-9) * min(high, 1e9))
    assert choice(replace(problem, beta=inside))[0] == signal


@settings(max_examples=30)
@given(problems(), st.sampled_from([None, 1.0, 300.0]))
def test_price_factors_are_where_the_answer_changes(problem, scale):
    problem = replace(problem, cost_scale=scale)
    assume(chosen(problem))
    weighing = weigh(problem)
    for signal in problem.names:
        factor = price_factor(weighing, signal)
        assert (factor >= 1) == (signal == weighing.name(weighing.best()))
        if 1e-11 < factor < 1e6:
            assert choice(problem.cheaper(signal, factor * 0.9999))[0] == signal
            assert chosen(problem.cheaper(signal, factor * 1.0001)) != signal
        elif math.isnan(factor):
            assert chosen(problem.cheaper(signal, 0.0)) != signal
        elif factor == 0:
            assert chosen(problem.cheaper(signal, 0.0)) == signal


@settings(max_examples=20)
@given(st.integers(300, 3000), st.floats(0.1, 3), st.sampled_from(["linear", "logit"]))
def test_a_refined_sparsity_is_the_best_of_all(n_classes, beta, utility):
    prices = {"hard": costs.Price(0.02), "sparse": costs.Price(0.03, 0.5), "top-class": costs.Price(0.01)}
    thinned = Problem(
        5000, n_classes, prices, dict.fromkeys(prices, 1.0), sparsity_steps(n_classes), math.inf, "share", utility, beta
    )
    found, every = refined(thinned), replace(thinned, sparsities=range(1, n_classes + 1))
    assert len(found.sparsities) < 1000
    assert choice(found)[3] == pytest.approx(choice(every)[3], rel=1e-6, abs=1e-9)
    assert refined(every) is every


def test_signals_that_tell_nothing_say_what_they_need():
    one = Problem(2, 10, {"pairwise": costs.Price(1.0)}, {"pairwise": 1.0}, range(1, 11), math.inf, "share", "linear")
    with pytest.raises(na.InputError, match="pairwise similarities need a third item"):
        weigh(one)
    assert choice(replace(one, n_items=3))[0] == "pairwise"
    hard = replace(one, prices={"hard": costs.Price(1.0)}, kept_bits={"hard": 1.0}, n_classes=1, sparsities=[1])
    with pytest.raises(na.InputError, match="hard labels need a second class"):
        weigh(hard)
    assert choice(replace(hard, n_classes=2, sparsities=[1, 2]))[0] == "hard"


@settings(max_examples=20)
@given(problems(valued=True))
def test_price_factors_with_a_value(problem):
    assume(chosen(problem))
    weighing = weigh(problem)
    for signal in problem.names:
        factor = price_factor(weighing, signal)
        if 1e-5 < factor < 1e5:
            assert choice(problem.cheaper(signal, factor * 0.999))[0] == signal
            assert chosen(problem.cheaper(signal, factor * 1.001)) != signal


def test_a_budget_that_buys_nothing():
    problem = Problem(9, 3, {"hard": costs.Price(2.0)}, {"hard": 1.0}, range(1, 4), 1.5, "share", "linear")
    with pytest.raises(na.InputError, match=r"budget is 1.5, and the cheapest labels that tell something cost 2"):
        weigh(problem)
    assert choice(replace(problem, budget=2.0))[0] == "hard"
