"""Threads of a job: the same number whoever shares the process, and put back in the end."""

from __future__ import annotations

import threading

import pytest
import threadpoolctl
import torch

from neuroalpha.runs.threads import job_threads


def now():
    blas = {pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"}
    return torch.get_num_threads(), blas


@pytest.fixture
def two():
    """A machine with two threads, whatever the environment says; nobody holds the limit."""
    with threadpoolctl.threadpool_limits(2, user_api="blas") as limits:
        before = limits.get_original_num_threads()["blas"]
    pools = threadpoolctl.ThreadpoolController().select(user_api="blas").lib_controllers
    set_to = [pool.set_num_threads for pool in pools]
    for call in set_to:
        call(2)
    getattr(threadpoolctl.OpenBLASController, "clear_controlling_thread", lambda: None)()
    yield
    for call in set_to:
        call(before)
    getattr(threadpoolctl.OpenBLASController, "clear_controlling_thread", lambda: None)()


def test_one_that_ends_takes_nothing_from_the_other(two):
    before = now()
    ready = [threading.Event(), threading.Event()]
    go = [threading.Event(), threading.Event()]
    seen = {}

    def job(name):
        with job_threads(1):
            ready[name].set()
            go[name].wait(10)
            seen[name] = now()

    jobs = [threading.Thread(target=job, args=(name,)) for name in (0, 1)]
    for name in (0, 1):
        jobs[name].start()
        assert ready[name].wait(10)
    go[0].set()
    jobs[0].join()
    go[1].set()
    jobs[1].join()
    assert seen == {0: (1, {1}), 1: (1, {1})}
    assert now() == before


@pytest.mark.parametrize("number", [1, 2])
def test_in_the_main_thread(two, number):
    before = now()
    with job_threads(number):
        assert now() == (number, {number})
    assert now() == before


def test_jobs_of_several_threads_take_turns():
    order = []

    def job(name):
        with job_threads(2):
            order.append(f"{name} begins")
            order.append(f"{name} ends")

    threads = [threading.Thread(target=job, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(order[at].split()[0] == order[at + 1].split()[0] for at in range(0, 8, 2))
