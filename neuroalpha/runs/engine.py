"""Who does the work: Dask in this process, or the workers of a ``distributed`` cluster."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import secrets
import sys
import threading
import time
from asyncio import CancelledError
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tqdm import tqdm

import neuroalpha
from neuroalpha._console import one_line
from neuroalpha.errors import InputError, MissingExtraError
from neuroalpha.runs.threads import job_threads

Task = Mapping[str, Any]
Call = Callable[[Task], dict[str, Any]]
"""Returns what it did, or {"stop": why} where no other task would fare better; raises nothing."""
Done = Callable[[Task, dict[str, Any] | None, str], None]
"""Called with the task, what it returned or None, and why it returned nothing."""

CONNECT_SECONDS = 10
POLL_SECONDS = 0.2
LOOK_SECONDS = 5  # how often the workers are counted
MOST_TIMES = 3  # that a task which never began is given out again
LOST_SECONDS = 10  # a scheduler that does not answer for so long has gone away


def run_here(call: Call, tasks: Sequence[Task], workers: int, done: Done) -> None:
    """Run the tasks in this process, ``workers`` at a time, by Dask's local schedulers; no server is started.

    Raises
    ------
    InputError
        When a task says that no other would fare better.
    """
    import dask

    waiting = deque(tasks)
    busy: set[int] = set()

    def step() -> None:
        task = waiting.popleft()  # Dask has an order of its own; people expect theirs
        busy.add(threading.get_ident())
        try:
            told = call(task)
            if "stop" in told:
                raise InputError(told["stop"])
            done(task, told, "")
        finally:
            busy.discard(threading.get_ident())

    graph = [dask.delayed(step, pure=False)() for _ in tasks]
    if workers == 1:
        dask.compute(*graph, scheduler="synchronous")
        return
    with job_threads(1), ThreadPoolExecutor(workers) as pool:  # the limit is held as long as any thread works
        try:
            dask.compute(*graph, scheduler="threads", pool=pool)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            _interrupt(busy)
            raise


def _interrupt(busy: set[int]) -> None:
    """Have threads end as an interrupt ends the main thread: a model takes minutes.

    A thread that has just taken its task is not busy yet, and an exception that arrives in a destructor is lost: so
    they are looked at for half a second more, and told again after five.
    """
    told: dict[int, float] = {}
    begun = time.monotonic()
    while busy or time.monotonic() < begun + 0.5:
        for thread in busy.copy():
            if thread not in told or time.monotonic() > told[thread] + 5:
                told[thread] = time.monotonic()
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(KeyboardInterrupt))
        time.sleep(0.02)


class Cluster:
    """The workers of a scheduler, made by :func:`connect`."""

    def __init__(self, client: Any, address: str, gpu: bool) -> None:
        self._client, self._address, self._gpu = client, address, gpu
        self._name = secrets.token_hex(8)
        self._futures: dict[Any, Task] = {}
        self._looked = time.monotonic()
        self._told = False

    def run(self, call: Call, tasks: Sequence[Task], done: Done, begun: Callable[[Task], bool]) -> None:
        """Run the tasks; one whose worker dies goes to another.

        A worker that dies casts suspicion on all tasks that were given to it. Those that had not ``begun`` are given
        out again; the others are tried once more in the end, one after the other, to find the guilty.

        Raises
        ------
        InputError
            When the scheduler goes away, or a task says that no other would fare better.
        """
        suspects, again = deque[Task](), Counter[str]()
        alone = False
        for task in tasks:
            self._submit(call, task)
        answered = time.monotonic()
        while suspects or self._futures:
            if not self._futures:
                alone = True
                self._submit(call, suspects.popleft())
            time.sleep(POLL_SECONDS)
            for future in [each for each in self._futures if each.status in ("finished", "error")]:
                told, killed = self._outcome(future)
                if told is None and not killed:
                    continue  # lost on the way
                task = self._futures.pop(future)
                if not killed or alone:
                    done(task, told, killed)
                elif begun(task) or again[task["key"]] == MOST_TIMES:
                    suspects.append(task)
                else:
                    again[task["key"]] += 1
                    self._submit(call, task)
            lost = any(each.status in ("cancelled", "lost") for each in self._futures)
            if self._client.status == "running" and not lost:
                answered = time.monotonic()
                self._look_for_workers()
            elif self._client.status == "closed" or time.monotonic() - answered > LOST_SECONDS:
                raise InputError(
                    f"the scheduler at {self._address} went away with {len(suspects) + len(self._futures)} of "
                    f"{len(tasks)} models to do; every result so far is kept: start it again and repeat the command"
                )

    def memory(self) -> int:
        """Bytes that the smallest worker may use; workers without a limit share what is free on this machine.

        0 with GPUs, or without workers yet: then each worker looks for itself.
        """
        from neuroalpha.networks.memory import available_memory

        workers = self._client.scheduler_info(n_workers=-1)["workers"].values()
        if self._gpu or not workers:
            return 0
        tasks = sum(worker["nthreads"] for worker in workers)
        free = available_memory() or 8 * 2**30
        return min(int(w["memory_limit"] // w["nthreads"]) if w.get("memory_limit") else free // tasks for w in workers)

    def _submit(self, call: Call, task: Task) -> None:
        # A key of its own: a scheduler may still hold the tasks of a run that was killed. One group for all: it keeps
        # them on the scheduler until a worker is free.
        key = (f"neuroalpha-{self._name}", f"{task['title']} {secrets.token_hex(8)}")
        resources = {"GPU": 1} if self._gpu else None
        self._futures[self._client.submit(call, task, key=key, pure=False, retries=0, resources=resources)] = task

    def _outcome(self, future: Any) -> tuple[dict[str, Any] | None, str]:
        """What a task returned, or that it killed its workers; neither if the connection was lost meanwhile."""
        try:
            if future.status == "finished":
                told = future.result(timeout=CONNECT_SECONDS)
                if "stop" in told:
                    raise InputError(told["stop"])
                return told, ""
            error = future.exception(timeout=CONNECT_SECONDS)
        except (CancelledError, OSError, TimeoutError):
            return None, ""
        if type(error).__name__ == "KilledWorker":
            return None, (
                "every worker that took it was killed, most likely for its memory: give workers more, or lower memory"
            )
        if isinstance(error, CancelledError):
            return None, ""
        raise InputError(
            f"a worker of {self._address} could not take a task ({type(error).__name__}: {one_line(error)}); all need "
            "the same neuroalpha as this machine"
        )

    def _look_for_workers(self) -> None:
        """Say so when there is nobody to work: they may come, or come back."""
        if time.monotonic() - self._looked < LOOK_SECONDS:
            return
        self._looked = time.monotonic()
        with contextlib.suppress(OSError, TimeoutError):
            nobody = not any(not self._gpu or gpus for gpus in _workers(self._client))
            if nobody and not self._told:
                tqdm.write(
                    f"the scheduler at {self._address} has no workers: waiting for some; `dask worker {self._address}` "
                    "starts one",
                    file=sys.stderr,
                )
            self._told = nobody


@contextlib.contextmanager
def connect(address: str, gpu: bool) -> Iterator[Cluster]:
    """The cluster at an address.

    With ``gpu`` a task goes only to workers that were started with ``--resources "GPU=1"``, one at a time each.

    Raises
    ------
    InputError
        When there is no scheduler at the address, a worker has another neuroalpha, or where a GPU is asked for and none
        of the workers has one.
    """
    with _client(address) as client:
        _check_versions(client, address)
        if gpu:
            _check_gpus(client, address)
        yield Cluster(client, address, gpu)


@contextlib.contextmanager
def _client(address: str) -> Iterator[Any]:
    try:
        from distributed import Client
    except ImportError as error:
        raise MissingExtraError("distributed", "cluster", "--scheduler") from error
    # What becomes of the connection is told here, in one line.
    loggers = [logging.getLogger(name) for name in ("distributed.client", "distributed.comm", "distributed.core")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    client = None
    try:
        try:
            client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError, TypeError, TimeoutError) as error:
            raise InputError(
                f"there is no scheduler at {address} ({type(error).__name__}); start one with `dask scheduler` and "
                "give the address that it prints, as tcp://HOST:8786"
            ) from error
        yield client
    finally:
        if client is not None:
            with contextlib.suppress(OSError, TimeoutError):
                client.close(timeout=5)
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def _check_versions(client: Any, address: str) -> None:
    """Ask the workers that are there: one that cannot read a task would end, and the next one with it."""
    try:
        found = client.run(_version)
    except Exception as error:  # whatever a worker without the package raises
        raise InputError(
            f"a worker of {address} cannot use neuroalpha ({type(error).__name__}: {one_line(error)}); install the "
            "same version on all"
        ) from error
    for worker, version in found.items():
        if version != neuroalpha.__version__:
            raise InputError(
                f"the worker {worker} has neuroalpha {version}, this machine {neuroalpha.__version__}; install the same"
            )


def _version() -> str:
    return neuroalpha.__version__


def _check_gpus(client: Any, address: str) -> None:
    """Wait a while for a worker that has the resource; where there are no workers at all, they may be queued for."""
    until = time.monotonic() + CONNECT_SECONDS
    while (gpus := _workers(client)) and not any(gpus):
        if time.monotonic() > until:
            raise InputError(
                f"the scheduler at {address} has {len(gpus)} workers, but none with a GPU; start them with `dask "
                f'worker {address} --nthreads 1 --resources "GPU=1"`'
            )
        time.sleep(0.5)


def _workers(client: Any) -> list[float]:
    """How many GPUs each worker says it has."""
    found = client.scheduler_info(n_workers=-1)["workers"].values()
    return [float((worker.get("resources") or {}).get("GPU", 0)) for worker in found]
