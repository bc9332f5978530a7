"""The cost model: what it chooses, that the choice fits, and what it says where nothing does."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neuroalpha.errors import InputError
from neuroalpha.networks import routes
from neuroalpha.networks.routes import (
    Measured,
    cut,
    default_memory,
    finish_bytes,
    gram_bytes,
    layer_blocks,
    parse_bytes,
    plan_route,
    state_bytes,
)
from neuroalpha.networks.sharding import Part
from neuroalpha.spectrum.accumulate import block_width

GB = 10**9


def never() -> Measured:
    raise AssertionError("nothing was to be measured")


def slow_disk() -> Measured:
    return Measured(1.0, 1.0, 10**15)


def fast_disk() -> Measured:
    return Measured(1e6, 1e-12, 10**15)


def test_the_smaller_side_is_taken():
    way = plan_route({"narrow": 99, "even": 100, "wide": 10**4}, 100, 0, GB, never)
    assert way.covariance == (("narrow",),)
    assert way.gram == ("even", "wide")
    assert (way.wide, way.n_passes, way.shared) == ("held", 1, True)
    assert [way.of(layer) for layer in ("narrow", "wide")] == ["covariance", "gram, held"]
    assert plan_route({"narrow": 99}, 100, 0, GB, never).wide == ""


@pytest.mark.parametrize(("route", "side"), [("covariance", "covariance"), ("gram", "gram, held")])
def test_the_side_can_be_asked_for(route, side):
    way = plan_route({"a": 50, "b": 500}, 100, 0, GB, never, route)
    assert {way.of("a"), way.of("b")} == {side}


def test_the_cheaper_way_to_wait_is_taken():
    units, n = {"a": 10**5, "b": 10**6}, 1000
    assert plan_route(units, n, 0, 8 * GB, never).wide == "held"
    spilled = plan_route(units, n, 0, GB, fast_disk)
    assert (spilled.wide, spilled.n_passes) == ("spilled", 1)
    assert spilled.scratch_bytes == sum(block.size(n) for block in spilled.blocks[0][spilled.in_memory :])
    again = plan_route(units, n, 0, GB, slow_disk)
    assert (again.wide, again.scratch_bytes) == ("recomputed", 0)
    assert again.n_passes == len(again.blocks) >= 5
    assert again.expected_extra_seconds == again.n_passes - 1
    assert set(again.choices) == {"spilled", "recomputed"}


def test_what_was_asked_for_is_kept_or_refused():
    units, n = {"a": 10**6}, 1000
    assert plan_route(units, n, 0, GB, slow_disk, "gram, spilled").wide == "spilled"
    assert plan_route(units, n, 0, GB, fast_disk, "gram, recomputed").wide == "recomputed"
    with pytest.raises(InputError, match=r"route='gram, held' needs 4\.\d* GB, 4 GB of it for activations.*is 1 GB"):
        plan_route(units, n, 0, GB, never, "gram, held")
    no_disk = Measured(1e6, 1e-12, GB)
    assert plan_route(units, n, 0, GB, lambda: no_disk).wide == "recomputed"
    with pytest.raises(InputError, match=r"needs 3\.\d* GB of scratch space, but only 1 GB are free"):
        plan_route(units, n, 0, GB, lambda: no_disk, "gram, spilled")


@pytest.mark.parametrize(
    ("units", "n", "draws", "memory", "least"),
    [
        ({"a": 10**6}, 20_000, 0, 6 * GB, 8 * 2 * 20_000**2),
        ({"a": 10**6}, 20_000, 10, 9 * GB, 8 * 3 * 20_000**2),
    ],
)
def test_too_little_memory_is_told_with_numbers(units, n, draws, memory, least):
    with pytest.raises(InputError, match=r"at least .* GB \(0 by the covariance, 1 by .* 1000000 units\), but") as told:
        plan_route(units, n, draws, memory, never)
    assert "\n" not in str(told.value)
    assert ("ask for no draws" in str(told.value)) == (draws > 0)
    needed = float(str(told.value).split("at least ")[1].split()[0]) * GB
    assert least < needed < 1.2 * least
    assert plan_route(units, n, draws, int(1.01 * needed), fast_disk).wide == "spilled"


def test_narrow_layers_that_do_not_fit_together_take_turns():
    units = {f"layer{number}": 2000 for number in range(6)}
    one = state_bytes(2000, 10_000, 10)
    end = finish_bytes(2000, 10_000, 10)
    way = plan_route(units, 10_000, 10, 2 * one + end, never)
    assert [len(group) for group in way.covariance] == [2, 2, 2]
    assert way.n_passes == 3
    # nor with what wide layers need
    both = plan_route({**units, "wide": 10**5}, 10_000, 10, 3 * GB + 6 * one, fast_disk)
    assert both.n_passes == len(both.covariance) + len(both.blocks) - both.shared


def test_what_lies_beside_counts():
    assert plan_route({"a": 10**5}, 1000, 0, GB, never).wide == "held"
    assert plan_route({"a": 10**5}, 1000, 0, GB, fast_disk, beside=int(0.9 * GB)).wide == "spilled"
    assert plan_route({"a": 10**5}, 1000, 0, GB, never, beside=123).expected_bytes - 123 == (
        plan_route({"a": 10**5}, 1000, 0, GB, never).expected_bytes
    )


@settings(max_examples=200, deadline=None)
@given(
    units=st.lists(st.integers(1, 10**5), min_size=1, max_size=5),
    n=st.integers(3, 3000),
    draws=st.sampled_from([0, 10]),
    memory=st.integers(10**5, 4 * GB),
    disk=st.sampled_from([slow_disk, fast_disk]),
    n_parts=st.sampled_from([1, 3]),
    together=st.booleans(),
)
def test_every_plan_fits_and_has_every_unit_once(units, n, draws, memory, disk, n_parts, together):
    together = together and n_parts > 1
    named = {str(number): p for number, p in enumerate(units)}
    parts = [Part(n_parts, rank, True) for rank in range(n_parts)] if together else [Part(n_parts)]
    try:
        ways = [plan_route(named, n, draws, memory, disk, part=part) for part in parts]
    except InputError as error:
        for part in parts:  # the same words in all processes
            with pytest.raises(InputError, match="^" + re.escape(str(error)) + "$"):
                plan_route(named, n, draws, memory, disk, part=part)
        return
    first = ways[0]
    assert all((way.wide, way.covariance, way.gram) == (first.wide, first.covariance, first.gram) for way in ways)
    assert all(way.expected_extra_seconds == first.expected_extra_seconds for way in ways if way.choices)
    blocks = [block for way in ways for group in way.blocks for block in group]
    for layer in first.gram:
        spans = sorted((block.first, block.end) for block in blocks if block.layer == layer)
        assert [start for start, _ in spans] == [0, *(end for _, end in spans[:-1])]
        assert spans[-1][1] == named[layer]
        assert all(end - start <= block_width(n) for start, end in spans)
    assert [layer for group in first.covariance for layer in group] == [
        layer for layer in named if layer not in first.gram
    ]
    for way in ways:
        for group in way.blocks:
            held = sum(block.size(n) for block in group[: way.in_memory])
            assert held + (gram_bytes(n, draws, together) if way.gram else 0) <= way.expected_bytes <= memory
        for group in way.covariance:
            states = sum(state_bytes(named[layer], n, draws, n_parts) for layer in group)
            assert states + max(finish_bytes(named[layer], n, draws) for layer in group) <= memory


def test_blocks_of_parts_are_those_of_the_whole():
    whole = list(layer_blocks("a", 10_000, 1000, Part(), range(1)))
    for part in (Part(2), Part(7), Part(50)):
        blocks = list(layer_blocks("a", 10_000, 1000, part, part.mine))
        assert [block[2:] for block in blocks] == [block[2:] for block in whole]
        assert [block.part for block in blocks] == sorted(block.part for block in blocks)


@given(sizes=st.lists(st.integers(1, 9), max_size=20), room=st.integers(0, 20))
def test_cuts_are_full(sizes, room):
    groups = cut(sizes, room)
    assert [index for group in groups for index in group] == list(range(len(sizes)))
    for group, following in pairwise(groups):
        total = sum(sizes[index] for index in group)
        assert total <= room or len(group) == 1
        assert total + sizes[following[0]] > room


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, None),
        ("2 GB", 2 * GB),
        ("1.5gib", 3 * 2**29),
        ("100", 100),
        (5e3, 5000),
        (" 7 kb ", 7000),
        ("1T", 10**12),
    ],
)
def test_sizes(text, expected):
    assert parse_bytes(text) == expected


@pytest.mark.parametrize("text", ["", "much", "-1 GB", 0, "0", -5, "2 XB", True, float("nan"), float("inf"), "1e3 GB"])
def test_sizes_that_are_none(text):
    with pytest.raises(InputError, match=r"memory is .*; expected a size as '2 GB'"):
        parse_bytes(text)


def test_half_of_what_is_free(monkeypatch):
    monkeypatch.setattr(routes, "available_memory", lambda: 10 * GB)
    assert default_memory() == 5 * GB
    monkeypatch.setattr(routes, "available_memory", lambda: None)
    assert default_memory() == 4 * 2**30
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (6 * GB, 80 * GB))
    assert default_memory(torch.device("cuda")) == 3 * GB
