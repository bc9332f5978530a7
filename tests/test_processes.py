"""Worker processes: their results, workers that die, and a run that is killed outright."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import neuroalpha as na
from neuroalpha._processes import in_processes, n_cores


class Ends:
    """A plan that ends the worker which unpickles it, as one that runs out of memory does."""

    def __reduce__(self):
        return os._exit, (1,)


def test_each_task_comes_back_with_its_result():
    found = dict(in_processes(pow, 2, range(7), 2, "workers"))
    assert found == {task: 2**task for task in range(7)}


def test_workers_that_die_are_told():
    with pytest.raises(na.InputError, match=r"worker processes could not start or were killed .* n_jobs=1"):
        list(in_processes(pow, Ends(), [1], 1, "n_jobs"))


def test_an_error_in_a_worker_is_that_error():
    with pytest.raises(TypeError):
        list(in_processes(pow, 2, ["a"], 1, "workers"))


def test_cores():
    assert 1 <= n_cores() <= (os.cpu_count() or 1)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_killed_run_leaves_no_workers(tmp_path):
    """Killed outright, with no chance to clean up: its workers end by themselves."""
    script = tmp_path / "run.py"
    script.write_text(
        "import multiprocessing, os, signal\n"
        "from neuroalpha import _processes\n"
        "if __name__ == '__main__':\n"
        "    context = multiprocessing.get_context('spawn')\n"
        "    pool = _processes.ProcessPoolExecutor(\n"
        "        1, mp_context=context, initializer=_processes._start, initargs=(pow, 2)\n"
        "    )\n"
        "    print(pool.submit(os.getpid).result(), flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    told = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False, timeout=120)
    worker = int(told.stdout)
    for _ in range(200):
        if not _alive(worker):
            break
        time.sleep(0.05)
    assert not _alive(worker)


def _alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status")
    return status.exists() and "State:\tZ" not in status.read_text()
