"""Noise robustness against readouts refitted by scikit-learn one label set at a time, and its invariances."""

from __future__ import annotations

import re
import subprocess
import sys
import warnings

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import RidgeClassifier

import neuroalpha as na
from neuroalpha.tasks.decomposition import decompose
from neuroalpha.tasks.label_noise import asymmetric, instance_dependent, symmetric
from neuroalpha.tasks.noise_curve import noise_curve

NAMES = np.array(["cat", "dog", "frog", "hen"])
LEVELS = [0.0, 0.2, 0.5]


def responses(n, p=12, seed=0, names=NAMES, signal=1.2):
    rng = np.random.default_rng(seed)
    codes = rng.integers(len(names), size=n)
    centres = np.random.default_rng(99).normal(size=(len(names), p)) * signal
    x = (centres[codes] + rng.normal(size=(n, p))) * np.arange(1, p + 1) ** -0.5 + 3
    attrs = {"identifier": "toy", "layer": "last"}
    return na.make_assembly(x, stimulus_id=np.arange(n), presentation={"label": names[codes]}, attrs=attrs)


def run(train, test, **options):
    return na.noise_robustness(
        train, test, **{"levels": LEVELS, "n_seeds": 2, "n_boot": 0, "progress": False} | options
    )


@pytest.fixture(scope="module")
def data():
    return responses(150), responses(90, seed=1)


def codes_of(assembly):
    return np.searchsorted(NAMES, assembly["label"].values)


def label_set(kind, codes, level, draw, features):
    """Labels as the docstrings describe them: from the seed (7), the kind and the draw."""
    if kind == "symmetric":
        return symmetric(codes, level, 4, np.random.default_rng([7, 0, draw]))
    if kind == "asymmetric":
        return asymmetric(codes, level, None, 4, np.random.default_rng([7, 1, draw]))
    return instance_dependent(features, codes, level, 4, np.random.default_rng([7, 2, draw]))


@pytest.mark.parametrize("select", ["gcv", "loo"])
def test_equals_scikit_learn_refitted_for_each_label_set(data, select):
    train, test = data
    codes, true = codes_of(train), codes_of(test)
    people = np.where(np.arange(150) % 7 == 0, (codes + 1) % 4, codes)
    found = run(train, test, seed=7, select=select, human={"people": NAMES[people]}, penalties=[0.1, 10.0, 300.0])
    assert dict(found.sizes) == {"noise": 3, "level": 3, "draw": 2, "human": 1}
    sets = [
        (found.sel(noise=kind, level=level, draw=draw), "", label_set(kind, codes, level, draw, train.values))
        for kind in ("symmetric", "asymmetric", "instance")
        for level in LEVELS
        for draw in (0, 1)
    ]
    for at, prefix, noisy in [*sets, (found.sel(human="people"), "human_", people)]:
        penalty = float(at[f"{prefix}penalty"])
        assert penalty in (0.1, 10.0, 300.0)
        model = RidgeClassifier(alpha=penalty).fit(train.values, noisy)
        assert float(at[f"{prefix}accuracy"]) == pytest.approx(np.mean(model.predict(test.values) == true))
        wrong = noisy != codes
        assert float(at[f"{prefix}wrong"]) == pytest.approx(wrong.mean())
        if wrong.any():
            again = model.predict(train.values)[wrong]
            assert float(at[f"{prefix}memorisation"]) == pytest.approx(np.mean(again == noisy[wrong]))
            assert float(at[f"{prefix}clean_fit"]) == pytest.approx(np.mean(again == codes[wrong]))
        else:
            assert np.isnan([float(at["memorisation"]), float(at["clean_fit"])]).all()


