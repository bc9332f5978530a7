"""Accuracy of readouts of a model's layers when the images shift: corruptions, and sets that are shifted by nature."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from tqdm import tqdm

from neuroalpha._checks import check_seed, whole
from neuroalpha._text import first_few
from neuroalpha.errors import InputError
from neuroalpha.tasks.linear_readout import Answers, LinearReadout, answers
from neuroalpha.tasks.shift_result import shift_result

Responses = Callable[[Any], Iterator[tuple[int, int, Mapping[str, Any]]]]
"""From images to the layers' responses, batch by batch: ``(start, stop, {layer: (stop - start, units)})``."""
Corrupted = Callable[[Any, str, int], Any]
"""From images, kind and severity to the corrupted images."""


def collect_shifts(
    responses: Responses,
    readouts: Mapping[str, LinearReadout],
    test: Any,
    *,
    kinds: Sequence[str],
    severities: Sequence[int],
    natural: Mapping[str, Any],
    corrupted: Corrupted,
    n_boot: int = 1000,
    seed: int = 0,
    progress: bool = False,
    tell: bool = True,
) -> dict[str, xr.Dataset]:
    """Ask the readouts of several layers about one set, its corrupted copies and other sets: one pass for each.

    Parameters
    ----------
    responses
        Runs the model.
    readouts
        By layer; all of the same classes.
    test, natural
        Labelled images, and further sets by name.
    kinds, severities
        Of corruptions; none without kinds.
    corrupted
        Makes the corrupted images.
    n_boot, seed
        Of the intervals over images.
    progress
        Show a bar on stderr.
    tell
        Warn of classes that are left out.

    Returns
    -------
    dict of layer to Dataset
        See :func:`neuroalpha.tasks.shift_result.shift_result`.

    Raises
    ------
    InputError
        When a set has no labels, or fewer than two classes of the readouts.
    """
    names = next(iter(readouts.values())).names
    asked = match(test, "test images", names, tell=tell)
    others = {name: match(images, name, names, tell=tell) for name, images in natural.items()}
    conditions = [(kind, severity) for kind in kinds for severity in severities]
    clean = _right(responses, readouts, test, {"": asked, **_restricted(asked, others)})
    right = {layer: np.zeros((len(kinds), len(severities), asked.rows.size), dtype=bool) for layer in readouts}
    steps = tqdm(conditions, unit="condition", file=sys.stderr, disable=not progress, delay=1)
    for number, (kind, severity) in enumerate(steps):
        found = _right(responses, readouts, corrupted(test, kind, severity), {"": asked})
        for layer in readouts:
            right[layer][divmod(number, len(severities))] = found[layer][""]
    shifted = {name: _right(responses, readouts, natural[name], {"": each}) for name, each in others.items()}
    return {
        layer: shift_result(
            clean[layer],
            right[layer],
            {name: (found[layer][""], clean[layer][name], others[name]) for name, found in shifted.items()},
            kinds,
            severities,
            n_boot,
            seed,
        ).assign_attrs(penalty=readout.penalty, n_classes=int(names.size))
        for layer, readout in readouts.items()
    }


def match(images: Any, name: str, classes: np.ndarray, *, tell: bool = True) -> Answers:
    """The images of a set that the readouts can be asked about; warns of classes that are left out if ``tell``."""
    if images.label is None:
        raise InputError(f"{name} have no labels; give images with a label for each")
    found = answers(images.label, classes)
    if found.among.size < 2:
        raise InputError(
            f"{name} share {found.among.size} classes with the readouts, by name: theirs are "
            f"{first_few(np.unique(np.asarray(images.label).astype(str)))}, the readouts' {first_few(classes)}; at "
            "least 2 are needed"
        )
    missing = classes.size - found.among.size
    if tell and (found.dropped or missing):
        left = [f"{len(images) - found.rows.size} images of classes not trained: {first_few(found.dropped)}"]
        warnings.warn(
            f"{name}: {left[0] if found.dropped else 'all images are kept'}; answers are among the "
            f"{found.among.size} of {classes.size} trained classes that it holds",
            stacklevel=4,
        )
    return found


def check_shifts(kinds: Any, severities: Any, n_boot: Any, seed: Any) -> tuple[list[str], list[int]]:
    """Corruption kinds that names or wildcards mean, and the severities, checked."""
    from fnmatch import fnmatchcase

    from neuroalpha.errors import nearest
    from neuroalpha.tasks.corruptions.corrupt import list_corruptions

    known = list_corruptions()
    whole(n_boot, "n_boot", 1)
    check_seed(seed)
    found: list[str] = []
    for pattern in [kinds] if isinstance(kinds, str) else kinds:
        fitting = [name for name in known if isinstance(pattern, str) and fnmatchcase(name, pattern)]
        if not fitting:
            raise InputError(f"there is no corruption {pattern!r}{nearest(str(pattern), known)}: {', '.join(known)}")
        found += [name for name in fitting if name not in found]
    levels = [severities] if isinstance(severities, int) else list(severities)
    if not levels or any(type(each) is not int or not 1 <= each <= 5 for each in levels):
        raise InputError(f"severities are {severities!r}; expected whole numbers from 1 to 5")
    return [name for name in known if name in found], sorted(set(levels))


def _restricted(asked: Answers, others: Mapping[str, Answers]) -> dict[str, Answers]:
    """The clean test images of the classes that each other set holds, to compare like with like."""
    found = {}
    for name, each in others.items():
        kept = np.isin(asked.codes, each.among)
        found[name] = Answers(asked.rows[kept], asked.codes[kept], each.among, ())
    return found


def _right(
    responses: Responses, readouts: Mapping[str, LinearReadout], images: Any, asked: Mapping[str, Answers]
) -> dict[str, dict[str, np.ndarray]]:
    """Whether each image asked about is named rightly, by layer and by the name of what was asked."""
    decisions = {layer: np.empty((len(images), readout.names.size)) for layer, readout in readouts.items()}
    for start, stop, outputs in responses(images):
        for layer, readout in readouts.items():
            decisions[layer][start:stop] = readout.decisions(np.asarray(outputs[layer]))
    return {
        layer: {
            name: each.among[values[np.ix_(each.rows, each.among)].argmax(axis=1)] == each.codes
            for name, each in asked.items()
        }
        for layer, values in decisions.items()
    }
