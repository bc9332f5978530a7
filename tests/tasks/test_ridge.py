"""Ridge readouts: against scikit-learn, many label sets against one by one, invariances, bad input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import RidgeClassifier

import neuroalpha as na
from neuroalpha.spectrum import moments
from neuroalpha.tasks import ridge
from neuroalpha.tasks.decomposition import decompose, decompose_and_project, from_moments
from neuroalpha.tasks.ridge import RidgeReadouts, default_penalties

KINDS = ["tall", "wide", "square", "one more row", "low rank", "low rank, wide", "constant column"]


def problem(kind="tall", n_classes=4, seed=0):
    """Training features, codes and test features, far from zero."""
    rng = np.random.default_rng(seed)
    n, p = {"wide": (50, 120), "low rank, wide": (50, 120), "square": (60, 60), "one more row": (61, 60)}.get(
        kind, (150, 30)
    )
    codes = np.r_[np.arange(n_classes), rng.integers(n_classes, size=n - n_classes)]
    spread = np.arange(1, p + 1) ** -0.7
    centres = rng.normal(size=(n_classes, p)) * 0.3
    x, test = (rng.normal(size=(m, p)) * spread + centres[c] + 7 for m, c in ((n, codes), (40, codes[:40])))
    if kind.startswith("low rank"):
        mix = rng.normal(size=(12, p))
        x, test = x[:, :12] @ mix, test[:, :12] @ mix
    if kind == "constant column":
        x[:, [3, 8]], test[:, 3] = 5.0, 6.0  # 8: constant in training only
    return x, codes, test


def readouts_of(x, center=True):
    return RidgeReadouts(*decompose_and_project(x, center))


@pytest.mark.parametrize("n_classes", [2, 5])
@pytest.mark.parametrize("kind", KINDS)
def test_against_scikit_learn(kind, n_classes):
    x, codes, test = problem(kind, n_classes)
    readouts = readouts_of(x)
    shown = readouts.decomposition.project(test)
    for penalty in default_penalties(readouts.decomposition):
        expected = RidgeClassifier(alpha=penalty).fit(x, codes)
        decisions = expected.decision_function(test)
        fit = readouts.fit(codes, n_classes, penalty)
        found = readouts.decisions(fit, shown)
        assert found.shape == (1, 40, n_classes)
        if n_classes == 2:  # of which scikit-learn gives the second
            np.testing.assert_allclose(found[0, :, 0], -found[0, :, 1], atol=1e-9)
            found = found[..., 1]
        np.testing.assert_allclose(found[0], decisions, rtol=0, atol=1e-6 * np.abs(decisions).max())
        np.testing.assert_array_equal(readouts.predict(fit, shown)[0], expected.predict(test))
        assert readouts.accuracy(fit, shown, codes[:40])[0] == expected.score(test, codes[:40])


@pytest.mark.parametrize("kind", ["tall", "wide"])
def test_without_centring_against_scikit_learn(kind):
    x, codes, test = problem(kind)
    readouts = readouts_of(x, center=False)
    for penalty in (1e-2, 10.0):
        expected = RidgeClassifier(alpha=penalty, fit_intercept=False).fit(x, codes).decision_function(test)
        found = readouts.decisions(readouts.fit(codes, 4, penalty), readouts.decomposition.project(test))
        np.testing.assert_allclose(found[0], expected, atol=1e-6 * np.abs(expected).max())


def test_from_streamed_moments_against_scikit_learn():
    x, codes, test = problem()
    state = moments.empty(x.shape[1])
    for rows in np.array_split(x, 5):
        state = moments.update(state, rows)
    decomposition = from_moments(state)
    readouts = RidgeReadouts(decomposition, decomposition.project(x))
    found = readouts.decisions(readouts.fit(codes, 4, 0.5), decomposition.project(test))[0]
    expected = RidgeClassifier(alpha=0.5).fit(x, codes).decision_function(test)
    np.testing.assert_allclose(found, expected, atol=1e-6 * np.abs(expected).max())


@pytest.mark.parametrize("kind", ["tall", "wide"])
@pytest.mark.parametrize("select", ["gcv", "loo", None])
def test_many_label_sets_are_one_by_one(monkeypatch, kind, select):
    x, codes, test = problem(kind)
    rng = np.random.default_rng(1)
    sets = np.where(rng.random((7, codes.size)) < 0.3, rng.integers(4, size=(7, codes.size)), codes)
    readouts = readouts_of(x)
    shown = readouts.decomposition.project(test)
    penalties = default_penalties(readouts.decomposition)[::3]
    monkeypatch.setattr(ridge, "SETS_AT_ONCE", 3)
    monkeypatch.setattr(ridge, "CACHE_BYTES", 8 * 40 * 4 * 2)
    fit = readouts.fit(sets, 4, penalties, select)
    kept = penalties.size if select is None else 1
    assert fit.coefficients.shape == (7 * kept, readouts.decomposition.values.size, 4)
    assert fit.criterion.shape == (7, penalties.size)
    assert fit.select == (select or "all")
    decisions, predicted = readouts.decisions(fit, shown), readouts.predict(fit, shown)
    np.testing.assert_array_equal(predicted, decisions.argmax(axis=2))
    np.testing.assert_allclose(readouts.accuracy(fit, shown, codes[:40]), (predicted == codes[:40]).mean(axis=1))
    np.testing.assert_array_equal(readouts.decisions(fit, shown, [4, 2]), decisions[[4, 2]])
    np.testing.assert_array_equal(readouts.decisions(fit, shown, 5), decisions[5:6])
    for which, labels in enumerate(sets):
        for offset in range(kept):
            row = which * kept + offset
            if select is None:
                assert fit.penalty[row] == penalties[offset]
            else:
                assert fit.penalty[row] == penalties[fit.criterion[which].argmin()]
            one = RidgeClassifier(alpha=fit.penalty[row]).fit(x, labels).decision_function(test)
            np.testing.assert_allclose(decisions[row], one, atol=1e-6 * np.abs(one).max())


def test_a_class_without_training_images_is_least_likely():
    x, codes, test = problem()
    readouts = readouts_of(x)
    fit = readouts.fit(codes, 5, 1.0)
    decisions = readouts.decisions(fit, readouts.decomposition.project(test))[0]
    np.testing.assert_allclose(decisions[:, 4], -1, atol=1e-12)
    four = readouts.decisions(readouts.fit(codes, 4, 1.0), readouts.decomposition.project(test))[0]
    np.testing.assert_allclose(decisions[:, :4], four, atol=1e-12)


def test_equal_decisions_go_to_the_first_class():
    x = np.array([[-1.0], [1.0], [-1.0], [1.0]])
    readouts = readouts_of(x)
    fit = readouts.fit(np.array([0, 0, 1, 1]), 2, 1.0)  # nothing to learn: all decisions are 0
    np.testing.assert_array_equal(readouts.predict(fit, readouts.decomposition.project(x)), np.zeros((1, 4)))
    expected = RidgeClassifier(alpha=1.0).fit(x, [0, 0, 1, 1]).predict(x)
    np.testing.assert_array_equal(expected, np.zeros(4))


def test_more_classes_than_a_byte_counts():
    rng = np.random.default_rng(0)
    codes = np.tile(np.arange(200), 2)
    x = np.eye(200)[codes] + 0.01 * rng.normal(size=(400, 200))
    readouts = readouts_of(x)
    fit = readouts.fit(codes, 200, 1e-3)
    np.testing.assert_array_equal(readouts.predict(fit, readouts.projected)[0], codes)


def test_default_penalties_follow_the_scale():
    x, _, _ = problem()
    one, large = (default_penalties(decompose(factor * x)) for factor in (1, 10))
    np.testing.assert_allclose(large, 100 * one, rtol=1e-9)
    np.testing.assert_allclose(one[-1] / one[0], 1e9)
    scatter = np.linalg.eigvalsh(np.cov(x.T) * (len(x) - 1))
    np.testing.assert_allclose(np.sqrt(one[0] * one[-1]), scatter.mean() * np.sqrt(1e-3), rtol=1e-9)


@given(seed=st.integers(0, 500), wide=st.booleans(), shift=st.floats(-50, 50), scale=st.floats(0.05, 20))
def test_what_changes_nothing(seed, wide, shift, scale):
    """Rotated neuroids, images in another order, a constant added, features and penalties scaled together."""
    x, codes, test = problem("wide" if wide else "tall", 3, seed)
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.normal(size=(x.shape[1],) * 2))[0]
    order = rng.permutation(len(x))
    penalties = np.array([0.03, 1.0, 40.0])
    decisions, criteria = [], []
    for given_, labels, shown, factor in (
        (x, codes, test, 1.0),
        (scale * (x[order] @ rotation + shift), codes[order], scale * (test @ rotation + shift), scale**2),
    ):
        readouts = readouts_of(given_)
        fit = readouts.fit(labels, 3, penalties * factor, None)
        decisions.append(readouts.decisions(fit, readouts.decomposition.project(shown)))
        criteria.append(fit.criterion)
    np.testing.assert_allclose(decisions[1], decisions[0], atol=1e-6)
    np.testing.assert_allclose(criteria[1], criteria[0], rtol=1e-6)


@given(seed=st.integers(0, 500))
def test_names_of_classes_do_not_matter(seed):
    x, codes, test = problem("tall", 4, seed)
    renamed = np.random.default_rng(seed).permutation(4)
    readouts = readouts_of(x)
    shown = readouts.decomposition.project(test)
    fit = readouts.fit(np.stack([codes, renamed[codes]]), 4, default_penalties(readouts.decomposition))
    one, two = readouts.decisions(fit, shown)
    np.testing.assert_allclose(two[:, renamed], one, atol=1e-9)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"codes": np.zeros(149, dtype=int)}, "149 labels for 150 training rows"),
        ({"codes": np.full(150, 4)}, "codes run from 4 to 4; expected 0 to 3"),
        ({"codes": np.full(150, -1)}, "codes run from -1 to -1"),
        ({"codes": np.zeros(150)}, "dtype float64; expected whole numbers"),
        ({"codes": np.zeros((2, 2, 150), dtype=int)}, "expected whole numbers"),
        ({"n_classes": 1}, "tells at least 2 classes apart"),
        ({"penalties": 0.0}, "penalties are 0.0; expected one or more positive"),
        ({"penalties": []}, "expected one or more positive"),
        ({"penalties": [1.0, np.nan]}, "expected one or more positive"),
        ({"penalties": "large"}, "penalties are 'large'"),
        ({"select": "aic"}, "select is 'aic'"),
    ],
)
def test_bad_input(changes, message):
    x, codes, _ = problem()
    with pytest.raises(na.InputError, match=message):
        readouts_of(x).fit(**{"codes": codes, "n_classes": 4, "penalties": [1.0], **changes})


def test_projections_of_other_features_are_refused():
    x, _, test = problem()
    decomposition = decompose(x)
    with pytest.raises(na.InputError, match="shape \\(40, 30\\), the decomposition is of 150 rows"):
        RidgeReadouts(decomposition, decomposition.project(test))
