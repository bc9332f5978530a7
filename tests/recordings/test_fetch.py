"""Fetching against a server on the loopback address that resumes, refuses, breaks off, lies and redirects."""

from __future__ import annotations

import contextlib
import hashlib
import re
import shutil
import threading
import warnings
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from neuroalpha.errors import InputError
from neuroalpha.recordings import fetch as fetch_module
from neuroalpha.recordings.cards import Card, CardFile
from neuroalpha.recordings.fetch import data_dir, fetch, status

BODY = bytes(range(256)) * 4000  # 1,024,000 bytes: many pieces
MD5 = hashlib.md5(BODY).hexdigest()
SHA256 = hashlib.sha256(BODY).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves BODY at every address, in the way that ``mode`` says; remembers what was asked and how much went out."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.mode = "good"
        self.break_after = 300_000
        self.asked: list[str | None] = []  # the Range header of every request
        self.sent: list[int] = []  # bytes of every answer

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/body.bin"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        server, mode = self.server, self.server.mode
        wanted = self.headers.get("Range")
        server.asked.append(wanted)
        if mode == "redirect" and not self.path.startswith("/moved"):
            return self.answer(302, b"", Location="/moved/body.bin")
        if mode.isdecimal():
            return self.answer(int(mode), b"" if mode == "202" else b"no programs here")
        if mode == "page":
            return self.answer(200, b"<html>log in</html>", Content_Type="text/html; charset=utf-8")
        body = {"wrong": BODY[::-1], "short": BODY[:-7], "empty": b""}.get(mode, BODY)
        start = int(re.findall(r"\d+", wanted)[0]) if wanted and mode != "ignores range" else 0
        if wanted and mode != "ignores range":
            if start >= len(body):
                return self.answer(416, b"", Content_Range=f"bytes */{len(body)}")
            first = 0 if mode == "wrong part" else start
            return self.answer(206, body[start:], Content_Range=f"bytes {first}-{len(body) - 1}/{len(body)}")
        return self.answer(200, body)

    def answer(self, code: int, body: bytes, **headers: str) -> None:
        self.send_response(code)
        if "no length" not in self.server.mode:
            self.send_header("Content-Length", str(len(body)))
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        mode = self.server.mode
        if mode == "breaks always" or ("breaks once" in mode and len(self.server.asked) == 1):
            body = body[: self.server.break_after]
        self.server.sent.append(len(body))
        # A client that has seen enough hangs up; that is part of the tests, not a fault of the server.
        with contextlib.suppress(ConnectionError):
            self.wfile.write(body)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(fetch_module, "WAIT", 0.0)
    running = Server()
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield running
    running.shutdown()
    thread.join()
    running.server_close()


def toy(server: Server | None, **known: object) -> Card:
    file = CardFile("body.bin", url=server.url if server else None, **known)  # type: ignore[arg-type]
    return Card("toy", page="https://example.org/toy", pattern="*.bin", n_files=1, files=(file,))


@pytest.mark.parametrize("known", [{"md5": MD5}, {"sha256": SHA256}, {"size": len(BODY), "md5": MD5, "sha256": SHA256}])
@pytest.mark.parametrize("mode", ["good", "redirect", "no length"])
def test_a_download_is_whole_and_the_second_fetch_uses_no_network(
    server: Server, tmp_path: Path, mode: str, known: dict[str, object]
) -> None:
    server.mode = mode
    folder = tmp_path / "new" / "folder"
    assert fetch(toy(server, **known), folder, progress=False) == [folder / "body.bin"]
    assert (folder / "body.bin").read_bytes() == BODY
    assert [p.name for p in folder.iterdir()] == ["body.bin"]
    requests = len(server.asked)
    assert fetch(toy(server, **known), folder) == [folder / "body.bin"]
    assert len(server.asked) == requests


@pytest.mark.parametrize("mode", ["breaks once", "breaks once, no length"])
def test_a_broken_connection_is_taken_up_within_one_fetch(server: Server, tmp_path: Path, mode: str) -> None:
    server.mode = mode  # without a length only the size on the card tells that something is missing
    fetch(toy(server, md5=MD5, size=len(BODY)), tmp_path, progress=False)
    assert (tmp_path / "body.bin").read_bytes() == BODY
    assert len(server.asked) == 2
    resumed_at = len(BODY) - server.sent[1]
    assert server.asked[1] == f"bytes={resumed_at}-"
    assert 0 < resumed_at <= server.break_after


