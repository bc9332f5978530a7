"""Scores of shifts against numbers worked by hand, loops, and bootstrap intervals with the coverage they claim."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from neuroalpha.errors import InputError
from neuroalpha.tasks import shift_scores as scores

SHARES = st.floats(0.01, 1)
ERRORS = arrays(float, st.tuples(st.integers(1, 5), st.integers(1, 5)), elements=SHARES)


def test_by_hand():
    errors = [[0.1, 0.3], [0.2, 0.6]]  # two kinds, two severities
    reference = [[0.4, 0.4], [0.7, 0.9]]
    np.testing.assert_allclose(scores.corruption_errors(errors, reference), [0.4 / 0.8, 0.8 / 1.6])
    np.testing.assert_allclose(scores.corruption_errors(errors, [0.4, 0.8]), [0.5, 0.5])
    np.testing.assert_allclose(scores.corruption_errors(errors), [0.2, 0.4])
    assert float(scores.mean_corruption_error(errors, [0.4, 0.2])) == pytest.approx((0.5 + 2) / 2)
    # (0.4 - 2 * 0.1) / (0.8 - 2 * 0.3) = 1 and (0.8 - 2 * 0.1) / (1.6 - 2 * 0.3) = 0.6
    relative = scores.relative_mean_corruption_error(errors, 0.1, reference, 0.3)
    assert float(relative) == pytest.approx(0.8)
    assert float(scores.relative_mean_corruption_error(errors, 0.1)) == pytest.approx(0.2)


def brute(errors, clean, reference, reference_clean):
    plain, relative = [], []
    for kind in range(len(errors)):
        above = below = above_clean = below_clean = 0.0
        for severity in range(len(errors[kind])):
            above += errors[kind][severity]
            below += reference[kind][severity]
            above_clean += errors[kind][severity] - clean
            below_clean += reference[kind][severity] - reference_clean
        plain.append(above / below)
        relative.append(above_clean / below_clean)
    return sum(plain) / len(plain), sum(relative) / len(relative)


@given(data=st.data(), errors=ERRORS, clean=st.floats(0, 1))
def test_against_loops(data, errors, clean):
    reference = data.draw(arrays(float, errors.shape, elements=st.floats(0.3, 1)))
    plain, relative = brute(errors.tolist(), clean, reference.tolist(), 0.2)
    np.testing.assert_allclose(scores.mean_corruption_error(errors, reference), plain)
    got = scores.relative_mean_corruption_error(errors, clean, reference, 0.2)
    np.testing.assert_allclose(got, relative, atol=1e-12)


@given(errors=ERRORS, seed=st.integers(0, 99))
def test_what_does_not_matter(errors, seed):
    np.testing.assert_allclose(scores.mean_corruption_error(errors, errors), 1)
    np.testing.assert_allclose(scores.relative_mean_corruption_error(errors, 0.005, errors, 0.005), 1)
    rng = np.random.default_rng(seed)
    reference = rng.uniform(0.2, 1, errors.shape)
    kinds, levels = rng.permutation(errors.shape[0]), rng.permutation(errors.shape[1])
    shuffled = (array[kinds][:, levels] for array in (errors, reference))
    whole = scores.mean_corruption_error(errors, reference)
    np.testing.assert_allclose(scores.mean_corruption_error(*shuffled), whole)
    many = np.stack([errors, errors / 2])
    np.testing.assert_allclose(scores.mean_corruption_error(many, reference), [whole, whole / 2])
    many = scores.relative_mean_corruption_error(many, [0.005, 0.0025], reference, 0.1)
    np.testing.assert_allclose(many[0], 2 * many[1])


@given(clean=SHARES, shifted=st.floats(0, 1))
def test_relative_drop(clean, shifted):
    assert float(scores.relative_drop(clean, shifted)) == pytest.approx((clean - shifted) / clean)


def test_relative_drop_of_nothing():
    np.testing.assert_array_equal(scores.relative_drop([0.0, 0.5], 0.5), [np.nan, 0])


@given(arrays(int, st.tuples(st.integers(1, 6), st.integers(2, 6)), elements=st.integers(0, 2)))
def test_flips_against_loops(predictions):
    before, first = [], []
    for sequence in predictions.tolist():
        for frame in range(1, len(sequence)):
            before.append(sequence[frame] != sequence[frame - 1])
            first.append(sequence[frame] != sequence[0])
    assert scores.flip_probability(predictions) == pytest.approx(np.mean(before))
    assert scores.flip_probability(predictions, against_first=True) == pytest.approx(np.mean(first))


def answers(rng, n, kinds=3, severities=2):
    """Right answers whose chance is the image's own, so that copies of one image go together."""
    ease = rng.beta(1, 0.7, n)
    return rng.random((kinds, severities, n)) < ease * 0.8, rng.random(n) < ease


