"""Losses of lightly, fetched when they are asked for: it is an optional dependency, and slow to import."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from neuroalpha.errors import MissingExtraError


def lightly_loss(name: str, purpose: str) -> Any:
    """Return a loss class of ``lightly.loss``.

    Raises
    ------
    MissingExtraError
        lightly is not installed.
    """
    try:
        losses = import_module("lightly.loss")
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != "lightly":
            raise
        raise MissingExtraError("lightly", "ssl", purpose) from error
    return getattr(losses, name)
