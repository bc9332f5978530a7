"""Unreadable images among readable ones, and the digest of what is shown."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch import nn
from torch.utils.data import Dataset

from neuroalpha.errors import InputError
from neuroalpha.networks.extract import extract
from neuroalpha.networks.files import FileSource
from neuroalpha.networks.images import images

BAD = ["cat/cut.jpg", "cat/deep.png", "cat/text.jpg", "dog/short.png"]


def picture(seed: int, height: int = 40, width: int = 50) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    for index, name in enumerate(["cat/a.png", "cat/b.jpg", "cat/z.png", "dog/a.png", "dog/b.jpg"]):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(picture(index)).save(tmp_path / name)
    return tmp_path


@pytest.fixture
def spoilt(good: Path) -> Path:
    """Two that their headers tell (text, 16 bits) and two that only decoding does (cut short)."""
    for whole, cut in (("cat/b.jpg", "cat/cut.jpg"), ("dog/a.png", "dog/short.png")):
        content = (good / whole).read_bytes()
        (good / cut).write_bytes(content[: len(content) * 2 // 3])
    (good / "cat" / "text.jpg").write_text("this is a text")
    Image.fromarray(np.full((40, 50), 40000, dtype=np.uint16)).save(good / "cat" / "deep.png")
    return good


def drop(folder: Path, names: list[str]) -> None:
    for name in names:
        (folder / name).unlink()


def count_reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    reads: list[int] = []
    before = FileSource.read
    monkeypatch.setattr(FileSource, "read", lambda self, index: reads.append(index) or before(self, index))
    return reads


def test_headers_are_counted_at_once(spoilt: Path) -> None:
    expected = r"^2 of 9 images cannot be read: 'cat/deep\.png', 'cat/text\.jpg' \(the first: it has more than 8 bits"
    with pytest.raises(InputError, match=expected) as caught:
        images(spoilt)
    assert "leave them out with skip_bad=True (--skip-bad-images)" in str(caught.value)


@pytest.mark.parametrize("look", ["check", "digest"])
def test_what_does_not_decode_is_counted_before_the_work(spoilt: Path, look: str) -> None:
    drop(spoilt, ["cat/text.jpg", "cat/deep.png"])
    stimuli = images(spoilt)
    expected = r"^2 of 7 images cannot be read: 'cat/cut\.jpg', 'dog/short\.png' \(the first: it does not decode"
    for _ in range(2):  # a second look does not forget
        with pytest.raises(InputError, match=expected):
            getattr(stimuli, look)()
    with pytest.raises(InputError, match=r"cut\.jpg cannot be read.*skip_bad=True"):
        stimuli.batch(0, 7)


def test_skipping_leaves_a_set_of_the_good_ones(spoilt: Path) -> None:
    with pytest.warns(UserWarning, match=r"4 of 9 images cannot be read: 'cat/cut\.jpg', .*'dog/short\.png'") as caught:
        stimuli = images(spoilt, skip_bad=True)
    assert caught[0].filename == __file__
    assert stimuli.skipped == BAD
    assert stimuli.preprocessing[0] == {"step": "skip_bad", "n_skipped": 4}
    drop(spoilt, BAD)
    clean = images(spoilt)
    assert stimuli.stimulus_id.tolist() == clean.stimulus_id.tolist()
    assert stimuli.label.tolist() == clean.label.tolist() == ["cat", "cat", "cat", "dog", "dog"]
    assert torch.equal(stimuli.batch(0, 5), clean.batch(0, 5))
    assert stimuli.digest() == clean.digest()
    assert clean.skipped == []


def test_own_names_and_labels_stay_with_their_images(spoilt: Path) -> None:
    with pytest.warns(UserWarning, match="'s2', 's3', 's4', 's8'"):
        stimuli = images(spoilt, skip_bad=True, stimulus_id=[f"s{i}" for i in range(9)], label=np.arange(9) * 10)
    assert stimuli.stimulus_id.tolist() == ["s0", "s1", "s5", "s6", "s7"]
    assert stimuli.label.tolist() == [0, 10, 50, 60, 70]
    assert stimuli.skipped == ["s2", "s3", "s4", "s8"]


def test_names_found_before_are_left_out_unread(spoilt: Path, monkeypatch: pytest.MonkeyPatch, recwarn) -> None:
    reads = count_reads(monkeypatch)
    again = images(spoilt, skip_bad=BAD)
    assert reads == []
    assert not [warning for warning in recwarn if "cannot be read" in str(warning.message)]
    with pytest.warns(UserWarning, match="4 of 9"):
        first = images(spoilt, skip_bad=True)
    assert again.stimulus_id.tolist() == first.stimulus_id.tolist()
    assert (again.digest(), again.skipped, again.preprocessing) == (first.digest(), first.skipped, first.preprocessing)
    with pytest.raises(InputError, match=r"^1 of 6 images cannot be read: 'cat/deep\.png'"):
        images(spoilt, skip_bad=[name for name in BAD if name != "cat/deep.png"])


def test_every_image_is_read_once(spoilt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = count_reads(monkeypatch)
    with pytest.warns(UserWarning, match="4 of 9"):
        stimuli = images(spoilt, skip_bad=True)
    stimuli.digest()
    stimuli.check()
    stimuli.with_preprocessing(size=8).digest()
    assert sorted(reads) == list(range(9))


def test_limit_comes_first(spoilt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = count_reads(monkeypatch)
    with pytest.warns(UserWarning, match=r"1 of 3 images cannot be read: 'cat/cut\.jpg' \(it does not decode"):
        stimuli = images(spoilt, limit=3, skip_bad=True)
    assert stimuli.stimulus_id.tolist() == ["cat/a.png", "cat/b.jpg"]
    assert [step["step"] for step in stimuli.preprocessing[:2]] == ["choose", "skip_bad"]
    assert sorted(reads) == [0, 1, 2]
    assert images(spoilt, limit=3).stimulus_id.tolist()[2] == "cat/cut.jpg"  # headers of the others are not asked for


def test_nothing_is_said_where_nothing_is_wrong(good: Path, recwarn) -> None:
    stimuli = images(good, skip_bad=True)
    assert len(stimuli) == 5
    assert stimuli.skipped == []
    assert not recwarn.list
    assert stimuli.preprocessing == images(good).preprocessing


def test_nothing_left(spoilt: Path) -> None:
    with pytest.raises(InputError, match=r"4 of 4 images cannot be read: .*nothing is left to show"):
        images([spoilt / name for name in BAD], skip_bad=True)


def test_arrays_and_datasets_take_part() -> None:
    pixels = np.random.default_rng(0).random((6, 4, 4)).astype(np.float32)
    pixels[[1, 4], 2, 2] = np.inf
    with pytest.raises(InputError, match=r"^2 of 6 images cannot be read: 'image1', 'image4' .*not finite"):
        images(pixels).check()
    with pytest.warns(UserWarning, match="2 of 6"):
        stimuli = images(pixels, skip_bad=True, normalize=None)
    assert torch.equal(stimuli.batch(0, 4)[:, 0], torch.from_numpy(pixels[[0, 2, 3, 5]]))

    class Files(Dataset):
        def __len__(self) -> int:
            return 4

        def __getitem__(self, index: int) -> tuple[Image.Image, int]:
            if index == 2:
                raise OSError("image file is truncated (3 bytes not processed)")
            return Image.fromarray(picture(index)), index

    with pytest.raises(InputError, match=r"^1 of 4 images cannot be read: 'image2' \(the dataset cannot give it"):
        images(Files()).digest()
    with pytest.warns(UserWarning, match="1 of 4"):
        stimuli = images(Files(), skip_bad=True)
    assert stimuli.label.tolist() == [0, 1, 3]
    assert stimuli.batch(0, 3).shape == (3, 3, 40, 50)


def test_the_choice_is_recorded_in_the_assembly(spoilt: Path) -> None:
    with pytest.warns(UserWarning, match="1 of 3"):
        stimuli = images(spoilt, limit=3, skip_bad=True)
    net = extract(nn.Sequential(nn.AvgPool2d(10), nn.Flatten()), stimuli, "1", progress=False)
    steps = json.loads(net.attrs["preprocessing"])
    assert steps[:2] == [
        {"step": "choose", "which": "first", "n": 3, "of": 9},
        {"step": "skip_bad", "n_skipped": 1},
    ]
    assert net.stimulus_id.values.tolist() == ["cat/a.png", "cat/b.jpg"]


def test_digest_follows_pixels_names_and_preprocessing(good: Path) -> None:
    same = images(good).digest()
    assert same == images(good).digest(progress=True)
    assert same != images(good, size=5).digest()
    assert same != images(good, stimulus_id=list("abcde")).digest()
    assert images(good, size=5).digest() == images(good).with_preprocessing(size=5).digest()
    Image.fromarray(picture(77)).save(good / "cat" / "a.png")
    assert same != images(good).digest()


def test_digest_does_not_depend_on_where_pixels_lie(good: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    drop(good, ["cat/b.jpg", "dog/b.jpg"])
    pixels = np.stack([picture(i) for i in (0, 2, 3)])
    names = ["cat/a.png", "cat/z.png", "dog/a.png"]
    array = tmp_path_factory.mktemp("arrays") / "x.npy"
    np.save(array, pixels)
    expected = images(good).digest()
    assert images(pixels, stimulus_id=names).digest() == expected
    assert images(array, stimulus_id=names).digest() == expected
    assert images(torch.from_numpy(pixels).permute(0, 3, 1, 2), stimulus_id=names).digest() == expected
    assert images(_Pairs(pixels), stimulus_id=names).digest() == expected


class _Pairs(Dataset):
    def __init__(self, pixels: np.ndarray) -> None:
        self.pixels = pixels

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, index: int) -> tuple[Image.Image, int]:
        return Image.fromarray(self.pixels[index]), index


@given(st.permutations(range(6)), st.integers(1, 6))
def test_digest_follows_the_order_and_the_choice(order: list[int], limit: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (6, 3, 3), dtype=np.uint8)
    names = np.array(list("abcdef"))
    whole = images(pixels, stimulus_id=names).digest()
    assert (images(pixels[order], stimulus_id=names[order]).digest() == whole) == (list(order) == list(range(6)))
    chosen = images(pixels, stimulus_id=names, limit=limit)
    assert chosen.digest() == images(pixels[:limit], stimulus_id=names[:limit]).digest()


def test_an_array_that_was_changed_has_another_digest() -> None:
    pixels = np.zeros((3, 4, 4), np.uint8)
    stimuli = images(pixels)
    before = stimuli.digest()
    pixels[1] += 1
    assert stimuli.digest() != before


def test_other_preprocessing_leaves_the_set_as_it_was(good: Path) -> None:
    stimuli = images(good, size=8, crop=8)
    other = stimuli.with_preprocessing(transform=lambda image: image[:, :4, :4] / 255)
    assert other.batch(0, 2).shape == (2, 3, 4, 4)
    assert stimuli.batch(0, 2).shape == (2, 3, 8, 8)
    assert other.stimulus_id.tolist() == stimuli.stimulus_id.tolist()
    assert stimuli.digest() != other.digest()


def inverted(pixels, index):
    return 255 - pixels


def test_changed_images():
    pixels = np.stack([picture(seed) for seed in range(7)])
    plain, changed = images(pixels, size=20), images(pixels, size=20).changed(inverted, {"step": "invert"})
    assert [step["step"] for step in changed.preprocessing] == ["rgb", "scale", "resize", "invert", "normalize"]
    seen = images(pixels, size=20, normalize=None).batch(0, 7)
    levels = 255 - (seen * 255).round()
    mean, sd = (torch.tensor(v).view(3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    torch.testing.assert_close(changed.batch(0, 7), (levels / 255 - mean) / sd)
    assert changed.digest() != plain.digest()
    assert images(pixels, size=20).digest() == plain.digest()
    with pytest.raises(InputError, match="changed already"):
        changed.changed(inverted, {"step": "again"})


def test_changes_know_which_image_they_see(good: Path):
    seen: list[int] = []

    def note(pixels, index):
        assert pixels.dtype == torch.uint8
        seen.extend(index.tolist())
        return pixels

    stimuli = images(good, normalize=None)
    changed = stimuli.changed(note, {"step": "note"})
    torch.testing.assert_close(changed.batch(2, 5), stimuli.batch(2, 5), atol=1e-6, rtol=0)
    own = stimuli.with_preprocessing(transform=lambda image: image.float() / 255).changed(note, {"step": "note"})
    torch.testing.assert_close(own.batch(0, 2), stimuli.batch(0, 2))
    assert seen[:3] == [2, 3, 4]
    assert sorted(seen[3:]) == [0, 1]
    assert [step["step"] for step in own.preprocessing] == ["note", "transform"]


def test_a_change_follows_a_choice_of_images():
    pixels = np.stack([picture(seed) for seed in range(6)])
    changed = images(pixels, normalize=None).changed(inverted, {"step": "invert"})
    few = changed.without(changed.stimulus_id[:2])
    torch.testing.assert_close(few.batch(0, 4), changed.batch(2, 6))
