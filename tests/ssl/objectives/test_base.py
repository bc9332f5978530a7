"""What an objective is given is checked before anything is computed."""

from __future__ import annotations

import pytest
import torch

import neuroalpha as na
from neuroalpha.ssl.objectives import Objective, Outputs, make_objective


def make(name="directpred", **options):
    return make_objective(name, n_features=3, n_projection=3, options=options)


def some(*sizes):
    return tuple(torch.ones(n, 3) for n in sizes)


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        (Outputs(some(4), some(4), some(4)), "DirectPred was given features of 1 views; expected 2"),
        (Outputs(some(4, 4), some(4, 4, 4), some(4, 4)), "given projections of 3 views; expected 2"),
        (Outputs(some(4, 4), some(4, 4)), "given targets of 0 views; expected 2"),
        (Outputs(some(4, 4), some(4, 5), some(4, 4)), r"batches of \[4, 5\] images; expected the same number"),
        (Outputs(some(4, 4), some(4, 4), some(4, 4), torch.zeros(3)), r"batches of \[3, 4\] images"),
        (Outputs(some(1, 1), some(1, 1), some(1, 1)), r"batches of \[1\] images; .*drop a last batch of one image"),
    ],
)
def test_bad_outputs(outputs, message):
    with pytest.raises(na.InputError, match=message):
        make()(outputs)


def test_targets_are_optional_where_the_network_is_its_own_target():
    objective = make(ema=False)
    both = [torch.randn(5, 3, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1)]
    state = {name: value.clone() for name, value in objective.state_dict().items()}
    found = objective(Outputs(tuple(both), tuple(both)))
    objective.load_state_dict(state)
    assert torch.equal(found, objective(Outputs(tuple(both), tuple(both), tuple(both))))


def test_defaults_of_an_objective():
    """What a new objective gets without saying anything: two views, nothing after a step, nothing to report."""

    class Squares(Objective):
        def loss(self, outputs):
            return sum(z.square().mean() for z in self.targets(outputs))

    objective = Squares()
    z = tuple(x.requires_grad_() for x in some(4, 4))
    found = objective(Outputs(z, z))
    assert found.item() == 2
    assert not found.requires_grad  # targets are constants
    objective.stop_gradient = False
    assert objective(Outputs(z, z)).requires_grad
    assert objective.after_step() is None
    assert objective.report() == {}
    with pytest.raises(NotImplementedError):
        Objective()(Outputs(z, z))
