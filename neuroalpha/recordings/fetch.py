"""Fetching the files of a data set: verified, resumed where a download broke off, and never again once in place."""

from __future__ import annotations

import os
import re
import shutil
import time
import warnings
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import pooch
import requests
from tqdm import tqdm

from neuroalpha.errors import InputError, nearest
from neuroalpha.recordings.cards import Card, CardFile, card

# A broken connection is taken up again this often, as long as each try brings the download further.
RETRIES = 5
WAIT = 0.5  # seconds before such a retry
TIMEOUT = (10.0, 60.0)  # seconds to connect, and between two pieces
PIECE = 1 << 16  # bytes; what has not been written when a connection breaks is lost, so this is small

State = Literal["missing", "verified", "unverified", "wrong size", "wrong checksum"]


@dataclass(frozen=True)
class FileStatus:
    """One file of a data set on this computer.

    Parameters
    ----------
    name
        File name, or the card's pattern where no file of a data set without listed names is there.
    path
        Where the file is or would be.
    state
        ``"missing"``; ``"verified"`` (size and checksum are right); ``"unverified"`` (present, no checksum known);
        ``"wrong size"``; ``"wrong checksum"``.
    detail
        What was expected and found, where the state is wrong.

    Examples
    --------
    >>> FileStatus("a.mat", Path("a.mat"), "missing").state
    'missing'
    """

    name: str
    path: Path
    state: State
    detail: str = ""


def data_dir() -> Path:
    """Return the folder that holds one folder for each fetched data set.

    It is the environment variable ``NEUROALPHA_DATA`` if set, else the cache folder usual on this system. Nothing is
    created and nothing can fail.

    Examples
    --------
    >>> from unittest.mock import patch
    >>> with patch.dict(os.environ, NEUROALPHA_DATA="/data/alpha"):
    ...     data_dir().as_posix()
    '/data/alpha'
    """
    named = os.environ.get("NEUROALPHA_DATA")
    return Path(named).expanduser().absolute() if named else Path(pooch.os_cache("neuroalpha"))


def status(name: str | Card, path: str | os.PathLike[str] | None = None) -> list[FileStatus]:
    """Say of every file of a data set whether it is there and right; reads the files, uses no network.

    Parameters
    ----------
    name
        Name of a data set, or a card of your own.
    path
        Folder of the files; default: ``data_dir() / name``.

    Returns
    -------
    list of FileStatus
        The files that the card lists, then others in the folder that match its pattern unless the list is complete.

    Raises
    ------
    InputError
        There is no such data set, or a file cannot be read.

    Examples
    --------
    >>> [(s.name, s.state) for s in status("cifar10h", tmp)]
    [('cifar10h-counts.npy', 'missing')]
    """
    it = name if isinstance(name, Card) else card(name)
    folder = _folder(it, path)
    listed = {file.name for file in it.files}
    try:
        found = [_file_status(file, folder) for file in it.files]
        if it.pattern and not it.complete and folder.is_dir():
            extra = sorted(p for p in folder.iterdir() if p.is_file() and fnmatchcase(p.name, it.pattern))
            found += [FileStatus(p.name, p, "unverified") for p in extra if p.name not in listed]
    except OSError as error:
        raise InputError(f"cannot read {error.filename or folder}: {error.strerror}; check its permissions") from error
    return found or [FileStatus(it.pattern, folder / it.pattern, "missing")]


