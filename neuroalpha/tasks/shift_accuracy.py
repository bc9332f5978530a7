"""How the layers of one model bear shifts: readouts fitted on clean images, asked about shifted ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from neuroalpha.errors import InputError
from neuroalpha.tasks.decomposition import decompose_and_project
from neuroalpha.tasks.labels import class_names, codes_of, label_text
from neuroalpha.tasks.linear_readout import LinearReadout, linear_readout
from neuroalpha.tasks.ridge import RidgeReadouts, default_penalties
from neuroalpha.tasks.shifts import check_shifts, collect_shifts

if TYPE_CHECKING:
    from torch import nn


def shift_accuracy(
    model: nn.Module,
    train: Any,
    test: Any,
    layers: str | Iterable[str],
    reduce: str | Mapping[str, str] = "mean",
    *,
    corruptions: str | Sequence[str] = "*",
    severities: Sequence[int] = (1, 2, 3, 4, 5),
    natural: Mapping[str, Any] | None = None,
    penalties: Sequence[float] | None = None,
    select: str = "gcv",
    n_boot: int = 1000,
    seed: int = 0,
    batch_size: int = 64,
    device: Any = None,
    progress: bool = True,
) -> dict[str, xr.Dataset]:
    """Fit a ridge readout on each layer, and measure it on corrupted and naturally shifted images.

    Parameters
    ----------
    model : torch.nn.Module
        Is run once over ``train``, and over ``test`` once for each condition: 76 times with all corruptions.
    train, test : ImageSet
        Of :func:`neuroalpha.images`, with labels. Test images of classes that were not trained are left out, and told.
    layers, reduce, batch_size, device
        As for :func:`neuroalpha.extract`; ``reduce="mean"`` over space is what readouts usually see.
    corruptions
        Names or wildcards of :func:`neuroalpha.list_corruptions`; default all fifteen. ``()`` for none. They are
        applied to the pixels that the network sees, before these are normalised.
    severities
        Of 1 to 5.
    natural
        Further labelled ImageSets by name, such as those of :func:`neuroalpha.read_shifts`. Answers are restricted to
        the classes that a set holds.
    penalties, select
        Of the readout, see :func:`neuroalpha.readout`.
    n_boot, seed
        Of the intervals over images; the seed is that of the corruptions, too.
    progress
        Show a bar on stderr.

    Returns
    -------
    dict of layer to Dataset
        See :func:`neuroalpha.tasks.shift_result.shift_result`; ``accuracy`` is that on the clean test images.

    Raises
    ------
    InputError
        For images without labels, one class only, fewer than two shared classes, unknown corruptions; as
        :func:`neuroalpha.extract` does.

    Notes
    -----
    Memory: the training images' responses of all layers in float32, and for each layer its decomposition.

    Examples
    --------
    >>> import neuroalpha as na
    >>> rng = np.random.default_rng(0)
    >>> label = np.arange(60) % 3
    >>> pixels = (rng.integers(0, 120, (60, 32, 32, 3)) + 60 * label[:, None, None, None]).astype(np.uint8)
    >>> shown = na.images(pixels, label=label)
    >>> found = na.shift_accuracy(na.load_model("cifar:resnet20"), shown, shown, "layer1", corruptions=["fog"],
    ...                           severities=[1, 5], progress=False)
    >>> found["layer1"]["corruption_accuracy"].sizes["severity"]
    2
    """
    from neuroalpha.networks.stream import Stream
    from neuroalpha.tasks.corrupted import corrupted

    kinds, levels = check_shifts(corruptions, severities, n_boot, seed)
    labels = {}
    for name, images in (("training", train), ("test", test)):
        if getattr(images, "label", None) is None:
            raise InputError(f"the {name} images have no labels; give neuroalpha.images(..., label=...)")
        labels[name] = label_text(images.label, name, len(images))
    names = class_names(labels["training"], "training images")

    def responses(images: Any) -> Iterator[tuple[int, int, Mapping[str, Any]]]:
        with Stream(model, images, layers, reduce, batch_size=batch_size, device=device) as stream:
            yield from stream

    held: dict[str, np.ndarray] = {}
    for start, stop, outputs in responses(train):
        for layer, values in outputs.items():
            held.setdefault(layer, np.empty((len(train), values.shape[1]), dtype=np.float32))[start:stop] = values
    readouts: dict[str, LinearReadout] = {}
    for layer in list(held):
        values = held.pop(layer)
        if not np.isfinite(values).all():
            raise InputError(f"layer {layer!r} has NaN or infinite activations; check the weights and the images")
        found, projected = decompose_and_project(values)
        if not found.values.size:
            raise InputError(f"layer {layer!r} says the same of all training images: there is nothing to read out")
        chosen = default_penalties(found) if penalties is None else penalties
        fit = RidgeReadouts(found, projected).fit(
            codes_of(labels["training"], names),
            names.size,
            chosen,
            select,  # type: ignore[arg-type]
        )
        readouts[layer] = linear_readout(found, fit, names)
    digest = test.digest()
    return collect_shifts(
        responses,
        readouts,
        test,
        kinds=kinds,
        severities=levels,
        natural=natural or {},
        corrupted=lambda images, kind, severity: corrupted(images, digest, kind, severity, seed),
        n_boot=n_boot,
        seed=seed,
        progress=progress,
    )
