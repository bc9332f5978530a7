"""Where a model's weights come from: the catalogue's note, and a digest of the weights as they are now."""

from __future__ import annotations

import hashlib
from typing import TypedDict
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn


class Provenance(TypedDict):
    """What an assembly keeps of the model that made it."""

    model: str
    weights: str
    digest: str


# Weak, and beside the models: nothing is written into somebody's module, and no model is kept alive by its note.
_notes: WeakKeyDictionary[nn.Module, Provenance] = WeakKeyDictionary()


def weights_digest(model: nn.Module) -> str:
    """Return ``"sha256:"`` and 16 hex digits over names, types, shapes and bytes of the state dict.

    The same weights give the same digest on every device and machine of the same byte order. Reads every weight once:
    about a second for 500 MB.

    Examples
    --------
    >>> weights_digest(nn.ReLU())
    'sha256:e3b0c44298fc1c14'
    """
    digest = hashlib.sha256()
    for name, value in model.state_dict().items():
        if isinstance(value, Tensor):
            digest.update(f"{name} {value.dtype} {tuple(value.shape)};".encode())
            flat = value.detach().cpu().contiguous().reshape(-1)
            digest.update(flat.view(torch.uint8).numpy().data)
    return f"sha256:{digest.hexdigest()[:16]}"


def remember(model: nn.Module, name: str, weights: str) -> None:
    """Note under which name and with which weights a model was made."""
    _notes[model] = {"model": name, "weights": weights, "digest": weights_digest(model)}


def describe(model: nn.Module) -> Provenance:
    """Return the model's name, the origin of its weights, and the digest of its weights as they are now.

    A model that was trained or changed after loading says so; one that was not made by ``load_model`` is called by the
    name of its class.

    Examples
    --------
    >>> describe(nn.ReLU())
    {'model': 'ReLU', 'weights': 'given', 'digest': 'sha256:e3b0c44298fc1c14'}
    """
    digest = weights_digest(model)
    note = _notes.get(model)
    if note is None:
        return {"model": type(model).__name__, "weights": "given", "digest": digest}
    if note["digest"] != digest:
        return {"model": note["model"], "weights": f"{note['weights']}, changed since", "digest": digest}
    return {"model": note["model"], "weights": note["weights"], "digest": digest}
