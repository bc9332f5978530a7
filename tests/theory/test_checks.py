"""The checks behind ``neuroalpha theory``: what they gather, and that their sentences tell misses as misses."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import neuroalpha as na
from neuroalpha.theory import checks


def test_counts_are_those_of_plain_loops():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, (7, 5)).astype(float)
    labels[2, 3] = np.nan
    expected = 0
    for row in labels:
        for a, b in itertools.combinations(row, 2):
            expected += bool(a < b or a > b)
    assert checks.enumerate_triplets(labels) == expected


@pytest.mark.parametrize("size", [(3, 2), (5, 8), (13, 4)])
def test_formulas_equal_their_enumeration(size):
    table = checks.count_table([size], seed=1)
    assert table["signal"].tolist() == ["hard", "soft", "sparse", "top-class", "pairwise"]
    assert (table["formula"] == table["enumerated"]).all()
    assert (table["formula"] > 0).sum() >= 3


def test_chosen_settings_alone():
    found = checks.check_eigenspace(["euclidean iso"], (0.02, 0.002), n_modes=3, n_inputs=4)
    assert list(found.datasets) == ["eigenspace"]
    row = found.tables["errors"].iloc[0]
    assert row["system"] == "eigenspace"
    assert row["step_size"] == 0.02
    assert 9 < row["ratio"] < 11.5


def test_settings_of_both_kinds_are_sorted():
    network, related = checks._sorted(["DirectPred", "cosine", "related", "cosine"])
    assert network == ["cosine"]
    assert related[0] == "DirectPred"
    assert "supervised" in related
    assert len(set(related)) == len(related)
    everything = checks._sorted(None)
    assert everything == checks._sorted(["all"])
    with pytest.raises(na.InputError, match="no setting 'cosin'; did you mean 'cosine'"):
        checks._sorted(["cosin"])


def test_narrow_and_wide_networks():
    found = checks.check_grassmann([6, 40], (0.05, 0.005))
    settings = found.tables["errors"]["setting"]
    assert settings.str.contains("tall 6").any()
    assert settings.str.contains("wide 40").any()
    errors = found.tables["errors"]
    assert (errors["projector_error"] > errors["max_error"]).all()
    np.testing.assert_allclose(errors["projector_error"] / errors["projector_error_smaller"], 10, rtol=0.1)
    assert "weights stay orthonormal to" in found.sentences[1]


def test_a_width_below_the_outputs():
    with pytest.raises(na.InputError):
        checks.check_grassmann([2], (0.05, 0.005))


def test_the_whole_of_the_supervision_check(monkeypatch):
    """With a small grid in place of the default one: what it gathers and says."""
    from neuroalpha.theory import supervision_simulation as simulation

    small = simulation.simulate_supervision([3, 10], [3, 10], [5], repeats=1, workers=1, progress=False)
    curves = simulation.sparsity_curves(8, 8, 5, repeats=1, workers=1, progress=False)
    monkeypatch.setattr(simulation, "simulate_supervision", lambda **_: small)
    monkeypatch.setattr(simulation, "sparsity_curves", lambda **_: curves)
    found = checks.check_supervision(workers=1)
    assert found.sentences[0] == "25 of 25 counts of triplets equal their enumeration."
    assert set(found.datasets) == {"simulation", "curves", "preference"}
    assert set(found.tables) == {"counts", "findings"}
    np.testing.assert_array_equal(
        found.datasets["preference"]["score"].sel(signal="soft").values,
        found.datasets["simulation"]["rho"].sel(signal="soft", d=5).mean("repeat").values,
    )
