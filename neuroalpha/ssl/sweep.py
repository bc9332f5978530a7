"""A sweep: settings that all networks share, and a grid or random draws of those that vary."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from neuroalpha._checks import check_seed, whole
from neuroalpha.errors import InputError, nearest
from neuroalpha.ssl.settings import TrainSettings, make_settings

KEYS = ("title", "folder", "images", "test", "train", "sweep")
RANGE = ("low", "high", "log", "whole")


@dataclass(frozen=True)
class Sweep:
    """What a sweep file says; made by :func:`read_sweep`."""

    settings: tuple[TrainSettings, ...]
    """One for each network, each once."""
    images: Mapping[str, Any]
    """``[images]``: what they are trained on, by the options of an image entry of a plan."""
    test: Mapping[str, Any] | None
    """``[test]``: what they are tested on; None where the file has none."""
    path: Path
    """The file: paths in it start at its folder."""
    folder: Path
    """Of the trained networks: ``folder`` in the file, default the file's name with ``-trained``."""
    title: str


def read_sweep(path: str | os.PathLike[str]) -> Sweep:
    """Read a sweep file.

    Parameters
    ----------
    path
        A TOML file with ``[images]`` (what is learned from), ``[train]`` (settings that all share), and, unless one
        network is meant, ``[[sweep]]`` tables. In a table each key is a setting: a list stands for its values, a single
        value for itself, and all combinations are made. With ``random = N`` there are N draws instead
        (``random_seed``, default 0): of a list one value, of ``{low = 1e-4, high = 0.1, log = true}`` a number between
        the two (``whole = true`` rounds it). The tables' networks are added up. Also ``[test]`` (images that are told
        apart while it trains), ``folder`` and ``title``; docs/ssl.md shows one.

    Raises
    ------
    InputError
        For a file that is no TOML, unknown settings (with the nearest), values that cannot be, no image source.

    Examples
    --------
    >>> _ = (tmp / "sweep.toml").write_text('''
    ... [images]
    ... source = "pictures.npz"
    ... [train]
    ... backbone = "convnet4"
    ... epochs = 2
    ... [[sweep]]
    ... objective = "spectral"
    ... options.mu = [1.0, 3.0]
    ... lr = [0.01, 0.1]
    ... [[sweep]]
    ... random = 3
    ... objective = ["isoloss", "directpred"]
    ... lr = {low = 0.01, high = 1.0, log = true}
    ... ''')
    >>> len(read_sweep(tmp / "sweep.toml").settings)
    7
    """
    path = Path(path)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the sweep {path}: {getattr(error, 'strerror', None) or error}") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"the sweep {path} is not TOML: {error}") from error
    for key in content:
        if key not in KEYS:
            raise InputError(f"{path} has the unknown key {key!r}{nearest(key, KEYS)}; known: {', '.join(KEYS)}")
    images, test = content.get("images"), content.get("test")
    for name, given in (("images", images), ("test", test)):
        if (name == "images" or given is not None) and (not isinstance(given, dict) or "source" not in given):
            raise InputError(f"{path} needs an [{name}] table with source = 'folder or file'")
    for name in ("folder", "title"):
        if not isinstance(content.get(name, ""), str):
            raise InputError(f"{name} in {path} is {content[name]!r}; expected text")
    whole_path = path.resolve()
    folder = whole_path.parent / Path(content.get("folder", f"{path.stem}-trained")).expanduser()
    settings = expand_sweep(content.get("train", {}), content.get("sweep", [{}]), str(path))
    return Sweep(tuple(settings), dict(images or {}), test, whole_path, folder, content.get("title", ""))


