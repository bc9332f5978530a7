"""What learns, and one step of it: views of a batch, the objective's loss, the optimiser, the target, the readout."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from neuroalpha.errors import InputError
from neuroalpha.ssl import chance
from neuroalpha.ssl.backbones import make_backbone
from neuroalpha.ssl.distributed import Processes, parallel, whole_batch_norm
from neuroalpha.ssl.heads import SSLNetwork, make_projector
from neuroalpha.ssl.objectives import make_objective, objective_options
from neuroalpha.ssl.objectives.base import Objective, Outputs
from neuroalpha.ssl.online import OnlineReadout
from neuroalpha.ssl.optimisers import learning_rate, make_optimiser, set_learning_rate
from neuroalpha.ssl.settings import TrainSettings
from neuroalpha.ssl.target import follow, make_target, momentum
from neuroalpha.ssl.views import Views


class AllViews(nn.Module):
    """Features and projections of all views in one call, which is what a parallel wrapper counts as a pass.

    Each view goes through the network by itself, so that batch norms see one view at a time, as in the papers' code.
    """

    def __init__(self, network: SSLNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, *views: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Lists of (n, d) and of (n, p), one for each view."""
        features = [self.network.backbone(view) for view in views]
        return features, [self.network.projector(each) for each in features]


def build_network(settings: TrainSettings) -> SSLNetwork:
    """Backbone and projector with the weights of the settings' seed, on the CPU."""
    backbone = make_backbone(
        settings.backbone, width=settings.width, seed=chance.derived(settings.seed, chance.WEIGHTS)
    )
    n_features: Any = backbone.n_features
    projector = make_projector(
        n_features,
        settings.projector_hidden,
        settings.projector_out,
        settings.projector_layers,
        seed=chance.derived(settings.seed, chance.PROJECTOR),
    )
    return SSLNetwork(backbone, projector)


def build_objective(settings: TrainSettings, network: SSLNetwork, n_classes: int | None) -> Objective:
    """The objective by its name and options."""
    n_features: Any = network.backbone.n_features
    options = dict(settings.options)
    stopped = options.get("stop_gradient", True)
    if stopped and settings.ema is not None and "ema" in objective_options(settings.objective):
        options.setdefault("ema", settings.ema > 0)  # whether there is a slow target decides other defaults
    return make_objective(
        settings.objective,
        n_features=n_features,
        n_projection=settings.projector_out if settings.projector_layers else n_features,
        n_classes=n_classes,
        seed=settings.seed,
        options=options,
    )


class Learner:
    """All that changes while a network trains."""

    def __init__(
        self,
        settings: TrainSettings,
        n_classes: int | None,
        steps_per_epoch: int,
        device: torch.device,
        precision: str,
        among: Processes,
    ) -> None:
        self.settings, self.device, self.precision, self.among = settings, device, precision, among
        self.per_epoch, self.total = steps_per_epoch, steps_per_epoch * settings.epochs
        self.views = Views(settings.size, strength=settings.strength, recipe=settings.recipe)
        self._order = torch.channels_last if settings.channels_last else torch.contiguous_format
        network = build_network(settings)
        self.objective = build_objective(settings, network, n_classes).to(device)
        network = whole_batch_norm(network, device, among)  # type: ignore[assignment]
        self.network: SSLNetwork = network.to(device).to(memory_format=self._order)  # type: ignore[call-overload]
        self.memory = start_memory(settings, self.objective)
        self.target = make_target(self.network) if self.memory else None
        self.optimiser = make_optimiser(
            settings.optimiser,
            [*self.network.parameters(), *self.objective.parameters()],
            lr=settings.lr,
            momentum=settings.momentum,
            weight_decay=settings.weight_decay,
        )
        n_features: Any = self.network.backbone.n_features
        self.readout = OnlineReadout(n_features, n_classes).to(device) if n_classes else None
        if self.readout is not None:
            self.readout.start()
        self._all = parallel(AllViews(self.network), device, among, unused=not self.objective.uses_projector)
        self._target_all = None if self.target is None else AllViews(self.target)

    def lr(self, number: int) -> float:
        """Learning rate of a step, 0-based."""
        settings = self.settings
        warmup = round(settings.warmup * self.per_epoch)
        return learning_rate(number, lr=settings.lr, total=self.total, warmup=warmup, schedule=settings.schedule)

    def clean(self, pixels: Tensor) -> Tensor:
        """Images as they are, in the memory order of the network."""
        return self.views.clean(pixels).contiguous(memory_format=self._order)

    def step(self, pixels: Tensor, rows: Tensor, labels: Tensor | None, read: Tensor | None, number: int) -> Tensor:
        """Learn from one batch; returns its loss.

        ``pixels`` and class numbers ``labels`` (for the objective) and ``read`` (for the readout) are those of all
        images, ``rows`` the images of the batch, ``number`` the step from 0. Everything random follows from the step.
        """
        settings, device = self.settings, self.device
        chance.restart(device, settings.seed, chance.STEP, number, self.among.rank)
        lr = self.lr(number)
        set_learning_rate(self.optimiser, lr)
        mine = pixels[self.among.share(rows)]
        views = [self._view(mine, number, view) for view in range(self.objective.views)]
        with torch.autocast(device.type, torch.bfloat16, enabled=self.precision == "bfloat16"):
            features, projections = self._all(*views)
            slow = []
            if self._target_all is not None:
                with torch.no_grad():
                    slow = self._target_all(*views)[1]
        seen = tuple(self.among.gather(each.float()) for each in features)
        made = tuple(self.among.gather(each.float()) for each in projections)
        targets: tuple[Tensor, ...] = ()
        if self.objective.needs_target:
            targets = made if self.target is None else tuple(self.among.gather(each.float()) for each in slow)
        wanted = labels[rows] if labels is not None and self.objective.needs_labels else None
        loss = self.objective(Outputs(seen, made, targets, wanted))
        self.optimiser.zero_grad(set_to_none=True)
        # The wrapper averages over processes what is to be added up: each has the gradient of its own images only.
        (loss * self.among.world).backward()
        self.among.average(self.objective.parameters(), self.among.world)
        self.optimiser.step()
        self.objective.after_step()
        if self.target is not None:
            assert self.memory is not None
            follow(self.target, self.network, momentum(number, self.total, self.memory))
        if self.readout is not None and read is not None:
            share = lr / settings.lr if settings.lr else 1.0
            self.readout.learn(torch.cat(seen), read[rows].repeat(len(seen)), share)
        return loss.detach()

    def _view(self, pixels: Tensor, number: int, view: int) -> Tensor:
        generator = chance.generator(self.device, self.settings.seed, chance.VIEW, number, view, self.among.rank)
        return self.views(pixels, generator, view=view).contiguous(memory_format=self._order)


def start_memory(settings: TrainSettings, objective: Objective) -> float | None:
    """Memory of the target network at the start, by the settings or as the objective is published; None without one."""
    if not objective.needs_target:
        if settings.ema:
            raise InputError(
                f"ema is {settings.ema:g}, but {settings.objective} has no target network (with these options): leave "
                "it out"
            )
        return None
    return (objective.ema if settings.ema is None else settings.ema) or None
