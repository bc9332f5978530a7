"""Blocks in memory and in a scratch file: what goes in comes out, and no file stays."""

from __future__ import annotations

import errno
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neuroalpha.errors import InputError
from neuroalpha.networks import store as module
from neuroalpha.networks.store import Store, free_disk, seconds_per_byte


@settings(max_examples=30, deadline=None)
@given(
    n=st.integers(1, 20),
    widths=st.lists(st.integers(1, 9), min_size=1, max_size=5),
    in_memory=st.integers(0, 5),
    batch=st.integers(1, 20),
)
def test_what_goes_in_comes_out(n, widths, in_memory, batch):
    x = torch.randn(n, sum(widths), generator=torch.Generator().manual_seed(0))
    ends = np.cumsum(widths)
    with Store(n, widths, in_memory) as store:
        assert store.scratch_bytes == 4 * n * sum(widths[in_memory:])
        for start in range(0, n, batch):
            for block, (width, end) in enumerate(zip(widths, ends, strict=True)):
                store.write(block, start, x[start : start + batch, end - width : end])
        for block, (width, end) in enumerate(zip(widths, ends, strict=True)):
            taken = store.take(block)
            assert taken.dtype == np.float32
            assert taken.flags.c_contiguous
            assert np.array_equal(taken, x[:, end - width : end].numpy())
        assert (store.seconds > 0) == (in_memory < len(widths))


def test_the_file_has_no_name(tmp_path):
    with Store(10, [3, 4], 1, scratch=tmp_path) as store:
        store.write(1, 0, torch.ones(10, 4))
        assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match="closed"):
        store.take(1)


def test_a_killed_process_leaves_no_file(tmp_path):
    code = (
        "import os, signal, sys, torch; from neuroalpha.networks.store import Store\n"
        "store = Store(1000, [1000], 0, scratch=sys.argv[1]); store.write(0, 0, torch.ones(1000, 1000))\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)], timeout=120).returncode == -9
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_none(tmp_path):
    for folder in (tmp_path / "nothing", __file__):
        for call in (free_disk, seconds_per_byte, lambda where: Store(1, [1], 0, scratch=where)):
            with pytest.raises(InputError, match=r"scratch= is .* not a folder that can be written"):
                call(folder)


@pytest.mark.skipif(os.geteuid() == 0 if hasattr(os, "geteuid") else True, reason="may write everywhere")
def test_a_folder_that_cannot_be_written(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="not a folder that can be written"):
        Store(1, [1], 0, scratch=tmp_path)


def test_a_full_disk_is_told_before_the_work(tmp_path, monkeypatch):
    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module.os, "posix_fallocate", full, raising=False)
    with pytest.raises(InputError, match=r"0\.40 GB of scratch space cannot be had in .*No space left.*scratch="):
        Store(1000, [10**5], 0, scratch=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_up_on_the_way(monkeypatch):
    class Full:
        def seek(self, where):
            pass

        def write(self, data):
            raise OSError(errno.ENOSPC, "No space left on device")

        def close(self):
            pass

    monkeypatch.setattr(module, "_reserve", lambda size, scratch: Full())
    with Store(4, [3], 0) as store, pytest.raises(InputError, match="No space left on device"):
        store.write(0, 0, torch.ones(4, 3))


def test_writes_that_are_taken_in_part(monkeypatch):
    reserve = module._reserve

    def slow(size, scratch):
        file = reserve(size, scratch)
        wrapped = type("Slow", (), {})()
        wrapped.seek, wrapped.close = file.seek, file.close
        wrapped.write = lambda data: file.write(data[:7])
        wrapped.readinto = lambda data: file.readinto(data[:5])
        return wrapped

    monkeypatch.setattr(module, "_reserve", slow)
    x = torch.randn(6, 3)
    with Store(6, [3], 0) as store:
        store.write(0, 0, x[:4])
        store.write(0, 4, x[4:])
        assert np.array_equal(store.take(0), x.numpy())


def test_the_disk_is_measured(tmp_path):
    assert 0 < seconds_per_byte(tmp_path) < 1e-3
    assert free_disk(tmp_path) > 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("in_memory", [0, 1, 2])
def test_blocks_of_a_gpu_stay_there(in_memory):
    x = torch.randn(6, 5, device="cuda")
    with Store(6, [3, 2], in_memory, x.device) as store:
        store.write(0, 0, x[:, :3])
        store.write(1, 0, x[:, 3:])
        for block, part in ((0, x[:, :3]), (1, x[:, 3:])):
            taken = store.take(block)
            assert taken.is_cuda
            assert torch.equal(taken, part)
