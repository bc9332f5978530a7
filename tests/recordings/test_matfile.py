"""MAT files of every version read alike."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.io
import scipy.sparse

from neuroalpha.errors import InputError
from neuroalpha.recordings.matfile import MatFile


@pytest.fixture(params=["v4", "v5", "v7.3"])
def file(request, tmp_path, write_mat73):
    path = tmp_path / "x.mat"
    matrix = np.arange(6.0).reshape(2, 3)
    if request.param == "v4":
        scipy.io.savemat(path, {"matrix": matrix, "word": "héllo"[:1] + "ello"}, format="4")
    elif request.param == "v5":
        scipy.io.savemat(
            path,
            {"matrix": matrix, "word": "hello", "cell": np.array(["a", "bc"], dtype=object), "s": {"f": matrix}},
        )
    else:
        write_mat73(
            path,
            {"matrix": matrix, "word": "hello", "cell": ["a", "bc"], "s": {"f": matrix, "empty": np.zeros((0, 0))}},
        )
    return MatFile(path)


def test_values(file):
    np.testing.assert_array_equal(file.get("matrix"), np.arange(6.0).reshape(2, 3))
    assert file.get("word") == "hello"
    if "cell" in file.names():
        assert file.get("cell") == ["a", "bc"]
        np.testing.assert_array_equal(file.get("s", "f"), np.arange(6.0).reshape(2, 3))
        assert file.has("s", "f")
    assert not file.has("s", "g")
    assert not file.has("nothing")
    if file.is_hdf5:
        assert file.get("s", "empty").size == 0


def test_missing_names_are_listed(file):
    with pytest.raises(InputError, match=r"no variable 'matrx'; it has .*did you mean 'matrix'"):
        file.get("matrx")
    if "s" in file.names():
        with pytest.raises(InputError, match=r"'s' has no field 'g'; it has .*'f'"):
            file.get("s", "g")


@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize("keep", [0.1, 0.5, 0.98])
def test_cut_short(tmp_path, compress, keep):
    path = tmp_path / "x.mat"
    scipy.io.savemat(path, {"stim": np.random.default_rng(0).random((300, 300))}, do_compression=compress)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    with pytest.raises(InputError, match=r"not a readable MATLAB file"):
        MatFile(path).get("stim")


def test_cut_short_hdf5(tmp_path, write_mat73):
    path = write_mat73(tmp_path / "x.mat", {"stim": np.random.default_rng(0).random((300, 300))})
    path.write_bytes(path.read_bytes()[:20_000])
    with pytest.raises(InputError, match="not a readable MATLAB file"):
        MatFile(path).get("stim")


def test_not_matlab_at_all(tmp_path):
    for content in (b"", b"hello", b"\x00" * 500, b"\x89HDF\r\n\x1a\n" + b"junk" * 100):
        (tmp_path / "x.mat").write_bytes(content)
        with pytest.raises(InputError, match="not a readable MATLAB file"):
            MatFile(tmp_path / "x.mat")
    with pytest.raises(InputError, match="no such file"):
        MatFile(tmp_path / "y.mat")


def test_sparse_and_folders(tmp_path):
    scipy.io.savemat(tmp_path / "x.mat", {"s": scipy.sparse.csc_matrix(np.eye(3))})
    np.testing.assert_array_equal(MatFile(tmp_path / "x.mat").get("s"), np.eye(3))
    with pytest.raises(InputError, match="is a folder"):
        MatFile(tmp_path)