def test_an_interrupted_download_survives_until_the_next_fetch(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch_module, "RETRIES", 0)
    server.mode = "breaks always"
    with pytest.raises(InputError, match=r"connection to 127.0.0.1:\d+ failed .* bytes are kept and the next fetch"):
        fetch(toy(server, md5=MD5), tmp_path, progress=False)
    kept = (tmp_path / "body.bin.part").stat().st_size
    assert 0 < kept <= server.break_after
    assert [p.name for p in tmp_path.iterdir()] == ["body.bin.part"]
    server.mode = "good"
    fetch(toy(server, md5=MD5), tmp_path, progress=False)
    assert (tmp_path / "body.bin").read_bytes() == BODY
    assert server.sent[1] == len(BODY) - kept
    assert [p.name for p in tmp_path.iterdir()] == ["body.bin"]


def test_a_server_that_never_finishes_is_given_up(server: Server, tmp_path: Path) -> None:
    server.mode, server.break_after = "breaks always", 70_000
    with pytest.raises(InputError, match="bytes are kept"):
        fetch(toy(server, md5=MD5), tmp_path, progress=False)
    assert len(server.asked) == fetch_module.RETRIES + 1


@pytest.mark.parametrize(
    ("mode", "kept", "requests"),
    [
        ("ignores range", BODY[:1000], 1),  # 200 instead of 206: starts over
        ("good", BODY, 1),  # whole already: 416 says so
        ("good", BODY + b"more", 2),  # too long: 416, thrown away, starts over
        ("good", BODY[:1000], 1),
    ],
)
def test_what_was_kept_is_used_or_thrown_away(
    server: Server, tmp_path: Path, mode: str, kept: bytes, requests: int
) -> None:
    server.mode = mode
    (tmp_path / "body.bin.part").write_bytes(kept)
    fetch(toy(server, md5=MD5), tmp_path, progress=False)
    assert (tmp_path / "body.bin").read_bytes() == BODY
    assert server.asked == [f"bytes={len(kept)}-", None][:requests]


def test_a_whole_part_of_known_size_needs_no_network(server: Server, tmp_path: Path) -> None:
    (tmp_path / "body.bin.part").write_bytes(BODY)
    fetch(toy(server, md5=MD5, size=len(BODY)), tmp_path, progress=False)
    assert server.asked == []


def test_another_part_than_asked_for_is_refused_and_dropped(server: Server, tmp_path: Path) -> None:
    server.mode = "wrong part"
    (tmp_path / "body.bin.part").write_bytes(BODY[:1000])
    with pytest.raises(InputError, match="another part of the file"):
        fetch(toy(server, md5=MD5), tmp_path, progress=False)
    assert list(tmp_path.iterdir()) == []


def test_wrong_bytes_are_removed_and_both_checksums_named(server: Server, tmp_path: Path) -> None:
    server.mode = "wrong"
    got = hashlib.md5(BODY[::-1]).hexdigest()
    with pytest.raises(InputError, match=f"removed.*expected md5:{MD5} but got {got}.*by hand from https://example"):
        fetch(toy(server, md5=MD5), tmp_path, progress=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("403", "answered 403 Forbidden"),
        ("404", "answered 404 Not Found"),
        ("202", "answered 202 Accepted"),
        ("500", "answered 500"),
        ("page", "sent a web page instead of the file"),
        ("empty", "sent an empty file"),
        ("short", f"offers a file of {len(BODY) - 7} bytes, expected {len(BODY)}"),
    ],
)
def test_a_refusal_says_what_to_do_by_hand(server: Server, tmp_path: Path, mode: str, reason: str) -> None:
    server.mode = mode
    known = {"size": len(BODY)} if mode == "short" else {}
    with pytest.raises(InputError) as caught:
        fetch(toy(server, md5=MD5, **known), tmp_path, progress=False)
    message = str(caught.value)
    assert "\n" not in message
    for part in (reason, "body.bin", "open https://example.org/toy in a browser", f"the folder {tmp_path} "):
        assert part in message
    # The file that a person put there is verified and used.
    (tmp_path / "body.bin").write_bytes(BODY)
    requests = len(server.asked)
    assert fetch(toy(server, md5=MD5, **known), tmp_path) == [tmp_path / "body.bin"]
    assert len(server.asked) == requests


def test_no_connection_and_no_address(server: Server, tmp_path: Path) -> None:
    server.shutdown()
    server.server_close()
    with pytest.raises(InputError, match=r"connection to 127.0.0.1:\d+ failed .*open https://example.org/toy"):
        fetch(toy(server, md5=MD5), tmp_path, progress=False)
    with pytest.raises(InputError, match=r"no address is known.*open https://example.org/toy"):
        fetch(toy(None, md5=MD5), tmp_path)


