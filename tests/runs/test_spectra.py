"""The kind ``spectra``: the numbers of eigenspectrum and extract, and files that hold nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import neuroalpha as na

LAYERS = '[[layers]]\nselect = ["layer1", "avgpool"]\n'


@pytest.mark.filterwarnings("ignore:32 of 4096")
@pytest.mark.parametrize("reduce", ["flatten", "mean"])
def test_results_are_those_of_extract_and_eigenspectrum(place, reduce):
    place.run(
        place.plan('name = "cifar:resnet20"\nseed = 2', layers=LAYERS + f'reduce = "{reduce}"\n', tasks=""), "run"
    )
    results = na.read_results(place.folder / "run")
    assert [found.attrs["layer"] for found in results.values()] == ["layer1", "avgpool"]
    assembly = na.extract(
        na.load_model("cifar:resnet20", seed=2), na.images(place.folder / "pictures"), ["layer1", "avgpool"], reduce
    )
    for found in results.values():
        own = na.eigenspectrum(assembly[:, (assembly.layer == found.attrs["layer"]).values])
        n = min(found.sizes["component"], own.sizes["component"])
        scale = own.eigenvalue.values[0]
        np.testing.assert_allclose(found.eigenvalue.values[:n] / scale, own.eigenvalue.values[:n] / scale, atol=1e-12)
        assert found.attrs["images"] == "pictures"
        assert found.attrs["weights"] == "random, seed 2"
        assert found.attrs["reduce"] in (reduce, "flatten")


def test_batch_size_and_memory_change_nothing_that_counts(place):
    plan = place.plan(place.small(6))
    place.run(plan, "one")
    place.run(place.plan(place.small(6), run='[run]\nthreads = 1\nbatch_size = 5\nmemory = "20 MB"\n'), "two")
    one, two = na.read_results(place.folder / "one"), na.read_results(place.folder / "two")
    assert one.keys() == two.keys()
    for key, spectrum in one.items():
        np.testing.assert_allclose(two[key].eigenvalue, spectrum.eigenvalue, atol=1e-6 * float(spectrum.eigenvalue[0]))


def test_names_are_those_of_the_plan_now(place):
    for name in ("a b<c>.pt", "b.pt"):
        torch.save(na.load_model("cifar:resnet20", seed=4).state_dict(), place.folder / name)
    model, layers = 'name = "cifar:resnet20"\ncheckpoints = "*.pt"', '[[layers]]\nselect = "avgpool"\n'
    done = place.run(place.plan(model, layers=layers))
    assert (done.n_groups, done.n_done) == (2, 1)  # the same weights: one result for both
    before = place.times()
    named = '[[images]]\nsource = "pictures"\nname = "renamed <&>"\n'
    done = place.run(place.plan(model, layers=layers, images=named))
    assert done.n_done == 0
    assert place.times() == before
    from neuroalpha.runs.results import run_table

    table = run_table(place.folder / "run")
    assert sorted(set(zip(table["weights"], table["images"], strict=True))) == [
        ("a b<c>.pt", "renamed <&>"),
        ("b.pt", "renamed <&>"),
    ]
