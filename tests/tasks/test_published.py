"""Published sets of shifted images: layouts told apart, the right pixels with the right labels, clear words else."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from neuroalpha.errors import InputError
from neuroalpha.tasks.published import read_shifts

RNG = np.random.default_rng(0)
CIFAR10 = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


def pixels(*shape):
    return RNG.integers(0, 256, shape, dtype=np.uint8)


def shown(shift):
    """Images of a shift as uint8 (n, H, W, 3)."""
    batch = shift.images.batch(0, len(shift.images))
    return (batch.permute(0, 2, 3, 1) * 255).round().numpy().astype(np.uint8)


@pytest.fixture
def cifar_c(tmp_path):
    """Four test images, three kinds."""
    folder = tmp_path / "CIFAR-10-C"
    folder.mkdir()
    arrays = {kind: pixels(20, 8, 8, 3) for kind in ("fog", "gaussian_noise", "spatter")}
    for kind, values in arrays.items():
        np.save(folder / f"{kind}.npy", values)
    np.save(folder / "labels.npy", np.tile(np.array([3, 0, 9, 3], np.uint8), 5))
    return folder, arrays


def write_classes(folder, classes, n=2):
    """A folder of PNG files for each class; returns the pixels in the order of reading."""
    written = []
    for name in sorted(classes):
        (folder / name).mkdir(parents=True)
        for index in range(n):
            values = pixels(6, 7, 3)
            Image.fromarray(values).save(folder / name / f"{index}.png")
            written.append(values)
    return np.array(written)


def test_five_severities_one_after_the_other(cifar_c):
    folder, arrays = cifar_c
    shifts = read_shifts(folder, classes=CIFAR10, normalize=None)
    assert list(shifts) == [f"{kind}/{level}" for kind in ("fog", "gaussian_noise") for level in range(1, 6)]
    for level in range(1, 6):
        shift = shifts[f"gaussian_noise/{level}"]
        assert (shift.kind, shift.severity, shift.layout) == ("gaussian_noise", level, "CIFAR-C")
        np.testing.assert_array_equal(shown(shift), arrays["gaussian_noise"][4 * (level - 1) : 4 * level])
        assert shift.images.label.tolist() == ["cat", "airplane", "truck", "cat"]
    assert shifts["fog/3"].images.identifier == "CIFAR-10-C/fog/3"
    assert shifts["fog/3"].images is shifts["fog/3"].images
    assert shifts["fog/3"].images.digest() != shifts["fog/4"].images.digest()


def test_kinds_and_severities_are_chosen(cifar_c):
    folder, _ = cifar_c
    assert {shift.kind for shift in read_shifts(folder, kinds="all").values()} == {"fog", "gaussian_noise", "spatter"}
    assert list(read_shifts(folder, kinds=["spatter"], severities=[5, 2])) == ["spatter/2", "spatter/5"]
    assert list(read_shifts(folder, kinds="fog", severities=[1])) == ["fog/1"]
    (only,) = read_shifts(folder, kinds="fog", severities=[1]).values()
    assert only.images.label.tolist() == ["3", "0", "9", "3"]
    with pytest.raises(InputError, match=r"there is no shift 'gausian_noise' in .*; did you mean 'gaussian_noise'"):
        read_shifts(folder, kinds=["gausian_noise"])
    with pytest.raises(InputError, match=r"asks for \[6\]; .* has \[1, 2, 3, 4, 5\]"):
        read_shifts(folder, severities=[1, 6])
    with pytest.raises(InputError, match=r"a severity is 1\.5"):
        read_shifts(folder, severities=[1.5])


@given(limit=st.integers(1, 4), seed=st.integers(0, 50))
def test_the_same_images_at_every_severity(tmp_path_factory, limit, seed):
    folder = tmp_path_factory.getbasetemp() / "same-images"
    if not folder.exists():
        folder.mkdir()
        marks = np.broadcast_to(np.arange(30, dtype=np.uint8)[:, None, None, None], (30, 4, 4, 3))
        np.save(folder / "fog.npy", marks)
        np.save(folder / "labels.npy", np.tile(np.arange(6), 5))
    shifts = read_shifts(folder, normalize=None, limit=limit, sample_seed=seed)
    marks = [shown(shift)[:, 0, 0, 0] for shift in shifts.values()]
    labels = [shift.images.label.astype(int) for shift in shifts.values()]
    for level in range(5):
        np.testing.assert_array_equal(marks[level] - 6 * level, marks[0])
        np.testing.assert_array_equal(labels[level], marks[0])


def test_arrays_stay_on_the_disk(tmp_path):
    n = 20_000  # at 5 severities 300 MB, in a file with holes
    np.lib.format.open_memmap(tmp_path / "fog.npy", "w+", np.uint8, (5 * n, 32, 32, 3)).flush()
    np.save(tmp_path / "labels.npy", np.tile(np.zeros(n, np.uint8), 5))
    read_shifts(tmp_path)["fog/1"].images.batch(0, 1)  # imports
    tracemalloc.start()
    shift = read_shifts(tmp_path)["fog/5"]
    assert tuple(shift.images.batch(0, 10).shape) == (10, 3, 32, 32)
    assert tracemalloc.get_traced_memory()[1] < 10e6
    tracemalloc.stop()


def test_labels_may_be_given(cifar_c):
    folder, _ = cifar_c
    (folder / "labels.npy").unlink()
    with pytest.raises(InputError, match=r"has no labels\.npy; put it beside fog\.npy, or give label="):
        read_shifts(folder)
    label = ["x", "y", "z", "x"]
    shifts = read_shifts(folder, label=label)
    assert shifts["fog/2"].images.label.tolist() == label
    shifts = read_shifts(folder, label=label, classes={"x": "cat", "y": "dog"})
    assert shifts["fog/2"].images.label.tolist() == ["cat", "dog", "z", "cat"]


@pytest.mark.parametrize(
    ("labels", "match"),
    [
        (np.zeros(19, int), r"holds 20 images, but there are labels of shape \(19,\); expected 4 or 20"),
        (np.arange(20), "not the same 5 times over"),
        (np.zeros(20), "float64 of shape"),
        (np.zeros((20, 1), int), r"int64 of shape \(20, 1\)"),
        (np.full(20, 10), r"has the label 10, but classes= names 10 classes"),
        (np.full(20, -1), "none of the labels of .*'-1'"),
        (np.full(20, None), "without pickle"),
    ],
)
def test_labels_that_do_not_match(cifar_c, labels, match):
    folder, _ = cifar_c
    np.save(folder / "labels.npy", labels, allow_pickle=True)
    with pytest.raises(InputError, match=match) as error:
        read_shifts(folder, classes=CIFAR10)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("values", "match"),
    [
        (pixels(21, 4, 4, 3), r"bad\.npy holds 21 images, which are not five severities"),
        (pixels(20, 4, 4), r"bad\.npy has shape \(20, 4, 4\); expected \(5 n, H, W, 3\)"),
        (pixels(20, 3, 4, 4), r"bad\.npy has shape \(20, 3, 4, 4\)"),
        (np.zeros((20, 4, 4, 3)), "has dtype float64; expected uint8"),
        (np.full((20, 4, 4, 3), None), "without pickle"),
        (pixels(15, 4, 4, 3), r"holds 15 images, but there are labels of shape \(20,\)"),
    ],
)
def test_arrays_that_are_no_corruptions(cifar_c, values, match):
    folder, _ = cifar_c
    np.save(folder / "bad.npy", values, allow_pickle=True)
    with pytest.raises(InputError, match=match):
        read_shifts(folder)


def test_a_file_that_was_cut_short(cifar_c):
    folder, _ = cifar_c
    whole = (folder / "fog.npy").read_bytes()
    for left in (len(whole) // 2, 20, 0):
        (folder / "fog.npy").write_bytes(whole[:left])
        with pytest.raises(InputError, match=r"fog\.npy cannot be read"):
            read_shifts(folder)


def test_sequences(tmp_path):
    values = pixels(3, 7, 8, 8, 3)
    np.save(tmp_path / "tilt.npy", values)
    for frame in (-1, 0, 4):
        shift = read_shifts(tmp_path, frame=frame, normalize=None)["tilt"]
        np.testing.assert_array_equal(shown(shift), values[:, frame])
        assert (shift.severity, shift.layout, shift.images.label) == (None, "CIFAR-P", None)
    labelled = read_shifts(tmp_path, label=[1, 0, 1], classes=["a", "b"])["tilt"]
    assert labelled.images.label.tolist() == ["b", "a", "b"]
    with pytest.raises(InputError, match=r"frame= is 7, but the sequences of .* have 7 frames"):
        read_shifts(tmp_path, frame=7)
    with pytest.raises(InputError, match=r"has no severities, leave it out"):
        read_shifts(tmp_path, severities=[1])
    with pytest.raises(InputError, match=r"labels of shape \(15,\); expected 3 of them"):
        read_shifts(tmp_path, label=np.zeros(15, int))


def test_new_test_sets_of_cifar10(tmp_path):
    values = {name: pixels(n, 8, 8, 3) for name, n in (("v4", 5), ("v6", 4))}
    for name, array in values.items():
        np.save(tmp_path / f"cifar10.1_{name}_data.npy", array)
        np.save(tmp_path / f"cifar10.1_{name}_labels.npy", np.arange(len(array), dtype=np.int32))
    archive = pixels(6, 8, 8, 3)
    np.savez(tmp_path / "cifar102_test.npz", images=archive, labels=np.arange(6)[::-1])
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    shifts = read_shifts(tmp_path, classes=CIFAR10, normalize=None)
    assert list(shifts) == ["cifar10.1_v4", "cifar10.1_v6", "cifar102_test"]
    np.testing.assert_array_equal(shown(shifts["cifar10.1_v6"]), values["v6"])
    assert shifts["cifar10.1_v6"].images.label.tolist() == CIFAR10[:4]
    assert isinstance(shifts["cifar10.1_v6"].images._source.values, np.memmap)
    np.testing.assert_array_equal(shown(shifts["cifar102_test"]), archive)
    assert shifts["cifar102_test"].images.label.tolist() == CIFAR10[5::-1]
    assert list(read_shifts(tmp_path, kinds=["cifar10.1_v6"])) == ["cifar10.1_v6"]
    with pytest.raises(InputError, match="label= is for arrays of corruptions"):
        read_shifts(tmp_path, label=[0, 1])
    np.save(tmp_path / "cifar10.1_v4_labels.npy", np.arange(4))
    with pytest.raises(InputError, match=r"holds 4 labels, but cifar10\.1_v4_data\.npy 5 images"):
        read_shifts(tmp_path)


def test_names_with_a_dash_and_broken_archives(tmp_path):
    np.save(tmp_path / "cifar10.1-v0-data.npy", pixels(2, 8, 8, 3))
    np.save(tmp_path / "cifar10.1-v0-labels.npy", np.arange(2))
    assert list(read_shifts(tmp_path)) == ["cifar10.1-v0"]
    (tmp_path / "cifar102_test.npz").write_bytes(b"not a zip")
    with pytest.raises(InputError, match=r"cifar102_test\.npz cannot be read"):
        read_shifts(tmp_path)


@pytest.mark.parametrize("grouped", [False, True])
def test_imagenet_c(tmp_path, grouped):
    groups = {"fog": "weather", "zoom_blur": "blur", "spatter": "extra"}
    written = {}
    for kind, group in groups.items():
        for level in (1, 3):
            below = tmp_path / group / kind if grouped else tmp_path / kind
            written[kind, level] = write_classes(below / str(level), ["n01440764", "n01443537"])
    (tmp_path / "README.txt").write_text("read me")
    shifts = read_shifts(tmp_path, normalize=None)
    assert list(shifts) == ["fog/1", "fog/3", "zoom_blur/1", "zoom_blur/3"]
    for (kind, level), values in written.items():
        (shift,) = read_shifts(tmp_path, kinds=kind, severities=[level], normalize=None).values()
        np.testing.assert_array_equal(shown(shift), values)
        assert shift.images.label.tolist() == ["n01440764"] * 2 + ["n01443537"] * 2
        assert (shift.layout, shift.severity) == ("ImageNet-C", level)
    with pytest.raises(InputError, match=r"asks for \[5\]; .* has \[1, 3\] of"):
        read_shifts(tmp_path, severities=[5])
    one_kind = tmp_path / "weather" / "fog" if grouped else tmp_path / "fog"
    assert list(read_shifts(one_kind)) == ["fog/1", "fog/3"]


def test_imagenet_v2_is_in_the_order_of_the_numbers(tmp_path):
    folder = tmp_path / "imagenetv2-matched-frequency-format-val"
    write_classes(folder, [str(index) for index in range(1000)], n=1)
    with pytest.raises(InputError, match="the numbers 0 to 999, the indices of ImageNet's classes: give classes="):
        read_shifts(folder)
    names = [f"n{10000000 + 7 * index}" for index in range(1000)]
    (shift,) = read_shifts(folder, classes=names).values()
    assert (shift.name, shift.layout) == (folder.name, "ImageNet-V2")
    of = dict(zip(shift.images.stimulus_id.tolist(), shift.images.label.tolist(), strict=True))
    # Sorted as text, folder "10" comes third; torchvision's ImageFolder calls it class 2.
    assert (of["10/0.png"], of["2/0.png"], of["999/0.png"]) == (names[10], names[2], names[999])
    assert len(set(of.values())) == 1000
    with pytest.raises(InputError, match="has the label 999, but classes= names 999 classes"):
        read_shifts(folder, classes=names[:-1])


def test_natural_shifts_in_class_folders(tmp_path):
    folder = tmp_path / "imagenet-r"
    values = write_classes(folder, ["n01443537", "n01484850", "n02007558"])
    (folder / "README.txt").write_text("read me")
    (shift,) = read_shifts(folder, normalize=None).values()
    assert (shift.name, shift.kind, shift.severity, shift.layout) == ("imagenet-r",) * 2 + (None, "class folders")
    np.testing.assert_array_equal(shown(shift), values)
    assert set(shift.images.label) == {"n01443537", "n01484850", "n02007558"}
    by_name = read_shifts(folder, classes={"n01443537": "goldfish", "n01484850": "shark"})["imagenet-r"]
    assert by_name.images.label.tolist() == ["goldfish"] * 2 + ["shark"] * 2 + ["n02007558"] * 2
    listed = read_shifts(folder, classes=["n01443537", "n01484850"])["imagenet-r"]  # names already
    assert listed.images.label.tolist() == shift.images.label.tolist()
    with pytest.raises(
        InputError, match=r"none of the labels of .*'n01443537', is in classes= \('goldfish', 'shark'\)"
    ):
        read_shifts(folder, classes=["goldfish", "shark"])
    with pytest.raises(InputError, match="classes= has no name for any label"):
        read_shifts(folder, classes={"n9": "goldfish"})


def test_folders_named_by_numbers_are_indices_if_classes_are_given(tmp_path):
    write_classes(tmp_path / "own", ["0", "2", "10"], n=1)
    assert read_shifts(tmp_path / "own")["own"].images.label.tolist() == ["0", "10", "2"]
    names = [f"class {letter}" for letter in "abcdefghijk"]
    assert read_shifts(tmp_path / "own", classes=names)["own"].images.label.tolist() == [
        "class a",
        "class k",
        "class c",
    ]


def test_options_reach_the_images(tmp_path):
    write_classes(tmp_path / "own", ["a", "b"], n=3)
    shift = read_shifts(tmp_path / "own", size=8, crop=6, limit=4, sample_seed=1)["own"]
    assert tuple(shift.images.batch(0, 4).shape) == (4, 3, 6, 6)
    steps = [step["step"] for step in shift.images.preprocessing]
    assert steps == ["choose", "rgb", "scale", "resize", "centre_crop", "normalize"]
    (tmp_path / "own" / "a" / "broken.png").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"broken\.png"):
        shown(read_shifts(tmp_path / "own")["own"])
    with pytest.warns(UserWarning, match="left out"):
        assert len(read_shifts(tmp_path / "own", skip_bad=True)["own"].images) == 6
    with pytest.raises(InputError, match="crop= is a number of pixels"):
        read_shifts(tmp_path / "own", crop=0)


def test_folders_that_are_no_shifts(tmp_path):
    with pytest.raises(InputError, match="there is no folder"):
        read_shifts(tmp_path / "none")
    with pytest.raises(InputError, match="holds nothing, no layout that is known: CIFAR-10-C"):
        read_shifts(tmp_path)
    (tmp_path / "labels.npy").write_bytes(b"")
    with pytest.raises(InputError, match=r"holds 'labels\.npy', no layout that is known"):
        read_shifts(tmp_path)
    write_classes(tmp_path / "one", ["cat"])
    with pytest.raises(InputError, match="has one sub-folder only, 'cat'"):
        read_shifts(tmp_path / "one")
    for name in ("imagenet-a", "imagenet-r"):
        write_classes(tmp_path / "sets" / name, ["n01", "n02"])
        with pytest.raises(InputError, match="seems to hold whole data sets, in folders such as 'imagenet-a'"):
            read_shifts(tmp_path / "sets")
    for classes, match in [("cat", "classes= is 'cat'"), ([], r"classes= is \[\]"), (["a", "b", "a"], "'a' more than")]:
        with pytest.raises(InputError, match=match):
            read_shifts(tmp_path / "sets" / "imagenet-a", classes=classes)


def test_one_kind_in_two_groups(tmp_path):
    for group in ("blur", "extra"):
        write_classes(tmp_path / group / "zoom_blur" / "1", ["a", "b"])
    with pytest.raises(InputError, match="holds 'zoom_blur/1' twice"):
        read_shifts(tmp_path)


def test_real_pixels_in_the_layout_of_cifar_10_c(shared_data, tmp_path):
    with np.load(shared_data / "cifar10" / "lossless_subset.npz") as data:
        images, labels = data["Xte"][:50], data["yte"][:50]
    darker = np.concatenate([images - images // 8 * level for level in range(1, 6)]).astype(np.uint8)
    np.save(tmp_path / "brightness.npy", darker)
    np.save(tmp_path / "labels.npy", np.tile(labels, 5).astype(np.uint8))
    shifts = read_shifts(tmp_path, classes=CIFAR10, normalize=None)
    for level in range(1, 6):
        np.testing.assert_array_equal(shown(shifts[f"brightness/{level}"]), images - images // 8 * level)
    assert shifts["brightness/1"].images.label.tolist() == [CIFAR10[label] for label in labels]


def test_imagenette_is_a_natural_shift_folder(shared_data):
    folder = shared_data / "imagenette224" / "val"
    (shift,) = read_shifts(folder, limit=30, sample_seed=0).values()
    assert shift.name == "val"
    assert tuple(shift.images.batch(0, 2).shape) == (2, 3, 224, 224)
    assert len(set(shift.images.label)) > 3
