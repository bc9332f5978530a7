"""Optimisers by name, LARS among them, and the learning rate as a function of the step."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from neuroalpha.errors import InputError, nearest

SCHEDULES = ("cosine", "constant")


class LARS(Optimizer):
    """Stochastic gradient descent whose step is scaled, parameter by parameter, to the size of the parameter.

    With g the gradient, w the parameter, d the weight decay: ``g' = q (g + d w)``,
    ``q = eta |w| / (|g| + d |w| + eps)``, then ``v = m v + g'`` and ``w = w - lr v`` (You, Gitman & Ginsburg 2017,
    arXiv:1708.03888, equations 5 and 6 and algorithm 1). ``clip`` makes it ``q = min(q / lr, 1)``: no step is longer
    than that of plain descent. Parameters of one dimension (biases, batch norm) are neither scaled nor decayed, and
    one whose weights or gradient are all zero takes the plain step.

    Parameters
    ----------
    parameters
        Parameters or groups of them.
    lr, momentum, weight_decay
        Of the step.
    eta, clip, eps
        Trust coefficient; .02 with clipping is what IsoLoss and solo-learn use on CIFAR.

    Examples
    --------
    >>> weight = nn.Parameter(torch.tensor([[3.0, 4.0]]))
    >>> optimiser = LARS([weight], lr=1.0, momentum=0.0, eta=0.1, clip=False)
    >>> weight.grad = torch.tensor([[0.0, 2.0]])
    >>> optimiser.step()
    >>> weight.data  # |w| = 5 and |g| = 2, so q = .25
    tensor([[3.0000, 3.5000]])
    """

    def __init__(
        self,
        parameters: Iterable[Any],
        lr: float,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        eta: float = 0.02,
        clip: bool = True,
        eps: float = 1e-8,
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "eta": eta, "clip": clip, "eps": eps}
        super().__init__(parameters, defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:  # type: ignore[override]
        """Take one step; parameters without a gradient stay as they are."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                change = weight.grad
                if weight.ndim > 1:
                    change = _scaled(weight, change, group)
                if group["momentum"]:
                    state = self.state[weight]
                    if "momentum_buffer" in state:
                        change = state["momentum_buffer"].mul_(group["momentum"]).add_(change)
                    else:
                        change = state["momentum_buffer"] = change.clone()
                weight.add_(change, alpha=-group["lr"])
        return loss


def _scaled(weight: Tensor, gradient: Tensor, group: dict[str, Any]) -> Tensor:
    # Norms stay tensors: a number in Python would make the CPU wait for the device once per parameter.
    decay = group["weight_decay"]
    size, slope = torch.linalg.vector_norm(weight), torch.linalg.vector_norm(gradient)
    trust = group["eta"] * size / (slope + decay * size + group["eps"])
    if group["clip"] and group["lr"] > 0:
        trust = (trust / group["lr"]).clamp(max=1.0)
    scaled = gradient.add(weight, alpha=decay) * trust
    return torch.where((size > 0) & (slope > 0), scaled, gradient)


def _sgd(parameters: list[nn.Parameter], lr: float, momentum: float, weight_decay: float) -> Optimizer:
    return torch.optim.SGD(parameters, lr=lr, momentum=momentum, weight_decay=weight_decay, fused=_fused(parameters))


def _adam(parameters: list[nn.Parameter], lr: float, momentum: float, weight_decay: float) -> Optimizer:
    return torch.optim.Adam(
        parameters, lr=lr, betas=(momentum, 0.999), weight_decay=weight_decay, fused=_fused(parameters)
    )


def _adamw(parameters: list[nn.Parameter], lr: float, momentum: float, weight_decay: float) -> Optimizer:
    return torch.optim.AdamW(
        parameters, lr=lr, betas=(momentum, 0.999), weight_decay=weight_decay, fused=_fused(parameters)
    )


def _fused(parameters: list[nn.Parameter]) -> bool:
    return all(weight.device.type in ("cpu", "cuda") and weight.is_floating_point() for weight in parameters)


_OPTIMISERS: dict[str, Callable[[list[nn.Parameter], float, float, float], Optimizer]] = {
    "sgd": _sgd,
    "adam": _adam,
    "adamw": _adamw,
    "lars": LARS,  # type: ignore[dict-item]
}


