"""Data set cards: what each data set is, which files it has, where they come from and how to cite it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, Literal, get_args

from neuroalpha.errors import InputError, nearest

Kind = Literal["recording", "stimuli", "images", "labels"]


@dataclass(frozen=True)
class CardFile:
    """One file of a data set; what is not known of it is ``None``.

    Parameters
    ----------
    name
        Bare file name, without any folder.
    url
        http(s) address that gives the file to a program.
    size
        Bytes.
    md5, sha256
        Hexadecimal checksums.

    Raises
    ------
    InputError
        The name holds a folder, the address is not http(s), or a size or checksum cannot be one.

    Examples
    --------
    >>> CardFile("a.mat", md5="49f68a5c8493ec2c0bf489821c21fc3b").checksum
    'md5:49f68a5c8493ec2c0bf489821c21fc3b'
    """

    name: str
    url: str | None = None
    size: int | None = None
    md5: str | None = None
    sha256: str | None = None

    def __post_init__(self) -> None:
        _check_bare(self.name, "name")
        if self.url is not None and not self.url.startswith(("http://", "https://")):
            raise InputError(f"key 'url' is {self.url!r}; expected an http or https address")
        if self.size is not None and self.size <= 0:
            raise InputError(f"key 'size' is {self.size}; expected a positive number of bytes")
        for key, digits in (("md5", 32), ("sha256", 64)):
            value = getattr(self, key)
            if value is not None and not re.fullmatch(f"[0-9a-f]{{{digits}}}", value):
                raise InputError(f"key {key!r} is {value!r}; expected {digits} lower-case hexadecimal digits")

    @property
    def checksum(self) -> str | None:
        """The stronger known checksum as ``algorithm:digits``, or ``None``."""
        return f"sha256:{self.sha256}" if self.sha256 else f"md5:{self.md5}" if self.md5 else None


@dataclass(frozen=True)
class Card:
    """One data set.

    Parameters
    ----------
    name
        Short name; also the default folder for its files.
    title, source, doi, licence, cite, layout
        Prose; an empty string where nothing is known. ``layout`` says what is in a file.
    kind
        ``"recording"`` (one file a recording session), ``"stimuli"``, ``"images"`` or ``"labels"``.
    page
        Address of the page to open by hand.
    pattern
        Glob of the file names, for files that are not listed one by one.
    n_files
        How many files the data set has, or ``None`` where unknown.
    files
        The files that are known by name.

    Raises
    ------
    InputError
        A name or pattern holds a folder, two files have one name, or more files are listed than ``n_files``.

    Examples
    --------
    >>> Card("toy", files=(CardFile("a.mat"),), n_files=3).complete
    False
    """

    name: str
    title: str = ""
    kind: Kind = "recording"
    source: str = ""
    doi: str = ""
    page: str = ""
    licence: str = ""
    cite: str = ""
    layout: str = ""
    pattern: str = ""
    n_files: int | None = None
    files: tuple[CardFile, ...] = ()

    def __post_init__(self) -> None:
        _check_bare(self.name, "name")
        if self.pattern:
            _check_bare(self.pattern, "pattern")
        if self.kind not in get_args(Kind):
            raise InputError(f"key 'kind' is {self.kind!r}; expected one of {', '.join(get_args(Kind))}")
        names = [file.name for file in self.files]
        if len(set(names)) < len(names):
            raise InputError("key 'file' lists one name twice; give every file once")
        if self.n_files is not None and self.n_files < max(1, len(names)):
            raise InputError(f"key 'n_files' is {self.n_files}, but {len(names)} files are listed; correct one of them")

    @property
    def complete(self) -> bool:
        """Whether every file of the data set is listed by name."""
        return self.n_files == len(self.files)


_TEXT = ("title", "kind", "source", "doi", "page", "licence", "cite", "layout", "pattern")
_REQUIRED = ("title", "kind", "source", "page", "licence", "cite", "layout", "pattern")
_FILE_TYPES: dict[str, type] = {"name": str, "url": str, "size": int, "md5": str, "sha256": str}
_CARD_TYPES: dict[str, type] = {**dict.fromkeys(_TEXT, str), "n_files": int, "file": list}


def load_cards(folder: str | Path | None = None) -> dict[str, Card]:
    """Read all cards.

    Parameters
    ----------
    folder
        Folder of ``<name>.toml`` files; default: the cards that come with neuroalpha.

    Returns
    -------
    dict
        Name -> :class:`Card`, sorted by name.

    Raises
    ------
    InputError
        The folder holds no card, or a card is malformed; the message names the file and the key.

    Examples
    --------
    >>> cards = load_cards()
    >>> sum(c.n_files for c in cards.values() if c.kind == "recording" and c.name.startswith("stringer2019_"))
    32
    """
    where: Traversable = _shipped() if folder is None else Path(folder)
    if not where.is_dir() or not (found := [entry for entry in where.iterdir() if entry.name.endswith(".toml")]):
        fix = "install neuroalpha again" if folder is None else "give a folder of <name>.toml files"
        raise InputError(f"no data set cards in {where}: {fix}")
    return {entry.name[:-5]: _parse(entry) for entry in sorted(found, key=lambda entry: entry.name)}


def card(name: str) -> Card:
    """Return the card of one data set.

    Parameters
    ----------
    name
        A name that :func:`list_cards` gives.

    Raises
    ------
    InputError
        There is no such card; the message offers the nearest names.

    Examples
    --------
    >>> card("cifar10h").licence
    'CC BY-NC-SA 4.0'
    """
    cards = load_cards()
    if name not in cards:
        hint = nearest(name, cards) or f"; known are {', '.join(cards)}"
        raise InputError(f"there is no data set {name!r}{hint}")
    return cards[name]


def list_cards(pattern: str = "*") -> list[Card]:
    """Return the cards whose names match a wildcard pattern, sorted by name.

    Parameters
    ----------
    pattern
        Shell wildcard, case-sensitive. A pattern that matches nothing gives an empty list.

    Raises
    ------
    InputError
        A card is malformed.

    Examples
    --------
    >>> [c.name for c in list_cards("cifar10?")]
    ['cifar10h', 'cifar10n']
    """
    return [found for name, found in load_cards().items() if fnmatchcase(name, pattern)]


def _shipped() -> Traversable:
    """Folder of the cards: inside an installed package, else beside it in a checkout."""
    packaged = files("neuroalpha") / "_datasets"
    return packaged if packaged.is_dir() else Path(__file__).resolve().parents[2] / "datasets"


def _parse(entry: Traversable) -> Card:
    try:
        table = tomllib.loads(entry.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise InputError(f"card {entry} cannot be read as TOML: {error}") from error
    try:
        _check_keys(table, _CARD_TYPES, _REQUIRED)
        rows = table.pop("file", [])
        listed = []
        for number, row in enumerate(rows, start=1):
            try:
                if not isinstance(row, dict):
                    raise InputError("it is not a table; write [[file]]")
                _check_keys(row, _FILE_TYPES, ("name",))
                listed.append(CardFile(**row))
            except InputError as error:
                raise InputError(f"[[file]] number {number}: {error}") from error
        prose: dict[str, Any] = {
            key: value.strip() if isinstance(value, str) else value for key, value in table.items()
        }
        return Card(name=entry.name[:-5], files=tuple(listed), **prose)
    except InputError as error:
        raise InputError(f"card {entry} is malformed: {error}") from error


def _check_keys(table: Mapping[str, Any], types: Mapping[str, type], required: tuple[str, ...]) -> None:
    for key, value in table.items():
        if key not in types:
            raise InputError(f"unknown key {key!r}{nearest(key, types) or '; known are ' + ', '.join(types)}")
        # bool is a kind of int in Python; a size of `true` is a mistake.
        if not isinstance(value, types[key]) or isinstance(value, bool):
            raise InputError(f"key {key!r} is {value!r}; expected a value of type {types[key].__name__}")
    for key in required:
        if key not in table:
            raise InputError(f"key {key!r} is missing; add it (it may be empty where nothing is known)")


def _check_bare(name: str, key: str) -> None:
    """Refuse anything that could lead out of the folder that a file is put in, on any system."""
    bare = name == PurePosixPath(name).name == PureWindowsPath(name).name
    if not bare or name in ("", ".", "..") or not name.isprintable():
        raise InputError(f"key {key!r} is {name!r}; expected a bare file name without any folder")
