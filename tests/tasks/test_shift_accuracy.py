"""Readouts under shifts, against scikit-learn on features that were extracted one condition after the other."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from sklearn.linear_model import RidgeClassifier
from torch import nn

import neuroalpha as na
from neuroalpha.tasks.decomposition import decompose
from neuroalpha.tasks.linear_readout import LinearReadout
from neuroalpha.tasks.ridge import default_penalties
from neuroalpha.tasks.shifts import collect_shifts, match

CLASSES = np.array(["ash", "elm", "fir", "oak"])
PENALTY = 3.0


def pictures(n: int, seed: int, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Coloured noise whose hue tells the class, with errors."""
    rng = np.random.default_rng(seed)
    label = rng.integers(classes, size=n)
    tint = np.array([[40, 0, 0], [0, 40, 0], [0, 0, 40], [25, 25, 0]])[label]
    pixels = rng.integers(20, 180, (n, 20, 20, 3)) + tint[:, None, None]
    return pixels.astype(np.uint8), CLASSES[label]


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 12, 3), nn.ReLU()).eval()


@pytest.fixture(scope="module")
def sets():
    (train, a), (test, b) = pictures(150, 1), pictures(90, 2)
    return na.images(train, label=a), na.images(test, label=b), test, b


def by_hand(model, train, layer, new):
    """Predictions of scikit-learn's readout of a layer's mean responses."""
    shown = na.extract(model, train, [layer], reduce="mean", progress=False)
    oracle = RidgeClassifier(alpha=PENALTY).fit(shown.values.astype(np.float64), train.label)
    return oracle, na.extract(model, new, [layer], reduce="mean", progress=False).values.astype(np.float64)


def ask(model, sets, layers=("1", "3"), **options):
    train, test, _, _ = sets
    options = {"penalties": [PENALTY], "progress": False, "n_boot": 50, **options}
    return na.shift_accuracy(model, train, test, list(layers), **options)


def test_corruptions(model, sets):
    train, _, pixels, labels = sets
    found = ask(model, sets, corruptions=["fog", "gaussian_n*"], severities=[1, 4], seed=3)
    assert found["1"]["corruption"].values.tolist() == ["gaussian_noise", "fog"]
    for layer, result in found.items():
        for kind in ("fog", "gaussian_noise"):
            for severity in (1, 4):
                changed = na.corrupt(pixels, kind, severity, seed=3)
                oracle, features = by_hand(model, train, layer, na.images(changed))
                right = (oracle.predict(features) == labels).mean()
                assert float(result["corruption_accuracy"].sel(corruption=kind, severity=severity)) == right
        oracle, features = by_hand(model, train, layer, na.images(pixels))
        assert float(result["accuracy"]) == (oracle.predict(features) == labels).mean()
        mean = float(result["corruption_accuracy"].mean())
        assert float(result["mean_corruption_accuracy"]) == pytest.approx(mean)
        assert float(result["mean_corruption_error"]) == pytest.approx(1 - mean)
        assert float(result["relative_drop"]) == pytest.approx(1 - mean / float(result["accuracy"]))
        low, high = (float(result[f"mean_corruption_accuracy_{end}"]) for end in ("low", "high"))
        assert low < mean < high


def test_natural_sets_are_asked_among_their_classes(model, sets):
    train, _, _, _ = sets
    pixels, labels = pictures(60, 5, classes=2)
    labels = np.where(np.arange(60) < 7, "yew", labels)  # a class that was never trained
    with pytest.warns(UserWarning, match=r"park.*7 images of classes not trained: 'yew'; answers are among the 2 of 4"):
        found = ask(model, sets, corruptions=[], natural={"park": na.images(pixels, label=labels)})
    for layer, result in found.items():
        oracle, features = by_hand(model, train, layer, na.images(pixels))
        said = CLASSES[:2][oracle.decision_function(features)[:, :2].argmax(axis=1)]
        assert result["natural"].values.tolist() == ["park"]
        assert float(result["natural_accuracy"][0]) == (said == labels)[7:].mean()
        assert int(result["natural_images"][0]) == 53
        assert result["natural_dropped"].values.tolist() == ["yew"]
        assert "corruption_accuracy" not in result


