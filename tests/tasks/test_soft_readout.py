"""The labelled readout of label distributions: numbers of the kernel and of na.readout, rows left out, bad input."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import neuroalpha as na
from neuroalpha.tasks.scores import softmax
from neuroalpha.tasks.soft_labels import label_entropy
from neuroalpha.tasks.soft_readout import soft_readout

K = 3
MIX = np.random.default_rng(7).normal(size=(6, K))


def population(n=150, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 6))
    labels = softmax(1.5 * x @ MIX + 0.5 * rng.normal(size=(n, K)))
    return na.make_assembly(x, stimulus_id=np.arange(n) + 1000 * seed, attrs={"identifier": f"net {seed}"}), labels


@pytest.fixture(scope="module")
def sets():
    return *population(), *population(120, seed=1)


def one_hot(labels):
    return np.eye(K)[labels.argmax(axis=1)]


def test_scores_by_hand(sets):
    train, learned, test, told = sets
    result = soft_readout(
        train, learned, test, {"human": told, "class": one_hot(told)}, classes=["a", "b", "c"], n_boot=50
    )
    probability = result.probability.values
    np.testing.assert_allclose(probability.sum(axis=1), 1)
    best = probability.argmax(axis=1)
    for name, target in (("human", told), ("class", one_hot(told))):
        of = result.sel(target=name)
        assert float(of.cross_entropy) == pytest.approx(-(target * np.log(probability)).sum(axis=1).mean())
        assert float(of.accuracy) == pytest.approx(target[np.arange(120), best].mean())
        assert float(of.divergence) == pytest.approx(float(of.cross_entropy) - label_entropy(target).mean())
        assert float(of.cross_entropy_low) < float(of.cross_entropy) < float(of.cross_entropy_high)
        assert float(of.accuracy_low) < float(of.accuracy) < float(of.accuracy_high)
    assert float(result.sel(target="human").divergence) > 0
    assert list(result["class"].values) == ["a", "b", "c"]
    assert (result.attrs["n_train"], result.attrs["n_test"]) == (150, 120)
    assert all(isinstance(value, (str, int, float)) for value in result.attrs.values())


def test_interval_of_the_divergence_is_that_of_its_images(sets):
    """Unsure images have a large cross-entropy: without their own entropy less is left to vary from one to another."""
    train, learned, test, told = sets
    found = soft_readout(train, learned, test, told, n_boot=4000)
    random = np.random.default_rng(5)
    each = (told * np.log(told / found.probability.values)).sum(axis=1)
    drawn = np.array([each[random.integers(0, 120, 120)].mean() for _ in range(4000)])
    assert float(found.divergence) == pytest.approx(each.mean())
    ends = each.mean() + np.array([-1.96, 1.96]) * drawn.std()
    width = ends[1] - ends[0]
    np.testing.assert_allclose([found.divergence_low, found.divergence_high], ends, atol=0.04 * width)
    np.testing.assert_allclose([found.divergence_low, found.divergence_high], np.quantile(drawn, [0.025, 0.975]),
                               atol=0.1 * width)  # fmt: skip
    shifted = float(found.cross_entropy_high - found.cross_entropy_low)
    assert shifted > 1.5 * width  # the interval of the cross-entropy, moved, would be another one


def test_divergence_from_one_hot_labels_is_the_cross_entropy(sets):
    train, learned, test, told = sets
    found = soft_readout(train, learned, test, one_hot(told), n_boot=100)
    for end in ("", "_low", "_high"):
        assert float(found[f"divergence{end}"]) == pytest.approx(float(found[f"cross_entropy{end}"]), rel=1e-12)


def test_one_hot_labels_give_the_numbers_of_readout(sets):
    train, learned, test, told = sets
    name = np.array(["0", "1", "2"])
    labelled = [
        each.assign_coords(label=("presentation", name[t.argmax(axis=1)]))
        for each, t in ((train, learned), (test, told))
    ]
    expected = na.readout(*labelled, classifier="logistic", n_boot=0)
    found = soft_readout(train, one_hot(learned), test, one_hot(told), n_boot=0)
    assert float(found.accuracy) == float(expected.accuracy)
    assert float(found.cross_entropy) == pytest.approx(float(expected.nll), abs=2e-3)
    assert float(found.brier) == pytest.approx(float(expected.brier), abs=2e-3)
    assert found.attrs["penalty"] == pytest.approx(expected.attrs["penalty"])
    np.testing.assert_allclose(found.eigenvalue, na.eigenspectrum(train, n_draws=0).eigenvalue)
    assert np.isnan(float(found.accuracy_low))
    assert na.fit_alpha(found, (1, 3)).estimator == "pca"


def test_soft_labels_teach_more_than_their_largest_class(sets):
    """Labels come from a softmax of the features: only distributions show how steep it is."""
    train, learned, test, told = sets
    soft, hard = (soft_readout(train, labels, test, told, n_boot=0) for labels in (learned, one_hot(learned)))
    assert float(soft.divergence) < 0.7 * float(hard.divergence)


def test_counts_serve_as_labels_and_seeds_repeat(sets):
    train, learned, test, told = sets
    one = soft_readout(train, learned, test, told, seed=3, n_boot=20)
    other = soft_readout(train, 7 * learned, test, 2 * told, seed=3, n_boot=20)
    xr.testing.assert_allclose(one, other)
    xr.testing.assert_identical(one, soft_readout(train, learned, test, told, seed=3, n_boot=20))


def test_blank_images_go_with_their_labels(sets):
    train, learned, test, told = sets
    gone = train.copy(deep=True)
    gone[[0, 40]] = np.nan
    shown = test.copy(deep=True)
    shown[5] = np.nan
    kept, seen = np.delete(np.arange(150), [0, 40]), np.delete(np.arange(120), 5)
    with pytest.warns(UserWarning, match="are NaN in every neuroid"):
        found = soft_readout(gone, learned, shown, told, n_boot=0)
    expected = soft_readout(train[kept], learned[kept], test[seen], told[seen], n_boot=0)
    assert float(found.cross_entropy) == pytest.approx(float(expected.cross_entropy), abs=1e-12)
    np.testing.assert_array_equal(found.row, seen)


def test_saved_and_loaded(sets, tmp_path):
    train, learned, test, told = sets
    result = soft_readout(train, learned, test, {"human": told, "class": one_hot(told)}, classes=list("abc"), n_boot=0)
    na.save(result, tmp_path / "readout.nc")
    xr.testing.assert_allclose(na.load(tmp_path / "readout.nc"), result)


def test_a_solver_that_stops_early_is_told(sets, monkeypatch):
    train, learned, test, told = sets
    monkeypatch.setattr("neuroalpha.tasks.soft_logistic.MAX_ITERATIONS", 2)
    with pytest.warns(UserWarning, match="has not converged in 2 steps"):
        result = soft_readout(train, learned, test, told, n_boot=0, penalties=1e-3)
    assert result.attrs["converged"] == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a, p, b, q: (a, p[:-1], b, q), "train_labels has 149 rows, but there are 150 presentations"),
        (lambda a, p, b, q: (a, p, b, q[:-1]), "test_labels has 119 rows, but there are 120"),
        (lambda a, p, b, q: (a, p, b, q[:, :2]), r"training and test labels have \[2, 3\] classes"),
        (lambda a, p, b, q: (a, p * [1, 1, 0], b, q), "class 2 has no weight in the training labels"),
        (lambda a, p, b, q: (a, -p, b, q), "row 0 are negative"),
        (lambda a, p, b, q: (a, p, b, {}), "test_labels is empty"),
        (lambda a, p, b, q: (a, p, b[:, :4], q), "training responses are of 6 neuroids, test responses of 4"),
        (lambda a, p, b, q: (a * 0 + 1, p, b, q), "never var"),
        (lambda a, p, b, q: (a.where(a < 2, np.inf), p, b, q), "infinite"),
    ],
)
def test_bad_input(sets, change, message):
    with pytest.raises(na.InputError, match=message) as told:
        soft_readout(*change(*sets), n_boot=0)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"classes": ["a", "b"]}, "classes= names 2 classes, but labels have 3 columns"),
        ({"classes": ["a", "b", "b"]}, "classes= names 2 classes"),
        ({"penalties": -1.0}, "penalt"),
        ({"level": 2}, "level is 2"),
        ({"n_boot": -1}, "n_boot is -1"),
        ({"seed": None}, "seed is None"),
    ],
)
def test_bad_options(sets, options, message):
    with pytest.raises(na.InputError, match=message):
        soft_readout(*sets, **options)
