"""na.readout: scores against scikit-learn, the spectrum in the result, classes by name, what is left out or refused."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import RidgeClassifier, RidgeClassifierCV
from sklearn.metrics import balanced_accuracy_score
from statsmodels.stats.proportion import proportion_confint

import neuroalpha as na
from neuroalpha.tasks.readout import fit_readout, readout

NAMES = np.array(["cat", "dog", "fox", "owl"])


def responses(n=200, p=12, seed=0, names=NAMES, **kwargs):
    rng = np.random.default_rng(seed)
    codes = np.r_[np.arange(names.size), rng.integers(names.size, size=n - names.size)]
    centres = np.random.default_rng(99).normal(size=(4, p))
    x = rng.normal(size=(n, p)) * np.arange(1, p + 1) ** -0.3 + 0.8 * centres[np.searchsorted(NAMES, names[codes])] + 4
    return na.make_assembly(x, stimulus_id=np.arange(n), presentation={"label": names[codes]}, **kwargs)


@pytest.mark.parametrize("p", [12, 300])
def test_ridge_against_scikit_learn(p):
    train, test = responses(p=p), responses(150, p, seed=1)
    result = readout(train, test, penalties=[0.5, 50.0, 5000.0], select="loo", n_boot=50)
    expected = RidgeClassifierCV(alphas=[0.5, 50.0, 5000.0], store_cv_results=True).fit(train.values, train.label)
    predicted = expected.predict(test.values)
    assert result.attrs["penalty"] == expected.alpha_
    np.testing.assert_allclose(result.criterion, expected.cv_results_.mean(axis=(0, 1)), rtol=1e-6)
    np.testing.assert_array_equal(result.penalty, [0.5, 50.0, 5000.0])
    assert float(result.accuracy) == expected.score(test.values, test.label)
    assert float(result.balanced_accuracy) == pytest.approx(balanced_accuracy_score(test.label, predicted))
    for which, name in enumerate(NAMES):
        mine = (test.label == name).values
        right = int((predicted[mine] == name).sum())
        low, high = proportion_confint(right, int(mine.sum()), method="wilson")
        one = result.sel({"class": name})
        assert int(one.n_class) == mine.sum()
        np.testing.assert_allclose([one.class_accuracy, one.class_accuracy_low, one.class_accuracy_high],
                                   [right / mine.sum(), low, high])  # fmt: skip
        assert str(result["class"].values[which]) == name
    low, high = proportion_confint(int((predicted == test.label).sum()), 150, method="wilson")
    np.testing.assert_allclose([result.accuracy_low, result.accuracy_high], [low, high])


@pytest.mark.parametrize("classifier", ["ridge", "logistic", "knn"])
def test_every_classifier_says_how_well_and_how_it_was_made(classifier, tmp_path):
    train = responses(attrs={"identifier": "toy", "source": "test", "layer": "conv"})
    test = responses(100, seed=1)
    result = readout(train, test, classifier=classifier, n_boot=100, seed=3)
    for name in ("accuracy", "balanced_accuracy", "calibration_error", "brier", "nll"):
        assert float(result[f"{name}_low"]) <= float(result[name]) <= float(result[f"{name}_high"])
    assert float(result.accuracy) > 0.4
    wanted = {
        "classifier": classifier, "identifier": "toy", "layer": "conv", "n_train": 200, "n_test": 100, "n_classes": 4,
        "n_neuroids": 12, "n_boot": 100, "seed": 3, "level": 0.95, "n_test_dropped": 0, "classes_dropped": "",
    }  # fmt: skip
    assert {name: result.attrs[name] for name in wanted} == wanted
    assert ("eigenvalue" in result) == ("criterion" in result) == (classifier != "knn")
    assert result.identical(readout(train, test, classifier=classifier, n_boot=100, seed=3))
    result.to_netcdf(tmp_path / "readout.nc", engine="h5netcdf")


@pytest.mark.parametrize("shape", [(300, 60), (100, 200)])
def test_alpha_of_the_result_is_that_of_the_spectrum(shape):
    train, test = responses(*shape), responses(60, shape[1], seed=1)
    result, spectrum = readout(train, test, n_boot=0), na.eigenspectrum(train, n_draws=0)
    np.testing.assert_allclose(result.eigenvalue, spectrum.eigenvalue, rtol=1e-9)
    np.testing.assert_array_equal(result["rank"], spectrum["rank"])
    one, two = na.fit_alpha(result, (4, 20)), na.fit_alpha(spectrum, (4, 20))
    assert one.alpha == pytest.approx(two.alpha, rel=1e-9)
    for name in ("estimator", "n_stimuli", "n_neuroids", "center", "identifier"):
        assert getattr(one, name) == getattr(two, name)


@pytest.mark.parametrize("classifier", ["ridge", "knn"])
def test_lazy_gives_the_same(classifier):
    pytest.importorskip("dask.array")
    train, test = responses(), responses(100, seed=1)
    expected = readout(train, test, classifier=classifier, n_boot=20)
    found = readout(train.chunk({"presentation": 30}), test.chunk({"neuroid": 5}), classifier=classifier, n_boot=20)
    for name in expected.data_vars:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-8, atol=1e-12)


def test_a_shift_with_fewer_and_other_classes():
    """Answers are among the classes that training and test share; other test images are left out; both are told."""
    train = responses()
    test = responses(120, seed=1)
    test = test.assign_coords(label=("presentation", np.where(test.label == "fox", "yak", test.label)))
    with pytest.warns(UserWarning, match="are left out|no test image") as told:
        result = readout(train, test, penalties=2.0, n_boot=20)
    texts = " ".join(str(one.message) for one in told)
    assert "their classes 'yak' are not among" in texts
    assert "1 of 4 classes have no test image: 'fox'" in texts
    kept = (test.label != "yak").values
    decisions = RidgeClassifier(alpha=2.0).fit(train.values, train.label).decision_function(test.values[kept])
    expected = NAMES[[0, 1, 3]][decisions[:, [0, 1, 3]].argmax(axis=1)] == test.label.values[kept]
    assert float(result.accuracy) == expected.mean()
    assert result["class"].values.tolist() == ["cat", "dog", "owl"]
    assert (result.attrs["n_test"], result.attrs["n_test_dropped"]) == (kept.sum(), (~kept).sum())
    assert (result.attrs["classes_dropped"], result.attrs["classes_absent"]) == ("yak", "fox")


def test_missing_and_blank_presentations_are_left_out():
    train, test = responses(), responses(100, seed=1)
    spoiled = responses(230)
    x = spoiled.values.copy()
    x[200:210] = np.nan
    spoiled = spoiled.copy(data=x).assign_coords(blank=("presentation", np.arange(230) >= 210))
    clean = spoiled.isel(presentation=slice(0, 200))
    expected = readout(clean, test, n_boot=0)
    with pytest.warns(
        UserWarning, match="10 of 210 training images are NaN in every neuroid and are left out: stimulus"
    ):
        found = readout(spoiled, test, n_boot=0)
    assert float(found.nll) == pytest.approx(float(expected.nll))
    assert found.attrs["n_train"] == 200
    one = test.copy(data=np.where(np.arange(100)[:, None] == 7, np.nan, test.values))
    with pytest.warns(
        UserWarning, match="1 of 100 test images are NaN in every neuroid and are left out: stimulus_id '7'"
    ):
        assert readout(train, one, n_boot=0).attrs["n_test"] == 99


def test_single_missing_entries_count_as_the_mean():
    train, test = responses(), responses(100, seed=1)
    holes = np.random.default_rng(0).random(test.shape) < 0.02
    with_holes = test.copy(data=np.where(holes, np.nan, test.values))
    filled = test.copy(data=np.where(holes, train.values.mean(axis=0), test.values))
    assert float(readout(train, with_holes, n_boot=0).nll) == pytest.approx(float(readout(train, filled, n_boot=0).nll))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda a, b: (a.drop_vars("label"), b), "the training images have no coordinate 'label'"),
        (
            lambda a, b: (a, b.drop_vars("label").assign_coords(labels=("presentation", b.label.values))),
            "did you mean 'labels'",
        ),
        (lambda a, b: (a, b.drop_vars("label").assign_coords(label=("neuroid", np.arange(12)))), "lies along"),
        (lambda a, b: (a, b.isel(neuroid=slice(0, 5))), "training responses are of 12 neuroids, test responses of 5"),
        (lambda a, b: (a, b.isel(neuroid=slice(None, None, -1))), "12 of 12 neuroids differ .* '00' against '11'"),
        (lambda a, b: (a, b.copy(data=np.where(np.eye(*b.shape) > 0, np.inf, b))), "test image 0 .* infinite"),
        (lambda a, b: (a.copy(data=np.where(np.eye(*a.shape) > 0, np.inf, a)), b), "training image 0 .* infinite"),
        (lambda a, b: (a.copy(data=np.ones(a.shape)), b), "all 12 neuroids are constant"),
        (lambda a, b: (a.where(False), b), "all 200 training images are NaN in every neuroid"),
        (lambda a, b: (a, b.isel(presentation=slice(0, 0))), "there are no test responses"),
        (lambda a, b: (a.isel(presentation=(a.label == "cat").values), b), r"one class only \('cat'\)"),
        (lambda a, b: (a, b.isel(presentation=(b.label == "cat").values)), "share 1 of 4 and 1 classes"),
        (lambda a, b: (a.assign_coords(label=("presentation", np.full(200, np.nan))), b), "200 of 200 training labels"),
        (lambda a, b: (a.values, b), "expected an assembly"),
    ],
)
def test_bad_input(spoil, message):
    with pytest.raises(na.InputError, match=message):
        readout(*spoil(responses(), responses(100, seed=1)))


@pytest.mark.parametrize(
    "bad", [{"classifier": "svm"}, {"select": "aic"}, {"n_boot": -1}, {"level": 2}, {"seed": None}, {"penalties": [0]}]
)
def test_bad_options_are_refused_first(bad):
    with pytest.raises(na.InputError, match=f"{next(iter(bad))} (is|are) "):
        readout(None, None, **bad)  # type: ignore[arg-type]


def test_the_fitted_readout_says_the_same():
    train, test = responses(), responses(100, seed=1)
    result = readout(train, test, n_boot=0)
    correct = fit_readout(train.values, train.label.values).correct(test.values, test.label.values)
    assert correct.mean() == float(result.accuracy)
