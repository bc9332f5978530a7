"""Free memory: what the system says, and an array refused with both numbers."""

from __future__ import annotations

import pytest

from neuroalpha.errors import InputError
from neuroalpha.networks import memory


def test_what_the_kernel_calls_available(tmp_path, monkeypatch):
    (tmp_path / "meminfo").write_text("MemTotal: 100 kB\nMemAvailable:   2000 kB\n")
    monkeypatch.setattr(memory, "_MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "_group_left", lambda: None)
    assert memory.available_memory() == 2000 * 1024
    monkeypatch.setattr(memory, "_group_left", lambda: 5000)  # a container has less
    assert memory.available_memory() == 5000


def test_a_system_that_does_not_say(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "_MEMINFO", tmp_path / "nothing")
    monkeypatch.setattr(memory, "_pages", lambda: None)
    assert memory.available_memory() is None
    memory.check_fits(10**20, "anything", "")  # unknown is not refused


def test_both_numbers_are_told(monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: 3 * 10**9)
    memory.check_fits(3 * 10**9, "that much", "")
    with pytest.raises(InputError, match=r"this takes 5\.0 GB of memory, but only 3\.0 GB are free; take less"):
        memory.check_fits(5 * 10**9, "this", "take less")
