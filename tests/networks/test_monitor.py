"""The monitor against the same rows by hand, on networks that train; what it must never change or end."""

from __future__ import annotations

import copy
import logging
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

import neuroalpha as na
from neuroalpha.networks import monitor_window
from neuroalpha.networks.monitor import AlphaMonitor
from neuroalpha.networks.monitor_window import Window, eigenvalues, merged

RANKS = (1, 6)


def small(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 12, 3), nn.BatchNorm2d(12), nn.ReLU(inplace=True), nn.Conv2d(12, 20, 3), nn.ReLU(inplace=True),
        nn.Flatten(), nn.Dropout(0.2), nn.Linear(20 * 16, 5),
    )  # fmt: skip


def train(model: nn.Module, batches: list[Tensor], rate: float = 0.05) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    for x in batches:
        optimizer.zero_grad()
        model(x).square().mean().backward()
        optimizer.step()


def batches(n: int, size: int = 32, seed: int = 1) -> list[Tensor]:
    rng = torch.Generator().manual_seed(seed)
    return [torch.randn(size, 3, 8, 8, generator=rng) for _ in range(n)]


@contextmanager
def recorded(module: nn.Module) -> Iterator[list[np.ndarray]]:
    """What a module gives while it trains, copied by a hook of a few lines."""
    kept: list[np.ndarray] = []
    handle = module.register_forward_hook(lambda m, i, out: kept.append(out.detach().double().numpy().copy()))
    yield kept
    handle.remove()


def by_hand(rows: np.ndarray) -> tuple[np.ndarray, float]:
    spectrum = na.eigenspectrum(na.make_assembly(rows, stimulus_id=np.arange(len(rows))), n_draws=0)
    return spectrum.eigenvalue.values, na.fit_alpha(spectrum, RANKS).alpha


