"""The zoo's page as a file: complete, small enough, and safe against names that are code."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import neuroalpha as na
from neuroalpha.report.zoo_page import chosen, complete, line_height, spectrum_shares, to_json, zoo_page

EVIL = "</script><img src=x onerror=alert(1)><!-- & \u2028"


def data_of(path):
    text = path.read_text(encoding="utf-8")
    (data,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, flags=re.DOTALL)
    return json.loads(data)


def unpacked(text):
    return np.frombuffer(base64.b64decode(text), dtype="<f4")


@pytest.fixture(scope="module")
def zoo(make_zoo):
    return make_zoo(n_models=2, n_layers=2)


@pytest.fixture(scope="module")
def page(zoo, tmp_path_factory):
    table, spectra = zoo
    table = table.assign(top1=[70.5, 70.5, np.nan, np.nan])
    return zoo_page(table, spectra, tmp_path_factory.mktemp("zoo") / "zoo.html", title="Two networks", notes="A note.")


def test_opens_offline(page):
    text = page.read_text(encoding="utf-8")
    outside = text[: text.index("<script>")] + text[text.rindex("<script>") :]
    assert not re.findall(r"<(?:script|link|img|iframe)[^>]+(?:src|href)\s*=", text)
    assert not re.findall(r"https?://", outside)
    assert "default-src 'none'" in text


def test_only_the_two_scripts_may_run(page):
    text = page.read_text(encoding="utf-8")
    allowed = set(re.findall(r"'sha256-([^']+)'", text[: text.index("<style>")]))
    scripts = re.findall(r"<script>(.*?)</script>", text, flags=re.DOTALL)
    assert len(scripts) == 2
    assert {base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts} == allowed


def test_holds_every_number_and_name(page, zoo):
    table, _ = zoo
    data = data_of(page)["table"]
    columns = data["columns"]
    assert data["n"] == len(table)
    for name in ("alpha", "low", "depth", "participation_ratio", "parameters"):
        np.testing.assert_array_equal(columns[name]["numbers"], table[name])
    assert columns["top1"]["numbers"] == [70.5, 70.5, None, None]
    for name in ("model", "key", "verdict", "preprocessing"):
        assert [columns[name]["values"][i] for i in columns[name]["at"]] == table[name].tolist()
    assert data["given"] == [*table.columns, "top1"]
    assert "A note." in page.read_text(encoding="utf-8")


def test_holds_the_spectra(page, zoo):
    spectra = zoo[1]
    found = data_of(page)["spectra"]
    assert set(found) == set(spectra)
    for key, spectrum in spectra.items():
        total = float(spectrum.eigenvalue.sum())
        np.testing.assert_allclose(unpacked(found[key]["rank"]), np.arange(1, 81))
        np.testing.assert_allclose(unpacked(found[key]["share"]), spectrum.eigenvalue / total, rtol=1e-6)
        np.testing.assert_allclose(unpacked(found[key]["low"]), spectrum.eigenvalue_low / total, rtol=1e-6)
        np.testing.assert_allclose(unpacked(found[key]["high"]), spectrum.eigenvalue_high / total, rtol=1e-6)
        assert found[key]["attrs"]["center"] == spectrum.attrs["center"]


def test_the_line_drawn_is_the_line_fitted(zoo):
    table, spectra = zoo
    for row in table.itertuples():
        spectrum = spectra[row.key]
        fit = na.fit_alpha(spectrum, (row.first, row.last))
        total = float(spectrum.eigenvalue.sum())
        assert line_height(spectrum, row) == pytest.approx(fit.intercept - np.log(total), abs=1e-9)
        taken = row._replace(seed=0)
        assert np.isnan(line_height(None, taken))
    given = complete(table.assign(intercept=2.0))
    assert line_height(spectra[table.key[0]], next(given.itertuples())) == pytest.approx(
        2 - np.log(float(spectra[table.key[0]].eigenvalue.sum()))
    )


@given(st.integers(1, 300_000))
def test_chosen_ranks(n):
    at = chosen(n)
    assert at.size == min(n, 160)
    assert at[0] == 0
    assert at[-1] == n - 1
    assert (np.diff(at) > 0).all()
    assert (at[:50] == np.arange(min(n, 50))).all()
    if n > 1000:  # beyond the ranks that must stand one apart, steps grow like the ranks
        assert np.diff(np.log(at[-30:])).max() < 0.12


def test_a_spectrum_without_positive_sum_keeps_its_unit(zoo):
    spectrum = next(iter(zoo[1].values())).copy()
    spectrum["eigenvalue"] = -spectrum["eigenvalue"]
    _, share, low, _ = spectrum_shares(spectrum)
    np.testing.assert_array_equal(share, spectrum["eigenvalue"])
    np.testing.assert_array_equal(low, spectrum["eigenvalue_low"])


def test_names_cannot_become_code(zoo, tmp_path):
    table, spectra = zoo
    evil = table.assign(model=EVIL, layer=EVIL, images=EVIL, verdict_detail=EVIL, **{EVIL: 1.0})
    marked = {key: spectrum.assign_attrs({"source": EVIL, EVIL: EVIL}) for key, spectrum in spectra.items()}
    failures = pd.DataFrame({"model": [EVIL], "images": [EVIL], "layer": [None], "reason": [EVIL]})
    path = zoo_page(evil, marked, tmp_path / "evil.html", title=EVIL, failures=failures, notes=[EVIL, EVIL])
    text = path.read_text(encoding="utf-8")
    assert "<img src=x" not in text
    assert text.count("</script>") == 3
    assert html.escape("</script><img src=x onerror=alert(1)>") in text
    assert data_of(path)["table"]["columns"]["model"]["values"] == [EVIL]


def test_tasks_stand_on_the_page_only_where_given(zoo, page, tmp_path):
    table, spectra = zoo
    plain = page.read_text(encoding="utf-8")
    assert not re.search('id="(tasks|noise|statistics|sentences)"', plain)
    assert data_of(page)["tasks"] == {"targets": [], "noise": [], "statistics": None}
    noise = pd.DataFrame({"key": table["key"], "noise": EVIL, "level": 0.2, "accuracy": 0.5})
    statistics = pd.DataFrame({"target": [EVIL], "statistic": EVIL, "value": 0.5, EVIL: EVIL})
    path = zoo_page(
        table.assign(accuracy=0.5, **{f"accuracy: {EVIL}": 0.4}), spectra, tmp_path / "tasks.html",
        noise=noise, statistics=statistics, sentences={EVIL: [EVIL, EVIL]},
    )  # fmt: skip
    text = path.read_text(encoding="utf-8")
    assert re.findall('id="(tasks|noise|statistics|sentences)"', text) == ["tasks", "noise", "statistics", "sentences"]
    assert "<img src=x" not in text
    assert text.count("</script>") == 3
    assert text.count(html.escape("</script><img src=x onerror=alert(1)>")) == 4  # a heading, its target, two sentences
    tasks = data_of(path)["tasks"]
    assert [one["name"] for one in tasks["targets"]] == ["accuracy", f"accuracy: {EVIL}"]
    assert {one["noise"] for one in tasks["noise"]} == {EVIL}
    assert tasks["statistics"]["columns"][EVIL]["values"] == [EVIL]
    only = zoo_page(table, spectra, tmp_path / "said.html", sentences="Nothing.").read_text(encoding="utf-8")
    assert "<p>Nothing.</p>" in only
    assert 'id="statistics-table"' not in only


@given(st.text())
def test_json_cannot_end_a_script(text):
    written = to_json({"a": text})
    assert json.loads(written) == {"a": text}
    assert not set("<>&\u2028\u2029") & set(written)


def test_what_is_missing_is_empty(zoo, tmp_path):
    spectra = zoo[1]
    table = pd.DataFrame(
        {"key": ["k"], "model": ["m"], "images": ["i"], "layer": [3], "alpha": [np.inf], "flag": [True], "n": [None]}
    )
    columns = data_of(zoo_page(table, spectra, tmp_path / "bare.html"))["table"]["columns"]
    assert columns["alpha"]["numbers"] == [None]
    assert columns["layer"]["values"] == ["3"]
    assert columns["flag"]["values"] == ["True"]
    assert columns["n"]["values"] == [""]
    assert columns["weights"]["values"] == [""]
    assert columns["depth"]["numbers"] == [None]


def test_two_thousand_rows_stay_small(zoo, tmp_path):
    table, spectra = zoo
    n = 2000
    eigenvalue = np.arange(1, 5001) ** -1.0
    spectrum = na.eigenspectrum(
        na.make_assembly(np.random.default_rng(0).normal(size=(8, 5)), stimulus_id=np.arange(8))
    )
    spectrum = spectrum.isel(component=np.zeros(5000, dtype=int))
    spectrum = spectrum.assign(eigenvalue=("component", eigenvalue)).assign_coords(
        rank=("component", np.arange(1, 5001))
    )
    for name in ("eigenvalue_low", "eigenvalue_high"):
        spectrum[name] = ("component", eigenvalue * 1.1)
    spectrum = spectrum.drop_vars("eigenvalue_draw").assign_attrs(next(iter(spectra.values())).attrs)
    rows = pd.concat([table.iloc[:1]] * n, ignore_index=True)
    rows["key"] = [f"{i:064x}" for i in range(n)]
    rows["alpha"] = np.random.default_rng(0).normal(1, 0.1, size=n)
    path = zoo_page(rows, dict.fromkeys(rows["key"], spectrum), tmp_path / "many.html")
    assert path.stat().st_size < 15e6


@pytest.mark.parametrize("name", ["key", "model", "images", "layer", "alpha"])
def test_missing_column(zoo, tmp_path, name):
    table, spectra = zoo
    with pytest.raises(na.InputError, match=f"no column '{name}'"):
        zoo_page(table.drop(columns=name), spectra, tmp_path / "z.html")


def test_bad_input(zoo, tmp_path):
    table, spectra = zoo
    with pytest.raises(na.InputError, match="did you mean 'alfa'"):
        zoo_page(table.rename(columns={"alpha": "alfa"}), spectra, tmp_path / "z.html")
    with pytest.raises(na.InputError, match="no row"):
        zoo_page(table.iloc[:0], spectra, tmp_path / "z.html")
    with pytest.raises(na.InputError, match="expected a spectrum"):
        zoo_page(table, dict.fromkeys(table["key"], 3), tmp_path / "z.html")
    with pytest.raises(na.InputError, match="failures have no column 'reason'"):
        zoo_page(table, spectra, tmp_path / "z.html", failures=pd.DataFrame({"model": [], "images": [], "layer": []}))
    with pytest.raises(na.InputError, match="noise curves have no column 'key'"):
        zoo_page(table, spectra, tmp_path / "z.html", noise=pd.DataFrame({"level": [0.1]}))
    with pytest.raises(na.InputError, match="statistics have no column 'target'"):
        zoo_page(table, spectra, tmp_path / "z.html", statistics=pd.DataFrame({"value": [0.1]}))
    with pytest.raises(na.InputError, match="does not exist"):
        zoo_page(table, spectra, tmp_path / "none" / "z.html")
    assert list(tmp_path.iterdir()) == []
