"""A sweep on the zoo's page in a real browser: accuracy against scores, the grid, rules of selection."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from neuroalpha.compare.rule_comparison import compare_rules
from neuroalpha.report.plot_sweep import within
from neuroalpha.report.zoo_page import zoo_page
from neuroalpha.report.zoo_sweep import LOOKS

PATIENCE = 60_000  # ms; the machine may be shared
EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>"


def sweep(n=36, seed=0, objectives=("simclr", "byol", "mine")):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({
        "model": [f"m{i}" for i in range(n)], "images": "cifar10", "window": "auto", "estimator": "eigenspectrum",
        "setting: objective": [objectives[i % len(objectives)] for i in range(n)],
        "setting: lr": np.repeat([0.03, 0.1, 0.3], n // 3), "setting: width": rng.choice([16, 64], n),
        "setting: wd": 10 ** rng.uniform(-6, -2, n), "accuracy": rng.uniform(20, 80, n),
        "knn_accuracy": rng.uniform(20, 70, n), "collapsed": "",
    })  # fmt: skip
    table.loc[table.index[-2:], "collapsed"] = "collapsed: one dimension"
    parts = [
        table.assign(layer=layer, alpha=rng.uniform(0.7, 2, n), rankme=np.exp(rng.uniform(0, 5, n)), clid=rng.random(n))
        for layer in ("projector", "backbone")
    ]
    both = pd.concat(parts, ignore_index=True)
    both.loc[both["collapsed"] != "", "alpha"] = np.nan
    return both.assign(key=[f"{i:064x}" for i in range(len(both))])


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweep")
    table = sweep()
    backbone = table[table["layer"] == "backbone"]
    found = compare_rules(backbone, ["alpha", "clid"], rules=("interval", "random", "all"), orders=20)
    zoo_page(table, {}, folder / "sweep.html", selection=found)
    evil = sweep(objectives=(EVIL, "byol", "{{ 7 * 7 }} %{x}"))
    evil["model"] = evil["model"] + EVIL
    evil = evil.rename(columns={"setting: lr": f"setting: {EVIL}", "knn_accuracy": f"accuracy: {EVIL}"})
    evil["setting: width"] = evil["setting: width"].map({16: EVIL, 64: "plain"})
    told = SimpleNamespace(**{**vars(found), "sentences": [EVIL], "table": found.table.assign(note=EVIL)})
    for name in ("table", "curve", "growth", "growth_fits"):
        setattr(told, name, getattr(told, name).replace({"score": {"clid": EVIL}, "rule": {"interval": EVIL}}))
    zoo_page(evil, {}, folder / "evil.html", selection=told)
    zoo_page(table.drop(columns=["accuracy", "knn_accuracy"]), {}, folder / "bare.html")
    zoo_page(table.assign(alpha=np.nan, rankme=1.0, collapsed="yes").drop(columns="clid"), {}, folder / "fallen.html")
    return folder, table, found


@pytest.fixture
def open_page(open_offline, pages):
    def go(name="sweep.html", **how):
        page = open_offline(pages[0] / name, **how)
        page.wait_for_selector("html[data-ready=yes]")
        return page

    return go


def panel(page, name):
    """The marks of the panel of a score: x, y, colour and symbol, and its title."""
    return page.evaluate(
        """name => {
        const figure = document.getElementById('scores'), at = figure.data.findIndex(trace => trace.name === name);
        const { x, y, marker } = figure.data[at];
        const panels = figure.data.filter(trace => trace.customdata !== undefined);
        const title = figure.layout.annotations[panels.findIndex(trace => trace.name === name)].text;
        return { x: [...x], y: [...y], colour: marker.color, mark: marker.symbol, title,
                 best: [...figure.data[at + 1].x, ...figure.data[at + 1].y] };
        }""",
        name,
    )


def signed(value):
    return f"{value:.2f}".replace("-", "\N{MINUS SIGN}")


def test_panels_hold_the_models_of_the_layer_and_their_correlations(open_page, pages):
    page, rows = open_page(), pages[1].query("layer == 'backbone'")
    assert page.input_value("#sweep-layer") == "backbone"
    assert page.inner_text("#sweep-count") == "36 models, 2 of them collapsed"
    for name in ("alpha", "rankme", "clid"):
        known = rows[rows[name].notna()]
        drawn = panel(page, name)
        np.testing.assert_allclose(sorted(drawn["x"]), sorted(known[name]))
        rho = stats.spearmanr(known[name], known["accuracy"])[0]
        inside = within(*(known[each].to_numpy() for each in (name, "accuracy", "setting: objective")))
        assert f"ρ {signed(rho)}, within {signed(inside)}" in drawn["title"]
        assert f"({len(known)})" in drawn["title"]
        best = known.loc[known["accuracy"].idxmax()]
        np.testing.assert_allclose(drawn["best"], [best[name], best["accuracy"]])
    drawn = panel(page, "clid")
    pink = [mark for mark, colour in zip(drawn["mark"], drawn["colour"], strict=True) if colour == LOOKS["byol"].colour]
    assert len(pink) == 12
    assert sum(mark.endswith("-open") for mark in drawn["mark"]) == 2
    assert page.locator("#scores-legend li").all_inner_texts() == ["byol", "mine", "simclr", "best model", "collapsed"]


def test_choices_change_the_panels(open_page, pages):
    page, table = open_page(), pages[1]
    page.select_option("#sweep-layer", "projector")
    page.select_option("#sweep-accuracy", "knn_accuracy")
    rows = table.query("layer == 'projector'")
    drawn = panel(page, "clid")
    np.testing.assert_allclose(sorted(drawn["y"]), sorted(rows["knn_accuracy"]))
    np.testing.assert_allclose(sorted(drawn["x"]), sorted(rows["clid"]))
    page.select_option("#by-layer", label="backbone")  # the choice above holds for all figures
    assert page.is_disabled("#sweep-layer")
    np.testing.assert_allclose(sorted(panel(page, "clid")["x"]), sorted(table.query("layer == 'backbone'")["clid"]))
    page.fill("#filter", "simclr")
    page.wait_for_timeout(400)
    assert page.inner_text("#sweep-count").startswith("12 models")
    assert len(panel(page, "clid")["x"]) == 12


def test_a_row_pointed_at_is_ringed_in_every_panel(open_page, pages):
    page, table = open_page(), pages[1]
    row = 5  # of the projector; the ring is around its model
    page.locator(f"#zoo tbody tr[data-row='{row}']").click()
    page.wait_for_timeout(600)
    mine = table[(table["model"] == table["model"][row]) & (table["layer"] == "backbone")].iloc[0]
    rings = page.evaluate("""() => document.getElementById('scores').data.map((t, i, all) =>
        (t.customdata === undefined ? null : [t.name, all[i + 2].x[0], all[i + 3].x[0]])).filter(Boolean)""")
    assert rings == [
        [name, pytest.approx(mine[name]), pytest.approx(mine[name])] for name in ("alpha", "rankme", "clid")
    ]


def test_cells_of_the_grid(open_page, pages):
    page, table = open_page(), pages[1]
    rows = table.query("layer == 'backbone'")
    page.select_option("#grid-x", label="lr")
    page.select_option("#grid-y", label="width")
    page.select_option("#grid-value", "clid")
    page.select_option("#grid-group", label="byol")
    (drawn,) = page.evaluate(
        "() => document.getElementById('grid').data.map(({x, y, z, zmin, zmax}) => ({x, y, z, zmin, zmax}))"
    )
    assert (drawn["x"], drawn["y"]) == (["0.03", "0.1", "0.3"], ["16", "64"])
    means = rows[rows["setting: objective"] == "byol"].groupby(["setting: width", "setting: lr"])["clid"].mean()
    expected = means.unstack().reindex(index=[16, 64], columns=[0.03, 0.1, 0.3])
    np.testing.assert_allclose(np.array(drawn["z"], dtype=float), expected.to_numpy())
    cells = rows.groupby(["setting: objective", "setting: width", "setting: lr"]).agg(
        {"clid": "mean", "collapsed": "min"}
    )
    alive = cells[cells["collapsed"] == ""]["clid"]
    assert (drawn["zmin"], drawn["zmax"]) == pytest.approx((alive.min(), alive.max()))
    page.select_option("#grid-x", label="wd")  # a random setting: a mark for each model
    kinds = page.evaluate("() => document.getElementById('grid').data.map(t => [t.type ?? 'scatter', t.x.length])")
    assert kinds == [["scatter", 12]]
    assert page.evaluate("() => document.getElementById('grid').layout.xaxis.type") == "log"
    page.select_option("#grid-x", label="width")
    assert page.evaluate("() => document.getElementById('grid').layout.annotations[0].text") == "choose two settings"


def test_rules_of_selection(open_page, pages):
    page, found = open_page(), pages[2]
    curve = found.curve[
        (found.curve["rule"] == "interval") & (found.curve["score"] == "clid") & (found.curve["share"] > 0.02)
    ]
    lines = page.evaluate("() => document.getElementById('success').data.map(({x, y}) => [x, y])")
    assert any(
        x == curve["readouts"].tolist() and y == pytest.approx(curve["success"].tolist(), abs=1e-4) for x, y in lines
    )
    assert page.locator("#rules-table tbody tr").count() == len(found.table)
    assert page.locator("#rules-legend li").all_inner_texts() == ["alpha", "CLID", "random search"]
    assert "Best fits" in page.inner_text("#growth-note")
    assert page.inner_text("#sweep .sentences").startswith(found.sentences[0][:40])


@pytest.mark.parametrize("name", ["sweep.html", "evil.html"])
def test_fits_a_phone(open_page, name):
    page = open_page(name, width=390, height=800)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("document.getElementById('scores').getBoundingClientRect().right") <= 390
    domains = page.evaluate("""() => Object.entries(document.getElementById('scores').layout)
        .filter(([name]) => name.startsWith('xaxis')).map(([, axis]) => axis.domain[0])""")
    assert len(set(domains)) == 2  # two panels in a row


def test_names_cannot_become_code(open_page):
    page = open_page("evil.html")  # a dialog or an error would fail the fixture
    assert page.locator("#sweep img, #sweep script, #sweep td > *").count() == 0
    assert page.locator("#scores-legend li").first.inner_text().strip() == EVIL
    page.select_option("#grid-group", label=EVIL)
    page.select_option("#grid-y", label="width")
    page.select_option("#grid-x", label=EVIL)
    page.select_option("#sweep-accuracy", label=f"accuracy: {EVIL}")
    page.select_option("#grid-value", label=f"accuracy: {EVIL}")
    assert page.locator("#sweep svg img, #sweep svg script").count() == 0
    shown = page.locator("#grid svg .ytick text, #grid svg .ytitle").all_text_contents()
    assert EVIL in shown
    assert page.locator("#rules-table td", has_text=EVIL).count() > 0


def test_pages_without_accuracy_and_of_collapsed_models(open_page):
    bare = open_page("bare.html")
    assert bare.locator("#scores").count() == 0
    assert bare.evaluate("() => document.getElementById('grid').data[0].type") == "heatmap"
    fallen = open_page("fallen.html")
    assert fallen.inner_text("#sweep-count") == "36 models, 36 of them collapsed"
    assert "ρ not defined" in panel(fallen, "rankme")["title"]
    assert fallen.evaluate("() => document.getElementById('scores').dataset.panels") == "1"
