"""Every objective by its name: options, seeds, and what holds for all of them."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import neuroalpha as na
from neuroalpha.ssl import objectives
from neuroalpha.ssl.objectives import Outputs, list_objectives, make_objective, objective_options

LIGHTLY = {"simclr", "barlow_twins", "vicreg", "byol", "simsiam", "nassar"}  # nassar: by its default base
# Projections turned alike: the same loss. The others decorrelate given dimensions, or have a trained predictor.
TURNED_ALIKE = ["simclr", "spectral", "directpred", "directcopy", "isoloss"]


def make(name, **keywords):
    if name in LIGHTLY and "lightly" not in str(keywords.get("options", "")):
        pytest.importorskip("lightly")
    return make_objective(name, n_features=14, n_projection=6, n_classes=3, **keywords)


def outputs(objective, seed=0, n=12):
    generator = torch.Generator().manual_seed(seed)

    def some(width, count):
        return tuple(torch.randn(n, width, generator=generator).requires_grad_() for _ in range(count))

    targets = some(6, objective.views) if objective.needs_target else ()
    return Outputs(some(14, objective.views), some(6, objective.views), targets, torch.arange(n) % 3)


@pytest.fixture(params=list_objectives())
def objective(request):
    return make(request.param)


def test_loss_is_one_finite_number_with_a_gradient(objective):
    given_ = outputs(objective)
    loss = objective(given_)
    assert (loss.shape, loss.dtype) == ((), torch.float32)
    loss.backward()
    objective.after_step()
    for learning in given_.projections if objective.uses_projector else given_.features:
        assert torch.isfinite(learning.grad).all()
        assert learning.grad.abs().max() > 0
    for target in given_.targets:
        assert target.grad is None
    for name, parameter in objective.named_parameters():
        assert torch.isfinite(parameter.grad).all(), name
    for name, value in objective.report().items():
        assert np.isfinite(value).all(), name


def test_half_precision_and_autocast_give_single_precision(objective):
    given_ = outputs(objective)

    def half(tensors):
        return tuple(t.detach().bfloat16() for t in tensors)

    coarse = Outputs(half(given_.features), half(given_.projections), half(given_.targets), given_.labels)
    fine = Outputs(
        *((tuple(t.float() for t in x)) for x in (coarse.features, coarse.projections, coarse.targets)), given_.labels
    )
    state = {name: value.clone() for name, value in objective.state_dict().items()}
    with torch.autocast("cpu", torch.bfloat16):
        found = objective(coarse)
    objective.load_state_dict(state)
    assert found.dtype == torch.float32
    assert torch.equal(found, objective(fine))


def test_is_allowed_where_algorithms_must_be_deterministic(objective):
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    try:
        objective(outputs(objective)).backward()
    finally:
        torch.use_deterministic_algorithms(before)


def test_order_of_images_does_not_matter(objective):
    given_ = outputs(objective)
    state = {name: value.clone() for name, value in objective.state_dict().items()}
    plain = objective(given_).item()
    objective.load_state_dict(state)
    order = torch.randperm(12, generator=torch.Generator().manual_seed(1))
    moved = [tuple(t[order] for t in x) for x in (given_.features, given_.projections, given_.targets)]
    assert objective(Outputs(*moved, given_.labels[order])).item() == pytest.approx(plain, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("name", TURNED_ALIKE)
@given(seed=st.integers(0, 100))
@settings(max_examples=10)
def test_projections_turned_alike(name, seed):
    plain, turned = make(name).double(), make(name).double()
    given_ = outputs(plain, seed)
    rotation = torch.linalg.qr(torch.randn(6, 6, generator=torch.Generator().manual_seed(seed)).double()).Q

    def turn(tensors):
        return tuple(t.double() @ rotation for t in tensors)

    def wide(tensors):
        return tuple(t.double() for t in tensors)

    value = plain(Outputs(given_.features, wide(given_.projections), wide(given_.targets))).item()
    again = turned(Outputs(given_.features, turn(given_.projections), turn(given_.targets))).item()
    assert again == pytest.approx(value, rel=1e-7, abs=1e-9)


def test_seed_decides_and_the_global_generator_is_left_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    one, other, same = (make("supervised", seed=seed) for seed in (0, 1, 0))
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(one.head.weight, same.head.weight)
    assert not torch.equal(one.head.weight, other.head.weight)
    inner = make("nassar", seed=3, options={"base": "supervised"})
    again = make("nassar", seed=3, options={"base": "supervised"})
    assert torch.equal(inner.base.head.weight, again.base.head.weight)


@pytest.mark.parametrize("name", list_objectives())
def test_options_have_defaults_that_a_file_can_hold(name):
    options = objective_options(name)
    assert inspect.Parameter.empty not in options.values()
    assert json.loads(json.dumps(options)) == options
    assert not any(key.endswith("_") for key in options)
    make(name, options=options)  # and giving them all is giving none


def test_every_file_says_its_paper():
    for name, (file, kind) in objectives.registry.OBJECTIVES.items():
        module = __import__(f"neuroalpha.ssl.objectives.{file}", fromlist=[kind])
        text = getattr(module, kind).__doc__
        assert name == "supervised" or any(f" {year}, " in text for year in range(2017, 2024)), name


def test_names_do_not_need_torch():
    code = "import sys, neuroalpha.ssl.objectives as o; o.list_objectives(); print('torch' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "False"


@pytest.mark.parametrize(
    ("name", "keywords", "message"),
    [
        ("simcrl", {}, "no objective 'simcrl'; did you mean 'simclr'.*expected one of simclr, barlow_twins"),
        (None, {}, "no objective None"),
        ("spectral", {"options": {"mus": 1}}, "spectral has no option 'mus'; did you mean 'mu'.*its options: mu"),
        ("spectral", {"options": [1]}, r"options of spectral are \[1\]; expected names with values"),
        ("barlow_joint", {"options": {"lambda_": 1}}, "no option 'lambda_'; did you mean 'lambda'"),
        ("spectral", {"seed": None}, "seed is None"),
    ],
)
def test_bad_names(name, keywords, message):
    with pytest.raises(na.InputError, match=message):
        make_objective(name, n_features=4, n_projection=4, **keywords)


def test_bad_sizes():
    with pytest.raises(na.InputError, match="n_projection is 0; expected a whole number of at least 1"):
        make_objective("spectral", n_features=4, n_projection=0)
    with pytest.raises(na.InputError, match="n_classes is 1; expected a whole number of at least 2"):
        make_objective("supervised", n_features=4, n_projection=4, n_classes=1)


def test_package_has_no_other_names():
    with pytest.raises(AttributeError, match="no attribute 'Objectiv'"):
        _ = objectives.Objectiv
