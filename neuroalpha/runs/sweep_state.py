"""What became of a sweep, in sentences: how many networks were trained, which collapsed."""

from __future__ import annotations

import os

from neuroalpha._text import first_few
from neuroalpha.runs.folder import RunFolder
from neuroalpha.runs.task_columns import task_results


def told_of_sweep(folder: str | os.PathLike[str]) -> list[str]:
    """Say of a run how many of its networks were trained, and which representations collapsed.

    Examples
    --------
    >>> told_of_sweep(tmp)
    Traceback (most recent call last):
    ...
    neuroalpha.errors.InputError: ... is not the folder of a run; ...
    """
    why: dict[tuple[str, str], str] = {}
    trained: dict[str, None] = {}
    for names, result in task_results(RunFolder.open(folder)):
        if names["kind"] == "train":
            trained[names["model"]] = None
        attrs = result.attrs
        told = attrs.get("training_collapsed", "") if names["kind"] == "train" else ""
        if names["kind"] == "scores" and attrs.get("collapsed"):
            told = f"{names['layer']}: {attrs['reason']}"
        for part in told.split("; ") if told else ():
            layer = part.partition(": ")[0]
            why.setdefault((names["model"], layer), part)
    said = [f"{len(trained)} networks trained"]
    for layer in dict.fromkeys(layer for _, layer in why):
        said.append(_told(layer, {name: why[name, layer] for name in trained if (name, layer) in why}, len(trained)))
    return said


def _told(layer: str, why: dict[str, str], n: int) -> str:
    """One sentence on the networks whose layer collapsed."""
    if len(why) == n:
        return (
            f"every network collapsed in its {layer}, the first one so: {next(iter(why.values()))}; there is no alpha "
            "of it to compare; look at stop_gradient, the predictor, lr and weight_decay"
        )
    return f"{len(why)} of them collapsed in their {layer}, which has no alpha then: {first_few(list(why))}"
