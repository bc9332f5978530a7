"""Everything that a training depends on besides its images: one flat record, from a dict, a TOML table or keywords."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from neuroalpha._cache import content_key
from neuroalpha._checks import share, whole
from neuroalpha.errors import InputError, nearest
from neuroalpha.ssl.recipes import STRONGEST, list_recipes

OPTIMISERS = ("sgd", "adam", "adamw", "lars")
SCHEDULES = ("cosine", "constant")
RECIPES = tuple(list_recipes())
PRECISIONS = ("auto", "float32", "bfloat16")
ELSEWHERE = ("device",)
"""Settings that do not say what is trained, only where: runs that differ in them only are the same run."""


@dataclass(frozen=True)
class TrainSettings:
    """What is trained, and how; made by :func:`make_settings`, which checks it."""

    objective: str = "simclr"
    """One of :func:`~neuroalpha.ssl.objectives.registry.list_objectives`."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of the objective, as :func:`~neuroalpha.ssl.objectives.registry.objective_options` lists them."""
    backbone: str = "convnet4"
    """One of :func:`~neuroalpha.ssl.backbones.list_backbones`."""
    width: int | None = None
    """Channels of the backbone's first layer; None: its own default."""
    projector_hidden: int = 512
    """Units of the projector's hidden layers."""
    projector_out: int = 128
    """Units of the projector's output, which the objective sees."""
    projector_layers: int = 2
    """Linear layers of the projector; 0: none, the objective sees the features."""
    recipe: str = "simclr"
    """Views: ``simclr``, ``isoloss`` (also solarises the second view), ``weak`` (shift and flip) or ``none``."""
    strength: float = 1.0
    """Of the augmentation: 1 as published, 0 no more than a flip."""
    size: int = 32
    """Pixels of a view's side."""
    optimiser: str = "sgd"
    """``sgd``, ``adam``, ``adamw`` or ``lars``."""
    lr: float = 0.12
    """Learning rate at its highest, used as it is. Default: lightly's CIFAR-10 benchmark, .06 for each 128 images."""
    momentum: float = 0.9
    """Of ``sgd`` and ``lars``; the first beta of the others."""
    weight_decay: float = 5e-4
    """Default: lightly's CIFAR-10 benchmark."""
    batch_size: int = 256
    """Images in a batch, over all processes; what does not fill a batch waits for the next epoch's order."""
    epochs: int = 100
    """How often each image is seen, two views (or as many as the objective takes) each time."""
    warmup: float = 0.0
    """Epochs over which the learning rate rises from 0."""
    schedule: str = "cosine"
    """``cosine`` (to 0 at the end) or ``constant``."""
    ema: float | None = None
    """Memory of the target network at the start; it goes to 1 by half a cosine. 0: the target is the network itself.

    None: what the objective is published with.
    """
    precision: str = "auto"
    """``float32``, ``bfloat16`` (autocast), or ``auto``: bfloat16 where the processor has instructions for it."""
    channels_last: bool = True
    """Memory order of the images: channels last is faster for convolutions and changes results in the last bits."""
    deterministic: bool = True
    """On a GPU, take kernels with a fixed order of sums where there are any, and tell where there are none; False is
    faster there. A CPU always repeats itself."""
    seed: int = 0
    """Of everything: weights, order, views, the choice of held-out images, shuffled labels."""
    device: str = ""
    """``cpu``, ``cuda``, ``cuda:1``, ...; empty: a GPU (of CUDA or ROCm) where there is one, else the CPU."""
    monitor_last: int = 2048
    """Views behind alpha and effective rank: the last so many of an epoch, see :class:`AlphaMonitor`."""
    evaluate_every: int = 1
    """Epochs between two measurements of alpha, effective rank, readout and nearest neighbours."""
    evaluate_images: int = 5000
    """Images at most of either kind in these: that neighbours are looked for among, and that are told apart."""

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, texts and one dict, as JSON and :func:`make_settings` take them.

        Examples
        --------
        >>> TrainSettings(objective="spectral", options={"mu": 3.0}).to_dict()["options"]
        {'mu': 3.0}
        """
        found = {each.name: getattr(self, each.name) for each in fields(self)}
        return found | {"options": dict(self.options)}

    def to_json(self) -> str:
        """The same as text."""
        return json.dumps(self.to_dict(), indent=1)

    def changed(self, **changes: Any) -> TrainSettings:
        """Return these settings with some of them changed, checked again.

        Examples
        --------
        >>> TrainSettings(objective="spectral").changed(lr=0.5).lr
        0.5
        """
        return make_settings({**self.to_dict(), **changes}, "changed()")

    def key(self, data_digest: str) -> str:
        """SHA-256 of everything that the trained network depends on: these settings and the images' digest.

        Examples
        --------
        >>> one, other = TrainSettings(device="cpu"), TrainSettings(device="cuda")
        >>> one.key("sha256:0") == other.key("sha256:0")
        True
        """
        depends = {name: value for name, value in self.to_dict().items() if name not in ELSEWHERE}
        return content_key({"train": depends, "images": data_digest})


def make_settings(content: Mapping[str, Any], where: str = "the settings") -> TrainSettings:
    """Check settings and fill in the defaults.

    Parameters
    ----------
    content
        Names and values, as :class:`TrainSettings` lists them; from a TOML or JSON file, say.
    where
        How messages call the place they are from.

    Raises
    ------
    InputError
        For names that are no settings (with the nearest), values of the wrong kind or out of range, and options that
        the objective does not have.

    Examples
    --------
    >>> make_settings({"objective": "spectral", "lr": 1, "epochs": 10}).lr
    1.0
    >>> make_settings({"objectiv": "spectral"})
    Traceback (most recent call last):
    neuroalpha.errors.InputError: unknown setting 'objectiv' in the settings; did you mean 'objective'?
    """
    if not isinstance(content, Mapping):
        raise InputError(f"{where} must be a table of names and values, not {type(content).__name__}")
    checked: dict[str, Any] = {}
    for name, value in content.items():
        if name not in _CHECKS:
            raise InputError(f"unknown setting {name!r} in {where}{nearest(str(name), _CHECKS, n=1)}")
        checked[name] = _CHECKS[name](value, f"{name} in {where}")
    settings = TrainSettings(**checked)
    if settings.warmup > settings.epochs:
        raise InputError(f"warmup in {where} is {settings.warmup:g} epochs of {settings.epochs}; give fewer")
    return replace(settings, options=_checked_options(settings, where))


def _checked_options(settings: TrainSettings, where: str) -> dict[str, Any]:
    """The objective's options; whole numbers become floats where the default is one, so that equal runs look equal."""
    from neuroalpha.ssl.objectives import objective_options

    known = objective_options(settings.objective)
    found = {}
    for name, value in settings.options.items():
        if name not in known:
            listed = ", ".join(known) or "none"
            raise InputError(
                f"{settings.objective} has no option {name!r} ({where}){nearest(str(name), known)}; it has: {listed}"
            )
        whole_number = isinstance(value, int) and not isinstance(value, bool)
        found[str(name)] = float(value) if whole_number and isinstance(known[name], float) else value
    try:
        return json.loads(json.dumps(found))  # as it comes back from a file
    except TypeError as error:
        raise InputError(f"options in {where} must be numbers, texts and lists of them: {error}") from error