def expand_sweep(shared: Any, tables: Any, where: str = "the sweep") -> list[TrainSettings]:
    """Settings of every network that the tables mean, in their order, each once.

    Examples
    --------
    >>> from neuroalpha.ssl.sweep import expand_sweep
    >>> [each.lr for each in expand_sweep({"objective": "spectral"}, [{"lr": [0.1, 0.01]}])]
    [0.1, 0.01]
    """
    if not isinstance(shared, Mapping):
        raise InputError(f"train in {where} must be a [train] table of settings")
    if not isinstance(tables, Sequence) or not tables or not all(isinstance(each, Mapping) for each in tables):
        raise InputError(f"sweep in {where} must be [[sweep]] tables; leave them out for one network")
    found: dict[str, TrainSettings] = {}
    for number, table in enumerate(tables, 1):
        place = f"[[sweep]] number {number} of {where}" if table else f"[train] of {where}"
        for chosen in _choices(table, place):
            options = {**shared.get("options", {}), **chosen.pop("options", {})}
            settings = make_settings({**shared, **chosen, **({"options": options} if options else {})}, place)
            found.setdefault(repr(settings), settings)
    return list(found.values())


def _choices(table: Mapping[str, Any], where: str) -> Iterator[dict[str, Any]]:
    """Every combination of a table, or its random draws, as nested settings."""
    given = dict(table)
    draws, seed = given.pop("random", None), given.pop("random_seed", 0)
    flat = {name: value for name, value in given.items() if name != "options"}
    options = given.get("options", {})
    if not isinstance(options, Mapping):
        raise InputError(
            f"options in {where} is {options!r}; expected settings of the objective, as options.mu = [1, 3]"
        )
    flat |= {f"options.{name}": value for name, value in options.items()}
    if draws is None:
        ranges = [name for name, value in flat.items() if _is_range(value)]
        if ranges:
            raise InputError(f"{ranges[0]} in {where} is a range, of which random = N takes N draws; or give a list")
        listed = {name: value if isinstance(value, list) else [value] for name, value in flat.items()}
        empty = [name for name, values in listed.items() if not values]
        if empty:
            raise InputError(f"{empty[0]} in {where} is an empty list; give its values, or leave it out")
        for values in product(*listed.values()):
            yield _nested(dict(zip(listed, values, strict=True)))
        return
    random = np.random.default_rng(check_seed(seed))
    for _ in range(whole(draws, f"random in {where}", 1)):
        yield _nested({name: _drawn(value, random, f"{name} in {where}") for name, value in flat.items()})


def _is_range(given: Any) -> bool:
    """Whether a value is a range to draw from; other tables are options as they are."""
    return isinstance(given, Mapping) and bool({"low", "high"} & set(given))


def _drawn(given: Any, random: np.random.Generator, where: str) -> Any:
    if isinstance(given, list):
        if not given:
            raise InputError(f"{where} is an empty list; give its values, or leave it out")
        return given[int(random.integers(len(given)))]
    if not _is_range(given):
        return given
    for key in given:
        if key not in RANGE:
            raise InputError(f"{where} has the unknown key {key!r}{nearest(key, RANGE)}; known: {', '.join(RANGE)}")
    low, high, log = given.get("low"), given.get("high"), given.get("log", False)
    numbers = all(isinstance(each, int | float) and not isinstance(each, bool) for each in (low, high))
    if not numbers or not low < high or (log and not low > 0):  # type: ignore[operator]
        raise InputError(f"{where} is {dict(given)!r}; expected low < high" + (", both above 0" if log else ""))
    value = float(np.exp(random.uniform(np.log(low), np.log(high))) if log else random.uniform(low, high))  # type: ignore[arg-type]
    # Six digits are as good as all of them, and can be read in a table.
    return round(value) if given.get("whole", False) else float(f"{value:.6g}")


def _nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {name: value for name, value in flat.items() if not name.startswith("options.")}
    options = {name.partition(".")[2]: value for name, value in flat.items() if name.startswith("options.")}
    return found | ({"options": options} if options else {})


def flat_settings(settings: TrainSettings) -> dict[str, Any]:
    """Every setting under one name: ``lr``, ``options.temperature``; for the columns of a table."""
    content = settings.to_dict()
    options = content.pop("options")
    return content | {f"options.{name}": value for name, value in options.items()}
