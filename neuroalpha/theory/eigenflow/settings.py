"""Kernel: which loss, which predictor and which extras: one setting of the eigenvalue flows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from neuroalpha.errors import InputError, nearest
from neuroalpha.theory.engine.inputs import number

LOSSES = ("euclidean", "cosine")
VARIANTS = ("predictor", "iso", "no predictor", "no stop-gradient")

TOY_NOISE = 0.01
"""Variance of the second view's noise in the published toy networks (standard deviation 0.1); their first is clean."""


@dataclass(frozen=True)
class FlowSetting:
    """One setting of a linear network z = W x on white inputs, with the predictor W_P = C^power of C = W W'.

    Examples
    --------
    >>> FlowSetting("cosine", "iso").name
    'cosine iso'
    >>> FlowSetting(weight_decay=0.1).name
    'euclidean, weight decay 0.1'
    """

    loss: str = "euclidean"
    """``"euclidean"``: half the mean of |W_P z1 - z2|^2. ``"cosine"``: minus the mean cosine of W_P z1 and z2."""
    variant: str = "predictor"
    """``"predictor"``; ``"iso"`` (IsoLoss: the predictor's transpose is left out of the gradient); ``"no predictor"``
    (W_P = 1); ``"no stop-gradient"`` (the second view learns too)."""
    power: float = 1.0
    """a of W_P = C^a: 1 DirectCopy and the published toy networks, 1/2 DirectPred. Of no effect without predictor."""
    noise1: float = 0.0
    """Variance of the noise of view 1 (the online branch), in units of the input's variance."""
    noise2: float = 0.0
    """The same of view 2 (the target branch)."""
    weight_decay: float = 0.0
    """w of W' = ... - w W."""
    ema: float | None = None
    """Rate beta of the target network, W_a' = beta (W - W_a); None: the target is the online network itself. A target
    that keeps the share tau at each step of size h has beta = (1 - tau) / h."""
    exact_gradient: bool = False
    """Of the cosine loss without stop-gradient only: the gradient itself, in place of the published toy network's
    update, which departs from it (see :mod:`neuroalpha.theory.eigenflow.cosine_field`)."""

    def __post_init__(self) -> None:
        for value, known, what in ((self.loss, LOSSES, "loss"), (self.variant, VARIANTS, "variant")):
            if value not in known:
                raise InputError(
                    f"{what} is {value!r}; expected one of {', '.join(map(repr, known))}{nearest(str(value), known)}"
                )
        number(self.power, "power", above=0)
        for what in ("noise1", "noise2", "weight_decay"):
            number(getattr(self, what), what, least=0)
        if self.ema is not None:
            number(self.ema, "ema", above=0)
            if self.variant == "no stop-gradient":
                raise InputError("an EMA target gets no gradient: ema cannot go with 'no stop-gradient'")
        if self.exact_gradient and (self.loss, self.variant) != ("cosine", "no stop-gradient"):
            raise InputError("exact_gradient is a choice of the cosine loss with 'no stop-gradient' only")

    @property
    def has_predictor(self) -> bool:
        """Whether W_P is not the identity."""
        return self.variant != "no predictor"

    @property
    def name(self) -> str:
        """Loss and variant, and what is not as in the eight named settings."""
        extras = [
            f"{label} {getattr(self, what):g}"
            for label, what, usual in (
                ("power", "power", 1.0),
                ("noise 1", "noise1", 0.0),
                ("noise 2", "noise2", 0.0),
                ("weight decay", "weight_decay", 0.0),
                ("ema", "ema", None),
            )
            if getattr(self, what) != usual
        ]
        base = self.loss if self.variant == "predictor" else f"{self.loss} {self.variant}"
        return ", ".join([base, *extras, *(["exact gradient"] if self.exact_gradient else [])])


NAMES: Mapping[str, FlowSetting] = MappingProxyType(
    {setting.name: setting for setting in (FlowSetting(loss, variant) for loss in LOSSES for variant in VARIANTS)}
)
"""The eight settings of the published toy networks, with clean views and nothing else added."""


def as_setting(setting: str | FlowSetting, **changes: Any) -> FlowSetting:
    """A setting from its name or itself, with ``changes`` made to it.

    Raises
    ------
    InputError
        For an unknown name, or values that :class:`FlowSetting` refuses.

    Examples
    --------
    >>> as_setting("cosine iso", weight_decay=0.01).weight_decay
    0.01
    """
    if isinstance(setting, FlowSetting):
        return replace(setting, **changes)
    if not isinstance(setting, str) or setting not in NAMES:
        hint = nearest(setting, NAMES) if isinstance(setting, str) else ""
        raise InputError(
            f"setting is {setting!r}; expected a FlowSetting or one of {', '.join(map(repr, NAMES))}{hint}"
        )
    return replace(NAMES[setting], **changes)