def _number(low: float, high: float = float("inf"), *, below: float = float("inf")) -> Callable[[Any, str], float]:
    def check(value: Any, name: str) -> float:
        found = share(value, name, low, high)
        if found >= below:
            limit = "finite number" if below == float("inf") else f"number below {below:g}"
            raise InputError(f"{name} is {value!r}; expected a {limit}")
        return found

    return check


def _whole(least: int, *, optional: bool = False) -> Callable[[Any, str], int | None]:
    return lambda value, name: None if optional and value is None else whole(value, name, least)


def _one_of(known: tuple[str, ...]) -> Callable[[Any, str], str]:
    def check(value: Any, name: str) -> str:
        if value not in known:
            hint = nearest(str(value), known)
            raise InputError(f"{name} is {value!r}; expected one of {', '.join(known)}{hint}")
        return value

    return check


def _objective(value: Any, name: str) -> str:
    from neuroalpha.ssl.objectives import list_objectives

    return _one_of(tuple(list_objectives()))(value, name)


def _backbone(value: Any, name: str) -> str:
    from neuroalpha.ssl.backbones import list_backbones

    return _one_of(tuple(list_backbones()))(value, name)


def _kind(kind: type, said: str) -> Callable[[Any, str], Any]:
    def check(value: Any, name: str) -> Any:
        if not isinstance(value, kind):
            raise InputError(f"{name} is {value!r}; expected {said}")
        return value

    return check


_CHECKS: dict[str, Callable[[Any, str], Any]] = {
    "objective": _objective,
    "options": _kind(Mapping, "a table of the objective's options"),
    "backbone": _backbone,
    "width": _whole(1, optional=True),
    "projector_hidden": _whole(1),
    "projector_out": _whole(1),
    "projector_layers": _whole(0),
    "recipe": _one_of(RECIPES),
    "strength": _number(0.0, STRONGEST),
    "size": _whole(4),
    "optimiser": _one_of(OPTIMISERS),
    "lr": _number(0.0),
    "momentum": _number(0.0, below=1.0),
    "weight_decay": _number(0.0),
    "batch_size": _whole(2),
    "epochs": _whole(1),
    "warmup": _number(0.0),
    "schedule": _one_of(SCHEDULES),
    "ema": lambda value, name: None if value is None else share(value, name, 0.0, 1.0),
    "precision": _one_of(PRECISIONS),
    "channels_last": _kind(bool, "true or false"),
    "deterministic": _kind(bool, "true or false"),
    "seed": _whole(0),
    "device": _kind(str, "a device's name, or empty text"),
    "monitor_last": _whole(2),
    "evaluate_every": _whole(1),
    "evaluate_images": _whole(2),
}
