"""The cards that come with the package are complete and say nothing unknown; malformed cards are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from neuroalpha.errors import InputError
from neuroalpha.recordings import cards as cards_module
from neuroalpha.recordings.cards import Card, CardFile, card, list_cards, load_cards

GOOD = """
title = "A toy"
kind = "recording"
source = "nowhere"
page = "https://example.org/toy"
licence = ""
cite = "nobody"
layout = "text"
pattern = "*.mat"
n_files = 2

[[file]]
name = "a.mat"
size = 3
"""


def test_the_stringer_cards_account_for_32_recordings() -> None:
    recordings = [c for c in list_cards("stringer2019_*") if c.kind == "recording"]
    counts = {c.name.removeprefix("stringer2019_"): c.n_files for c in recordings}
    assert counts == {
        "natimg2800": 7,
        "natimg2800_white": 4,
        "natimg2800_8D": 6,
        "natimg2800_4D": 4,
        "natimg2800_small": 3,
        "ori32": 4,
        "natimg32": 4,
    }
    assert sum(c.n_files or 0 for c in recordings) == 32


def test_only_the_verified_stringer_file_has_size_and_checksum() -> None:
    known = [f for c in list_cards("stringer2019_*") for f in c.files if f.size or f.checksum]
    assert [(f.name, f.size, f.checksum) for f in known] == [
        ("natimg2800_M170714_MP032_2017-09-14.mat", 244_220_197, "md5:597145257e2571213d51bcbbcae263fa")
    ]


@pytest.mark.parametrize("name", sorted(load_cards()))
def test_every_card_says_what_a_person_needs(name: str) -> None:
    found = card(name)
    assert found.title
    assert found.source
    assert found.cite
    assert found.layout
    assert found.page.startswith("https://")
    assert found.pattern or found.files


def test_a_pattern_matches_its_own_recordings_only(tmp_path: Path) -> None:
    patterns = {c.name: c.pattern for c in list_cards("stringer2019_*") if c.kind == "recording"}
    for name in patterns:
        (tmp_path / f"{name.removeprefix('stringer2019_')}_M170714_MP032_2017-01-01.mat").touch()
    for name, pattern in patterns.items():
        stem = name.removeprefix("stringer2019_")
        assert [p.name for p in tmp_path.glob(pattern)] == [f"{stem}_M170714_MP032_2017-01-01.mat"]


def test_data_sets_without_stringer_are_there() -> None:
    assert {"cifar10", "cifar10h", "cifar10n", "imagenette", "stringer2019_stimuli"} <= set(load_cards())
    assert [f.name for f in card("cifar10").files] == ["cifar-10-binary.tar.gz"]


def test_cards_are_found_in_an_installed_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "_datasets").mkdir()
    (tmp_path / "_datasets" / "toy.toml").write_text(GOOD)
    monkeypatch.setattr(cards_module, "files", lambda package: tmp_path)
    assert list(load_cards()) == ["toy"]


def test_an_unknown_name_gets_a_suggestion() -> None:
    with pytest.raises(InputError, match=r"no data set 'cifar10k'; did you mean .*'cifar10n'"):
        card("cifar10k")
    with pytest.raises(InputError, match="known are cifar10, "):
        card("zzzz")


def test_wildcards() -> None:
    assert [c.name for c in list_cards("cifar10*")] == ["cifar10", "cifar10h", "cifar10n"]
    assert list_cards("nothing*") == []
    assert len(list_cards()) == len(load_cards())


def test_a_folder_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "toy.toml").write_text(GOOD)
    assert load_cards(tmp_path)["toy"].files == (CardFile("a.mat", size=3),)
    with pytest.raises(InputError, match="no data set cards"):
        load_cards(tmp_path / "absent")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('title = "A toy"', "title = A toy", "cannot be read as TOML"),
        ('title = "A toy"', "", "key 'title' is missing"),
        ('title = "A toy"', "title = 3", "key 'title' is 3; expected a value of type str"),
        ("licence", "license", "unknown key 'license'; did you mean 'licence'"),
        ('kind = "recording"', 'kind = "film"', "key 'kind' is 'film'; expected one of recording"),
        ('pattern = "*.mat"', 'pattern = "../*"', "key 'pattern' is '../\\*'"),
        ("n_files = 2", "n_files = 0", "key 'n_files' is 0"),
        ("size = 3", 'size = "3"', "number 1: key 'size' is '3'; expected a value of type int"),
        ("size = 3", "size = true", "key 'size' is True"),
        ("size = 3", "size = -3", "key 'size' is -3"),
        ("size = 3", 'md5 = "123"', "key 'md5' is '123'; expected 32 lower-case"),
        ("size = 3", 'sha256 = "' + "G" * 64 + '"', "key 'sha256'"),
        ("size = 3", 'url = "file:///etc/passwd"', "key 'url' is 'file:///etc/passwd'"),
        ("size = 3", 'urls = "x"', "unknown key 'urls'; did you mean 'url'"),
        ('name = "a.mat"', "", "key 'name' is missing"),
        ("size = 3", '[[file]]\nname = "a.mat"', "lists one name twice"),
        ("[[file]]", "[file]", "key 'file' is .*; expected a value of type list"),
    ],
)
def test_a_malformed_card_names_file_and_key(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    (tmp_path / "bad.toml").write_text(GOOD.replace(old, new))
    with pytest.raises(InputError, match=message) as caught:
        load_cards(tmp_path)
    assert str(tmp_path / "bad.toml") in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["../a", "a/b", "a\\b", "/a", "C:a", "C:\\a", "..", ".", "", "a\n", "a\0", "a/"])
def test_a_name_cannot_lead_out_of_its_folder(name: str) -> None:
    with pytest.raises(InputError, match="bare file name"):
        CardFile(name)
    with pytest.raises(InputError, match="bare file name"):
        Card(name)
