"""What a recommendation says, sentence by sentence, against what happens when it is followed."""

from __future__ import annotations

import re

import pytest

from neuroalpha.theory.recommendation import recommend_signal
from neuroalpha.theory.triplets.noise import bits_kept
from neuroalpha.theory.triplets.sentences import large, money, sentences

HARD_SOFT = {"hard": 0.02, "soft": 0.1}


def told(plan, words, flags=False):
    """The one sentence that holds these words."""
    found = [sentence for sentence in sentences(plan, flags) if words in sentence]
    assert len(found) == 1, plan.sentences
    return found[0]


def number(pattern, sentence):
    """The number that a pattern's group holds."""
    found = re.search(pattern, sentence)
    assert found, sentence
    return float(found[1].replace(",", "").rstrip("."))


def answer(n_items, n_classes, prices, **settings):
    plan = recommend_signal(n_items, n_classes, prices, **settings)
    return plan.signal, plan.sparsity


def test_numbers_as_they_are_read():
    assert (large(999), large(1e6), large(5e26)) == ("999", "1 million", "5e+26")
    assert (money(0.0), money(0.5), money(0.004), money(1234.5)) == ("0", "0.50", "0.004", "1,234")


@pytest.mark.parametrize(
    ("signal", "said"),
    [
        ("hard", r"Collect hard labels \(one of 8 classes\), for all 40 items: 40 judgements, cost 40."),
        ("soft", r"Collect soft labels \(all 8 entries\), for all 40 items: 320 judgements, cost 320."),
        (
            "sparse",
            "Collect sparse labels with the 4 largest of 8 entries, for all 40 items: 160 judgements, cost 160",
        ),
        ("top-class", "Collect soft entries of the 4 most telling of 8 classes, for all 40 items: 160 judgements"),
        ("pairwise", "Collect similarities of all pairs, for all 40 items: 780 judgements, cost 780."),
    ],
)
def test_what_to_collect(signal, said):
    fixed = {"sparsity": 4} if signal in ("sparse", "top-class") else {}
    plan = recommend_signal(40, 8, {signal: 1}, **fixed)
    assert re.match(said, plan.sentences[0])
    assert "No other signal has a price" in str(plan)
    part = recommend_signal(40, 8, {signal: 1}, budget=plan.cost / 2, **fixed)
    assert re.search(r"for \d+ of 40 items", part.sentences[0])


def test_one_judgement():
    assert "1 judgement, cost 1." in recommend_signal(5, 8, {"hard": 1}, budget=1).sentences[0]


def test_shares_are_before_noise_where_there_is_any():
    clean, noisy = recommend_signal(50, 5, HARD_SOFT), recommend_signal(50, 5, HARD_SOFT, noise={"hard": 0.1})
    assert "before noise" not in str(clean)
    sentence = told(noisy, "triplet questions")
    assert sentence.endswith("can tell before noise.")
    assert number(r"([\d.]+)% of what soft labels", sentence) == pytest.approx(100 * noisy.score, rel=0.01)
    assert "bits after the noise of 0.1" in sentence
    assert "the most that any priced signal of all items can tell." in str(recommend_signal(50, 5, {"soft": 1}))
    assert "score " in told(recommend_signal(50, 5, HARD_SOFT, information="ratio"), "triplet questions")


def test_much_noise_names_what_capacity_leaves():
    assert "capacity" not in str(recommend_signal(500, 10, HARD_SOFT, noise={"hard": 0.29}))
    plan = recommend_signal(500, 10, HARD_SOFT, noise={"hard": 0.35})
    sentence = told(plan, "capacity law")
    row = plan.table.set_index("signal").loc["hard"]
    assert f"{large(bits_kept(0.35, 'capacity') * row['triplets'])} bits of hard labels" in sentence
    assert sentence.endswith("noise_law='capacity'.")
    assert told(plan, "capacity law", flags=True).endswith("--noise-law capacity.")
    followed = recommend_signal(500, 10, HARD_SOFT, noise={"hard": 0.35}, noise_law="capacity")
    assert large(followed.table.set_index("signal").loc["hard", "bits"]) in sentence
    assert "capacity law" not in str(followed)


