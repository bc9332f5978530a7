"""Random numbers by place: the same whenever they are asked for, others elsewhere."""

from __future__ import annotations

import itertools

import torch

from neuroalpha.ssl import chance

CPU = torch.device("cpu")


def test_places_do_not_share_numbers():
    places = list(itertools.product(range(3), (chance.ORDER, chance.VIEW, chance.STEP), range(20), range(2)))
    seeds = {chance.derived(*place) for place in places}
    assert len(seeds) == len(places)
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_an_order_shows_each_image_once_and_changes_with_the_epoch():
    first = chance.order(100, 0, 0)
    assert sorted(first.tolist()) == list(range(100))
    assert torch.equal(first, chance.order(100, 0, 0))
    assert not torch.equal(first, chance.order(100, 0, 1))
    assert not torch.equal(first, chance.order(100, 1, 0))


def test_the_users_generator_is_left_as_it_was():
    torch.manual_seed(3)
    expected = torch.rand(5)
    torch.manual_seed(3)
    with chance.own_randomness(CPU):
        chance.restart(CPU, 0, chance.STEP, 1)
        inside = torch.rand(2)
        chance.restart(CPU, 0, chance.STEP, 1)
        assert torch.equal(inside, torch.rand(2))
    assert torch.equal(torch.rand(5), expected)
