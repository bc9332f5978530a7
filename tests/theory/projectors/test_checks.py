"""What the theory of projectors takes: matrices, starts, views, widths; what it says of all else."""

from __future__ import annotations

import numpy as np
import pytest

from neuroalpha.errors import InputError
from neuroalpha.theory.projectors import checks


def test_matrices_are_symmetric_and_not_zero():
    found = checks.loss_matrix([[1, 2 + 1e-9], [2, -1]])
    np.testing.assert_array_equal(found, found.T)
    assert found.dtype == np.float64
    for size in (1e-200, 1e200):  # nothing is small by itself
        np.testing.assert_array_equal(checks.loss_matrix(size * np.diag([1.0, -1.0])), size * np.diag([1.0, -1.0]))
    with pytest.raises(InputError, match=r"^C is all zeros: the loss is the same for all weights"):
        checks.loss_matrix(np.zeros((3, 3)), "C")


def test_starts():
    whole = np.eye(4)[:, :2] @ np.array([[2.0, 1.0], [0.0, 1.0]])
    np.testing.assert_array_equal(checks.start_frame(whole, 4, orthonormal=False), whole)
    np.testing.assert_array_equal(checks.start_frame(np.eye(4), 4, orthonormal=True), np.eye(4))
    with pytest.raises(InputError, match=r"W\^T W differs from 1 by 3"):
        checks.start_frame(whole, 4, orthonormal=True)
    with pytest.raises(InputError, match="rank 1 for 2 outputs"):
        checks.start_frame(np.ones((4, 2)), 4, orthonormal=False)
    with pytest.raises(InputError, match=r"shape \(4, 5\); expected \(4, outputs\) with at most 4"):
        checks.start_frame(np.ones((4, 5)), 4, orthonormal=False)
    with pytest.raises(InputError, match="start is complex numbers"):
        checks.start_frame(whole * 1j, 4, orthonormal=False)
    with pytest.raises(InputError, match="start is booleans"):
        checks.start_frame(np.eye(4, dtype=bool), 4, orthonormal=True)


def test_views_lose_their_means():
    x, positive, negative = np.random.default_rng(0).standard_normal((3, 6, 2)) + 5
    found = checks.views(x, positive, negative)
    for before, after in zip((x, positive, negative), found, strict=True):
        np.testing.assert_allclose(after, before - before.mean(axis=0))
    np.testing.assert_array_equal(checks.views(x, positive, center=False)[1], positive)
    assert checks.views(x, positive)[2] is None


def test_views_that_teach_nothing():
    x = np.random.default_rng(0).standard_normal((7, 2))
    same = np.full((7, 2), 0.1)  # its mean is not 0.1 to the last digit
    for given, name in (((same, x), "x"), ((x, same), "positive"), ((x, x, same), "negative")):
        with pytest.raises(InputError, match=f"^{name} is the same in all 7 samples"):
            checks.views(*given)
    assert checks.views(same, x, center=False)[0] is not None
    with pytest.raises(InputError, match=r"^x is all zeros"):
        checks.views(0 * x, x, center=False)
    with pytest.raises(InputError, match="negative is the same as positive"):
        checks.views(x, x + 1, x + 1)


def test_widths():
    assert checks.widths_of(5, 2) == (5,)
    assert checks.widths_of(np.array([8, 4]), 2) == (8, 4)
    for bad, said in (
        ("many", "widths is 'many'; expected whole numbers"),
        (None, "widths is None; expected whole numbers"),
        ([], "different whole numbers"),
        ([4, 4], "different whole numbers"),
        ([4.0], "widths is 4.0; expected a whole number"),
        ([True], "widths is True; expected a whole number"),
        ([1], "smaller than the 2 outputs"),
    ):
        with pytest.raises(InputError, match=said):
            checks.widths_of(bad, 2)


def test_forms_by_width():
    assert checks.forms_of(30, 3) == [
        ("one layer", 0), ("tall", 5), ("tall", 10), ("tall", 20), ("tall", 30), ("wide", 40), ("wide", 93),
        ("wide", 480),
    ]  # fmt: skip
    assert checks.forms_of(30, 3, [30, 3], []) == [("one layer", 0), ("tall", 30), ("tall", 3)]
    assert checks.forms_of(30, 3, [], 33) == [("one layer", 0), ("wide", 33)]
    assert checks.forms_of(2, 1, None, [])[1:] == [("tall", 1), ("tall", 2)]  # defaults fit any size


@pytest.mark.parametrize("width", [31, 32])
@pytest.mark.parametrize("form", ["tall", "wide"])
def test_widths_between_the_forms(width, form):
    """Said alike whichever list it is in: a command sorts widths into the two."""
    said = f"a hidden layer of width {width} fits neither form: .* of 3 to 30, .* of 33 .* or more; take 30 or 33$"
    with pytest.raises(InputError, match=said):
        checks.forms_of(30, 3, **{form: [width]})


def test_widths_of_the_other_form():
    with pytest.raises(InputError, match=r"tall_widths holds 33: .* the wide form of 33"):
        checks.forms_of(30, 3, tall=[33])
    with pytest.raises(InputError, match=r"wide_widths holds 30: .* the tall form takes widths of 3 to 30"):
        checks.forms_of(30, 3, wide=[30])
    with pytest.raises(InputError, match="wide_widths is 'ab'"):
        checks.forms_of(30, 3, wide="ab")