def test_the_default_says_what_it_takes_information_to_be_worth():
    plan = recommend_signal(5000, 100, HARD_SOFT)
    sentence = told(plan, "No worth of information was given")
    assert "all of it is taken to be worth 50,000, the cost of the dearest signal (beta = 1" in sentence
    worth = number(r"taken to be worth ([\d,]+)", sentence)
    followed = recommend_signal(5000, 100, HARD_SOFT, cost_scale=worth, beta=1.0)
    assert (followed.signal, followed.beta_low) == (plan.signal, plan.beta_low)
    assert "No worth" not in str(followed)
    assert "No worth" not in str(recommend_signal(5000, 100, HARD_SOFT, value=10))
    assert "Give --value" in told(plan, "No worth", flags=True)
    scaled = told(recommend_signal(5000, 100, HARD_SOFT, cost_scale=7), "No worth")
    assert "worth 7, the scale of costs that was given" in scaled
    assert "all that the budget can buy of it" in told(recommend_signal(50, 5, HARD_SOFT, budget=3), "No worth")
    assert "a utility of 1 is" in told(recommend_signal(50, 5, HARD_SOFT, information="ratio"), "No worth")
    assert "dearest signal with all its entries" in told(recommend_signal(50, 5, {"hard": 1, "sparse": 1}), "No worth")
    assert "No worth" not in str(recommend_signal(50, 5, {"hard": 0}))
    # a dearer signal among the prices can change the answer
    assert answer(500, 10, {"hard": 0.02, "soft": 0.1}) == ("hard", None)
    assert answer(500, 10, {"hard": 0.02, "soft": 0.1, "pairwise": 1000}) != ("hard", None)


def test_a_sparsity_that_does_not_depend_on_its_price():
    prices = {"hard": 0.02, "sparse": 0.1}
    plan = recommend_signal(5000, 100, prices)
    sentence = told(plan, "does not depend on the price")
    assert "about half of the classes" in sentence
    assert plan.sparsity == 50
    assert answer(5000, 100, {"hard": 0.02, "sparse": 3}) == (plan.signal, plan.sparsity)
    for changed in ({"value": 1e5}, {"cost_scale": 1e5}):
        assert "does not depend" not in str(recommend_signal(5000, 100, prices, **changed))
        one, two = (answer(5000, 100, {"hard": 0.02, "sparse": price}, **changed)[1] for price in (0.1, 0.2))
        assert one != two
    dearer = {**prices, "pairwise": 0.1}
    assert answer(5000, 100, dearer) != ("sparse", 50)
    assert "does not depend" not in str(recommend_signal(5000, 100, dearer))
    other = recommend_signal(5000, 100, {"hard": 1e-5, "sparse": 1}, utility="logit")
    assert "half" not in told(other, "does not depend")


def test_ranges_of_beta():
    plan = recommend_signal(5000, 100, {"hard": 0.02, "sparse": 0.1})
    sentence = told(plan, "With the linear utility and beta = 1")
    above = number(r"above ([\d.,]+) take hard labels", sentence)
    assert answer(5000, 100, {"hard": 0.02, "sparse": 0.1}, beta=above * 0.99)[0] == "sparse"
    assert answer(5000, 100, {"hard": 0.02, "sparse": 0.1}, beta=above * 1.01)[0] == "hard"
    low, high = number(r"from ([\d.]+) to", sentence), number(r"to ([\d.]+) exactly so", sentence)
    for beta, kept in ((low * 1.001, True), (low * 0.999, False), (high * 0.999, True), (high * 1.001, False)):
        found = answer(5000, 100, {"hard": 0.02, "sparse": 0.1}, beta=beta)
        assert found[0] == "sparse"
        assert (found[1] == plan.sparsity) == kept
    below = told(recommend_signal(5000, 100, HARD_SOFT), "With the linear utility")
    edge, worth = number(r"below ([\d.]+) ", below), number(r"a worth of more than ([\d,]+)", below)
    assert "take soft labels" in below
    assert worth == pytest.approx(50_000 / edge, rel=1e-3)
    for times, signal in ((0.99, "soft"), (1.01, "hard")):
        assert answer(5000, 100, HARD_SOFT, beta=edge * times)[0] == signal
    assert answer(5000, 100, HARD_SOFT, beta=1.0, cost_scale=worth * 1.01)[0] == "soft"
    assert "as they are at every beta" in str(recommend_signal(50, 5, {"soft": 1}))


