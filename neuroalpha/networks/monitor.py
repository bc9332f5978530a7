"""Alpha and effective rank of layers while a network trains."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Literal, get_args

import pandas as pd
import torch
import xarray as xr
from torch import nn

from neuroalpha._checks import check_seed, whole
from neuroalpha.errors import InputError, nearest
from neuroalpha.networks.monitor_hooks import Watch, When, unwrap
from neuroalpha.networks.monitor_merge import merge_ranks
from neuroalpha.networks.monitor_samples import Samples, as_key
from neuroalpha.networks.monitor_table import COLUMNS, labelled, row
from neuroalpha.networks.monitor_window import Content
from neuroalpha.networks.state import logger
from neuroalpha.spectrum.window import check_window

_VERSION = 1


class AlphaMonitor:
    """Alpha and effective rank of layers over the last samples of a training run: a hook object for any torch loop.

    Forward hooks reduce and copy what the layers give in the passes that train the model anyway; spectra are made when
    they are asked for. Outputs are copied the moment they exist, no gradient graph is kept, and nothing about the
    model, its random numbers or its gradients changes.

    Parameters
    ----------
    model : torch.nn.Module
        Any model, also inside DataParallel (of which the first GPU's share of each batch counts),
        DistributedDataParallel or ``torch.compile`` (attach before its first pass: each layer is then a break in the
        compiled graph).
    layers : str or iterable of str
        Names as in :func:`neuroalpha.layers`, ``*`` and ``?`` stand for any text. Unknown ones are refused here, those
        of modules that run several times in a forward pass (``name:0``, ``name:1``) at the end of the first one.
    last : int
        Samples that a spectrum is made of: exactly the last so many where the rows themselves are kept (see Notes),
        else up to an eighth more. Each training sample is one row, in the order in which the model saw it; where an
        epoch has fewer, the window reaches into the one before (``first_step`` says how far). Default 10 000: enough
        for alpha of some hundred units.
    reduce, channels
        From an output to units, as in :func:`neuroalpha.extract`; or a mapping of layers or patterns to such names. By
        default the mean over space or tokens, whose spectrum is cheap; ``"flatten"`` keeps every unit.
    every : int
        Record one forward pass in so many.
    when : {"train", "eval", "both"}
        Record while ``model.training`` is set (default), not set, or always.
    ranks : (int, int) or "auto"
        Window of ranks for alpha, as in :func:`neuroalpha.fit_alpha`.
    device : str, optional
        Where the window is kept. None (default): where the layer is, which never makes a GPU wait. ``"cpu"`` saves the
        GPU's memory, at the price of waiting for each recorded pass.
    seed : int
        Of ``reduce="project:K"``.

    Attributes
    ----------
    history : pandas.DataFrame
        The rows of every :meth:`end_epoch`.
    layers : list of str
        Names of the layers found so far: all of them after the first forward pass.
    step : int
        Forward passes so far.

    Raises
    ------
    InputError
        For unknown layers or options, here; in the first forward pass for layers that cannot be told apart or cannot be
        reduced as asked. Later on nothing is raised: what goes wrong with the numbers is told once in the log and in
        the column ``reason``.

    Notes
    -----
    Memory for N samples of p units on the layer's device: the rows, ``4 N p`` bytes, where that is no more than 16 MiB
    or N <= 16 p; else moments of eighths of the window, ``72 p^2 + N p / 2`` bytes. (float64 outputs: ``8 N p``, N <=
    8 p.) Products and eigenvalues are in float64; float16 and bfloat16 outputs are pooled in float32.

    Time: one pooling and copy a pass; where moments are kept, 2 p^2 operations a sample; at :meth:`compute` one product
    and one eigenvalue problem of side min(N, p) a layer. On a GPU nothing waits before :meth:`compute`.

    Alpha and both dimension measures depend on N: compare at equal ``n_samples``. The network changes while it is
    measured. For an interval, stop it and use :func:`neuroalpha.extract` or :func:`neuroalpha.stream_spectrum`.

    A sample with NaN or infinite values is left out and counted (``n_nonfinite``). Alpha is NaN, with a ``reason``, as
    long as the latest pass held no finite sample, and where the samples are too few or do not vary.

    Second forward passes of gradient checkpointing are not recorded. When parts of a model are called by themselves
    (``model.encoder(x)``), each call of a layer counts as one pass. Copies of the model, in memory or in a file, are
    not watched.

    Examples
    --------
    >>> model = nn.Sequential(nn.Linear(10, 30), nn.Tanh(), nn.Linear(30, 2))
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> with AlphaMonitor(model, ["1"], last=500) as monitor:
    ...     for epoch in range(2):
    ...         for _ in range(10):
    ...             optimizer.zero_grad()
    ...             model(torch.randn(64, 10)).square().mean().backward()
    ...             optimizer.step()
    ...         rows = monitor.end_epoch()
    >>> monitor.history[["epoch", "step", "first_step", "layer", "n_samples", "first", "last"]]
       epoch  step  first_step layer  n_samples  first  last
    0      0    10           3     1        500      4    15
    1      1    20          13     1        500      4    15
    """

    def __init__(
        self,
        model: nn.Module,
        layers: str | Iterable[str],
        *,
        last: int = 10_000,
        reduce: str | Mapping[str, str] = "mean",
        channels: str | Mapping[str, str] = "auto",
        every: int = 1,
        when: When = "train",
        ranks: tuple[int, int] | Literal["auto"] = "auto",
        device: str | torch.device | None = None,
        seed: int = 0,
    ) -> None:
        if not isinstance(model, nn.Module):
            raise InputError(f"the model must be a torch.nn.Module, not {type(model).__name__}")
        if when not in get_args(When):
            raise InputError(f"when is {when!r}; expected one of {get_args(When)}")
        if not isinstance(ranks, str) or ranks != "auto":
            ranks = check_window(ranks, 2**62, 2**62)
        self._ranks = ranks
        self._samples = Samples(whole(last, "last", 2), reduce, channels, check_seed(seed), device)
        specs = [layers] if isinstance(layers, str) else list(layers)
        receive, forget = self._samples.receive, self._samples.forget
        self._watch = Watch(unwrap(model), specs, when, whole(every, "every", 1), receive, forget)
        self._epoch = 0
        self._history: list[dict[str, Any]] = []
        self._told: set[tuple[str, str]] = set()

    def attach(self) -> AlphaMonitor:
        """Put the hooks on the model; ``with monitor:`` does the same. What was recorded before is kept."""
        self._watch.attach()
        return self

    def detach(self) -> None:
        """Take the hooks away; what was recorded stays."""
        self._watch.detach()

    def __enter__(self) -> AlphaMonitor:
        return self.attach()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.detach()

    @property
    def attached(self) -> bool:
        """Whether the hooks are on the model."""
        return self._watch.attached

    @property
    def layers(self) -> list[str]:
        """Names of the layers found so far."""
        return list(self._watch.layers)

    @property
    def step(self) -> int:
        """Forward passes so far, recorded or not."""
        return self._watch.step

    @property
    def history(self) -> pd.DataFrame:
        """The rows of every :meth:`end_epoch`."""
        return pd.DataFrame(self._history, columns=list(COLUMNS))

    def compute(self, *, merge: bool = False) -> pd.DataFrame:
        """One row for each layer, of its last samples.

        Parameters
        ----------
        merge : bool
            With ``torch.distributed`` initialised: put the samples of all processes together, in the order of their
            ranks. All of them must call this, and all get the same table. ``last`` counts for each process.

        Returns
        -------
        pandas.DataFrame
            ``epoch`` (epochs ended so far), ``step`` (forward passes so far), ``first_step`` (pass of the oldest
            sample), ``layer``, ``alpha``, ``r2``, ``first`` and ``last`` (its ranks), ``alpha_window_min`` and
            ``alpha_window_max`` (over other windows, see :func:`neuroalpha.fit_alpha`), ``effective_rank`` (exp of the
            entropy of the eigenvalues' shares), ``participation_ratio``, ``n_samples`` behind the spectrum,
            ``n_nonfinite`` left out of it for NaN or infinite values, ``n_skipped`` (samples since the start that came
            with another number of units), ``n_units``, ``n_constant`` (units that never vary), ``reduce``, ``device``,
            and ``reason`` (why a number is NaN or needs care, else empty).
        """
        contents = self._contents(merge)
        named = self.layers or [spec for spec in self._watch.specs if not any(sign in spec for sign in "*?")]
        return pd.DataFrame([self._row(layer, contents.get(layer)) for layer in named], columns=list(COLUMNS))

    def end_epoch(self, epoch: int | None = None, *, merge: bool = False) -> pd.DataFrame:
        """:meth:`compute`, appended to :attr:`history` under a number: one more than the last one's by default."""
        if epoch is not None:
            self._epoch = whole(epoch, "epoch")
        found = self.compute(merge=merge)
        self._history += [{str(name): value for name, value in each.items()} for each in found.to_dict("records")]
        self._epoch += 1
        return found

    def spectrum(self, layer: str, *, merge: bool = False) -> xr.Dataset:
        """The eigenspectrum of a layer's last samples, as of :func:`neuroalpha.eigenspectrum`.

        Raises
        ------
        InputError
            For a layer that is not watched, or fewer than two finite samples.
        """
        if layer not in self._watch.layers:
            raise InputError(f"{layer!r} is not among the layers recorded so far{nearest(layer, self.layers)}")
        content = self._contents(merge)[layer]
        if content.n_samples < 2:
            raise InputError(f"{layer!r} has {content.n_samples} finite samples so far; a spectrum needs at least 2")
        return labelled(content, self._named(layer))

    def reset(self) -> None:
        """Forget the samples, not the history: what comes after, say, a change of the data starts afresh."""
        self._samples.clear()
        self._told.clear()

    def state_dict(self) -> dict[str, Any]:
        """Everything recorded, as tensors and plain numbers: ``torch.save`` it, load it with ``weights_only=True``."""
        return {
            "version": _VERSION,
            "options": self._options(),
            "step": self.step,
            "epoch": self._epoch,
            "calls": dict(self._watch.calls),
            "layers": self._samples.state(self._watch.layers),
            "history": [dict(row) for row in self._history],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a :meth:`state_dict` of a monitor with the same options on the same model.

        Raises
        ------
        InputError
            Where the options or the model differ.
        """
        if not isinstance(state, Mapping) or state.get("version") != _VERSION:
            raise InputError("this is no state of an AlphaMonitor of this version; start with a new one")
        for name, value in self._options().items():
            if state["options"][name] != value:
                raise InputError(
                    f"the state was recorded with {name}={state['options'][name]!r}, this monitor has {value!r}; make "
                    "it with the same options"
                )
        keys = {layer: as_key(each["key"]) for layer, each in state["layers"].items()}
        self._watch.resume(state["step"], keys, state["calls"])
        self._samples.restore(state["layers"])
        self._epoch, self._history = state["epoch"], [dict(row) for row in state["history"]]

    def _options(self) -> dict[str, Any]:
        """What recorded samples depend on."""
        return {"layers": list(self._watch.specs), **self._samples.options}

    def _contents(self, merge: bool) -> dict[str, Content]:
        contents = self._samples.contents(self._watch.layers)
        return merge_ranks(contents) if merge else contents

    def _named(self, layer: str) -> dict[str, str]:
        """What the spectrum of a layer says of itself."""
        return {
            "identifier": f"{type(self._watch.model).__name__}/{layer}",
            "model": type(self._watch.model).__name__,
            "layer": layer,
            "reduce": self._samples.how(layer),
        }

    def _row(self, layer: str, content: Content | None) -> dict[str, Any]:
        found, notes = row(content, self._named(layer), self._ranks)
        skipped = self._samples.skipped(self._watch.layers.get(layer))
        if skipped:
            notes["skipped"] = f"{skipped} samples came with another number of units and are left out"
        for kind, note in notes.items():
            if (layer, kind) not in self._told:
                self._told.add((layer, kind))
                logger.warning("%s: %s (said once; see the column 'reason')", layer, note)
        return {
            **found,
            "epoch": self._epoch,
            "step": self.step,
            "layer": layer,
            "n_skipped": skipped,
            "reason": "; ".join(notes.values()),
        }
