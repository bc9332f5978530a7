"""Plain numbers are checked before any work."""

from __future__ import annotations

import numpy as np
import pytest

from neuroalpha._checks import check_seed, share, whole
from neuroalpha.errors import InputError


@pytest.mark.parametrize("bad", [None, 3.0, "3", True, -1, [1], np.bool_(True), float("nan")])
def test_not_a_whole_number(bad):
    with pytest.raises(InputError, match=r"n_draws is .*expected a whole number of at least 0"):
        whole(bad, "n_draws")
    with pytest.raises(InputError, match="seed is"):
        check_seed(bad)


@pytest.mark.parametrize("bad", [None, "x", float("nan"), True, 1.5, -0.1])
def test_not_a_share(bad):
    with pytest.raises(InputError, match=r"level is .*from 0 to 1"):
        share(bad, "level", 0, 1)


def test_what_is_sound_comes_back():
    assert (whole(5, "n", 5), check_seed(np.uint8(7)), share(np.float32(0.5), "level", 0, 1)) == (5, 7, 0.5)
