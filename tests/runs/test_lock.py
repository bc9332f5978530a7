"""One run in a folder at a time: across processes, after a kill, and where the system knows no locks."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import signal
import subprocess
import sys

import pytest

import neuroalpha as na
from neuroalpha.runs import lock
from neuroalpha.runs.lock import is_locked, lives, only_run

HOLDER = """
import sys, time
from pathlib import Path
from neuroalpha.runs.lock import only_run
with only_run(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", HOLDER, tmp_path], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_another_process_is_named_and_a_kill_frees_the_folder(tmp_path, holder):
    assert is_locked(tmp_path)
    with pytest.raises(na.InputError, match=rf"going on in .*process {holder.pid} on .*, since 20.*--out") as error:
        with only_run(tmp_path):
            pass
    assert "delete" not in str(error.value)
    assert is_locked(tmp_path)  # the refusal did not free it
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    assert not is_locked(tmp_path)
    with only_run(tmp_path):
        assert is_locked(tmp_path)
    assert not is_locked(tmp_path)


def test_a_look_at_the_lock_does_not_refuse_a_run(tmp_path, monkeypatch):
    """Who looks holds the lock for a moment."""
    looker = os.open(tmp_path / lock.NAME, os.O_RDWR | os.O_CREAT)
    fcntl.flock(looker, fcntl.LOCK_EX)
    monkeypatch.setattr(lock.time, "sleep", lambda seconds: fcntl.flock(looker, fcntl.LOCK_UN))
    with only_run(tmp_path):
        pass
    os.close(looker)


def test_an_exception_frees_the_folder(tmp_path):
    with pytest.raises(RuntimeError), only_run(tmp_path):
        raise RuntimeError
    assert not is_locked(tmp_path)


def test_nobody_was_ever_here(tmp_path):
    assert not is_locked(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def no_locks(monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    monkeypatch.setattr(lock, "PAUSE", 0)


def test_without_locks_the_content_counts(tmp_path, no_locks):
    with only_run(tmp_path):
        assert is_locked(tmp_path)
        with pytest.raises(na.InputError, match="if that run was killed, delete"), only_run(tmp_path):
            pass
        assert is_locked(tmp_path)
    assert not is_locked(tmp_path)


def test_without_locks_a_dead_process_here_does_not_hold_a_folder_one_elsewhere_might(tmp_path, no_locks):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    said = {"host": lock.platform.node(), "pid": dead.pid, "since": 0}
    (tmp_path / lock.NAME).write_text(json.dumps(said))
    assert not is_locked(tmp_path)
    (tmp_path / lock.NAME).write_text(json.dumps({**said, "host": "elsewhere"}))
    assert is_locked(tmp_path)
    (tmp_path / lock.NAME).write_text("nonsense")
    assert not is_locked(tmp_path)


def test_lives():
    assert lives({"host": lock.platform.node(), "pid": os.getpid()})
    assert lives({"host": "elsewhere", "pid": 1})
    assert not lives({"host": lock.platform.node()})