def test_classes_that_are_left_out_are_told_only_where_wanted(sets, recwarn):
    test = sets[1]
    pixels, labels = pictures(60, 5, classes=2)
    park = na.images(pixels, label=np.where(np.arange(60) < 7, "yew", labels))
    readout = LinearReadout(decompose(np.eye(2)), np.ones((2, 4)), np.zeros(4), CLASSES, 1.0)

    def responses(images):
        yield 0, len(images), {"layer": np.zeros((len(images), 2))}

    def collect(**options):
        return collect_shifts(
            responses, {"layer": readout}, test, kinds=[], severities=[1], natural={"park": park},
            corrupted=lambda *asked: None, n_boot=2, **options,
        )  # fmt: skip

    quiet, one = collect(tell=False)["layer"], match(park, "park", CLASSES, tell=False)
    assert not recwarn.list
    with pytest.warns(UserWarning, match="park: 7 images of classes not trained: 'yew'"):
        assert collect()["layer"].identical(quiet)
    with pytest.warns(UserWarning, match="park: 7 images"):
        assert match(park, "park", CLASSES).dropped == one.dropped == ("yew",)


def test_the_clean_images_as_a_natural_set_lose_nothing(model, sets):
    found = ask(model, sets, corruptions=[], natural={"same": sets[1]})["3"]
    assert float(found["natural_accuracy"][0]) == float(found["accuracy"])
    assert float(found["natural_drop"][0]) == 0


def test_batches_do_not_matter(model, sets):
    one, two = (ask(model, sets, corruptions=["shot*"], severities=[2], batch_size=size) for size in (7, 64))
    for layer in one:
        assert one[layer].equals(two[layer])


def test_penalties_default_to_the_grid_and_are_chosen(model, sets):
    result = ask(model, sets, layers=["3"], corruptions=["fog"], severities=[1], penalties=None)["3"]
    shown = na.extract(model, sets[0], ["3"], reduce="mean", progress=False)
    assert np.isclose(default_penalties(decompose(shown.values)), result.attrs["penalty"], rtol=1e-4).any()


def test_results_can_be_saved(model, sets, tmp_path):
    result = ask(model, sets, corruptions=["fog"], severities=[1], natural={"same": sets[1]})["1"]
    assert na.load(na.save(result, tmp_path / "shifts.nc")).identical(result)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"corruptions": ["fogg"]}, "no corruption 'fogg'; did you mean 'fog'"),
        ({"severities": [0]}, r"severities are \[0\]; expected whole numbers from 1 to 5"),
        ({"severities": []}, "expected whole numbers"),
        ({"n_boot": 0}, "n_boot is 0"),
        ({"seed": None}, "seed is None"),
        ({"penalties": [-1.0]}, "expected one or more positive numbers"),
    ],
)
def test_refused(model, sets, options, said):
    with pytest.raises(na.InputError, match=said):
        ask(model, sets, **{"corruptions": ["fog"], **options})


def test_refused_labels(model, sets):
    train, test, pixels, _ = sets
    for pair in ((na.images(pixels), test), (train, na.images(pixels))):
        with pytest.raises(na.InputError, match="images have no labels"):
            na.shift_accuracy(model, *pair, ["1"], progress=False)
    with pytest.raises(na.InputError, match="one class only"):
        na.shift_accuracy(model, na.images(pixels, label=["ash"] * 90), test, ["1"], progress=False)
    with pytest.raises(na.InputError, match="share 0 classes with the readouts"):
        ask(model, sets, corruptions=[], natural={"other": na.images(pixels, label=["x", "y"] * 45)})


def test_layers_of_nothing(sets):
    class Zero(nn.Module):
        def forward(self, x):
            return x * 0

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(na.InputError, match="nothing to read out"):
            ask(nn.Sequential(nn.Conv2d(3, 4, 3), Zero()), sets, layers=["1"], corruptions=["fog"])
