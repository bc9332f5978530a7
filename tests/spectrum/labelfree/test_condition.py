"""condition: numpy's condition number, and where rounding cannot tell it from zero."""

from __future__ import annotations

import numpy as np
import pytest

from neuroalpha.errors import InputError
from neuroalpha.spectrum.labelfree.condition import condition


@pytest.mark.parametrize("shape", [(40, 9), (9, 40)])
@pytest.mark.parametrize("tail", [0.5, 1e-4])
def test_inverse_of_numpys(shape, tail):
    x = np.random.default_rng(0).normal(size=shape) * np.geomspace(1, tail, shape[1]) + 1
    assert condition(x) == pytest.approx(1 / np.linalg.cond(x), rel=1e-4)
    assert condition(3 * x) == pytest.approx(condition(x), rel=1e-6)


def test_dependent_units_give_exactly_zero():
    x = np.random.default_rng(0).normal(size=(40, 5))
    assert condition(np.c_[x, x[:, 0] - x[:, 1]]) == 0
    assert np.isnan(condition(np.zeros((5, 2))))


def test_bad_input():
    with pytest.raises(InputError, match="features have shape"):
        condition(np.zeros(3))
