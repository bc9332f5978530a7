"""``compare`` takes files as before, and two commands of its own."""

from __future__ import annotations

import pytest

from neuroalpha.cli_compare import FILES, compare_app


def test_help_names_all_three(cli):
    code, out, _ = cli("compare", "--help")
    assert code == 0
    assert all(name in out for name in ("ood", "noise", FILES))


@pytest.mark.parametrize("arguments", [("a.nc", "b.nc"), ("--out", "x.html", "a.nc", "b.nc"), (FILES, "a.nc")])
def test_what_is_no_command_is_a_file(cli, bad, arguments):
    bad(cli("compare", *arguments), "no such file: a.nc")


def test_a_file_called_like_a_command_needs_its_folder(cli, bad, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ood").write_text("x")
    bad(cli("compare", "./ood", "b.nc"), "no such file: b.nc")
    bad(cli("compare", "ood"), "Missing argument")


def test_commands():
    assert [command.name for command in compare_app.registered_commands] == [FILES, None, None]
