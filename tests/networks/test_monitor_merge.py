"""Two processes of a distributed training run, whose windows become one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

_PROCESS = """
import sys, torch, numpy as np, torch.distributed as dist
from torch import nn
from neuroalpha.errors import InputError
from neuroalpha.networks.monitor import AlphaMonitor
from neuroalpha.networks import monitor_window
rank, folder = int(sys.argv[1]), sys.argv[2]
dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
model = nn.parallel.DistributedDataParallel(nn.Sequential(nn.Linear(4, 4, bias=False)))
nn.init.eye_(model.module[0].weight)
for kind in ("rows", "moments"):
    monitor_window.ROWS_BYTES = 2**24 if kind == "rows" else 0
    rng = torch.Generator().manual_seed(rank)
    with AlphaMonitor(model, ["0", "output"], last=1000 if kind == "moments" else 50 + 10 * rank) as monitor:
        assert np.isnan(monitor.compute(merge=True).alpha[0])  # nothing on either
        if rank == 0:
            monitor._watch.model(torch.randn(1, 4))
        try:
            monitor.compute(merge=True)
        except InputError as error:
            assert "have not recorded the same layers" in str(error)
        else:
            raise AssertionError
        monitor.reset()
        for _ in range(30):
            model(torch.randn(50 - 7 * rank, 4, generator=rng)).sum().backward()
        assert all(window.by_rows == (kind == "rows") for window in monitor._samples._windows.values())
        spectrum = monitor.spectrum("0", merge=True)
        merged, alone = monitor.end_epoch(merge=True), monitor.compute()
    np.savez(f"{folder}/{kind}{rank}.npz", values=spectrum.eigenvalue.values, n=merged.n_samples.values,
             alone=alone.n_samples.values)
dist.destroy_process_group()
"""


@pytest.mark.skipif(not torch.distributed.is_available(), reason="torch was built without torch.distributed")
def test_two_processes(tmp_path: Path) -> None:
    """Over gloo: both get the spectrum of all samples in rank order; the hooks are on the wrapped model."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    command = [sys.executable, "-c", _PROCESS]
    running = [
        subprocess.Popen([*command, str(rank), str(tmp_path)], env=environment, stderr=subprocess.PIPE, text=True)
        for rank in (0, 1)
    ]
    for process in running:
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
    for kind in ("rows", "moments"):
        found = [np.load(tmp_path / f"{kind}{rank}.npz") for rank in (0, 1)]
        assert np.array_equal(found[0]["values"], found[1]["values"])
        rows = []
        for rank, each in enumerate(found):
            rng = torch.Generator().manual_seed(rank)
            drawn = torch.cat([torch.randn(50 - 7 * rank, 4, generator=rng) for _ in range(30)])
            rows.append(drawn[-int(each["alone"][0]) :].double().numpy())
        assert found[0]["n"].tolist() == [len(rows[0]) + len(rows[1])] * 2
        assert kind == "moments" or [len(each) for each in rows] == [50, 60]
        expected = np.linalg.eigvalsh(np.cov(np.concatenate(rows).T))[::-1]
        assert np.allclose(found[0]["values"], expected, rtol=1e-6)
