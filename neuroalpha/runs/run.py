"""A whole run: plan, groups, work, and what is left when it was interrupted."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

import neuroalpha
from neuroalpha._checks import whole
from neuroalpha.errors import InputError
from neuroalpha.runs.engine import connect, run_here
from neuroalpha.runs.folder import RunFolder
from neuroalpha.runs.group import check_groups, make_groups
from neuroalpha.runs.models import expand_models
from neuroalpha.runs.pictures import PictureSpec, survey_images
from neuroalpha.runs.plan import Plan, read_plan
from neuroalpha.runs.status import why
from neuroalpha.runs.together import Together, check_shards, join_processes
from neuroalpha.runs.trained import forget_training_failure
from neuroalpha.runs.work import work


@dataclass(frozen=True)
class RunResult:
    """What a run did."""

    folder: Path
    n_groups: int
    n_done: int
    """Results that this run added."""
    n_kept: int
    """Groups that were finished before."""
    n_failed: int
    """Groups with a failure, also from before."""
    leads: bool = True
    """Whether this process speaks for the run: under ``torchrun`` the first one alone."""


def run_zoo(
    plan: Plan | str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    scheduler: str | None = None,
    workers: int = 1,
    memory: int | str | None = None,
    allow_code: bool = False,
    skip_bad_images: bool = False,
    retry_failed: bool = False,
    only: Collection[str] | None = None,
    progress: bool = True,
) -> RunResult:
    """Do what a plan asks for and is not done yet.

    Parameters
    ----------
    plan
        A plan file, or what :func:`neuroalpha.runs.plan.read_plan` made of it.
    folder
        Of the run, made if missing. A run in it is resumed: what has a result is not done again, whatever else the plan
        holds now. A result that is damaged is told and done again.
    scheduler
        Address of a ``distributed`` scheduler, as ``"tcp://host:8786"``; its workers must see the folder and the images
        under the same paths. Default: this process.
    workers
        Models at a time in this process, of one thread each, each with its own memory. Several processes on one model
        are started by ``torchrun``, which this function notices.
    memory
        Bound for the spectra of one job, as ``"2 GB"``, in place of the plan's.
    allow_code
        Let the plan run functions of Python files.
    skip_bad_images
        Leave out images that cannot be read, instead of refusing to start.
    retry_failed
        Try again what failed before.
    only
        Names of models, as in the table; the others of the plan wait. Default: all.
    progress
        Show it on stderr.

    Returns
    -------
    RunResult

    Raises
    ------
    InputError
        For a plan that cannot be done, another run in the folder, a folder that cannot be written any more, a scheduler
        that is not there or goes away. What has a result by then is kept.

    Examples
    --------
    >>> import neuroalpha as na
    >>> import numpy as np
    >>> np.save(tmp / "noise.npy", np.random.default_rng(0).integers(0, 256, (40, 32, 32, 3), dtype=np.uint8))
    >>> _ = (tmp / "plan.toml").write_text('''
    ... [[models]]
    ... name = "cifar:resnet20"
    ... [[images]]
    ... source = "noise.npy"
    ... [[layers]]
    ... select = ["layer3", "avgpool"]
    ... reduce = "mean"
    ... ''')
    >>> na.run_zoo(tmp / "plan.toml", tmp / "run", progress=False).n_done
    2
    >>> na.run_zoo(tmp / "plan.toml", tmp / "run", progress=False).n_kept
    1
    """
    plan = plan if isinstance(plan, Plan) else read_plan(plan)
    whole(workers, "workers", 1)
    if Path(folder).exists() and not Path(folder).is_dir():
        raise InputError(f"{folder} is a file, but a folder is needed; name another with --out")
    bound = memory_bound(plan, memory)
    with contextlib.ExitStack() as stack:
        team = stack.enter_context(join_processes(plan.settings.device))
        for task in plan.tasks:
            check_shards(int(task.options.get("shards", 1)), team.size)
        if team.size > 1 and (scheduler is not None or workers > 1):
            raise InputError("torchrun shares out one model at a time: leave out --scheduler and --workers")
        progress = progress and team.leads
        cluster = None
        if scheduler is not None:  # before anything long, since it may not be there
            cluster = stack.enter_context(connect(scheduler, plan.settings.device.startswith("cuda")))
        models = expand_models(plan, allow_code)

        def begin() -> dict[str, Any]:
            """Asked once: what files, clocks and this machine say."""
            alone = workers == 1 and cluster is None  # how many jobs a machine of a cluster takes is not known here
            threads = plan.settings.threads or (max(1, _cores() // team.size) if alone else 1)
            free = cluster.memory() // 2 if cluster is not None else _free_memory(plan, workers * team.size)
            run = stack.enter_context(RunFolder.take(folder, threads, bound or free))
            pictures = survey_images(plan, skip_bad_images, progress, run.path / "images")
            groups = make_groups(plan, models, pictures)
            check_groups(groups)
            run.write_plan(plan, groups)
            for group in groups if retry_failed else []:
                run.forget_failure(group.key)
                forget_training_failure(group.model)
            return {
                "pictures": [each.payload() for each in pictures],
                "kept": run.start,
                "done": [group.key for group in groups if finished(run, group.key)],
            }

        start = team.led(begin)
        run = RunFolder(folder)
        groups = make_groups(plan, models, [PictureSpec.of(each) for each in start["pictures"]])
        settings = _settings(plan, start["kept"], bound, allow_code, team)
        if workers > 1 and settings["threads"] > 1:
            raise InputError(
                f"jobs take {settings['threads']} threads each, by the plan or since the run began so, and in one "
                "process they would take turns: leave out --workers, or set threads = 1 under [run]"
            )
        todo = [group for group in groups if group.key not in set(start["done"])]
        if only is not None:
            todo = [group for group in todo if {group.model.name, group.model.label, group.model.title()} & set(only)]
        tasks = [{"title": group.title, "group": group.payload(), "key": group.key} for group in todo]
        call = partial(_call, path=str(run.path.resolve()), settings=settings)
        told = _Told(run, len(todo), len(groups), progress)
        try:
            if cluster is None:
                run_here(call, tasks, workers, told.done)
            else:
                cluster.run(call, tasks, told.done, told.begun)
        finally:
            told.close()
        failed = team.led(lambda: sum(run.failure(group.key) is not None for group in groups))
    return RunResult(run.path, len(groups), told.n_done, len(groups) - len(todo), failed, team.leads)


def memory_bound(plan: Plan, memory: int | str | None) -> int | None:
    """The bound that a person gave, in bytes."""
    from neuroalpha.networks.routes import parse_bytes

    return parse_bytes(memory) or parse_bytes(plan.settings.memory)


def finished(run: RunFolder, group: str) -> bool:
    """Whether a group has all its results, undamaged, or failures in place of those it lacks."""
    known = run.jobs(group)
    failure = run.failure(group)
    if known is None:
        return failure is not None
    damaged = [run.drop_damaged(job["key"]) for job in known["jobs"]]
    if failure is not None and failure["reason"] and not any(damaged):
        return True
    failed = failure["layers"] if failure else {}
    return all(run.has(job["key"]) or job["layer"] in failed for job in known["jobs"])


def _settings(
    plan: Plan, kept: Mapping[str, Any], memory: int | None, allow_code: bool, team: Together
) -> dict[str, Any]:
    """How the work is done, for every worker alike."""
    return {
        "run_id": kept["id"],
        "version": neuroalpha.__version__,
        "threads": plan.settings.threads or kept["threads"],
        "memory": memory or kept["memory"] or None,
        "device": team.device(plan.settings.device),
        "batch_size": plan.settings.batch_size,
        "scratch": plan.settings.scratch,
        "allow_code": allow_code,
        "progress": False,
    }


def _cores() -> int:
    """Cores that this process may use: on a shared machine not all."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _free_memory(plan: Plan, workers: int) -> int:
    """Half of what is free now, shared out; 0 on GPUs, where each worker looks for itself."""
    from neuroalpha.networks.routes import default_memory

    return 0 if plan.settings.device.startswith("cuda") else default_memory() // workers