@pytest.fixture
def no_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Moments however small the window is, where it has more rows than twice its units and so on."""
    monkeypatch.setattr(monitor_window, "ROWS_BYTES", 0)
    monkeypatch.setattr(Window, "__init__", _moments_only(Window.__init__))


def _moments_only(original):
    def init(self, last, units, dtype, device):
        original(self, last, units, dtype, device)
        self.by_rows = False
        self.rows = torch.empty((-(-last // monitor_window.CHUNKS), units), dtype=dtype, device=device)
        self.steps = torch.empty(len(self.rows), dtype=torch.int64)

    return init


@pytest.mark.parametrize(("layer", "reduce"), [("0", "mean"), ("2", "max"), ("3", "flatten"), ("7", "mean")])
@pytest.mark.parametrize("last", [64, 200, 1000])
def test_the_last_samples_by_rows(layer: str, reduce: str, last: int) -> None:
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
def test_alpha_is_that_of_the_same_rows(last: int) -> None:
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
def test_the_last_samples_by_moments(size: int) -> None:
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


@settings(max_examples=30)
@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=12),
    st.integers(2, 60),
    st.integers(1, 12),
    st.booleans(),
    st.floats(0, 1e4),
)
def test_any_split_gives_the_same(sizes: list[int], last: int, units: int, by_rows: bool, mean: float) -> None:
    """Against a plain covariance of the rows; a mean far above the spread costs nothing."""
    rng = np.random.default_rng(len(sizes))
    rows = rng.normal(size=(sum(sizes), units)) * np.arange(1, units + 1) ** -1.0 + mean
    window = Window(last, units, torch.float64, torch.device("cpu"))
    if not by_rows:
        _moments_only(lambda *a: None)(window, last, units, torch.float64, torch.device("cpu"))
    start = 0
    for step, n in enumerate(sizes):
        window.add(torch.from_numpy(rows[start : start + n]), step)
        start += n
    content = window.content()
    assert min(last, len(rows)) <= content.n_samples <= (last if by_rows else last + -(-last // 8) - 1)
    held = rows[len(rows) - content.n_samples :]
    assert content.first_step == np.repeat(np.arange(len(sizes)), sizes)[len(rows) - content.n_samples]
    assert np.array_equal(content.low, held.min(0))
    assert np.array_equal(content.high, held.max(0))
    if content.n_samples > 1:
        expected = np.linalg.svd(held - held.mean(0), compute_uv=False) ** 2 / (len(held) - 1)
        size = min(len(held) - 1, units)
        assert np.allclose(eigenvalues(content), expected[:size], rtol=1e-7, atol=1e-12 * (1 + mean**2) ** 0.5)


@settings(max_examples=15)
@given(st.integers(0, 2**16), st.floats(0.01, 100))
def test_invariants(seed: int, scale: float) -> None:
    """Turning the units or shuffling the samples changes nothing; a factor comes out squared."""
    rng = np.random.default_rng(seed)
    rows = torch.from_numpy(rng.normal(size=(50, 8)) * np.arange(1, 9) ** -0.7)
    turn = torch.from_numpy(np.linalg.qr(rng.normal(size=(8, 8)))[0])

    def of(x: Tensor) -> np.ndarray:
        window = Window(60, 8, torch.float64, torch.device("cpu"))
        window.add(x, 1)
        return eigenvalues(window.content())

    assert np.allclose(of(rows @ turn), of(rows))
    assert np.allclose(of(rows[torch.from_numpy(rng.permutation(50))]), of(rows))
    assert np.allclose(of(scale * rows), scale**2 * of(rows))


def test_merging_contents_is_one_content() -> None:
    rows = torch.randn(90, 6, dtype=torch.float64)
    for last in (200, 40):
        parts = []
        for k in range(3):
            window = Window(last, 6, torch.float64, torch.device("cpu"))
            if last == 40:
                _moments_only(lambda *a: None)(window, last, 6, torch.float64, torch.device("cpu"))
            window.add(rows[30 * k : 30 * k + 30], k)
            parts.append(window.content())
        both = merged(parts)
        assert both.n_samples == 90
        assert np.allclose(eigenvalues(both), np.linalg.eigvalsh(np.cov(rows.numpy().T))[::-1], rtol=1e-10)


def test_training_is_the_same_bit_for_bit() -> None:
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


def hooks(model: nn.Module) -> list[int]:
    return [len(m._forward_hooks) + len(m._forward_pre_hooks) + len(m._backward_hooks) for m in model.modules()]


def test_hooks_come_and_go() -> None:
    model = small()
    model[1].eval()
    own = model[0].register_forward_hook(lambda m, i, o: None)
    before, flags = hooks(model), [m.training for m in model.modules()]
    monitor = AlphaMonitor(model, "*", last=50)
    assert hooks(model) == before
    with monitor, pytest.raises(RuntimeError):
        model(torch.randn(4, 3, 20, 20))
    assert not monitor.attached
    assert hooks(model) == before
    assert [m.training for m in model.modules()] == flags
    assert monitor.step == 1
    model(batches(1)[0])
    assert monitor.step == 1
    monitor.attach().attach()
    model(batches(1)[0])
    assert monitor.step == 2
    monitor.detach()
    monitor.detach()
    assert hooks(model) == before
    own.remove()


def test_nothing_keeps_the_graph() -> None:
    model = small()
    with AlphaMonitor(model, ["3", "7"], last=100) as monitor:
        model(batches(1)[0])
        assert all(not w.rows.requires_grad for w in monitor._samples._windows.values())


@pytest.mark.parametrize(("when", "n"), [("train", 32), ("eval", 64), ("both", 96)])
def test_modes(when: str, n: int) -> None:
    model, x = small(), batches(3)
    with AlphaMonitor(model, "3", when=when) as monitor:
        model(x[0])
        model.eval()
        with torch.no_grad():
            model(x[1])
        with torch.inference_mode():
            model(x[2])
        model.train()
    assert monitor.compute().n_samples[0] == n
    if when == "both":  # a window begun in inference mode can be written to by training
        with monitor:
            model(x[0]).sum().backward()
        assert monitor.compute().n_samples[0] == 128


def test_a_window_begun_in_inference_mode() -> None:
    model = small().eval()
    with AlphaMonitor(model, "3", when="both") as monitor:
        with torch.inference_mode():
            model(batches(1)[0])
        model.train()(batches(1)[0]).sum().backward()
    assert monitor.compute().n_samples[0] == 64


def test_every() -> None:
    model = small()
    with recorded(model[3]) as kept, AlphaMonitor(model, "3", every=3) as monitor:
        train(model, batches(8))
    assert monitor.step == 8
    rows = np.concatenate([kept[0], kept[3], kept[6]]).mean((2, 3))
    assert np.allclose(monitor.spectrum("3").eigenvalue, np.linalg.eigvalsh(np.cov(rows.T))[::-1], rtol=1e-4)


def test_history_and_gradient_accumulation() -> None:
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


class Twice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(6, 6)
        self.split = Split()
        self.unused = nn.Linear(6, 6)

    def forward(self, x: Tensor) -> Tensor:
        return self.split(self.inner(self.inner(x)))["b"][0]


class Split(nn.Module):
    def forward(self, x: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
        return {"a": (x, x * 2), "b": (x * 3, x.sum())}


def test_names_of_calls_and_paths() -> None:
    model, x = Twice(), torch.randn(20, 6)
    names = ["split[b][0]", "inner:1", "inner:0", "output"]
    with AlphaMonitor(model, names) as monitor:
        for _ in range(3):
            model(x).sum().backward()
    assert monitor.layers == names
    first = np.cov(model.inner(x).detach().double().numpy().T)
    trace = {layer: float(monitor.spectrum(layer).eigenvalue.sum()) for layer in names}
    assert trace["inner:0"] == pytest.approx(np.trace(first) * 60 / 59 * 19 / 20, rel=1e-5)
    assert trace["split[b][0]"] == pytest.approx(9 * trace["inner:1"], rel=1e-5)
    assert trace["output"] == pytest.approx(trace["split[b][0]"], rel=1e-12)
    with AlphaMonitor(model, ["inner*", "split*"]) as monitor:
        model(x)
    assert monitor.layers == ["inner:0", "inner:1", "split[a][0]", "split[a][1]", "split[b][0]"]
    assert monitor.compute().n_samples.tolist() == [20] * 5
    listed = na.layers(model, x).layer
    with AlphaMonitor(model, "*") as monitor:
        model(x)
    assert sorted(monitor.layers) == sorted(listed)


@pytest.mark.parametrize(
    ("layers", "match"),
    [
        ("innr", "no layer 'innr'; did you mean 'inner'"),
        ([], "no layers were asked for"),
        ("z*", "no layer matches 'z\\*'; there are 'inner'"),
    ],
)
def test_names_refused_at_once(layers: str, match: str) -> None:
    with pytest.raises(na.InputError, match=match):
        AlphaMonitor(Twice(), layers)


@pytest.mark.parametrize(
    ("layers", "match"),
    [
        ("inner", "'inner' runs 2 times for each batch; choose from 'inner:0', 'inner:1'"),
        ("split", "'split' gives several tensors; choose from 'split\\[a\\]\\[0\\]'"),
        ("inner:2", "there is no layer 'inner:2': 'inner' gives 'inner:0', 'inner:1'"),
        ("split[b][1]", "cannot be recorded: its shape \\(\\) does not begin"),
        ("unused", "'unused' exists, but the model does not call it"),
        (["output", "unus*"], "no layer matches 'unus\\*'"),
    ],
)
def test_names_refused_in_the_first_pass(layers: str, match: str) -> None:
    model = Twice()
    with AlphaMonitor(model, layers), pytest.raises(na.InputError, match=match):
        model(torch.randn(5, 6))


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
def test_options_refused(options: dict, match: str) -> None:
    with pytest.raises(na.InputError, match=match):
        AlphaMonitor(small(), "3", **options)


def test_what_is_refused_later() -> None:
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


def test_a_run_that_diverges_and_recovers(caplog: pytest.LogCaptureFixture) -> None:
    model = small()
    good, bad = batches(4), torch.full((32, 3, 8, 8), float("nan"))
    model[1].eval()  # its running statistics would never recover
    with recorded(model[3]) as kept, AlphaMonitor(model, "3", last=100) as monitor, caplog.at_level(logging.WARNING):
        with torch.no_grad():
            model(good[0])
            model(bad)
            during = monitor.end_epoch()
            model(bad)
            monitor.end_epoch()
            model(good[1])
            after = monitor.end_epoch()
            mixed = good[2].clone()
            mixed[3, 0, 0, 0] = torch.inf
            model(mixed)
    assert np.isnan(during[["alpha", "r2", "effective_rank", "participation_ratio"]].to_numpy(float)).all()
    assert during.reason[0].startswith("all samples of the latest pass hold NaN")
    assert during.n_nonfinite[0] == 32
    assert sum("all samples of the latest" in r.message for r in caplog.records) == 1
    assert np.isfinite(after.alpha[0])
    assert (after.n_samples[0], after.n_nonfinite[0]) == (36, 64)
    rows = np.concatenate(kept).mean((2, 3))[-100:]
    rows = rows[np.isfinite(rows).all(1)]
    table = monitor.compute()
    assert table.n_samples[0] == len(rows) == 63
    assert np.allclose(monitor.spectrum("3").eigenvalue, np.linalg.eigvalsh(np.cov(rows.T))[::-1], rtol=1e-4)


@pytest.mark.usefixtures("no_rows")
def test_rows_that_are_not_finite_in_moments() -> None:
    model = nn.Sequential(nn.Identity())
    x = torch.randn(200, 30)
    x[::3, 2] = torch.nan
    x[1, 4] = torch.inf
    with AlphaMonitor(model, "0", last=160) as monitor:
        for part in x.split(10):
            model(part)
    table = monitor.compute()
    seen = table.n_samples[0] + table.n_nonfinite[0]
    assert 160 <= seen < 180
    rows = x[-seen:].double().numpy()
    rows = rows[np.isfinite(rows).all(1)]
    assert table.n_samples[0] == len(rows)
    assert np.allclose(monitor.spectrum("0").eigenvalue, np.linalg.eigvalsh(np.cov(rows.T))[::-1])


def test_collapse() -> None:
    model = nn.Sequential(nn.Linear(4, 40))
    nn.init.zeros_(model[0].weight)
    with AlphaMonitor(model, "0") as monitor:
        model(torch.randn(1, 4))
        few = monitor.compute()
        model(torch.randn(99, 4))
        constant = monitor.compute()
        with torch.no_grad():
            model[0].weight[:3, 0] = 1.0
        model(torch.randn(100, 4))
        line = monitor.compute()
    assert "1 finite samples so far" in few.reason[0]
    assert constant.reason[0] == "all 40 units are constant"
    assert np.isnan(constant.effective_rank[0])
    assert np.isnan(line.alpha[0])
    assert "no window of ranks" in line.reason[0]
    assert line.effective_rank[0] == pytest.approx(1, abs=1e-6)
    assert (line.n_constant[0], line.n_units[0]) == (37, 40)


@pytest.mark.filterwarnings("error")
def test_values_beyond_squares_end_nothing() -> None:
    model = nn.Sequential(nn.Identity())
    with AlphaMonitor(model, "0") as monitor:
        model(torch.randn(60, 30, dtype=torch.float64) * 1e200)
        assert np.isnan(monitor.end_epoch().alpha[0])
    assert monitor.history.reason[0] != ""


def test_warnings_of_the_fit_become_reasons() -> None:
    model = nn.Sequential(nn.Identity())
    with AlphaMonitor(model, "0", ranks=(2, 28)) as monitor:
        model(torch.randn(100, 30))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = monitor.compute()
    assert "reach past half of the 30" in table.reason[0]
    assert np.isfinite(table.alpha[0])


def test_sizes_that_change() -> None:
    """Pooled maps of any size are rows of the same units; where the units differ, samples are left out and counted."""
    model = nn.Sequential(nn.Conv2d(3, 12, 3))
    with AlphaMonitor(model, "0") as pooled, AlphaMonitor(model, "0", reduce="flatten") as flat:
        for size, n in ((8, 5), (10, 7), (8, 2), (8, 0)):
            model(torch.randn(n, 3, size, size))
    assert pooled.compute()[["n_samples", "n_skipped"]].to_numpy().tolist() == [[14, 0]]
    table = flat.compute()
    assert table[["n_samples", "n_skipped"]].to_numpy().tolist() == [[7, 7]]
    assert "7 samples came with another number of units" in table.reason[0]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_precision(dtype: torch.dtype) -> None:
    """Half precision is pooled in float32; float64 stays."""
    x = torch.randn(100, 12, 5, 5).to(dtype) + 8
    model = nn.Sequential(nn.Identity())
    with AlphaMonitor(model, "0") as monitor:
        model(x)
    expected = np.linalg.eigvalsh(np.cov(x.double().mean((2, 3)).numpy().T))[::-1]
    assert np.allclose(monitor.spectrum("0").eigenvalue, expected, rtol=1e-12 if dtype == torch.float64 else 1e-4)


def test_autocast() -> None:
    model = nn.Sequential(nn.Linear(10, 30), nn.ReLU())
    x = torch.randn(200, 10)
    with recorded(model[0]) as kept, AlphaMonitor(model, "0", reduce="project:20") as monitor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            model(x).sum().backward()
    assert kept[0].shape == (200, 30)
    matrix = monitor._samples._reductions[("0", 0, "")][1].apply.matrix.to_dense().double().numpy()  # type: ignore
    expected = np.linalg.eigvalsh(np.cov(matrix @ kept[0].T))[::-1]
    assert np.allclose(monitor.spectrum("0").eigenvalue, expected, rtol=1e-4, atol=1e-5 * expected[0])


def test_gradient_checkpointing_counts_once() -> None:
    class Checkpointed(nn.Module):
        def __init__(self, reentrant: bool) -> None:
            super().__init__()
            self.body, self.reentrant = nn.Sequential(nn.Linear(6, 20), nn.ReLU()), reentrant

        def forward(self, x: Tensor) -> Tensor:
            return checkpoint(self.body, x, use_reentrant=self.reentrant)

    for reentrant in (True, False):
        model = Checkpointed(reentrant)
        with AlphaMonitor(model, "body.0") as monitor:
            for _ in range(2):
                model(torch.randn(30, 6, requires_grad=True)).sum().backward()
        assert monitor.compute()[["n_samples", "step"]].to_numpy().tolist() == [[60, 2]]


def test_parts_called_by_themselves() -> None:
    class Views(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder, self.head = nn.Linear(6, 20), nn.Linear(20, 4)

    model = Views()
    with AlphaMonitor(model, ["head", "encoder"]) as monitor:
        for _ in range(2):
            one, two = model.encoder(torch.randn(30, 6)), model.encoder(torch.randn(30, 6))
            (model.head(one) + model.head(two)).sum().backward()
    assert set(monitor.layers) == {"encoder", "head"}
    assert monitor.layers == ["head", "encoder"]
    assert monitor.compute().n_samples.tolist() == [120, 120]


def test_a_pass_that_fails_is_not_the_end() -> None:
    model = small()
    with AlphaMonitor(model, "3") as monitor:
        with pytest.raises(RuntimeError):
            model(torch.randn(4, 3, 20, 20))  # the classifier does not fit; the layer gave 4 samples before
        model(batches(1)[0])
        with pytest.raises(RuntimeError):
            model(torch.randn(4, 3, 20, 20))
        model(batches(1)[0])
    assert monitor.layers == ["3"]
    assert monitor.compute().n_samples[0] == 72


def test_copies_are_not_watched(tmp_path: Path) -> None:
    model = small()
    with AlphaMonitor(model, ["3", "output"]) as monitor:
        average = torch.optim.swa_utils.AveragedModel(model)
        twin = copy.deepcopy(model)
        torch.save(model, tmp_path / "model.pt")
        read = torch.load(tmp_path / "model.pt", weights_only=False)
        for other in (average, twin, read):
            other.train()(batches(1)[0])
        assert monitor.step == 0
        model(batches(1)[0])
    assert monitor.compute().n_samples.tolist() == [32, 32]


def test_wrapped_models() -> None:
    model = small()
    with AlphaMonitor(nn.DataParallel(model), "3") as monitor:
        nn.DataParallel(model)(batches(1)[0])
    assert monitor.compute().n_samples[0] == 32
    assert monitor.spectrum("3").attrs["model"] == "Sequential"


def test_replicas_of_other_devices_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    model = nn.Sequential(nn.Linear(4, 20))
    monitor = AlphaMonitor(model, "0")
    replica = model._replicate_for_data_parallel()
    replica._modules["0"] = model[0]._replicate_for_data_parallel()
    monitor._watch.attach()
    listens = monitor._watch._listens
    monkeypatch.setattr(torch.cuda, "current_device", lambda: None)  # as the device of a tensor on the CPU
    assert listens(replica, model)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)
    assert not listens(replica, model)
    monitor.detach()


def test_compiled() -> None:
    """Hooks break the graph and see every pass."""
    model = small()
    compiled = torch.compile(model, backend="eager")
    with recorded(model[3]), AlphaMonitor(compiled, ["3", "output"], last=500) as monitor:
        train(compiled, batches(3))
    assert monitor.compute().n_samples.tolist() == [96, 96]
    assert monitor.step == 3
    torch.compiler.reset()


@pytest.mark.parametrize("moments", [False, True])
def test_a_run_goes_on(tmp_path: Path, moments: bool, request: pytest.FixtureRequest) -> None:
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
    fresh.load_state_dict(_weights_after(4))
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


def _weights_after(n: int) -> dict[str, Tensor]:
    model = small()
    model[6].p = 0.0
    train(model, batches(n))
    return model.state_dict()


def test_states_that_do_not_fit() -> None:
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


_PROCESS = """
import sys, torch, numpy as np, torch.distributed as dist
from torch import nn
from neuroalpha.errors import InputError
from neuroalpha.networks.monitor import AlphaMonitor
from neuroalpha.networks import monitor_window
rank, folder = int(sys.argv[1]), sys.argv[2]
dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
model = nn.parallel.DistributedDataParallel(nn.Sequential(nn.Linear(4, 4, bias=False)))
nn.init.eye_(model.module[0].weight)
for kind in ("rows", "moments"):
    monitor_window.ROWS_BYTES = 2**24 if kind == "rows" else 0
    rng = torch.Generator().manual_seed(rank)
    with AlphaMonitor(model, ["0", "output"], last=1000 if kind == "moments" else 50 + 10 * rank) as monitor:
        assert np.isnan(monitor.compute(merge=True).alpha[0])  # nothing on either
        if rank == 0:
            monitor._watch.model(torch.randn(1, 4))
        try:
            monitor.compute(merge=True)
        except InputError as error:
            assert "have not recorded the same layers" in str(error)
        else:
            raise AssertionError
        monitor.reset()
        for _ in range(30):
            model(torch.randn(50 - 7 * rank, 4, generator=rng)).sum().backward()
        assert all(window.by_rows == (kind == "rows") for window in monitor._samples._windows.values())
        spectrum = monitor.spectrum("0", merge=True)
        merged, alone = monitor.end_epoch(merge=True), monitor.compute()
    np.savez(f"{folder}/{kind}{rank}.npz", values=spectrum.eigenvalue.values, n=merged.n_samples.values,
             alone=alone.n_samples.values)
