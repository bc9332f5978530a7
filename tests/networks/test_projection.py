"""The bound on the error of projected spectra: by simulation, and through the model."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from neuroalpha.networks.projection import Projection, UnitSums, unit_sums
from neuroalpha.networks.sharding import Part
from neuroalpha.networks.spectra import model_spectra


def responses(kind: str, n: int = 40, p: int = 900) -> np.ndarray:
    """Responses whose units share the variance evenly, or of which a few have nearly all."""
    rng = np.random.default_rng(3)
    if kind == "flat":
        return rng.standard_normal((n, p)) + 5
    x = rng.standard_normal((n, 20)) @ (rng.standard_normal((20, p)) * np.arange(1, 21)[:, None] ** -0.5)
    return x * (np.arange(1, p + 1) ** -1.0 if kind == "few units" else 1.0) + 5


@pytest.mark.parametrize("kind", ["flat", "power law", "few units"])
@pytest.mark.parametrize("center", [True, False])
def test_the_error_of_the_matrix_is_what_was_derived(kind, center):
    x = responses(kind)
    n, p = x.shape
    rows = x - x.mean(0) * center
    gram = rows @ rows.T
    truth = np.linalg.eigvalsh(gram)[::-1]
    wanted, s = 60, np.sqrt(p)
    v = (rows**2).sum(0)
    derived = (np.trace(gram) ** 2 + (gram**2).sum() + (s - 3) * (v**2).sum()) / wanted
    sums = unit_sums(torch.from_numpy(x))
    moved, shifted, told = [], [], []
    for seed in range(200):
        projection = Projection(p, wanted, seed)
        y = rows @ projection.matrix.to_dense().double().numpy().T
        approximate = y @ y.T
        values = np.linalg.eigvalsh(approximate)[::-1]
        moved.append(((approximate - gram) ** 2).sum())
        shifted.append(((values - truth) ** 2).sum())
        told.append(projection.error(sums, values / (n - center), n - center, center) * (n - center))
    assert np.mean(moved) == pytest.approx(derived, rel=4 * np.std(moved) / np.mean(moved) / np.sqrt(200))
    assert (np.array(shifted) <= np.array(moved) * (1 + 1e-9)).all()  # Hoffman and Wielandt
    bound = np.mean(told)
    assert np.sqrt(np.mean(shifted)) <= bound * 1.02
    assert bound == pytest.approx(np.sqrt(derived), rel=0.05)
    assert bound < 4 * np.sqrt(np.mean(shifted))  # and says something


@settings(max_examples=30, deadline=None)
@given(n=st.integers(1, 30), p=st.integers(1, 30), at=st.integers(0, 30), offset=st.sampled_from([0.0, 150.0]))
def test_unit_sums_of_any_split(n, p, at, offset):
    x = torch.randn(n, p, generator=torch.Generator().manual_seed(n)) + offset
    sums = unit_sums(x[:at]).merged(unit_sums(x[at:]))
    values = x.double().numpy()
    assert sums.count == n
    assert np.allclose(sums.total, values.sum(0))
    spread = ((values - values.mean(0)) ** 2).sum(0)
    assert np.allclose(sums.scatter(True), spread, atol=1e-9 * (1 + offset**2))
    assert np.allclose(sums.scatter(False), (values**2).sum(0))
    assert sums.merged_across(Part(2)) is sums


def test_no_sums_unless_wanted():
    projection = Projection(100, 10, 0)
    projection(torch.randn(4, 100))
    assert projection.sums.count == 0
    projection.sums_wanted = True
    projection(torch.randn(4, 100))
    assert projection.sums.count == 4
    assert projection.density == pytest.approx(0.1)


# Room for the projection and a Gram matrix of 40 stimuli, and for some blocks of activations only.
LITTLE = Projection(900, 300, 0).extra_bytes + 41_800
OPTIONS = {
    "usual": {},
    "batches": {"batch_size": 3},
    "covariance": {"route": "covariance"},
    "shards": {"shards": 3},
    "shards, covariance": {"shards": 3, "route": "covariance"},
    "recomputed": {"route": "gram, recomputed", "memory": LITTLE},
    "spilled": {"route": "gram, spilled", "memory": LITTLE},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_spectra_say_how_far_they_may_be_off(name, monkeypatch):
    monkeypatch.setattr("neuroalpha.networks.routes.block_width", lambda n: 16)
    x = torch.from_numpy(responses("power law").astype(np.float32))
    model = nn.Sequential(nn.Identity())
    exact = model_spectra(model, x, ["0"], progress=False)["0"]
    assert "projection_error" not in exact.attrs
    with pytest.warns(UserWarning, match=r"'0' is that of 300 .* of 900 units: .* by up to \d+\.\d%"):
        found = model_spectra(model, x, ["0"], "project:300", progress=False, **OPTIONS[name])["0"]
    assert found.attrs["n_units"] == 900
    assert found.attrs["n_neuroids"] == 300
    assert "not exact" in found.attrs["projection"]
    if name == "recomputed":
        assert found.attrs["cost_passes"] > 1
    error = float(np.sqrt(((found["eigenvalue"] - exact["eigenvalue"]) ** 2).sum()))
    told = found.attrs["projection_error"] * float(np.sqrt((found["eigenvalue"] ** 2).sum()))
    assert 0.1 * told < error < told
    rank = found.attrs["projection_error_rank"]
    assert float(found["eigenvalue"][rank - 1]) > told > float(found["eigenvalue"][rank])
    projection = Projection(900, 300, 0)
    sums, values = unit_sums(x), found["eigenvalue"].values
    assert told == pytest.approx(projection.error(sums, values, 39, True), rel=1e-9)


def test_sums_of_no_rows():
    none = UnitSums.of_none(3)
    assert none.count == 0
    assert np.array_equal(none.scatter(True), np.zeros(3))
