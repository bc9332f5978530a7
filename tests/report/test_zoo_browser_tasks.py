"""Tasks on the zoo's page in a real browser: accuracy against alpha, noise curves, statistics."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from neuroalpha.report.zoo_page import zoo_page

PATIENCE = 60_000  # ms; the machine may be shared
EVIL = "</script><img src=x onerror=alert(1)>"
NAMES = [EVIL, "<b>bold</b> &amp;", "{{ 7 * 7 }} ${alert(1)} %{x}", "plain"]
LEVELS = [0.0, 0.2, 0.4]


def with_tasks(table, seed=0):
    rng = np.random.default_rng(seed)
    accuracy = rng.uniform(0.4, 0.9, len(table))
    return table.assign(
        accuracy=accuracy, accuracy_low=accuracy - 0.02, accuracy_high=accuracy + 0.01,
        family=["resnet" if "net1" in model else "plain" for model in table["model"]],
        mean_corruption_error=rng.uniform(0.5, 1.2, len(table)),
        **{"accuracy: fog": accuracy - rng.uniform(0, 0.2, len(table)), "noise_area: symmetric": accuracy / 2},
    )  # fmt: skip


def curves_of(keys, noises=("symmetric", "human worst"), seed=0):
    rng = np.random.default_rng(seed)
    rows = [
        {"key": key, "noise": noise, "level": level, "accuracy": 0.9 - level * rng.uniform(0, 1)}
        for key in dict.fromkeys(keys)
        for noise in noises
        for level in LEVELS
    ]
    curves = pd.DataFrame(rows)
    curves["memorisation"] = curves["level"].where((curves["noise"] == noises[0]) & (curves["level"] > 0))
    return curves.assign(low=curves["accuracy"] - 0.01, high=curves["accuracy"] + 0.02)


def statistics_of(targets, n_layers=2):
    rng = np.random.default_rng(0)
    rows = [
        {"target": target, "layer": f"layer{layer}", "window": "auto", "statistic": statistic, "value": value,
         "low": value - 0.2, "high": value + 0.2, "p": p, "n_models": 4, "note": ""}
        for target in targets for layer in range(n_layers) for statistic in ("spearman", "slope")
        for value, p in [rng.uniform(-1, 1, 2) ** 2]
    ]  # fmt: skip
    rows[1]["value"], rows[2]["p"] = np.nan, 2e-5
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def tasks(make_zoo, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tasks")
    table, spectra = make_zoo(n_models=3, n_layers=3, images=("imagenette", "cifar10"), windows=("auto", "2-20"))
    table = with_tasks(table)
    table.loc[4, "accuracy"] = np.nan
    curves, statistics = curves_of(table["key"]), statistics_of(["accuracy", "relative_drop"])
    sentences = {"accuracy": ["It rises with alpha."], "relative_drop": ["It is not related."]}
    zoo_page(table, spectra, folder / "tasks.html", noise=curves, statistics=statistics, sentences=sentences)
    evil = table[table["window"] == "auto"].iloc[: len(NAMES)].reset_index(drop=True)
    evil = evil.assign(model=NAMES, layer=NAMES, family=NAMES, **{f"accuracy: {EVIL}": 0.5})
    told = pd.DataFrame({"target": NAMES, "statistic": NAMES, "value": 1.0, "note": NAMES, EVIL: NAMES})
    zoo_page(
        evil, spectra, folder / "evil.html", noise=curves_of(evil["key"], NAMES), statistics=told,
        sentences={name: [name] for name in NAMES},
    )  # fmt: skip
    return folder, table, curves, statistics


@pytest.fixture
def open_page(open_offline, tasks):
    def go(name="tasks.html", **how):
        page = open_offline(tasks[0] / name, **how)
        page.wait_for_selector("html[data-ready=yes]")
        return page

    return go


def until(page, expression, arg=None):
    """Wait for a true expression; the page's own policy forbids Playwright's way, which evaluates text in the page."""
    waited = 0
    while not page.evaluate(expression, arg):
        waited += 50
        assert waited < PATIENCE, expression
        page.wait_for_timeout(50)


def marks(page, figure):
    """All points of a figure but those of the two traces that mark rows: (n, 2)."""
    drawn = page.evaluate("id => document.getElementById(id).data.slice(0, -2).map(t => ({x: t.x, y: t.y}))", figure)
    x, y = (np.array([v for trace in drawn for v in trace[name]], dtype=float) for name in "xy")
    found = np.column_stack([x, y])
    found = found[~np.isnan(found).all(axis=1)]
    return found[np.lexsort(found.T)]


def expect(page, figure, rows):
    rows = np.asarray(rows, dtype=float)
    np.testing.assert_allclose(marks(page, figure), rows[np.lexsort(rows.T)], atol=1e-6)


def test_the_target_and_the_filters_choose_the_points(open_page, tasks):
    page, table = open_page(), tasks[1]
    said = page.locator("#tasks-spearman")

    def check(rows, name):
        until(page, "n => document.getElementById('tasks-spearman').dataset.n === n", str(rows[name].notna().sum()))
        rows = rows[rows[name].notna()]
        expect(page, "tasks", rows[["alpha", name]])
        assert float(said.get_attribute("data-rho")) == pytest.approx(stats.spearmanr(rows["alpha"], rows[name])[0])
        near = stats.spearmanr((rows["alpha"] - 1).abs(), rows[name])[0]
        assert float(said.get_attribute("data-near")) == pytest.approx(near)
        assert "of the points shown; not a test" in said.inner_text()

    offered = page.locator("#target option").evaluate_all("all => all.map(one => one.value)")
    assert offered == ["accuracy", "mean_corruption_error", "accuracy: fog", "noise_area: symmetric"]
    groups = page.locator("#target optgroup").evaluate_all("all => all.map(one => one.label)")
    assert groups == ["readout", "shifts", "label noise"]
    check(table, "accuracy")
    page.locator("#target").select_option("mean_corruption_error")
    check(table, "mean_corruption_error")
    assert page.locator("#tasks .ytitle").text_content() == "mean corruption error (lower is better)"
    page.locator("#by-images").select_option("cifar10")
    table = table[table["images"] == "cifar10"]
    check(table, "mean_corruption_error")
    page.locator("#by-window").select_option("auto")
    table = table[table["window"] == "auto"]
    page.locator("#by-layer").select_option("layer1")
    check(table[table["layer"] == "layer1"], "mean_corruption_error")
    page.locator("#by-layer").select_option("")
    for role, layer in (("first", "layer0"), ("middle", "layer1"), ("last", "layer2")):
        page.locator("#by-role").select_option(role)
        check(table[table["layer"] == layer], "mean_corruption_error")
    page.locator("#filter").fill("nothing like this")
    until(page, "document.getElementById('tasks').textContent.includes('no row shown has both numbers')")
    assert "no row shown has such a curve" in page.locator("#noise").text_content()


def test_intervals_families_and_the_line_at_one(open_page, tasks):
    page, table = open_page(), tasks[1]
    drawn = page.evaluate(
        """() => document.getElementById('tasks').data.slice(0, -2).map(t => ({name: t.name, x: t.x, y: t.y,
          right: t.error_x.array, down: t.error_y.arrayminus, colour: t.marker.color}))"""
    )
    assert [trace["name"] for trace in drawn] == ["plain", "resnet"]
    assert len({trace["colour"] for trace in drawn}) == 2
    for trace in drawn:
        rows = table[(table["family"] == trace["name"]) & table["accuracy"].notna()]
        np.testing.assert_allclose(np.sort(trace["x"]), np.sort(rows["alpha"]))
        np.testing.assert_allclose(np.sort(trace["right"]), np.sort(rows["high"] - rows["alpha"]), atol=1e-9)
        np.testing.assert_allclose(trace["down"], 0.02)
    (line,) = page.evaluate("document.getElementById('tasks').layout.shapes.map(s => [s.x0, s.x1, s.line.dash])")
    assert line == [1, 1, "dash"]
    page.locator("#tasks .points path").first.hover(force=True)
    page.wait_for_selector("#tasks .hovertext")
    text = page.locator("#tasks .hovertext").text_content()
    assert "torchvision:net" in text
    assert "accuracy 0." in text


def test_noise_curves(open_page, tasks):
    page, (_, table, curves, _) = open_page(), tasks

    def check(kind, measure, keys):
        rows = curves[(curves["noise"] == kind) & curves["key"].isin(keys)]
        until(page, "n => document.getElementById('noise-note').textContent.startsWith(n)", f"{len(set(keys))} line")
        until(page, "t => document.querySelector('#noise .ytitle').textContent === t", measure)
        drawn = marks(page, "noise")
        wanted = rows[["level", measure]].to_numpy()
        known = ~np.isnan(wanted[:, 1])
        np.testing.assert_allclose(drawn[~np.isnan(drawn[:, 1])], wanted[known][np.lexsort(wanted[known].T)], atol=1e-6)

    check("symmetric", "accuracy", table["key"])
    page.locator("#noise-measure").select_option("memorisation")
    check("symmetric", "memorisation", table["key"])
    page.locator("#noise-measure").select_option("accuracy")
    page.locator("#noise-kind").select_option("human worst")
    check("human worst", "accuracy", table["key"])
    page.locator("#by-images").select_option("imagenette")
    page.locator("#by-window").select_option("2-20")
    part = table[(table["images"] == "imagenette") & (table["window"] == "2-20")]
    check("human worst", "accuracy", part["key"])
    bar = page.evaluate("(({cmin, cmax}) => [cmin, cmax])(document.getElementById('noise').data[0].marker)")
    assert bar == pytest.approx([part["alpha"].min(), part["alpha"].max()])
    # The greater a curve's alpha, the further along the scale its colour: no two of one colour are far apart.
    traces = page.evaluate(
        "document.getElementById('noise').data.slice(1, -2).map(t => ({colour: t.line.color, rows: t.customdata}))"
    )
    alphas = [table["alpha"].iloc[sorted({row for row in trace["rows"] if row is not None})] for trace in traces]
    assert sum(len(some) for some in alphas) == len(part)
    assert max(some.max() - some.min() for some in alphas) <= (bar[1] - bar[0]) / 24
    assert [some.min() for some in alphas] == sorted(some.min() for some in alphas)
    assert len({trace["colour"] for trace in traces}) == len(traces)
    page.locator("#by-role").select_option("last")  # few enough for intervals
    until(page, "document.getElementById('noise').data[1].error_y !== undefined")
    np.testing.assert_allclose(
        page.evaluate("document.getElementById('noise').data[1].error_y.array"), [0.02] * 3 + [0], atol=1e-6
    )


def test_a_click_keeps_the_row_in_every_figure(open_page, tasks):
    page, table = open_page(), tasks[1]
    page.locator("#zoo tbody tr").nth(7).click()
    until(page, "document.getElementById('tasks').data.at(-2).x.length === 1")
    dot = page.evaluate("(({x, y}) => [x[0], y[0]])(document.getElementById('tasks').data.at(-2))")
    assert dot == table.loc[7, ["alpha", "accuracy"]].tolist()
    until(page, "document.getElementById('noise').data.at(-2).x.length === 3")
    page.locator("#tasks .points path").first.click(force=True)
    first = page.evaluate("document.getElementById('tasks').data[0].customdata[0]")
    until(page, "row => document.querySelector('#zoo tr.kept').dataset.row === row", str(first))


def column(page, heading):
    return page.evaluate(
        """heading => {
          const table = document.getElementById('statistics-table');
          const at = [...table.tHead.rows[0].cells].findIndex(cell => cell.textContent === heading);
          return [...table.tBodies[0].rows].map(row => row.cells[at].textContent);
        }""",
        heading,
    )


def test_statistics_sort_filter_and_download(open_page, tasks):
    page, statistics = open_page(), tasks[3]
    heads = page.locator("#statistics-table thead th").all_text_contents()
    assert heads == ["target", "layer", "window", "statistic", "value", "interval", "p", "models"]  # notes are empty
    value = page.locator("#statistics-table thead th").nth(4)
    known = sorted(statistics["value"].dropna())
    for order, direction in ((known, "ascending"), (known[::-1], "descending")):
        value.get_by_role("button").click()
        assert value.get_attribute("aria-sort") == direction
        shown = column(page, "value")
        assert shown[-1] == ""
        np.testing.assert_allclose([float(text) for text in shown[:-1]], order, atol=6e-4)
    assert "< 0.001" in column(page, "p")
    page.locator("#statistics-target").select_option("relative_drop")
    page.locator("#statistics-statistic").select_option("slope")
    chosen = statistics[(statistics["target"] == "relative_drop") & (statistics["statistic"] == "slope")]
    assert page.locator("#statistics-count").inner_text() == f"{len(chosen)} of {len(statistics)} statistics"
    assert column(page, "target") == ["relative_drop"] * len(chosen)
    assert page.locator("#sentences p:visible").all_inner_texts() == ["It is not related."]
    assert not page.locator("#statistics-window").is_visible()  # there is only one
    with page.expect_download() as waiting:
        page.locator("#statistics-download").click()
    with open(waiting.value.path(), "rb") as file:
        back = pd.read_csv(io.BytesIO(file.read()))
    expected = chosen.sort_values("value", ascending=False).reset_index(drop=True)
    pd.testing.assert_frame_equal(back, expected.assign(note=np.nan), check_dtype=False, rtol=1e-12)
    page.locator("#statistics-target").select_option("")
    assert len(page.locator("#sentences p:visible").all()) == 2


def test_hostile_names_are_shown_and_never_run(open_page):
    page = open_page("evil.html")
    page.locator("#target").select_option(f"accuracy: {EVIL}")
    until(page, "t => document.querySelector('#tasks .ytitle').textContent === t", f"accuracy: {EVIL}")
    assert set(page.locator("#tasks .legendtext").all_text_contents()) == set(NAMES)
    page.locator("#tasks .points path").first.hover(force=True)
    page.wait_for_selector("#tasks .hovertext")
    assert page.locator("#tasks .hovertext").text_content().startswith(tuple(NAMES))
    for name in NAMES:
        page.locator("#noise-kind").select_option(label=name)
        until(page, "t => document.querySelector('#noise .xtitle').textContent.endsWith(t)", name)
        page.locator("#statistics-target").select_option(label=name)
        assert column(page, EVIL) == [name]
        assert page.locator("#sentences .said:visible h3").all_inner_texts() == [name]
    for outside in ("img", "iframe", "script[src]", "b"):
        assert page.locator(outside).count() == 0


@pytest.mark.parametrize("width", [390, 320])
def test_phone(open_page, width):
    page = open_page(width=width, height=844, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for figure in ("tasks", "noise"):
        bounds = page.locator(f"#{figure} svg.main-svg").first.bounding_box()
        assert 0.8 * width < bounds["width"] <= width


def test_many_statistics_and_models_without_families(open_page, tasks, make_zoo):
    table, spectra = make_zoo(n_models=40, n_layers=1, n_draws=0)
    table = with_tasks(table).drop(columns="family")
    zoo_page(
        table, spectra, tasks[0] / "many.html", statistics=statistics_of([f"t{i}" for i in range(600)]),
        sentences=["One thing."],
    )  # fmt: skip
    page = open_page("many.html")
    assert page.locator("#noise").count() == 0
    assert "40 models are too many to colour" in page.locator("#tasks-colour").inner_text()
    assert len(marks(page, "tasks")) == 40
    assert page.locator("#statistics-count").inner_text() == "4 of 2400 statistics"  # those of the first target
    page.locator("#statistics-target").select_option("")
    assert page.locator("#statistics-count").inner_text() == "2400 of 2400 statistics, the first 1000 of them shown"
    assert page.locator("#statistics-table tbody tr").count() == 1000
    assert page.locator("#sentences p:visible").all_inner_texts() == ["One thing."]
