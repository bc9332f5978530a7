"""The cache of results: keys that follow content, whole files only, damage noticed."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import neuroalpha as na
from neuroalpha._cache import ResultCache, content_key


def test_what_goes_in_comes_out(tmp_path):
    cache = ResultCache(tmp_path / "new" / "folder")
    cache.put("k", {"0": (1.5, float("nan"), float("inf")), "name": "x"})
    assert cache.get("k") == {"0": [1.5, None, None], "name": "x"}
    assert cache.get("other") is None
    assert [path.name for path in cache.folder.iterdir()] == ["k.json"]  # no temporary file stays


def test_merging_from_many_threads_loses_nothing(tmp_path):
    pytest.importorskip("fcntl")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: ResultCache(tmp_path).merge("k", {str(i): float(i)}), range(80)))
    assert ResultCache(tmp_path).get("k") == {str(i): float(i) for i in range(80)}


def test_merging_replaces_what_is_damaged(tmp_path, recwarn):
    (tmp_path / "k.json").write_text("{")
    ResultCache(tmp_path).merge("k", {"0": 1.0})
    assert ResultCache(tmp_path).get("k") == {"0": 1.0}
    assert not recwarn


def test_floats_survive_exactly(tmp_path):
    values = list(np.random.default_rng(0).normal(size=50))
    ResultCache(tmp_path).put("k", values)
    assert ResultCache(tmp_path).get("k") == values


def test_key_follows_content_and_nothing_else(monkeypatch):
    power = np.arange(3.0)
    base = {"alpha": 1.0, "power": power, "ranks": (1, 5), "options": {"b": 1, "a": None}}
    key = content_key(base)
    assert key == content_key({"options": {"a": None, "b": 1}, "ranks": [1, 5], "power": power.copy(), "alpha": 1.0})
    assert key == content_key({**base, "alpha": np.float64(1.0)})
    for other in (
        {**base, "alpha": 1.0 + 1e-15},
        {**base, "power": power + 1e-16 * (power == 0)},
        {**base, "power": power.astype(np.float32)},
        {**base, "ranks": (1, 6)},
        {**base, "options": {"b": 1, "a": 0}},
    ):
        assert content_key(other) != key
    monkeypatch.setattr(na, "__version__", "99")
    assert content_key(base) != key


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"key": "k", "value": 1}', "null"])
def test_damaged_file_is_told_and_counts_as_absent(tmp_path, damage):
    cache = ResultCache(tmp_path)
    (tmp_path / "k.json").write_text(damage)
    with pytest.warns(UserWarning, match="damaged"):
        assert cache.get("k") is None


def test_changed_value_is_noticed(tmp_path):
    cache = ResultCache(tmp_path)
    cache.put("k", [1.0, 2.0])
    content = json.loads((tmp_path / "k.json").read_text())
    content["value"][1] = 3.0
    (tmp_path / "k.json").write_text(json.dumps(content))
    with pytest.warns(UserWarning, match="damaged"):
        assert cache.get("k") is None


def test_bad_input(tmp_path):
    with pytest.raises(na.InputError, match="cache key of a function"):
        content_key({"estimator": lambda: 0})
    (tmp_path / "file").write_text("")
    with pytest.raises(na.InputError, match="is a file"):
        ResultCache(tmp_path / "file")
