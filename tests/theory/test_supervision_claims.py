"""The table of claims says what a simulation holds, agreement and disagreement alike."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import neuroalpha as na
from neuroalpha.theory.supervision_claims import supervision_findings

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
    assert (
        "k^ = 1, 4; n = 9, k = 8, d = 9. over all items at 1 of 2 k^" in table["here"].iloc[-1]
    )  # with all 8 kept both are the soft label


def test_the_items_that_are_scored_decide():
    one, other = np.array([[0.3, 0.6], [0.2, 0.5]]), np.array([[0.3, 0.6], [0.4, 0.7]])

    def said(**values):
        dims = ("signal", "sparsity", "repeat")
        curves = xr.Dataset(
            {name: (dims, each[:, :, None]) for name, each in values.items()},
            coords={"signal": ["sparse", "top-class"], "sparsity": [1, 4]},
            attrs={"n": 9, "k": 8, "d": 9},
        )
        return supervision_findings(simulation(FALLING, np.full((3, 3), 0.8)), curves).iloc[-1]

    assert said(rho=one, rho_points=one, rho_asked=one)["agrees"] == "yes"
    assert said(rho=other, rho_points=other, rho_asked=other)["agrees"] == "no"
    mixed = said(rho=one, rho_points=one, rho_asked=other)
    assert mixed["agrees"] == "partly"
    assert "over all items at 2 of 2 k^: sparse 0.30, 0.60; top-class 0.20, 0.50" in mixed["here"]
    assert "over the points and the classes that have labels at 0 of 2 k^" in mixed["here"]


def test_an_example_that_one_of_several_dimensions_meets_is_met_in_part():
    claim = "rho and effective dimension of soft labels, n = 90, k = 90"
    soft = np.full((3, 3), 0.8)
    dimension = np.zeros((2, 2, 3, 3, 1))
    dimension[:, 0, 2, 2], dimension[:, 1, 2, 2] = 9, 24  # the paper: about 23

    def said(given):
        table = supervision_findings(given)
        return table[table["claim"] == claim].iloc[0]

    found = said(simulation(FALLING, soft, dimension))
    assert found["agrees"] == "partly"
    assert "near in both at 1 of 2 d (25)" in found["here"]
    alone = said(simulation(FALLING, soft, dimension).sel(d=[25]))
    assert alone["agrees"] == "yes"
    none = said(simulation(FALLING, soft, 9.0))
    assert none["agrees"] == "no"
    assert "near in both at none of 2 d, in rho alone at 2 of 2 d (5, 25)" in none["here"]


@pytest.mark.parametrize("wrong", [simulation(FALLING, FALLING).sel(signal=["soft"]), xr.Dataset(), None])
def test_bad_input(wrong):
    with pytest.raises(na.InputError, match="lacks 'hard' or 'soft'"):
        supervision_findings(wrong)
