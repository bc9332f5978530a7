"""The loop: stops where it must, goes on where it was, shuffles labels once, tells what is to come."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

import neuroalpha as na
from neuroalpha.ssl.distributed import Processes
from neuroalpha.ssl.loop import Session, TrainingError
from neuroalpha.ssl.measure import Data, Images
from neuroalpha.ssl.settings import make_settings
from neuroalpha.ssl.state import CHECKPOINT
from neuroalpha.ssl.step import Learner

SMALL = {
    "width": 2,
    "size": 8,
    "batch_size": 16,
    "epochs": 3,
    "projector_out": 6,
    "projector_hidden": 8,
    "monitor_last": 60,
}


def session(folder=None, save_seconds=1e9, progress=False, precision="float32", labels=True, **content):
    settings = make_settings({**SMALL, "objective": "spectral", **content})
    made = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (60, 3, 8, 8), dtype=torch.uint8, generator=made)
    codes = torch.randint(0, 3, (60,), generator=made) if labels else None
    data = Data(Images(pixels[:50], codes[:50]), Images(pixels[50:], codes[50:]), 3) if labels else Data(Images(pixels))
    learner = Learner(settings, data.n_classes, data.steps(settings), torch.device("cpu"), precision, Processes())
    return Session(learner, data, folder, {"settings": settings.to_dict()}, save_seconds, progress)


def same(one, other):
    """Everything that learns is the same to the bit, and so is the history but for the time that it took."""
    for name in ("network", "objective", "target", "readout"):
        mine, its = getattr(one.learner, name), getattr(other.learner, name)
        assert (mine is None) == (its is None)
        for key, value in () if mine is None else mine.state_dict().items():
            assert torch.equal(value, its.state_dict()[key]), (name, key)
    tables = [each.history.table().drop(columns="seconds") for each in (one, other)]
    pd.testing.assert_frame_equal(*tables, check_exact=True)


KINDS = [
    {"objective": "isoloss", "optimiser": "lars"},
    {"objective": "directpred", "options": {"variant": "tian"}, "precision": "bfloat16"},
    {"objective": "random_labels", "optimiser": "adam"},
    {"objective": "nassar", "options": {"base": "supervised", "start": 2}, "optimiser": "adamw"},
    {"objective": "barlow_joint", "backbone": "resnet20", "width": None, "channels_last": False, "monitor_last": 2},
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind["objective"])
@pytest.mark.parametrize(("saved", "stopped"), [(1, 3), (4, 5), (3, 8)])
def test_going_on_gives_the_same_bits(tmp_path, monkeypatch, kind, saved, stopped):
    """Stopped within a step, some steps after the last checkpoint: in an epoch's middle, and at its end (3 steps)."""
    whole = session(**kind)
    whole.run()
    cut = session(tmp_path, **kind)
    step, save, done = cut.learner.step, cut._save, []

    def counted(*arguments):
        if len(done) == stopped:
            raise KeyboardInterrupt
        loss = step(*arguments)
        done.append(loss)
        return loss

    cut.learner.step = counted
    cut._save_seconds = 0
    cut._save = lambda epoch: save(epoch) if len(done) <= saved else None
    with pytest.raises(KeyboardInterrupt):
        cut.run()
    assert (tmp_path / CHECKPOINT).is_file()
    onward = session(tmp_path, **kind)
    assert onward.place.epoch * 3 + onward.place.step == saved
    onward.run()
    same(whole, onward)


def test_two_runs_are_the_same_and_another_seed_is_not():
    one, other, third = session(), session(), session(seed=1)
    torch.manual_seed(1)
    one.run()
    torch.manual_seed(2)
    other.run()
    third.run()
    same(one, other)
    assert one.history.table().loss[0] != third.history.table().loss[0]


def test_a_loss_that_is_not_finite_stops_the_training(monkeypatch):
    ours = session(warmup=1.0)
    step = ours.learner.step
    monkeypatch.setattr(ours.learner, "step", lambda *a: step(*a) * (torch.nan if a[-1] == 4 else 1.0))
    message = r"the loss of spectral is nan in epoch 2, step 2 of 3 \(learning rate 0.\d+\)"
    with pytest.raises(TrainingError, match=message) as caught:
        ours.run()
    assert isinstance(caught.value, na.InputError)
    assert not ours.monitor.attached


