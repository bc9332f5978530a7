"""Step sizes that diverge are told for default times too, and the step that is named goes well."""

from __future__ import annotations

import re

import numpy as np
import pytest

import neuroalpha as na
from neuroalpha.theory.engine import stability
from neuroalpha.theory.engine.stability import DivergenceError
from neuroalpha.theory.projectors.linear_comparison import compare_grassmann, naive_collapse
from neuroalpha.theory.projectors.losses import make_views

HIGHEST = np.diag([-0.5, -0.3, 0.2, 1.0])
START = np.random.default_rng(0).standard_normal((4, 2))


@pytest.fixture(autouse=True)
def _patient(monkeypatch):
    """Slow machines find the same step."""
    monkeypatch.setattr(stability, "SECONDS", 100.0)


def small(step_sizes, times=None):
    x, positive, _ = make_views(60, 6, 2, seed=1)
    return compare_grassmann(
        x, positive, n_outputs=2, tall_widths=[3], wide_widths=[8], retractions=["polar"], step_sizes=step_sizes,
        times=times,
    )  # fmt: skip


def named_step(call):
    """The step size that the message names."""
    with pytest.raises(DivergenceError, match="diverges at step size") as told:
        call()
    assert "\n" not in str(told.value)
    return float(re.search(r"the largest stable step is about (\S+)$", str(told.value))[1])


@pytest.mark.parametrize(("step_sizes", "times"), [((5, 0.5), None), ((100, 10), None), ((5, 0.5), [0.0, 50.0])])
def test_divergence_names_a_step_that_passes(step_sizes, times):
    named = named_step(lambda: small(step_sizes, times))
    assert 0.1 < named < 0.5
    assert np.isfinite(small((named, named / 10))["kernel_error"]).all()


def test_the_step_that_is_named_suits_all_settings():
    """The wide form needs the smallest: linear theory has 1 / 2 there, 1 / spread in the others, here 1."""
    named = named_step(
        lambda: compare_grassmann(step_sizes=(5, 0.5), tall_widths=[5], wide_widths=[40, 33], retractions="polar")
    )
    assert 0.3 < named < 0.5
    found = compare_grassmann(
        step_sizes=(named, named / 10), tall_widths=[5], wide_widths=[40, 33], retractions="polar"
    )
    assert np.isfinite(found["kernel_error"]).all()
    assert found["form"].values.tolist() == ["one layer", "tall", "wide", "wide"] * 2
    assert found["width"].values.tolist() == [0, 5, 40, 33] * 2


@pytest.mark.parametrize("step_sizes", [(0.2, 0.02), (0.1, 0.01), (0.03, 0.003), (0.03, 0.02)])
def test_default_times_follow_the_step_sizes(step_sizes):
    found = small(step_sizes)
    assert float(found["time"].max()) >= 6
    assert found.sizes["time_index"] > 10
    np.testing.assert_allclose(found["step_size"][0], step_sizes)
    assert (found["kernel_error"][:, 1] < found["kernel_error"][:, 0]).all()


def test_naive_steps_that_turn_to_the_highest_eigenvector():
    """5 converges to the wrong end with all shares between 0 and 1: |1 - 10| > |1 + 5|."""
    for times in (None, np.arange(21) * 5.0):
        named = named_step(lambda times=times: naive_collapse(HIGHEST, START, times, step_sizes=(5, 0.5)))
        assert 1 < named < 2
        until = np.arange(0, 401) * named
        found = naive_collapse(HIGHEST, START, until, step_sizes=(named, named / 10))
        end = found["simulated"].values[0, :, -1].reshape(2, 4, 4)
        np.testing.assert_allclose(end, [np.diag([1.0, 0, 0, 0])] * 2, atol=1e-3)
        naive_collapse(HIGHEST, START, step_sizes=(named, named / 10))  # and at default times
    with pytest.raises(DivergenceError, match="the limit is 2"):
        naive_collapse(HIGHEST, START, step_sizes=(2, 0.2))


def test_naive_steps_of_any_size_where_the_lowest_is_largest():
    found = naive_collapse(np.diag([-1.0, -0.5, 0.2, 0.8]), START, [0.0, 500.0], step_sizes=(10, 1))
    np.testing.assert_allclose(found["participation_simulated"][:, -1], 1, atol=1e-6)


def test_naive_shares_and_ratio():
    found = naive_collapse(np.diag([-2.0, -1.0, 0.2, 1.0]), START)
    assert float(found["ratio"][0]) == pytest.approx(10, abs=0.5)
    weights = np.exp(-2 * np.array([-1.0, -0.5, 0.1, 0.5]) * 10)[:, None] * START  # C / |C| is what flows
    shares = np.linalg.svd(weights, compute_uv=False)
    at = int(np.flatnonzero(found["time"].values[0] == 10)[0])
    np.testing.assert_allclose(found["singular_value"][at], shares / shares[0], atol=1e-12)
    np.testing.assert_allclose(
        found["participation_predicted"][at], (shares**2).sum() ** 2 / (shares**4).sum(), atol=1e-12
    )


def test_as_many_outputs_as_features():
    with pytest.raises(na.InputError, match=r"n_outputs is 30, .* nothing can move; give at most 29"):
        compare_grassmann(n_outputs=30)
    found = compare_grassmann(
        *make_views(50, 3, 1), n_outputs=2, tall_widths=[2], wide_widths=[], retractions="polar", step_sizes=(0.1, 0.05)
    )
    assert found.sizes["setting"] == 4


def test_views_of_which_nothing_can_be_learnt():
    x = np.random.default_rng(0).standard_normal((8, 3))
    for views, said in (
        ((np.ones((5, 3)), np.ones((5, 3))), "x is the same in all 5 samples"),
        ((x, x, x), "negative is the same as positive"),
        ((np.repeat(np.eye(2), 4, axis=0) @ np.eye(2, 3), np.tile([[0, 0, 1], [0, 0, -1.0]], (4, 1))), "all zeros"),
    ):
        with pytest.raises(na.InputError, match=said):
            compare_grassmann(*views, n_outputs=1)
