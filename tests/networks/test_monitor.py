"""The monitor against the same rows by hand, on networks that train; what it must never change; runs that go on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from torch import Tensor, nn

import neuroalpha as na
from neuroalpha.networks.monitor import AlphaMonitor

RANKS = (1, 6)


def by_hand(rows: np.ndarray) -> tuple[np.ndarray, float]:
    spectrum = na.eigenspectrum(na.make_assembly(rows, stimulus_id=np.arange(len(rows))), n_draws=0)
    return spectrum.eigenvalue.values, na.fit_alpha(spectrum, RANKS).alpha


@pytest.mark.parametrize(("layer", "reduce"), [("0", "mean"), ("2", "max"), ("3", "flatten"), ("7", "mean")])
@pytest.mark.parametrize("last", [64, 200, 1000])
def test_the_last_samples_by_rows(small, train, batches, recorded, layer: str, reduce: str, last: int) -> None:
    """BatchNorm, dropout, in-place ReLUs, moving weights: the rows are those of the moment."""
    model = small()
    with (
        recorded(model[int(layer)]) as kept,
        AlphaMonitor(model, layer, last=last, reduce=reduce, ranks=RANKS) as monitor,
    ):
        train(model, batches(10))
    pool = {
        "mean": lambda a: a.mean((2, 3)),
        "max": lambda a: a.max((2, 3)),
        "flatten": lambda a: a.reshape(len(a), -1),
    }
    rows = np.concatenate([a if a.ndim == 2 else pool[reduce](a) for a in kept])[-last:]
    spectrum = monitor.spectrum(layer)
    assert spectrum.attrs["n_stimuli"] == len(rows) == min(last, 320)
    expected = PCA().fit(rows).explained_variance_[: min(len(rows) - 1, rows.shape[1])]
    assert np.allclose(spectrum.eigenvalue.values, expected, rtol=1e-4, atol=1e-6 * expected[0])
    if rows.shape[1] >= 12:
        table = monitor.compute()
        values, alpha = by_hand(rows)
        assert table.alpha[0] == pytest.approx(alpha, rel=1e-4)
        share = values / values.sum()
        share = share[share > 0]
        assert table.effective_rank[0] == pytest.approx(np.exp(-(share * np.log(share)).sum()), rel=1e-5)
        assert table.participation_ratio[0] == pytest.approx(values.sum() ** 2 / (values**2).sum(), rel=1e-5)
        assert table.reason[0] == ""
        assert (table["first"][0], table["last"][0]) == RANKS


@pytest.mark.parametrize("last", [90, 150, 400])
def test_alpha_is_that_of_the_same_rows(train, recorded, last: int) -> None:
    """Without pooling there is nothing to round: more samples than units, and fewer."""
    torch.manual_seed(2)
    model = nn.Sequential(nn.Linear(50, 120), nn.Tanh(), nn.Linear(120, 3))
    with recorded(model[1]) as kept, AlphaMonitor(model, "1", last=last) as monitor:
        train(model, list(torch.randn(12, 32, 50)))
    rows = np.concatenate(kept)[-last:]
    spectrum = na.eigenspectrum(na.make_assembly(rows, stimulus_id=np.arange(len(rows))), n_draws=0)
    fit = na.fit_alpha(spectrum, "auto")
    row = monitor.compute().iloc[0]
    assert (row["alpha"], row["r2"]) == pytest.approx((fit.alpha, fit.r2), rel=1e-9)
    assert (row["first"], row["last"]) == fit.ranks
    assert (row["alpha_window_min"], row["alpha_window_max"]) == pytest.approx(fit.window_range, rel=1e-9)
    expected = na.dimensions(spectrum)
    assert row["effective_rank"] == pytest.approx(expected.effective_rank, rel=1e-9)
    assert row["participation_ratio"] == pytest.approx(expected.participation_ratio, rel=1e-9)


@pytest.mark.usefixtures("no_rows")
@pytest.mark.parametrize("size", [1, 7, 32, 100])
def test_the_last_samples_by_moments(small, train, batches, recorded, size: int) -> None:
    """Between N and N + N / 8 samples, exactly those that it says, whatever the batches."""
    model, last = small(), 80
    n = -(-300 // size)
    with recorded(model[3]) as kept, AlphaMonitor(model, ["3"], last=last) as monitor:
        if size == 1:
            model[1].eval()  # one sample has no variance over the batch
        train(model, batches(n, size))
    rows = np.concatenate(kept).mean((2, 3))
    table = monitor.compute()
    held = int(table.n_samples[0])
    assert last <= held < last + -(-last // 8)
    rows = rows[-held:]
    assert np.allclose(monitor.spectrum("3").eigenvalue, np.linalg.eigvalsh(np.cov(rows.T))[::-1], rtol=1e-4, atol=1e-9)
    assert table.first_step[0] == (n * size - held) // size + 1


def test_training_is_the_same_bit_for_bit(small, train, batches) -> None:
    plain, watched = small(), small()
    monitor = AlphaMonitor(watched, ["0", "2", "4", "7", "output"], last=50, reduce={"4": "flatten", "*": "mean"})
    for model in (plain, watched):
        torch.manual_seed(5)  # dropout
        with monitor:
            train(model, batches(6))
    for one, two in zip(plain.state_dict().values(), watched.state_dict().values(), strict=True):
        assert torch.equal(one, two)
    for one, two in zip(plain.parameters(), watched.parameters(), strict=True):
        assert torch.equal(one.grad, two.grad)


def test_history_and_gradient_accumulation(small, batches) -> None:
    model = small()
    with AlphaMonitor(model, ["7", "3"], last=64) as monitor:
        for _ in range(3):
            (model(batches(1)[0]).mean() + model(batches(1, 16)[0]).mean()).backward()
            monitor.end_epoch()
        monitor.end_epoch(10)
        monitor.end_epoch()
    found = monitor.history
    assert list(found.epoch) == [0, 0, 1, 1, 2, 2, 10, 10, 11, 11]
    assert list(found.layer) == ["7", "3"] * 5
    assert list(found.step) == [2, 2, 4, 4, 6, 6, 6, 6, 6, 6]
    assert list(found.n_samples) == [48, 48] + [64] * 8
    assert list(found.first_step)[:4] == [1, 1, 2, 2]
    assert found.alpha[found.layer == "3"].notna().all()
    assert "leave no window of ranks" in found.reason[0]
    monitor.reset()
    assert monitor.compute().n_samples.tolist() == [0, 0]
    assert len(monitor.history) == 10


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"last": 1}, "last is 1; expected a whole number of at least 2"),
        ({"every": 0}, "every is 0"),
        ({"when": "test"}, "when is 'test'"),
        ({"ranks": (5, 2)}, "ranks 5 to 2 is not a window"),
        ({"reduce": "men"}, "no reduction 'men'; did you mean 'mean'"),
        ({"reduce": 3}, "reduce= is 3; expected a name"),
        ({"channels": "middle"}, "channels= is"),
        ({"seed": None}, "seed is None"),
        ({"device": "abacus"}, "the device 'abacus' cannot be used"),
    ],
)
def test_options_refused(small, options: dict, match: str) -> None:
    with pytest.raises(na.InputError, match=match):
        AlphaMonitor(small(), "3", **options)


def test_what_is_refused_later(small, batches) -> None:
    with pytest.raises(na.InputError, match="must be a torch"):
        AlphaMonitor("resnet", "3")  # type: ignore[arg-type]
    model = small()
    with (
        AlphaMonitor(model, "3", reduce={"4": "mean"}),
        pytest.raises(na.InputError, match=r"says nothing about .*'3'"),
    ):
        model(batches(1)[0])
    monitor = AlphaMonitor(model, "3")
    with pytest.raises(na.InputError, match="'3' is not among the layers recorded so far"):
        monitor.spectrum("3")
    table = monitor.compute()
    assert np.isnan(table.alpha[0])
    assert "nothing was recorded" in table.reason[0]


@pytest.fixture
def weights_after(small, train, batches):
    def of(n: int) -> dict[str, Tensor]:
        model = small()
        model[6].p = 0.0
        train(model, batches(n))
        return model.state_dict()

    return of


@pytest.mark.parametrize("moments", [False, True])
def test_a_run_goes_on(
    small, train, batches, weights_after, tmp_path: Path, moments: bool, request: pytest.FixtureRequest
) -> None:
    if moments:
        request.getfixturevalue("no_rows")
    options = {"last": 90, "reduce": {"4": "project:15", "*": "mean"}}
    whole, cut = small(), small()
    whole[6].p = cut[6].p = 0.0
    with AlphaMonitor(whole, ["3", "4"], **options) as once:
        train(whole, batches(4))
        once.end_epoch()
        train(whole, batches(2, seed=2))
        once.end_epoch()
    with AlphaMonitor(cut, ["3", "4"], **options) as first:
        train(cut, batches(4))
        first.end_epoch()
        torch.save(first.state_dict(), tmp_path / "monitor.pt")
        cut(batches(1)[0])  # what comes after does not reach the copy
    again = AlphaMonitor(cut, ["3", "4"], **options)
    again.load_state_dict(torch.load(tmp_path / "monitor.pt", weights_only=True))
    assert again.layers == ["3", "4"]
    assert np.array_equal(again.compute().alpha, first.history.alpha, equal_nan=True)
    fresh = small()  # BatchNorm of the interrupted model saw one pass more: the weights of the run that went through
    fresh.load_state_dict(weights_after(4))
    fresh[6].p = 0.0
    again = AlphaMonitor(fresh, ["3", "4"], **options)
    again.load_state_dict(torch.load(tmp_path / "monitor.pt", weights_only=True))
    with again:
        train(fresh, batches(2, seed=2))
        again.end_epoch()
    one, two = once.history, again.history
    assert (one.drop(columns=["alpha"]).select_dtypes("int") == two.select_dtypes("int")).all(axis=None)
    assert np.allclose(one.alpha, two.alpha, rtol=1e-12, equal_nan=True)
    assert np.allclose(one.effective_rank, two.effective_rank, rtol=1e-12)


def test_states_that_do_not_fit(small, batches) -> None:
    monitor = AlphaMonitor(small(), "3", last=100)
    state = monitor.state_dict()
    with pytest.raises(na.InputError, match="last=100, this monitor has 200"):
        AlphaMonitor(small(), "3", last=200).load_state_dict(state)
    with pytest.raises(na.InputError, match="no state of an AlphaMonitor"):
        monitor.load_state_dict({})
    monitor.load_state_dict(state)
    with monitor:
        monitor._watch.model(batches(1)[0])
    assert monitor.layers == ["3"]
    with AlphaMonitor(small(), "*") as monitor:
        monitor._watch.model(batches(1)[0])
    other = AlphaMonitor(nn.Sequential(nn.Linear(2, 2)), "*")
    with pytest.raises(na.InputError, match="layers that this model does not have: '1', '2'"):
        other.load_state_dict(monitor.state_dict())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_never_waits(small, batches, recorded) -> None:
    model = small().cuda()
    x = [each.cuda() for each in batches(6)]
    with (
        recorded(nn.Identity()),
        AlphaMonitor(model, ["3", "4"], last=100, reduce={"4": "flatten", "*": "mean"}) as monitor,
    ):
        model(x[0])
        torch.cuda.set_sync_debug_mode("error")
        try:
            for each in x:
                model(each)
        finally:
            torch.cuda.set_sync_debug_mode("default")
        table = monitor.compute()
    assert np.isfinite(table.alpha).all()
    assert set(table.device) == {"cuda:0"}
