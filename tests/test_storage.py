"""Round trip through disk: exact, in one piece or not at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import neuroalpha as na
from neuroalpha._sink import Sink

text = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=12)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.lists(st.floats(width=32), min_size=2, max_size=2),
    labels=st.lists(text, min_size=2, max_size=2, unique=True),
    attr=st.one_of(text, st.integers(-(2**62), 2**62), st.floats(allow_nan=False)),
    dtype=st.sampled_from(["float16", "float32", "float64"]),
)
def test_round_trip_is_exact(tmp_path, values, labels, attr, dtype):
    with np.errstate(over="ignore"):
        array = np.array([values, values[::-1]]).astype(dtype)
    assembly = na.make_assembly(
        array,
        stimulus_id=labels,
        neuroid_id=labels,
        presentation={"blank": np.array([True, False]), "label": np.array(labels)},
        neuroid={"x": np.array([np.nan, 1.5]), "row": np.array([-1, 3], dtype=np.int16)},
        attrs={"identifier": attr, "units": "days", "licence": "é — ü"},
    )
    back = na.load(na.save(assembly, tmp_path / "a.nc"))
    assert back.dtype == assembly.dtype
    assert back.values.tobytes() == assembly.values.tobytes()
    xr.testing.assert_identical(back, assembly)
    for name, coord in assembly.coords.items():
        assert back[name].dtype.kind == coord.dtype.kind
    assert {k: type(v) for k, v in back.attrs.items()} == {k: type(v) for k, v in assembly.attrs.items()}


def test_recording_dataset_round_trip(tmp_path):
    recording, truth = na.simulate_recording(1.0, 12, 20, n_repeats=2, seed=3)
    for data in (recording, truth):
        back = na.load(na.save(data, tmp_path / "r.nc"))
        xr.testing.assert_identical(back, data)


def test_lazy_load_gives_same_spectrum(tmp_path):
    pytest.importorskip("dask")
    assembly = na.make_assembly(np.random.default_rng(0).normal(size=(40, 30)), stimulus_id=np.arange(40))
    path = na.save(assembly, tmp_path / "a.nc")
    lazy = na.load(path, chunks={"neuroid": 7})
    assert lazy.chunks is not None
    np.testing.assert_allclose(
        na.eigenspectrum(lazy, n_draws=0).eigenvalue, na.eigenspectrum(assembly, n_draws=0).eigenvalue, rtol=1e-12
    )


def test_failed_write_keeps_the_old_file(tmp_path):
    path = na.save(na.make_assembly([[1.0]], stimulus_id=["old"]), tmp_path / "a.nc")
    before = path.read_bytes()
    good = na.make_assembly([[1.0]], stimulus_id=["new"])
    day = np.array(["2020-01-01"], "datetime64[ns]")
    for bad, message in (
        (good.assign_attrs(coordinates="x"), "meaning of its own"),
        (good.assign_attrs(steps=["a"]), "'steps' is list"),
        (good.assign_attrs(n=2**70), "beyond 64-bit"),
        (good.assign_attrs(n="a\0b"), "NUL inside"),
        (good.assign_coords(day=("presentation", day)), "store times as text"),
        (good.assign_coords({"a/b": ("presentation", [1])}), "'a/b' cannot name"),
        (good.assign_coords(label=("presentation", ["\udce9"])), "not valid Unicode"),
        (good.astype(complex), "dtype complex128"),
        (good.assign_coords(label=("presentation", np.array([{}], dtype=object))), "not text"),
    ):
        with pytest.raises(na.InputError, match=message):
            na.save(bad, path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.nc"]


WRITER = """
    import numpy as np, neuroalpha as na
    assembly = na.make_assembly(np.random.default_rng(0).normal(size=(300, {columns})), stimulus_id=np.arange(300))
    print("ready", flush=True)
    {loop}na.save(assembly, {path!r})
