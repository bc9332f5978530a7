"""What a run says of the claims about alpha: its spectra over many windows of ranks, against what its readouts did."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from neuroalpha._console import file_name
from neuroalpha._files import atomic_path, write_text
from neuroalpha.compare.claims import Claim, Claims, relate_claims
from neuroalpha.compare.zoo_table import zoo_table
from neuroalpha.errors import InputError
from neuroalpha.runs.folder import RunFolder
from neuroalpha.runs.results import labelled
from neuroalpha.runs.task_columns import add_columns, task_columns, without_alpha_of_collapsed

FIRSTS = (1, 2, 4, 6, 11, 16, 31, 51, 101)
LASTS = (10, 16, 32, 50, 64, 100, 128, 200, 300, 500, 1000)
READ_OUT = ("readouts", "shifts", "noise")  # kinds whose results are set against alpha
OCTAVES = 3.0  # windows shorter than a factor of this say little of a slope


def rank_windows(n: int) -> list[tuple[int, int]]:
    """Windows of ranks that the correlations are shown over, for spectra of ``n`` eigenvalues.

    Examples
    --------
    >>> rank_windows(40)
    [(1, 10), (1, 16), (1, 32), (2, 10), (2, 16), (2, 32), (4, 16), (4, 32), (6, 32)]
    """
    return [(first, last) for first in FIRSTS for last in LASTS if last <= n and last / first >= OCTAVES]


def relate_run(
    folder: str | os.PathLike[str],
    claim: Claim,
    *,
    x: str = "alpha",
    windows: Sequence[Any] | None = None,
    controls: Sequence[str] | None = None,
    group: str | None = "family",
    seed: int = 0,
    progress: bool = False,
    **options: Any,
) -> Claims:
    """Relate alpha, over many windows of ranks, to what the readouts of a run did.

    Parameters
    ----------
    folder
        Of a run with ``readouts``, ``shifts`` or ``noise``.
    claim : {"ood", "noise"}
        See :func:`neuroalpha.compare.claims.relate_claims`, which also takes the other parameters.
    windows
        Of ranks, "auto" or (first, last). Default: the plan's, and :func:`rank_windows` of the shortest spectrum.

    Raises
    ------
    InputError
        When the folder is not that of a run, or has no spectra or readouts.

    Examples
    --------
    >>> relate_run(tmp, "ood")
    Traceback (most recent call last):
    ...
    neuroalpha.errors.InputError: ... is not the folder of a run; ...
    """
    run = RunFolder.open(folder)
    columns = task_columns(run)
    own = set(columns.loc[columns["kind"].isin(READ_OUT), "images"]) if len(columns) else set()
    if not own:
        raise InputError(
            f"{folder} has no readouts; add [[tasks]] of kind = 'shifts' or 'noise' to the plan and run it"
        )
    spectra = [spectrum.drop_vars("eigenvalue_draw", errors="ignore") for spectrum in labelled(run)]
    if not spectra:
        raise InputError(f"{folder} has no spectra; add [[tasks]] of kind = 'spectra' to the plan and run it")
    on_training = [each for each in spectra if each.attrs["images"] in own]
    spectra = on_training or spectra
    if windows is None:
        shortest = min(int((each["eigenvalue"] > 0).sum()) for each in spectra)
        windows = list(dict.fromkeys([*run.windows, *rank_windows(shortest)]))
    table = without_alpha_of_collapsed(add_columns(zoo_table(spectra, windows), columns))
    return relate_claims(table, claim, x=x, controls=controls, group=group, seed=seed, progress=progress, **options)


def write_statements(found: Claims, folder: Path) -> list[Path]:
    """Write the statistics, the sentences, the points and the figures of each target."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    parts = [f"{target}\n  " + "\n  ".join(said) for target, said in found.sentences.items()]
    text = "\n\n".join(["\n".join(found.summary), *parts])
    written = [
        write_text(folder / "statistics.csv", found.table.to_csv(index=False)),
        write_text(folder / "overview.csv", found.overview.to_csv(index=False)),
        write_text(folder / "points.csv", found.points.to_csv(index=False)),
        write_text(folder / "sentences.txt", text + "\n"),
    ]
    for target, relation in found.relations.items():
        for name, figure in _figures(relation):
            path = folder / f"{file_name(f'{name} {target}')}.png"
            with atomic_path(path) as part:
                figure.savefig(part, dpi=130, format="png", bbox_inches="tight")
            pyplot.close(figure)
            written.append(path)
    return written


def _figures(relation: Any) -> Iterator[tuple[str, Any]]:
    """The points where the evidence is strongest, and the correlation over windows and layers if there are several."""
    from neuroalpha.report import plot_relation

    yield "points", plot_relation.relation(relation).get_figure()
    if "first" in relation.windows and relation.windows[["first", "last"]].dropna().drop_duplicates().shape[0] > 1:
        yield "windows", plot_relation.relation_by_window(relation).get_figure()
    if any(name in relation.within for name in ("layer", "position")):
        yield "layers", plot_relation.relation_by_layer(relation).get_figure()
