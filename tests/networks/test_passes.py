"""The passes themselves: how often the model runs, over what, and what is alive when."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from neuroalpha.errors import InputError
from neuroalpha.networks import passes
from neuroalpha.networks.passes import Clock
from neuroalpha.networks.spectra import collect_spectra, model_spectra
from neuroalpha.networks.store import Store


class Counting(nn.Module):
    """Notes which images it saw, the first time at all and in every pass."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.wide = nn.Identity(), nn.Identity(), nn.Identity()
        self.seen: list[int] = []
        self.fail_at = -1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen += x[:, 0].int().tolist()
        if self.fail_at in self.seen[2:]:
            raise ZeroDivisionError("the model's own")
        self.second(self.first(x) ** 2)
        return self.wide(x.repeat(1, 100))


X = torch.randn(30, 5)
X[:, 0] = torch.arange(30)
LAYERS = ["first", "second", "wide"]


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
    monkeypatch.setattr("neuroalpha.networks.routes.block_width", lambda n: 50)


def run(model: nn.Module, **options):
    return collect_spectra(model, X, LAYERS, **({"batch_size": 8, "progress": False} | options))


def test_one_pass_when_all_fits():
    model = Counting()
    found = run(model)
    assert found.cost["cost_passes"] == 1
    assert model.seen[-30:] == list(range(30))
    assert len(model.seen) == 2 + 2 + 30  # two images to find out about layers, for the plan and for the pass


def test_as_many_passes_as_are_said():
    model = Counting()
    found = run(model, route="gram, recomputed", memory=70_000)
    passes_taken = found.cost["cost_passes"]
    assert passes_taken > 1
    assert sum(seen == 29 for seen in model.seen) == passes_taken
    assert 0 < found.cost["cost_extra_seconds"] < found.cost["cost_seconds_forward"] * 2 + 10


def test_shards_see_their_stimuli_once_for_moments():
    model = Counting()
    collect_spectra(model, X, LAYERS[:2], shards=3, batch_size=4, progress=False)
    assert model.seen[-32:] == [*range(10), 0, 1, *range(10, 20), 0, 1, *range(20, 30)][-32:]


def test_narrow_layers_take_turns_where_their_matrices_do_not_fit(monkeypatch):
    usual = run(Counting(), memory="1 GB")
    monkeypatch.setattr("neuroalpha.networks.routes.state_bytes", lambda p, n, groups, parts=1: 50_000)
    monkeypatch.setattr("neuroalpha.networks.routes.finish_bytes", lambda p, n, groups: 10_000)
    model = Counting()
    found = run(model, memory=90_000)
    assert found.cost["cost_passes"] == 3
    assert sum(seen == 29 for seen in model.seen) == 3
    for layer in LAYERS:
        assert np.array_equal(found.results[layer]["eigenvalue"], usual.results[layer]["eigenvalue"])


def test_an_error_of_the_model_closes_everything(monkeypatch):
    closed = []
    close = Store.close
    monkeypatch.setattr(Store, "close", lambda self: (closed.append(self), close(self))[1])
    model = Counting()
    model.fail_at = 20
    with pytest.raises(ZeroDivisionError, match="the model's own"):
        run(model)
    assert closed
    assert not any(module._forward_hooks for module in model.modules())
    model.fail_at = -1
    assert not isinstance(run(model).results["first"], InputError)


def test_a_layer_is_left_out_from_its_first_wrong_value_on(monkeypatch):
    monkeypatch.setattr("neuroalpha.spectrum.accumulate.STAGE_BYTES", 100)  # multiplied batch by batch
    added = []
    add = passes.Covariance.add
    monkeypatch.setattr(
        passes.Covariance, "add", lambda self, start, rows: (added.append(start), add(self, start, rows))
    )
    x = X.clone()
    x[9, 1] = torch.nan
    found = collect_spectra(Counting(), x, ["first"], batch_size=8, progress=False)
    assert isinstance(found.results["first"], InputError)
    assert added == [0, 8]


def test_the_clock_adds_up_also_after_errors():
    clock = Clock()
    with pytest.raises(ZeroDivisionError), clock.runs("forward", "extra"):
        raise ZeroDivisionError
    assert clock.forward == clock.extra
    assert clock.forward > 0
    assert clock.products == 0


def test_progress_goes_to_stderr(capsys):
    model_spectra(Counting(), X, ["first"], progress=True)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "1 layers by the covariance" in captured.err