@pytest.mark.parametrize("look", [2, 20])
def test_losses_are_looked_at_later_on_a_gpu_and_none_is_lost(monkeypatch, look):
    """As there: several at once, at the end of an epoch, and the step that is named is the first bad one."""
    plain = session()
    plain.run()
    ours, bad = session(), session()
    for each in (ours, bad):
        monkeypatch.setattr(each, "_due", lambda each=each: len(each._waiting) >= look)
    ours.run()
    pd.testing.assert_series_equal(ours.history.table().loss, plain.history.table().loss, check_exact=True)
    step = bad.learner.step
    monkeypatch.setattr(bad.learner, "step", lambda *a: step(*a) * (torch.inf if a[-1] >= 4 else 1.0))
    with pytest.raises(TrainingError, match="epoch 2, step 2 of 3"):
        bad.run()


def test_a_loss_that_explodes_by_itself():
    with pytest.raises(TrainingError, match=r"the loss of directpred is (nan|inf)"):
        session(objective="directpred", options={"loss": "euclidean", "predictor": "none"}, lr=1e12).run()


def test_measuring_now_and_then():
    ours = session(evaluate_every=2)
    ours.run()
    table = ours.history.table()
    measured = table["knn_accuracy"].notna()
    assert measured.tolist() == [False, True, True]  # every second epoch, and the last one
    for name in ("effective_rank: backbone", "effective_rank: projector", "readout_accuracy"):
        assert table[name].notna().tolist() == measured.tolist()
    assert table.loss.notna().all()
    every = session()
    every.run()
    pd.testing.assert_series_equal(every.history.table().loss, table.loss, check_exact=True)


def test_without_labels():
    ours = session(labels=False)
    ours.run()
    table = ours.history.table()
    assert table[["readout_accuracy", "knn_accuracy"]].isna().all(axis=None)
    assert table["effective_rank: backbone"].notna().all()
    with pytest.raises(na.InputError, match="class"):
        session(labels=False, objective="supervised")


def test_labels_are_shuffled_once_by_the_seed():
    plain, one, other, third = (
        session(objective=objective, seed=seed)._wanted
        for objective, seed in (("supervised", 0), ("random_labels", 0), ("random_labels", 0), ("random_labels", 1))
    )
    assert torch.equal(one, other)
    assert not torch.equal(one, third)
    assert not torch.equal(one, plain)
    assert torch.equal(one.bincount(), plain.bincount())
    assert session()._wanted is None


def test_eigenvalues_of_every_epoch():
    ours = session(objective="isoloss")
    ours.run()
    found = ours.history.eigenvalues("isoloss")
    assert found.shape == (3, 6)
    moment = ours.learner.objective.predictor.moment.double().numpy()
    assert np.allclose(found.values[-1], np.sort(np.linalg.eigvalsh(moment))[::-1], rtol=1e-9)


def test_eigenvalues_that_cannot_be_had_do_not_end_a_training(monkeypatch):
    ours = session(objective="isoloss")

    def fails():
        raise np.linalg.LinAlgError("Eigenvalues did not converge")

    monkeypatch.setattr(ours.learner.objective, "report", fails)
    ours.run()
    assert len(ours.history.rows) == 3
    assert ours.history.eigenvalues("isoloss") is None


def test_what_is_told(capsys):
    ours = session(objective="isoloss", progress=True)
    ours.run()
    told = capsys.readouterr()
    assert told.out == ""
    weights = sum(each.numel() for each in ours.learner.network.parameters())
    assert f"isoloss, convnet4: {weights:,} weights, 50 images in 3 batches of 16, 3 epochs: 9 steps, " in told.err
    assert "in float32 on cpu\n" in told.err
    assert "s a step: about" in told.err
    session(progress=False).run()
    assert capsys.readouterr().err == ""
