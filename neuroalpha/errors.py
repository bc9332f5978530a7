"""The one error that bad input raises, and the helper that suggests what was meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """Input that neuroalpha cannot use.

    The message is one sentence or two on one line: what was given, what was expected, how to fix it. The command line
    prints it and exits with code 2; in a notebook it is an ordinary ``ValueError``.
    """

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


class MissingExtraError(InputError):
    """An optional dependency that a call needs is not installed."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs the package {package!r}: install it with `pip install 'neuroalpha[{extra}]'`"
        )

    def __reduce__(self) -> tuple[type[InputError], tuple[str]]:
        """Another process gets the plain error with the same text."""
        return InputError, (str(self),)


def nearest(name: str, known: Iterable[str], n: int = 3) -> str:
    """Return ``"; did you mean 'a', 'b'?"`` for the closest known names, or an empty string.

    Examples
    --------
    >>> nearest("layer33", ["conv1", "layer3", "layer4"], n=1)
    "; did you mean 'layer3'?"
    """
    close = difflib.get_close_matches(name, list(known), n=n, cutoff=0.5)
    return "; did you mean " + ", ".join(repr(c) for c in close) + "?" if close else ""
