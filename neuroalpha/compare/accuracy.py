"""Join tables of accuracies, as timm publishes them, to a table of exponents by the models' names."""

from __future__ import annotations

import json
import os
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from neuroalpha._text import first_few
from neuroalpha.errors import InputError, nearest

# Their catalogues share names with published tables; a name under any other prefix ("cifar:resnet50") is another model.
PREFIXES = ("timm:", "torchvision:")
TAGS = {"IMAGENET1K_V1": "tv_in1k", "IMAGENET1K_V2": "tv2_in1k"}  # torchvision's names of trainings, and timm's
THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")


@dataclass
class _Told:
    """What a join has to say when it is done."""

    random: set[object] = field(default_factory=set)
    several: dict[str, list[str]] = field(default_factory=dict)
    sizes: dict[str, list[int]] = field(default_factory=dict)
    text: dict[str, str] = field(default_factory=dict)


def join_accuracy(
    table: pd.DataFrame, files: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
) -> pd.DataFrame:
    r"""Join published accuracies, or any numbers of models, to the rows of a zoo's table.

    A model's name matches with or without "timm:" or "torchvision:" before it, and with or without a tag of the
    training (".a1_in1k") behind it, but only where one training can be meant: "resnet50" is many in timm's tables, and
    gets a number only if the row's weights name the tag. Where a table lists a model at several image sizes, the size
    in the row's preprocessing counts, else the smallest, which is the one that the model was trained at.

    Parameters
    ----------
    table : DataFrame
        Columns ``model`` and ``weights``; ``preprocessing`` (JSON steps) where known. Rows whose weights begin with
        "random" get no number: those published are of trained weights. A file that has a column ``weights`` itself is
        matched by it too, and can hold numbers of random weights.
    files : path or sequence of path
        CSV files with a column ``model``, such as the results files of timm. Of their other columns those that hold
        numbers are joined ("1,014.45" and "+2" are numbers). A column that two files share, or that the table has,
        gets the file's stem before its name: ``results-imagenet top1``.

    Returns
    -------
    DataFrame
        The table with the new columns, NaN where nothing matches.

    Raises
    ------
    InputError
        For a file that is no CSV, has no column ``model`` or names none of the table's models.

    Examples
    --------
    >>> import pandas as pd
    >>> import neuroalpha.compare.accuracy as accuracy
    >>> _ = (tmp / "results.csv").write_text("model,top1,param_count\nvgg11.tv_in1k,69.028,132.86\n")
    >>> table = pd.DataFrame({"model": ["torchvision:vgg11"], "weights": ["vgg11.pth"], "alpha": [1.1]})
    >>> accuracy.join_accuracy(table, tmp / "results.csv")["top1"].tolist()
    [69.028]
    """
    for name in ("model", "weights"):
        if name not in table.columns:
            raise InputError(
                f"the table has no column {name!r} to join accuracies by" + nearest(name, map(str, table.columns))
            )
    paths = [Path(files)] if isinstance(files, str | os.PathLike) else [Path(file) for file in files]
    if not paths:
        raise InputError("no file of accuracies was given; give at least one CSV with a column 'model'")
    told = _Told()
    read = {path: _read(path, told) for path in dict.fromkeys(paths)}
    taken = [str(column) for column in table.columns]
    taken += [column for one in read.values() for column in one.columns if column not in ("model", "weights")]
    joined = {}
    for path, one in read.items():
        at = _rows(table, one, path, told)
        for column in one.columns.drop(["model", "weights"], errors="ignore"):
            name = f"{path.stem} {column}" if taken.count(column) > 1 else column
            if name in joined or name in table.columns:
                raise InputError(f"two columns would be called {name!r}; rename the file {path} or the column in it")
            values = one[column].to_numpy(dtype=float)
            joined[name] = np.where(at >= 0, values[np.maximum(at, 0)], np.nan)
    _tell(told)
    return pd.concat([table, pd.DataFrame(joined, index=table.index)], axis=1)


def _read(path: Path, told: _Told) -> pd.DataFrame:
    """The names as text and every column of numbers as float."""
    try:
        raw = pd.read_csv(path, dtype=str, encoding="utf-8-sig", skipinitialspace=True)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}; give a CSV of accuracies") from error
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise InputError(f"{path} is not a CSV file in UTF-8: {error}; export the table as CSV") from error
    columns = [str(column) for column in raw.columns]
    if "model" not in columns:
        separator = next((name for mark, name in ((";", "semicolons"), ("\t", "tabs")) if mark in columns[0]), "")
        hint = f"; it seems to be separated by {separator}, export it with commas" if separator else ""
        raise InputError(
            f"{path} has no column 'model'" + (hint or nearest("model", columns) or f": it has {first_few(columns)}")
        )
    known = raw.loc[raw["model"].notna()]
    if known.empty:
        raise InputError(f"{path} names no model: its column 'model' is empty")
    result: dict[str, pd.Series] = {
        str(name): known[name].fillna("").str.strip() for name in ("model", "weights") if name in columns
    }
    for column in columns:
        if column in result or known[column].isna().all():
            continue
        cells = known[column].str.strip()
        grouped = cells.fillna("").str.fullmatch(THOUSANDS).astype(bool)
        plain = cells.where(~grouped, cells.str.replace(",", "", regex=False))
        numbers = pd.to_numeric(plain, errors="coerce")
        wrong = cells[numbers.isna() & cells.notna()]
        if wrong.empty:
            result[column] = numbers.astype(float)
        elif numbers.notna().any():
            told.text[f"{column!r} of {path.name}"] = str(wrong.iloc[0])
    return pd.DataFrame(result).reset_index(drop=True)


