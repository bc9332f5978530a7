"""Information ratios, against closed forms and limits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import neuroalpha as na
from neuroalpha.theory.triplets import ratios


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


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: ratios.ratio("hard", 1, 1), "allow no triplet"),
        (lambda: ratios.count("sotf", 3, 3), "did you mean 'soft'"),
        (lambda: ratios.asymptotic_ratio("sparse", 3, 3, "many items"), "no leading term"),
    ],
)
def test_bad_input(call, said):
    with pytest.raises(na.InputError, match=said) as caught:
        call()
    assert "\n" not in str(caught.value)
