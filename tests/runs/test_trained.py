"""Networks of a sweep as models of a plan."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch

import neuroalpha as na
from neuroalpha.networks.provenance import describe, weights_digest
from neuroalpha.runs.lock import only_run
from neuroalpha.runs.models import build_model, expand_models
from neuroalpha.runs.plan import make_plan
from neuroalpha.runs.sweep_plan import sweep_plan
from neuroalpha.runs.trained import build_trained, folder_of, is_trained, sweep_specs, training_images, untrained


def specs(path):
    return expand_models(sweep_plan(path, threads=1), False)


def test_names_follow_the_settings_and_images_alone(sweep_file, tmp_path):
    path = sweep_file("lr = [0.1, 0.2]")
    one, other = specs(path)
    assert one.name != other.name
    assert one.family == "spectral"
    text = path.read_text()
    path.write_text(text.replace('title = "Small"', 'folder = "elsewhere"'))
    assert [each.name for each in specs(path)] == [one.name, other.name]
    assert folder_of(specs(path)[0]).parent == tmp_path / "elsewhere"
    assert specs(path)[0].identity() == one.identity()
    path.write_text(text.replace("epochs = 2", "epochs = 3"))
    assert not {each.name for each in specs(path)} & {one.name, other.name}
    with np.load(tmp_path / "train.npz") as held:
        np.savez(tmp_path / "train.npz", images=255 - held["images"], labels=held["labels"])
    path.write_text(text)
    assert not {each.name for each in specs(path)} & {one.name, other.name}


def test_a_network_is_trained_once(sweep_file):
    (spec,) = specs(sweep_file())
    assert not is_trained(spec)
    before = untrained(spec)
    assert not folder_of(spec).exists()
    trained, preprocess = build_model(spec, False)
    assert preprocess is None
    assert is_trained(spec)
    assert weights_digest(trained) != weights_digest(before)
    time = (folder_of(spec) / "network.pt").stat().st_mtime_ns
    assert weights_digest(build_model(spec, False, train=False)[0]) == weights_digest(trained)
    assert (folder_of(spec) / "network.pt").stat().st_mtime_ns == time
    assert describe(trained)["model"] == spec.name
    # What na.train makes of the same images and settings is the same network.
    images = na.images(folder_of(spec).parents[1] / "train.npz", key="images", label_key="labels")
    again = na.train(images, spec.options["settings"], progress=False, test=None)
    whole = {**spec.options, "test": None, "folder": str(folder_of(spec).parent / "untested")}
    alone = build_trained(type(spec)(**{**vars(spec), "options": whole}))
    assert torch.equal(next(again.network.parameters()), next(alone.parameters()))


def test_another_worker_is_waited_for(sweep_file, until):
    (spec,) = specs(sweep_file())
    folder_of(spec).mkdir(parents=True)
    with only_run(folder_of(spec)):
        worker = threading.Thread(target=build_trained, args=(spec,))
        worker.start()
        worker.join(0.8)
        assert worker.is_alive()
        assert not is_trained(spec)
    until(lambda: is_trained(spec), "the training after the lock was free")
    worker.join()


def test_views_are_counted(sweep_file):
    (spec,) = specs(sweep_file())
    assert training_images(spec) == 2 * 2 * 96


def test_checkpoints_of_a_sweep_are_models_too(sweep_file, tmp_path):
    (spec,) = specs(sweep_file())
    trained = build_trained(spec)
    content = {
        "models": [{"checkpoints": "sweep-trained/*/network.pt"}],
        "images": [{"source": "test.npz", "key": "images"}],
        "layers": [{"select": "backbone"}],
    }
    (found,) = expand_models(make_plan(content, tmp_path), False)
    assert found.name == spec.name
    assert weights_digest(build_model(found, False)[0]) == weights_digest(trained)


def test_a_tenth_held_out_makes_another_network(sweep_file):
    path = sweep_file()
    (tested,) = specs(path)
    text = path.read_text()
    path.write_text(text[: text.index("[test]")] + text[text.index("[train]") :])
    (alone,) = specs(path)
    assert alone.name != tested.name
    assert alone.identity() != tested.identity()
    # Without labels nothing is held out, with or without test images.
    path.write_text(text.replace('label_key = "labels"\n', ""))
    (bare,) = specs(path)
    text = path.read_text()
    path.write_text(text[: text.index("[test]")] + text[text.index("[train]") :])
    assert specs(path)[0].name == bare.name


def test_networks_of_several_architectures_in_one_folder(sweep_file, tmp_path):
    (tmp_path / "flat").mkdir()
    for number, spec in enumerate(specs(sweep_file("width = [2, 4]"))):
        build_trained(spec)
        (folder_of(spec) / "network.pt").rename(tmp_path / "flat" / f"net{number}.pt")
    torch.save({"a": torch.zeros(3)}, tmp_path / "flat" / "other.pt")
    content = {**content_of(tmp_path / "x"), "models": [{"checkpoints": "flat"}]}
    found = expand_models(make_plan(content, tmp_path), False)
    assert [each.name for each in found] == ["net0", "net1", "other"]
    widths = [build_model(each, False)[0].backbone.n_features for each in found[:2]]
    assert widths == [16, 32]
    with pytest.raises(na.InputError, match=r"other\.pt"):
        build_model(found[2], False)


def test_what_is_wrong_says_where(sweep_file, tmp_path):
    path = sweep_file("lr = [0.1, 0.2]")
    plan = sweep_plan(path, threads=1)
    with pytest.raises(na.InputError, match="exclude leaves none of the networks"):
        expand_models(make_plan(content_of(path, exclude="spectral-*"), tmp_path), False)
    path.write_text(path.read_text().replace("train.npz", "gone.npz"))
    with pytest.raises(na.InputError, match=r"number 7.*\[images\] of .*no folder or file"):
        sweep_specs(plan, plan.models[0], "[[models]] number 7")


def content_of(path, **more):
    return {
        "models": [{"sweep": path.name, **more}],
        "images": [{"source": "test.npz", "key": "images"}],
        "layers": [{"select": "backbone"}],
    }
