"""From a folder to its table and page."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import neuroalpha as na
from neuroalpha.runs.results import check_join, run_table, write_report


def test_table_and_files(place):
    place.run(place.plan(place.small(4), place.odd("raise")))
    folder = place.folder / "run"
    spectra = {}
    table = run_table(folder, spectra)
    results = na.read_results(folder)
    assert list(spectra) == list(results) == list(dict.fromkeys(table["key"]))
    assert all("eigenvalue_draw" in found and "eigenvalue_draw" not in spectra[key] for key, found in results.items())
    assert "eigenvalue_low" in spectra[table["key"][0]]
    written = write_report(folder)
    assert {path.name for path in written} >= {"table.csv", "report.html", "spectra.svg"}
    saved = pd.read_csv(folder / "table.csv")
    assert saved["key"].tolist() == table["key"].tolist()
    page = (folder / "report.html").read_text()
    assert "no such thing" in page  # the failure is on it
    assert "<title>Small" in page
    before = (folder / "table.csv").read_bytes(), page
    write_report(folder)
    assert ((folder / "table.csv").read_bytes(), (folder / "report.html").read_text()) == before


def test_elsewhere_and_joined(place):
    place.run(place.plan('name = "cifar:resnet20"', layers='[[layers]]\nselect = "avgpool"\n'))
    join = place.folder / "acc.csv"
    join.write_text('model,weights,top1\ncifar:resnet20,"random, seed 0",10.5\n')
    written = write_report(place.folder / "run", out=place.folder / "page.html", join=[join], title="A <b> title")
    assert place.folder / "page.html" in written
    assert "against-top1.svg" in {path.name for path in written}
    assert pd.read_csv(place.folder / "run" / "table.csv")["top1"].tolist() == [10.5, 10.5]
    assert "A &lt;b&gt; title" in (place.folder / "page.html").read_text()


def test_refused(place, tmp_path):
    with pytest.raises(na.InputError, match="is not the folder of a run"):
        na.read_results(tmp_path)
    place.run(place.plan(place.odd("raise")))
    with pytest.raises(na.InputError, match="has no results yet; `neuroalpha zoo status"):
        write_report(place.folder / "run")
    assert na.read_results(place.folder / "run") == {}
    with pytest.raises(na.InputError, match="there is no table"):
        check_join([tmp_path / "none.csv"])


def sweep_table(n):
    alpha = np.linspace(0.5, 2.5, n)
    return pd.DataFrame(
        {
            "model": [f"m{number}" for number in range(n)],
            "layer": "backbone",
            "window": "auto",
            "images": "test",
            "setting: lr": alpha,
            "alpha": alpha,
            "accuracy": 0.9 - 0.1 * np.abs(alpha - 1),
        }
    )


def test_the_page_of_a_sweep_has_rules_of_selection(monkeypatch):
    from neuroalpha.runs import results

    monkeypatch.setattr(results, "SWEEP_ORDERS", 20)
    found = results.sweep_rules(sweep_table(30))
    assert {"interval", "improvement", "random"} <= set(found.table["rule"])
    best = found.table[(found.table["rule"] == "improvement") & (found.table["budget"] == 10)]
    assert best["regret"].iloc[0] < 1  # in points of accuracy, not shares
    assert results.sweep_rules(sweep_table(9)) is None
    assert results.sweep_rules(sweep_table(30).drop(columns="setting: lr")) is None
    assert results.sweep_rules(sweep_table(30).drop(columns="accuracy")) is None


def test_a_sweep_that_collapsed_has_a_page_all_the_same(capsys):
    from neuroalpha.runs.results import sweep_rules

    assert sweep_rules(sweep_table(20).assign(alpha=np.nan, rankme=np.nan)) is None
    assert "no rules of selection" in capsys.readouterr().err
