"""Checkpoints: trained weights in a file, with the architecture that they belong to."""

from __future__ import annotations

import glob
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from neuroalpha._checks import whole
from neuroalpha.errors import InputError, nearest
from neuroalpha.networks.catalogue import list_models, load_model
from neuroalpha.networks.provenance import remember
from neuroalpha.networks.weights import fill, read_checkpoint

SUFFIXES = (".pt", ".pth", ".th", ".ckpt", ".bin", ".pth.tar", ".pt.tar", ".safetensors")
"""Which files of a folder count as checkpoints; a single file may be called anything."""

_NAMES = ("architecture", "arch")
_BESIDE = ("name", "num_classes")


@dataclass(frozen=True)
class _Said:
    """What some place says of a checkpoint's architecture."""

    where: str
    name: str | None = None
    num_classes: int | None = None


def load_checkpoint(
    path: str | os.PathLike[str], architecture: str | None = None, num_classes: int | None = None
) -> nn.Module:
    """Make the model that a checkpoint belongs to, with its weights, in evaluation mode on the CPU.

    Parameters
    ----------
    path
        A file of ``torch.save`` (a state dict, plain or under ``state_dict``, ``model_state_dict`` or ``model``; read
        without running code from it, see :func:`~neuroalpha.networks.weights.load_weights`), or ``.safetensors`` where
        that package is installed.
    architecture
        A name of :func:`~neuroalpha.networks.catalogue.list_models`, such as ``"cifar:resnet20"``. Default: the text
        under ``architecture`` or ``arch`` in the file; else ``name`` in a TOML file beside it, which is called as the
        checkpoint (``net.toml`` for ``net.pt``) or ``architecture.toml`` (for all of the folder). Names without a
        prefix are understood where only one family has them.
    num_classes
        Width of the last layer. Default: ``num_classes`` of the same place; else the family's own number.

    Returns
    -------
    torch.nn.Module
        Assemblies made from it call the model by its architecture and the weights by the file's name.

    Raises
    ------
    InputError
        No such file, nothing that says the architecture, an unknown one (with the nearest), weights that do not fit.

    Examples
    --------
    >>> from neuroalpha.networks.provenance import describe
    >>> import torch
    >>> torch.save(load_model("cifar:resnet20", seed=5).state_dict(), tmp / "mine.pt")
    >>> _ = (tmp / "mine.toml").write_text('name = "cifar:resnet20"')
    >>> note = describe(load_checkpoint(tmp / "mine.pt"))
    >>> note["model"], note["weights"]
    ('cifar:resnet20', 'mine.pt')
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder; list_checkpoints lists the files in it, load_checkpoint takes one")
    content = read_checkpoint(path)
    said = _Said("architecture=", architecture)
    if said.name is None:
        said = _in_file(content, path)
    if said.name is None:
        said = _beside(path) or said
    if said.name is None:
        raise InputError(
            f"nothing says which architecture {path} is of: give architecture= (a name of list_models()), or write "
            f'name = "torchvision:resnet18", say, into {_stem(path)}.toml or architecture.toml beside it'
        )
    name = _full(said.name)
    classes = said.num_classes if num_classes is None else num_classes
    if classes is not None:
        classes = whole(classes, f"num_classes of {path}", 1)
    try:
        model = load_model(name, num_classes=classes)
    except InputError as error:
        raise InputError(f"the architecture of {path.name}, by {said.where}: {error}") from error
    fill(model, content, path)
    remember(model, name, path.name)
    return model


def list_checkpoints(where: str | os.PathLike[str]) -> list[Path]:
    """List the checkpoints of a folder, or those that fit a pattern.

    Parameters
    ----------
    where
        A folder (not searched below), a pattern with ``*``, ``?`` or ``**`` (any folders), or one file. Files count by
        the ends of their names: .pt, .pth, .th, .ckpt, .bin, .pth.tar, .pt.tar, .safetensors.

    Returns
    -------
    list of Path
        Sorted.

    Raises
    ------
    InputError
        If there are none.

    Examples
    --------
    >>> for name in ("b.pt", "a.pth.tar", "notes.txt"):
    ...     (tmp / name).touch()
    >>> [path.name for path in list_checkpoints(tmp)], [path.name for path in list_checkpoints(f"{tmp}/b*")]
    (['a.pth.tar', 'b.pt'], ['b.pt'])
    """
    path = Path(where)
    if path.is_file():
        return [path]
    if path.is_dir():
        found = sorted(path.iterdir())
    else:
        found = sorted(Path(name) for name in glob.glob(os.path.expanduser(os.fspath(where)), recursive=True))
    kept = [file for file in found if file.is_file() and file.name.lower().endswith(SUFFIXES)]
    if not kept:
        kinds = ", ".join(SUFFIXES)
        if path.is_dir():
            raise InputError(f"the folder {path} holds no checkpoints ({kinds}); those of folders below: {path}/**/*")
        raise InputError(f"there are no checkpoints {where}; give a folder, a pattern with * or a file ({kinds})")
    return kept


def _in_file(content: Any, path: Path) -> _Said:
    said = _Said(f"the file {path.name}")
    if not isinstance(content, Mapping):
        return said
    for key in _NAMES:
        if isinstance(content.get(key), str):
            classes = content.get("num_classes")
            if isinstance(classes, str) and classes.isdigit():  # safetensors holds texts only
                classes = int(classes)
            return _Said(f"{key!r} in the file", content[key], classes if isinstance(classes, int) else None)
    return said


def _beside(path: Path) -> _Said | None:
    for file in (path.with_name(f"{_stem(path)}.toml"), path.with_name("architecture.toml")):
        if not file.is_file():
            continue
        try:
            said = tomllib.loads(file.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
            raise InputError(f"{file} is no TOML file: {error}") from error
        for key in said:
            if key not in _BESIDE:
                raise InputError(
                    f"{file} has the key {key!r}{nearest(key, _BESIDE)}; the keys are name and num_classes"
                )
        if not isinstance(said.get("name"), str):
            raise InputError(f'{file} must say name = "..." with a name of list_models()')
        return _Said(file.name, said["name"], said.get("num_classes"))
    return None


def _stem(path: Path) -> str:
    """The file's name without what :data:`SUFFIXES` or its last dot cut off."""
    ends = [end for end in SUFFIXES if path.name.lower().endswith(end)]
    return path.name[: -max(map(len, ends))] if ends else path.stem


def _full(name: str) -> str:
    """Put the prefix before a name that one family alone has, as training scripts write it."""
    owners = [known for known in list_models(f"*:{name}") if known.partition(":")[2] == name]
    return owners[0] if len(owners) == 1 else name
