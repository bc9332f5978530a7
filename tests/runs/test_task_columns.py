"""Columns from results: which rows of a table they are for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from neuroalpha.runs.task_columns import add_columns, noise_points

TABLE = pd.DataFrame(
    {
        "key": ["a", "b", "c", "d"],
        "model": ["m", "m", "m", "n"],
        "weights": ["w", "w", "v", "w"],
        "layer": ["l", "k", "l", "l"],
        "images": ["val", "val", "val", "train"],
    },
    index=[3, 5, 7, 9],
)


def columns(*rows):
    return pd.DataFrame(rows, columns=["model", "weights", "layer", "images", "accuracy"])


def test_one_training_set_is_for_all_image_sets():
    found = add_columns(TABLE, columns(("m", "w", "l", "train", 0.5), ("n", "w", "l", "train", 0.7)))
    np.testing.assert_array_equal(found["accuracy"], [0.5, np.nan, np.nan, 0.7])
    assert found.index.tolist() == [3, 5, 7, 9]
    assert found["images"].tolist() == TABLE["images"].tolist()


def test_several_training_sets_go_by_the_images():
    given = columns(("n", "w", "l", "train", 0.5), ("n", "w", "l", "more", 0.9), ("m", "w", "l", "more", 0.8))
    np.testing.assert_array_equal(add_columns(TABLE, given)["accuracy"], [np.nan, np.nan, np.nan, 0.5])
    with pytest.warns(UserWarning, match="none of which has spectra"):
        add_columns(TABLE[TABLE["images"] == "val"], given)


def test_without_tasks_the_table_stays():
    assert add_columns(TABLE, pd.DataFrame()) is TABLE


def test_points_of_human_labels_alone():
    result = xr.Dataset(
        {
            "clean_accuracy": 0.9,
            "human_wrong": ("human", [0.4]),
            "human_accuracy": ("human", [0.7]),
            "human_accuracy_low": ("human", [0.6]),
            "human_accuracy_high": ("human", [0.8]),
            "human_memorisation": ("human", [0.2]),
        },
        coords={"human": ["worst"]},
    )
    worst, clean = noise_points(result)
    assert (worst["level"], worst["accuracy"], worst["memorisation"]) == (0.4, 0.7, 0.2)
    assert (clean["level"], clean["accuracy"]) == (0.0, 0.9)
    assert np.isnan(clean["memorisation"])
