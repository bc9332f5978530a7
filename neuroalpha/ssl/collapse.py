"""Kernel: whether outputs say anything of the images at all."""

from __future__ import annotations

import torch
from torch import Tensor

ALIKE = 1e-4
"""Variance over images as a share of the mean square, below which they count as alike. Trained networks have .01 to 1;
what a collapsed one gives is the bias of its last layer, and bfloat16 rounds to 1e-5 of the square."""
ONE = 1.1
"""Participation ratio below which one dimension holds all: the first component has 95 % of the variance. Random
networks have 1.4 (a ResNet-20, for the brightness of the images) and more; SimSiam without stop-gradient has 1.03."""


def why_collapsed(outputs: Tensor) -> str:
    """Why the outputs (n, p) for n images count as collapsed, else an empty text.

    Examples
    --------
    >>> why_collapsed(torch.ones(50, 3) + 1e-4 * torch.randn(50, 3))
    'all images alike: their variance is 1e-08 of the mean square'
    >>> why_collapsed(torch.randn(50, 1) * torch.ones(3))
    'one dimension: the participation ratio is 1.00'
    >>> why_collapsed(torch.randn(50, 3))
    ''
    """
    values = outputs.detach().double()
    if not bool(torch.isfinite(values).all()):
        return "values that are not finite"
    square = float(values.square().sum(1).mean())
    if square == 0:
        return "all outputs are 0"
    centred = values - values.mean(0)
    share = float(centred.square().sum(1).mean()) / square
    if share < ALIKE:
        return f"all images alike: their variance is {share:.0e} of the mean square"
    # The sum of squared eigenvalues is that of the smaller Gram matrix's entries: no decomposition is needed.
    product = centred.T @ centred if centred.shape[0] > centred.shape[1] else centred @ centred.T
    ratio = float(product.trace() ** 2 / product.square().sum())
    return f"one dimension: the participation ratio is {ratio:.2f}" if ratio < ONE and values.shape[1] > 1 else ""
