"""The README's Python runs as it stands, and its commands are the commands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


def test_ten_lines_of_python(tmp_path, monkeypatch, capsys):
    (code,) = re.findall(r"```python\n(.*?)```", readme(), flags=re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip() and not line.startswith(("import", "from"))]) <= 10
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})
    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in printed] == ["V1", "layer2", "layer3"]
    assert (tmp_path / "compare.html").stat().st_size > 1_000_000


def test_ci_runs_the_test_command_of_the_readme():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    commands = [line for line in script.splitlines() if line and not line.startswith(("#", "set ", "cd "))]
    assert commands == ["pip install nox && nox"]
    assert commands[0] in readme()


@pytest.mark.parametrize("command", ["spectrum", "extract", "compare", "data list", "demo"])
def test_commands_named_there_exist(command):
    assert f"neuroalpha {command}" in readme()
