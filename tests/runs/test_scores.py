"""Label-free scores as a kind of job: of which images, with which views."""

from __future__ import annotations

import numpy as np
import pytest

import neuroalpha as na
from neuroalpha.runs.folder import RunFolder
from neuroalpha.runs.results import run_table
from neuroalpha.runs.run import run_zoo
from neuroalpha.runs.scores import columns, images_shown
from neuroalpha.runs.sweep_plan import sweep_plan
from neuroalpha.runs.task_columns import task_results

TASK = '[[tasks]]\nkind = "scores"\nobjects = {}\nviews = {}\n'


def results(folder):
    return [each for names, each in task_results(RunFolder.open(folder)) if names["kind"] == "scores"]


def test_scores_are_those_of_the_features(sweep_file, tmp_path):
    run_zoo(sweep_plan(sweep_file(), threads=1), tmp_path / "run", progress=False)
    found = {each.attrs["layer"]: each for each in results(tmp_path / "run")}
    images = na.images(tmp_path / "test.npz", key="images")
    network = na.load_trained(next((tmp_path / "sweep-trained").glob("spectral-*")))
    for layer in ("backbone", "projector"):
        features = na.extract(network, images, [layer])
        expected = na.label_free_scores(features).to_frame().iloc[0]
        for name in ("rankme", "nesum", "coding_rate", "self_cluster", "clid"):
            assert columns(found[layer])[name] == pytest.approx(expected[name], rel=1e-6)
        assert found[layer].attrs["objects"] == 64  # all there are, of 1,000
        assert columns(found[layer])["lidar"] > 1


def test_views_do_not_hang_on_the_batches(place):
    plan = place.plan(place.small(4), layers='[[layers]]\nselect = "4"\n', tasks=TASK.format(12, 3), run="")
    place.run(plan, "one")
    place.run(place.plan(place.small(4), layers='[[layers]]\nselect = "4"\n', tasks=TASK.format(12, 3),
                         run="[run]\nbatch_size = 5\n"), "other")  # fmt: skip
    one, other = (results(place.folder / name)[0].attrs["lidar"] for name in ("one", "other"))
    assert one == pytest.approx(other, rel=1e-4)
    place.run(place.plan(place.small(4), layers='[[layers]]\nselect = "4"\n',
                         tasks=TASK.format(12, 3) + "seed = 1\n", run=""), "seed")  # fmt: skip
    assert results(place.folder / "seed")[0].attrs["lidar"] != pytest.approx(one, rel=1e-3)


def test_without_objects_there_is_no_lidar(place):
    place.run(place.plan(place.small(4), tasks=TASK.format(0, 2) + "[[tasks]]\ndraws = 0\n"))
    table = run_table(place.folder / "run")
    assert "lidar" not in table or table["lidar"].isna().all()
    assert table["rankme"].notna().any()


def test_the_copies_are_counted(place):
    class Group:
        class pictures:
            n = 24

    assert images_shown(Group, {"objects": 1000, "views": 10}) == 240
    assert images_shown(Group, {"objects": 5, "views": 10}) == 50


@pytest.mark.parametrize(("objects", "views", "message"), [(-1, 2, "objects"), (10, 1, "views"), ('"x"', 2, "objects")])
def test_options_that_make_no_score(place, objects, views, message):
    with pytest.raises(na.InputError, match=message):
        place.run(place.plan(place.small(4), tasks=TASK.format(objects, views)))


def test_a_constant_layer_has_no_alpha(place):
    place.run(
        place.plan(place.odd("constant"), layers='[[layers]]\nselect = "*"\nreduce = "mean"\n', tasks=TASK.format(0, 2))
    )
    told = {each.attrs["layer"]: columns(each)["collapsed"] for each in results(place.folder / "run")}
    assert "collapsed" in told["second"]
    assert told["first"] == ""
    alpha = {each.attrs["layer"]: each.attrs["alpha"] for each in results(place.folder / "run")}
    assert np.isnan(alpha["second"])
