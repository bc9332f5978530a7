"""How well readouts stand wrong training labels: accuracy on clean test images over kinds and levels of noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

import neuroalpha
from neuroalpha._checks import check_seed, whole
from neuroalpha.assembly import clean_attrs
from neuroalpha.errors import InputError
from neuroalpha.spectrum.checks import check_responses
from neuroalpha.spectrum.result import INHERITED
from neuroalpha.tasks.decomposition import Decomposition, decompose_and_project
from neuroalpha.tasks.label_noise import NOISES, resolve_pairs
from neuroalpha.tasks.labels import encode
from neuroalpha.tasks.noise_inputs import (
    PLACE,
    all_levels,
    check_features,
    check_noises,
    filled,
    human_codes,
    numbered,
)
from neuroalpha.tasks.noise_readouts import noisy_labels, score_label_sets
from neuroalpha.tasks.noise_scores import Draws, area, bootstrap, drop, interval
from neuroalpha.tasks.readout_inputs import check_same_neuroids, labels_of, recorded
from neuroalpha.tasks.ridge import RidgeReadouts, Select, check_penalties, default_penalties

LEVELS = (0.0, 0.1, 0.2, 0.4, 0.6, 0.8)


def noise_robustness(
    train: xr.DataArray,
    test: xr.DataArray,
    *,
    noises: Sequence[str] = NOISES,
    levels: Sequence[float] = LEVELS,
    n_seeds: int = 5,
    human: Mapping[str, Any] | None = None,
    pairs: Mapping[Any, Any] | None = None,
    instance_features: Any = None,
    penalties: Sequence[float] | None = None,
    select: Select = "gcv",
    label: str = "label",
    n_boot: int = 1000,
    seed: int = 0,
    progress: bool = True,
) -> xr.Dataset:
    """Train ridge readouts on wrong labels and test them on right ones, over kinds and levels of noise.

    Only training labels are noisy, and each noisy label set chooses its ridge penalty by itself, without a clean label.
    All readouts come from one decomposition of the training responses.

    Parameters
    ----------
    train, test : DataArray
        Assemblies of the same neuroids with a coordinate ``label`` along presentation. As for
        :func:`neuroalpha.readout`, a NaN counts as the neuroid's mean over training images, and images that are NaN
        throughout are left out, with what ``human`` and ``instance_features`` say of them.
    noises : sequence of {"symmetric", "asymmetric", "instance"}
        Kinds of synthetic noise: :func:`~neuroalpha.tasks.label_noise.symmetric` (a level's share of the labels, each
        by any other class), :func:`~neuroalpha.tasks.label_noise.asymmetric` (a level's share of each class that is
        mistaken for one other; above .5 the wrong class outweighs the right one) and
        :func:`~neuroalpha.tasks.label_noise.instance_dependent` (images have flip rates around the level and
        features that choose the class). Kinds differ in the share of wrong labels at a level: see ``wrong``.
    levels : sequence of float
        From 0 to below 1; 0 is added where it is missing. Default: 0, .1, .2, .4, .6, .8.
    n_seeds : int
        Draws of each kind of noise (default 5). A wrong label stays the same at all higher levels of its draw.
    human : mapping of name to labels (n,), optional
        Label sets that people gave the training images, as of :func:`neuroalpha.read_human_labels`; each is its own
        level.
    pairs : mapping of class to class, optional
        Which class each is mistaken for in asymmetric noise. Default: the published map for CIFAR-10's class names
        (five classes, so that half the level's share of all labels is wrong), else each for the next one.
    instance_features : array (n, q), optional
        What instance noise depends on. Default: the training responses. Where models are compared, give all of them
        the same, the pixels for example: each then gets the same labels. The other kinds depend on the seed only.
    penalties : sequence of float, optional
        Ridge penalties to choose from. Default: of :func:`neuroalpha.tasks.ridge.default_penalties`.
    select : {"gcv", "loo"}
        Generalised cross-validation (default) or exact leave-one-out.
    label : str
        The coordinate that holds the classes.
    n_boot : int
        Bootstrap samples for intervals (default 1000); 0: none.
    seed : int
        Of noise and bootstrap.
    progress : bool
        Show a progress bar on stderr.

    Returns
    -------
    Dataset
        Over ``noise``, ``level`` and ``draw``: ``accuracy`` on the test images; ``memorisation``, the share of wrongly
        labelled training images predicted as their wrong label, and ``clean_fit``, that of those predicted as their
        true class (NaN without wrong labels); ``wrong``, the share of wrong labels; ``penalty``.
        Over ``noise`` and ``level``: ``accuracy_mean`` over draws and ``noise_drop``, the clean accuracy less it.
        Over ``noise``: ``noise_area``, the area under the curve of the mean accuracy divided by the span of the levels,
        and ``noise_area_relative``, that over the clean accuracy. ``clean_accuracy`` has no dim.
        Over ``human``: ``human_accuracy``, ``human_drop``, ``human_wrong``, ``human_memorisation``,
        ``human_clean_fit``, ``human_penalty``.
        Accuracies of several draws, drops and areas have 95 % intervals, ``..._low`` and ``..._high``: percentiles of a
        bootstrap over test images and, where there are several, over noise draws.

    Raises
    ------
    InputError
        For labels that are missing, of one class, or that human labels do not match in number or name; a level outside
        0 to 1; an unknown kind of noise; neuroids that differ, are all constant or hold infinite values.

    Warns
    -----
    UserWarning
        When classes differ, images are left out or neuroids constant.

    Notes
    -----
    Ghosh et al. 2022 (arXiv 2202.05808) relate alpha to "robustness to label noise during fine-tuning"; levels and
    summaries are this library's. Kinds: Patrini et al. 2017 (CVPR), Xia et al. 2020 (NeurIPS). Time: the decomposition,
    and for each label set 2 r C (n + m) operations, r components, C classes, n and m images. Memory: the projected
    responses; for instance noise without features of its own, two copies of the training responses.

    Examples
    --------
    >>> import numpy as np
    >>> import neuroalpha as na
    >>> rng = np.random.default_rng(0)
    >>> def responses(n):
    ...     names = rng.choice(["cat", "dog", "frog"], size=n)
    ...     x = 3 * (names[:, None] == ["cat", "dog", "frog"]) + rng.normal(size=(n, 3))
    ...     return na.make_assembly(x, stimulus_id=np.arange(n), presentation={"label": names})
    >>> found = na.noise_robustness(responses(200), responses(200), levels=(0, 0.4), noises=["symmetric"])
    >>> found.sizes["draw"], found.wrong.values[0, :, 0].tolist(), bool(found.noise_drop[0, 1] >= 0)
    (5, [0.0, 0.4], True)
    """
    # Whatever is asked for is checked before the decomposition, which may take long.
    train = numbered(train)
    n_given = train.shape[0]
    train, test = recorded(train, "training"), recorded(test, "test")
    check_same_neuroids(train, test)
    classes = encode(labels_of(train, label, "training"), labels_of(test, label, "test"))
    n_constant = check_responses(train, needs_repeats=False).n_constant
    kept = train[PLACE].values  # what people and features say is of the images as they were given
    humans = {name: each[kept] for name, each in human_codes(human, classes.names, n_given).items()}
    kinds = check_noises(noises, bool(humans))
    targets, told = resolve_pairs(pairs, classes.names)
    told_features = ""
    features = None if instance_features is None else check_features(instance_features, n_given)[kept]
    if "instance" in kinds:
        told_features = "training responses" if features is None else f"given, {features.shape[1]} for each image"
        features = filled(train) if features is None else features
    asked: dict[str, Any] = {
        "noises": kinds, "levels": all_levels(levels), "n_seeds": whole(n_seeds, "n_seeds", 1),
        "select": _select(select), "penalties": None if penalties is None else check_penalties(penalties),
        "n_boot": whole(n_boot, "n_boot"), "seed": check_seed(seed), "progress": progress,
    }  # fmt: skip
    decomposition, projected = decompose_and_project(train.data)
    tested = test.data if not classes.dropped else test.data[classes.test_rows]
    found = noise_curve(
        decomposition, projected, classes.train, decomposition.project(tested), classes.test,
        classes.names.size, human=humans, targets=targets, features=features, shared=classes.shared, **asked,
    )  # fmt: skip
    inherited = {name: train.attrs[name] for name in INHERITED if name in train.attrs}
    return found.assign_attrs(
        **clean_attrs(inherited),
        label=label,
        pairs=told if "asymmetric" in kinds else "",
        instance_features=told_features,
        n_constant=n_constant,
        classes_dropped=", ".join(classes.dropped),
        classes_absent=", ".join(classes.absent),
    )


def noise_curve(
    decomposition: Decomposition,
    projected_train: np.ndarray,
    codes_train: np.ndarray,
    projected_test: np.ndarray,
    codes_test: np.ndarray,
    n_classes: int,
    *,
    noises: Sequence[str] = NOISES,
    levels: Sequence[float] | np.ndarray = LEVELS,
    n_seeds: int = 5,
    human: Mapping[str, np.ndarray] | None = None,
    targets: np.ndarray | None = None,
    features: Any = None,
    shared: np.ndarray | None = None,
    penalties: Any = None,
    select: Select = "gcv",
    n_boot: int = 1000,
    seed: int = 0,
    progress: bool = False,
) -> xr.Dataset:
    """What :func:`noise_robustness` gives, from a decomposition and codes that are there already.

    Parameters
    ----------
    decomposition : Decomposition
        Of the training responses.
    projected_train, projected_test : array (n, r), (m, r)
        Responses projected on it.
    codes_train, codes_test : int array (n,), (m,)
        True classes.
    n_classes : int
    human : mapping of name to int array (n,), optional
        Codes of label sets that people gave.
    targets : int array (n_classes,), optional
        Of :func:`~neuroalpha.tasks.label_noise.resolve_pairs`. Default: each class is mistaken for the next one.
    features : array (n, q), optional
        What instance noise depends on; needed for that kind. Give those that do not depend on the model, or the raw
        responses: components have signs that differ between machines.
    shared : int array, optional
        Classes that test images can be predicted as. Default: all.
    noises, levels, n_seeds, penalties, select, n_boot, seed, progress
        As of :func:`noise_robustness`.

    Raises
    ------
    InputError
        For codes, levels, kinds or penalties that cannot be, and instance noise without features.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> codes = rng.integers(2, size=200)
    >>> x = 2.0 * codes[:, None] + rng.normal(size=(200, 5))
    >>> found, z = decompose_and_project(x)
    >>> curve = noise_curve(found, z, codes, z, codes, 2, noises=["symmetric"], levels=[0, 0.3])
    >>> bool(curve.noise_drop[0, 1] > 0), float(curve.wrong[0, 1, 0])
    (True, 0.3)
    """
    sets_of = dict(human or {})
    kinds, heights = check_noises(noises, bool(sets_of)), all_levels(levels)
    if "instance" in kinds:
        if features is None:
            raise InputError("instance noise depends on the images; give features= (n, q), or leave it out of noises")
        features = check_features(features, codes_train.size)
    if penalties is None:
        penalties, told = default_penalties(decomposition), "default"
    else:
        penalties, told = check_penalties(penalties), "given"
    noisy = noisy_labels(codes_train, n_classes, kinds, heights[1:], n_seeds, targets, features, seed)
    # The clean labels come once: every curve begins there.
    sets = np.concatenate(
        [codes_train[None], noisy.reshape(-1, codes_train.size), *(c[None] for c in sets_of.values())]
    )
    scores = score_label_sets(
        RidgeReadouts(decomposition, projected_train), sets, codes_train, projected_test, codes_test, n_classes,
        penalties, select, shared, progress,
    )  # fmt: skip

    def curves(values: np.ndarray) -> np.ndarray:
        """Of label sets (s, ...): (noise, level, draw, ...)."""
        first = np.broadcast_to(values[0], (len(kinds), n_seeds, 1, *values.shape[1:]))
        rest = values[1 : 1 + noisy[..., 0].size].reshape(*noisy.shape[:3], *values.shape[1:])
        return np.moveaxis(np.concatenate([first, rest], axis=2), 1, 2)

    correct = curves(scores.correct)
    one_each = scores.correct[[0, *range(sets.shape[0] - len(sets_of), sets.shape[0])]]  # clean, then human
    draws = bootstrap(correct, one_each, n_boot, np.random.default_rng([seed, len(NOISES)]))
    by_draw, dims = correct.mean(axis=-1), ("noise", "level", "draw")
    found = xr.Dataset(
        {
            "accuracy": (dims, by_draw),
            "memorisation": (dims, curves(scores.as_labelled)),
            "clean_fit": (dims, curves(scores.as_true)),
            "wrong": (dims, curves(scores.wrong)),
            "penalty": (dims, curves(scores.penalty)),
            **_summaries(by_draw.mean(axis=-1), one_each.mean(axis=-1), draws, heights, bool(sets_of)),
        },
        coords={"noise": np.array(kinds, dtype=str), "level": heights, "draw": np.arange(n_seeds)},
    )
    if sets_of:
        found = found.assign_coords(human=np.array(list(sets_of), dtype=str))
        for name, values in (
            ("wrong", scores.wrong), ("memorisation", scores.as_labelled), ("clean_fit", scores.as_true),
            ("penalty", scores.penalty),
        ):  # fmt: skip
            found[f"human_{name}"] = ("human", values[-len(sets_of) :])
    return found.assign_attrs(
        method="ridge readouts of one decomposition, noise on training labels only",
        n_train=int(codes_train.size),
        n_test=int(codes_test.size),
        n_neuroids=int(decomposition.mean.size),
        n_components=int(decomposition.values.size),
        n_classes=int(n_classes),
        penalties=", ".join(f"{each:.6g}" for each in penalties),
        penalties_from=told,
        select=select,
        n_boot=int(n_boot),
        interval="95 %, percentiles of a bootstrap over test images and noise draws" if n_boot else "",
        seed=int(seed),
        software=f"neuroalpha {neuroalpha.__version__}",
    )


def _summaries(
    mean: np.ndarray, single: np.ndarray, draws: Draws, levels: np.ndarray, human: bool
) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
    """Means, drops and areas with their intervals, as variables; ``single`` are the clean set and the human ones."""
    by_level, clean = ("noise", "level"), draws.others[:, :1]
    areas = area(mean, levels), area(draws.curves, levels)
    of = {
        "accuracy_mean": (by_level, mean, draws.curves),
        "noise_drop": (by_level, drop(mean), drop(draws.curves)),
        "noise_area": (("noise",), areas[0], areas[1]),
        "noise_area_relative": (("noise",), _share(areas[0], single[0]), _share(areas[1], clean)),
        "clean_accuracy": ((), single[0], draws.others[:, 0]),
    }
    if human:
        of["human_accuracy"] = (("human",), single[1:], draws.others[:, 1:])
        of["human_drop"] = (("human",), single[0] - single[1:], clean - draws.others[:, 1:])
    found: dict[str, tuple[tuple[str, ...], np.ndarray]] = {}
    for name, (dims, value, sampled) in of.items():
        low, high = interval(sampled)
        found |= {name: (dims, value), f"{name}_low": (dims, low), f"{name}_high": (dims, high)}
    return found


def _share(part: np.ndarray, whole_: Any) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(part / whole_)


def _select(select: str) -> str:
    if select not in ("gcv", "loo"):
        raise InputError(f"select is {select!r}; expected 'gcv' or 'loo'")
    return select
