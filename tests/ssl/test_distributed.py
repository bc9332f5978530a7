"""Two processes (gloo, CPU) learn what one learns from the whole batch."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import torch

import neuroalpha as na
from neuroalpha.ssl.distributed import Processes, processes

PROGRAM = textwrap.dedent("""
    import json, os, sys
    import numpy as np, torch
    from torch import nn
    from neuroalpha.ssl import step
    from neuroalpha.ssl.distributed import processes
    from neuroalpha.ssl.heads import SSLNetwork
    from neuroalpha.ssl.settings import make_settings
    from neuroalpha.ssl.train import train

    folder, small = sys.argv[1], json.loads(sys.argv[2])
    device, out = torch.device("cpu"), {}
    made = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (40, 3, 8, 8), dtype=torch.uint8, generator=made)
    labels = torch.randint(0, 3, (40,), generator=made)

    def plain(settings):  # no batch norm, whose statistics are those of a process's own share on CPUs
        with torch.random.fork_rng():
            torch.manual_seed(0)
            backbone = nn.Sequential(nn.Flatten(), nn.Linear(192, 8), nn.Tanh())
            backbone.n_features = 8
            return SSLNetwork(backbone, nn.Sequential(nn.Linear(8, 6)))

    usual, step.build_network = step.build_network, plain
    with processes(device) as among:
        rank = among.rank
        for objective in ("spectral", "directpred", "barlow_joint", "supervised"):
            settings = make_settings({**small, "objective": objective, "recipe": "none", "projector_out": 6})
            learner = step.Learner(settings, 3, 5, device, "float32", among)
            losses = [float(learner.step(pixels, torch.arange(16) + n, labels, labels, n)) for n in range(4)]
            out[objective + "/loss"] = np.array(losses)
            for part in ("network", "objective", "target", "readout"):
                for name, value in (getattr(learner, part) or nn.Identity()).state_dict().items():
                    out[f"{objective}/{part}.{name}"] = value.numpy()
        step.build_network = usual
        for share in (3, 7):
            try:
                among.check_batch(share)
            except ValueError as error:
                out[f"refused/{share}"] = np.array(str(error))
        result = train(pixels, {**small, "objective": "isoloss"}, labels=labels.numpy(),
                       folder=folder + f"/trained{among.world}", progress=False)
        for name, value in result.network.named_parameters():
            out[f"trained/{name}"] = value.detach().numpy()
        out["trained/effective_rank"] = result.history["effective_rank: backbone"].to_numpy()
        out["trained/accuracy"] = result.history["knn_accuracy"].to_numpy()
    np.savez(f"{folder}/of{among.world}-{rank}.npz", **out)
""")
SMALL = {"width": 2, "size": 8, "batch_size": 16, "epochs": 1, "projector_hidden": 8, "lr": 0.3, "monitor_last": 30}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("together")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    usual = {name: value for name, value in os.environ.items() if name not in ("RANK", "WORLD_SIZE", "LOCAL_RANK")}
    usual |= {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2"}  # as torchrun says it
    started = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(folder), json.dumps(SMALL)],
            env={**usual, **extra},
            stderr=subprocess.PIPE,
            text=True,
        )
        for extra in ({}, *({**meeting, "RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(2)))
    ]
    try:
        for process in started:
            errors = process.communicate(timeout=300)[1]
            assert process.returncode == 0, errors[-3000:]
    finally:
        for process in started:
            process.kill()
    return {path.stem: dict(np.load(path)) for path in folder.glob("*.npz")}, folder


@pytest.mark.parametrize("objective", ["spectral", "directpred", "barlow_joint", "supervised"])
def test_losses_and_weights_are_those_of_one_process(runs, objective):
    """Views are not random here and there is no batch norm: what is left must not depend on how a batch is shared."""
    one, first, second = (runs[0][name] for name in ("of1-0", "of2-0", "of2-1"))
    names = [name for name in one if name.startswith(objective + "/")]
    assert len(names) > 5
    for name in names:
        assert np.array_equal(first[name], second[name]), name
        assert np.allclose(one[name], first[name], atol=2e-5, rtol=1e-4), name
    assert len(set(one[objective + "/loss"])) == 4


def test_a_whole_training(runs):
    found, folder = runs
    first, second = found["of2-0"], found["of2-1"]
    names = [name for name in first if name.startswith("trained/") and name != "trained/accuracy"]
    for name in names:
        assert np.array_equal(first[name], second[name]), name
    assert np.isfinite(first["trained/accuracy"]).all()
    assert np.isnan(second["trained/accuracy"]).all()
    assert json.loads((folder / "trained2" / "settings.json").read_text())["processes"] == 2
    assert len(na.list_checkpoints(folder / "trained2")) == 1


def test_batches_that_cannot_be_shared(runs):
    for size in (3, 7):
        assert f"batch_size is {size}, which 2 processes cannot share" in str(runs[0]["of2-0"][f"refused/{size}"])
    assert not any(name.startswith("refused") for name in runs[0]["of1-0"])


def test_alone_nothing_is_sent():
    among = Processes()
    rows = torch.arange(6.0, requires_grad=True)
    assert among.gather(rows) is rows
    assert among.share(rows) is not None
    assert torch.equal(among.share(rows), rows)
    among.wait()


def test_shares_are_the_batch():
    rows = torch.arange(12)
    assert torch.equal(torch.cat([Processes(rank, 3).share(rows) for rank in range(3)]), rows)


def test_half_of_what_torchrun_says(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    for name in ("RANK", "MASTER_ADDR"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(na.InputError, match="start several processes with torchrun"), processes(torch.device("cpu")):
        pass
