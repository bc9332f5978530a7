"""Small matrices get one thread, large ones what the user set, and the setting comes back."""

from __future__ import annotations

import threadpoolctl

from neuroalpha.spectrum import threads


def blas():
    return [pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]


def test_threads():
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        before = blas()
        assert before
        with threads.threads_for(threads.SMALL_SIDE - 1):
            assert set(blas()) == {1}
        assert blas() == before
        with threads.threads_for(threads.SMALL_SIDE):
            assert blas() == before
