"""The pass itself: memory that runs out, a model put back as it was, models that misbehave."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch
from torch import nn

from neuroalpha.errors import InputError
from neuroalpha.networks.catalogue import load_model
from neuroalpha.networks.extract import extract
from neuroalpha.networks.images import images
from neuroalpha.networks.layers import layers
from neuroalpha.networks.state import _full_precision, evaluating
from neuroalpha.networks.stream import Stream


class Small(nn.Module):
    """Has memory for so many images at once."""

    def __init__(self, most: int, error: type[Exception] = torch.OutOfMemoryError, message: str = "full") -> None:
        super().__init__()
        self.linear = nn.Linear(4, 3)
        self.most, self.error, self.message = most, error, message
        self.seen: list[int] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.linear(x)
        x.zero_()  # a pass that fails halfway may have spoiled its input
        self.seen.append(len(x))
        if len(x) > self.most:
            raise self.error(self.message)
        return y


@pytest.mark.parametrize("most", [1, 2, 3, 5, 100])
@pytest.mark.parametrize("n", [1, 7, 20])
def test_batches_are_halved_and_the_order_kept(most: int, n: int, caplog: pytest.LogCaptureFixture) -> None:
    model, x = Small(most), torch.randn(n, 4)
    net = extract(model, x, "linear", batch_size=8, progress=False)
    with torch.no_grad():
        assert np.allclose(net.values, model.linear(x).numpy(), atol=1e-6)
    said = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(said) == (1 if min(8, n) > most else 0)


@pytest.mark.parametrize("message", ["CUDA out of memory.", "DefaultCPUAllocator: can't allocate memory: ..."])
def test_other_words_for_no_memory(message: str) -> None:
    model, x = Small(2, RuntimeError, message), torch.randn(5, 4)
    assert extract(model, x, "linear", progress=False).shape == (5, 3)


def test_no_memory_for_a_single_image() -> None:
    with pytest.raises(InputError, match=r"cannot run on inputs of shape .* memory"):
        extract(Small(0), torch.randn(5, 4), "linear", progress=False)


def test_no_memory_for_a_single_image_later_on() -> None:
    class Late(Small):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.most = 8 if len(self.seen) < 2 else 0
            return super().forward(x)

    with pytest.raises(InputError, match=r"one image of shape .* does not fit into the memory of cpu"):
        extract(Late(8), torch.randn(9, 4), "linear", batch_size=4, progress=False)


def test_other_errors_pass_through_unchanged() -> None:
    class Picky(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if float(x[0, 0]) > 5:
                raise RuntimeError("too bright")
            return x

    with pytest.raises(RuntimeError, match="too bright"):
        extract(nn.Sequential(Picky()), torch.arange(24.0).reshape(6, 4), "0", batch_size=1, progress=False)


def state_of(model: nn.Module) -> tuple:
    return (
        [(name, module.training, len(module._forward_hooks)) for name, module in model.named_modules()],
        [
            (name, p.requires_grad, p.device, id(p), p.detach().clone().numpy().tobytes())
            for name, p in model.named_parameters()
        ],
        [(name, b.detach().clone().numpy().tobytes()) for name, b in model.named_buffers()],
    )


def half_frozen() -> nn.Module:
    model = load_model("cifar:resnet20").train()
    model.layer1.eval()
    model.layer2[0].bn1.eval()
    model.conv1.weight.requires_grad_(False)
    model.linear.register_forward_hook(lambda module, inputs, output: None)
    return model


def test_the_model_is_put_back() -> None:
    model = half_frozen()
    before = state_of(model)
    x = torch.randn(5, 3, 8, 8)
    extract(model, x, ["layer1", "linear"], batch_size=2, progress=False)
    assert state_of(model) == before
    layers(model, x)
    assert state_of(model) == before
    assert torch.is_grad_enabled()
    model(x).sum().backward()  # and it can still learn
    assert model.linear.weight.grad is not None


@pytest.mark.parametrize("layer", ["linear", "nothing", "layer1.0.relu1*"])
def test_the_model_is_put_back_after_an_error(layer: str) -> None:
    model = half_frozen()
    calls = []

    def fail(module: nn.Module, inputs: object) -> None:
        calls.append(1)
        if len(calls) > 2:
            raise KeyError("broken")

    handle = model.layer3.register_forward_pre_hook(fail)
    before = state_of(model)
    with pytest.raises((KeyError, InputError)):
        extract(model, torch.randn(9, 3, 8, 8), layer, batch_size=2, progress=False)
    assert state_of(model) == before
    handle.remove()


def test_a_pass_that_is_left_early_is_put_back() -> None:
    model = half_frozen()
    before = state_of(model)
    with Stream(model, torch.randn(9, 3, 8, 8), "linear", batch_size=2) as stream:
        for _ in stream:
            break
    assert state_of(model) == before


def test_a_model_is_moved_and_moved_back() -> None:
    moves = []

    class Moving(nn.Linear):
        def _apply(self, fn, recurse=True):
            moves.append(fn(torch.zeros(1)).device.type)
            return self

    with evaluating(Moving(2, 2), torch.device("meta")):
        assert moves == ["meta"]
    assert moves == ["meta", "cpu"]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_gpu_and_cpu_agree() -> None:
    model = load_model("torchvision:resnet18")
    x = torch.randn(6, 3, 64, 64)
    there, here = (
        extract(
            model,
            x,
            ["layer1.0.relu:0", "layer4", "fc"],
            reduce={"layer4": "project:300", "*": "flatten"},
            device=device,
            progress=False,
            batch_size=4,
        ).values
        for device in ("cuda", "cpu")
    )
    assert np.allclose(there, here, atol=1e-3 * np.abs(here).max())
    assert next(model.parameters()).device.type == "cpu"


def test_precision_switches_are_restored() -> None:
    before = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    with _full_precision(torch.device("cuda")):
        if hasattr(torch.backends.cudnn, "conv"):
            assert torch.backends.cudnn.conv.fp32_precision == "ieee"
        else:
            assert not torch.backends.cudnn.allow_tf32
    assert (torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32) == before


def test_outputs_belong_to_the_caller() -> None:
    """Each batch is memory of its own, ordinary tensors that may be changed in place."""
    model, x = nn.Sequential(nn.Identity()), torch.randn(4, 3)
    with Stream(model, x, "0", batch_size=2) as stream:
        kept = [outputs["0"].add_(0) for _, _, outputs in stream]
    assert torch.equal(torch.cat(kept), x)
    kept[0].zero_()
    assert float(x.abs().min()) > 0


def test_a_tensor_cached_by_the_model_can_still_be_learned_from() -> None:
    class Caching(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(3, 3)
            self.table = None

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if self.table is None:
                self.table = torch.arange(3.0) + 1
            return self.linear(x * self.table)

    model = Caching()
    extract(model, torch.randn(2, 3), "linear", progress=False)
    model(torch.randn(2, 3, requires_grad=True)).sum().backward()
    assert model.linear.weight.grad is not None
    assert float(model.linear.weight.grad.abs().sum()) > 0


def test_a_module_that_runs_a_varying_number_of_times() -> None:
    class Looping(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.step = nn.Linear(2, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            for _ in range(int(x.abs().max()) + 1):
                x = self.step(x)
            return x

    x = torch.tensor([[0.0, 0.0], [0.0, 0.0], [3.0, 0.0]])
    with pytest.raises(InputError, match="step ran 4 times for one batch and 1 times for another"):
        extract(Looping(), x, "step", batch_size=1, progress=False)


def test_output_size_that_depends_on_the_images() -> None:
    class Cropping(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x[:, : 2 - int(x.max())]

    x = torch.tensor([[0.0, 0.0], [0.0, 0.0], [1.0, 0.0]])
    with pytest.raises(InputError, match="its size depends on the images"):
        extract(nn.Sequential(Cropping()), x, "0", batch_size=1, progress=False)


def test_batch_statistics_are_told(caplog: pytest.LogCaptureFixture) -> None:
    model = nn.Sequential(nn.BatchNorm1d(3, track_running_stats=False))
    extract(model, torch.randn(4, 3), "0", progress=False)
    assert "depends on which images share a batch" in caplog.text


def test_errors_of_the_reading_thread_arrive() -> None:
    def transform(image: torch.Tensor) -> torch.Tensor:
        if int(image.max()) == 4:
            raise InputError("image 4 is broken")
        return image.float()

    pixels = np.arange(6, dtype=np.uint8)[:, None, None] * np.ones((8, 8), np.uint8)
    model = load_model("cifar:resnet20")
    with pytest.raises(InputError, match="image 4 is broken"):
        extract(model, images(pixels, transform=transform), "linear", batch_size=2, progress=False)


def test_progress_goes_to_stderr(capsys: pytest.CaptureFixture) -> None:
    extract(nn.Sequential(nn.Identity()), torch.randn(4, 3), "0", progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "4/4" in err