def fetch(
    name: str | Card, path: str | os.PathLike[str] | None = None, files: str = "*", progress: bool = True
) -> list[Path]:
    """Make the files of a data set available and return their paths.

    A file that is already in place is verified and used without any network. Others are downloaded to
    ``<file>.part`` beside their place, verified and renamed; a download that broke off goes on where it stopped, now
    or at the next call, if a checksum is known that proves the whole. Memory stays flat; one process at a time may
    fetch into a folder.

    Parameters
    ----------
    name
        Name of a data set, or a card of your own.
    path
        Folder for the files, created if need be; default: ``data_dir() / name``.
    files
        Wildcard pattern; only the files that match are fetched.
    progress
        Show a progress bar on stderr.

    Returns
    -------
    list of Path
        The files, in the order of the card.

    Warns
    -----
    UserWarning
        No checksum is known for a file, so it was not verified.

    Raises
    ------
    InputError
        There is no such data set or file; a file in place is not the published one; a download is not (it is
        removed); the disk is too full; or there is no address or the host refuses, in which case the message says
        which page to open by hand and where to put the file.

    Examples
    --------
    >>> _ = (tmp / "a.txt").write_text("hi")
    >>> toy = Card("toy", files=(CardFile("a.txt", md5="49f68a5c8493ec2c0bf489821c21fc3b"),))
    >>> [p.name for p in fetch(toy, tmp)]
    ['a.txt']
    """
    it = name if isinstance(name, Card) else card(name)
    folder = _folder(it, path)
    known = {file.name: file for file in it.files}
    every = status(it, folder)
    # A data set without listed names has one row that stands for whatever its pattern would match.
    wanted = every if every[0].state == "missing" and not known else [s for s in every if fnmatchcase(s.name, files)]
    if not wanted:
        names = [s.name for s in every]
        raise InputError(f"{it.name} has no file {files!r}{nearest(files, names) or '; it has ' + ', '.join(names)}")
    for s in wanted:
        if s.state.startswith("wrong"):
            raise InputError(
                f"{s.path} is not the file that the card {it.name!r} describes ({s.detail}); delete it or move it "
                f"away, then fetch again{_by_hand(it)}"
            )
    refused: dict[str, str] = {}
    for s in wanted:
        if s.state == "missing":
            try:
                _download(it, known.get(s.name), folder, progress)
            except _RefusedError as error:
                refused[s.name] = str(error)
    if refused:
        reasons = "; ".join(dict.fromkeys(refused.values()))
        raise InputError(
            f"cannot fetch {', '.join(refused)} of {it.name}: {reasons}; open {it.page or 'the page of the data set'} "
            f"in a browser, download what is missing, put it in the folder {folder} under the same name and repeat "
            "this: what is there is checked and used"
        )
    unverified = [s.name for s in wanted if s.name not in known or known[s.name].checksum is None]
    if unverified:
        short = f" ({len(every)} of its {it.n_files} files are there)" if len(every) < (it.n_files or 0) else ""
        warnings.warn(f"not verified, no checksum is known: {', '.join(unverified)} of {it.name}{short}", stacklevel=2)
    return [s.path for s in wanted]


class _RefusedError(Exception):
    """The host, or the lack of an address, leaves only fetching by hand; the text says why."""


