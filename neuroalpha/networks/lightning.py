"""A Lightning callback around :class:`~neuroalpha.networks.monitor.AlphaMonitor`."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable
from functools import partial
from typing import Any

from neuroalpha.errors import InputError, MissingExtraError
from neuroalpha.networks.monitor import AlphaMonitor

_NAMES = ("lightning.pytorch", "pytorch_lightning")


class AlphaCallback:
    """Log alpha and effective rank of layers at the end of every training epoch, in a Lightning ``Trainer``.

    A thin adapter: the monitor is attached at the start of the fit and detached at its end, also after an error; its
    samples are part of the checkpoints, so that a resumed fit goes on.

    Parameters
    ----------
    layers : str or iterable of str
        Names within the ``LightningModule`` (``"net.layer3"``), as :class:`AlphaMonitor` takes them.
    log : bool
        Log ``alpha/<layer>`` and ``effective_rank/<layer>`` through the module (default), for loggers and for callbacks
        that monitor a metric. NaN where there is no number.
    **options
        Of :class:`AlphaMonitor`: ``last``, ``reduce``, ``every``, ``ranks``, ...

    Attributes
    ----------
    monitor : AlphaMonitor or None
        There once a fit has begun; ``monitor.history`` is the table.

    Raises
    ------
    MissingExtraError
        Without ``lightning`` or ``pytorch_lightning``; where both are installed, the one already imported is used.

    Notes
    -----
    With several processes their samples are merged, so that all log the same numbers.

    Examples
    --------
    >>> from neuroalpha.networks.lightning import AlphaCallback
    >>> callback = AlphaCallback(["net.layer3"], last=5000)  # doctest: +SKIP
    >>> lightning.Trainer(max_epochs=10, callbacks=[callback]).fit(module, loader)  # doctest: +SKIP
    >>> callback.monitor.history[["epoch", "layer", "alpha", "effective_rank"]]  # doctest: +SKIP
    """

    def __new__(cls, *args: Any, **options: Any) -> AlphaCallback:
        """An instance that is a Callback of the Lightning at hand too."""
        return super().__new__(_callback_class(cls))

    def __init__(self, layers: str | Iterable[str], *, log: bool = True, **options: Any) -> None:
        self._layers = [layers] if isinstance(layers, str) else list(layers)
        self._log, self._options = log, options
        self._pending: dict[str, Any] | None = None
        self.monitor: AlphaMonitor | None = None

    def __reduce__(self) -> Any:
        # Its class is made on the fly; a process that is spawned for a fit makes its own.
        return partial(AlphaCallback, self._layers, log=self._log, **self._options), ()

    @property
    def state_key(self) -> str:
        """Tells several callbacks apart in a checkpoint."""
        return f"AlphaCallback{self._layers!r}"

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        """Attach; a fit that goes on in the same process keeps its samples."""
        if self.monitor is None or self._pending is not None or self._module is not pl_module:
            self.monitor, self._module = AlphaMonitor(pl_module, self._layers, **self._options), pl_module
        if self._pending is not None:
            self.monitor.load_state_dict(self._pending)
            self._pending = None
        self.monitor.attach()

    _module: Any = None

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Compute and log."""
        assert self.monitor is not None
        found = self.monitor.end_epoch(trainer.current_epoch, merge=trainer.world_size > 1)
        if self._log:
            for name in ("alpha", "effective_rank"):
                pl_module.log_dict({f"{name}/{row.layer}": float(getattr(row, name)) for row in found.itertuples()})

    def on_fit_end(self, trainer: Any, pl_module: Any) -> None:
        """Detach."""
        self.teardown(trainer, pl_module, "fit")

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Detach."""
        self.teardown(trainer, pl_module, "fit")

    def teardown(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Detach."""
        if self.monitor is not None:
            self.monitor.detach()

    def state_dict(self) -> dict[str, Any]:
        """Of the monitor, for the checkpoint."""
        if self.monitor is None:
            return self._pending or {}
        return self.monitor.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """From a checkpoint; taken over when the fit starts."""
        if not state_dict:
            return
        if self.monitor is not None and self.monitor.attached:  # strategies that restore after on_fit_start
            self.monitor.load_state_dict(state_dict)
        else:
            self._pending = state_dict


def _callback_class(cls: type[AlphaCallback]) -> type[AlphaCallback]:
    """The class with Lightning's Callback as a base, which is not imported before one is made."""
    for name in (*(name for name in _NAMES if name in sys.modules), *_NAMES):
        try:
            base = importlib.import_module(name).Callback
        except ModuleNotFoundError as error:
            if error.name is None or not name.startswith(error.name):
                raise InputError(f"{name} cannot be imported: {error}") from error
            continue
        return cls if issubclass(cls, base) else type(cls.__name__, (cls, base), {"__doc__": cls.__doc__})
    raise MissingExtraError("lightning", "lightning", "AlphaCallback")
