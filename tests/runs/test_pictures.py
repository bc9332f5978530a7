"""Image entries: read once, bad files named and counted, remembered while the files stay as they are."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

import neuroalpha as na
from neuroalpha.networks import imageset
from neuroalpha.runs.pictures import PictureSpec, open_images, survey_images
from neuroalpha.runs.plan import read_plan


def survey(place, images, known=None, skip=False, **options):
    plan = read_plan(place.plan('name = "cifar:resnet20"', images=images))
    return survey_images(plan, skip, False, known, **options)


PICTURES = '[[images]]\nsource = "pictures"\n'


def test_options_reach_the_images(place):
    (spec,) = survey(place, PICTURES + 'name = "mine"\nsize = 12\ncrop = [8, 10]\nlimit = 9\nsample_seed = 4\n')
    shown = open_images(spec)
    own = na.images(place.folder / "pictures", size=12, crop=(8, 10), limit=9, sample_seed=4)
    assert spec.name == "mine"
    assert spec.n == 9
    assert spec.digest == own.digest()
    assert (shown.batch(0, 9) == own.batch(0, 9)).all()
    assert PictureSpec.of(json.loads(json.dumps(spec.payload()))) == spec


def test_unreadable_images_are_named_counted_and_skipped_on_request(place):
    for name in ("03.png", "11.png"):
        whole = (place.folder / "pictures" / name).read_bytes()
        (place.folder / "pictures" / name).write_bytes(whole[:200])  # the header is whole
    with pytest.raises(na.InputError, match=r"number 1: 2 of 24 images.*03\.png.*11\.png.*--skip-bad-images"):
        survey(place, PICTURES)
    with pytest.warns(UserWarning, match="2 of 24"):
        (spec,) = survey(place, PICTURES, skip=True)
    assert spec.skipped == ("03.png", "11.png")
    assert len(open_images(spec)) == spec.n == 22
    for name in spec.skipped:
        (place.folder / "pictures" / name).unlink()
    (without,) = survey(place, PICTURES)
    assert without.digest == spec.digest  # left out or never there: the same stimuli


def test_a_second_survey_reads_nothing(place, monkeypatch):
    known = place.folder / "known"
    first = survey(place, PICTURES, known)
    read = []
    monkeypatch.setattr(imageset, "fingerprint", lambda source, index: read.append(index) or b"1")
    assert survey(place, PICTURES, known) == first
    assert read == []
    survey(place, PICTURES + "limit = 5\n", known)
    assert len(read) == 5
    shutil.copy(place.folder / "pictures" / "01.png", place.folder / "pictures" / "00.png")
    survey(place, PICTURES, known)
    assert len(read) == 5 + 24


def test_a_skip_is_not_remembered_for_runs_that_do_not_skip(place):
    known = place.folder / "known"
    (place.folder / "pictures" / "03.png").write_bytes(b"nothing")
    with pytest.warns(UserWarning, match="1 of 24"):
        survey(place, PICTURES, known, skip=True)
    assert survey(place, PICTURES, known, skip=True)[0].skipped == ("03.png",)
    with pytest.raises(na.InputError, match=r"03\.png"):
        survey(place, PICTURES, known)


def test_nothing_is_noted_on_request(place):
    survey(place, PICTURES, place.folder / "known", note=False)
    assert not (place.folder / "known").exists()


def test_refused(place):
    with pytest.raises(na.InputError, match="number 2: two sets are called 'pictures'"):
        survey(place, PICTURES + PICTURES)
    with pytest.raises(na.InputError, match="number 1: there is no folder or file"):
        survey(place, '[[images]]\nsource = "none"\n')
    with pytest.raises(na.InputError, match=r"number 1: .*'imagenett'"):
        survey(place, PICTURES + 'normalize = "imagenett"\n')


def test_array_files(place):
    np.savez(place.folder / "a.npz", x=np.zeros((6, 8, 8, 3), np.uint8), y=np.arange(6))
    (spec,) = survey(place, '[[images]]\nsource = "a.npz"\nkey = "x"\nlabel_key = "y"\n')
    assert spec.name == "a"
    assert open_images(spec).label.tolist() == list(range(6))


def test_images_that_changed_since_are_noticed(place):
    (spec,) = survey(place, PICTURES)
    (place.folder / "pictures" / "00.png").unlink()
    with pytest.raises(na.InputError, match="holds 23 images here, 24 where the run began"):
        open_images(spec)


def test_labels_count(place):
    images = place.labelled("train")
    (spec,) = survey(place, images, place.folder / "known")
    assert open_images(spec).label.tolist() == np.load(place.folder / "train.npz")["labels"].tolist()
    held = dict(np.load(place.folder / "train.npz"))
    np.savez(place.folder / "train.npz", images=held["images"], labels=held["labels"][::-1])
    (other,) = survey(place, images, place.folder / "known")
    assert other.digest == spec.digest  # of the pixels
    assert other.labels != spec.labels
    assert open_images(other).label.tolist() == held["labels"][::-1].tolist()  # not the set that was opened before
    assert PictureSpec.of(json.loads(json.dumps(other.payload()))) == other
    (without,) = survey(place, PICTURES)
    assert without.labels == ""