dist.destroy_process_group()
"""


@pytest.mark.skipif(not torch.distributed.is_available(), reason="torch was built without torch.distributed")
def test_two_processes(tmp_path: Path) -> None:
    """Over gloo: both get the spectrum of all samples in rank order; the hooks are on the wrapped model."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    command = [sys.executable, "-c", _PROCESS]
    running = [
        subprocess.Popen([*command, str(rank), str(tmp_path)], env=environment, stderr=subprocess.PIPE, text=True)
        for rank in (0, 1)
    ]
    for process in running:
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
    for kind in ("rows", "moments"):
        found = [np.load(tmp_path / f"{kind}{rank}.npz") for rank in (0, 1)]
        assert np.array_equal(found[0]["values"], found[1]["values"])
        rows = []
        for rank, each in enumerate(found):
            rng = torch.Generator().manual_seed(rank)
            drawn = torch.cat([torch.randn(50 - 7 * rank, 4, generator=rng) for _ in range(30)])
            rows.append(drawn[-int(each["alone"][0]) :].double().numpy())
        assert found[0]["n"].tolist() == [len(rows[0]) + len(rows[1])] * 2
        assert kind == "moments" or [len(each) for each in rows] == [50, 60]
        expected = np.linalg.eigvalsh(np.cov(np.concatenate(rows).T))[::-1]
        assert np.allclose(found[0]["values"], expected, rtol=1e-6)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_never_waits() -> None:
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