def test_ranges_of_a_value():
    prices = {"hard": 0.02, "sparse": 0.1}
    plan = recommend_signal(500, 20, prices, value=3000)
    sentence = told(plan, "a value of 3,000")
    below = number(r"below ([\d.,]+) take hard labels", sentence)
    assert answer(500, 20, prices, value=below * 1.01)[0] == "sparse"
    assert answer(500, 20, prices, value=below * 0.99)[0] == "hard"
    low = number(r"from ([\d.,]+) to", sentence)
    assert answer(500, 20, prices, value=low * 1.001) == (plan.signal, plan.sparsity)
    small = recommend_signal(500, 20, prices, value=below * 0.99)
    nothing = number(r"below ([\d.,]+) buy nothing", told(small, "With the linear utility"))
    assert not recommend_signal(500, 20, prices, value=nothing * 0.99).worth_it
    assert recommend_signal(500, 20, prices, value=nothing * 1.01).signal == "hard"


def test_nothing_worth_its_price():
    prices = {"hard": 0.05, "soft": 0.02}
    plan = recommend_signal(1000, 10, prices, value=1)
    first = plan.sentences[0]
    assert first.startswith("Buy nothing: no signal is worth its price at a value of 1. Nearest: hard labels")
    assert number(r"cost ([\d.,]+),", first) > number(r"which is worth ([\d.]+)", first)
    sentence = told(plan, "worth buying")
    edge = number(r"From a value of ([\d.,]+) on soft labels", sentence)
    assert not recommend_signal(1000, 10, prices, value=edge * 0.99).worth_it
    assert recommend_signal(1000, 10, prices, value=edge * 1.01).signal == "soft"
    for signal in prices:
        factor = number(rf"{signal} labels would be best below ([\d.e-]+) times their price", told(plan, "one price"))
        for times, wins in ((0.99, True), (1.01, False)):
            changed = {**prices, signal: prices[signal] * factor * times}
            assert (answer(1000, 10, changed, value=1)[0] == signal) == wins
    mute = recommend_signal(1000, 10, prices, value=1, noise={"hard": 0.5, "soft": 0.5}, noise_law="capacity")
    assert "At no value are these labels worth anything" in str(mute)
    again = {"noise": {"hard": 0.5, "soft": 0.5}, "noise_law": "capacity"}
    assert not recommend_signal(1000, 10, prices, value=1e20, **again).worth_it


def test_the_most_that_a_budget_buys():
    plan = recommend_signal(500, 20, {"hard": 0.02, "soft": 0.1}, budget=400, beta=2)
    sentence = told(plan, "The most information that the budget buys")
    cost, times = number(r"items for ([\d,.]+),", sentence), number(r"([\d.]+) times the bits", sentence)
    followed = recommend_signal(500, 20, {"hard": 0.02, "soft": 0.1}, budget=400, beta=1e-9)
    assert followed.signal in sentence
    assert followed.cost == pytest.approx(cost, abs=0.01)
    assert followed.bits / plan.bits == pytest.approx(times, rel=0.01)
    assert "Nothing tells more within the budget." in followed.sentences
    near = recommend_signal(5000, 100, {"hard": 0.02, "sparse": 0.1}, budget=500)
    assert "hardly more bits" in str(near)
    assert near.frontier["bits"].iloc[-1] / near.bits < 1.01


@pytest.mark.parametrize(
    ("prices", "settings", "start"),
    [
        ({"hard": 0.02, "soft": 0.1}, {}, "The utility matters"),
        ({"hard": 5, "sparse": 0.1}, {}, "The utility changes k^, not the signal"),
        ({"soft": 0.1}, {}, "The utility does not change the answer"),
        ({"hard": 5, "sparse": 0.1}, {"value": 700.0}, "The utility matters"),
    ],
)
def test_other_utilities(prices, settings, start):
    plan = recommend_signal(500, 10, prices, **settings)
    sentence = told(plan, "The utility")
    assert sentence.startswith(start)
    mine = (plan.signal, plan.sparsity)
    found = {name: answer(500, 10, prices, utility=name, **settings) for name in ("sigmoid", "logit")}
    for name, (signal, sparsity) in found.items():
        named = "nothing" if signal is None else f"{signal} labels" + (f" (k^ = {sparsity})" if sparsity else "")
        assert f"{name} says {named}" in sentence
    same_signal = all(each[0] == mine[0] for each in found.values())
    same = all(each == mine for each in found.values())
    assert start == (
        "The utility does not change the answer"
        if same
        else "The utility changes k^, not the signal"
        if same_signal
        else "The utility matters"
    )


