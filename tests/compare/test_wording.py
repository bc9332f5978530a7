"""Numbers and names as the sentences say them."""

from __future__ import annotations

import pytest

from neuroalpha.compare.wording import many, p_text, place_name, short_names


@pytest.mark.parametrize(("p", "text"), [(0.0123, "p = 0.012"), (0.0005, "p = 0.0005"), (1.0, "p = 1")])
def test_p_values_in_words(p, text):
    assert p_text(p) == text


def test_small_words():
    assert short_names(["a/b/c.pt", "a/d/c.pt"]) == ["b/c.pt", "d/c.pt"]
    assert short_names(["a/b"]) == ["a/b"]
    assert short_names(["x" * 50]) == ["x" * 14 + "..." + "x" * 14]
    alike = ["x" * 20 + name + "x" * 20 for name in "ab"]  # would be the same without their middle
    assert short_names(alike) == alike
    assert [many(1, "row"), many(2, "row")] == ["1 row", "2 rows"]
    assert place_name({"layer": "layer1", "window": "1-5"}) == "layer1, window 1-5"
