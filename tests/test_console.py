"""What every command shares."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from neuroalpha._console import file_name, one_line, print_json, run, table_text
from neuroalpha.errors import InputError


def test_json_is_one_object_that_any_parser_reads(capsys):
    print_json({"a": np.float64("nan"), "b": [np.int64(3), float("inf")], "c": {"ä": np.bool_(True)}, "d": (1.5, None)})
    out = capsys.readouterr().out
    assert json.loads(out) == {"a": None, "b": [3, None], "c": {"ä": True}, "d": [1.5, None]}
    assert out.isascii()
    assert out.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (InputError("a\nb"), 2, "neuroalpha: a b"),
        (OSError("disk"), 2, "neuroalpha: disk"),
        (KeyboardInterrupt(), 130, "neuroalpha: interrupted"),
        (ZeroDivisionError("x"), 1, "neuroalpha: unexpected ZeroDivisionError: x"),
    ],
)
def test_exit_codes(capsys, error, code, said):
    def call():
        raise error

    assert run(call, debug=False) == code
    err = capsys.readouterr().err
    assert err.startswith(said)
    assert err.count("\n") == 1
    if code != 130:
        with pytest.raises(type(error)):
            run(call, debug=True)


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "a/b", "", ".", "..", "con:", "ü", "\udce9", "x" * 300, ".hidden"]
)
def test_file_names_stay_in_their_folder(tmp_path, name):
    safe = file_name(name)
    (tmp_path / safe).write_text("")
    assert [p.name for p in tmp_path.iterdir()] == [safe]
    assert not safe.startswith(".")
    assert file_name(name + "!") != safe


def test_one_line():
    assert one_line(ValueError("a\n  b")) == "a b"
    assert one_line(ValueError()) == "ValueError"


def test_what_is_not_known_is_a_dash_and_p_shows_where_there_is_one():
    row = {
        "name": "V1", "alpha": 1.0, "low": np.nan, "high": np.nan, "first": 1, "last": 9, "alpha_window_min": np.nan,
        "alpha_window_max": np.nan, "r2": np.nan, "p_value": 0.25, "estimator": "meme", "n_stimuli": 9,
        "n_neuroids": 9, "n_negative": 0,
    }  # fmt: skip
    text = table_text(pd.DataFrame([row]))
    assert "nan" not in text
    assert "0.25" in text
    assert " p " not in table_text(pd.DataFrame([{**row, "p_value": np.nan}]))
