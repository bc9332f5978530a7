"""A small session in the figshare layout, in both MATLAB formats."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import scipy.io


def _write_mat73():
    spec = importlib.util.spec_from_file_location("mat73", Path(__file__).with_name("mat73.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.write_mat73


@pytest.fixture
def write_mat73():
    return _write_mat73()


@pytest.fixture
def session():
    """Contents of a session: 5 images twice and a blank twice, 6 neurons of which one is red, 40 spontaneous frames."""
    rng = np.random.default_rng(0)
    return {
        "istim": np.array([3, 1, 6, 2, 5, 4, 1, 2, 6, 3, 4, 5]),
        "resp": rng.random((12, 6)) + 1,
        "spont": rng.random((40, 6)) + 1,
        "med": rng.random((6, 3)) * 100,
        "red": [0, 0, 1, 0, 0, 0],
    }


@pytest.fixture(params=["v5", "v7", "v7.3"])
def session_file(request, session, tmp_path):
    path = tmp_path / "natimg2800_M170714_MP032_2017-09-14.mat"
    stim = {"resp": session["resp"], "istim": session["istim"][:, None].astype(float), "spont": session["spont"]}
    if request.param == "v7.3":
        stat = [{"npix": 10.0, "redcell": float(r)} for r in session["red"]]
        return _write_mat73()(path, {"stim": stim, "med": session["med"], "stat": stat})
    stat = np.zeros((1, 6), dtype=[("npix", object), ("redcell", object)])
    for cell, red in enumerate(session["red"]):
        stat[0, cell] = (10.0, float(red))
    scipy.io.savemat(path, {"stim": stim, "med": session["med"], "stat": stat}, do_compression=request.param == "v7")
    return path