"""


def _script(path, columns, loop=""):
    return [sys.executable, "-c", textwrap.dedent(WRITER).format(columns=columns, path=str(path), loop=loop)]


@pytest.mark.skipif(os.name != "posix", reason="limits the file size through POSIX")
def test_full_disk_is_one_line_and_leaves_nothing(tmp_path):
    import resource

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    done = subprocess.run(
        _script(tmp_path / "a.nc", 5000), preexec_fn=limit, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, (done.returncode, done.stderr)  # Python's own end: HDF5 did not crash on closing
    assert "InputError: could not write" in done.stderr.strip().splitlines()[-1], done.stderr
    assert "Exception ignored" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("limit", [0, 100, 3000, 20_000, 40_000])
def test_a_disk_that_fills_up_at_any_point(tmp_path, monkeypatch, limit):
    """HDF5 sees every write succeed, and we learn of the first that did not."""
    path = na.save(na.make_assembly([[1.0]], stimulus_id=["old"]), tmp_path / "a.nc")
    written = 0
    plain = Sink.write

    def write(self, data):
        nonlocal written
        written += memoryview(data).nbytes
        if written > limit and self._error is None:
            self._error = OSError(28, "No space left on device")
        return plain(self, data)

    monkeypatch.setattr(Sink, "write", write)
    assembly = na.make_assembly(np.ones((50, 100)), stimulus_id=np.arange(50))
    with pytest.raises(na.InputError, match=r"could not write .*a\.nc: No space left on device; nothing was changed"):
        na.save(assembly, path)
    monkeypatch.undo()
    assert na.load(path).shape == (1, 1)
    assert [p.name for p in tmp_path.iterdir()] == ["a.nc"]


def test_kill_while_writing_keeps_the_old_file(tmp_path):
    path = na.save(na.make_assembly([[1.0]], stimulus_id=["old"]), tmp_path / "a.nc")
    process = subprocess.Popen(_script(path, 3000), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    for _ in range(2000):  # kill as soon as the temporary file has bytes in it
        if any(p.stat().st_size > 0 for p in tmp_path.glob(".a.nc.*")):
            break
        time.sleep(0.001)
    process.kill()
    process.wait()
    loaded = na.load(path)  # either the whole old file or, had the rename won the race, the whole new one
    assert loaded.shape in {(1, 1), (300, 3000)}


def test_truncated_and_foreign_files(tmp_path):
    path = na.save(na.make_assembly(np.ones((50, 50)), stimulus_id=np.arange(50)), tmp_path / "a.nc")
    (tmp_path / "cut.nc").write_bytes(path.read_bytes()[:3000])
    with pytest.raises(na.InputError, match=r"cut\.nc"):
        na.load(tmp_path / "cut.nc")
    xr.Dataset({"a": ("x", [1.0])}).to_netcdf(tmp_path / "foreign.nc", engine="h5netcdf")
    with pytest.raises(na.InputError, match=r"not written by neuroalpha\.save"):
        na.load(tmp_path / "foreign.nc")
    (tmp_path / "text.nc").write_text("hello")
    with pytest.raises(na.InputError, match="not a readable netCDF"):
        na.load(tmp_path / "text.nc")
    with pytest.raises(na.InputError, match="does not exist"):
        na.save(na.make_assembly([[1.0]], stimulus_id=["a"]), tmp_path / "no" / "a.nc")


def test_odd_names_and_scalars_survive(tmp_path):
    assembly = na.make_assembly(
        np.ones((2, 1)), stimulus_id=["", "a b"], presentation={"my coord": [1, 2], "values": ["x", "y"]}
    ).assign_coords(session="one", depth=3.5)
    assembly.attrs["3"] = "three"
    back = na.load(na.save(assembly, tmp_path / "a.nc"))
    xr.testing.assert_identical(back, assembly)
    assert set(back.coords) == set(assembly.coords)


def test_a_replaced_file_is_read_anew(tmp_path):
    pytest.importorskip("dask")
    path = na.save(na.make_assembly(np.zeros((3, 2)), stimulus_id=np.arange(3)), tmp_path / "a.nc")
    lazy = na.load(path, chunks={})
    na.save(na.make_assembly(np.ones((3, 2)), stimulus_id=np.arange(3)), path)
    assert (na.load(path) == 1).all()
    assert lazy.shape == (3, 2)


def test_lazy_values_are_written_block_by_block(tmp_path):
    dask = pytest.importorskip("dask.array")
    values = np.random.default_rng(0).normal(size=(50, 40))
    lazy = na.make_assembly(dask.from_array(values, chunks=(7, 9)), stimulus_id=np.arange(50))
    np.testing.assert_array_equal(na.load(na.save(lazy, tmp_path / "a.nc")).values, values)
