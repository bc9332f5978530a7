"""The table of claims says what a simulation holds, agreement and disagreement alike."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import neuroalpha as na
from neuroalpha.theory.supervision_findings import supervision_findings

SIZES = (10, 20, 90)


def simulation(hard, soft, dimension=None):
    """Made-up results: rho of hard and of soft labels (n, k), the same in both d."""
    shape = (2, 2, 3, 3, 1)
    rho = np.broadcast_to(np.stack([hard, soft])[:, None, :, :, None], shape)
    n, k = np.meshgrid(SIZES, SIZES, indexing="ij")
    ratio = n * k / ((n + k) * (n + k - 1))
    ratios = np.broadcast_to(np.stack([ratio / 20, ratio])[:, None, :, :, None], shape)
    dims = ("signal", "d", "n", "k", "repeat")
    values = {
        "rho": rho,
        "information_ratio": ratios,
        "effective_dimension": 40 * ratios if dimension is None else np.broadcast_to(dimension, shape),
        "wrong_first": np.full(shape, 0.2),
        "wrong": np.full(shape, 0.1),
    }
    coords = {"signal": ["hard", "soft"], "d": [5, 25], "n": list(SIZES), "k": list(SIZES)}
    return xr.Dataset({name: (dims, each) for name, each in values.items()}, coords=coords)


FALLING = np.array([[0.4, 0.2, 0.0]] * 3)


def verdicts(found):
    return dict(zip(found["claim"], found["agrees"], strict=True))


def test_what_holds_is_said_to_hold():
    table = supervision_findings(simulation(FALLING, np.full((3, 3), 0.8)))
    said = verdicts(table)
    for claim in ("soft labels recover more than hard ones in every cell", "rho of soft labels", "rho of hard labels",
                  "hard labels recover less the more classes there are",
                  "information ratio of soft labels at n = k"):  # fmt: skip
        assert said[claim] == "yes", claim
    assert "in 18 of 18 cells" in table.loc[0, "here"]
    assert "0.2632 at 10" in table[table["claim"] == "information ratio of soft labels at n = k"]["here"].item()


def test_what_does_not_hold_is_said_too():
    said = verdicts(supervision_findings(simulation(FALLING[:, ::-1] + 0.5, np.full((3, 3), 0.45), 3.0)))
    assert said["soft labels recover more than hard ones in every cell"] == "no"
    assert said["rho of soft labels"] == said["rho of hard labels"] == "no"
    assert said["hard labels recover less the more classes there are"] == "no"
    assert said["correlation of information ratio and effective dimension"] == "no"
    mixed = FALLING.copy()
    mixed[0, 0] = 0.9
    assert verdicts(supervision_findings(simulation(mixed, np.full((3, 3), 0.8))))["rho of hard labels"] == "partly"


def test_curves_add_two_rows():
    rho = np.array([[0.5, 0.9, 0.99], [0.3, 0.6, 0.8], [0.35, 0.5, 0.8]])[:, :, None]
    curves = xr.Dataset(
        {"rho": (("signal", "sparsity", "repeat"), rho)},
        coords={"signal": ["pca", "sparse", "top-class"], "sparsity": [1, 4, 8]},
        attrs={"n": 9, "k": 8, "d": 9},
    )
    table = supervision_findings(simulation(FALLING, np.full((3, 3), 0.8)), curves)
    assert table["agrees"].tolist()[-2:] == ["yes", "partly"]
    assert "at 1 of 2 k^ (1, 4;" in table["here"].iloc[-1]  # with all 8 kept both are the soft label


@pytest.mark.parametrize("wrong", [simulation(FALLING, FALLING).sel(signal=["soft"]), xr.Dataset(), None])
def test_bad_input(wrong):
    with pytest.raises(na.InputError, match="lacks 'hard' or 'soft'"):
        supervision_findings(wrong)
