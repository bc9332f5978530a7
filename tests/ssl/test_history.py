"""The table of epochs: complete, exact on disk, short on the screen."""

from __future__ import annotations

import numpy as np
import pandas as pd

from neuroalpha.ssl.history import COLUMNS, History, read_history, summary
from neuroalpha.ssl.measure import NOTHING


def filled(reports):
    history = History()
    for epoch, report in enumerate(reports, 1):
        row = {"epoch": epoch, "step": 7 * epoch, "loss": 0.1 / epoch, "lr": 1 / 3, **NOTHING, "seconds": np.pi * epoch}
        if epoch > 1:
            row |= {
                "alpha: backbone": 1 / epoch,
                "readout_accuracy": 0.5,
                "collapsed": "projector: one dimension, or so",
            }
        history.add(row, report)
    return history


def test_columns_and_what_the_objective_reports():
    history = filled([{"spread": 0.5}, {"spread": 0.25, "penalty": 2.0}])
    table = history.table()
    assert list(table.columns) == [*COLUMNS, "objective: spread", "objective: penalty"]
    assert table["objective: spread"].tolist() == [0.5, 0.25]
    assert np.isnan(table["objective: penalty"][0])
    assert table.epoch.tolist() == [1, 2]
    assert table.collapsed.tolist() == ["", "projector: one dimension, or so"]
    assert history.eigenvalues("spectral") is None


def test_eigenvalues_are_sorted_and_know_their_epoch():
    history = filled([{"eigenvalues": np.array([1.0, 3.0, 2.0])}, {}, {"eigenvalues": np.array([0.0, 1.0, 5.0])}])
    found = history.eigenvalues("isoloss")
    assert found.dims == ("epoch", "component")
    assert found.epoch.values.tolist() == [1, 3]
    assert found["rank"].values.tolist() == [1, 2, 3]
    assert found.values.tolist() == [[3, 2, 1], [5, 1, 0]]
    assert found.attrs["objective"] == "isoloss"


def test_state_and_files_give_the_same_numbers_to_the_bit(tmp_path):
    rng = np.random.default_rng(0)
    history = filled([{"spread": rng.normal(), "eigenvalues": rng.random(5)} for _ in range(4)])
    other = History()
    other.restore(history.state())
    history.write(tmp_path, "isoloss")
    table, eigenvalues = read_history(tmp_path)
    for found in (other.table(), table):
        pd.testing.assert_frame_equal(found, history.table(), check_exact=True)
    for each in (other.eigenvalues("isoloss"), eigenvalues):
        assert each.identical(history.eigenvalues("isoloss"))


def test_nothing_yet():
    assert len(History().table()) == 0


def test_the_summary_leaves_out_what_is_not_known():
    rows = filled([{}, {}]).rows
    assert summary(rows[0]) == {"loss": "0.1"}
    assert summary(rows[1]) == {"loss": "0.05", "alpha": "0.50", "readout": "50.0%", "collapsed": "yes"}
