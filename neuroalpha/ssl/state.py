"""A training on disk: whose folder it is, a checkpoint to go on from, the trained network.

Read without running code from the files.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from neuroalpha._cache import content_key
from neuroalpha._files import atomic_path, write_text
from neuroalpha.errors import InputError
from neuroalpha.networks.monitor import AlphaMonitor
from neuroalpha.networks.weights import fill, read_checkpoint
from neuroalpha.ssl.heads import SSLNetwork
from neuroalpha.ssl.history import History
from neuroalpha.ssl.settings import ELSEWHERE, make_settings
from neuroalpha.ssl.step import Learner, build_network

VERSION = 1
SETTINGS, CHECKPOINT, NETWORK, FAILED = "settings.json", "checkpoint.pt", "network.pt", "failed.json"
LOCK = ".training"


@dataclass
class Place:
    """How far a training has come."""

    epoch: int = 0
    """Epochs done."""
    step: int = 0
    """Steps done in the one after."""
    loss: float = 0.0
    """Sum of the losses of these steps."""
    seconds: float = 0.0
    """Time of all steps and measurements so far."""


def save_checkpoint(
    folder: Path, about: Mapping[str, Any], place: Place, learner: Learner, monitor: AlphaMonitor, history: History
) -> None:
    """Write everything that a training needs to go on; a killed write leaves the checkpoint before."""
    content = {
        "version": VERSION,
        "about": json.dumps(about),
        "place": dict(vars(place)),
        "history": history.state(),
        "monitor": monitor.state_dict(),
        **{name: part.state_dict() for name, part in _parts(learner).items()},
    }
    with atomic_path(folder / CHECKPOINT) as part:
        torch.save(content, part)


def load_checkpoint(folder: Path, learner: Learner, monitor: AlphaMonitor | None, history: History) -> Place:
    """Take over what :func:`save_checkpoint` wrote."""
    path = folder / CHECKPOINT
    content = _content(path, "place")
    for name, part in _parts(learner).items():
        part.load_state_dict(content[name])
    if monitor is not None:
        monitor.load_state_dict(content["monitor"])
    history.restore(content["history"])
    return Place(**content["place"])


def _parts(learner: Learner) -> dict[str, Any]:
    found: dict[str, Any] = {
        "network": learner.network,
        "objective": learner.objective,
        "optimiser": learner.optimiser,
    }
    if learner.target is not None:
        found["target"] = learner.target
    if learner.readout is not None:
        found |= {"readout": learner.readout, "readout_optimiser": learner.readout.optimiser}
    return found


def save_network(
    folder: Path, about: Mapping[str, Any], network: nn.Module, objective: nn.Module, collapsed: str
) -> None:
    """Write the trained network."""
    content = {
        "version": VERSION,
        "settings": json.dumps(about["settings"]),
        "about": json.dumps(about),
        "collapsed": collapsed,
        "state_dict": {name: value.cpu() for name, value in network.state_dict().items()},
        "objective": {name: value.cpu() for name, value in objective.state_dict().items()},
    }
    with atomic_path(folder / NETWORK) as part:
        torch.save(content, part)


def read_network(folder: Path, network: SSLNetwork, objective: nn.Module) -> str:
    """Fill both with what :func:`save_network` wrote; returns why it counts as collapsed, or an empty text."""
    content = _content(folder / NETWORK, "objective")
    fill(network, content, folder / NETWORK)
    objective.load_state_dict(content["objective"])
    return content["collapsed"]


def load_trained(path: str | os.PathLike[str]) -> SSLNetwork:
    """Load a network that :func:`~neuroalpha.ssl.train.train` trained.

    Parameters
    ----------
    path
        The folder of a finished training, or its ``network.pt``. No code in it is run.

    Returns
    -------
    SSLNetwork
        On the CPU, in evaluation mode; layers ``backbone`` and ``projector``. Images must be resized to
        ``settings.size`` and normalised as ``neuroalpha.images(..., normalize="cifar")`` does.

    Raises
    ------
    InputError
        Where there is no finished training, or the file is of something else.

    Examples
    --------
    >>> from neuroalpha.ssl.settings import TrainSettings
    >>> from neuroalpha.ssl.step import build_objective
    >>> settings = TrainSettings(objective="spectral", width=2)
    >>> network = build_network(settings)
    >>> about = {"settings": settings.to_dict()}
    >>> save_network(tmp, about, network, build_objective(settings, network, None), "")
    >>> load_trained(tmp).backbone.n_features
    16
    """
    path = Path(path)
    file = path / NETWORK if path.is_dir() else path
    if path.is_dir() and not file.is_file():
        unfinished = " (the training there is not finished: train again with the same settings)"
        raise InputError(f"there is no {NETWORK} in {path}{unfinished if (path / SETTINGS).is_file() else ''}")
    content = _content(file, "settings")
    network = build_network(make_settings(json.loads(content["settings"]), str(file)))
    return fill(network, content, file).eval()


def _content(path: Path, needed: str) -> dict[str, Any]:
    content = read_checkpoint(path)
    if not isinstance(content, Mapping) or content.get("version") != VERSION or needed not in content:
        raise InputError(f"{path} is no file of a training by this version of neuroalpha; train again")
    return dict(content)


@contextlib.contextmanager
def only_training(folder: Path) -> Iterator[None]:
    """Hold a folder while a network trains in it; the system lets go of it when the process ends, however it ends.

    Raises
    ------
    InputError
        Where another process, or this one, trains in it. A drive or system that knows no locks holds nobody off.

    Examples
    --------
    >>> with only_training(tmp):
    ...     with only_training(tmp):
    ...         pass
    Traceback (most recent call last):
    ...
    neuroalpha.errors.InputError: a training is going on in ...; wait for it, or name another folder
    """
    handle = _lock(folder)
    try:
        yield
    finally:
        if handle is not None:
            (folder / LOCK).unlink(missing_ok=True)  # while it is held: who waits sees that it is another file then
            os.close(handle)


def _lock(folder: Path) -> int | None:
    """The open file that holds the folder; None where there are no locks."""
    try:
        import fcntl
    except ImportError:
        return None
    while True:
        try:
            handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise InputError(f"cannot write into {folder}: {error.strerror or error}; name another folder") from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(handle), os.stat(folder / LOCK)):
                return handle
        except BlockingIOError as error:
            os.close(handle)
            raise InputError(f"a training is going on in {folder}; wait for it, or name another folder") from error
        except FileNotFoundError:  # who had it has ended since, and removed it
            pass
        except OSError:
            os.close(handle)
            (folder / LOCK).unlink(missing_ok=True)
            return None
        os.close(handle)


def claim(folder: Path, about: Mapping[str, Any], resume: bool) -> dict[str, Any]:
    """Take a folder, which is held, for a training; returns what it is about as the folder has it.

    With ``resume``, a folder of the same training is taken over; without it, what is there of one is removed.

    Raises
    ------
    InputError
        Where the folder is of a training with other settings or images: which differ.
    """
    if not resume:
        for name in (NETWORK, CHECKPOINT, "history.csv", "eigenvalues.nc", FAILED, SETTINGS):
            (folder / name).unlink(missing_ok=True)
    if not (folder / NETWORK).is_file():
        for half in folder.glob(".*.part*"):  # of a process that was killed while it wrote
            half.unlink(missing_ok=True)
    if not (folder / SETTINGS).is_file():
        write_text(folder / SETTINGS, json.dumps(about, indent=1))
    return held(folder, about)


def held(folder: Path, about: Mapping[str, Any]) -> dict[str, Any]:
    """What the folder's training is about, where it is this one; raises as :func:`claim`."""
    path = folder / SETTINGS
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        different = _differences(found, about)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} is no record of a training ({error}); name another folder") from error
    if different:
        raise InputError(
            f"{folder} holds a training with {', '.join(different)}; name another folder, or start it over with "
            "resume=False"
        )
    return found


