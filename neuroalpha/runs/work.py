"""What a worker does: build one model, show it one image set, write a result for each job that lacks one."""

from __future__ import annotations

import contextlib
import time
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import xarray as xr

import neuroalpha
from neuroalpha._console import one_line
from neuroalpha.errors import InputError
from neuroalpha.networks.memory import peak_memory
from neuroalpha.runs.folder import FolderError, RunFolder
from neuroalpha.runs.group import Group, Job, Subject, make_subject
from neuroalpha.runs.kinds import module_of
from neuroalpha.runs.plan import Task
from neuroalpha.runs.threads import job_threads
from neuroalpha.runs.together import present


@dataclass(frozen=True)
class Outcome:
    """What became of one job."""

    job: Job
    result: xr.Dataset | None
    fault: str
    cost: Mapping[str, int | float | str]


def work(payload: Mapping[str, Any], path: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Do the jobs of one group that have no result yet; returns how many were done and failed, and the seconds.

    Nothing that goes wrong with a model leaves this function: it is noted in the folder, and other groups go on.

    Raises
    ------
    InputError
        When the folder cannot be reached or written: no other group would fare better.
    """
    folder = _folder(path, settings)
    group = Group.of(payload)
    team = present()
    done, faults, reason, trace = 0, dict[str, str](), "", ""
    costs: dict[str, Any] = {}
    begun = time.perf_counter()
    with folder.running(group.key) if team.leads else contextlib.nullcontext(), job_threads(settings["threads"]):
        try:
            for outcome in _outcomes(group, folder, settings):
                costs.update(outcome.cost)
                if outcome.result is None:
                    faults[outcome.job.layer] = outcome.fault
                    continue
                if team.leads:
                    folder.write_result(outcome.job.key, outcome.result)
                done += 1
        except FolderError:
            raise
        except InputError as error:
            reason = str(error)
        except Exception as error:
            if team.size > 1:  # the other processes would wait for this one
                raise
            reason, trace = f"{type(error).__name__}: {one_line(error)}", traceback.format_exc()
        seconds = time.perf_counter() - begun
        if team.leads:
            if faults or reason:
                folder.write_failure(group.key, group.title, faults, reason, trace)
            else:
                folder.forget_failure(group.key)
            told = {"title": group.title, "seconds": seconds, "peak_bytes_of_process": peak_memory(), **costs}
            folder.write_cost(group.key, told)
    return {"done": done, "failed": len(faults) + bool(reason), "seconds": seconds}


def _folder(path: str, settings: Mapping[str, Any]) -> RunFolder:
    """The folder of the run, if this worker sees the same one and is of the same version."""
    folder = RunFolder(path)
    if not folder.is_run or folder.start["id"] != settings["run_id"]:
        raise FolderError(f"a worker does not see the run in {path}; all workers need the same shared folder")
    if settings["version"] != neuroalpha.__version__:
        raise FolderError(
            f"a worker has neuroalpha {neuroalpha.__version__}, the run {settings['version']}; install the same"
        )
    return folder


def _outcomes(group: Group, folder: RunFolder, settings: Mapping[str, Any]) -> Iterator[Outcome]:
    team = present()
    subject = team.all_or_none(lambda: make_subject(group, settings["allow_code"], settings["device"]))
    listed = subject.jobs()
    every = [job for jobs in listed for job in jobs]
    if team.leads:
        folder.write_jobs(group.key, {**subject.labels, "jobs": [asdict(job) for job in every]})
    missing = set(team.led(lambda: [job.key for job in every if not folder.has(job.key)]))
    for task, jobs in zip(group.tasks, listed, strict=True):
        wanted = [job for job in jobs if job.key in missing]
        missing -= {job.key for job in wanted}  # a plan may ask for the same twice
        if wanted:
            yield from _performed(subject, wanted, task, settings)


def _performed(subject: Subject, wanted: list[Job], task: Task, settings: Mapping[str, Any]) -> Iterator[Outcome]:
    """One task; what is wrong with its input is the fault of its jobs, and the next task goes on."""
    told: set[str] = set()
    try:
        for outcome in module_of(task.kind).perform(subject, wanted, task.options, settings):
            told.add(outcome.job.key)
            yield outcome
    except FolderError:
        raise
    except InputError as error:
        if len(subject.group.tasks) == 1:
            raise
        for job in wanted:
            if job.key not in told:
                yield Outcome(job, None, str(error), {})
