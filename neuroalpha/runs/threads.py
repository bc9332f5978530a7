"""How many threads a job takes: always so many, whatever the worker, since sums in another order round otherwise."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor


@contextlib.contextmanager
def job_threads(number: int) -> Iterator[None]:
    """So many threads for torch and BLAS while a job runs.

    The number belongs to the process. Jobs of one thread share it. Jobs of several threads take turns: one that changes
    the number for a small matrix would change it under the other.

    Examples
    --------
    >>> import torch
    >>> with job_threads(1):
    ...     torch.get_num_threads()
    1
    """
    import torch
    from threadpoolctl import threadpool_limits

    if number > 1:
        limit: contextlib.AbstractContextManager[object] = _turn(number)
    elif threading.current_thread() is threading.main_thread():
        limit = threadpool_limits(1, user_api="blas")
    else:
        limit = _shared
    with limit:
        before = torch.get_num_threads()  # of this thread
        torch.set_num_threads(number)
        try:
            yield
        finally:
            torch.set_num_threads(before)


_alone = threading.Lock()


@contextlib.contextmanager
def _turn(number: int) -> Iterator[None]:
    from threadpoolctl import threadpool_limits

    with _alone, threadpool_limits(number, user_api="blas"):
        yield


class _Shared:
    """One thread of BLAS from the first job to the last.

    A thread of its own sets it and puts it back: threadpoolctl obeys only the thread that began, and the job that began
    may end before the others.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs = 0
        self._keeper: ThreadPoolExecutor | None = None
        self._held = contextlib.ExitStack()

    def __enter__(self) -> None:
        from threadpoolctl import threadpool_limits

        with self._lock:
            if self._jobs == 0:
                self._keeper = ThreadPoolExecutor(1)
                self._keeper.submit(lambda: self._held.enter_context(threadpool_limits(1, user_api="blas"))).result()
            self._jobs += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._jobs -= 1
            if self._jobs == 0 and self._keeper is not None:
                self._keeper.submit(self._held.close).result()
                self._keeper.shutdown()


_shared = _Shared()
