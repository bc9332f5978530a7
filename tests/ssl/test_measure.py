"""What is measured of a network while it trains: of which images, in which epochs, and what a collapse takes away."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import KNeighborsClassifier

from neuroalpha.networks.monitor import AlphaMonitor
from neuroalpha.spectrum.label_free_scores import label_free_scores
from neuroalpha.ssl import measure
from neuroalpha.ssl.distributed import Processes
from neuroalpha.ssl.history import LAYERS
from neuroalpha.ssl.measure import NOTHING, Data, Images, Measures
from neuroalpha.ssl.settings import make_settings
from neuroalpha.ssl.step import Learner

SMALL = {"objective": "spectral", "width": 4, "size": 8, "batch_size": 16, "projector_out": 32, "projector_hidden": 32}
CPU = torch.device("cpu")


def bright(n, seed=0):
    """Three classes of noise that differ in brightness, with overlap."""
    made = torch.Generator().manual_seed(seed)
    codes = torch.randint(0, 3, (n,), generator=made)
    pixels = torch.randint(0, 170, (n, 3, 8, 8), generator=made) + 25 * codes[:, None, None, None]
    return Images(pixels.to(torch.uint8), codes)


def measures(learned, told=None, **content):
    """Measures of a new network whose monitor has seen some views."""
    chosen = make_settings({**SMALL, "monitor_last": 60, **content})
    data = Data(learned, told, 3 if told is not None else None)
    learner = Learner(chosen, data.n_classes, data.steps(chosen), CPU, "float32", Processes())
    monitor = AlphaMonitor(learner.network, LAYERS, last=chosen.monitor_last)
    return Measures(learner, data, monitor), learner, monitor


def look(found, learner, monitor):
    """One epoch's row, after the network has seen images."""
    with monitor, torch.no_grad():
        learner.network(learner.clean(bright(64).pixels))
        return found()


def classify(found, learner, bank, told):
    """The same accuracy by scikit-learn, on the same features."""
    features, asked = (found._outputs(each.pixels)[0].numpy() for each in (bank, told))
    unit = [each / np.linalg.norm(each, axis=1, keepdims=True) for each in (features, asked)]
    # Of rows of length one the squared Euclidean distance is 2 - 2 cosine.
    by = KNeighborsClassifier(20, weights=lambda distance: np.exp((1 - distance**2 / 2) / 0.07), algorithm="brute")
    return by.fit(unit[0], bank.labels.numpy()).score(unit[1], told.labels.numpy())


@pytest.mark.parametrize("most", [40, 5000])
def test_accuracies_are_those_of_scikit_learn_on_at_most_so_many_images(most):
    learned, told = bright(200), bright(90, seed=1)
    found, learner, monitor = measures(learned, told, evaluate_images=most)
    for epoch in range(4):
        rows = torch.arange(16) + 16 * epoch
        learner.step(learned.pixels, rows, None, learned.labels, epoch)
    row = look(found, learner, monitor)
    bank, asked = found._bank, found._told
    assert (len(bank), len(asked)) == (min(most, 200), min(most, 90))
    for some, whole in ((bank, learned), (asked, told)):  # images of their own labels, none twice
        everything = {
            (image.numpy().tobytes(), int(code)) for image, code in zip(whole.pixels, whole.labels, strict=True)
        }
        chosen = {(image.numpy().tobytes(), int(code)) for image, code in zip(some.pixels, some.labels, strict=True)}
        assert chosen <= everything
        assert len(chosen) == len(some)
    assert row["knn_accuracy"] == pytest.approx(classify(found, learner, bank, asked), abs=1e-9)
    assert 1 / 3 < row["knn_accuracy"] < 1
    readout = learner.readout
    features = found._outputs(asked.pixels)[0].double().numpy()
    norm = (features - readout.norm.running_mean.numpy()) / np.sqrt(readout.norm.running_var.numpy() + 1e-5)
    logits = norm @ readout.linear.weight.detach().numpy().T + readout.linear.bias.detach().numpy()
    assert row["readout_accuracy"] == pytest.approx(np.mean(logits.argmax(1) == asked.labels.numpy()))


def test_the_images_are_chosen_by_the_seed():
    learned = bright(200)
    one, again, other = (measures(learned, bright(50), evaluate_images=20, seed=seed)[0]._bank for seed in (0, 0, 1))
    assert torch.equal(one.pixels, again.pixels)
    assert not torch.equal(one.pixels, other.pixels)


