"""What counts as an image that cannot be read, as against a fault of the program or of the machine."""

from __future__ import annotations

import errno
import struct
import zlib
from typing import NoReturn

from PIL import Image, UnidentifiedImageError

from neuroalpha.errors import InputError

BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    EOFError,
    OverflowError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)
"""What Pillow raises for a file that is no image, is cut short, damaged, or claims an absurd size."""

_OF_THE_FILE = (None, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EACCES, errno.ELOOP, errno.ENAMETOOLONG)
"""Numbers of an OSError that speak of the one file; others (too many open files, a lost drive) are no fault of it."""

_DEEP = ("I", "F")
"""Pillow modes (and prefixes, as in ``I;16``) of more than 8 bits a channel, which its RGB conversion would clip."""


class UnreadableImage(InputError):
    """One image that cannot be read; ``reason`` says why, without the name."""

    def __init__(self, message: str, reason: str = "") -> None:  # one text is enough: processes send errors pickled
        super().__init__(message)
        self.reason = reason

    @classmethod
    def of(cls, where: str, reason: str) -> UnreadableImage:
        """Put the message together."""
        advice = "replace it, or leave it out with skip_bad=True (--skip-bad-images)"
        return cls(f"{where} cannot be read: {reason}; {advice}", " ".join(reason.split()))


def refuse(error: BaseException, where: str, what: str) -> NoReturn:
    """Raise :class:`UnreadableImage` for one of Pillow's errors; the error itself where it is of the machine."""
    if isinstance(error, UnidentifiedImageError):
        raise UnreadableImage.of(where, "it is not an image that Pillow knows") from error
    if not isinstance(error, OSError):
        raise UnreadableImage.of(where, f"{what} ({type(error).__name__}: {error})") from error
    if error.errno not in _OF_THE_FILE:
        raise error
    raise UnreadableImage.of(where, f"{what} ({error.strerror or error})") from error


def check_depth(image: Image.Image, where: str) -> None:
    """Refuse more than 8 bits a channel."""
    if image.mode.startswith(_DEEP):
        raise UnreadableImage.of(where, f"it has more than 8 bits a channel (mode {image.mode}; convert it to 8-bit)")
