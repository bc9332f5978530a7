"""The zoo's page in a real browser: it loads, sorts, filters, shows spectra, works on a phone, and runs no name."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from neuroalpha.report.zoo_page import zoo_page

PATIENCE = 60_000  # ms; the machine may be shared
EVIL = "</script><img src=x onerror=alert(1)>"
FORMULA = '=HYPERLINK("x")'
NAMES = [EVIL, FORMULA, 'quoted "name", with comma', "ünï <b>Δ</b> &amp; 模型", "{{ 7 * 7 }} ${alert(1)} %{x}", "plain"]


@pytest.fixture(scope="module")
def zoo(make_zoo):
    table, spectra = make_zoo(n_models=4, n_layers=3, images=("imagenette", "cifar10"), windows=("auto", "2-20"))
    table.loc[5, ["alpha", "low", "high", "r2", "first", "last"]] = np.nan
    table.loc[5, "verdict"] = "not fitted: only 3 eigenvalues are above noise"
    table["top1"] = table["model"].map({f"torchvision:net{i}": v for i, v in enumerate([70.25, 56.5, np.nan, 56.5])})
    del spectra[table["key"].iloc[-1]]
    return table, spectra


@pytest.fixture(scope="module")
def pages(zoo, tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser")
    table, spectra = zoo
    zoo_page(table, spectra, folder / "zoo.html", title="A zoo")
    evil = table[table["window"] == "auto"].iloc[: len(NAMES)].reset_index(drop=True)
    evil = evil.assign(model=NAMES, layer=NAMES, images=NAMES, weights=NAMES, verdict=NAMES, verdict_detail=NAMES)
    evil = evil.assign(source=NAMES, preprocessing=NAMES, window=NAMES, **{EVIL: 1.0, FORMULA: 2.0})
    marked = {key: spectrum.assign_attrs({EVIL: EVIL, "source": EVIL}) for key, spectrum in spectra.items()}
    failures = pd.DataFrame({"model": NAMES, "images": NAMES, "layer": NAMES, "reason": NAMES})
    zoo_page(evil, marked, folder / "evil.html", title=EVIL, failures=failures, notes=NAMES)
    return folder, evil


@pytest.fixture
def open_page(open_offline, pages):
    def go(name="zoo.html", **how):
        page = open_offline(pages[0] / name, **how)
        page.wait_for_selector("html[data-ready=yes]")
        return page

    return go


def column(page, heading):
    """The texts of a column in the rows that are shown, as they are ordered."""
    return page.evaluate(
        """heading => {
          const cells = [...document.querySelectorAll('#zoo thead th')];
          const at = cells.findIndex(cell => cell.textContent === heading);
          return [...document.querySelectorAll('#zoo tbody tr')].filter(row => row.offsetParent !== null)
            .map(row => row.cells[at].textContent);
        }""",
        heading,
    )


def heading(page, name):
    return page.locator("#zoo thead th").filter(has=page.get_by_role("button", name=name, exact=True))


def until(page, expression, arg=None):
    """Wait for a true expression; the page's own policy forbids Playwright's way, which evaluates text in the page."""
    waited = 0
    while not page.evaluate(expression, arg):
        waited += 50
        assert waited < PATIENCE, expression
        page.wait_for_timeout(50)


def shown_key(page, key):
    until(page, "key => document.getElementById('spectrum').dataset.key === key", arg=key)


def traces(page, figure):
    return page.evaluate("id => document.getElementById(id).data.map(t => ({x: t.x, y: t.y, name: t.name}))", figure)


def test_loads_complete(open_page, zoo):
    page = open_page()
    table = zoo[0]
    assert page.title() == "A zoo"
    assert page.locator("#count").inner_text() == f"{len(table)} of {len(table)} rows"
    assert column(page, "alpha") == ["" if np.isnan(a) else f"{a:.3f}" for a in table["alpha"]]
    assert column(page, "verdict") == table["verdict"].tolist()
    for figure in ("spectrum", "depth", "scatter"):
        assert page.locator(f"#{figure} svg.main-svg").count() >= 1, figure


def test_sorts_both_ways_with_unknown_last(open_page, zoo):
    page = open_page()
    known, cell = sorted(zoo[0]["alpha"].dropna()), heading(page, "alpha")
    assert cell.get_attribute("aria-sort") == "none"
    cell.get_by_role("button").click()
    assert cell.get_attribute("aria-sort") == "ascending"
    assert column(page, "alpha") == [f"{a:.3f}" for a in known] + [""]
    cell.get_by_role("button").click()
    assert cell.get_attribute("aria-sort") == "descending"
    assert column(page, "alpha") == [f"{a:.3f}" for a in known[::-1]] + [""]
    text = heading(page, "model").get_by_role("button")
    text.focus()
    page.keyboard.press("Enter")
    assert column(page, "model") == sorted(zoo[0]["model"])
    assert cell.get_attribute("aria-sort") == "none"


def test_filters_and_counts(open_page, zoo):
    page, table = open_page(), zoo[0]

    def expect(rows):
        until(
            page,
            "text => document.getElementById('count').textContent === text",
            arg=f"{len(rows)} of {len(table)} rows",
        )
        assert column(page, "model") == rows["model"].tolist()
        assert column(page, "layer") == rows["layer"].tolist()

    page.locator("#filter").fill("NET1 layer2")
    expect(table[(table["model"] == "torchvision:net1") & (table["layer"] == "layer2")])
    page.locator("#filter").fill("nothing like this")
    expect(table.iloc[:0])
    assert "no row shown" in page.locator("#scatter").inner_text()
    page.locator("#filter").fill("")
    expect(table)
    assert page.locator("#mixed").is_visible()
    page.locator("#by-images").select_option("cifar10")
    expect(table[table["images"] == "cifar10"])
    page.locator("#by-window").select_option("2-20")
    page.locator("#by-role").select_option("last")
    rows = table[(table["images"] == "cifar10") & (table["window"] == "2-20") & (table["layer"] == "layer2")]
    expect(rows)
    assert not page.locator("#mixed").is_visible()
    assert not page.locator("#by-estimator").is_visible()  # there is only one
    assert page.locator("#spearman").get_attribute("data-n") == str(rows["top1"].notna().sum())


def check_spectrum(page, row, spectrum):
    shown_key(page, row["key"])
    drawn = {trace["name"]: trace for trace in traces(page, "spectrum")}
    total = float(spectrum.eigenvalue.sum())
    np.testing.assert_allclose(drawn["spectrum"]["x"], spectrum["rank"])
    np.testing.assert_allclose(drawn["spectrum"]["y"], spectrum.eigenvalue / total, rtol=1e-6)
    (x0, x1), (y0, y1) = drawn["fit"]["x"], drawn["fit"]["y"]
    assert (x0, x1) == (row["first"], row["last"])
    assert -np.log(y1 / y0) / np.log(x1 / x0) == pytest.approx(row["alpha"])
    said = page.locator("#spectrum-of").inner_text()
    assert f"{row['model']} · {row['layer']} · {row['images']}" in said
    assert f"alpha {row['alpha']:.3f} [{row['low']:.3f} to {row['high']:.3f}]" in said


def test_hover_focus_and_click_show_the_rows_spectrum(open_page, zoo):
    page = open_page()
    table, spectra = zoo
    rows = page.locator("#zoo tbody tr")
    for at in (3, 8):
        rows.nth(at).hover()
        check_spectrum(page, table.iloc[at], spectra[table["key"].iloc[at]])
    rows.nth(8).focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    check_spectrum(page, table.iloc[10], spectra[table["key"].iloc[10]])
    page.keyboard.press("Home")
    check_spectrum(page, table.iloc[0], spectra[table["key"].iloc[0]])
    assert page.locator("#zoo tbody tr[tabindex='0']").count() == 1
    rows.nth(2).click()
    rows.nth(6).hover()
    shown_key(page, table["key"].iloc[6])
    assert [t["name"] for t in traces(page, "spectrum")].count("spectrum") == 2
    assert page.locator("#spectrum-of p.kept").inner_text().startswith(table["model"].iloc[2])
    rows.nth(len(table) - 1).hover()
    until(page, "document.querySelector('#spectrum-of p').textContent.includes('net3')")


def test_the_row_is_marked_in_the_other_figures(open_page, zoo):
    page, table = open_page(), zoo[0]
    page.locator("#zoo tbody tr").nth(2).hover()
    one = table.iloc[2]
    line = table[(table[["model", "images", "window"]] == one[["model", "images", "window"]]).all(axis=1)]
    until(
        page,
        "a => { const t = document.getElementById('scatter').data.at(-1); return t.y.length === 1 && t.y[0] === a; }",
        arg=one["alpha"],
    )
    marked = traces(page, "depth")[-1]
    np.testing.assert_array_equal(marked["x"], line["depth"])
    np.testing.assert_array_equal([np.nan if y is None else y for y in marked["y"]], line["alpha"])


def test_scatter_and_rank_correlation(open_page, zoo):
    page, table = open_page(), zoo[0]
    assert page.locator("#against").input_value() == "top1"
    for name, label in (("top1", "top1"), ("participation_ratio", "participation ratio"), ("parameters", "parameters")):
        page.locator("#against").select_option(name)
        until(page, "t => document.getElementById('scatter').layout.xaxis.title.text === t", arg=label)
        both = table[table[name].notna() & table["alpha"].notna()]
        said = page.locator("#spearman")
        assert float(said.get_attribute("data-rho")) == pytest.approx(stats.spearmanr(both[name], both["alpha"])[0])
        assert f"n = {len(both)} rows of {both['model'].nunique()} models" in said.inner_text()
        x = np.concatenate([trace["x"] for trace in traces(page, "scatter")[:-2]])
        np.testing.assert_array_equal(np.sort(x), np.sort(both[name]))
    page.locator("#by-images").select_option("imagenette")
    both = both[both["images"] == "imagenette"]
    assert float(page.locator("#spearman").get_attribute("data-rho")) == pytest.approx(
        stats.spearmanr(both[name], both["alpha"])[0]
    )
    assert not page.locator("#log").is_checked()
    page.locator("#log").check()
    until(page, "document.getElementById('scatter').layout.xaxis.type === 'log'")


def test_how_it_was_made(open_page, zoo):
    page = open_page()
    table, spectra = zoo
    page.locator("#zoo tbody tr").nth(4).get_by_role("link").click()
    page.wait_for_selector("#made-of:not(:empty)")
    assert page.locator("#made-of").inner_text().startswith(table["model"].iloc[4])
    told = dict(
        zip(page.locator("#made dt").all_inner_texts(), page.locator("#made dd").all_inner_texts(), strict=True)
    )
    assert told["key"] == table["key"].iloc[4]
    assert told["center"] == spectra[table["key"].iloc[4]].attrs["center"]
    assert told["n draws"] == "8"
    assert told["seed"] == "0"
    assert told["source of the weights"] == table["source"].iloc[4]
    assert told["preprocessing"].splitlines() == ["rgb", "centre_crop: size [64,64]"]
    again = open_page()
    again.goto(page.url)  # the address of a row can be passed on
    again.wait_for_selector("#made-of:not(:empty)")
    assert again.locator("#made-of").inner_text() == page.locator("#made-of").inner_text()


def downloaded(page):
    with page.expect_download() as waiting:
        page.locator("#download").click()
    with open(waiting.value.path(), "rb") as file:
        return file.read()


def test_download_parses_back(open_page, zoo):
    page, table = open_page(), zoo[0]
    heading(page, "alpha").get_by_role("button").click()
    page.locator("#by-images").select_option("cifar10")
    expected = table[table["images"] == "cifar10"].sort_values("alpha", kind="stable").reset_index(drop=True)
    raw = downloaded(page)
    assert raw.count(b"\r\n") == len(expected) + 1
    back = pd.read_csv(io.BytesIO(raw), dtype={"key": str})
    pd.testing.assert_frame_equal(back, expected, check_dtype=False, rtol=1e-12)
    assert repr(float(expected["alpha"].iloc[0])).encode() in raw  # every digit


@pytest.mark.parametrize("width", [390, 320])
def test_phone(open_page, zoo, width):
    page = open_page(width=width, height=844, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    box = page.locator("#box")
    assert box.evaluate("box => box.scrollWidth > box.clientWidth")
    page.locator("#zoo tbody tr").nth(2).tap()
    shown_key(page, zoo[0]["key"].iloc[2])
    for figure in ("spectrum", "depth", "scatter"):
        bounds = page.locator(f"#{figure} svg.main-svg").first.bounding_box()
        assert 0.8 * width < bounds["width"] <= width
    page.locator("#zoo tbody tr").nth(2).get_by_role("link").tap()
    page.wait_for_selector("#made-of:not(:empty)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_names_are_shown_and_never_run(open_page, pages):
    page, evil = open_page("evil.html"), pages[1]
    assert page.locator("h1").inner_text() == EVIL
    assert page.title() == EVIL
    assert column(page, "model") == NAMES
    assert column(page, "layer") == NAMES
    assert page.locator(".failures td.long").all_text_contents() == NAMES
    rows = page.locator("#zoo tbody tr")
    for at, name in enumerate(NAMES):
        rows.nth(at).hover()
        shown_key(page, evil["key"].iloc[at])
        assert name in page.locator("#spectrum-of").inner_text()
        rows.nth(at).get_by_role("link").click()
        until(page, "n => document.getElementById('made-of').textContent.startsWith(n)", arg=name)
        assert name in page.locator("#made-list").inner_text()
        assert EVIL in page.locator("#made-list").inner_text()
    page.locator("#against").select_option(EVIL)
    until(page, "document.querySelector('#scatter .xtitle').textContent.includes('<img')")
    # Plotly's own labels: legend and what is shown on hover.
    legend = (
        page.locator("#depth .legendtext").all_text_contents()
        + page.locator("#scatter .legendtext").all_text_contents()
    )
    assert EVIL in legend
    assert NAMES[3] in legend
    page.locator("#scatter .points path").first.hover(force=True)
    page.wait_for_selector("#scatter .hovertext")
    assert page.locator("#scatter .hovertext").text_content().startswith(tuple(NAMES))
    page.locator("#filter").fill(EVIL)
    until(page, "document.getElementById('count').textContent.startsWith('1 of')")
    page.locator("#filter").fill("")
    until(page, "document.getElementById('count').textContent.startsWith('6 of')")
    for outside in ("img", "iframe", "script[src]", "b"):
        assert page.locator(outside).count() == 0
    back = pd.read_csv(io.BytesIO(downloaded(page)), keep_default_na=False)
    guarded = [f"'{name}" if name.startswith("=") else name for name in NAMES]
    assert back["model"].tolist() == guarded
    assert f"'{FORMULA}" in back.columns
    assert EVIL in back.columns


def test_an_injected_script_would_not_run(browser, pages):
    page, asked = browser.new_page(offline=True), []
    page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    page.goto((pages[0] / "zoo.html").as_uri())
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=alert(1)>')")
    page.wait_for_timeout(300)
    page.close()
    assert asked == []


def test_hundreds_of_rows(open_page, pages, make_zoo):
    table, spectra = make_zoo(n_models=40, n_layers=5, n_draws=0)
    zoo_page(table, spectra, pages[0] / "many.html")
    page = open_page("many.html")
    assert page.locator("#count").inner_text() == "200 of 200 rows"
    page.locator("#zoo tbody tr").nth(150).hover()
    shown_key(page, table["key"].iloc[150])
    assert len(traces(page, "depth")) == 3  # all lines of an image set in one trace, and the two marked ones


def test_further_columns_can_be_shown_and_hidden(open_page, pages, zoo):
    table, spectra = zoo
    wide = table.assign(**{f"results-{i} top1": 1.0 + i for i in range(3)}, **{f"other {i}": 2.0 for i in range(12)})
    zoo_page(wide, spectra, pages[0] / "wide.html")
    page = open_page("wide.html")
    assert heading(page, "results-2 top1").is_visible()
    assert not heading(page, "other 3").is_visible()
    page.locator("details.columns summary").click()
    page.get_by_label("other 3", exact=True).check()
    assert heading(page, "other 3").is_visible()
    assert column(page, "other 3") == ["2"] * len(table)
    page.get_by_label("verdict", exact=True).uncheck()
    assert not heading(page, "verdict").is_visible()
