"""A dry run: writes nothing, and agrees with what is then done."""

from __future__ import annotations

import numpy as np

from neuroalpha.runs.cost import expected_costs, shown
from neuroalpha.runs.group import make_groups
from neuroalpha.runs.models import expand_models
from neuroalpha.runs.pictures import survey_images
from neuroalpha.runs.plan import read_plan


def everything(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_it_agrees_with_the_run(place):
    plan = place.plan(place.small(4), place.odd("raise"), 'name = "cifar:resnet20"')

    def expect(**options):
        before = everything(place.folder)
        table = expected_costs(read_plan(plan), place.folder / "run", allow_code=True, progress=False, **options)
        assert everything(place.folder) == before
        return table

    first = expect()
    assert first["model"].tolist() == ["nets.py:small", "nets.py:odd", "cifar:resnet20 (random, seed 0)"]
    assert first["to_do"][0] == first["jobs"][0] == first["layers"][0] == 6
    assert first["to_do"][1] == -1
    assert "no such thing" in first["problem"][1]
    assert (first.loc[[0, 2], ["seconds", "memory_gb", "passes"]] > 0).all(axis=None)
    done = place.run(plan)
    assert done.n_done == first["to_do"][[0, 2]].sum()
    assert done.n_failed == (first["problem"] != "").sum()
    again = expect()
    assert again["to_do"].tolist() == [0, -1, 0]
    assert again["seconds"][[0, 2]].tolist() == [0, 0]
    assert expect(retry_failed=True)["to_do"].tolist() == [0, -1, 0]


def test_failed_layers_count_only_if_they_are_tried_again(place):
    plan = place.plan(place.odd("nan"))
    done = place.run(plan)

    def expect(**options):
        (row,) = expected_costs(
            read_plan(plan), place.folder / "run", allow_code=True, progress=False, **options
        ).to_dict("records")
        return row

    assert expect()["to_do"] == 0
    assert expect()["problem"].startswith("failed before: layer 'second'")
    assert expect(retry_failed=True)["to_do"] == expect()["jobs"] - done.n_done
    assert np.isfinite(expect()["seconds"])


def test_shifts_count_every_condition(place):
    images = place.labelled("train", 30) + place.labelled("test", 20, seed=2) + place.labelled("wood", 30, seed=3)
    head = '[[tasks]]\nkind = "{}"\nimages = ["train"]\ntest = "test"\n'
    shifts = head.format("shifts") + 'corruptions = ["fog", "snow"]\nseverities = [1, 2, 3]\nnatural = ["wood"]\n'
    plan = read_plan(place.plan(place.small(4), images=images, tasks=head.format("readouts") + shifts))
    (group,) = make_groups(plan, expand_models(plan, True), survey_images(plan, False, False))
    assert [shown(group, task) for task in group.tasks] == [0, 20 * 7 + 30]
    few, many = (
        expected_costs(
            read_plan(place.plan(place.small(4), images=images, tasks=tasks)),
            place.folder / "run",
            allow_code=True,
            progress=False,
        )
        for tasks in (head.format("readouts"), head.format("readouts") + shifts)
    )
    assert few["problem"].tolist() == many["problem"].tolist() == [""]
    assert many["jobs"][0] == 2 * few["jobs"][0]