def _rows(table: pd.DataFrame, one: pd.DataFrame, path: Path, told: _Told) -> np.ndarray:
    """Which row of a file belongs to each row of the table (row,), -1 for none."""
    names = _Names(one["model"].tolist())
    preprocessing = table["preprocessing"] if "preprocessing" in table.columns else pd.Series("", index=table.index)
    memory: dict[tuple[str, str, str], int] = {}
    found = False
    at = np.full(len(table), -1)
    cells = zip(table["model"].astype(str), table["weights"].fillna("").astype(str), preprocessing, strict=True)
    for row, (model, weights, steps) in enumerate(cells):
        candidates = names.candidates(model)
        found = found or bool(candidates)
        if candidates and "weights" not in one.columns and weights.strip().lower().startswith("random"):
            told.random.add(row)
            continue
        key = (model, weights.strip(), str(steps))
        if key not in memory:
            memory[key] = _row(one, candidates, key, told)
        at[row] = memory[key]
    if not found:
        models = [str(model) for model in table["model"].unique()]
        hint = nearest(names.bare(models[0]), map(names.bare, one["model"]), n=1) if models else ""
        raise InputError(
            f"none of the {len(one)} names in {path} is one of the table's models {first_few(models)}{hint}"
        )
    return at


def _row(one: pd.DataFrame, candidates: list[str], key: tuple[str, str, str], told: _Told) -> int:
    model, weights, steps = key
    rows = one.loc[one["model"].isin(candidates)]
    if "weights" in one.columns:
        rows = rows.loc[rows["weights"] == weights]
    elif len(candidates) > 1:
        words = set(re.split(r"[^\w]+", weights))
        words |= {TAGS[word] for word in words & TAGS.keys()} if model.startswith("torchvision:") else set()
        tagged = [name for name in candidates if name.partition(".")[2] in words]
        if len(tagged) != 1:
            told.several[model] = candidates
            return -1
        rows = rows.loc[rows["model"] == tagged[0]]
    if len(rows) > 1 and "img_size" in rows.columns and rows["img_size"].nunique() > 1:
        size = _image_size(steps)
        if not (rows["img_size"] == size).any():
            told.sizes[model] = sorted(int(each) for each in rows["img_size"].dropna().unique())
            size = float(rows["img_size"].min())
        rows = rows.loc[rows["img_size"] == size]
    rows = rows.drop_duplicates()
    if len(rows) > 1:
        told.several[model] = rows["model"].tolist()
    return int(rows.index[0]) if len(rows) == 1 else -1


class _Names:
    """The names in a file, found as written, without prefix, or without the tag of their training."""

    def __init__(self, names: list[str]) -> None:
        self.known = list(dict.fromkeys(names))
        self.by_bare: dict[str, list[str]] = {}
        self.by_base: dict[str, list[str]] = {}
        for name in self.known:
            bare = self.bare(name)
            self.by_bare.setdefault(bare, []).append(name)
            self.by_base.setdefault(bare.partition(".")[0], []).append(name)

    @staticmethod
    def bare(name: str) -> str:
        prefix = next((each for each in PREFIXES if name.startswith(each)), "")
        return name[len(prefix) :]

    def candidates(self, model: str) -> list[str]:
        """Every name in the file that may mean ``model``."""
        model = model.strip()
        if model in self.known:
            return [model]
        bare = self.bare(model)
        base, _, tag = bare.partition(".")
        # With two tags the trainings differ unless the tags agree; then the bare names agree.
        found = self.by_bare.get(bare) or [
            name for name in self.by_base.get(base, []) if not (tag and self.bare(name).partition(".")[2])
        ]
        prefix = model[: len(model) - len(bare)]
        return [name for name in found if not prefix or self.bare(name) == name or name.startswith(prefix)]


def _image_size(steps: str) -> float:
    """The side of the square that a model saw: the last crop or resize of the preprocessing; NaN if there is none."""
    try:
        listed = [step for step in json.loads(steps) if step.get("step") in ("resize", "centre_crop", "crop")]
        sizes = [step["size"] for step in listed if "size" in step]
        sides = {float(side) for side in np.atleast_1d(sizes[-1])}
        return sides.pop() if len(sides) == 1 else np.nan
    except (ValueError, TypeError, KeyError, IndexError, AttributeError):
        return np.nan


def _tell(told: _Told) -> None:
    if told.random:
        warnings.warn(
            f"no published accuracy for {len(told.random)} of the rows, whose weights are random: those numbers are of "
            "trained weights; a file with a column 'weights' could give them their own",
            stacklevel=3,
        )
    if told.several:
        model, names = next(iter(told.several.items()))
        warnings.warn(
            f"no number for {len(told.several)} of the models, by whose name several trainings go: {model!r} could be "
            f"{first_few(names)}; name the training in the model or its weights ({first_few(told.several)})",
            stacklevel=3,
        )
    if told.sizes:
        model, sizes = next(iter(told.sizes.items()))
        warnings.warn(
            f"{len(told.sizes)} of the models stand at several image sizes, none of them the one used here; taken at "
            f"the smallest: {model!r} at {sizes[0]} of {sizes}",
            stacklevel=3,
        )
    for column, cell in told.text.items():
        warnings.warn(f"column {column} is left out: it holds {cell!r}, which is not a number", stacklevel=3)
