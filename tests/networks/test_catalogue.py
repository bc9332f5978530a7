"""Names, seeds, weights and the note that a model keeps of them."""

from __future__ import annotations

import gc
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from urllib.error import URLError

import pytest
import torch
import torchvision
from torch import nn

from neuroalpha.errors import InputError, MissingExtraError
from neuroalpha.networks import provenance
from neuroalpha.networks.catalogue import building, list_models, load_model
from neuroalpha.networks.provenance import describe, weights_digest


def test_wildcards() -> None:
    assert list_models("cifar:resnet??") == ["cifar:resnet20", "cifar:resnet32", "cifar:resnet44", "cifar:resnet56"]
    assert "torchvision:resnet18" in list_models("torchvision:res*")
    assert "torchvision:alexnet" in list_models("alex*")
    assert list_models("nothing*") == []
    assert list_models() == sorted(list_models())
    assert not any("rcnn" in name for name in list_models())


def test_unknown_names_suggest() -> None:
    with pytest.raises(InputError, match="did you mean 'torchvision:resnet18'"):
        load_model("resnet18")
    with pytest.raises(InputError, match=r"did you mean .*'cifar:resnet20'"):
        load_model("cifar:resnet21")
    with pytest.raises(InputError, match=r"did you mean .*'torchvision:alexnet'"):
        load_model("torchvision:alexnett")
    with pytest.raises(InputError, match="list_models"):
        load_model("")


def test_seed_decides_and_leaves_the_callers_random_state() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    one, same, other = (load_model("cifar:resnet20", seed=seed) for seed in (1, 1, 2))
    assert torch.equal(torch.rand(3), expected)
    assert weights_digest(one) == weights_digest(same) != weights_digest(other)
    assert not one.training


def test_several_threads_get_the_weights_of_their_seeds() -> None:
    names = ["cifar:resnet20", "cifar:resnet32"] * 4
    expected = [weights_digest(load_model(name, seed=seed)) for seed, name in enumerate(names)]
    torch.manual_seed(5)
    state = torch.get_rng_state()
    before = sys.stdout
    switch = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # change threads as often as can be
    try:
        with ThreadPoolExecutor(8) as pool:
            models = list(pool.map(lambda seed: load_model(names[seed], seed=seed), range(8)))
    finally:
        sys.setswitchinterval(switch)
    assert [weights_digest(model) for model in models] == expected
    assert torch.equal(torch.get_rng_state(), state)
    assert sys.stdout is before


def test_a_model_may_be_made_of_models() -> None:
    with building(seed=4):
        one = load_model("cifar:resnet20", seed=1)
        rest = torch.rand(2)
    with building(seed=4):
        assert torch.equal(torch.rand(2), rest)  # the model inside took nothing from the seed outside
    assert weights_digest(one) == weights_digest(load_model("cifar:resnet20", seed=1))


def test_num_classes() -> None:
    assert load_model("cifar:resnet20", num_classes=100).linear.out_features == 100
    assert load_model("torchvision:squeezenet1_1", num_classes=7).classifier[1].out_channels == 7


def test_weights_from_a_path(tmp_path: Path) -> None:
    saved = load_model("cifar:resnet20", seed=3)
    torch.save({"state_dict": saved.state_dict()}, tmp_path / "net.th")
    model = load_model("cifar:resnet20", weights=tmp_path / "net.th")
    assert describe(model) == {"model": "cifar:resnet20", "weights": "net.th", "digest": weights_digest(saved)}
    with pytest.raises(InputError, match="do not fit"):
        load_model("cifar:resnet32", weights=tmp_path / "net.th")


def test_weights_that_are_neither_published_nor_a_file() -> None:
    with pytest.raises(InputError, match="no weights 'DEFAULT' for cifar:resnet20: give the path"):
        load_model("cifar:resnet20", weights="DEFAULT")
    with pytest.raises(InputError, match="give one of IMAGENET1K_V1, DEFAULT, or the path"):
        load_model("torchvision:squeezenet1_1", weights="missing.pt")


def test_failed_download(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise URLError("no network")

    monkeypatch.setattr(torch.hub, "download_url_to_file", fail)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(InputError, match=r"could not be downloaded.*no network.*path"):
        load_model("torchvision:squeezenet1_1", weights="DEFAULT")


def test_published_weights_refuse_another_width() -> None:
    with pytest.raises(InputError, match="cannot make torchvision:squeezenet1_1"):
        load_model("torchvision:squeezenet1_1", weights="DEFAULT", num_classes=3)


def test_download_is_asked_for_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def get_model(name: str, weights: str | None = None, **options: object) -> nn.Module:
        asked.append((name, weights))
        return nn.Linear(2, 2)

    monkeypatch.setattr(torchvision.models, "get_model", get_model)
    model = load_model("torchvision:resnet50", weights="DEFAULT")
    assert asked == [("resnet50", "IMAGENET1K_V2")]
    assert describe(model)["weights"] == "IMAGENET1K_V2"


def test_a_changed_model_says_so() -> None:
    model = load_model("cifar:resnet20", seed=4)
    assert describe(model)["weights"] == "random, seed 4"
    with torch.no_grad():
        model.linear.bias += 1
    assert describe(model)["weights"] == "random, seed 4, changed since"


def test_notes_do_not_keep_models_alive() -> None:
    gc.collect()
    before = len(provenance._notes)
    model = load_model("cifar:resnet20")
    assert len(provenance._notes) == before + 1
    del model
    gc.collect()
    assert len(provenance._notes) == before


def test_timm_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert list_models("timm:*") == []
    with pytest.raises(MissingExtraError, match=r"neuroalpha\[zoo\]"):
        load_model("timm:resnet18")


def test_timm_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = ModuleType("timm")
    fake.__spec__ = ModuleSpec("timm", None)
    fake.list_models = lambda: ["tiny"]  # type: ignore[attr-defined]
    fake.is_model = lambda name: name.partition(".")[0] == "tiny"  # type: ignore[attr-defined]
    calls = []
    fake.create_model = lambda name, pretrained, **o: calls.append((name, pretrained, o)) or nn.Linear(2, 2)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "timm", fake)
    assert list_models("timm:*") == ["timm:tiny"]
    load_model("timm:tiny.tag_in1k", weights="DEFAULT", num_classes=5)
    assert calls == [("tiny.tag_in1k", True, {"num_classes": 5})]
