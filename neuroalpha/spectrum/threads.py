"""How many threads linear algebra gets: one for small matrices, where more only wait for each other."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from threadpoolctl import threadpool_limits

SMALL_SIDE = 600  # below, one thread is as fast on an idle machine, and 10 to 70 times as fast on a shared one


def threads_for(side: int) -> AbstractContextManager[object]:
    """Limit BLAS to one thread within the ``with`` block if many decompositions of matrices of this side are small."""
    return threadpool_limits(1, user_api="blas") if side < SMALL_SIDE else nullcontext()
