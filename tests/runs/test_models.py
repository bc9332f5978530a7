"""Model entries: names, wildcards, checkpoints with odd names, code."""

from __future__ import annotations

import os

import pytest
import torch

import neuroalpha as na
from neuroalpha.runs.models import build_model, expand_models
from neuroalpha.runs.plan import read_plan


def specs(place, *models, allow_code=False):
    return expand_models(read_plan(place.plan(*models)), allow_code)


def test_wildcards_and_exclude(place):
    names = [spec.name for spec in specs(place, 'name = "cifar:resnet*"\nexclude = ["*20", "cifar:resnet32"]')]
    known = na.list_models("cifar:resnet*")
    assert names == [name for name in known if name not in ("cifar:resnet20", "cifar:resnet32")]
    assert len(specs(place, 'name = "cifar:*"', 'name = "cifar:resnet20"')) == len(known)  # each once
    assert len(specs(place, 'name = "cifar:resnet20"', 'name = "cifar:resnet20"\nseed = 1')) == 2


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ('name = "torchvision:resnet181"', "number 1: there is no model .*did you mean 'torchvision:resnet18"),
        ('name = "resnet20"', "did you mean 'cifar:resnet20'"),
        ('name = "cifar:vgg*"', "no model fits 'cifar:vgg"),
        ('name = "cifar:*"\nexclude = "*"', "exclude leaves none"),
        ('checkpoints = "nowhere"', "number 1: .*nowhere"),
        ('name = "cifar:resnet21"\ncheckpoints = "*.pt"', "there is no model 'cifar:resnet21'; did you mean"),
        ('code = "nets.py"', "expected 'file.py:function'"),
    ],
)
def test_refused(place, entry, said):
    torch.save({}, place.folder / "a.pt")
    with pytest.raises(na.InputError, match=said):
        specs(place, entry)


def test_code_needs_to_be_allowed(place):
    with pytest.raises(na.InputError, match="--allow-code"):
        specs(place, place.small(4))
    with pytest.raises(na.InputError, match="there is no file"):
        specs(place, 'code = "none.py:f"', allow_code=True)
    (spec,) = specs(place, place.small(4), allow_code=True)
    model, preprocess = build_model(spec, True)
    assert model[0].out_channels == 4
    assert preprocess is None
    with pytest.raises(na.InputError, match="--allow-code"):
        build_model(spec, False)


def test_checkpoints(place):
    model = na.load_model("cifar:resnet20", seed=3)
    folder = place.folder / "many"
    folder.mkdir()
    for name in ("a b<c>.pt", "ümlaut&.pt", "skip.pt"):
        torch.save(model.state_dict(), folder / name)
    found = specs(place, 'name = "cifar:resnet20"\ncheckpoints = "many"\nexclude = "skip*"')
    assert [spec.title() for spec in found] == ["cifar:resnet20 (a b<c>.pt)", "cifar:resnet20 (ümlaut&.pt)"]
    made, _ = build_model(found[0], False)
    assert all((a == b).all() for a, b in zip(made.parameters(), model.parameters(), strict=True))


def test_identity(place):
    torch.save({}, place.folder / "a.pt")

    def identity(entry):
        (spec,) = specs(place, entry, allow_code=True)
        return spec.identity()

    checkpoint = 'checkpoints = "a.pt"'
    first = identity(checkpoint)
    assert identity(checkpoint) == first
    os.utime(place.folder / "a.pt", ns=(1, 1))  # written again
    assert identity(checkpoint) != first
    code = place.small(4)
    first = identity(code)
    os.utime(place.folder / "nets.py", ns=(1, 1))
    assert identity(code) == first
    (place.folder / "nets.py").write_text((place.folder / "nets.py").read_text() + "\n# changed")
    assert identity(code) != first
    assert identity('name = "cifar:resnet20"') != identity('name = "cifar:resnet20"\nseed = 1')


def test_labels_and_families(place):
    plan = read_plan(
        place.plan(
            place.small(4) + '\nlabel = "mine"\nfamily = "small"', place.small(5), 'name = "torchvision:vgg1[13]"'
        )
    )
    found = expand_models(plan, True)
    assert [(spec.title(), spec.family) for spec in found] == [
        ("mine", "small"),
        ("nets.py:small", "nets"),
        ("torchvision:vgg11 (random, seed 0)", "vgg"),
        ("torchvision:vgg13 (random, seed 0)", "vgg"),
    ]
    assert found[0].identity()["label"] == "mine"
    assert "label" not in found[1].identity()
    with pytest.raises(na.InputError, match="has a label, which is for one model"):
        read_plan(place.plan('name = "torchvision:vgg*"\nlabel = "mine"'))
