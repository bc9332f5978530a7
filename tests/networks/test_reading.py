"""One pass over all images: in order, in threads, every fault counted."""

from __future__ import annotations

import functools
import hashlib
import threading
import time

import numpy as np
import pytest

from neuroalpha.errors import InputError
from neuroalpha.networks import reading
from neuroalpha.networks.reading import fingerprint, survey, told
from neuroalpha.networks.sources import ArraySource
from neuroalpha.networks.unreadable import UnreadableImage


def look(index):
    if index % 7 == 3:
        raise UnreadableImage.of(f"the image {index}", f"reason {index}")
    return index * index


@pytest.mark.parametrize("concurrent", [False, True])
@pytest.mark.parametrize("in_round", [4, 5000])
def test_order_and_faults(monkeypatch, concurrent, in_round):
    monkeypatch.setattr(reading, "READERS", 3)
    monkeypatch.setattr(reading, "_ROUND", in_round)
    found, faults = survey(look, 20, concurrent, progress=False)
    assert found == [None if i % 7 == 3 else i * i for i in range(20)]
    assert faults == {3: "reason 3", 10: "reason 10", 17: "reason 17"}


def test_threads_only_where_the_source_allows(monkeypatch):
    monkeypatch.setattr(reading, "READERS", 3)
    here = threading.get_ident()
    threads = [set(survey(lambda _: threading.get_ident(), 50, c, progress=False)[0]) for c in (False, True)]
    assert threads[0] == {here}
    assert here not in threads[1]


@pytest.mark.parametrize("concurrent", [False, True])
def test_other_errors_end_the_pass(monkeypatch, concurrent):
    monkeypatch.setattr(reading, "READERS", 2)
    asked = []

    def fail(index):
        asked.append(index)
        if index:
            time.sleep(0.01)
        raise InputError("the dataset holds no images")

    with pytest.raises(InputError, match="holds no images"):
        survey(fail, 400, concurrent, progress=False)
    assert len(asked) < 100  # the rest is not waited for


@pytest.mark.parametrize("progress", [False, True])
def test_progress_goes_to_stderr(capsys, monkeypatch, progress):
    shown = functools.partial(reading.tqdm, mininterval=0)
    monkeypatch.setattr(reading, "tqdm", lambda **options: shown(**{**options, "delay": 0}))
    survey(look, 5, False, progress)
    out, err = capsys.readouterr()
    assert out == ""
    assert ("5/5" in err) == progress


def test_fingerprint_is_that_of_the_pixels():
    values = np.arange(2 * 3 * 4 * 3, dtype=np.uint8).reshape(2, 3, 4, 3)
    expected = hashlib.sha256(b"torch.uint8 (3, 3, 4);" + values[1].transpose(2, 0, 1).tobytes()).digest()
    assert fingerprint(ArraySource(values), 1) == expected


def test_many_are_counted_and_few_named():
    names = np.array([f"{i}.jpg" for i in range(5000)])
    message = told(names, dict.fromkeys(range(0, 5000, 2), "it is no image"))
    assert message.startswith("2,500 of 5,000 images cannot be read: '0.jpg', '2.jpg', '4.jpg', '6.jpg', ...")
    assert message.endswith("(the first: it is no image)")
    assert told(names, {7: "cut"}) == "1 of 5,000 images cannot be read: '7.jpg' (cut)"
