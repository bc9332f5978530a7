"""Moments and Gram matrices piece by piece against a singular value decomposition of the whole."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neuroalpha.errors import InputError
from neuroalpha.spectrum import accumulate, gram, moments, twin
from neuroalpha.spectrum.accumulate import Accumulated, Covariance, Gram, block_width, deal, kept_share
from neuroalpha.spectrum.crossgram import SINGLE
from neuroalpha.spectrum.resample import standard_error


def responses(n: int, p: int, seed: int = 0, ratio: float = 0.0) -> np.ndarray:
    """Power-law responses in float32; unit means of ``ratio`` times their spread."""
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.standard_normal((p, p)))[0]
    x = (rng.standard_normal((n, p)) * np.arange(1, p + 1) ** -0.5) @ axes
    return (x + ratio * x.std(axis=0) * rng.uniform(0.5, 1.5, p)).astype(np.float32)


def oracle(x: np.ndarray, center: bool = True) -> np.ndarray:
    x = x.astype(np.float64)
    x = x - x.mean(axis=0) if center else x
    rank = min(len(x) - center, x.shape[1])
    return np.linalg.svd(x, compute_uv=False)[:rank] ** 2 / (len(x) - center)


def by_covariance(x, pieces, n_groups=0, center=True, engine=gram.BLAS, groups=None) -> Accumulated:
    groups = deal(len(x), n_groups, 0) if groups is None else groups
    covariance = Covariance(x.shape[1], groups, n_groups, engine)
    start = 0
    for stop in [*sorted(pieces), len(x)]:
        covariance.add(start, x[start:stop])
        start = stop
    return covariance.finish(center)


def by_gram(x, pieces, n_groups=0, center=True, engine=gram.BLAS) -> Accumulated:
    whole = Gram(len(x), deal(len(x), n_groups, 0), n_groups, engine, center)
    start = 0
    for stop in [*sorted(pieces), x.shape[1]]:
        whole.add(x[:, start:stop], start)
        start = stop
    return whole.finish()


def near(one: np.ndarray, two: np.ndarray, tolerance: float = 1e-12) -> bool:
    return one.shape == two.shape and bool(np.nanmax(np.abs(one - two)) <= tolerance * np.nanmax(two))


@pytest.mark.parametrize("engine", [gram.BLAS, twin.engine("cpu")], ids=["numpy", "torch"])
@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("ratio", [0.0, 150.0])
@pytest.mark.parametrize(("n", "p"), [(60, 20), (20, 60), (30, 30)])
def test_eigenvalues_of_a_singular_value_decomposition(engine, center, ratio, n, p):
    x = responses(n, p, ratio=ratio)
    given = x if engine is gram.BLAS else torch.from_numpy(x)
    for made in (by_covariance(given, [7, 8, 13], 0, center, engine), by_gram(given, [7, 8, 13], 0, center, engine)):
        assert near(made.eigenvalue, oracle(x, center))
        assert made.draws is None
        assert made.n_constant == 0


@pytest.mark.parametrize("ratio", [0.0, 150.0])
def test_single_precision_keeps_seven_digits(ratio):
    x = responses(80, 40, ratio=ratio)
    for made in (by_covariance(x, [11, 40], engine=SINGLE), by_gram(x, [11], engine=SINGLE)):
        assert near(made.eigenvalue, oracle(x), 1e-6)
        assert not near(made.eigenvalue, oracle(x), 1e-13)  # or nothing was single about it


@settings(max_examples=30, deadline=None)
@given(
    n=st.integers(3, 40),
    p=st.integers(1, 40),
    n_groups=st.sampled_from([0, 5, 7]),
    center=st.booleans(),
    ratio=st.sampled_from([0.0, 150.0]),
    pieces=st.lists(st.integers(0, 40), max_size=4),
    stage=st.sampled_from([1, 100, 10**6]),
)
def test_any_split_and_either_side_give_the_same(n, p, n_groups, center, ratio, pieces, stage):
    x = responses(n, p, n + p, ratio)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(accumulate, "STAGE_BYTES", stage)
        one = by_covariance(x, [min(piece, n) for piece in pieces], n_groups, center)
    two = by_gram(x, [min(piece, p) for piece in pieces], n_groups, center)
    truth = oracle(x, center)
    for made in (one, two):
        assert near(made.eigenvalue, truth)
        assert (made.draws is None) == (n_groups == 0)
    if n_groups:
        dealt = deal(n, n_groups, 0)
        for group in range(n_groups):
            left = x[dealt != group]
            if len(left) > center:
                brute = oracle(left, center)
                for made in (one, two):
                    found = made.draws[group]
                    assert np.isnan(found[brute.size :]).all()
                    scale = truth[0] * n / (len(left) - center)
                    assert np.abs(found[: brute.size] - brute[: found.size]).max(initial=0) <= 1e-12 * scale


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 100), scale=st.floats(1e-3, 1e3))
def test_rotation_order_and_scale(seed, scale):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((25, 12))
    turned = x[rng.permutation(25)] @ np.linalg.qr(rng.standard_normal((12, 12)))[0] * scale
    for make in (by_covariance, by_gram):
        assert near(make(turned, [5]).eigenvalue, make(x, [5]).eigenvalue * scale**2, 1e-10)


def test_batches_change_no_bit_of_the_covariance():
    x = responses(500, 30)
    whole = by_covariance(x, [], 5)
    for pieces in ([1, 2, 3], range(0, 500, 7), [499]):
        made = by_covariance(x, list(pieces), 5)
        assert np.array_equal(made.eigenvalue, whole.eigenvalue)
        assert np.array_equal(made.draws, whole.draws, equal_nan=True)


def test_the_interval_is_that_of_the_delete_group_jackknife():
    x = responses(200, 10)
    made = by_covariance(x, [], 20)
    g = 20
    usual = np.sqrt((g - 1) / g * ((made.draws - made.draws.mean(0)) ** 2).sum(0))
    # standard_error divides the spread by g or g - 1: no more than that may differ
    assert np.allclose(standard_error(made.draws, kept_share(g)), usual, rtol=0.06)


def test_groups_belong_to_the_stimuli():
    assert deal(10, 0, 0) is None
    dealt = deal(1000, 5, 3)
    assert np.array_equal(dealt, deal(1000, 5, 3))
    assert not np.array_equal(dealt, deal(1000, 5, 4))
    assert set(dealt) == set(range(5))


@pytest.mark.parametrize("engine", [gram.BLAS, SINGLE, twin.engine("cpu")], ids=["numpy", "single", "torch"])
@pytest.mark.parametrize("n_groups", [0, 5])
@pytest.mark.parametrize("value", [0.0, 0.1, 1e6 / 3])
def test_constant_units_are_counted(engine, n_groups, value):
    x = responses(40, 12)
    x[:, [3, 5]] = np.float32(value)
    x[7, 5] = np.nextafter(np.float32(value), np.float32(np.inf))  # varies, if only just
    given = torch.from_numpy(x) if engine not in (gram.BLAS, SINGLE) else x
    by_units = by_gram(given, [4], n_groups, engine=engine)
    assert by_units.n_constant == 1
    if value == 0.1:  # the square of the smallest float32 is none
        assert by_covariance(given, [13], n_groups, engine=engine).n_constant == 1
    with pytest.raises(InputError, match="all 12 units are constant over the stimuli"):
        accumulate.check_varies(by_gram(given * 0 + 5, [], engine=engine), 12)
    with pytest.raises(InputError, match="all 12 units are constant over the stimuli"):
        accumulate.check_varies(by_covariance(given * 0 + 5, [], engine=engine), 12)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("engine", [gram.BLAS, SINGLE, twin.engine("cpu")], ids=["numpy", "single", "torch"])
@pytest.mark.parametrize("center", [True, False])
def test_wrong_values_name_unit_and_stimulus(wrong, engine, center):
    x = responses(40, 12)
    x[17:19, 9] = wrong
    x[30, 10] = wrong
    given = torch.from_numpy(x) if engine not in (gram.BLAS, SINGLE) else x
    message = r"2 units of these 12 \(the first is unit 9\) for 3 of 40 stimuli \(first: number 17\)"
    with pytest.raises(InputError, match=message):
        by_covariance(given, [16], 0, center, engine)
    message = r"2 units of these 6 \(the first is unit 9\) for 3 of 40 stimuli \(first: number 17\)"
    with pytest.raises(InputError, match=message):
        by_gram(given, [6], 0, center, engine)


def test_numbers_too_large():
    with pytest.raises(InputError, match="leave the range of numbers"):
        by_gram(np.full((4, 3), 1e308), [])


def test_the_callers_array_stays():
    for dtype, engine in ((np.float64, gram.BLAS), (np.float32, gram.BLAS), (np.float32, SINGLE)):
        x = responses(30, 8).astype(dtype)
        before = x.copy()
        by_gram(x, [3], engine=engine)
        by_covariance(x, [3], engine=engine)
        assert np.array_equal(x, before)


def test_matrices_of_parts_add_up():
    x = responses(20, 30)
    parts = [Gram(20, None, 0, gram.BLAS) for _ in range(2)]
    parts[0].add(x[:, :17])
    parts[1].add(x[:, 17:], 17)
    made = parts[0].merge(parts[1]).finish()
    assert near(made.eigenvalue, oracle(x))


@pytest.mark.parametrize("ratio", [0.0, 150.0])
def test_taking_a_part_away_undoes_a_merge(ratio):
    x = responses(50, 9, ratio=ratio)
    one, two = (moments.update(moments.empty(9), part) for part in (x[:30], x[30:]))
    left = accumulate.without(moments.merge(one, two), two, gram.BLAS)
    assert left.count == 30
    assert np.allclose(moments.mean(left), x[:30].mean(0, dtype=np.float64))
    expected = np.cov(x[:30].astype(np.float64), rowvar=False) * 29
    assert np.allclose(moments.scatter(left), expected, atol=1e-12 * np.trace(expected))


@pytest.mark.parametrize("n", [10, 400, 5000, 100_000])
def test_blocks_are_wide_enough_and_stay_in_the_cache(n):
    width = block_width(n)
    assert width >= 256
    assert width * n <= max(2**19, 1024 * n)
