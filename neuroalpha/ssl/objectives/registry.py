"""Objectives by name, with their options."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from neuroalpha._checks import check_seed, whole
from neuroalpha.errors import InputError, nearest

if TYPE_CHECKING:
    from neuroalpha.ssl.objectives.base import Objective

# Name to file and class: importing them imports torch, so it waits until one is asked for.
OBJECTIVES = {
    "simclr": ("simclr", "SimCLR"),
    "barlow_twins": ("barlow_twins", "BarlowTwins"),
    "vicreg": ("vicreg", "VICReg"),
    "byol": ("byol", "BYOL"),
    "simsiam": ("simsiam", "SimSiam"),
    "spectral": ("spectral", "SpectralContrastive"),
    "directpred": ("directpred", "DirectPred"),
    "directcopy": ("directcopy", "DirectCopy"),
    "isoloss": ("isoloss", "IsoLoss"),
    "barlow_joint": ("barlow_joint", "BarlowJoint"),
    "nassar": ("nassar", "Nassar"),
    "supervised": ("supervised", "Supervised"),
    "random_labels": ("supervised", "RandomLabels"),
}


def list_objectives() -> list[str]:
    """List the names of all objectives.

    Examples
    --------
    >>> list_objectives()[:3]
    ['simclr', 'barlow_twins', 'vicreg']
    """
    return list(OBJECTIVES)


def objective_options(name: str) -> dict[str, Any]:
    """Return the options of an objective with their defaults.

    Raises
    ------
    InputError
        No such objective.

    Examples
    --------
    >>> objective_options("spectral")
    {'mu': 1.0}
    """
    parameters = inspect.signature(_class(name)).parameters.values()
    return {_public(p.name): p.default for p in parameters if p.kind is p.KEYWORD_ONLY}


def make_objective(
    name: str,
    *,
    n_features: int,
    n_projection: int,
    n_classes: int | None = None,
    seed: int = 0,
    options: Mapping[str, Any] | None = None,
) -> Objective:
    """Make an objective by name.

    Parameters
    ----------
    name
        One of :func:`list_objectives`.
    n_features, n_projection
        Widths of the backbone's and of the projector's output.
    n_classes
        Number of classes; needed by ``supervised`` and ``random_labels``.
    seed
        Seed of the objective's own parameters; the global generator of torch is left as it was.
    options
        Options of the objective, as :func:`objective_options` lists them.

    Raises
    ------
    InputError
        Unknown objective or option, an option of the wrong kind, classes missing; lightly missing where the objective
        is lightly's (``simclr``, ``barlow_twins``, ``vicreg``, ``byol``, ``simsiam``).

    Examples
    --------
    >>> import torch
    >>> from neuroalpha.ssl.objectives.base import Outputs
    >>> objective = make_objective("spectral", n_features=8, n_projection=2, options={"mu": 1.0})
    >>> z = torch.eye(2)
    >>> float(objective(Outputs(features=(z, z), projections=(z, z))))  # -2 mean(z1.z2), orthogonal negatives
    -2.0
    """
    import torch

    from neuroalpha.ssl.objectives.base import Sizes

    sizes = Sizes(
        whole(n_features, "n_features", 1),
        whole(n_projection, "n_projection", 1),
        None if n_classes is None else whole(n_classes, "n_classes", 2),
    )
    seed, kind, known = check_seed(seed), _class(name), objective_options(name)
    options = {} if options is None else options
    if not isinstance(options, Mapping):
        raise InputError(f"options of {name} are {options!r}; expected names with values, such as {known}")
    for key in options:
        if key not in known:
            expected = ", ".join(known) or "none"
            raise InputError(f"{name} has no option {key!r}{nearest(str(key), known)}; its options: {expected}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return kind(sizes, **{_private(key): value for key, value in options.items()})


def _class(name: str) -> type[Objective]:
    if not isinstance(name, str) or name not in OBJECTIVES:
        hint = nearest(str(name), OBJECTIVES)
        raise InputError(f"no objective {name!r}{hint}; expected one of {', '.join(OBJECTIVES)}")
    file, kind = OBJECTIVES[name]
    return getattr(import_module(f"neuroalpha.ssl.objectives.{file}"), kind)


def _public(parameter: str) -> str:
    """An option's name: ``lambda`` is a word of Python, so the parameter is ``lambda_``."""
    return parameter.rstrip("_")


def _private(option: str) -> str:
    return f"{option}_" if option == "lambda" else option
