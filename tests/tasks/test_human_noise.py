"""Human labels: the published forms, images in another order, files that could run code."""

from __future__ import annotations

import os
import zipfile

import numpy as np
import pytest

import neuroalpha as na

CLEAN = np.array([0, 1, 2, 1, 0])
SETS = {
    "clean_label": CLEAN,
    "aggre_label": np.array([0, 1, 2, 1, 1]),
    "worse_label": np.array([1, 1, 0, 1, 1]),
    "random_label2": np.array([0, 1, 1, 1, 0]),
    "mine": np.array([0, 0, 2, 1, 0]),
}
NAMES = np.array(["cat", "dog", "frog"])


@pytest.fixture
def path(tmp_path):
    np.savez(tmp_path / "human.npz", **SETS)
    return tmp_path / "human.npz"


def check(found):
    assert sorted(found) == ["aggregate", "mine", "random2", "worst"]
    np.testing.assert_array_equal(found["worst"], SETS["worse_label"])
    np.testing.assert_array_equal(found["mine"], SETS["mine"])


def test_npz(path):
    check(na.read_human_labels(path, clean=CLEAN))
    check(na.read_human_labels(str(path)))


def test_rows_and_names(path):
    found = na.read_human_labels(path, index=[4, 0], classes=NAMES, clean=["cat", "cat"])
    np.testing.assert_array_equal(found["worst"], ["dog", "dog"])
    np.testing.assert_array_equal(found["aggregate"], ["dog", "cat"])


@pytest.mark.parametrize("kind", ["uint8", "int32", "int64", "tensor"])
def test_published_torch_file(tmp_path, kind):
    torch = pytest.importorskip("torch")
    make = torch.as_tensor if kind == "tensor" else lambda values: values.astype(kind)
    torch.save({name: make(values) for name, values in SETS.items()}, tmp_path / "human.pt")
    check(na.read_human_labels(tmp_path / "human.pt", clean=CLEAN))


@pytest.mark.parametrize("core", [b"numpy.core.multiarray", b"numpy._core.multiarray"])
def test_published_torch_file_of_any_numpy(tmp_path, core):
    torch = pytest.importorskip("torch")
    torch.save(SETS, tmp_path / "new.pt")
    with zipfile.ZipFile(tmp_path / "new.pt") as new, zipfile.ZipFile(tmp_path / "old.pt", "w") as old:
        for name in new.namelist():
            content = new.read(name)
            if name.endswith("data.pkl"):
                assert b"_reconstruct" in content
                content = content.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
                content = content.replace(b"numpy.core.multiarray", core)
            old.writestr(name, content)
    check(na.read_human_labels(tmp_path / "old.pt"))


class Runs:
    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


def test_files_that_could_run_code_are_refused(tmp_path):
    torch = pytest.importorskip("torch")
    torch.save({"aggre_label": Runs(tmp_path / "ran")}, tmp_path / "bad.pt")
    np.save(tmp_path / "bad.npy", np.array({"aggre_label": Runs(tmp_path / "ran")}, dtype=object), allow_pickle=True)
    np.savez(tmp_path / "bad.npz", aggre_label=np.array([Runs(tmp_path / "ran")], dtype=object))
    for name, text in (("bad.pt", "could run code"), ("bad.npy", "np.savez"), ("bad.npz", "without pickle")):
        with pytest.raises(na.InputError, match=text):
            na.read_human_labels(tmp_path / name)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"clean": [0, 2, 1, 1, 0]}, "agree for 60.0% of 5 images, the first difference at 1"),
        ({"clean": [0, 1]}, "clean has shape \\(2,\\), but 5 images are read"),
        ({"clean": ["cat"] * 5}, "agree for 0.0%"),
        ({"index": [5]}, "index 5 is outside the 5 images"),
        ({"index": [-1]}, "index -1 is outside"),
        ({"index": [0.5]}, "dtype float64; expected a list of whole numbers"),
        ({"classes": ["cat", "dog"]}, "holds the class 2, but classes= names 2"),
    ],
)
def test_wrong_images(path, options, text):
    with pytest.raises(na.InputError, match=text):
        na.read_human_labels(path, **options)


