"""Tables, Datasets and figures of a theory's check, as files that read back."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib import pyplot

import neuroalpha as na
from neuroalpha.report.theory_files import write_theory


def test_what_is_written_reads_back(tmp_path):
    table = pd.DataFrame({"setting": ["euclidean", "cosine"], "max_error": [np.pi / 100, 1e-17]})
    dataset = xr.Dataset({"predicted": ("mode", [0.1, 0.2])}, attrs={"source": "a test"})
    figure, _ = pyplot.subplots()
    written = write_theory(
        tmp_path / "new" / "out", tables={"errors": table}, datasets={"flows": dataset}, figures={"traces": figure}
    )
    assert [path.name for path in written] == ["errors.csv", "flows.nc", "traces.png"]
    back = pd.read_csv(written[0], float_precision="round_trip")
    pd.testing.assert_frame_equal(back, table, check_exact=True)
    assert na.load(written[1]).identical(dataset)
    assert written[2].read_bytes().startswith(b"\x89PNG")
    assert not pyplot.get_fignums()


def test_a_file_in_the_way(tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(na.InputError, match="is a file, but a folder is needed"):
        write_theory(tmp_path / "out", tables={"errors": pd.DataFrame({"a": [1]})})
    assert (tmp_path / "out").read_text() == "mine"