def test_the_bootstrap_against_a_loop():
    rng = np.random.default_rng(1)
    correct, clean = answers(rng, 40)
    found = scores.corruption_accuracy(correct, clean, n_boot=130, seed=7, level=0.8)
    again = np.random.default_rng(7)
    means, kinds, drops = [], [], []
    for _ in range(130):
        drawn = again.integers(40, size=40)
        means.append(correct[:, :, drawn].mean())
        kinds.append(correct[:, :, drawn].mean(axis=(1, 2)))
        drops.append(1 - means[-1] / clean[drawn].mean())
    np.testing.assert_allclose([found.low, found.high], np.quantile(means, [0.1, 0.9]))
    np.testing.assert_allclose([found.kind_low, found.kind_high], np.quantile(kinds, [0.1, 0.9], axis=0))
    np.testing.assert_allclose([found.drop_low, found.drop_high], np.quantile(drops, [0.1, 0.9]))
    assert found.mean == pytest.approx(correct.mean())
    assert found.drop == pytest.approx(1 - correct.mean() / clean.mean())
    np.testing.assert_allclose(found.accuracy, correct.mean(axis=2))
    np.testing.assert_allclose(found.kind, correct.mean(axis=(1, 2)))


def test_intervals_cover_what_they_claim():
    truth, covered, covered_drop = 0.8 / 1.7, 0, 0  # E[ease] = 1 / 1.7
    for seed in range(200):
        correct, clean = answers(np.random.default_rng(seed), 150)
        found = scores.corruption_accuracy(correct, clean, n_boot=200, seed=seed, level=0.9)
        covered += found.low <= truth <= found.high
        covered_drop += found.drop_low <= 0.2 <= found.drop_high
    assert 0.83 <= covered / 200 <= 0.96
    assert 0.83 <= covered_drop / 200 <= 0.96


def test_pairing_is_kept():
    # Copies of an image are answered alike: the interval is that of 60 images, not of 60 x 6 answers.
    one = np.random.default_rng(0).random(60) < 0.5
    copies = scores.corruption_accuracy(np.broadcast_to(one, (3, 2, 60)), seed=3)
    alone = scores.corruption_accuracy(one[None, None], seed=3)
    assert (copies.low, copies.high) == pytest.approx((alone.low, alone.high))
    assert np.isnan([copies.drop, copies.drop_low, copies.drop_high]).all()
    alike = scores.corruption_accuracy(np.broadcast_to(one, (3, 2, 60)), one)
    np.testing.assert_allclose([alike.drop, alike.drop_low, alike.drop_high], 0, atol=1e-12)


@given(seed=st.integers(0, 99))
def test_order_of_kinds_and_severities_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    correct, clean = answers(rng, 30)
    first = scores.corruption_accuracy(correct, clean, n_boot=40, seed=seed)
    second = scores.corruption_accuracy(correct[::-1, ::-1], clean, n_boot=40, seed=seed)
    assert (first.mean, first.low, first.high) == pytest.approx((second.mean, second.low, second.high))
    np.testing.assert_allclose(first.kind_low, second.kind_low[::-1])
    assert first.low <= first.high
    assert (first.kind_low <= first.kind_high).all()


def test_nothing_right():
    found = scores.corruption_accuracy(np.zeros((1, 1, 9), bool), np.zeros(9, bool))
    assert (found.mean, found.low, found.high) == (0, 0, 0)
    assert np.isnan([found.drop, found.drop_low, found.drop_high]).all()


RIGHT = np.ones((2, 3, 10), bool)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: scores.mean_corruption_error([0.1, 0.2]), r"errors have shape \(2,\); expected \(\.\.\., kind, sev"),
        (lambda: scores.mean_corruption_error(np.zeros((3, 0))), r"errors have shape \(3, 0\)"),
        (lambda: scores.mean_corruption_error([[12.0, 30.0]]), "errors holds 2 values like 12.*divide percent by 100"),
        (lambda: scores.mean_corruption_error([[0.1, np.nan]]), "holds 1 values like nan.*mend"),
        (lambda: scores.mean_corruption_error([[0.1]], [0.1, 0.2]), r"reference has shape \(2,\).*1 kinds at 1 sev"),
        (lambda: scores.mean_corruption_error([[0.1]], [0.0]), "a kind without any error"),
        (lambda: scores.relative_mean_corruption_error([[0.1]], 0.1, [0.3], 0.4), "no larger error on 1 of 1 kinds"),
        (lambda: scores.relative_mean_corruption_error([[0.1]], 10), "clean_error holds 1 values like 10"),
        (lambda: scores.relative_drop(80, 60), "clean holds 1 values like 80"),
        (lambda: scores.flip_probability([1, 2]), r"predictions have shape \(2,\)"),
        (lambda: scores.flip_probability([[1], [2]]), "at least 2 frames"),
        (lambda: scores.corruption_accuracy(RIGHT.astype(int)), r"correct is int64 of shape \(2, 3, 10\)"),
        (lambda: scores.corruption_accuracy(RIGHT[0]), r"expected booleans \(kind, severity, image\)"),
        (lambda: scores.corruption_accuracy(RIGHT, RIGHT[0, 0, :9]), "of 9 images where correct is of 10"),
        (lambda: scores.corruption_accuracy(RIGHT, n_boot=0), "n_boot is 0"),
        (lambda: scores.corruption_accuracy(RIGHT, seed=None), "seed is None"),
        (lambda: scores.corruption_accuracy(RIGHT, level=95), "level is 95"),
    ],
)
def test_bad_input(call, match):
    with pytest.raises(InputError, match=match) as error:
        call()
    assert "\n" not in str(error.value)