def test_a_wrong_file_in_place_is_neither_used_nor_overwritten(server: Server, tmp_path: Path) -> None:
    (tmp_path / "body.bin").write_bytes(b"mine")
    with pytest.raises(InputError, match=f"toy.*expected md5:{MD5}, got md5:.*delete it or move it"):
        fetch(toy(server, md5=MD5), tmp_path)
    with pytest.raises(InputError, match=f"expected {len(BODY)} bytes, got 4"):
        fetch(toy(server, size=len(BODY)), tmp_path)
    assert (tmp_path / "body.bin").read_bytes() == b"mine"
    assert server.asked == []


def test_an_unknown_checksum_is_told_and_nothing_is_resumed(server: Server, tmp_path: Path) -> None:
    (tmp_path / "body.bin.part").write_bytes(b"from another day")
    with pytest.warns(UserWarning, match=r"not verified, no checksum is known: body.bin of toy"):
        fetch(toy(server), tmp_path, progress=False)
    assert (tmp_path / "body.bin").read_bytes() == BODY
    assert server.asked == [None]


def test_a_full_disk_is_noticed_before_the_download(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=10))
    with pytest.raises(InputError, match=f"needs {len(BODY)} more bytes, but .* has 10 free"):
        fetch(toy(server, md5=MD5), tmp_path, progress=False)
    assert not (tmp_path / "body.bin.part").exists()


def test_progress_goes_to_stderr(server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fetch(toy(server, md5=MD5), tmp_path)
    printed = capsys.readouterr()
    assert "body.bin" in printed.err
    assert "100%" in printed.err
    assert printed.out == ""


def test_files_known_only_by_a_pattern_are_accepted(tmp_path: Path) -> None:
    some = Card("some", page="https://example.org/some", pattern="ori32_M*.mat", n_files=2)
    with pytest.raises(InputError, match=r"cannot fetch ori32_M\*.mat of some: .*pattern.*example.org/some"):
        fetch(some, tmp_path)
    (tmp_path / "ori32_M1_2017.mat").touch()
    (tmp_path / "other.mat").touch()
    with pytest.warns(UserWarning, match=r"ori32_M1_2017.mat of some \(1 of its 2 files are there\)"):
        assert fetch(some, tmp_path) == [tmp_path / "ori32_M1_2017.mat"]
    with pytest.raises(InputError, match="some has no file '\\*M7\\*'"):
        fetch(some, tmp_path, files="*M7*")


def test_a_part_of_a_data_set(server: Server, tmp_path: Path) -> None:
    two = (CardFile("a.bin", url=server.url, md5=MD5), CardFile("b.bin"))
    card = Card("two", page="https://example.org/two", n_files=2, files=two)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert fetch(card, tmp_path, files="a*", progress=False) == [tmp_path / "a.bin"]
    with pytest.raises(InputError, match=r"cannot fetch b\.bin of two: no address"):
        fetch(card, tmp_path)
    with pytest.raises(InputError, match=r"two has no file 'c\.bin'; did you mean"):
        fetch(card, tmp_path, files="c.bin")


def test_status_reads_but_asks_nobody(server: Server, tmp_path: Path) -> None:
    files = tuple(CardFile(f"{n}.bin", url=server.url, size=3, md5=None if n == "c" else MD5) for n in "abcd")
    card = Card("four", files=files, pattern="*.bin")
    for name, text in {"b": "no", "c": "abc", "d": "abc", "e": "?"}.items():
        (tmp_path / f"{name}.bin").write_text(text)
    assert [(s.name, s.state) for s in status(card, tmp_path)] == [
        ("a.bin", "missing"),
        ("b.bin", "wrong size"),
        ("c.bin", "unverified"),
        ("d.bin", "wrong checksum"),
        ("e.bin", "unverified"),
    ]
    assert server.asked == []


def test_where_files_go(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEUROALPHA_DATA", str(tmp_path / "store"))
    assert fetch(toy(server, md5=MD5), progress=False) == [tmp_path / "store" / "toy" / "body.bin"]
    monkeypatch.setenv("NEUROALPHA_DATA", "")
    assert data_dir().is_absolute()
    assert "neuroalpha" in str(data_dir())


def test_a_folder_that_is_none(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="is a file; give the folder"):
        fetch(toy(server, md5=MD5), tmp_path / "file")
    with pytest.raises(InputError, match="cannot"):
        fetch(toy(server, md5=MD5), tmp_path / "file" / "below")
    with pytest.raises(InputError, match="no data set 'cifar11'"):
        fetch("cifar11")
