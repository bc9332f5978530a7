"""The figure of an extrapolation: subsets, lines, limits."""

from __future__ import annotations

import numpy as np
import pytest

import neuroalpha as na
from neuroalpha.report.plot_extrapolation import extrapolation


def test_shows_subsets_lines_and_limits():
    x = np.random.default_rng(0).normal(size=(240, 160)) * np.arange(1, 161) ** -0.5
    assembly = na.make_assembly(x, stimulus_id=np.arange(240), attrs={"identifier": "cost $"})
    result = na.extrapolate(assembly, ranks=(3, 15), n_subsets=3, n_draws=6, progress=False)
    ax = extrapolation(result)
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    lines = result.lines.set_index("axis")
    assert names[0].startswith(f"240 stimuli: {lines['alpha']['stimulus']:.2f} [")
    assert names[1].startswith("160 neuroids: ")
    assert names[2].startswith("both: ")
    drawn = {line.get_label(): line for line in ax.get_lines()}
    x0, y0 = drawn[names[0]].get_xdata()[0], drawn[names[0]].get_ydata()[0]
    assert (x0, y0) == (0, pytest.approx(lines["alpha"]["stimulus"]))
    assert [text.get_text() for text in ax.get_xticklabels()][:4] == ["infinite", "all", "1/2", "1/4"]
    assert ax.get_ylabel() == "alpha, ranks 3-15"
    assert r"cost \$" in ax.get_title()


def test_bad_input():
    with pytest.raises(na.InputError, match="expected the result of neuroalpha\\.extrapolate, got str"):
        extrapolation("x")  # type: ignore[arg-type]
