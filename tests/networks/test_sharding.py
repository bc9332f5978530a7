"""Parts of a job: two real processes (gloo, CPU) come to the very bits of one process with two shards."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neuroalpha.errors import InputError
from neuroalpha.networks.sharding import Part, current

PROGRAM = textwrap.dedent("""
    import os, sys
    from datetime import timedelta
    import numpy as np, torch, torch.distributed as dist
    from torch import nn
    import neuroalpha as na
    from neuroalpha.errors import InputError
    from neuroalpha.networks import routes, sharding, spectra, store
    from neuroalpha.spectrum import accumulate

    torch.set_num_threads(1)
    accumulate.BLOCK_SIDE = 500
    if "RANK" in os.environ:
        dist.init_process_group("gloo", timeout=timedelta(seconds=60))
    rank, together = (dist.get_rank(), True) if dist.is_initialized() else (0, False)
    # Processes that find different free memory, speeds and disks must choose alike.
    routes.available_memory = lambda: (3 if rank else 1) * 10**9
    spectra.seconds_per_byte = lambda scratch: 1e-12 if rank else 1e-9
    spectra.free_disk = lambda scratch: (10**9 if rank else 10**10)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.narrow, self.bad, self.late, self.wide, self.wider, self.single = (nn.Identity() for _ in range(6))

        def forward(self, x):
            self.narrow(x @ mix)
            self.bad(torch.where(x == 33, torch.nan, x))  # image 33 is in the second process's part
            self.wide((x @ spread).relu())
            self.wider((x @ spread) ** 2)
            self.single((x @ spread)[:, :50])  # one block: the first process has none
            bad = (x @ spread).clone()
            bad[:, -1] = torch.nan  # the last unit is the second process's
            return self.late(bad)

    rng = torch.Generator().manual_seed(0)
    x = torch.randn(41, 12, generator=rng) + 100
    x[:, 0] = torch.arange(41)
    mix, spread = torch.randn(12, 10, generator=rng), torch.randn(12, 900, generator=rng)
    layers = ["narrow", "bad", "wide", "wider", "single", "late"]
    out = {}
    small = dict(route="gram, recomputed", memory=250_000)
    for name, options in {
        "auto": {}, "draws": dict(n_draws=6), "covariance": dict(route="covariance", center=False),
        "gram": dict(route="gram", n_draws=5), "recomputed": small, "small": dict(memory=300_000),
        "spilled": dict(route="gram, spilled", memory=250_000), "project": dict(reduce="project:100"),
        "single": dict(precision="float32"), "more draws": dict(n_draws=6, memory=2 * 10**6),
    }.items():
        found = spectra.collect_spectra(
            Net(), x, layers, batch_size=7, progress=False, shards=None if together else 2, **options
        )
        for layer, result in found.results.items():
            if isinstance(result, InputError):
                out[f"{name}/{layer}"] = np.array(str(result))
                continue
            out[f"{name}/{layer}"] = result["eigenvalue"].values
            out[f"{name}/{layer}/route"] = np.array(result.attrs["route"])
            out[f"{name}/{layer}/error"] = np.array(result.attrs.get("projection_error", 0.0))
            if "eigenvalue_draw" in result:
                out[f"{name}/{layer}/draws"] = result["eigenvalue_draw"].values
        out[f"{name}/bytes"] = np.array(found.cost["cost_expected_bytes"])
    part = sharding.current(None if together else 2)
    out["least"] = np.array(part.least(10 - rank))
    out["agreed"] = np.array(part.agreed(2.5 + rank))
    for case, memory in (("scratch of one", 250_000), ("too small", 1000)):
        # What one process finds, all say.
        nowhere = "/nowhere" if rank == (1 if together else 0) else None
        spectra.free_disk = store.free_disk
        try:
            spectra.collect_spectra(Net(), x, ["wide", "wider"], progress=False, memory=memory, scratch=nowhere,
                                    shards=None if together else 2)
        except InputError as error:
            out[case] = np.array(str(error))
    np.savez(sys.argv[1] + f"/{'rank' if together else 'one'}{rank}.npz", **out)
    if together:
        dist.destroy_process_group()