def unlike(begun: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What the bits of a training depend on besides what is trained, where that has changed; not what was not noted.

    Examples
    --------
    >>> unlike({"versions": {"torch": "2.3.0"}, "threads": 4}, {"versions": {"torch": "2.3.0"}, "threads": 1})
    ['threads 4 (now 1)']
    """
    old, new = ({**each.get("versions", {}), **each} for each in (begun, now))
    return [
        f"{name} {old[name]} (now {new[name]})"
        for name in ("neuroalpha", "torch", "device", "threads")
        if None not in (old.get(name), new.get(name)) and old[name] != new[name]
    ]


def note_failure(folder: Path, about: Mapping[str, Any], reason: str) -> None:
    """Write why a training could not go on, so that it need not be repeated to be told again."""
    write_text(folder / FAILED, json.dumps({"reason": reason, "of": _digest(about)}, indent=1))


def noted_failure(folder: Path, about: Mapping[str, Any]) -> str:
    """Why this training could not go on; "" where that is not known, or was with other software or on a GPU or off it.

    Examples
    --------
    >>> about = {"settings": {"lr": 1.0, "device": "cpu"}, "images": "", "test": "", "processes": 1}
    >>> note_failure(tmp, about, "the loss is nan")
    >>> noted_failure(tmp, about)
    'the loss is nan'
    >>> noted_failure(tmp, {**about, "processes": 2})
    ''
    """
    try:
        content = json.loads((folder / FAILED).read_text(encoding="utf-8"))
        return str(content["reason"]) if content["of"] == _digest(about) else ""
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _digest(about: Mapping[str, Any]) -> str:
    """Of everything that decides whether a training fails."""
    settings = {name: value for name, value in about["settings"].items() if name not in ELSEWHERE}
    names = ("images", "test", "processes", "device", "versions")
    return content_key({"settings": settings, **{name: about.get(name) for name in names}})


def _differences(held: Mapping[str, Any], about: Mapping[str, Any]) -> list[str]:
    old, new = (_flat(each["settings"]) for each in (held, about))
    names = [name for name in {**old, **new} if name not in ELSEWHERE]
    found = [f"{name} = {old.get(name)!r} (now {new.get(name)!r})" for name in names if old.get(name) != new.get(name)]
    for name in ("images", "test"):
        if held[name] != about[name]:
            found.append(f"other {name} ({held[name] or 'none'}, now {about[name] or 'none'})")
    if held["processes"] != about["processes"]:
        found.append(f"{held['processes']} processes (now {about['processes']})")
    return found


def _flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    options = {f"options.{name}": value for name, value in settings["options"].items()}
    return {**{name: value for name, value in settings.items() if name != "options"}, **options}
