"""Columns of a table as the zoo's page holds them: numbers that are finite or unknown, text that is valid Unicode."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from neuroalpha._text import valid


def is_numbers(values: pd.Series) -> bool:
    """Whether a column holds numbers alone: one without any known value does not, and true and false are text."""
    if values.dtype == bool:
        return False
    known = values.dropna()
    return bool(len(known)) and all(isinstance(v, int | float | np.number) and not isinstance(v, bool) for v in known)


def numbers(values: pd.Series) -> np.ndarray:
    """Float64; NaN where a value is missing, infinite or no number."""
    found = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    return np.where(np.isfinite(found), found, np.nan)


def texts(values: pd.Series) -> list[str]:
    """As text, empty where missing."""
    return ["" if pd.isna(value) else valid(str(value)) for value in values]


def pack(frame: pd.DataFrame) -> dict[str, dict[str, list[Any]]]:
    """Columns for the page: numbers as they are, text as distinct values and where each stands."""
    columns: dict[str, dict[str, list[Any]]] = {}
    for name in frame.columns:
        if frame[name].dtype == float:
            columns[name] = {"numbers": short(frame[name].to_numpy())}
        else:
            codes, values = pd.factorize(frame[name], use_na_sentinel=False)
            columns[name] = {"values": [str(value) for value in values], "at": codes.tolist()}
    return columns


def short(values: np.ndarray) -> list[float | int | None]:
    """Numbers for JSON: whole ones without a point, None for NaN."""
    return [None if np.isnan(v) else int(v) if v == int(v) and abs(v) < 2**53 else v for v in values.tolist()]
