"""Predictions for a labelled assembly: against readouts, invariants, labels that cannot be used."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import neuroalpha as na
from neuroalpha.tasks.labels import label_text
from neuroalpha.theory.generalisation import VARIANTS, predict_errors, predict_generalisation, variant_gaps
from neuroalpha.theory.labelled import classes
from neuroalpha.theory.ridge_error import generalisation_error


def assembly(n_images=400, n_neuroids=150, alpha=1.0, n_classes=4, seed=0, **coords):
    """Gaussian features with classes that follow a few of their directions."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n_images, n_neuroids)) * np.arange(1, n_neuroids + 1) ** (-alpha / 2)
    scores = x[:, :20] @ rng.standard_normal((20, n_classes)) + 0.3 * rng.standard_normal((n_images, n_classes))
    labels = np.array([f"class {c}" for c in range(n_classes)])[scores.argmax(axis=1)]
    return na.make_assembly(
        x, stimulus_id=np.arange(n_images), presentation={"label": labels, **coords}, attrs={"identifier": "simulated"}
    )


@pytest.mark.parametrize("n_neuroids", [60, 600])
def test_predicts_what_readouts_do(n_neuroids):
    found = predict_generalisation(
        assembly(n_neuroids=n_neuroids), n_train=[40, 100, 200, 350], measure=True, n_draws=20
    )
    np.testing.assert_allclose(found["error"], found["measured_error"], rtol=0.04)
    assert (np.diff(found["measured_accuracy"][:3]) > 0).all()
    gaps = variant_gaps(found).set_index("variant")
    assert list(gaps.index) == list(VARIANTS)
    assert gaps["log_gap"]["error"] < 0.03
    assert gaps["log_gap"]["error"] < gaps["log_gap"]["error_alpha_only"]
    assert gaps["ratio"]["error"] == pytest.approx(1, abs=0.03)


def test_variants_are_what_they_say():
    net = assembly()
    found = predict_generalisation(net, n_train=[50, 200], penalty=[0.01, 0.02], ranks=(5, 60))
    fit = na.fit_alpha(na.eigenspectrum(net, n_draws=0), (5, 60))
    assert found.attrs["alpha"] == pytest.approx(fit.alpha)
    assert (found.attrs["first"], found.attrs["last"]) == (5, 60)
    values, power = found["eigenvalue"].values, found["target_power"].values
    law = np.arange(1, values.size + 1) ** -fit.alpha
    law *= values.sum() / law.sum()
    how = {"n_images": 400, "intercept": True}
    rest = found.attrs["target_rest"]
    assert power.sum() + rest == pytest.approx(1)
    np.testing.assert_allclose(found["cumulative_power"], np.cumsum(power))
    for name, arguments, left in (
        ("error", (values, power), rest),
        ("error_alpha_only", (law, law), 0),
        ("error_spectrum_only", (values, values), 0),
        ("error_alignment", (law, power), rest),
    ):
        expected = [
            generalisation_error(*arguments, p, each, rest=left, **how).error[0]
            for p, each in ((50, 0.01), (200, 0.02))
        ]
        np.testing.assert_allclose(found[name], expected)
    np.testing.assert_allclose(found["penalty"], [0.01, 0.02])
    eigenvalue = na.eigenspectrum(net, n_draws=0)["eigenvalue"].values
    np.testing.assert_allclose(values, eigenvalue * 399 / 400)


def test_best_penalty_is_no_worse_than_others_and_one_for_all():
    net = assembly()
    best = predict_generalisation(net, n_train=[30, 200])
    for each in (1e-6, 1e-3, 1e-1, 10.0):
        assert (best["error"] <= predict_generalisation(net, n_train=[30, 200], penalty=each)["error"] * 1.001).all()
    again = predict_generalisation(net, n_train=[30, 200], penalty=best["penalty"].values)
    for name in VARIANTS:
        np.testing.assert_allclose(again[name], best[name])


@settings(max_examples=10)
@given(st.integers(0, 999), st.floats(0.01, 100), st.sampled_from([30, 120]))
def test_rotations_units_and_order_of_images_do_not_matter(seed, unit, n_neuroids):
    net = assembly(80, n_neuroids, seed=seed)
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.normal(size=(n_neuroids, n_neuroids)))[0]
    turned = net.copy(data=unit * net.values @ rotation).isel(presentation=rng.permutation(80))
    one, two = predict_generalisation(net), predict_generalisation(turned)
    for name in VARIANTS:
        np.testing.assert_allclose(two[name], one[name], rtol=1e-4)
    np.testing.assert_allclose(two["penalty"], unit**2 * one["penalty"], rtol=1e-6)
    assert two.attrs["alignment_exponent"] == pytest.approx(one.attrs["alignment_exponent"], abs=1e-3)


def test_labels_of_any_kind_and_their_names_do_not_matter():
    net = assembly(n_classes=3)
    codes = np.unique(net["label"].values, return_inverse=True)[1]
    renamed = net.assign_coords(kind=("presentation", 10 - codes))
    for name in VARIANTS:
        np.testing.assert_allclose(
            predict_generalisation(renamed, label="kind")[name], predict_generalisation(net)[name], rtol=1e-9
        )


def test_labels_are_read_as_readouts_read_them():
    for labels in (
        np.array([3.0, 10.0, 3.0]), np.array([3, 10, 3]), np.array(["3", "10 ", "3"]), np.array([b"3", b"10", b"3"]),
        np.array([3.0, 10, "3"], dtype=object), np.array([True, False, True]), np.float32([3, 10, 3]),
        np.array(["é".encode(), b"e", "é".encode()]),
    ):  # fmt: skip
        net = na.make_assembly(np.eye(3), stimulus_id=list("abc")).assign_coords(label=("presentation", labels))
        names, codes = classes(net, "label")
        assert names[codes].tolist() == label_text(labels, "training").tolist()


