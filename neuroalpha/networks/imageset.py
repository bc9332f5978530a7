"""A set of stimuli with names, labels and a recorded preprocessing, read batch by batch."""

from __future__ import annotations

import copy
import hashlib
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neuroalpha._checks import check_seed, whole
from neuroalpha._text import duplicates, first_few, to_text
from neuroalpha.errors import InputError, nearest
from neuroalpha.networks.files import FileSource
from neuroalpha.networks.reading import fingerprint, readers, survey, told
from neuroalpha.networks.sources import ArraySource, Source
from neuroalpha.networks.transform import Normalize, Transform, make_transform

Change = tuple[Callable[[Tensor, np.ndarray], Tensor], dict[str, Any]]
_SKIP = "leave them out with skip_bad=True (--skip-bad-images)"


class ImageSet:
    """Stimuli for a network; made by :func:`~neuroalpha.networks.images.images`.

    Attributes
    ----------
    stimulus_id : ndarray of str (n,)
        Unique names, in the order in which the images are shown.
    preprocessing : list of dict
        What is done to each image, one step after the other, with all parameters; before that, where not all images of
        the source are shown, how they were chosen (``choose``) and how many were left out (``skip_bad``).
    identifier : str
        A name for the whole set.
    skipped : list of str
        The stimulus_id of images that ``skip_bad`` left out.
    """

    def __init__(
        self, source: Source, transform: Transform, stimulus_id: Any, label: Any, identifier: str | None
    ) -> None:
        n = len(source.stimulus_id)
        if n == 0:
            raise InputError("there are no images: the source is empty")
        self.stimulus_id = source.stimulus_id if stimulus_id is None else to_text(stimulus_id, "stimulus_id")
        self.identifier = identifier or source.name
        self.skipped: list[str] = []
        self._source, self._transform = source, transform
        self._choices: list[dict[str, Any]] = []
        self._change: Change | None = None
        self._fingerprints: list[bytes] | None = None
        self._label = None if label is None else np.asarray(label)
        for name, given in (("stimulus_id", self.stimulus_id), ("label", self._label)):
            if given is not None and given.shape != (n,):
                raise InputError(f"{name}= has shape {given.shape}, but there are {n} images: give one for each")
        twice = duplicates(self.stimulus_id)
        if twice.size:
            raise InputError(
                f"stimulus_id must be unique, but {first_few(twice)} occur more than once; rename or drop them"
            )

    def __len__(self) -> int:
        return len(self.stimulus_id)

    def __repr__(self) -> str:
        return f"<ImageSet {self.identifier!r}: {len(self)} images>"

    @property
    def preprocessing(self) -> list[dict[str, Any]]:
        """The choice of images, if not all are shown, and what is done to each."""
        return [dict(step) for step in (*self._choices, *self._steps)]

    @property
    def _steps(self) -> tuple[dict[str, Any], ...]:
        """What is done to each image; a change comes before the step that makes numbers of pixels."""
        steps = self._transform.steps
        if self._change is None:
            return steps
        place = next((at for at, step in enumerate(steps) if step["step"] in ("normalize", "transform")), len(steps))
        return (*steps[:place], self._change[1], *steps[place:])

    @property
    def label(self) -> np.ndarray | None:
        """Labels (n,) or None. Of a torch dataset they are noted while it is read; asking earlier reads all of it."""
        return self._source.label if self._label is None else self._label

    @property
    def concurrent(self) -> bool:
        """Whether the next batch may be read in another thread while a network works on this one."""
        return self._source.concurrent

    def batch(self, start: int, stop: int) -> Tensor:
        """Images ``start`` to ``stop`` (exclusive) as the network sees them: float32 (b, 3, H, W) on the CPU.

        Raises
        ------
        InputError
            If a file does not decode (it is named) or the images differ in size.
        """
        if isinstance(self._source, ArraySource) and self._transform.own is None:
            where = f"the array (images {start} to {stop - 1})"
            with torch.no_grad():
                pixels = self._one(self._source.block(start, stop), where)
                return self._transform.many(self._changed(pixels, np.arange(start, stop)))
        with readers(self.concurrent) as parallel:
            read = list(parallel(self._load, range(start, stop)))
        for index, image in enumerate(read, start):
            if image.shape != read[0].shape:
                raise InputError(
                    f"images differ in size: {self._source.where(index)} is {tuple(image.shape[-2:])} where "
                    f"{self._source.where(start)} is {tuple(read[0].shape[-2:])}; make them equal with size= and crop="
                )
        stacked = torch.stack(read)
        if self._transform.own is None:
            stacked = self._changed(stacked, np.arange(start, stop))
        return self._transform.many(stacked)

    def check(self, progress: bool = False) -> None:
        """Decode every image once, in threads, so that an unreadable one is known before the long work begins.

        What is read counts for :meth:`digest` too, which does the same check: a run needs one of the two only.

        Raises
        ------
        InputError
            One for all images that are no images, do not decode or have more than 8 bits: how many, which, and why.

        Examples
        --------
        >>> from neuroalpha.networks.images import images
        >>> images(np.zeros((5, 8, 8), dtype=np.uint8)).check()
        """
        self._read(progress)

    def digest(self, progress: bool = False) -> str:
        """Return ``"sha256:"`` and 16 hex digits over names, preprocessing and pixels; reads every image once.

        Two sets that show the same pixels in the same order under the same names with the same preprocessing have the
        same digest, wherever they were read from and whatever was left out on the way. Pixels count as they are read;
        a function given as ``transform=`` counts by its name. Files are read once in the life of the set, arrays each
        time.

        Raises
        ------
        InputError
            As for :meth:`check`.

        Examples
        --------
        >>> from neuroalpha.networks.images import images
        >>> pixels = np.arange(5 * 64, dtype=np.uint8).reshape(5, 8, 8)
        >>> images(pixels, limit=2).digest() == images(pixels[:2]).digest()
        True
        """
        digest = hashlib.sha256(repr((self._steps, self.stimulus_id.tolist())).encode("utf-8", "replace"))
        digest.update(b"".join(self._read(progress)))
        return f"sha256:{digest.hexdigest()[:16]}"

    def with_preprocessing(
        self,
        *,
        size: int | tuple[int, int] | None = None,
        crop: int | tuple[int, int] | None = None,
        normalize: Normalize = "imagenet",
        transform: Callable[[Any], Any] | None = None,
    ) -> ImageSet:
        """Return the same images under other preprocessing, which takes the place of this set's own.

        The options are those of :func:`~neuroalpha.networks.images.images`. Nothing is read or checked again: one set
        serves many networks.

        Examples
        --------
        >>> from neuroalpha.networks.images import images
        >>> stimuli = images(np.zeros((5, 8, 8), dtype=np.uint8))
        >>> tuple(stimuli.with_preprocessing(size=16).batch(0, 2).shape)
        (2, 3, 16, 16)
        """
        other = copy.copy(self)
        other._transform = make_transform(size, crop, normalize, transform)
        return other

    def changed(self, change: Callable[[Tensor, np.ndarray], Tensor], step: dict[str, Any]) -> ImageSet:
        """Return the same images, each changed before it is normalised: corrupted, say.

        Parameters
        ----------
        change
            From pixels as the network would see them, uint8 (b, 3, H, W) after resizing and cropping, and the numbers
            of the images in this set (b,), to pixels of the same shape and dtype. With a preprocessing function
            (``transform=``) it is given each image as it was read instead, before that function.
        step
            The record of it, for :attr:`preprocessing`.

        Examples
        --------
        >>> from neuroalpha.networks.images import images
        >>> stimuli = images(np.zeros((5, 8, 8), dtype=np.uint8), normalize=None)
        >>> white = stimuli.changed(lambda pixels, index: 255 - pixels, {"step": "invert"})
        >>> white.batch(0, 2).min().item(), white.preprocessing[-1]["step"]
        (1.0, 'invert')
        """
        if self._change is not None:
            raise InputError(f"the images are changed already ({self._change[1]}); change the images as they were")
        other = copy.copy(self)
        other._change = (change, dict(step))
        return other

    def _changed(self, pixels: Tensor, index: np.ndarray) -> Tensor:
        """Pixels, uint8 or float in 0..1, after the change if there is one; floats come back as floats."""
        if self._change is None:
            return pixels
        if pixels.dtype == torch.uint8:
            return self._change[0](pixels, index)
        levels = (pixels * 255).round().clamp(0, 255).to(torch.uint8)
        return self._change[0](levels, index).to(torch.float32) / 255

    def _read(self, progress: bool) -> list[bytes]:
        """The fingerprints of all images."""
        if self._fingerprints is not None:
            return self._fingerprints
        found, faults = self._survey(progress)
        if faults:
            raise InputError(f"{told(self.stimulus_id, faults)}; replace them, or {_SKIP}")
        self._keep(found)
        return [each for each in found if each is not None]

    def _survey(self, progress: bool) -> tuple[list[bytes | None], dict[int, str]]:
        return survey(lambda index: fingerprint(self._source, index), len(self), self.concurrent, progress)

    def _keep(self, found: list[bytes | None]) -> None:
        if not isinstance(self._source, ArraySource):  # an array can be changed by its owner, and is soon read again
            self._fingerprints = [each for each in found if each is not None]

    def _take(self, rows: np.ndarray, step: dict[str, Any]) -> ImageSet:
        """Some of the images; ``step`` is the record of which."""
        chosen = copy.copy(self)
        chosen._source, chosen.stimulus_id = self._source.select(rows), self.stimulus_id[rows]
        chosen._label = None if self._label is None else self._label[rows]
        chosen._choices = [*self._choices, step]
        if self._fingerprints is not None:
            chosen._fingerprints = [self._fingerprints[row] for row in rows]
        return chosen

    def choose(self, limit: int | None, sample_seed: int | None) -> ImageSet:
        """The first ``limit`` images, or a random choice of them in the order of the set."""
        n = len(self)
        if limit is None:
            if sample_seed is not None:
                raise InputError("sample_seed= chooses limit= images at random; give limit= too")
            return self
        limit = whole(limit, "limit", 1)
        if limit >= n:
            return self
        if sample_seed is None:
            return self._take(np.arange(limit), {"step": "choose", "which": "first", "n": limit, "of": n})
        rows = np.sort(np.random.default_rng(check_seed(sample_seed)).permutation(n)[:limit])
        return self._take(rows, {"step": "choose", "which": "random", "seed": int(sample_seed), "n": limit, "of": n})

    def glance(self) -> None:
        """Read the headers of files, which tell most bad ones at 10,000 a second."""
        if isinstance(self._source, FileSource):
            faults = survey(self._source.glance, len(self), self.concurrent, progress=False)[1]
            if faults:
                raise InputError(f"{told(self.stimulus_id, faults)}; replace them, or {_SKIP}")

    def without_bad(self, progress: bool) -> ImageSet:
        """Read all images and leave out those that cannot be read."""
        found, faults = self._survey(progress)
        if len(faults) == len(self):
            raise InputError(f"{told(self.stimulus_id, faults)}: nothing is left to show; give other images")
        kept = self.without(self.stimulus_id[list(faults)]) if faults else self
        kept._keep(found)
        if faults:
            warnings.warn(f"{told(self.stimulus_id, faults)}; left out, as skip_bad=True asks", stacklevel=3)
        return kept

    def without(self, names: Sequence[str] | np.ndarray) -> ImageSet:
        """Leave out images by their stimulus_id."""
        names = [str(name) for name in names]
        known = set(self.stimulus_id.tolist())
        unknown = [name for name in names if name not in known]
        if unknown:
            hint = nearest(unknown[0], self.stimulus_id.tolist())
            raise InputError(f"skip_bad= names images that are not there: {first_few(unknown)}{hint}")
        rows = np.flatnonzero(~np.isin(self.stimulus_id, names))
        if rows.size == 0:
            raise InputError(f"skip_bad= names all {len(self)} images; nothing is left to show")
        chosen = self._take(rows, {"step": "skip_bad", "n_skipped": len(self) - len(rows)})
        chosen.skipped = names
        return chosen

    def _load(self, index: int) -> Tensor:
        with torch.no_grad():  # grad mode belongs to a thread, and readers have their own
            pixels = self._source.read(index)
            if self._transform.own is not None:
                pixels = self._changed(pixels[None], np.array([index]))[0]
            return self._one(pixels, self._source.where(index))

    def _one(self, pixels: Tensor, where: str) -> Tensor:
        image = self._transform.one(pixels, where)
        if image.ndim < 3 or image.shape[-3] != 3:
            raise InputError(f"transform= made {where} of shape {tuple(image.shape)}; networks need (3, H, W)")
        return image
