"""What the model entries of a plan mean: names, files or functions, each one model; and how to build it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from fnmatch import fnmatchcase
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from neuroalpha.errors import InputError
from neuroalpha.runs.plan import ModelEntry, Plan


@dataclass(frozen=True)
class ModelSpec:
    """One model, in words that another process or machine understands."""

    name: str
    """As in the table."""
    weights: str = ""
    """"", a published name, or the path of a file."""
    seed: int = 0
    num_classes: int | None = None
    architecture: str = ""
    """Of a checkpoint; "" where the file says it."""
    kind: str = "catalogue"
    """"catalogue", "checkpoint", "code" or "trained"."""
    code: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    label: str = ""
    """In the table, in place of the name."""
    family: str = ""

    def title(self) -> str:
        """Name and weights, to tell models of one name apart."""
        if self.label:
            return self.label
        if self.kind in ("code", "trained"):
            return self.name
        return f"{self.name} ({Path(self.weights).name if self.weights else f'random, seed {self.seed}'})"

    def identity(self) -> dict[str, Any]:
        """What the model depends on, without building it: names, seeds, files, versions of libraries.

        Weights count by size and time of their file: too many to read at every start, and a model that is built again
        for nothing finds its results, whose keys hold the digest of the weights themselves.
        """
        content = {name: value for name, value in asdict(self).items() if value or name not in ("label", "family")}
        if self.weights and Path(self.weights).is_file():
            status = Path(self.weights).stat()
            content["weights"] = [Path(self.weights).name, status.st_size, status.st_mtime_ns]
        if self.kind == "trained":
            from neuroalpha.runs.trained import identity_of

            content["options"] = identity_of(self.options)
        if self.code:
            path = Path(self.code.rpartition(":")[0])
            content["code"] = [path.name, hashlib.sha256(path.read_bytes()).hexdigest()]
        content["libraries"] = {name: _version(name) for name in ("torch", "torchvision", "timm")}
        return content


def expand_models(plan: Plan, allow_code: bool) -> list[ModelSpec]:
    """Every model that the plan's entries name, in the order of the entries, each once.

    Raises
    ------
    InputError
        For a name that matches nothing (with the nearest), files that are not there, code without ``allow_code``.
    """
    specs: dict[str, ModelSpec] = {}
    for number, entry in enumerate(plan.models, 1):
        for spec in _expand(plan, entry, f"[[models]] number {number}", allow_code):
            spec = replace(spec, label=entry.label, family=entry.family or spec.family or family_of(spec.name))
            specs.setdefault(repr(spec), spec)
    return list(specs.values())


def family_of(name: str) -> str:
    """The letters that a model's name begins with.

    Examples
    --------
    >>> family_of("torchvision:resnet18"), family_of("timm:vit_base_patch16_224")
    ('resnet', 'vit')
    """
    bare = name.partition(":")[2] if name.partition(":")[0] in ("timm", "torchvision", "cifar") else name
    found = re.match(r"[A-Za-z]+", bare)
    return found.group() if found else bare


def build_model(spec: ModelSpec, allow_code: bool, train: bool = True) -> tuple[Any, Any]:
    """The model, and the preprocessing function that its code gave, or None.

    A network of a sweep is trained where it is not yet, unless ``train`` is False: then it has its first weights.
    """
    if spec.kind == "code":
        from neuroalpha.networks.code import load_code

        return load_code(spec.code, allow=allow_code, options=spec.options)
    if spec.kind == "trained":
        from neuroalpha.runs.trained import build_trained, is_trained, untrained

        return (build_trained(spec) if train or is_trained(spec) else untrained(spec)), None
    if spec.kind == "checkpoint" and not spec.architecture and _is_own(Path(spec.weights)):
        from neuroalpha.networks.provenance import remember
        from neuroalpha.ssl.state import load_trained

        network = load_trained(spec.weights)
        remember(network, spec.name, Path(spec.weights).name)
        return network, None
    if spec.kind == "checkpoint":
        from neuroalpha.networks.checkpoints import load_checkpoint

        return load_checkpoint(spec.weights, spec.architecture or None, num_classes=spec.num_classes), None
    from neuroalpha.networks.catalogue import load_model

    return load_model(spec.name, spec.weights or None, seed=spec.seed, num_classes=spec.num_classes), None


def _expand(plan: Plan, entry: ModelEntry, where: str, allow_code: bool) -> list[ModelSpec]:
    from neuroalpha.networks.checkpoints import list_checkpoints

    if entry.sweep:
        from neuroalpha.runs.trained import sweep_specs

        specs = [spec for spec in sweep_specs(plan, entry, where) if not fits_any(spec.name, entry.exclude)]
        if not specs:
            raise InputError(f"{where}: exclude leaves none of the networks of {plan.path(entry.sweep)}")
        return specs
    if entry.code:
        path, _, function = entry.code.rpartition(":")
        if not path or not function:
            raise InputError(f"{where} has code {entry.code!r}; expected 'file.py:function'")
        if not allow_code:
            raise InputError(
                f"{where} names code {entry.code!r}, which would run on this machine: look at it, and pass "
                "--allow-code if you trust it"
            )
        if not plan.path(path).is_file():
            raise InputError(f"{where}: there is no file {plan.path(path)}")
        code = f"{plan.path(path)}:{function}"
        return [ModelSpec(f"{Path(path).name}:{function}", kind="code", code=code, options=dict(entry.options))]
    if entry.checkpoints:
        try:
            files = list_checkpoints(plan.path(entry.checkpoints))
        except InputError as error:
            raise InputError(f"{where}: {error}") from error
        kept = [file for file in files if not any(fnmatchcase(file.name, out) for out in entry.exclude)]
        if not kept:
            raise InputError(f"{where}: exclude leaves none of the checkpoints in {plan.path(entry.checkpoints)}")
        if ":" in entry.name:  # other names are of one family or another, which loading finds out
            _named(entry.name, where, wildcard=False)
        return [
            ModelSpec(
                entry.name or (f.parent.name if f.name == "network.pt" else f.stem), str(f), 0, entry.num_classes,
                architecture=entry.name, kind="checkpoint",
            )
            for f in kept
        ]  # fmt: skip
    names = _named(entry.name, where)
    names = [name for name in names if not any(_fits(name, out) for out in entry.exclude)]
    if not names:
        raise InputError(f"{where}: exclude leaves none of the models called {entry.name!r}")
    weights = entry.weights
    if weights and plan.path(weights).is_file():
        weights = str(plan.path(weights))
    return [ModelSpec(name, weights, entry.seed, entry.num_classes) for name in names]


def _is_own(file: Path) -> bool:
    """Whether a checkpoint is of a network that neuroalpha trained, which says all that is needed itself."""
    from neuroalpha.networks.weights import read_checkpoint

    if file.suffix != ".pt":
        return False
    content = read_checkpoint(file)
    return isinstance(content, Mapping) and {"settings", "objective", "state_dict"} <= set(content)


def _named(name: str, where: str, wildcard: bool = True) -> list[str]:
    """Catalogue names that a name or wildcard means."""
    from neuroalpha.networks.catalogue import check_name, list_models

    if not wildcard or not any(sign in name for sign in "*?["):
        try:
            return [check_name(name)]
        except InputError as error:
            raise InputError(f"{where}: {error}") from error
    names = list_models(name)
    if not names:
        check_name(name) if name.startswith("timm:") else None  # says what to install where timm is missing
        raise InputError(f"{where}: no model fits {name!r}; `neuroalpha extract '*' --models` lists them")
    return names


def _fits(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern) or fnmatchcase(name.partition(":")[2], pattern)


def fits_any(name: str, patterns: tuple[str, ...]) -> bool:
    """Whether a model's name, with or without its prefix, fits one of the patterns."""
    return any(_fits(name, pattern) for pattern in patterns)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