def _call(task: Mapping[str, Any], path: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Work, with what is wrong with the folder as a text: not every error can be sent from process to process."""
    try:
        return work(task["group"], path, settings)
    except InputError as error:
        return {"stop": str(error)}


class _Told:
    """Counts what is done and shows it; called from several threads."""

    def __init__(self, run: RunFolder, todo: int, total: int, progress: bool) -> None:
        self._run = run
        self._lock = threading.Lock()
        self.n_done = 0
        if progress and total > todo:
            print(f"{total - todo} of {total} models on image sets are finished", file=sys.stderr)
        self._bar = tqdm(total=todo, unit="model", desc="zoo", file=sys.stderr, disable=not (progress and todo))

    def done(self, task: Mapping[str, Any], told: dict[str, Any] | None, fault: str) -> None:
        """Take note of one group."""
        with self._lock:
            if told is None:  # its worker is gone and could not say so itself
                self._run.write_failure(task["key"], task["title"], {}, fault, "")
                self._run.clear_mark(task["key"])
            else:
                self.n_done += told["done"]
            if (told is None or told["failed"]) and not self._bar.disable:
                self._bar.write(f"{task['title']} failed: {why(self._run, task['key'])}", file=sys.stderr)
            self._bar.update()

    def begun(self, task: Mapping[str, Any]) -> bool:
        """Whether a worker that died had begun with a group; takes its mark away."""
        if self._run.who_runs(task["key"]) is None:
            return False
        self._run.clear_mark(task["key"])
        return True

    def close(self) -> None:
        """Take the bar away."""
        self._bar.close()
