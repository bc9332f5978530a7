"""Results on disk under a key made of everything they depend on; never pickle, never a key that a person wrote."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

import neuroalpha
from neuroalpha._files import make_folder, write_text
from neuroalpha.errors import InputError

FORMAT = 1


class ResultCache:
    """A folder of JSON files, one for each key; written atomically, so that a killed run leaves whole files only.

    Examples
    --------
    >>> cache = ResultCache(tmp / "cells")
    >>> key = content_key({"alpha": 1.0, "seed": 0})
    >>> cache.get(key) is None
    True
    >>> cache.put(key, {"estimates": [0.93, float("nan")]})
    >>> cache.get(key)
    {'estimates': [0.93, None]}
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = make_folder(folder)

    def get(self, key: str) -> Any:
        """Return what was stored under ``key``, or None; a damaged file is reported and counts as absent."""
        path = self.folder / f"{key}.json"
        try:
            held = json.loads(path.read_text(encoding="utf-8"))
            if held["key"] != key or held["digest"] != _digest(held["value"]):
                raise ValueError("its content does not match its key")
            return held["value"]
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, OSError) as error:
            warnings.warn(f"{path} is damaged ({error}) and is computed anew", stacklevel=2)
            return None

    def put(self, key: str, value: Any) -> None:
        """Store numbers, text, lists and dicts; NaN and infinities become null."""
        value = _plain(value)
        content = {"format": FORMAT, "key": key, "digest": _digest(value), "value": value}
        write_text(self.folder / f"{key}.json", json.dumps(content))

    def merge(self, key: str, entries: Mapping[str, Any]) -> None:
        """Add ``entries`` to the dict stored under ``key``, so that processes that share a folder lose nothing.

        Examples
        --------
        >>> cache = ResultCache(tmp / "shared")
        >>> cache.merge("key", {"0": 1.5})
        >>> cache.merge("key", {"1": 2.5})
        >>> cache.get("key")
        {'0': 1.5, '1': 2.5}
        """
        with self._alone():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # damage was told when it was first read
                held = self.get(key)
            self.put(key, {**(held if isinstance(held, dict) else {}), **entries})

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes from merging meanwhile, where the system can lock a folder."""
        try:
            import fcntl

            folder = os.open(self.folder, os.O_RDONLY)
        except (ImportError, OSError):  # Windows: the last of two that write at once wins
            yield
            return
        try:
            with contextlib.suppress(OSError):  # some network drives cannot lock
                fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)


def content_key(parameters: Mapping[str, Any]) -> str:
    """SHA-256 of canonical JSON of all parameters, the package's version and the cache's format.

    Arrays count by their type, shape and bytes. The order of the names does not matter.

    Examples
    --------
    >>> content_key({"a": 1, "b": [2.0]}) == content_key({"b": [2.0], "a": 1})
    True
    """
    content = {"format": FORMAT, "version": neuroalpha.__version__, "parameters": _canonical(parameters)}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _canonical(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _canonical(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_canonical(each) for each in value]
    if isinstance(value, np.ndarray):
        array = np.ascontiguousarray(value)
        return {
            "dtype": array.dtype.str,
            "shape": list(array.shape),
            "sha256": hashlib.sha256(array.tobytes()).hexdigest(),
        }
    if isinstance(value, (np.integer, np.floating, np.bool_)):
        return _canonical(value.item())
    if isinstance(value, float):
        return repr(value)
    if value is None or isinstance(value, (bool, int, str)):
        return value
    raise InputError(f"cannot make a cache key of a {type(value).__name__}; pass numbers, text, lists or arrays")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