def test_summaries_follow_from_the_accuracies(data):
    train, test = data
    people = np.roll(train["label"].values, 1)
    found = run(train, test, n_boot=200, human={"rolled": people, "true": train["label"].values})
    accuracy = found["accuracy"].mean("draw")
    xr.testing.assert_allclose(found["accuracy_mean"], accuracy)
    clean = float(found["clean_accuracy"])
    assert (found["accuracy"].sel(level=0) == clean).all()
    np.testing.assert_allclose(found["noise_drop"], clean - accuracy)
    area = np.trapezoid if hasattr(np, "trapezoid") else np.trapz  # noqa: NPY201 - its name in numpy 1
    np.testing.assert_allclose(found["noise_area"], area(accuracy, LEVELS, axis=1) / 0.5)
    np.testing.assert_allclose(found["noise_area_relative"], found["noise_area"] / clean)
    assert found["human_accuracy"].sel(human="true") == clean
    assert found["human_drop"].sel(human="true") == found["human_drop_high"].sel(human="true") == 0
    assert found["human_drop"].sel(human="rolled") == pytest.approx(clean - found["human_accuracy"].values[0])
    for name in (
        "accuracy_mean",
        "noise_drop",
        "noise_area",
        "noise_area_relative",
        "clean_accuracy",
        "human_accuracy",
    ):
        low, value, high = (found[name + end] for end in ("_low", "", "_high"))
        assert bool(((low <= value) & (value <= high)).all()), name
    assert float((found["accuracy_mean_high"] - found["accuracy_mean_low"]).min()) > 0.02
    assert (found["noise_drop_high"].sel(level=0) == 0).all()  # the same images: no drop, no interval
    half = 1.96 * np.sqrt(clean * (1 - clean) / 90)
    assert float(found["clean_accuracy_high"] - found["clean_accuracy_low"]) == pytest.approx(2 * half, rel=0.25)


def test_says_how_it_was_made_and_can_be_saved(data, tmp_path):
    found = run(*data, penalties=[1.0, 2.0], seed=3)
    told = {"identifier": "toy", "layer": "last", "n_train": 150, "n_test": 90, "n_neuroids": 12, "n_classes": 4}
    assert told.items() <= found.attrs.items()
    assert (found.attrs["penalties"], found.attrs["penalties_from"], found.attrs["seed"]) == ("1, 2", "given", 3)
    assert found.attrs["pairs"] == "next class"
    assert found.attrs["instance_features"] == "training responses"
    assert all(isinstance(value, str | int | float) for value in found.attrs.values())
    na.save(found, tmp_path / "noise.nc")
    again = na.load(tmp_path / "noise.nc")
    xr.testing.assert_allclose(again["noise_area"], found["noise_area"])
    assert again["noise"].values.tolist() == ["symmetric", "asymmetric", "instance"]


def test_what_is_asked_besides_changes_no_number(data):
    train, test = data
    every = run(train, test, n_boot=20)
    few = run(train, test, noises=["instance"], levels=[0.5], n_seeds=1)
    assert few["level"].values.tolist() == [0, 0.5]  # 0 is added
    xr.testing.assert_identical(
        few["accuracy"].drop_vars("noise"),
        every["accuracy"].sel(noise=["instance"], level=[0, 0.5], draw=[0]).drop_vars("noise"),
    )
    xr.testing.assert_identical(run(train, test, n_boot=20), every)
    other = run(train, test, seed=1)
    assert not other["accuracy"].sel(level=0.5).equals(every["accuracy"].sel(level=0.5))
    assert other["clean_accuracy"] == every["clean_accuracy"]


def test_other_models_get_the_same_labels_from_the_same_features(data):
    train, test = data
    pixels = np.random.default_rng(0).normal(size=(150, 5))
    one = run(train, test, instance_features=pixels)
    two = run(train**2, test**2, instance_features=pixels)
    np.testing.assert_array_equal(one["wrong"], two["wrong"])
    assert one.attrs["instance_features"] == "given, 5 for each image"
    own = run(train, test)
    assert own["accuracy"].sel(noise="symmetric").equals(one["accuracy"].sel(noise="symmetric"))
    assert not own["accuracy"].sel(noise="instance").equals(one["accuracy"].sel(noise="instance"))


@settings(max_examples=12)
@given(seed=st.integers(0, 99), scale=st.floats(0.01, 100))
def test_rotation_and_scale_of_neuroids_and_names_of_classes_do_not_matter(seed, scale):
    train, test = responses(80, 6, seed), responses(70, 6, seed + 100)
    rng = np.random.default_rng(seed)
    turn = scale * np.linalg.qr(rng.normal(size=(6, 6)))[0]
    order = rng.permutation(4)
    names = dict(zip(NAMES, NAMES[order], strict=True))

    def changed(assembly):
        label = [names[name] for name in assembly["label"].values]
        return assembly.copy(data=assembly.values @ turn).assign_coords(label=("presentation", label))

    pairs = {"cat": "dog", "frog": "hen", "hen": "cat"}
    options = {"noises": ["asymmetric"], "n_seeds": 1}
    one = run(train, test, pairs=pairs, **options)
    two = run(changed(train), changed(test), pairs={names[a]: names[b] for a, b in pairs.items()}, **options)
    np.testing.assert_allclose(one["accuracy"], two["accuracy"], atol=1.01 / 70)  # an image may sit on a boundary
    np.testing.assert_allclose(one["memorisation"], two["memorisation"], atol=0.06)
    assert one["wrong"].values.tolist() == two["wrong"].values.tolist()


