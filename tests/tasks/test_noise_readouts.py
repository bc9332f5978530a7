"""Many noisy label sets scored in chunks: the same as one after the other."""

from __future__ import annotations

import numpy as np
import pytest

from neuroalpha.tasks import noise_readouts
from neuroalpha.tasks.decomposition import decompose
from neuroalpha.tasks.label_noise import NOISES
from neuroalpha.tasks.noise_readouts import noisy_labels, score_label_sets
from neuroalpha.tasks.ridge import RidgeReadouts


@pytest.fixture
def problem():
    rng = np.random.default_rng(0)
    codes = rng.integers(3, size=130)
    x = np.eye(3, 7)[codes] * 2 + rng.normal(size=(130, 7))
    found = decompose(x[:80])
    return codes, RidgeReadouts(found, found.project(x[:80])), found.project(x[80:])


@pytest.mark.parametrize("step", [1, 3, 100])
def test_chunks_of_label_sets_do_not_matter(problem, monkeypatch, step):
    codes, readouts, test = problem
    train, true = codes[:80], codes[80:]
    sets = np.stack([train, *np.random.default_rng(1).integers(3, size=(6, 80))])
    monkeypatch.setattr(noise_readouts, "SETS", step)
    found = score_label_sets(readouts, sets, train, test, true, 3, [0.5, 50.0], "gcv")
    for which, noisy in enumerate(sets):
        fit = readouts.fit(noisy, 3, [0.5, 50.0])
        np.testing.assert_array_equal(found.correct[which], readouts.predict(fit, test)[0] == true)
        assert found.penalty[which] == fit.penalty[0]
        assert found.wrong[which] == pytest.approx(np.mean(noisy != train))
    assert np.isnan(found.as_labelled[0])
    assert np.isfinite(found.as_labelled[1:]).all()
    assert (found.as_labelled[1:] + found.as_true[1:] <= 1).all()


def test_answers_restricted_to_shared_classes(problem):
    codes, readouts, test = problem
    train, true = codes[:80], codes[80:]
    rows, shared = true != 1, np.array([0, 2])
    found = score_label_sets(readouts, train[None], train, test[rows], true[rows], 3, [1.0], "gcv", shared)
    decisions = readouts.decisions(readouts.fit(train, 3, [1.0]), test[rows])[0]
    np.testing.assert_array_equal(found.correct[0], shared[decisions[:, shared].argmax(axis=1)] == true[rows])
    every = score_label_sets(readouts, train[None], train, test, true, 3, [1.0], "gcv", np.arange(3))
    np.testing.assert_array_equal(every.correct[0], readouts.predict(readouts.fit(train, 3, [1.0]), test)[0] == true)


def test_label_sets_do_not_depend_on_what_else_is_asked_for(problem):
    codes = problem[0]
    features = np.random.default_rng(2).normal(size=(130, 4))
    levels = np.array([0.1, 0.5])
    every = noisy_labels(codes, 3, NOISES, levels, 3, None, features, 5)
    assert every.shape == (3, 3, 2, 130)
    for which, noise in enumerate(NOISES):
        one = noisy_labels(codes, 3, [noise], levels[1:], 2, None, features, 5)
        np.testing.assert_array_equal(one[0], every[which, :2, 1:])
    flat = every[:, :, 1].reshape(9, -1)
    assert len(np.unique(flat, axis=0)) == 9  # no two draws or kinds are the same labels