def test_averages_over_repeats_and_blanks():
    net = assembly(120, 40)
    twice = na.make_assembly(
        np.r_[net.values, net.values, np.full((1, 40), 9.0)],
        stimulus_id=[*range(120), *range(120), 999],
        presentation={"label": [*net["label"].values] * 2 + [""], "blank": [False] * 240 + [True]},
    )
    with pytest.raises(na.InputError, match=r"240 presentations show 120 images, .* average repeats first"):
        predict_generalisation(twice)
    averaged = na.repeats(twice.isel(presentation=slice(0, 240)), 1)[0]
    np.testing.assert_allclose(predict_generalisation(averaged)["error"], predict_generalisation(net)["error"])


def test_result_says_how_it_was_made_and_can_be_saved(tmp_path):
    found = predict_generalisation(assembly(100, 40), measure=True, n_draws=2, seed=3)
    assert found.sizes == {"n_train": 8, "component": 40}
    assert found["n_train"].values[[0, -1]].tolist() == [4, 50]
    expected = {"identifier": "simulated", "n_stimuli": 100, "n_neuroids": 40, "n_classes": 4, "n_draws": 2, "seed": 3}
    assert expected.items() <= found.attrs.items()
    assert all(isinstance(value, str | int | float) for value in found.attrs.values())
    assert "Canatar" in found.attrs["method"]
    found.to_netcdf(tmp_path / "found.nc", engine="h5netcdf")
    same = predict_generalisation(assembly(100, 40), measure=True, n_draws=2, seed=3)
    assert found.identical(same)
    other = predict_generalisation(assembly(100, 40), measure=True, n_draws=2, seed=4)
    assert not np.allclose(other["measured_error"], found["measured_error"])
    assert np.isnan(predict_generalisation(assembly(100, 40), measure=True, n_draws=1)["measured_error_sd"]).all()


def test_arrays_in_arrays_out():
    rank = np.arange(1, 301.0)
    found = predict_errors(rank**-1.2, rank**-2, [50, 100], 1e-3, 1.2, n_images=1000)
    np.testing.assert_allclose(found["error"], found["error_alignment"])
    np.testing.assert_allclose(found["error_alpha_only"], found["error_spectrum_only"])
    # a target along the first eigenvectors is learned faster than one with random weights
    assert (found["error"] < found["error_alpha_only"]).all()


def test_without_alpha_what_needs_it_is_not_known():
    rank = np.arange(1, 101.0)
    found, known = (predict_errors(rank**-1.2, rank**-2, [50, 80], "best", alpha) for alpha in (np.nan, 1.2))
    for name in ("error", "error_spectrum_only", "penalty"):
        np.testing.assert_array_equal(found[name], known[name])
    assert np.isnan([found["error_alpha_only"], found["error_alignment"]]).all()
    assert np.isnan(predict_errors([2.0], [1.0], [50], 1e-3, np.nan)["error_alpha_only"]).all()  # 1 to any power is 1


def test_torch_is_not_imported():
    code = "import sys, neuroalpha.theory.generalisation; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": "lable"}, "no labels 'lable' along presentation, it has .*did you mean 'label'"),
        ({"label": "score"}, "the labels 'score' are numbers such as 0.0169492; expected classes, whole numbers"),
        ({"label": "gap"}, "1 of 60 images have no label"),
        ({"label": "hole"}, "2 of 60 images have no label"),
        ({"label": "when"}, "the labels 'when' have dtype .*; expected class names or whole numbers"),
        ({"label": "same"}, "all images are of one class, 'x'"),
        ({"n_train": [10, 59]}, r"n_train is \[10, 59\]; expected different numbers of at most 58"),
        ({"n_train": [10, 10]}, "expected different numbers"),
        ({"n_train": []}, "expected different numbers"),
        ({"n_train": 10}, "n_train is 10; expected a list of whole numbers"),
        ({"n_train": [1]}, "n_train is 1; expected a whole number of at least 2"),
        ({"penalty": "gcv"}, "penalty is 'gcv'; expected a number of at least 0, one for each n_train, or 'best'"),
        ({"penalty": -1.0}, "penalty is -1.0; expected"),
        ({"penalty": np.inf}, "penalty is inf; expected"),
        ({"penalty": [None]}, r"penalty is \[None\]; expected"),
        ({"penalty": [1.0, 2.0], "n_train": [9]}, "got 2 penalties for 1 numbers of training images"),
        ({"n_draws": 0}, "n_draws is 0"),
        ({"seed": None}, "seed is None"),
        ({"ranks": (4, 90)}, "ranks 4 to 90 reach outside"),
    ],
)
def test_bad_input(change, message):
    net = assembly(
        60, 30, score=np.linspace(0, 1, 60), gap=["a"] * 30 + ["b"] * 29 + [""], same=["x"] * 60,
        hole=[np.nan, np.inf] + [1.0, 2.0] * 29, when=np.arange(60).astype("datetime64[D]"),
    )  # fmt: skip
    with pytest.raises(na.InputError, match=message):
        predict_generalisation(net, **change)


def test_bad_responses():
    net = assembly(60, 30)
    holes = net.copy()
    holes[3, 4] = np.nan
    with pytest.raises(na.InputError, match="1 responses are NaN or infinite"):
        predict_generalisation(holes)
    with pytest.raises(na.InputError, match="the features never vary"):
        predict_generalisation(net * 0 + 3)
    with pytest.raises(na.InputError, match="leave no window of ranks"):
        predict_generalisation(net.isel(neuroid=slice(0, 5)))
    with pytest.raises(na.InputError, match="the result holds no 'measured_error'; call predict_generalisation"):
        variant_gaps(predict_generalisation(net))