def test_a_readout_that_fits_everything_memorises_and_one_that_sees_nothing_does_not():
    train, test = responses(40, 60), responses(40, 60, seed=1)
    found = run(train, test, penalties=[1e-8], levels=[0, 0.4])
    assert (found["memorisation"].sel(level=0.4) == 1).all()
    assert (found["clean_fit"].sel(level=0.4) == 0).all()
    train, test = responses(4000, 3, signal=0), responses(500, 3, signal=0)
    found = run(train, test, noises=["symmetric"], levels=[0, 0.4])
    np.testing.assert_allclose(found["memorisation"].sel(level=0.4), 0.25, atol=0.08)
    np.testing.assert_allclose(found["clean_fit"].sel(level=0.4), 0.25, atol=0.08)


def test_asymmetric_noise_above_a_half_turns_the_pair_around():
    names = np.array(["cat", "dog"])
    found = run(
        responses(400, names=names, signal=3), responses(200, names=names, signal=3), levels=[0.3, 0.7],
        noises="asymmetric", pairs={"cat": "dog", "dog": "cat"}, instance_features=None,
    )  # fmt: skip
    accuracy = found["accuracy_mean"].values[0]
    assert accuracy[0] > 0.95
    assert accuracy[1] > 0.9
    assert accuracy[2] < 0.1


def test_classes_that_differ_between_training_and_test(data):
    train, test = data
    odd = test.assign_coords(label=("presentation", np.where(np.arange(90) < 20, "ox", test["label"].values)))
    with pytest.warns(UserWarning, match="20 of 90 test images are left out.*'ox'"):
        found = run(train, odd)
    np.testing.assert_array_equal(found["accuracy"], run(train, test[20:])["accuracy"])
    assert found.attrs["classes_dropped"] == "ox"
    known = test[test["label"].values != "dog"]
    with pytest.warns(UserWarning, match="have no test image: 'dog'"):
        found = run(train, known, noises=["symmetric"], penalties=[2.0])
    noisy = label_set_of_seed_zero(codes_of(train))
    decisions = RidgeClassifier(alpha=2.0).fit(train.values, noisy).decision_function(known.values)
    decisions[:, 1] = -np.inf
    assert float(found["accuracy"][0, 2, 0]) == pytest.approx(np.mean(decisions.argmax(axis=1) == codes_of(known)))


def label_set_of_seed_zero(codes):
    return symmetric(codes, 0.5, 4, np.random.default_rng([0, 0, 0]))


def test_array_level_is_the_labelled_one(data):
    train, test = data
    found = decompose(train.values)
    z, y = found.project(train.values), found.project(test.values)
    people = {"people": np.zeros(150, dtype=int)}
    curve = noise_curve(
        found, z, codes_of(train), y, codes_of(test), 4, levels=LEVELS, n_seeds=2, n_boot=30, features=train.values,
        human=people,
    )  # fmt: skip
    labelled = run(train, test, n_boot=30, human={"people": NAMES[people["people"]]})
    xr.testing.assert_equal(curve, labelled)
    only = noise_curve(found, z, codes_of(train), y, codes_of(test), 4, noises=[], n_boot=0, human=people)
    assert only.sizes["noise"] == 0
    assert only["human_accuracy"].values == labelled["human_accuracy"].values
    with pytest.raises(na.InputError, match="give features="):
        noise_curve(found, z, codes_of(train), y, codes_of(test), 4)