@pytest.mark.parametrize(
    ("arrays", "text"),
    [
        ({"clean_label": [0, 1]}, "holds no human labels besides 'clean_label'"),
        ({"a": [0, 1], "b": [0]}, "\\[1, 2\\] labels; expected one number of images"),
        ({"a": [0, -1]}, "a of .* holds the label -1"),
        ({"a": [0.5, 0.2]}, "holds no human labels"),
    ],
)
def test_wrong_files(tmp_path, arrays, text):
    np.savez(tmp_path / "human.npz", **arrays)
    with pytest.raises(na.InputError, match=text):
        na.read_human_labels(tmp_path / "human.npz")


def test_other_files(tmp_path):
    torch = pytest.importorskip("torch")
    torch.save([1, 2], tmp_path / "list.pt")
    (tmp_path / "cut.pt").write_bytes(b"PK\x03\x04")
    (tmp_path / "cut.npz").write_bytes(b"PK\x03\x04")
    (tmp_path / "labels.csv").write_text("a\n1\n")
    np.savez(tmp_path / "unclean.npz", mine=[0, 1])
    for name, text in (
        ("none.npz", "there is no file"), ("list.pt", "holds list; expected a dict"), ("cut.pt", "cut.pt"),
        ("cut.npz", "cannot be read"), ("labels.csv", "no .npz and no .pt file"),
    ):  # fmt: skip
        with pytest.raises(na.InputError, match=text):
            na.read_human_labels(tmp_path / name)
    with pytest.raises(na.InputError, match="has no 'clean_label' to compare"):
        na.read_human_labels(tmp_path / "unclean.npz", clean=[0, 1])


def test_cifar10n_has_the_published_shares_of_wrong_labels(shared_data):
    path = shared_data / "cifar10" / "cifar10n_labels.npz"
    with np.load(shared_data / "cifar10" / "lossless_subset.npz", allow_pickle=False) as lossless:
        every, index, clean = lossless["ytr_all"], lossless["idx_tr"], lossless["ytr"]
    found = na.read_human_labels(path, clean=every)
    wrong = {name: float((labels != every).mean()) for name, labels in found.items()}
    assert sorted(wrong) == ["aggregate", "random1", "random2", "random3", "worst"]
    # Wei et al. 2022, table 1: 9.03, 40.21, 17.23, 18.12 and 17.64 %
    published = {"aggregate": 0.0903, "worst": 0.4021, "random1": 0.1723, "random2": 0.1812, "random3": 0.1764}
    assert wrong == pytest.approx(published, abs=0.0003)
    few = na.read_human_labels(path, index=index, clean=clean)
    np.testing.assert_array_equal(few["worst"], found["worst"][index])
    with pytest.raises(na.InputError, match="in another order"):
        na.read_human_labels(path, index=index[::-1], clean=clean)


def test_real_human_labels_cost_a_readout_of_pixels_little(shared_data):
    with np.load(shared_data / "cifar10" / "lossless_subset.npz", allow_pickle=False) as file:
        index, train, test = file["idx_tr"][:2000], file["Xtr"][:2000], file["Xte"]
        labels, known = file["ytr"][:2000], file["yte"]
    human = na.read_human_labels(shared_data / "cifar10" / "cifar10n_labels.npz", index=index, clean=labels)

    def pixels(images, label):
        small = images[:, ::4, ::4].reshape(len(images), -1).astype(np.float32)
        return na.make_assembly(small, stimulus_id=np.arange(len(images)), presentation={"label": label})

    found = na.noise_robustness(
        pixels(train, labels), pixels(test, known), noises=[], human=human, n_boot=200, progress=False
    )
    assert found["human_wrong"].sel(human="worst") == pytest.approx(0.40, abs=0.03)
    assert found["human_wrong"].sel(human="aggregate") == pytest.approx(0.09, abs=0.02)
    assert found["clean_accuracy"] > 0.25
    assert (abs(found["human_drop"]) < 0.08).all()