def test_prices_that_change_the_answer():
    plan = recommend_signal(5000, 100, HARD_SOFT)
    sentence = told(plan, "If one price alone changes")
    up = number(r"hard labels stay best up to ([\d.]+) times their price", sentence)
    down = number(r"soft labels would be best below ([\d.]+) times their price", sentence)
    for times, signals in ((0.99, ("hard", "soft")), (1.01, ("soft", "hard"))):
        assert answer(5000, 100, {"hard": 0.02 * up * times, "soft": 0.1})[0] == signals[0]
        assert answer(5000, 100, {"hard": 0.02, "soft": 0.1 * down * times})[0] == signals[1]
    never = recommend_signal(5000, 100, {"hard": 0.02, "sparse": 0.1}, beta=0.5)
    assert "never hard labels, even free" in told(never, "price alone")
    assert answer(5000, 100, {"hard": 0, "sparse": 0.1}, beta=0.5)[0] == "sparse"
    assert "stay best even at a million times their price" in told(never, "price alone")
    assert answer(5000, 100, {"hard": 0.02, "sparse": 1e5}, beta=0.5)[0] == "sparse"
    assert "soft labels are free as it is" in told(recommend_signal(50, 5, {"hard": 1, "soft": 0}), "price alone")


def test_close_calls_and_factors_next_to_one():
    factor = recommend_signal(5000, 100, HARD_SOFT).table.set_index("signal").loc["soft", "price_factor"]
    near = {"hard": 0.02, "soft": 0.1 * factor * 1.0001}
    sentence = told(recommend_signal(5000, 100, near), "price alone")
    assert sentence.startswith("A close call. If one price")
    assert "hard labels stay best up to a little more than now" in sentence
    assert "soft labels would be best at a little less than now" in sentence
    assert answer(5000, 100, {**near, "soft": near["soft"] * 0.99})[0] == "soft"
    assert answer(5000, 100, {**near, "hard": near["hard"] * 1.01})[0] == "soft"
    assert "close call" not in str(recommend_signal(5000, 100, HARD_SOFT))


def test_plain_numbers_as_prices_of_whole_labels():
    plan = recommend_signal(5000, 100, HARD_SOFT)
    sentence = told(plan, "is taken as the price of")
    assert sentence == (
        "Soft 0.1 is taken as the price of one of 100 entries, 10 a label; if it is the price of a whole label write "
        "soft=0.1/item: then soft labels of all 5,000 items, cost 500."
    )
    followed = recommend_signal(5000, 100, {"hard": 0.02, "soft": "0.1/item"})
    assert (followed.signal, followed.cost) == ("soft", pytest.approx(500))
    assert "is taken as" not in str(followed)
    both = told(recommend_signal(5000, 100, {"hard": 0.02, "soft": 0.1, "sparse": ".03"}), "is taken as the price of")
    assert "these are prices of whole labels write soft=0.1/item sparse=0.03/item: then" in both
    signal, sparsity = answer(5000, 100, {"hard": 0.02, "soft": "0.1/item", "sparse": "0.03/item"})
    assert f"then {signal} labels (k^ = {sparsity}) of all 5,000 items, cost 150." in both
    dear = told(recommend_signal(1000, 10, {"hard": 0.05, "soft": 0.02}, value=1), "is taken as the price of")
    assert dear.endswith("then too nothing is worth its price.")
    assert not recommend_signal(1000, 10, {"hard": 0.05, "soft": "0.02/item"}, value=1).worth_it
    poor = recommend_signal(100, 50, {"hard": 0.1, "sparse": 30.0}, budget=20)
    assert "Sparse 30 is taken as the price of one entry; if" in told(poor, "is taken as the price of")


def test_the_list_of_prices():
    plan = recommend_signal(500, 10, {"hard": 0.02, "soft": "0.1/item"}, noise={"hard": 0.1})
    sentence = plan.sentences[-1]
    assert sentence.startswith("Prices (cost of all items): ")
    assert "hard 0.02 a judgement (10, noise 0.1)" in sentence
    assert "soft 0.1 an item (50)" in sentence