def list_optimisers() -> list[str]:
    """Names that :func:`make_optimiser` takes.

    Examples
    --------
    >>> list_optimisers()
    ['sgd', 'adam', 'adamw', 'lars']
    """
    return list(_OPTIMISERS)


def make_optimiser(
    name: str, parameters: Iterable[nn.Parameter], *, lr: float, momentum: float = 0.9, weight_decay: float = 0.0
) -> Optimizer:
    """Make an optimiser by name.

    Parameters
    ----------
    name
        ``sgd``, ``adam`` (decay is added to the gradient, as alpha-ReQ trained), ``adamw`` (decay apart from it) or
        ``lars`` (:class:`LARS`).
    parameters
        What is trained.
    lr
        Learning rate, at least 0; :func:`learning_rate` and :func:`set_learning_rate` change it over a run.
    momentum
        Of SGD and LARS; Adam's first beta. From 0 to below 1.
    weight_decay
        At least 0; on all parameters, but for LARS, which leaves out those of one dimension.

    Returns
    -------
    torch.optim.Optimizer

    Raises
    ------
    InputError
        For an unknown name, nothing to train, or a number out of range.

    Examples
    --------
    >>> layer = nn.Linear(2, 2)
    >>> optimiser = make_optimiser("sgd", layer.parameters(), lr=0.1)
    >>> optimiser.param_groups[0]["momentum"]
    0.9
    """
    if name not in _OPTIMISERS:
        raise InputError(
            f"there is no optimiser {name!r}{nearest(str(name), _OPTIMISERS)}; known: {', '.join(_OPTIMISERS)}"
        )
    _number(lr, "lr", math.inf)
    _number(momentum, "momentum", 1.0)
    _number(weight_decay, "weight_decay", math.inf)
    trained = list(parameters)
    if not trained:
        raise InputError("there are no parameters to train; give model.parameters() of a model that has some")
    return _OPTIMISERS[name](trained, lr, momentum, weight_decay)


def _number(value: Any, name: str, below: float) -> None:
    sound = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not sound or not 0 <= value < below:
        limit = "of at least 0" if below == math.inf else f"from 0 to below {below:g}"
        raise InputError(f"{name} is {value!r}; expected a number {limit}")


def learning_rate(
    step: int, *, lr: float, total: int, warmup: int = 0, schedule: str = "cosine", start: float = 0.0, end: float = 0.0
) -> float:
    """Return the learning rate of one step: a warm-up on a straight line, then half a cosine or a constant.

    A pure function of the step, so that a resumed run needs no state for it. Loshchilov & Hutter 2017
    (arXiv:1608.03983, equation 5, one cycle), with the warm-up of Goyal et al. 2017 (arXiv:1706.02677).

    Parameters
    ----------
    step
        0-based.
    lr
        The highest rate, reached at the last step of the warm-up.
    total
        Steps of the whole run, warm-up included.
    warmup
        Steps of the warm-up: ``start + (lr - start) (step + 1) / warmup``.
    schedule
        ``cosine``: ``end + (lr - end) (1 + cos(pi (step - warmup) / (total - warmup))) / 2``; ``constant``: ``lr``.
    start, end
        Rates at the two ends.

    Returns
    -------
    float
        Steps past ``total`` keep the last rate.

    Raises
    ------
    InputError
        For an unknown schedule.

    Examples
    --------
    >>> [round(learning_rate(step, lr=1.0, total=8, warmup=2), 3) for step in range(9)]
    [0.5, 1.0, 1.0, 0.933, 0.75, 0.5, 0.25, 0.067, 0.0]
    """
    if schedule not in SCHEDULES:
        raise InputError(
            f"there is no schedule {schedule!r}{nearest(str(schedule), SCHEDULES)}; known: {', '.join(SCHEDULES)}"
        )
    if step < warmup:
        return start + (lr - start) * (step + 1) / warmup
    if schedule == "constant":
        return lr
    along = min((step - warmup) / max(total - warmup, 1), 1.0)
    return end + (lr - end) * (1 + math.cos(math.pi * along)) / 2


def set_learning_rate(optimiser: Optimizer, lr: float) -> None:
    """Give all groups of an optimiser this learning rate.

    Examples
    --------
    >>> optimiser = make_optimiser("sgd", nn.Linear(2, 2).parameters(), lr=0.1)
    >>> set_learning_rate(optimiser, 0.05)
    >>> optimiser.param_groups[0]["lr"]
    0.05
    """
    for group in optimiser.param_groups:
        group["lr"] = lr
