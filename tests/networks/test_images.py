"""Sources, preprocessing against Pillow and torchvision, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import Subset, TensorDataset
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

from neuroalpha.errors import InputError
from neuroalpha.networks.images import images

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
SD = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)


def picture(seed: int, height: int = 20, width: int = 30) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    return np.array(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for index, name in enumerate(["dog/b.png", "cat/z.png", "cat/a.png", "cat/deep/c.png"]):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture(index)).save(tmp_path / name)
    (tmp_path / "cat" / "notes.txt").write_text("not an image")
    (tmp_path / "cat" / ".hidden.png").write_text("not an image")
    return tmp_path


def test_folder_is_sorted_and_labelled(folder: Path) -> None:
    stimuli = images(folder, normalize=None)
    assert stimuli.stimulus_id.tolist() == ["cat/a.png", "cat/deep/c.png", "cat/z.png", "dog/b.png"]
    assert stimuli.stimulus_id.dtype.kind == "U"
    assert stimuli.label.tolist() == ["cat", "cat", "cat", "dog"]
    assert stimuli.identifier == folder.name
    expected = torch.from_numpy(picture(2)).permute(2, 0, 1) / 255
    assert torch.allclose(stimuli.batch(0, 1)[0], expected)
    assert str(folder) not in json.dumps(stimuli.preprocessing) + "".join(stimuli.stimulus_id)


def test_linked_folders_are_followed_and_loops_end(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("elsewhere")
    Image.fromarray(picture(9)).save(other / "x.png")
    (folder / "linked").symlink_to(other)
    (folder / "cat" / "loop").symlink_to(folder)
    assert "linked/x.png" in images(folder).stimulus_id.tolist()
    assert len(images(folder)) == 5


def test_flat_folder_has_no_labels(folder: Path) -> None:
    assert images(folder / "dog").label is None


def test_list_of_files(folder: Path) -> None:
    stimuli = images([folder / "dog" / "b.png", str(folder / "cat" / "a.png")])
    assert stimuli.stimulus_id.tolist() == ["dog/b.png", "cat/a.png"]
    assert images(folder / "dog" / "b.png").stimulus_id.tolist() == ["b.png"]


def test_resize_and_crop_against_pillow(folder: Path) -> None:
    stimuli = images(folder, size=10, crop=8)
    image = Image.open(folder / "cat" / "a.png").resize((15, 10), Image.Resampling.BILINEAR)
    pillow = v2.functional.center_crop(torch.from_numpy(np.array(image)).permute(2, 0, 1), [8, 8]) / 255
    ours = stimuli.batch(0, 1)[0] * SD + MEAN
    assert ours.shape == (3, 8, 8)
    assert float((ours - pillow).abs().max()) < 1.01 / 255  # Pillow rounds to whole levels
    assert [step["step"] for step in stimuli.preprocessing] == ["rgb", "scale", "resize", "centre_crop", "normalize"]
    assert stimuli.preprocessing[2] == {
        "step": "resize",
        "shorter_side": 10,
        "interpolation": "bilinear",
        "antialias": True,
    }
    assert stimuli.preprocessing[4]["mean"] == [0.485, 0.456, 0.406]


def test_exact_size(folder: Path) -> None:
    assert images(folder, size=(7, 9)).batch(0, 2).shape == (2, 3, 7, 9)


def test_array_forms_agree() -> None:
    rgb = np.stack([picture(i) for i in range(3)])
    first = images(rgb).batch(0, 3)
    assert first.dtype == torch.float32
    assert torch.allclose(first, (torch.from_numpy(rgb).permute(0, 3, 1, 2) / 255 - MEAN) / SD, atol=1e-6)
    for form in (
        rgb.astype(np.float32) / 255,
        rgb / 255,
        torch.from_numpy(rgb).permute(0, 3, 1, 2),
        torch.from_numpy(rgb).permute(0, 3, 1, 2).double() / 255,
    ):
        assert torch.allclose(images(form).batch(0, 3), first, atol=1e-6)


def test_grey_becomes_rgb() -> None:
    grey = np.random.default_rng(0).integers(0, 256, (2, 5, 5), dtype=np.uint8)
    for form in (grey, grey[..., None], torch.from_numpy(grey), torch.from_numpy(grey)[:, None]):
        batch = images(form, normalize=None).batch(0, 2)
        assert batch.shape == (2, 3, 5, 5)
        assert torch.equal(batch[:, 0], batch[:, 2])


def test_the_callers_array_is_not_changed() -> None:
    pixels = np.random.default_rng(0).random((2, 4, 4, 3), dtype=np.float32)
    pixels.setflags(write=False)
    before = pixels.copy()
    images(pixels).batch(0, 2).add_(1)
    assert np.array_equal(pixels, before)


def test_torch_datasets(folder: Path) -> None:
    pixels = torch.rand(5, 3, 6, 6)
    labelled = images(TensorDataset(pixels, torch.arange(5)), normalize=None)
    assert torch.equal(labelled.batch(1, 3), pixels[1:3])
    assert labelled.label.tolist() == [0, 1, 2, 3, 4]
    assert images(TensorDataset(pixels), normalize=None).label is None
    assert images(Subset(TensorDataset(pixels, torch.arange(5)), [4, 1])).label.tolist() == [4, 1]
    (folder / "cat" / ".hidden.png").unlink()  # torchvision would open it
    files = images(ImageFolder(folder))
    # torchvision takes the files of a folder before those of its sub-folders, we sort whole paths.
    paths = [Path(path).relative_to(folder).as_posix() for path, _ in files._source.dataset.samples]
    order = [images(folder).stimulus_id.tolist().index(path) for path in paths]
    assert torch.equal(files.batch(0, 4), images(folder).batch(0, 4)[order])
    assert files.label.tolist() == [0, 0, 0, 1]
    masks = images(TensorDataset(pixels, torch.zeros(5, 6, 6)))
    assert masks.label is None


def test_own_transform(folder: Path) -> None:
    preset = v2.Compose([v2.Resize(6), v2.CenterCrop(4), v2.ToDtype(torch.float32, scale=True)])
    stimuli = images(folder, transform=preset)
    assert stimuli.batch(0, 2).shape == (2, 3, 4, 4)
    assert "CenterCrop" in stimuli.preprocessing[0]["transform"]
    assert images(np.zeros((2, 8, 8), np.uint8), transform=preset).batch(0, 2).shape == (2, 3, 4, 4)
    assert "0x" not in images(folder, transform=lambda image: image / 255).preprocessing[0]["transform"]
    with pytest.raises(InputError, match="takes the place of"):
        images(folder, transform=preset, size=3)
    with pytest.raises(
        InputError, match=r"function .*<lambda> fails on .*a\.png \(KeyError: 3\).*torch.uint8 .*to_pil_image"
    ):
        images(folder, transform=lambda image: {}[3]).batch(0, 1)
    with pytest.raises(InputError, match="must return a tensor"):
        images(folder, transform=lambda image: 1).batch(0, 1)
    with pytest.raises(InputError, match=r"networks need \(3, H, W\)"):
        images(folder, transform=lambda image: image[:1]).batch(0, 1)


def test_different_sizes_are_named(folder: Path) -> None:
    Image.fromarray(picture(5, 9, 9)).save(folder / "dog" / "c.png")
    with pytest.raises(InputError, match=r"differ in size.*c\.png is \(9, 9\).*size= and crop="):
        images(folder).batch(0, 5)


BAD = [
    (lambda: images("/nowhere/at/all"), "no folder or image file"),
    (lambda: images([]), "list is empty"),
    (lambda: images(np.zeros((0, 4, 4), np.uint8)), "there are no images"),
    (lambda: images(np.zeros((2, 3, 4, 4), np.uint8)), r"\(2, 3, 4, 4\) do not have 1 or 3 channels.*\(n, H, W, 3\)"),
    (lambda: images(np.zeros((2, 4, 4, 4), np.uint8)), "1 or 3 channels"),
    (lambda: images(torch.zeros(2, 2, 4, 4)), r"1 or 3 channels.*\(n, 3, H, W\)"),
    (lambda: images(np.zeros((4, 4), np.uint8)), "1 or 3 channels"),
    (lambda: images(np.zeros((2, 4, 4), np.int64)), "dtype int64"),
    (lambda: images(np.zeros((2, 4, 4), np.uint16)), "dtype uint16"),
    (lambda: images(np.full((2, 4, 4), 9.0)).batch(0, 2), r"from 9 to 9, outside 0\.\.1"),
    (lambda: images(np.full((2, 4, 4), np.nan)).batch(0, 2), "not finite"),
    (lambda: images(np.zeros((2, 4, 4), np.uint8), stimulus_id=["a"]), r"stimulus_id= has shape \(1,\).*2 images"),
    (lambda: images(np.zeros((2, 4, 4), np.uint8), stimulus_id=["a", "a"]), "unique"),
    (lambda: images(np.zeros((2, 4, 4), np.uint8), label=[1]), "label= has shape"),
    (lambda: images(np.zeros((2, 4, 4), np.uint8), normalize="imagnet"), "did you mean 'imagenet'"),
    (lambda: images(np.zeros((2, 4, 4), np.uint8), normalize=((1, 2), (1, 2))), "three means"),
    (lambda: images(np.zeros((2, 4, 4), np.uint8), normalize=((0, 0, 0), (1, 0, 1))), "positive"),
    (lambda: images(np.zeros((2, 4, 4), np.uint8), normalize=5), "must be a name"),
    (lambda: images(np.zeros((2, 4, 4), np.uint8), size=0), "size= is a number of pixels"),
    (lambda: images(np.zeros((2, 4, 4), np.uint8), crop=5).batch(0, 1), "cannot crop 5 x 5"),
    (lambda: images(3), "cannot read images from int"),
    (
        lambda: images(np.zeros((2, 4, 4), np.uint8), key="x"),
        "key= and label_key= name arrays of an .npz file, .*ndarray",
    ),
    (lambda: images(np.zeros((2, 4, 4), np.uint8), limit=0), "limit is 0; expected a whole number of at least 1"),
    (lambda: images(np.zeros((2, 4, 4), np.uint8), sample_seed=0), "give limit= too"),
    (lambda: images(np.zeros((2, 4, 4), np.uint8), limit=1, sample_seed=-1), "seed is -1"),
    (lambda: images(np.zeros((2, 4, 4), np.uint8), skip_bad="image0"), "skip_bad= is True, False or a list of names"),
    (lambda: images(np.zeros((2, 4, 4), np.uint8), skip_bad=["image9"]), "not there: 'image9'; did you mean"),
    (lambda: images(np.zeros((2, 4, 4), np.uint8), skip_bad=["image0", "image1"]), "names all 2 images"),
    (lambda: images([np.zeros((4, 4))]), "must hold file names"),
    (lambda: images(images(np.zeros((2, 4, 4), np.uint8)), size=3), "ImageSet already"),
    (lambda: images(TensorDataset(torch.zeros(2, 5, 4, 4))).batch(0, 1), "1 or 3 channels"),
]


@pytest.mark.parametrize(("call", "message"), BAD)
def test_bad_input_is_one_clear_line(call, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no images"):
        images(tmp_path)


def test_limit_takes_the_first(folder: Path) -> None:
    stimuli = images(folder, limit=3, label=[0, 1, 2, 3])
    assert stimuli.stimulus_id.tolist() == ["cat/a.png", "cat/deep/c.png", "cat/z.png"]
    assert stimuli.label.tolist() == [0, 1, 2]
    assert stimuli.preprocessing[0] == {"step": "choose", "which": "first", "n": 3, "of": 4}
    assert torch.equal(stimuli.batch(1, 3), images(folder).batch(1, 3))
    assert (
        images(folder, limit=4).preprocessing == images(folder, limit=9).preprocessing == images(folder).preprocessing
    )


@pytest.mark.parametrize("form", ["array", "tensor", "dataset"])
def test_a_seeded_choice_keeps_the_order(form: str) -> None:
    pixels = np.arange(30 * 16, dtype=np.float32).reshape(30, 4, 4) / 480
    source = {
        "array": pixels,
        "tensor": torch.from_numpy(pixels),
        "dataset": TensorDataset(torch.from_numpy(pixels), torch.arange(30)),
    }[form]
    label = None if form == "dataset" else np.arange(30)
    one, same, other = (images(source, label=label, limit=10, sample_seed=seed, normalize=None) for seed in (1, 1, 2))
    rows = one.label
    assert one.stimulus_id.tolist() == same.stimulus_id.tolist() == [f"image{row:02}" for row in rows]
    assert np.all(np.diff(rows) > 0)
    assert rows.tolist() != other.label.tolist()
    assert rows.tolist() != list(range(10))
    assert torch.equal(one.batch(0, 10)[:, 0], torch.from_numpy(pixels[rows]))
    assert one.preprocessing[0] == {"step": "choose", "which": "random", "seed": 1, "n": 10, "of": 30}


def test_a_choice_of_a_dataset_asks_for_nothing_else() -> None:
    asked = []

    class Noting(TensorDataset):
        def __getitem__(self, index: int) -> tuple:
            asked.append(index)
            return super().__getitem__(index)

    stimuli = images(Noting(torch.rand(50, 3, 4, 4), torch.arange(50)), limit=5)
    assert stimuli.label.tolist() == [0, 1, 2, 3, 4]
    assert set(asked) == {0, 1, 2, 3, 4}


def test_arrays_on_the_disk_are_images(tmp_path: Path) -> None:
    pixels = np.stack([picture(i) for i in range(4)])
    np.save(tmp_path / "p.npy", pixels)
    np.savez(tmp_path / "p.npz", pixels=pixels, classes=np.array(["a", "b", "a", "b"]))
    for stimuli in (images(tmp_path / "p.npy"), images(str(tmp_path / "p.npz"), key="pixels", label_key="classes")):
        assert torch.equal(stimuli.batch(0, 4), images(pixels).batch(0, 4))
        assert stimuli.digest() == images(pixels).digest()
    assert stimuli.label.tolist() == ["a", "b", "a", "b"]
    assert stimuli.identifier == "p.npz:pixels"
    chosen = images(tmp_path / "p.npz", label_key="classes", limit=2, sample_seed=3)
    rows = [stimuli.stimulus_id.tolist().index(name) for name in chosen.stimulus_id]
    assert torch.equal(chosen.batch(0, 2), images(pixels).batch(0, 4)[rows])
    assert chosen.label.tolist() == stimuli.label[rows].tolist()