def test_without_labels_there_are_alpha_and_effective_rank_only():
    row = look(*measures(Images(bright(64).pixels)))
    assert row.keys() == NOTHING.keys()
    assert np.isnan([row["readout_accuracy"], row["knn_accuracy"]]).all()
    assert np.isfinite([row[f"{name}: {layer}"] for name in ("alpha", "effective_rank") for layer in LAYERS]).all()
    assert row["collapsed"] == ""


@pytest.mark.parametrize("which", LAYERS)
def test_a_collapse_is_told_of_its_layer_and_takes_its_alpha_away(which):
    """The spectrum has one still: its effective rank is that of the views, of which the monitor knows no better."""
    found, learner, monitor = measures(bright(64), bright(40))
    outputs = found._outputs

    def one_collapsed(pixels):
        return tuple(
            each.mean(1, keepdim=True) * torch.ones(each.shape[1]) if layer == which else each
            for layer, each in zip(LAYERS, outputs(pixels), strict=True)
        )

    found._outputs = one_collapsed
    row = look(found, learner, monitor)
    assert row["collapsed"] == f"{which}: one dimension: the participation ratio is 1.00"
    assert [layer for layer in LAYERS if np.isnan(row[f"alpha: {layer}"])] == [which]
    assert np.isfinite([row[f"effective_rank: {layer}"] for layer in LAYERS]).all()


def test_both_layers_are_told_with_a_mark_between():
    found, learner, monitor = measures(Images(bright(64).pixels))
    found._outputs = lambda pixels: (torch.ones(len(pixels), 32), torch.zeros(len(pixels), 32))
    row = look(found, learner, monitor)
    assert row["collapsed"] == "backbone: all images alike, but for rounding; projector: all values are 0"


def test_a_projector_that_does_not_learn_is_not_judged():
    found, learner, monitor = measures(bright(64), bright(40), objective="supervised")
    outputs = found._outputs
    found._outputs = lambda pixels: (outputs(pixels)[0], torch.zeros(len(pixels), 32))
    row = look(found, learner, monitor)
    assert row["collapsed"] == ""
    assert np.isfinite(row["alpha: projector"])


def spread(decay, offset, rank, noise, seed, n=200, p=40):
    """Features (n, p) float32 with a spectrum rank^-decay, a common offset, and noise."""
    rng = np.random.default_rng(seed)
    scales = np.where(np.arange(p) < rank, np.arange(1.0, p + 1) ** (-decay / 2), 0)
    turned = (rng.normal(size=(n, p)) * scales) @ np.linalg.qr(rng.normal(size=(p, p)))[0]
    return (turned + offset + noise * rng.normal(size=(n, p))).astype(np.float32)


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from([0.5, 1.0, 3.0, 4.5, 5.0, 8.0]),
    st.sampled_from([0.0, 1.0, 30.0, 1e3]),
    st.sampled_from([1, 2, 3, 4, 13, 40]),
    st.sampled_from([0.0, 1e-4, 0.03]),
    st.integers(0, 3),
)
def test_the_same_features_get_the_same_verdict_as_by_label_free_scores(decay, offset, rank, noise, seed):
    features = spread(decay, offset, rank, noise, seed)
    found, learner, monitor = measures(Images(bright(64).pixels))
    random = torch.randn(len(features), 32, generator=torch.Generator().manual_seed(0))
    found._outputs = lambda pixels: (torch.from_numpy(features), random)
    told = look(found, learner, monitor)["collapsed"]
    scores = label_free_scores(features, ranks=(2, 12))
    assert scores.collapsed == (told != "")
    assert (f"backbone: {scores.reason.removeprefix('collapsed: ')}" if scores.collapsed else "") == told


@pytest.mark.parametrize(
    ("features", "why"),
    [
        (spread(8.0, 0.0, 40, 0.0, 0), "one dimension: the participation ratio is 1.01"),
        (spread(1.0, 3e3, 40, 0.0, 0), "all images alike: their variance is 1e-08 of the mean square"),
        (spread(1.0, 0.0, 3, 0.0, 0), "only 3 of 40 dimensions vary, too few for an exponent"),
        (spread(1.0, 1.0, 13, 0.0, 0), ""),
        (spread(1.0, 1.0, 40, 0.0, 0), ""),
    ],
)
def test_each_kind_of_verdict(features, why):
    assert measure.why_collapsed(features) == why
    assert label_free_scores(features).reason.removeprefix("collapsed: ").startswith(why)