""")


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> dict[str, dict[str, np.ndarray]]:
    folder = tmp_path_factory.mktemp("together")
    (folder / "program.py").write_text(PROGRAM)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"):
        environment.pop(name, None)
    alone = [sys.executable, "program.py", str(folder)]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    started = [
        subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True)
        for command in (alone, [*torchrun, "program.py", str(folder)])
    ]
    try:
        for process in started:
            errors = process.communicate(timeout=180)[1]
            assert process.returncode == 0, errors[-3000:]
    finally:
        for process in started:
            process.kill()
    return {path.stem: dict(np.load(path)) for path in folder.glob("*.npz")}


def test_two_processes_give_the_bits_of_one(runs):
    one, first, second = (runs[name] for name in ("one0", "rank0", "rank1"))
    assert set(one) == set(first) == set(second)
    compared = 0
    for name, values in one.items():
        if values.dtype.kind == "f" and "/" in name:
            assert np.array_equal(values, first[name], equal_nan=True), name
            assert np.array_equal(values, second[name], equal_nan=True), name
            compared += values.size
    assert compared > 1000
    assert {"auto/narrow", "draws/narrow/draws", "draws/wide/draws", "gram/narrow/draws", "single/wide"} <= set(one)
    assert str(first["auto/narrow/route"]) == "covariance"


def test_the_bits_are_right(runs):
    rng = torch.Generator().manual_seed(0)
    x = torch.randn(41, 12, generator=rng) + 100
    x[:, 0] = torch.arange(41)
    mix, spread = torch.randn(12, 10, generator=rng), torch.randn(12, 900, generator=rng)
    for layer, values in (("narrow", x @ mix), ("wide", (x @ spread).relu()), ("single", (x @ spread)[:, :50])):
        values = values.double().numpy()
        truth = np.linalg.svd(values - values.mean(0), compute_uv=False) ** 2 / 40
        found = runs["rank1"][f"auto/{layer}"]
        assert np.abs(found - truth[: found.size]).max() < 1e-6 * truth[0]


def test_what_fails_in_one_fails_in_both_with_the_same_words(runs):
    first, second = runs["rank0"], runs["rank1"]
    for case in ("auto", "draws", "gram", "recomputed"):
        for layer, unit in (("bad", "unit 0"), ("late", "unit 899")):
            text = str(first[f"{case}/{layer}"])
            assert text == str(second[f"{case}/{layer}"])
            assert "NaN or infinite activations" in text
            assert unit in text
        assert str(first[f"{case}/bad"]) == str(runs["one0"][f"{case}/bad"])
        assert "first: number 33" in str(first[f"{case}/bad"])
        assert first[f"{case}/wide"].size == 40
    for case, words in (("scratch of one", "scratch= is '/nowhere'"), ("too small", "need at least")):
        assert str(first[case]) == str(second[case])
        assert words in str(first[case])


def test_choices_are_the_same_in_all(runs):
    first, second = runs["rank0"], runs["rank1"]
    for name, value in first.items():
        if name.endswith("/route"):
            assert str(value) == str(second[name])
    assert int(first["least"]) == int(second["least"]) == 9
    assert float(first["agreed"]) == float(second["agreed"]) == 2.5
    assert str(first["spilled/wide/route"]) == "gram, spilled"
    assert str(first["recomputed/wide/route"]) == "gram, recomputed"


@given(n=st.integers(0, 100), n_parts=st.integers(1, 10))
def test_parts_are_contiguous_and_whole(n, n_parts):
    part = Part(n_parts)
    bounds = [part.bounds(n, index) for index in part.mine]
    assert bounds[0][0] == 0
    assert bounds[-1][1] == n
    assert all(one[1] == two[0] for one, two in pairwise(bounds))
    assert max(end - first for first, end in bounds) <= -(-n // n_parts)


def test_alone_everything_is_ones_own():
    part = Part(3)
    assert (list(part.mine), part.loads, part.neighbours) == ([0, 1, 2], [range(3)], 1)
    assert (part.agreed(1.5), part.least(4), part.first_fault("this")) == (1.5, 4, "this")
    assert part.all_or_none(lambda: 7) == 7

    def fails():
        raise InputError("no")

    with pytest.raises(InputError, match=r"^no$"):
        part.all_or_none(fails)
    with pytest.raises(InputError, match="shards is 0"):
        current(0)
    assert current() == Part()
    assert current(4) == Part(4)


def test_processes_of_a_machine_share_its_memory(monkeypatch):
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    assert Part(8, 3, True).neighbours == 2
    assert Part(8).neighbours == 1
    monkeypatch.delenv("LOCAL_WORLD_SIZE")
    assert Part(8, 3, True).neighbours == 8
