"""What public functions share: names, made views, times that all step sizes reach."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from neuroalpha.errors import InputError
from neuroalpha.theory.projectors import inputs
from neuroalpha.theory.projectors.losses import LOSSES, make_views


def test_default_times_as_they_are_documented():
    np.testing.assert_allclose(inputs.times_of(None, (0.01, 0.001), 6, 0.25), np.linspace(0, 6, 25))
    np.testing.assert_allclose(inputs.times_of(None, (0.02, 0.002), 5, 0.5), np.linspace(0, 5, 11))
    np.testing.assert_allclose(inputs.times_of(None, (5, 0.5), 6, 0.25), np.arange(11) * 5)
    np.testing.assert_allclose(inputs.times_of(None, (0.03, 0.02), 6, 0.25), np.arange(26) * 0.24)


@given(st.floats(1e-4, 100), st.lists(st.integers(1, 50), min_size=1, max_size=2), st.integers(1, 3))
def test_default_times_are_whole_steps_and_ten_at_least(largest, parts, numerator):
    sizes = (largest, *(numerator * largest / (numerator * part + 1) for part in parts))
    try:
        times = inputs.times_of(None, sizes, 6, 0.25)
    except InputError:  # two fractions may not meet within 100 steps
        assume(len(parts) == 1)  # one does, as its numerator is below 4
        raise
    assert times[0] == 0
    assert len(times) >= 11
    assert times[-1] >= 6 * (1 - 1e-9)
    for size in sizes:
        counts = times / size
        np.testing.assert_allclose(counts, np.rint(counts), atol=1e-6 * max(counts[-1], 1))


def test_given_times():
    np.testing.assert_array_equal(inputs.times_of([0, 0.5], (0.1, 0.05), 6, 0.25), [0, 0.5])
    with pytest.raises(InputError, match=r"time 0\.25 is not a whole number of steps of 0\.1"):
        inputs.times_of([0, 0.25], (0.1, 0.05), 6, 0.25)
    with pytest.raises(InputError, match=r"time 0\.1 is not a whole number of steps of 0\.03"):
        inputs.times_of([0, 0.1], (0.1, 0.03), 6, 0.25)
    with pytest.raises(InputError, match=r"meet at no time .* as 0\.5 and 0\.05"):
        inputs.times_of(None, (0.5, 0.5 / np.pi), 6, 0.25)


def test_names():
    assert inputs.names_of(np.array(["b", "a"]), "abc", "letter", "letters") == ["b", "a"]
    for bad in ([], None, 3):
        with pytest.raises(InputError, match=r"letters is .*; expected some of"):
            inputs.names_of(bad, "abc", "letter", "letters")
    with pytest.raises(InputError, match="there is no letter 'd'"):
        inputs.names_of(["d"], "abc", "letter", "letters")
    with pytest.raises(InputError, match="there is no letter 1"):
        inputs.names_of([1], "abc", "letter", "letters")
    with pytest.raises(InputError, match="expected each of them once"):
        inputs.names_of(["a", "a"], "abc", "letter", "letters")


def test_losses():
    assert inputs.losses_of(None, True) == list(LOSSES)
    assert inputs.losses_of(None, False) == ["non-contrastive"]
    assert inputs.losses_of("contrastive", True) == ["contrastive"]
    with pytest.raises(InputError, match="needs negative views"):
        inputs.losses_of(["contrastive"], False)


def test_views_made_or_given():
    made = inputs.views_or_made(None, None, None, False, 3, n_samples=9, n_features=4, n_outputs=2)
    for found, expected in zip(made, make_views(9, 4, 2, seed=3), strict=True):
        np.testing.assert_array_equal(found, expected)
    x = np.arange(6.0).reshape(3, 2)
    np.testing.assert_array_equal(inputs.views_or_made(x, x, None, True, 0)[0], x - 2 + np.array([0, -1]))
    for some in ((x, None, None), (None, x, None), (None, None, x)):
        with pytest.raises(InputError, match="give samples and their views"):
            inputs.views_or_made(*some, True, 0)


def test_attributes():
    found = inputs.made_by(4, source="x")
    assert found["seed"] == 4
    assert found["source"] == "x"
    assert "seed" not in inputs.made_by()
