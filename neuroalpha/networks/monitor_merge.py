"""The windows of all processes of a distributed training run, put together in the order of their ranks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

from neuroalpha.errors import InputError
from neuroalpha.networks.monitor_window import Content, merged
from neuroalpha.spectrum import moments
from neuroalpha.spectrum.moments import Moments


def merge_ranks(contents: dict[str, Content]) -> dict[str, Content]:
    """The same on every process; all of them must call this. Without ``torch.distributed``: as they are.

    Takes every rank's rows, or its moments, to every rank: as much memory as so many windows, for one layer at a time.

    Raises
    ------
    InputError
        On every process, where they have not recorded the same layers.
    """
    if not (dist.is_available() and dist.is_initialized()) or dist.get_world_size() == 1:
        return contents
    # NCCL sends what is on a GPU only.
    home = torch.device("cuda", torch.cuda.current_device()) if "nccl" in dist.get_backend() else torch.device("cpu")
    names = ",".join(contents).encode()
    lengths = _gather(torch.tensor([len(names)]), home)
    size = max(int(length) for length in lengths)
    padded = torch.zeros(size, dtype=torch.uint8)
    padded[: len(names)] = torch.tensor(list(names), dtype=torch.uint8)
    if not all(torch.equal(other, padded.to(home)) for other in _gather(padded, home)):
        raise InputError("the processes have not recorded the same layers: each needs a forward pass before a merge")
    return {layer: merged(_of_ranks(content, home)) for layer, content in contents.items()}


def _of_ranks(content: Content, home: torch.device) -> list[Content]:
    """The contents of one layer on all ranks, on this rank's device."""
    own, p = content.moments, content.low.size
    numbers = [
        content.n_samples,
        content.n_nonfinite,
        content.first_step,
        int(content.latest_finite),
        len(content.rows),
    ]
    header = torch.tensor([*numbers, own.count if own else -1, p])
    headers = [[int(value) for value in each] for each in _gather(header, home)]
    if any((each[5] < 0, each[6]) != (own is None, p) for each in headers):
        raise InputError("the processes have recorded different numbers of units, or keep different windows")
    longest = max(each[4] for each in headers)
    rows = torch.zeros((longest, p), dtype=content.rows.dtype)
    rows[: len(content.rows)] = content.rows.cpu()
    all_rows = _gather(rows, home)
    ends = _gather(torch.from_numpy(np.stack([content.low, content.high])), home)
    summed: list[Tensor] = []
    if own is not None:
        product = torch.as_tensor(moments.scatter(own, content.engine)).cpu().contiguous()
        summed = _gather(torch.cat([torch.from_numpy(moments.mean(own))[None], product]), home)
    found = []
    for rank, (n, bad, step, finite, n_rows, count, _) in enumerate(headers):
        total = None
        if own is not None:
            matrix = summed[rank][1:].to(content.device)
            scatter: Any = np.asfortranarray(matrix.numpy()) if content.device == "cpu" else matrix
            total = Moments(count, summed[rank][0].cpu().numpy(), np.zeros(p), scatter)
        low, high = ends[rank].cpu().numpy()
        found.append(
            replace(
                content,
                n_samples=n,
                n_nonfinite=bad,
                first_step=step,
                latest_finite=bool(finite),
                low=low,
                high=high,
                rows=all_rows[rank][:n_rows].to(content.device),
                moments=total,
            )
        )
    return found


def _gather(tensor: Tensor, home: torch.device) -> list[Tensor]:
    """The tensor of every rank; the shape is the same on all."""
    tensor = tensor.to(home)
    everyone = [torch.empty_like(tensor) for _ in range(dist.get_world_size())]
    dist.all_gather(everyone, tensor)
    return everyone
