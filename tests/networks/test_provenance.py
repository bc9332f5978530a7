"""Where weights come from: digests follow the weights, notes follow the model."""

from __future__ import annotations

import gc

import torch
from torch import nn

from neuroalpha.networks import provenance
from neuroalpha.networks.provenance import describe, remember, weights_digest


def test_digest_follows_the_weights():
    torch.manual_seed(0)
    one, two = nn.Linear(3, 2), nn.Linear(3, 2)
    assert weights_digest(one) != weights_digest(two)
    two.load_state_dict(one.state_dict())
    assert weights_digest(one) == weights_digest(two)
    assert weights_digest(one.double()) != weights_digest(two)


def test_a_changed_model_says_so():
    model = nn.Linear(3, 2)
    assert describe(model)["model"] == "Linear"
    remember(model, "toy:linear", "random, seed 0")
    assert (describe(model)["model"], describe(model)["weights"]) == ("toy:linear", "random, seed 0")
    with torch.no_grad():
        model.weight += 1
    assert describe(model)["weights"] == "random, seed 0, changed since"


def test_a_note_keeps_no_model_alive():
    gc.collect()
    before = len(provenance._notes)
    model = nn.Linear(3, 2)
    remember(model, "toy:linear", "given")
    del model
    gc.collect()
    assert len(provenance._notes) <= before
