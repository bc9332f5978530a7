"""The page: self-contained, complete, and safe against names that are code."""

from __future__ import annotations

import re

import numpy as np
import pytest

import neuroalpha as na
from neuroalpha.report.page import describe, steps_text

EVIL = '</script><script>alert("x")</script><img src=x onerror=alert(1)>'


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    x = np.random.default_rng(0).normal(size=(90, 120)) * np.r_[np.arange(1, 61), np.arange(1, 61)] ** -0.5
    net = na.make_assembly(
        x,
        stimulus_id=np.arange(90),
        neuroid={"layer": [EVIL] * 60 + ["fc"] * 60},
        attrs={"identifier": EVIL, "source": EVIL, "preprocessing": '[{"step": "resize", "size": 64}]'},
    )
    measured = na.measure(net)
    path = na.compare_page(measured, tmp_path_factory.mktemp("page") / "p.html", title=EVIL)
    return path.read_text(encoding="utf-8"), measured


def test_opens_offline(page):
    html, _ = page
    assert not re.findall(r"<(?:script|link|img)[^>]+(?:src|href)\s*=", html.split("</head>")[1])
    assert not re.findall(r"<script[^>]+src", html)
    assert len(html) > 1_000_000  # the plotting library is inside


def test_names_cannot_become_code(page):
    html, _ = page
    assert EVIL not in html
    assert "<img src=x" not in html
    assert "&lt;img src=x onerror" in html


def test_holds_the_table_and_how_it_was_made(page):
    html, measured = page
    for each in measured:
        assert f"{each.fit.alpha:.3f}" in html
        assert f"{each.fit.low:.3f} to {each.fit.high:.3f}" in html
    assert "resize(size=64)" in html
    assert "32 subsamples of stimulus+neuroid" in html


def test_steps_text():
    assert steps_text('[{"step": "a", "n": 1}, {"step": "b"}]') == "a(n=1); b()"
    assert steps_text("by hand") == "by hand"
    assert steps_text("") == ""


def test_nothing_to_show(tmp_path):
    with pytest.raises(na.InputError, match="nothing to show"):
        na.compare_page([], tmp_path / "p.html")


def test_different_estimators_are_told_and_what_is_not_known_is_empty(tmp_path):
    recording, _ = na.simulate_recording(
        1.0, n_stimuli=80, n_neuroids=100, signal_fraction=0.5, noise="independent", spontaneous=False, seed=0
    )
    one, two = (
        na.measure(recording.responses, estimator=name, n_draws=0, ranks=(2, 30))[0] for name in ("cvpca", "meme")
    )
    html = na.compare_page([one, two], tmp_path / "two.html").read_text(encoding="utf-8").split("</head>")[1]
    assert "These exponents come from different estimators (cvpca, meme)" in html
    told = describe(two)
    assert (told["r2"], told["windows"]) == ("", "")
    assert told["p_value"] == f"{two.fit.p_value:.2g}"
    assert f">{told['p_value']}</td>" in html
    alike = na.compare_page([one, one], tmp_path / "one.html").read_text(encoding="utf-8")
    assert "different estimators (" not in alike
