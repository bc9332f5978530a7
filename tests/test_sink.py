"""The sink behaves as a file does, and keeps a failed write to itself."""

from __future__ import annotations

import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neuroalpha._sink import Sink

steps = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.binary(max_size=20)),
        st.tuples(st.just("seek"), st.integers(0, 60)),
        st.tuples(st.just("truncate"), st.integers(0, 60)),
        st.tuples(st.just("read"), st.integers(0, 20)),
        st.tuples(st.just("end"), st.just(0)),
    ),
    max_size=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(steps=steps)
def test_same_as_a_file_in_memory(tmp_path, steps):
    memory = io.BytesIO()
    with Sink(tmp_path / "a") as sink:
        for step, value in steps:
            if step == "write":
                assert sink.write(value) == memory.write(value)
            elif step == "seek":
                assert sink.seek(value) == memory.seek(value)
            elif step == "end":
                assert sink.seek(0, io.SEEK_END) == memory.seek(0, io.SEEK_END)
            elif step == "read":
                assert sink.read(value) == memory.read(value)
            else:
                position = memory.tell()
                sink.truncate(value)
                memory.truncate(value)
                # BytesIO does not grow on truncate, files do.
                memory.seek(0, io.SEEK_END)
                memory.write(bytes(max(0, value - memory.tell())))
                memory.seek(position)
            assert sink.tell() == memory.tell()
        sink.report()
    assert (tmp_path / "a").read_bytes() == memory.getvalue()


def test_a_failed_write_is_reported_once_all_is_over(tmp_path):
    sink = Sink(tmp_path / "a")
    sink.write(b"abc")
    sink._error = OSError(28, "No space left on device")
    assert sink.write(b"defg") == 4
    assert sink.tell() == 7
    sink.seek(3)
    assert sink.read(4) == bytes(4)
    assert sink.seek(0, io.SEEK_END) == 7
    with pytest.raises(OSError, match="No space left"):
        sink.report()
    sink.close()
