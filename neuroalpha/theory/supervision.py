"""How much supervision signals tell: triplet counts and information ratios, of formulas and of real labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import xarray as xr

import neuroalpha
from neuroalpha._checks import whole
from neuroalpha.errors import InputError
from neuroalpha.theory.triplets import counts, ratios
from neuroalpha.theory.triplets.costs import judgements
from neuroalpha.theory.triplets.labels import check_labels
from neuroalpha.theory.triplets.mining import count_triplets
from neuroalpha.theory.triplets.noise import bits_kept, check_error
from neuroalpha.theory.triplets.utility import utility_of

SOURCE = "Sucholutsky et al., UAI 2023, PMLR 216:2036-2046"


def _sizes(values: int | Iterable[int], name: str) -> np.ndarray:
    found = [whole(value, name, least=1) for value in np.atleast_1d(np.asarray(values)).tolist()]
    if not found or len(set(found)) < len(found):
        raise InputError(f"{name} is {values!r}; expected one or more different whole numbers")
    return np.array(found, dtype=np.int64)


def supervision_counts(
    n: int | Iterable[int],
    k: int | Iterable[int],
    *,
    signals: Sequence[str] = ratios.SIGNALS,
    sparsity: int | None = None,
    noise: Mapping[str, float] | float = 0.0,
    noise_law: str = "paper",
) -> xr.Dataset:
    """Triplet questions that supervision signals answer, and their information ratios, by numbers of items and classes.

    Parameters
    ----------
    n, k : int or several
        Items and classes; classes are balanced (sizes differ by one at most).
    signals : sequence of str
        Of "hard", "soft", "sparse" (the largest entries of each item), "top-class" (all entries of some classes),
        "pairwise" (similarity of every pair of items).
    sparsity : int, optional
        Entries k^ of sparse and top-class labels; at most k (where k is smaller, k). Default: k / 2, rounded up.
    noise : float or mapping of signal to float
        Share of comparisons answered wrongly, 0 to .5.
    noise_law : {"paper", "capacity"}
        Bits left of an answer: 1 - noise, or 1 - H(noise).

    Returns
    -------
    xr.Dataset
        Dims signal, n, k. ``triplets`` exact whole numbers before noise; ``triplets_paper`` the formulas of the paper
        for hard and soft labels (nan for the others, which it does not have; for hard labels it differs where k does
        not divide n); ``judgements``; ``bits`` after noise; ``information_ratio`` = bits / questions; ``questions``
        (n, k) all triplet questions about items and centroids.

    Raises
    ------
    InputError
        Sizes that are not whole and positive or too large for 64 bits, unknown signals, noise outside 0 to .5.

    Notes
    -----
    Source: Sucholutsky et al., UAI 2023. The counts of sparse and top-class labels and of pairs are derived here; all
    equal an enumeration of every triplet. The ratio of soft labels tends to 1/4 at n = k, so that it is not a share of
    what can be learned.

    Examples
    --------
    >>> found = supervision_counts(60, 12, sparsity=4)
    >>> found.triplets.sel(n=60, k=12).values
    array([  3960,  25200,  14160,   7440, 102660])
    >>> supervision_counts(10, 40, signals=["hard"]).triplets_paper.item()  # exact: 480
    487.5
    """
    items, classes = _sizes(n, "n"), _sizes(k, "k")
    names = [ratios.check_signal(signal) for signal in ([signals] if isinstance(signals, str) else signals)]
    if not names or len(set(names)) < len(names):
        raise InputError(f"signals is {signals!r}; expected one or more different ones of {', '.join(ratios.SIGNALS)}")
    if counts.all_questions(int(items.max()), int(classes.max())) > np.iinfo(np.int64).max:
        raise InputError(
            f"{items.max():,} items and {classes.max():,} classes have more triplets than 64 bits can count"
        )
    given = None if sparsity is None else whole(sparsity, "sparsity", least=1)
    errors = {signal: _error(noise, signal) for signal in names}
    if isinstance(noise, Mapping) and set(noise) - set(names):
        raise InputError(f"noise names {sorted(set(noise) - set(names))}; expected signals among {', '.join(names)}")
    shape = (len(names), len(items), len(classes))
    triplets, made, paper = np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.full(shape, np.nan)
    questions = np.array([[counts.all_questions(int(m), int(c)) for c in classes] for m in items])
    for place in np.ndindex(*shape):
        signal, m, c = names[place[0]], int(items[place[1]]), int(classes[place[2]])
        kept = (c + 1) // 2 if given is None else min(given, c)
        triplets[place], made[place] = ratios.count(signal, m, c, kept), judgements(signal, m, c, kept)
        if signal in ("hard", "soft"):
            paper[place] = float(counts.hard_paper(m, c)) if signal == "hard" else counts.soft(m, c)
    left = np.array([bits_kept(errors[signal], noise_law) for signal in names])
    bits = triplets * left[:, None, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(questions > 0, bits / questions, np.nan)
    dims = ("signal", "n", "k")
    return xr.Dataset(
        {
            "triplets": (dims, triplets),
            "triplets_paper": (dims, paper),
            "judgements": (dims, made),
            "bits": (dims, bits),
            "information_ratio": (dims, ratio),
            "questions": (("n", "k"), questions),
        },
        coords={"signal": names, "n": items, "k": classes},
        attrs={
            "sparsity": "half of k, rounded up" if given is None else given,
            "noise": ", ".join(f"{signal} {error:g}" for signal, error in errors.items()),
            "noise_law": noise_law,
            "source": f"{SOURCE}; sparse, top-class and pairwise counts derived",
            "software": f"neuroalpha {neuroalpha.__version__}",
        },
    )


def _error(noise: Mapping[str, float] | float, signal: str) -> float:
    given = noise.get(signal, 0.0) if isinstance(noise, Mapping) else noise
    return check_error(given, f"noise of {signal!r}")


@dataclass(frozen=True)
class LabelInformation:
    """What a real label matrix tells; one row of a table (``to_row``)."""

    n_items: int
    n_classes: int
    at_points: int
    """Comparisons of two classes for one item."""
    at_centroids: int
    """Comparisons of two items for one class."""
    triplets: int
    bits: float
    """Triplets times what noise leaves of each."""
    bits_per_item: float
    information_ratio: float
    entropy: float
    """Mean entropy in nats of the rows divided by their sums; nan where a row is missing, empty or negative."""
    support: float
    """Mean number of entries of a row that are neither zero nor missing."""

    def to_row(self) -> dict[str, Any]:
        """Return the fields as a dictionary."""
        return asdict(self)


def label_information(labels: np.ndarray, *, noise: float = 0.0, noise_law: str = "paper") -> LabelInformation:
    """Count the triplet questions that a real label matrix answers, exactly, with its ties and gaps.

    Parameters
    ----------
    labels : array (item, class)
        Larger is nearer; equal and missing (NaN) entries answer nothing.
    noise : float
        Share of comparisons answered wrongly, 0 to .5.
    noise_law : {"paper", "capacity"}
        Bits left of an answer: 1 - noise, or 1 - H(noise).

    Returns
    -------
    LabelInformation

    Raises
    ------
    InputError
        Labels that are no matrix of finite numbers or NaN, fewer than three items and classes together.

    Notes
    -----
    Source: Sucholutsky et al., UAI 2023. Time n k log(n k): 10,000 items with 10 classes take 0.05 s.

    Examples
    --------
    >>> label_information([[0.7, 0.2, 0.1], [0.0, 1.0, 0.0]]).triplets  # a tie of two zeros makes none
    8
    """
    labels = check_labels(labels)
    n_items, n_classes = labels.shape
    questions = counts.all_questions(n_items, n_classes)
    if questions == 0:
        raise InputError(f"{n_items} items and {n_classes} classes allow no triplet; expected three of them together")
    left, found = bits_kept(check_error(noise), noise_law), count_triplets(labels)
    sums = labels.sum(axis=1, keepdims=True)
    if (sums > 0).all() and (labels >= 0).all():
        share = labels / sums
        entropy = float(-(share * np.log(np.where(share > 0, share, 1.0))).sum(axis=1).mean()) + 0.0
    else:
        entropy = float("nan")
    return LabelInformation(
        n_items=n_items,
        n_classes=n_classes,
        at_points=found.at_points,
        at_centroids=found.at_centroids,
        triplets=found.total,
        bits=found.total * left,
        bits_per_item=found.total * left / n_items,
        information_ratio=found.total * left / questions,
        entropy=entropy,
        support=float((np.nan_to_num(labels) != 0).sum(axis=1).mean()),
    )


def preference_map(
    n: int | Iterable[int] = range(3, 91, 3),
    k: int | Iterable[int] = range(3, 91, 3),
    *,
    betas: float | Sequence[float] = (0.1, 1.0, 10.0),
    utilities: str | Sequence[str] = ("linear", "sigmoid", "logit"),
    scores: xr.DataArray | None = None,
    cost_scale: float | None = None,
) -> xr.Dataset:
    """Where soft labels are preferred to hard ones when a judgement costs the same in both (the paper's Figure 1).

    The objective is L^ = beta * judgements / cost_scale - utility(score), with n judgements of hard labels and n k of
    soft ones.

    Parameters
    ----------
    n, k : int or several
        Items and classes; the paper's grid goes from 3 to 90.
    betas : float or several
        Price of a judgement over worth of a unit of utility; the paper's three.
    utilities : {"linear", "sigmoid", "logit"} or several
        The paper's rho, sigma(rho), sigma^-1(rho).
    scores : xr.DataArray, optional
        Scores with dims signal ("hard" and "soft" at least), n and k, such as simulated correlations; ``n`` and ``k``
        are then theirs. Default: the information ratio, which the paper allows in place of rho.
    cost_scale : float, optional
        Divisor of judgements; default the largest n k. The paper does not give it; this one is inferred from its
        figure.

    Returns
    -------
    xr.Dataset
        ``objective`` (beta, utility, signal, n, k), ``advantage`` (beta, utility, n, k) the objective of hard minus
        that of soft labels, ``prefers_soft`` its sign, and ``score`` (signal, n, k).

    Raises
    ------
    InputError
        Sizes, betas or a scale that are not positive, no betas or utilities or unknown ones, scores
        without the dims or signals.

    Examples
    --------
    >>> found = preference_map([3, 90], [3, 90])
    >>> found.prefers_soft.sel(utility="linear", n=90, k=90).values  # soft labels while judgements are cheap
    array([ True, False, False])
    """
    if scores is None:
        found = supervision_counts(n, k, signals=("hard", "soft"))
        score = found["information_ratio"]
    else:
        if not isinstance(scores, xr.DataArray) or set(scores.dims) != {"signal", "n", "k"}:
            given = list(scores.dims) if isinstance(scores, xr.DataArray) else type(scores).__name__
            raise InputError(
                f"scores has dims {given}; expected dims signal, n and k: average or select the others first"
            )
        names = list(scores["signal"].values) if "signal" in scores.coords else []
        if not {"hard", "soft"} <= set(names) or not {"n", "k"} <= set(scores.coords):
            raise InputError(f"scores has signals {names}; expected 'hard' and 'soft', and coordinates of n and k")
        score = scores.sel(signal=["hard", "soft"]).transpose("signal", "n", "k")
    given_betas = np.atleast_1d(np.asarray(betas, dtype=object)).tolist()
    weights = np.array([_positive(beta, "beta") for beta in given_betas])
    named = [utilities] if isinstance(utilities, str) else list(utilities)
    for name, chosen in (("betas", weights.tolist()), ("utilities", named)):
        if not chosen or len(set(chosen)) < len(chosen):
            raise InputError(f"{name} is {chosen!r}; expected one or more different ones")
    items, classes = score["n"].values, score["k"].values
    made = np.stack([np.broadcast_to(items[:, None], score.shape[1:]), items[:, None] * classes], axis=0)
    scale = float(made.max()) if cost_scale is None else _positive(cost_scale, "cost_scale")
    gains = np.stack([utility_of(score.values, utility) for utility in named])
    objective = weights[:, None, None, None, None] * (made / scale) - gains
    advantage = objective[:, :, 0] - objective[:, :, 1]
    return xr.Dataset(
        {
            "objective": (("beta", "utility", "signal", "n", "k"), objective),
            "advantage": (("beta", "utility", "n", "k"), advantage),
            "prefers_soft": (("beta", "utility", "n", "k"), advantage > 0),
            "score": (("signal", "n", "k"), score.values),
        },
        coords={"beta": weights, "utility": named, "signal": ["hard", "soft"], "n": items, "k": classes},
        attrs={
            "cost_scale": scale,
            "score": "information ratio" if scores is None else str(scores.name or "given"),
            "source": f"{SOURCE}, Figure 1; the scale of costs is inferred",
            "software": f"neuroalpha {neuroalpha.__version__}",
        },
    )


def _positive(value: Any, name: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not 0 < number < float("inf"):
        raise InputError(f"{name} is {value!r}; expected a number above 0")
    return number
