"""What is a fault of an image, and what is not."""

from __future__ import annotations

import copy
import errno

import pytest
from PIL import Image, UnidentifiedImageError

from neuroalpha.networks.unreadable import UnreadableImage, refuse


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (UnidentifiedImageError("cannot identify image file '/a/b'"), "it is not an image that Pillow knows"),
        (OSError("image file is truncated"), "it does not decode (image file is truncated)"),
        (FileNotFoundError(errno.ENOENT, "No such file", "/a/b"), "it does not decode (No such file)"),
        (PermissionError(errno.EACCES, "Permission denied", "/a/b"), "it does not decode (Permission denied)"),
        (SyntaxError("broken PNG file"), "it does not decode (SyntaxError: broken PNG file)"),
        (Image.DecompressionBombError("too large"), "it does not decode (DecompressionBombError: too large)"),
    ],
)
def test_faults_of_an_image(error, reason):
    with pytest.raises(UnreadableImage) as caught:
        refuse(error, "the image x.png", "it does not decode")
    assert caught.value.reason == reason
    assert str(caught.value).startswith(f"the image x.png cannot be read: {reason}; replace it, or leave it out with")


@pytest.mark.parametrize("number", [errno.EMFILE, errno.EIO, errno.ENOMEM])
def test_faults_of_the_machine_pass(number):
    with pytest.raises(OSError, match="the machine") as caught:
        refuse(OSError(number, "the machine"), "the image x.png", "it does not decode")
    assert caught.value.errno == number


def test_it_can_be_sent_between_processes():
    error = UnreadableImage.of("the image x.png", "it is cut short")
    same = copy.copy(error)  # as pickling does: by its arguments and its attributes
    assert str(same) == str(error)
    assert same.reason == "it is cut short"
