"""Names to models: torchvision, the CIFAR ResNets of He et al., and timm where it is installed."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.error import URLError

import torch
import torchvision
from torch import nn

from neuroalpha.errors import InputError, MissingExtraError, nearest
from neuroalpha.networks.cifar_resnet import DEPTHS, cifar_resnet
from neuroalpha.networks.provenance import remember
from neuroalpha.networks.weights import load_weights


class Source(ABC):
    """One family of the catalogue."""

    @abstractmethod
    def names(self) -> list[str]:
        """The models of the family, without its prefix."""

    def has(self, name: str) -> bool:
        """Whether :meth:`build` knows the name."""
        return name in self.names()

    def published(self, name: str) -> dict[str, str]:
        """What a user may write as ``weights`` for this model, to what it resolves to."""
        return {}

    @abstractmethod
    def build(self, name: str, download: str | None, **options: Any) -> nn.Module:
        """Make the model; ``download`` is a value of :meth:`published`, or None for random weights."""


class _Torchvision(Source):
    def names(self) -> list[str]:
        # Classification only: detection, video and flow models do not take a batch of images to a batch of outputs.
        return torchvision.models.list_models(module=torchvision.models)

    def published(self, name: str) -> dict[str, str]:
        members = torchvision.models.get_model_weights(name).__members__
        return {alias: member.name for alias, member in members.items()}

    def build(self, name: str, download: str | None, **options: Any) -> nn.Module:
        if download is None and name in ("googlenet", "inception_v3"):
            options["init_weights"] = True  # the default, which these two announce with a warning otherwise
        return torchvision.models.get_model(name, weights=download, **options)


class _Cifar(Source):
    def names(self) -> list[str]:
        return [f"resnet{depth}" for depth in DEPTHS]

    def build(self, name: str, download: str | None, **options: Any) -> nn.Module:
        return cifar_resnet(int(name.removeprefix("resnet")), **options)


class _Timm(Source):
    def names(self) -> list[str]:
        if importlib.util.find_spec("timm") is None:
            return []
        import timm

        return timm.list_models()

    def has(self, name: str) -> bool:
        import timm

        return timm.is_model(name)  # takes names with a tag for the weights too, "resnet50.a1_in1k"

    def published(self, name: str) -> dict[str, str]:
        return {"DEFAULT": "DEFAULT"}

    def build(self, name: str, download: str | None, **options: Any) -> nn.Module:
        import timm

        return timm.create_model(name, pretrained=download is not None, **options)


_SOURCES: dict[str, Source] = {"cifar": _Cifar(), "timm": _Timm(), "torchvision": _Torchvision()}


def list_models(pattern: str = "*") -> list[str]:
    """List the catalogue.

    Parameters
    ----------
    pattern
        Wildcards ``*`` and ``?``, for whole names (``"cifar:*"``) or for what follows the prefix (``"resnet*"``).

    Returns
    -------
    list of str
        Sorted names, as :func:`load_model` takes them. ``timm:`` names are there only where timm is installed.

    Examples
    --------
    >>> list_models("cifar:*")
    ['cifar:resnet110', 'cifar:resnet20', 'cifar:resnet32', 'cifar:resnet44', 'cifar:resnet56']
    >>> list_models("*resnet18")
    [...'torchvision:resnet18'...]
    """
    return sorted(
        f"{prefix}:{name}"
        for prefix, source in _SOURCES.items()
        for name in source.names()
        if fnmatchcase(f"{prefix}:{name}", pattern) or fnmatchcase(name, pattern)
    )


def load_model(
    name: str, weights: str | os.PathLike[str] | None = None, seed: int = 0, num_classes: int | None = None
) -> nn.Module:
    """Make a model of the catalogue, in evaluation mode on the CPU.

    Parameters
    ----------
    name
        ``"torchvision:resnet18"``, ``"cifar:resnet20"``, ``"timm:..."``; see :func:`list_models`.
    weights
        ``None`` for random weights; ``"DEFAULT"`` (or a weights name of torchvision, such as ``"IMAGENET1K_V1"``) for
        published ones, which are downloaded on first use; else the path of a file, see
        :func:`~neuroalpha.networks.weights.load_weights`.
    seed
        Of the random weights. The caller's random state is left untouched, and several threads may load models at once:
        each gets the weights of its seed.
    num_classes
        Width of the last layer; the family's own number when ``None`` (1000 for ImageNet, 10 for CIFAR).

    Raises
    ------
    InputError
        Unknown name or weights (with the nearest known), failed download, file that does not fit the model.

    Examples
    --------
    >>> model = load_model("cifar:resnet20", seed=1)
    >>> model.training
    False
    """
    prefix, source, short = _find(name)
    published = source.published(short)
    download = published.get(weights) if isinstance(weights, str) else None
    if weights is not None and download is None and not Path(weights).is_file():
        choice = f"one of {', '.join(published)}, or " if published else ""
        raise InputError(f"no weights {os.fspath(weights)!r} for {name}: give {choice}the path of an existing file")
    options = {} if num_classes is None else {"num_classes": num_classes}
    with building(seed):
        try:
            model = source.build(short, download, **options)
        except (URLError, OSError) as error:
            raise InputError(
                f"the weights {weights!r} of {name} could not be downloaded ({error}); without a network give "
                "the path of a weights file as weights="
            ) from error
        except (ValueError, RuntimeError) as error:  # say, published weights asked for with another number of classes
            raise InputError(
                f"cannot make {name} with weights={weights!r}, num_classes={num_classes}: {error}"
            ) from error
    if weights is None:
        origin = f"random, seed {seed}"
    elif download is not None:
        origin = download
    else:
        load_weights(model, weights)
        origin = Path(weights).name
    model.eval()
    remember(model, f"{prefix}:{short}", origin)
    return model


_BUILDING = threading.RLock()


@contextlib.contextmanager
def building(seed: int) -> Iterator[None]:
    """A place to make a model in: seeded random weights, on the CPU, one thread at a time.

    torch has one random generator and Python one stdout for all threads, so two models made at once would take each
    other's numbers. The lock is one that a function which calls :func:`load_model` in turn can take again.

    Examples
    --------
    >>> with building(seed=3):
    ...     first = torch.rand(1)
    >>> with building(seed=3):
    ...     again = torch.rand(1)
    >>> bool(again == first)
    True
    """
    # Only the CPU generator is seeded and put back; torch.manual_seed would reach those of the GPUs as well.
    with _BUILDING, torch.random.fork_rng(devices=[]), torch.device("cpu"):
        torch.default_generator.manual_seed(seed)
        # torch announces downloads on stdout, which belongs to results.
        with contextlib.redirect_stdout(sys.stderr):
            yield


def check_name(name: str) -> str:
    """Return the full name of a model of the catalogue, or say what is near it.

    Examples
    --------
    >>> check_name("cifar:resnet20")
    'cifar:resnet20'
    """
    prefix, _, short = _find(name)
    return f"{prefix}:{short}"


def _find(name: str) -> tuple[str, Source, str]:
    prefix, _, short = name.partition(":")
    if prefix == "timm" and importlib.util.find_spec("timm") is None:
        raise MissingExtraError("timm", "zoo", f"the model {name!r}")
    source = _SOURCES.get(prefix)
    if source is None or not source.has(short):
        # A name without its prefix is the commonest slip: suggest its owner before look-alikes.
        owners = [known for known in list_models() if known.partition(":")[2] == name]
        hint = f"; did you mean {', '.join(map(repr, owners))}?" if owners else nearest(name, list_models())
        raise InputError(f"there is no model {name!r}{hint or '; list_models() lists the names'}")
    return prefix, source, short
