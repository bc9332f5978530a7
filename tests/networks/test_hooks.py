"""Hooks: every output found and named, copies made at once, nothing left behind."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from neuroalpha.errors import InputError
from neuroalpha.networks.hooks import Recorder, is_out_of_memory, leaves, module_names, trace


class Shared(nn.Module):
    """One ReLU used twice, in place, and a tuple at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.relu = nn.ReLU(inplace=True)
        self.linear = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        first = self.relu(x - 1)
        return first, {"more": self.relu(self.linear(first))}


def test_leaves_of_nested_outputs():
    a, b, c = (torch.zeros(1) for _ in range(3))
    found = dict(leaves((a, [b], {"k": c, "n": None})))
    assert list(found) == ["[0]", "[1][0]", "[2][k]"]
    assert found["[2][k]"] is c


def test_trace_tells_calls_and_parts_apart():
    model, x = Shared(), torch.randn(2, 4)
    traced = trace(model, x)
    assert [traced.name(o) for o in traced.outputs] == ["relu:0", "linear", "relu:1", "output[0]", "output[1][more]"]
    assert all(not o.fault for o in traced.outputs)
    assert not any(m._forward_hooks for m in model.modules())


def test_recorder_copies_before_anything_writes_over_it():
    torch.manual_seed(0)
    model, x = Shared(), torch.randn(3, 4)
    traced = trace(model, x)
    linear = next(o for o in traced.outputs if o.module == "linear")
    with Recorder(model, traced, [(linear, torch.clone)]) as recorder:
        (kept,) = recorder.run(model, x.clone())
    with torch.no_grad():
        torch.testing.assert_close(kept, model.linear(torch.relu(x - 1)))
    assert (kept < 0).any()  # the in-place ReLU that follows would have removed these
    assert not any(m._forward_hooks for m in model.modules())


def test_a_model_that_cannot_run_says_why():
    with pytest.raises(InputError, match=r"Linear cannot run on inputs of shape \(2, 5\)"):
        trace(nn.Linear(3, 3), torch.zeros(2, 5))


def test_names_and_memory_errors():
    model = nn.Sequential(nn.ReLU())
    assert list(module_names(model)) == ["0", "output"]
    assert is_out_of_memory(torch.OutOfMemoryError("x"))
    assert is_out_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory"))
    assert not is_out_of_memory(RuntimeError("shapes differ"))
