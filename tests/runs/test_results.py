"""From a folder to its table and page."""

from __future__ import annotations

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
