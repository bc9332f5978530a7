"""What readouts take for responses: rows that hold something, found in blocks, of numpy and dask."""

from __future__ import annotations

import numpy as np
import pytest

import neuroalpha as na
from neuroalpha.spectrum import blocks
from neuroalpha.tasks.readout_inputs import has_values


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_that_hold_something(monkeypatch, lazy, dtype):
    x = np.random.default_rng(0).normal(size=(20, 6)).astype(dtype)
    x[[3, 11]] = np.nan
    x[5, 2] = x[11, 0] = np.nan
    x[12] = np.finfo(dtype).max  # whose sum may overflow, but each of which is finite
    expected = ~np.isnan(x).all(axis=1)
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 8 * 6 * 4)
    given = pytest.importorskip("dask.array").from_array(x, chunks=(7, 4)) if lazy else x
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(has_values(given, "test"), expected)
    x[17, 1] = np.inf
    given = pytest.importorskip("dask.array").from_array(x, chunks=(7, 4)) if lazy else x
    with np.errstate(over="ignore"), pytest.raises(na.InputError, match=r"test image 17 .* holds infinite values"):
        has_values(given, "test")
