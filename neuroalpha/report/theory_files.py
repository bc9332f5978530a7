"""What a theory's check leaves in a folder: tables as CSV, labelled numbers as netCDF, figures as PNG."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import xarray as xr

from neuroalpha._files import atomic_path, make_folder, write_text
from neuroalpha.storage import save

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write_theory(
    folder: str | os.PathLike[str],
    *,
    tables: Mapping[str, pd.DataFrame] | None = None,
    datasets: Mapping[str, xr.Dataset] | None = None,
    figures: Mapping[str, Figure] | None = None,
) -> list[Path]:
    """Write all of them, each whole or not at all, under its name; figures are closed.

    Returns
    -------
    list of Path
        What was written, in the order given.

    Raises
    ------
    InputError
        When the folder cannot be made or written to.

    Examples
    --------
    >>> import pandas as pd
    >>> [path.name for path in write_theory(tmp / "out", tables={"errors": pd.DataFrame({"ratio": [10.0]})})]
    ['errors.csv']
    """
    place = make_folder(folder)
    written = [write_text(place / f"{name}.csv", table.to_csv(index=False)) for name, table in (tables or {}).items()]
    written += [save(dataset, place / f"{name}.nc") for name, dataset in (datasets or {}).items()]
    for name, figure in (figures or {}).items():
        with atomic_path(place / f"{name}.png") as part:
            figure.savefig(part, dpi=130, format="png", bbox_inches="tight")
        written.append(place / f"{name}.png")
    if figures:
        from matplotlib import pyplot

        for figure in figures.values():
            pyplot.close(figure)
    return written
