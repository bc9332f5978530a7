"""What every command shares: one-line errors, exit codes, JSON on stdout, file names made safe."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import re
import signal
import sys
import warnings
from collections.abc import Callable
from typing import Any

import pandas as pd

from neuroalpha.errors import InputError

BAD_INPUT, FAILED, INTERRUPTED = 2, 1, 130


def run(call: Callable[[], Any], debug: bool) -> int:
    """Run a command, return its exit code: 2 and one line on stderr for bad input, no traceback without ``debug``."""
    import typer

    warnings.showwarning = lambda message, *_, **__: print(f"neuroalpha: warning: {message}", file=sys.stderr)
    for stream in (sys.stdout, sys.stderr):  # a name that the terminal cannot show is no reason to fail
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    with contextlib.suppress(ValueError, AttributeError):  # not in the main thread; no such signal on this system
        for ending in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(ending, _interrupt)
    try:
        code = int(call() or 0)
        if code == INTERRUPTED:  # newer releases of typer turn an interrupt into this themselves
            raise KeyboardInterrupt
        return code
    except (typer.Abort, KeyboardInterrupt):
        print("neuroalpha: interrupted; files written so far are complete", file=sys.stderr)
        return INTERRUPTED
    except (InputError, OSError, MemoryError) as error:
        if debug:
            raise
        print(f"neuroalpha: {one_line(error)}", file=sys.stderr)
        return BAD_INPUT
    except Exception as error:
        if hasattr(error, "show") and hasattr(error, "exit_code"):  # wrong words on the line: the parser's own message
            said = error.format_message() if hasattr(error, "format_message") else str(error)
            print(f"neuroalpha: {' '.join(said.split())} See --help.", file=sys.stderr)
            return int(error.exit_code)
        if debug:
            raise
        print(
            f"neuroalpha: unexpected {type(error).__name__}: {one_line(error)}; run again with --debug for the "
            "traceback",
            file=sys.stderr,
        )
        return FAILED


def _interrupt(*_: object) -> None:
    """End as an interrupt does, so that temporary files are removed."""
    raise KeyboardInterrupt


def one_line(error: BaseException) -> str:
    """The error's text on one line."""
    return " ".join(str(error).split()) or type(error).__name__


def print_json(value: Any) -> None:
    """Print one JSON object; NaN and infinities become null."""
    print(json.dumps(_plain(value), ensure_ascii=True, allow_nan=False))


def table_text(table: pd.DataFrame) -> str:
    """The columns that a person reads first, as aligned text."""
    shown = pd.DataFrame({"population": table["name"]})
    shown["alpha"] = table["alpha"].map("{:.3f}".format)
    shown["interval"] = [
        f"{low:.3f} to {high:.3f}" if math.isfinite(low) else "-"
        for low, high in zip(table["low"], table["high"], strict=True)
    ]
    shown["ranks"] = table["first"].astype(str) + "-" + table["last"].astype(str)
    shown["other windows"] = [
        f"{a:.2f} to {b:.2f}" if math.isfinite(a) else "-"
        for a, b in zip(table["alpha_window_min"], table["alpha_window_max"], strict=True)
    ]
    shown["R2"] = [f"{r2:.3f}" if math.isfinite(r2) else "-" for r2 in table["r2"]]
    if "p_value" in table and table["p_value"].notna().any():
        shown["p"] = [f"{p:.2g}" if math.isfinite(p) else "-" for p in table["p_value"]]
    for column, heading in (
        ("estimator", "estimator"),
        ("n_stimuli", "stimuli"),
        ("n_neuroids", "neuroids"),
        ("n_negative", "<= 0"),
    ):
        shown[heading] = table[column]
    return shown.to_string(index=False)


def file_name(name: str) -> str:
    """Make a bare file name of any name: letters, digits, ``._-`` stay; a changed name gets a digest to stay distinct.

    Examples
    --------
    >>> file_name("layer1.0"), file_name("../a b")
    ('layer1.0', 'a_b-2c2c791a')
    """
    safe = re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._")[:80] or "unnamed"
    return safe if safe == name else f"{safe}-{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()[:8]}"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if hasattr(value, "item") and not isinstance(value, str):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)
