"""What noise leaves of answers, against entropies and simulated channels and labels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy

import neuroalpha as na
from neuroalpha.theory.triplets import noise


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
