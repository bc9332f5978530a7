"""Writing whole or not at all."""

from __future__ import annotations

import os
import stat

import pytest

from neuroalpha._files import atomic_path, check_target, make_folder, write_text
from neuroalpha.errors import InputError


def test_replaces_only_on_success(tmp_path):
    target = write_text(tmp_path / "a.txt", "old é")

    def fail(error):
        with atomic_path(target) as part:
            part.write_text("half")
            raise error

    for error in (RuntimeError, KeyboardInterrupt):
        with pytest.raises(error):
            fail(error)
        assert target.read_text(encoding="utf-8") == "old é"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]
    write_text(target, "new")
    assert target.read_text() == "new"


def test_disk_errors_name_the_target_and_nothing_else(tmp_path):
    with pytest.raises(InputError, match=r"could not write .*a\.txt: No space left on device; nothing was changed"):
        with atomic_path(tmp_path / "a.txt"):
            raise OSError(28, "No space left on device")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_permissions_are_those_of_any_new_file(tmp_path):
    (tmp_path / "usual").write_text("")
    ours = write_text(tmp_path / "ours", "")
    assert stat.S_IMODE(ours.stat().st_mode) == stat.S_IMODE((tmp_path / "usual").stat().st_mode)


def test_targets(tmp_path):
    check_target(tmp_path / "new.txt")
    with pytest.raises(InputError, match="is a folder"):
        check_target(tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        check_target(tmp_path / "no" / "a.txt")
    assert make_folder(tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file, but a folder is needed"):
        make_folder(tmp_path / "file")
    with pytest.raises(InputError, match="cannot make the folder"):
        make_folder(tmp_path / "file" / "below")
