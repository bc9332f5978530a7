"""Many tasks in worker processes, one for each core; what is finished is handed out at once."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar

from threadpoolctl import threadpool_limits

from neuroalpha.errors import InputError

Task = TypeVar("Task")
Result = TypeVar("Result")


def in_processes(
    work: Callable[[Any, Task], Result], plan: Any, tasks: Iterable[Task], workers: int, option: str
) -> Iterator[tuple[Task, Result]]:
    """Yield each task with ``work(plan, task)``, as they finish.

    Parameters
    ----------
    work : callable
        A function of a module, which a worker can import.
    plan : object
        Sent to each worker once.
    tasks : iterable
    workers : int
        Each with one thread for linear algebra.
    option : str
        Name of the argument that sets ``workers``, for the error.

    Raises
    ------
    InputError
        When workers cannot start or are killed.
    """
    # "spawn" everywhere: a fork of a process that has threads (BLAS, torch) can hang.
    pool = ProcessPoolExecutor(
        workers, mp_context=multiprocessing.get_context("spawn"), initializer=_start, initargs=(work, plan)
    )
    waiting = iter(tasks)
    running: dict[Future, Task] = {}
    try:
        while True:
            for task in islice(waiting, 2 * workers - len(running)):
                with _without_main():
                    running[pool.submit(_call, task)] = task
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(future), future.result()
    except BrokenProcessPool as error:
        raise InputError(
            f"the worker processes could not start or were killed (out of memory?); use fewer, or {option}=1"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def n_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _without_main() -> Iterator[None]:
    """Hide where the main module came from while workers start.

    A spawned worker imports it, which would run a script without a main guard once more in each of them; they need
    nothing from it.
    """
    main = sys.modules["__main__"]
    hidden: dict[str, Any] = {name: vars(main)[name] for name in ("__file__", "__spec__") if name in vars(main)}
    try:
        vars(main).pop("__file__", None)
        main.__spec__ = None
        yield
    finally:
        vars(main).pop("__spec__", None)
        vars(main).update(hidden)


_JOB: tuple[Callable[[Any, Any], Any], Any] | None = None


def _start(work: Callable[[Any, Any], Any], plan: Any) -> None:
    """In a worker: keep what to do, and one thread for linear algebra, as there is a worker for every core."""
    global _JOB
    _JOB = work, plan
    threadpool_limits(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A parent that is killed outright cannot end its workers, which would wait, with all their memory, for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _call(task: Any) -> Any:
    assert _JOB is not None
    work, plan = _JOB
    return work(plan, task)
