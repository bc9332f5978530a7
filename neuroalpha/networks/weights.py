"""Trained weights from a file, without pickle, and a clear word when they belong to another model."""

from __future__ import annotations

import importlib.util
import os
import pickle
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from neuroalpha._text import first_few
from neuroalpha.errors import InputError, MissingExtraError

_WRAPPERS = ("state_dict", "model_state_dict", "model")
"""Keys under which training scripts keep the state dict beside epoch counters and the like."""

_PREFIX = "module."
"""What ``nn.DataParallel`` and ``DistributedDataParallel`` put before every name."""

Model = TypeVar("Model", bound=nn.Module)


def load_weights(model: Model, path: str | os.PathLike[str]) -> Model:
    """Fill ``model`` with the weights of a file and return it.

    Parameters
    ----------
    model
        Any module; changed in place, its mode and device stay as they are.
    path
        What ``torch.save`` wrote: a state dict, or a dict that holds one under ``state_dict``, ``model_state_dict`` or
        ``model``; a ``module.`` prefix on the names is taken off. Read with ``weights_only=True``: a file that carries
        other Python objects is refused, since unpickling runs code. Or a ``.safetensors`` file, where that package is
        installed.

    Raises
    ------
    InputError
        If the file is missing, cut short, holds Python objects or no state dict, or if names or shapes do not fit the
        model (the message lists them, shortened). The model is unchanged then.

    Examples
    --------
    >>> from torch import nn
    >>> saved = nn.Linear(3, 2)
    >>> torch.save({"state_dict": {"module." + k: v for k, v in saved.state_dict().items()}}, tmp / "linear.pt")
    >>> bool((load_weights(nn.Linear(3, 2), tmp / "linear.pt").weight == saved.weight).all())
    True
    """
    return fill(model, read_checkpoint(path), Path(path))


def fill(model: Model, content: Any, path: Path) -> Model:
    """Do what :func:`load_weights` does with what :func:`read_checkpoint` read from ``path``.

    Examples
    --------
    >>> from torch import nn
    >>> fill(nn.Linear(1, 1), {"weight": torch.ones(1, 1), "bias": torch.ones(1)}, Path("ones.pt")).bias.item()
    1.0
    """
    own = model.state_dict()
    given = _unprefixed(_state_dict(content, path), own)
    for key in own.keys() - given.keys():
        # Checkpoints older than torch 0.4.1 lack this counter, which evaluation does not use.
        if key.endswith("num_batches_tracked"):
            given[key] = own[key]
    missing = [key for key in own if key not in given]
    unexpected = [key for key in given if key not in own]
    shapes = [
        f"{key} {tuple(given[key].shape)} instead of {tuple(own[key].shape)}"
        for key in own
        if key in given and isinstance(own[key], Tensor) and given[key].shape != own[key].shape
    ]
    faults = [
        f"{len(keys)} {kind} ({first_few(keys)})"
        for kind, keys in (("missing", missing), ("unexpected", unexpected), ("of another shape", shapes))
        if keys
    ]
    if faults:
        raise InputError(
            f"the weights in {path} do not fit this {type(model).__name__}: of {len(own)} names, {', '.join(faults)}; "
            "give the weights of the same architecture and number of classes"
        )
    model.load_state_dict(given)
    return model


def read_checkpoint(path: str | os.PathLike[str]) -> Any:
    """Read a file of ``torch.save`` or safetensors without running code from it.

    Returns
    -------
    object
        What was saved, on the CPU; of a ``.safetensors`` file its texts with the tensors under ``state_dict``.

    Raises
    ------
    InputError
        If the file is missing, cut short or holds Python objects.

    Examples
    --------
    >>> torch.save({"arch": "cifar:resnet20", "state_dict": {}}, tmp / "read.pt")
    >>> read_checkpoint(tmp / "read.pt")["arch"]
    'cifar:resnet20'
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"there is no weights file {path}; give the path of a file that torch.save wrote")
    if path.suffix.lower() == ".safetensors":
        return _read_safetensors(path)
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise InputError(
            f"{path} is refused: it is no weights file, or holds Python objects besides tensors, which could run code; "
            "save only the state dict, torch.save(model.state_dict(), path), where you trust the file"
        ) from error
    except (RuntimeError, EOFError, OSError, KeyError, ValueError) as error:
        raise InputError(f"{path} cannot be read as weights: {first_line(error)}") from error


def _read_safetensors(path: Path) -> dict[str, Any]:
    if importlib.util.find_spec("safetensors") is None:
        raise MissingExtraError("safetensors", "zoo", f"reading {path}")  # timm brings it along
    import safetensors

    try:
        with safetensors.safe_open(path, framework="pt") as file:
            return {**(file.metadata() or {}), "state_dict": {key: file.get_tensor(key) for key in file.keys()}}
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as weights: {first_line(error)}") from error


def _state_dict(content: Any, path: Path) -> Mapping[str, Any]:
    for key in _WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
            break
    if not isinstance(content, Mapping) or not any(isinstance(value, Tensor) for value in content.values()):
        found = f"a dict with the keys {first_few(content)}" if isinstance(content, Mapping) else type(content).__name__
        raise InputError(f"{path} holds {found}, not a state dict (names to tensors), plain or under 'state_dict'")
    return content


def _unprefixed(state: Mapping[str, Any], own: Mapping[str, Any]) -> OrderedDict[str, Any]:
    wrapped = all(key.startswith(_PREFIX) for key in state) and not all(key.startswith(_PREFIX) for key in own)
    cut = len(_PREFIX) if wrapped else 0
    clean = OrderedDict((key[cut:], value) for key, value in state.items())
    # Some modules (batch norm, MNASNet) read their version from here; load_state_dict looks at this attribute.
    metadata = getattr(state, "_metadata", None)
    if metadata is not None:
        clean._metadata = {key[cut:]: value for key, value in metadata.items()}  # type: ignore[attr-defined]
    return clean


def first_line(error: BaseException) -> str:
    """What an error says first; torch adds lines of advice.

    Examples
    --------
    >>> first_line(ValueError())
    'ValueError'
    """
    return (str(error).strip() or type(error).__name__).splitlines()[0]
