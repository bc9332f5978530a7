"""Learning on the Grassmannian: theory against gradient descent at two step sizes, widths, networks, bad input."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest
import scipy.linalg
import xarray as xr

import neuroalpha as na
from neuroalpha.storage import load, save
from neuroalpha.theory import grassmann
from neuroalpha.theory.engine import stability
from neuroalpha.theory.engine.dataset import error_table
from neuroalpha.theory.engine.stability import DivergenceError
from neuroalpha.theory.projectors.exact import exact_projector
from neuroalpha.theory.projectors.losses import make_views

STEPS = {"step_sizes": (0.05, 0.005), "times": [0.0, 1.0, 3.0]}


def frame(n_features=30, n_outputs=3, seed=1):
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((n_features, n_outputs)))[0]


@pytest.fixture(scope="module")
def compared():
    return grassmann.compare_grassmann(
        tall_widths=[3, 12, 30], wide_widths=[33, 120], retractions=["polar", "geodesic", "qr"], **STEPS
    )


def test_error_is_the_step_size_alone(compared):
    table = error_table(compared)
    assert len(table) == compared.sizes["setting"] == 2 * 3 * 6
    assert table["ratio"].between(9, 11).all()
    assert (compared["kernel_error"][:, 1] < 0.01).all()
    assert float(compared["residual"].max()) < 1e-12
    entries = compared["simulated"] - compared["predicted"]
    np.testing.assert_allclose(compared["kernel_error"], np.sqrt((entries**2).sum("mode")).max("time_index"))
    np.testing.assert_allclose(np.abs(entries).max(("time_index", "mode")), compared["max_error"])


def test_widths_do_not_matter(compared):
    for loss in ("contrastive", "non-contrastive"):
        for form in (("one layer", "tall"), ("wide",)):
            chosen = np.isin(compared["form"], form) & (compared["loss"].values == loss)
            chosen &= compared["retraction"].values == "geodesic"
            part = compared.isel(setting=np.flatnonzero(chosen))
            assert part.sizes["setting"] >= 2
            np.testing.assert_array_equal(
                part["predicted"].values, part["predicted"].values[[0] * part.sizes["setting"]]
            )
            gap = np.abs(part["simulated"][:, 1] - part["simulated"][0, 1]).max()
            assert float(gap) < 2e-5  # far below the error of the steps themselves


def test_default_start_meets_its_targets_and_the_limit():
    found = grassmann.compare_grassmann(tall_widths=[5], wide_widths=[], retractions=["polar"])
    assert float(found["kernel_error"][:, 0].max()) < 1e-2
    assert float(found["kernel_error"][:, 1].max()) < 1e-3
    assert float(np.abs(found["loss_simulated"][:, :, -1] - found["limit_loss"]).max()) < 1e-3
    assert float(found["angle_simulated"][:, :, -1].max()) < 0.02


def test_plain_qr_is_a_trap():
    found = grassmann.compare_grassmann(
        losses=["contrastive"], tall_widths=[12], wide_widths=[], retractions=["qr", "plain qr"], **STEPS
    )
    error = dict(zip(found["setting"].values.tolist(), found["kernel_error"].values[:, 1], strict=True))
    assert error["contrastive, one layer, plain qr"] == pytest.approx(error["contrastive, one layer, qr"])
    assert error["contrastive, tall 12, qr"] < 0.01
    assert error["contrastive, tall 12, plain qr"] > 0.3


def test_own_views_and_files(tmp_path):
    x, positive, _ = make_views(100, 8, 2, seed=4)
    found = grassmann.compare_grassmann(x, positive, n_outputs=2, tall_widths=[4], wide_widths=[10], **STEPS)
    assert set(found["loss"].values) == {"non-contrastive"}
    matrix = grassmann.grassmann_matrices(x, positive)["matrix"].values[0]
    norm = np.abs(np.linalg.eigvalsh(matrix)).max()
    flow = grassmann.grassmann_flow(matrix, frame(8, 2, 1), np.array(STEPS["times"]) / norm)
    np.testing.assert_allclose(found["loss_predicted"][0] * norm, flow["loss"], atol=1e-12)
    np.testing.assert_allclose(found["angle_predicted"][0], flow["principal_angle"], atol=1e-6)
    np.testing.assert_allclose(flow["scaled_time"], STEPS["times"])
    assert "could not be read" in found.attrs["source"]
    xr.testing.assert_allclose(load(save(found, tmp_path / "x.nc")), found)


def test_matrices():
    x, positive, negative = make_views(300, 5, 2)
    found = grassmann.grassmann_matrices(x + 3, positive + 3, negative + 3)
    np.testing.assert_allclose(found["matrix"], grassmann.grassmann_matrices(x, positive, negative)["matrix"])
    assert found["loss"].values.tolist() == ["non-contrastive", "contrastive"]
    cross = np.cov(x.T, positive.T, bias=True)[:5, 5:]
    np.testing.assert_allclose(found["matrix"][0], -(cross + cross.T) / 2)
    np.testing.assert_allclose(found["asymmetry"][0], np.linalg.norm(cross - cross.T) / 2 / np.linalg.norm(cross))
    raw = grassmann.grassmann_matrices(x + 3, positive + 3, center=False)
    mean = np.linalg.eigh(raw["matrix"].values[0])[1][:, 0]
    assert abs(mean.sum()) / 5**0.5 > 0.99  # the direction of the mean comes first


@pytest.mark.parametrize("flow", grassmann.FLOWS)
def test_flow(flow):
    matrix = grassmann.grassmann_matrices(*make_views()).sel(loss="contrastive")["matrix"].values
    start = frame() * (0.4 if flow == "wide" else 1)
    times = np.array([0.0, 0.5, 2.0, 30.0])
    found = grassmann.grassmann_flow(matrix, start, times, flow=flow)
    span = grassmann.grassmann_flow(matrix, frame(), times)
    np.testing.assert_allclose(found["loss"], np.einsum("tij,ji->t", found["kernel"], matrix))
    np.testing.assert_allclose(found["singular_value"] ** 2, np.linalg.eigvalsh(found["kernel"])[:, :-4:-1], atol=1e-12)
    assert float(found["principal_angle"][-1].max()) < 1e-6
    if flow == "constrained":
        np.testing.assert_allclose(found["singular_value"], 1)
        np.testing.assert_allclose(found["kernel"], exact_projector(matrix, start, times))
    if flow != "naive":
        assert float(found["loss"][-1]) == pytest.approx(found.attrs["limit_loss"], abs=1e-6)
        np.testing.assert_allclose(found["kernel"][-1], found["limit"], atol=1e-6)
    else:  # the same subspace, but one direction in it
        np.testing.assert_allclose(found["principal_angle"], span["principal_angle"], atol=1e-7)
        assert float(found["participation"][-1]) == pytest.approx(1, abs=1e-4)
        sizes = [np.linalg.norm(scipy.linalg.expm(-2 * matrix * time) @ start) for time in times]
        np.testing.assert_allclose(found["log_size"], np.log(sizes), rtol=1e-9)
        assert sizes[-1] > 1e3 * sizes[0]


def test_no_gap_no_angle():
    found = grassmann.grassmann_flow(np.diag([-1.0, -1.0, 1.0]), frame(3, 1), [0.0, 1.0])
    assert np.isnan(found["principal_angle"]).all()
    assert found.attrs["gap"] == 0


def test_naive_collapse():
    rng = np.random.default_rng(0)
    matrix = grassmann.grassmann_matrices(*make_views())["matrix"].values[0]
    found = grassmann.naive_collapse(5 * matrix, rng.standard_normal((30, 3)), np.arange(0, 41, 10.0))
    assert float(found["ratio"][0]) == pytest.approx(10, abs=1)
    assert float(found["participation_predicted"][0]) > 2
    np.testing.assert_allclose(found["participation_simulated"][:, -1], 1, atol=1e-6)
    np.testing.assert_allclose(found["participation_predicted"][-1], 1, atol=1e-6)
    assert float(found["singular_value"][-1, 1]) < 1e-6


@pytest.fixture(scope="module")
def networks():
    return grassmann.compare_random_features(widths=(32, 128, 512), step_sizes=(0.1, 0.025), times=[0.0, 2.5, 5.0])


def test_frozen_features_become_right(networks):
    final = networks["kernel_error"].values[:, :, -1, -1]
    assert (np.diff(np.log(final), axis=1) < -1).all()
    assert networks["slope"].values == pytest.approx([-1, -1], abs=0.25)
    np.testing.assert_allclose(networks["kernel_error"][:, :, :, 0], 0, atol=1e-10)
    np.testing.assert_allclose(networks["loss_simulated"][:, :, 1, 0], networks["loss_predicted"][:, :, 0], rtol=1e-8)
    assert (networks["kernel_change"] > 0.9).all()
    ratio = networks["gradient_ratio"].values
    np.testing.assert_allclose(ratio[:, 1:] / ratio[:, :-1], 2, atol=0.3)  # the root of a fourfold width
    steps = np.log(networks["first_change"].values)
    np.testing.assert_allclose((steps[:, -1] - steps[:, 0]) / np.log(16), -1, atol=0.2)
    assert (networks["frozen_error"].max(("width", "time"))[:, 1] < 0.15).all()
    assert (networks["frozen_ratio"] > 5).all()


def test_the_constraint_moves_the_kernel_whatever_the_loss():
    found = grassmann.kernel_change(widths=(32, 128, 512), n_networks=2, step_size=0.05)
    slope = dict(zip(found["objective"].values.tolist(), found["slope"].values, strict=True))
    for name in ("contrastive", "non-contrastive", "supervised"):
        assert slope[f"{name}, orthonormal W2"] > -0.1
    assert slope["supervised, free weights"] < -0.7
    assert slope["Barlow Twins, free weights"] < -0.7
    free = found.sel(objective=["supervised, free weights", "Barlow Twins, free weights"])
    assert (free["kernel_change"][:, -1] < 0.05).all()
    assert (found["kernel_change"].sel(objective="contrastive, orthonormal W2") > 0.8).all()
    learnt = found["loss_end"] / found["loss_start"]
    assert (learnt.sel(objective="Barlow Twins, free weights") < 1e-3).all()
    assert (learnt.sel(objective="supervised, free weights") < 0.35).all()
    assert (np.diff(found["feature_change"].values[:, [0, -1]]) < 0).all()  # features freeze in all


def test_repeats_itself():
    runs = [grassmann.kernel_change(widths=[16], n_networks=2, seed=3) for _ in range(2)]
    xr.testing.assert_identical(*runs)
    assert runs[0].attrs["seed"] == 3


def test_needs_no_torch():
    code = "import sys, neuroalpha.theory.grassmann as g; g.kernel_change(widths=[8]); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


SQUARE = np.diag([-1.0, 0.2, 1.0])
BAD = [
    (lambda: grassmann.grassmann_flow(SQUARE + np.eye(3, k=1), frame(3, 1), [0.0]), "not symmetric"),
    (lambda: grassmann.grassmann_flow(np.ones((2, 3)), frame(2, 1), [0.0]), r"shape \(2, 3\); expected a square"),
    (lambda: grassmann.grassmann_flow(np.zeros((3, 3)), frame(3, 1), [0.0]), "all zeros"),
    (lambda: grassmann.grassmann_flow(SQUARE * np.nan, frame(3, 1), [0.0]), "NaN or infinite"),
    (lambda: grassmann.grassmann_flow("x", frame(3, 1), [0.0]), "matrix is text; expected a symmetric matrix"),
    (lambda: grassmann.grassmann_flow(SQUARE, np.ones((3, 2)), [0.0]), "not orthonormal"),
    (lambda: grassmann.grassmann_flow(SQUARE, frame(4, 2), [0.0]), r"shape \(4, 2\); expected \(3, outputs\)"),
    (lambda: grassmann.grassmann_flow(SQUARE, frame(3, 1), [1.0, 0.0]), "times do not rise: 1 is followed by 0"),
    (lambda: grassmann.grassmann_flow(SQUARE, frame(3, 1), [0.0], flow="naiv"), "did you mean 'naive'"),
    (lambda: grassmann.grassmann_flow(SQUARE, 2 * frame(3, 1), [0.0], flow="wide"), "singular value of 2"),
    (lambda: grassmann.naive_collapse(SQUARE, np.ones((3, 2))), "rank 1 for 2 outputs"),
    (lambda: grassmann.naive_collapse(SQUARE, frame(3, 2), step_sizes=[0.1]), "two different ones"),
    (lambda: grassmann.grassmann_matrices(np.ones((4, 2)), np.ones((4, 3))), r"shape \(4, 3\), but x \(4, 2\)"),
    (lambda: grassmann.grassmann_matrices(np.ones((1, 2)), np.ones((1, 2))), "1 sample; expected at least 2"),
    (lambda: grassmann.compare_grassmann(tall_widths=[2]), "tall_widths holds 2, smaller than the 3 outputs"),
    (lambda: grassmann.compare_grassmann(tall_widths=[31]), r"width 31 fits neither form: .* of 3 to 30, .* 33"),
    (lambda: grassmann.compare_grassmann(wide_widths=[32]), r"width 32 fits neither form: .* take 30 or 33"),
    (lambda: grassmann.compare_grassmann(tall_widths=[5, 5]), "expected different whole numbers"),
    (lambda: grassmann.compare_grassmann(losses=["contrast"]), "did you mean 'contrastive'"),
    (lambda: grassmann.compare_grassmann(retractions=["pole"]), "no retraction 'pole'"),
    (lambda: grassmann.compare_grassmann(retractions=[]), r"retractions is \[\]; expected some of"),
    (lambda: grassmann.compare_grassmann(step_sizes=0.1), r"step_sizes is 0\.1; expected two different ones"),
    (lambda: grassmann.compare_grassmann(step_sizes=("a", "b")), "a step size of step_sizes is 'a'"),
    (lambda: grassmann.compare_grassmann(step_sizes=None), "step_sizes is None; expected two different ones"),
    (lambda: grassmann.compare_grassmann(step_sizes=(True, 0.5)), "a step size of step_sizes is True"),
    (lambda: grassmann.compare_grassmann(np.ones((5, 3)), np.ones((5, 3))), "x is the same in all 5 samples"),
    (lambda: grassmann.compare_grassmann(times=[0, 0.25], step_sizes=(0.1, 0.01)), r"0\.25 is not a whole number"),
    (lambda: grassmann.grassmann_flow(SQUARE * 1j, frame(3, 1), [0.0]), "matrix is complex numbers"),
    (lambda: grassmann.grassmann_flow(SQUARE, frame(3, 1), [-1.0, 1.0]), "times begin at -1"),
    (lambda: grassmann.grassmann_flow(SQUARE, frame(3, 1), 1.0), r"as \[1\.0\]"),
    (lambda: grassmann.naive_collapse(np.zeros((3, 3)), frame(3, 2)), "matrix is all zeros"),
    (lambda: grassmann.compare_grassmann(np.ones((5, 4))), "give samples and their views"),
    (lambda: grassmann.compare_grassmann(n_outputs=40), "only 30 features"),
    (lambda: grassmann.compare_grassmann(np.eye(5), np.eye(5), losses=["contrastive"]), "needs negative views"),
    (lambda: grassmann.compare_random_features(widths=[1, 32]), "widths holds 1, smaller than the 2 outputs"),
    (lambda: grassmann.compare_random_features(step_sizes=(0.9, 0.1)), "step_sizes is 0.9"),
    (lambda: grassmann.compare_random_features(widths="many"), "widths is 'many'; expected whole numbers"),
    (lambda: grassmann.kernel_change(step_size=2), "step_size is 2; expected a number from"),
    (lambda: grassmann.kernel_change(widths=[1]), "smaller than the 2 outputs"),
    (lambda: grassmann.kernel_change(objectives=["Barlow Twin"]), "did you mean 'Barlow Twins, free weights'"),
    (lambda: grassmann.kernel_change(targets=np.ones((3, 2))), r"targets have shape \(3, 2\); expected \(60, 2\)"),
    (lambda: grassmann.kernel_change(np.eye(5), np.eye(5)), "contrastive objectives need negative views"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "message"), BAD)
def test_bad_input(call, message):
    with pytest.raises(na.InputError, match=message) as told:
        call()
    assert "\n" not in str(told.value)


def test_divergence_is_told_with_the_largest_stable_step(monkeypatch):
    """And that step goes well, for times that are given and for default ones."""
    monkeypatch.setattr(stability, "SECONDS", 100.0)  # slow machines find the same step

    def run(step_sizes, times=None):
        return grassmann.compare_grassmann(
            losses=["contrastive"], tall_widths=[5], wide_widths=[], step_sizes=step_sizes, times=times
        )

    for times in ([0.0, 50.0, 100.0], None):
        with pytest.raises(
            DivergenceError, match=r"diverges at step size 5 .*the largest stable step is about"
        ) as told:
            run((5, 0.5), times)
        named = float(re.search(r"about (\S+)$", str(told.value))[1])
        assert 0.5 <= named < 2  # by linear stability 1 over the spread of eigenvalues, about 1
        assert np.isfinite(run((named, named / 10))["kernel_error"]).all()


def test_divergence_of_networks_names_a_step_that_goes_well():
    def run(step_size):
        return grassmann.kernel_change(
            objectives=["Barlow Twins, free weights"], widths=[32], n_networks=1, step_size=step_size
        )

    with pytest.raises(DivergenceError, match=r"diverges at step size 0\.5 .*by halving, is 0\.25") as told:
        run(0.5)
    found = run(float(re.search(r"is (\S+)$", str(told.value))[1]))
    assert float(found["loss_end"][0, 0]) < float(found["loss_start"][0, 0])