class _ResumingDownloader:
    """What pooch calls to get one file: HTTP with Range, kept in ``<file>.part`` until it is whole."""

    def __init__(self, file: CardFile, folder: Path, progress: bool) -> None:
        self.file = file
        self.part = folder / f"{file.name}.part"
        self.progress = progress

    def __call__(self, url: str, output_file: str, keeper: object) -> None:
        """Download ``url`` and leave it, whole, at ``output_file``; the signature is pooch's."""
        for retry in range(RETRIES + 1):
            before = self._kept()
            try:
                self._once(url)
                break
            except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
                kept = self._kept()
                if retry == RETRIES or kept <= before or self.file.checksum is None:
                    reason = f"the connection to {urlsplit(url).netloc} failed ({type(error).__name__})"
                    again = f", {kept} bytes are kept and the next fetch goes on from there" if kept else ""
                    raise _RefusedError(reason + (again if self.file.checksum else "")) from error
                time.sleep(WAIT)
            except requests.RequestException as error:
                raise _RefusedError(f"{url} cannot be requested ({type(error).__name__})") from error
        os.replace(self.part, output_file)

    def _kept(self) -> int:
        return self.part.stat().st_size if self.part.is_file() else 0

    def _once(self, url: str) -> None:
        # Without a checksum nothing would prove that two halves belong to one file, so there it starts over.
        start = self._kept() if self.file.checksum else 0
        if self.file.size is not None and start >= self.file.size:
            if start == self.file.size:
                return
            start = 0
        # Compressed on the way, the bytes could be neither counted nor resumed.
        headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={start}-"} if start else {})}
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
            beyond = response.status_code == 416 and start > 0
            if not beyond:
                self._receive(response, start)
                return
            whole = response.headers.get("Content-Range", "") == f"bytes */{start}"
        if not whole:
            self.part.unlink()
            self._once(url)

    def _receive(self, response: requests.Response, start: int) -> None:
        host = urlsplit(response.url).netloc
        if response.status_code == 206:
            sent = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
            if not start or not sent or int(sent[1]) != start:
                self.part.unlink(missing_ok=True)  # so that the next fetch asks for the whole file
                raise _RefusedError(f"{host} sent another part of the file than was asked for")
        elif response.status_code == 200:
            start = 0  # The host ignores Range: what it sends is the file from its beginning.
        else:
            raise _RefusedError(f"{host} answered {response.status_code} {response.reason}")
        if "text/html" in response.headers.get("Content-Type", ""):
            raise _RefusedError(f"{host} sent a web page instead of the file")
        length = response.headers.get("Content-Length", "")
        total = start + int(length) if length.isdecimal() and "Content-Encoding" not in response.headers else None
        if self.file.size is not None and total not in (None, self.file.size):
            self.part.unlink(missing_ok=True)
            raise _RefusedError(f"{host} offers a file of {total} bytes, expected {self.file.size}")
        total = total or self.file.size
        free = shutil.disk_usage(self.part.parent).free
        if total is not None and total - start > free:
            raise InputError(
                f"{self.file.name} needs {total - start} more bytes, but {self.part.parent} has {free} free; free some "
                "space or choose another folder"
            )
        self._write(response, start, total)
        if total is not None and self._kept() < total:
            raise requests.ConnectionError(f"broke off after {self._kept()} of {total} bytes")
        if not self._kept():
            raise _RefusedError(f"{host} sent an empty file")

    def _write(self, response: requests.Response, start: int, total: int | None) -> None:
        look: dict[str, Any] = {"unit": "B", "unit_scale": True, "desc": self.file.name, "disable": not self.progress}
        with open(self.part, "ab" if start else "wb") as part, tqdm(total=total, initial=start, **look) as bar:
            written = start
            for piece in response.iter_content(PIECE):
                written += len(piece)
                if total is not None and written > total:
                    part.truncate(0)
                    raise _RefusedError(f"the host sent more than the {total} bytes of {self.file.name}")
                part.write(piece)
                bar.update(len(piece))


def _download(it: Card, file: CardFile | None, folder: Path, progress: bool) -> None:
    if file is None:
        raise _RefusedError("the single files of this data set are known only by the pattern of their names")
    if file.url is None:
        raise _RefusedError("no address is known from which a program may download it")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        keeper = pooch.create(folder, "", registry={file.name: file.checksum}, urls={file.name: file.url})
        keeper.fetch(file.name, downloader=_ResumingDownloader(file, folder, progress))
    except InputError:
        raise
    except ValueError as error:  # pooch: the checksum is wrong; it has removed the file and says expected and got
        raise InputError(
            f"the download of {file.name} from {file.url} was removed, it is not the published file: {error}"
            f"{_by_hand(it)}"
        ) from error
    except OSError as error:
        raise InputError(
            f"cannot write {file.name} in {folder}: {error.strerror or error}; free some space or choose another folder"
        ) from error


def _file_status(file: CardFile, folder: Path) -> FileStatus:
    path = folder / file.name
    if not path.is_file():
        return FileStatus(file.name, path, "missing")
    size = path.stat().st_size
    if file.size is not None and size != file.size:
        return FileStatus(file.name, path, "wrong size", f"expected {file.size} bytes, got {size}")
    if file.checksum is None:
        return FileStatus(file.name, path, "unverified")
    algorithm, digits = file.checksum.split(":")
    got = pooch.file_hash(str(path), alg=algorithm)
    wrong = f"expected {file.checksum}, got {algorithm}:{got}" if got != digits else ""
    return FileStatus(file.name, path, "wrong checksum" if wrong else "verified", wrong)


def _folder(it: Card, path: str | os.PathLike[str] | None) -> Path:
    folder = data_dir() / it.name if path is None else Path(path).expanduser().absolute()
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; give the folder that the files of {it.name} are in or shall be put in")
    return folder


def _by_hand(it: Card) -> str:
    return f", or get it by hand from {it.page}" if it.page else ""
