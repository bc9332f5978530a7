"""Labels: classes matched by name, codes, what is dropped and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import LabelEncoder

import neuroalpha as na
from neuroalpha.tasks.labels import class_names, codes_of, encode, label_text


@pytest.mark.parametrize(
    "labels",
    [["dog", "cat", "dog", "fox"], [10, 9, 100, 9], np.array([2, 1, 2], dtype=np.uint8), [True, False, True]],
)
def test_codes_against_scikit_learn(labels):
    expected = LabelEncoder().fit(labels)
    classes = encode(labels, labels[::-1])
    np.testing.assert_array_equal(classes.train, expected.transform(labels))
    np.testing.assert_array_equal(classes.test, expected.transform(labels[::-1]))
    np.testing.assert_array_equal(classes.names, [str(name) for name in expected.classes_])
    np.testing.assert_array_equal(classes.shared, np.arange(classes.names.size))
    np.testing.assert_array_equal(classes.test_rows, np.arange(len(labels)))
    assert classes.dropped == classes.absent == ()


def test_one_class_under_many_types():
    wanted = ["3", "5", "3"]
    for same in ([3, 5, 3], [3.0, 5.0, 3.0], ["3", "5", "3"], [b"3", b"5", b"3"], [" 3", "5 ", "3"]):
        assert label_text(same, "training").tolist() == wanted
    assert label_text(np.array([3, 5.0, "3"], dtype=object), "training").tolist() == wanted


def test_classes_that_differ_are_dropped_and_named():
    with pytest.warns(UserWarning, match="are left out|no test image") as told:
        classes = encode(["cat", "dog", "fox", "cat"], ["fox", "owl", "dog", "owl", "elk"])
    texts = [str(one.message) for one in told]
    assert "3 of 5 test images are left out: their classes 'elk', 'owl' are not among" in texts[0]
    assert "1 of 3 classes have no test image: 'cat'; predictions are restricted to the 2 that have" in texts[1]
    assert classes.train.tolist() == [0, 1, 2, 0]
    assert classes.test_rows.tolist() == [0, 2]
    assert classes.test.tolist() == [2, 1]
    assert classes.shared.tolist() == [1, 2]
    assert (classes.dropped, classes.absent) == (("elk", "owl"), ("cat",))


@given(
    train=st.lists(st.sampled_from("abcdef"), min_size=2, max_size=30),
    test=st.lists(st.sampled_from("cdefgh"), min_size=2, max_size=30),
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_codes_say_what_the_labels_say(train, test):
    shared = set(train) & set(test)
    if len(shared) < 2:
        with pytest.raises(na.InputError):
            encode(train, test)
        return
    classes = encode(train, test)
    assert classes.names[classes.train].tolist() == train
    assert classes.names[classes.test].tolist() == [test[row] for row in classes.test_rows]
    assert [test[row] for row in classes.test_rows] == [one for one in test if one in shared]
    assert set(classes.names[classes.shared]) == shared
    assert set(classes.dropped) == set(test) - set(train)
    assert set(classes.absent) == set(train) - set(test)


def test_nothing_is_told_when_nobody_wants_to_know(recwarn):
    quiet = encode(["cat", "dog", "fox"], ["fox", "owl", "dog"], tell=False)
    assert not recwarn.list
    with pytest.warns(UserWarning, match="are left out"):
        told = encode(["cat", "dog", "fox"], ["fox", "owl", "dog"])
    assert quiet.dropped == told.dropped == ("owl",)
    np.testing.assert_array_equal(quiet.test, told.test)


def test_codes_of_unknown_names():
    names = class_names(np.array(["b", "a", "c"]))
    assert codes_of(np.array(["c", "zebra", "a", "", "bb"]), names).tolist() == [2, -1, 0, -1, -1]


@pytest.mark.parametrize(
    ("train", "test", "counts", "message"),
    [
        (["a", "b"], ["a", "b"], (3, 2), "2 training labels for 3 training images"),
        (["a", "b"], ["a", "b"], (2, 5), "2 test labels for 5 test images"),
        (
            [1.0, np.nan, 2.0],
            [1, 2],
            (None, None),
            r"1 of 3 training labels are missing \(the first is that of image 1",
        ),
        (["a", "b"], ["a", ""], (None, None), "1 of 2 test labels are missing"),
        (["a", None, "b"], ["a", "b"], (None, None), "1 of 3 training labels are missing"),
        ([np.inf, 1.0], ["a", "b"], (None, None), "1 of 2 training labels are missing"),
        ([0.5, 1.0], ["a", "b"], (None, None), r"such as 0\.5; expected classes"),
        (["a", "a"], ["a", "a"], (None, None), r"one class only \('a'\)"),
        (["a", "b"], ["c", "d"], (None, None), "share 0 of 2 and 2 classes: 'a', 'b' against 'c', 'd'"),
        (["a", "b"], ["b", "d"], (None, None), "share 1 of 2 and 2 classes"),
        ([], ["b", "d"], (None, None), "there are no training labels"),
        ([["a"], ["b"]], ["b", "d"], (None, None), "labels have shape"),
    ],
)
def test_bad_labels(train, test, counts, message):
    with pytest.raises(na.InputError, match=message):
        encode(train, test, *counts)
