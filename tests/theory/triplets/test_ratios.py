"""Information ratios and noise laws, against closed forms, limits and simulated channels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy

import neuroalpha as na
from neuroalpha.theory.triplets import noise, ratios


@given(st.integers(1, 3000), st.integers(2, 500))
def test_closed_forms_to_rounding(quotient, k):
    n = quotient * k
    assert ratios.ratio("hard", n, k) == pytest.approx(ratios.hard_ratio_paper(n, k), rel=1e-12)
    assert ratios.ratio("soft", n, k) == pytest.approx(ratios.soft_ratio_paper(n, k), rel=1e-12)


@given(st.integers(3, 60), st.integers(3, 60))
def test_soft_labels_tell_more_than_sparse_and_these_more_than_hard(n, k):
    found = [ratios.ratio("sparse", n, k, kept) for kept in range(1, k + 1)]
    assert found == sorted(found)
    assert found[-1] == ratios.ratio("soft", n, k) > ratios.ratio("hard", n, k)


@pytest.mark.parametrize("signal", ["hard", "soft"])
@pytest.mark.parametrize(
    ("regime", "n", "k"),
    [("many items", 2_000_000, 20), ("as many items as classes", 20_000, 20_000), ("many classes", 20, 2_000_000)],
)
def test_leading_terms(signal, regime, n, k):
    formula = {"hard": ratios.hard_ratio_paper, "soft": ratios.soft_ratio_paper}[signal]
    assert ratios.asymptotic_ratio(signal, n, k, regime) == pytest.approx(formula(n, k), rel=1e-3)
    # and the order of growth that goes with it
    many = {"1/n": n, "1": 1, "1/k": k, "1/k^2": k**2}[ratios.GROWTH[signal, regime]]
    twice = (2 * n if regime != "many classes" else n, 2 * k if regime != "many items" else k)
    grown = {"1/n": twice[0], "1": 1, "1/k": twice[1], "1/k^2": twice[1] ** 2}[ratios.GROWTH[signal, regime]]
    assert formula(*twice) / formula(n, k) == pytest.approx(many / grown, rel=1e-3)


def test_soft_ratio_tends_to_a_quarter_from_above():
    found = [ratios.ratio("soft", n, n) for n in (3, 20, 90, 10_000)]
    assert found[:2] == pytest.approx([0.3, 0.2564], abs=1e-4)
    assert found == sorted(found, reverse=True)
    assert found[-1] == pytest.approx(0.25, abs=2e-5)


@given(st.floats(0, 0.5), st.floats(0, 0.5))
def test_noise_takes_information(one, two):
    low, high = sorted([one, two])
    for law in noise.LAWS:
        assert noise.bits_kept(low, law) >= noise.bits_kept(high, law) >= 0
    assert noise.bits_kept(low, "capacity") <= noise.bits_kept(low, "paper") + 1e-12
    assert noise.bits_kept(low, "capacity") == pytest.approx(1 - entropy([low, 1 - low], base=2), abs=1e-12)
    both = np.array([low, 1 - low])
    assert noise.normalised_information(both) == pytest.approx(noise.bits_kept(low, "capacity"), abs=1e-12)


def test_numbers_of_the_laws():
    assert [noise.bits_kept(e) for e in (0.0, 0.325, 0.44, 0.5)] == pytest.approx([1, 0.675, 0.56, 0.5])
    found = [noise.bits_kept(e, "capacity") for e in (0.0, 0.325, 0.44, 0.5)]
    assert found == pytest.approx([1, 0.0903, 0.0104, 0], abs=2e-4)
    assert noise.normalised_information(np.full(10, 0.1)) == pytest.approx(0)


def test_capacity_is_the_mutual_information_of_a_simulated_channel():
    rng = np.random.default_rng(0)
    sent = rng.integers(0, 2, 200_000)
    received = sent ^ (rng.random(sent.size) < 0.11)
    joint = np.histogram2d(sent, received, bins=2)[0] / sent.size
    told = entropy(joint.sum(axis=0), base=2) + entropy(joint.sum(axis=1), base=2) - entropy(joint.ravel(), base=2)
    assert noise.bits_kept(0.11, "capacity") == pytest.approx(told, abs=0.01)


@pytest.mark.parametrize(("wrong", "k"), [(0.05, 10), (0.1, 3), (0.4, 5), (0.8, 5), (0.5, 2)])
def test_wrong_labels_against_a_simulation(wrong, k):
    rng = np.random.default_rng(1)
    true = rng.integers(0, k, 20_000)
    given_labels = np.where(rng.random(true.size) < wrong, (true + rng.integers(1, k, true.size)) % k, true)
    errors, asked = 0.0, 0
    for c in range(k):
        # questions "is i, labelled c, nearer to c than j, labelled otherwise?" for random pairs
        i = rng.choice(np.flatnonzero(given_labels == c), 40_000)
        j = rng.choice(np.flatnonzero(given_labels != c), 40_000)
        near, far = true[i] == c, true[j] == c
        errors += (far & ~near).sum() + 0.5 * (near == far).sum()
        asked += i.size
    assert noise.error_of_wrong_labels(wrong, k) == pytest.approx(errors / asked, abs=0.01)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: ratios.ratio("hard", 1, 1), "allow no triplet"),
        (lambda: ratios.count("sotf", 3, 3), "did you mean 'soft'"),
        (lambda: ratios.asymptotic_ratio("sparse", 3, 3, "many items"), "no leading term"),
        (lambda: noise.bits_kept(0.6), r"0.6; expected a number from 0 to 0.5.*guessing"),
        (lambda: noise.bits_kept(-0.1), "error is -0.1"),
        (lambda: noise.bits_kept(float("nan")), "error is nan"),
        (lambda: noise.bits_kept(0.1, "shannon"), "'paper' or 'capacity'"),
        (lambda: noise.binary_entropy(2.0), "probability is 2.0"),
        (lambda: noise.normalised_information(np.array([1.0])), "two outcomes"),
        (lambda: noise.normalised_information(np.array([0.6, 0.6])), "sum to 1"),
        (lambda: noise.error_of_wrong_labels(0.1, 1), "n_classes is 1"),
    ],
)
def test_bad_input(call, said):
    with pytest.raises(na.InputError, match=said) as caught:
        call()
    assert "\n" not in str(caught.value)
