"""Networks of a sweep as models of a plan: trained where they are not yet, by whichever worker comes first."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuroalpha._cache import ResultCache
from neuroalpha._files import make_folder
from neuroalpha.errors import InputError
from neuroalpha.runs.lock import is_locked, only_run
from neuroalpha.runs.pictures import PictureSpec, open_images, survey_entry
from neuroalpha.runs.plan import ImageEntry, ModelEntry, Plan, make_entry

if TYPE_CHECKING:
    from neuroalpha.runs.models import ModelSpec
    from neuroalpha.ssl.settings import TrainSettings
    from neuroalpha.ssl.sweep import Sweep

NETWORK = "network.pt"
ONE_VIEW = ("supervised", "random_labels")
WAIT_SECONDS = 1.0


def sweep_specs(plan: Plan, entry: ModelEntry, where: str) -> list[ModelSpec]:
    """The networks of a sweep file, each named after its objective and the digest of what it is made of.

    Raises
    ------
    InputError
        For a sweep that cannot be read, or images that cannot.
    """
    from neuroalpha.ssl.sweep import read_sweep

    try:
        sweep = read_sweep(plan.path(entry.sweep))
        images, test = (survey_sweep(sweep, name) for name in ("images", "test"))
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
    assert images is not None
    return [spec_of(settings, images, test, sweep.folder, plan.settings.device) for settings in sweep.settings]


def survey_sweep(sweep: Sweep, which: str, progress: bool = False) -> PictureSpec | None:
    """The images that a sweep names; read once, and again when their files change."""
    given = sweep.images if which == "images" else sweep.test
    if given is None:
        return None
    where = f"[{which}] of {sweep.path}"
    entry = make_entry(ImageEntry, given, where)
    try:
        return survey_entry(entry, sweep.path.parent, ResultCache(sweep.folder / "images"), progress=progress)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error


def spec_of(
    settings: TrainSettings, images: PictureSpec, test: PictureSpec | None, folder: Path, device: str = ""
) -> ModelSpec:
    """One network of a sweep, in words that another process understands."""
    from neuroalpha.runs.models import ModelSpec

    settings = settings.changed(device=device) if device else settings
    key = settings.key(learned_from(images, test is None))
    name = f"{settings.objective}-{key[:8]}"
    return ModelSpec(
        name,
        seed=settings.seed,
        kind="trained",
        options={
            "settings": settings.to_dict(),
            "images": images.payload(),
            "test": test.payload() if test is not None else None,
            "folder": str(folder / name),
        },
        family=settings.objective,
    )


def learned_from(images: PictureSpec, alone: bool) -> str:
    """Digest of what is learned from; without test images a tenth of those with labels is held out for testing."""
    return f"{images.digest} {images.labels}" + (" but a tenth" if alone and images.labels else "")


def identity_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """What a trained network depends on: its settings and images, not where it is kept or which images tested it."""
    settings = {name: value for name, value in options["settings"].items() if name != "device"}
    learned = learned_from(PictureSpec.of(options["images"]), options["test"] is None)
    return {"settings": settings, "images": learned}


def folder_of(spec: ModelSpec) -> Path:
    """Where a network of a sweep is kept."""
    return Path(spec.options["folder"])


def settings_of(spec: ModelSpec) -> TrainSettings:
    """What a network of a sweep is trained with."""
    from neuroalpha.ssl.settings import make_settings

    return make_settings(spec.options["settings"], spec.name)


def is_trained(spec: ModelSpec) -> bool:
    """Whether a network of a sweep was trained to its end."""
    return (folder_of(spec) / NETWORK).is_file()


def forget_training_failure(spec: ModelSpec) -> None:
    """Let a network whose training failed be trained again."""
    if spec.kind == "trained":
        (folder_of(spec) / "failed.json").unlink(missing_ok=True)


def training_images(spec: ModelSpec) -> int:
    """Image views that the training of a network shows it, forward and backward."""
    settings = settings_of(spec)
    views = 1 if settings.objective in ONE_VIEW else 2
    return int(settings.epochs * spec.options["images"]["n"] * views)


def build_trained(spec: ModelSpec, progress: bool = False) -> Any:
    """The network, trained first, or to its end, where it is not; another worker that trains it is waited for.

    Raises
    ------
    InputError
        When its loss was not finite, now or when it was first tried.
    """
    from neuroalpha.networks.provenance import remember
    from neuroalpha.ssl.state import load_trained
    from neuroalpha.ssl.train import train

    folder = make_folder(folder_of(spec))
    if not is_trained(spec):
        with _alone(folder):
            images, test = (
                open_images(PictureSpec.of(spec.options[name])) if spec.options[name] else None
                for name in ("images", "test")
            )
            train(images, settings_of(spec), test=test, folder=folder, progress=progress)
    network = load_trained(folder)
    remember(network, spec.name, "trained")
    return network


def untrained(spec: ModelSpec) -> Any:
    """The same network with its first weights: what a dry run measures."""
    from neuroalpha.networks.provenance import remember
    from neuroalpha.ssl.step import build_network

    network = build_network(settings_of(spec))
    remember(network, spec.name, "trained")
    return network


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        while True:
            try:
                stack.enter_context(only_run(folder))
                break
            except InputError:
                if not is_locked(folder):  # then something else is wrong
                    raise
            time.sleep(WAIT_SECONDS)
        yield
