"""Who does the work: this process, or a cluster that loses workers and its scheduler."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

import neuroalpha as na
from neuroalpha.runs import engine
from neuroalpha.runs.engine import connect, run_here
from neuroalpha.runs.folder import RunFolder
from neuroalpha.runs.status import zoo_status

TASKS = [{"title": f"task {number}", "key": str(number)} for number in range(5)]


def collect(told):
    return lambda task, result, fault: told.append((task["key"], result, fault))


@pytest.mark.parametrize("workers", [1, 3])
def test_here(workers):
    told = []
    run_here(lambda task: {"done": int(task["key"])}, TASKS, workers, collect(told))
    assert sorted(told) == [(str(n), {"done": n}, "") for n in range(5)]
    if workers == 1:
        assert told == sorted(told)  # the order of the plan


@pytest.mark.parametrize("workers", [1, 3])
def test_a_stop_ends_everything(workers):
    called = []

    def call(task):
        called.append(task["key"])
        time.sleep(0.05)
        return {"stop": "the disk is full"} if task["key"] == "0" else {"done": 1}

    many = [{"title": "", "key": str(number)} for number in range(50)]
    with pytest.raises(na.InputError, match="the disk is full"):
        run_here(call, many, workers, lambda *_: None)
    assert len(called) < 10


def test_an_interrupt_reaches_the_threads():
    """The main thread of a program is told; models in other threads end too."""
    ended = []

    def call(task):
        try:
            for _ in range(600):
                time.sleep(0.05)
        except KeyboardInterrupt:
            ended.append(task["key"])
            raise
        return {}

    timer = threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        run_here(call, TASKS, 2, lambda *_: None)
    assert sorted(ended) == ["0", "1"]


def test_nobody_at_the_address(monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(engine, "CONNECT_SECONDS", 1)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    for wrong in (address, "nonsense://x", "tcp://127.0.0.1:x"):
        with pytest.raises(na.InputError, match=f"there is no scheduler at {wrong}.*`dask scheduler`"):
            with connect(wrong, False):
                pass


def test_distributed_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(na.InputError, match=r"neuroalpha\[cluster\]"), connect("tcp://127.0.0.1:1", False):
        pass


@pytest.fixture(scope="module")
def cluster():
    distributed = pytest.importorskip("distributed")
    import dask

    # One death is enough to be suspected, to save the time of others. Workers are started again.
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=2,
            processes=True,
            dashboard_address=":0",
            memory_limit=None,
            resources={"GPU": 1},
        ) as local,
    ):
        yield local


def test_a_cluster_with_a_worker_killed_and_a_model_that_kills_every_worker(place, cluster, until):
    """The same files as in one process, one failure, nothing lost, innocent models are not blamed."""
    models = [place.small(3, hold=True), place.odd("die"), *(place.small(width) for width in (4, 5, 6, 7))]
    plan = place.plan(*models)
    place.hold.touch()
    done = []
    address = cluster.scheduler_address
    thread = threading.Thread(target=lambda: done.append(place.run(plan, scheduler=address)))
    thread.start()
    run = RunFolder(place.folder / "run")
    until(lambda: run.groups(), "the beginning")
    held = run.groups()[0]["key"]
    until(lambda: run.who_runs(held), "the held model")
    os.kill(run.who_runs(held)["pid"], signal.SIGKILL)
    place.hold.unlink()
    thread.join(60)
    assert not thread.is_alive()
    assert (done[0].n_groups, done[0].n_failed) == (6, 1)
    table = zoo_status(run.path)
    assert table["state"].tolist() == ["done", "failed", *["done"] * 4]
    assert table["reason"][1].startswith("every worker that took it was killed")
    assert not list((run.path / "running").iterdir())
    place.run(place.plan(models[0], *models[2:], name="sound"), "alone")
    assert place.results() == place.results("alone")


def test_gpu_workers_take_one_task_at_a_time(cluster):
    """More threads than GPUs: the tag counts."""

    def gpu_call(task):  # local functions travel as a whole: workers cannot import tests
        from distributed import get_worker

        begun = time.monotonic()
        time.sleep(0.2)
        return {"worker": get_worker().address, "begun": begun, "ended": time.monotonic()}

    told = []
    with connect(cluster.scheduler_address, gpu=True) as workers:
        workers.run(gpu_call, TASKS, collect(told), lambda task: True)
    assert sorted(key for key, _, _ in told) == ["0", "1", "2", "3", "4"]
    by_worker = {}
    for _, result, _ in told:
        by_worker.setdefault(result["worker"], []).append((result["begun"], result["ended"]))
    for spans in by_worker.values():
        spans.sort()
        assert all(first[1] <= second[0] for first, second in itertools.pairwise(spans))


def test_a_stop_and_a_fault_of_a_worker_end_a_cluster_run(cluster):
    def stop_call(task):
        return {"stop": "the disk is full"}

    def fault_call(task):
        return 1 / 0

    with connect(cluster.scheduler_address, False) as workers, pytest.raises(na.InputError, match="the disk is full"):
        workers.run(stop_call, TASKS, lambda *_: None, lambda task: True)
    with connect(cluster.scheduler_address, False) as workers, pytest.raises(na.InputError, match="ZeroDivisionError"):
        workers.run(fault_call, TASKS, lambda *_: None, lambda task: True)


def test_workers_without_this_neuroalpha_are_told_before_they_get_a_task(cluster, monkeypatch):
    """A task that a worker cannot read would end the worker."""
    monkeypatch.setattr(na, "__version__", "another")
    with pytest.raises(na.InputError, match=r"tcp.* has neuroalpha .*, this machine another"):
        with connect(cluster.scheduler_address, False):
            pass

    def missing():
        raise ModuleNotFoundError("No module named 'neuroalpha'")

    monkeypatch.setattr(engine, "_version", missing)
    with pytest.raises(na.InputError, match=r"cannot use neuroalpha .*No module named 'neuroalpha'"):
        with connect(cluster.scheduler_address, False):
            pass


def test_no_worker_has_a_gpu(monkeypatch):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(engine, "CONNECT_SECONDS", 1)
    with distributed.LocalCluster(n_workers=1, processes=False, dashboard_address=":0") as local:
        with pytest.raises(na.InputError, match=r'has 1 workers, but none with a GPU.*--resources "GPU=1"'):
            with connect(local.scheduler_address, gpu=True):
                pass


def dask_command(place, name, *arguments):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    code = f"from distributed.cli.dask_{name} import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=place.folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def test_the_scheduler_goes_away(place, until):
    """An error in one line, results kept, and the next run goes on."""
    pytest.importorskip("distributed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    plan = place.plan(place.small(4), place.small(5, hold=True))
    place.hold.touch()
    scheduler = dask_command(place, "scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard")
    worker = dask_command(place, "worker", address, "--nthreads", 1, "--no-nanny", "--no-dashboard")
    impatient = (
        "import neuroalpha.runs.engine as e; e.CONNECT_SECONDS = e.LOST_SECONDS = 3; "
        "import neuroalpha.cli as c; c.main()"
    )
    process = place.start(
        "zoo", "run", plan, "--out", "run", "--allow-code", "--scheduler", address, first=("-c", impatient)
    )
    try:
        run = RunFolder(place.folder / "run")
        until(
            lambda: (run.groups() and zoo_status(run.path)["state"].tolist() == ["done", "running"]) or process.poll(),
            "the second model",
        )
        os.killpg(scheduler.pid, signal.SIGKILL)
        begun = time.monotonic()
        _, said = process.communicate(timeout=60)
        assert time.monotonic() - begun < 40
    finally:
        place.hold.unlink()
        for each in (scheduler, worker):
            if each.poll() is None or each is worker:
                try:
                    os.killpg(each.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            each.wait()
        process.kill()
    assert process.returncode == 2, said
    lines = [line for line in said.splitlines() if line and not line.startswith(("zoo:", "\r"))]
    assert len(lines) == 1, said
    assert f"the scheduler at {address} went away with " in lines[0]
    assert " of 2 models to do; every result so far is kept: start it again and repeat the command" in lines[0]
    before = place.times()
    done = place.run(plan)
    assert (done.n_kept, done.n_done) == (1, 6)
    assert {name: place.times()[name] for name in before} == before


def test_a_thread_that_becomes_busy_after_the_interrupt_is_ended_too():
    busy, ended = set(), []

    def late():
        time.sleep(0.2)  # has taken its task, and not said so
        busy.add(threading.get_ident())
        try:
            while True:
                time.sleep(0.01)
        except KeyboardInterrupt:
            ended.append(True)
        finally:
            busy.discard(threading.get_ident())

    thread = threading.Thread(target=late, daemon=True)
    thread.start()
    engine._interrupt(busy)
    thread.join(timeout=20)
    assert ended == [True]
    assert not busy