def test_missing_responses_and_lazy_ones(data):
    train, test = data
    values = train.values.copy()
    values[3, 2] = np.nan
    mean = np.nanmean(values[:, 2])
    holed, mended = train.copy(data=values), train.copy(data=np.where(np.isnan(values), mean, values))
    xr.testing.assert_allclose(run(holed, test), run(mended, test))
    xr.testing.assert_allclose(run(train.chunk({"presentation": 40}), test.chunk({"neuroid": 5})), run(train, test))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"levels": [0, 1.2]}, "from 0 to below 1, got 1.2"),
        ({"noises": ["symetric"]}, "no noise 'symetric'; did you mean 'symmetric'"),
        ({"noises": []}, "no noise is asked for"),
        ({"noises": ["instance", "instance"]}, "names a kind twice"),
        ({"n_seeds": 0}, "n_seeds is 0; expected a whole number of at least 1"),
        ({"n_boot": -1}, "n_boot is -1"),
        ({"seed": None}, "seed is None"),
        ({"select": "best"}, "select is 'best'"),
        ({"penalties": [0.0]}, "expected one or more positive numbers"),
        ({"label": "lable"}, "training images have no coordinate 'lable' along 'presentation'; did you mean 'label'"),
        ({"human": {"few": ["cat"]}}, "there are 1 human \\(few\\) labels for 150"),
        ({"human": {"odd": ["ox"] * 150}}, "human labels 'odd' have classes that the training images lack: 'ox'"),
        ({"human": ["cat"] * 150}, "human is list; expected a dict"),
        ({"pairs": {"cat": "ox"}}, "pairs names 'ox'"),
        ({"instance_features": np.zeros((3, 2))}, "have shape \\(3, 2\\); expected a row for each of 150"),
        ({"instance_features": np.full((150, 2), np.nan)}, "300 features of instance noise are not finite"),
        ({"instance_features": [["a"]]}, "are no numbers"),
    ],
)
def test_bad_options(data, change, text):
    with pytest.raises(na.InputError, match=text) as error:
        run(*data, **change)
    assert "\n" not in str(error.value)


def test_bad_assemblies(data):
    train, test = data
    cats = train.assign_coords(label=("presentation", ["cat"] * 150))
    with pytest.raises(na.InputError, match="one class only"):
        run(cats, test)
    with pytest.raises(na.InputError, match="training responses are of 12 neuroids, test responses of 11"):
        run(train, test[:, 1:])
    with pytest.raises(na.InputError, match="the test images have no coordinate 'label'"):
        run(train, test.drop_vars("label"))
    with pytest.raises(na.InputError, match="labels are missing"):
        run(train.assign_coords(label=("presentation", ["", *train["label"].values[1:]])), test)
    with pytest.raises(na.InputError, match=r"training image 0 .* holds infinite values"):
        run(train.where(train < 3.5, np.inf), test)


def test_what_readout_refuses_is_refused_in_its_words(data):
    train, test = data
    reordered = test.assign_coords(neuroid_id=("neuroid", test["neuroid_id"].values[::-1]))
    inf = train.copy(data=np.where(np.arange(12) == 3, np.inf, train.values))
    for pair in (
        (train * 0 + 3, test),
        (train * np.nan, test),
        (train, test * np.nan),
        (inf, test),
        (train, reordered),
        (train[:, :0], test[:, :0]),
        (train.values, test),
        (train, test.values),
        (train.drop_vars("label"), test),
        (train.assign_coords(label=("presentation", np.arange(150) + 0.5)), test),
    ):
        with pytest.raises(na.InputError) as refused:
            na.readout(*pair)
        with pytest.raises(na.InputError, match=f"^{re.escape(str(refused.value))}$"):
            run(*pair)


def test_images_of_which_nothing_was_recorded_are_left_out_and_told(data):
    train, test = (each.copy(deep=True) for each in data)
    train[[3, 8]] = np.nan
    test[5] = np.nan
    kept, asked = np.delete(np.arange(150), [3, 8]), np.delete(np.arange(90), 5)
    people = np.roll(train["label"].values, 1)
    pixels = np.random.default_rng(0).normal(size=(150, 5))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = run(train, test, human={"rolled": people}, instance_features=pixels)
    told = [str(each.message) for each in caught]
    assert len(told) == 2
    assert "2 of 150 training images are NaN in every neuroid and are left out: stimulus_id '3', '8'" in told[0]
    assert "1 of 90 test images are NaN in every neuroid" in told[1]
    assert {each.filename for each in caught} == {__file__}
    wanted = run(train[kept], test[asked], human={"rolled": people[kept]}, instance_features=pixels[kept])
    xr.testing.assert_identical(found, wanted)
    with (
        pytest.warns(UserWarning, match="left out"),
        pytest.raises(na.InputError, match="148 human \\(rolled\\) labels for 150"),
    ):
        run(train, test, human={"rolled": people[kept]})


def test_constant_neuroids_are_told_and_counted(data):
    train, test = data
    flat = train.copy(data=np.where(np.arange(12) == 3, 1.0, train.values))
    with pytest.warns(UserWarning, match="1 of 12 neuroids are constant"):
        assert run(flat, test).attrs["n_constant"] == 1


def test_needs_no_torch():
    code = "import sys, neuroalpha.tasks.noise_curve, neuroalpha.tasks.human_noise; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
