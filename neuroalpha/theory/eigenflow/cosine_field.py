"""Kernel: the cosine loss's velocities at any eigenvalues, with a quadrature that is chosen for them.

The formulas are in :mod:`neuroalpha.theory.eigenflow.cosine_sums`, the rules in
:mod:`neuroalpha.theory.eigenflow.quadrature`, the shortcut for many modes in
:mod:`neuroalpha.theory.eigenflow.compress`.
"""

from __future__ import annotations

import numpy as np

from neuroalpha.theory.eigenflow.compress import Interpolation, points_needed
from neuroalpha.theory.eigenflow.cosine_sums import SMALL, Modes, Nodes, mode_sums, predictor, rates
from neuroalpha.theory.eigenflow.quadrature import Rule, chebyshev_rule, logistic_rule, radial_rule
from neuroalpha.theory.eigenflow.settings import FlowSetting

TOLERANCE = 1e-11
"""Largest difference, as a share of the fastest rate, between a rule for t and the next finer one."""
FEWEST = (6, 8, 12, 16, 24, 32)
PRUNE = 1e-17
"""A node that adds less than this share to every sum is left out."""
MOVED = 0.7
"""How far (in log eigenvalue) a mode may move before the nodes are chosen anew."""
MANY = 100
"""From so many modes on, sums over them go through representative eigenvalues where that is shorter."""


class CosineField:
    """Rates of log eigenvalues under the cosine loss, for one setting.

    ``rate`` evaluates, ``follow`` chooses the quadrature anew once the eigenvalues have moved far. Right to about
    1e-11 of the fastest rate. Memory is nodes x modes numbers: some 200 nodes for modes of like size, some thousands
    for a few modes that differ by orders of magnitude.

    Examples
    --------
    >>> from neuroalpha.theory.eigenflow.settings import FlowSetting
    >>> field = CosineField(FlowSetting("cosine"))
    >>> (field.rate(np.log([1.0, 0.5])) * [1.0, 0.5]).round(6)  # the sum of the eigenvalues stays
    array([-0.13815,  0.13815])
    """

    def __init__(self, setting: FlowSetting) -> None:
        self.setting = setting
        self.power = setting.power if setting.has_predictor else 0.0
        self.nodes: Nodes | None = None
        self.chosen_at: np.ndarray | None = None
        self.points = 0

    def rate(self, log_eigenvalue: np.ndarray, log_target: np.ndarray | None = None) -> np.ndarray:
        """(log lam)' (m,), without weight decay's part."""
        if self.nodes is None:
            self.choose(log_eigenvalue, log_target)
        assert self.nodes is not None
        return self._evaluate(self.nodes, log_eigenvalue, log_target)[0]

    def follow(self, log_eigenvalue: np.ndarray, log_target: np.ndarray | None = None) -> None:
        """Choose the nodes anew if a mode that matters has moved far since they were chosen."""
        if self.chosen_at is None:
            return
        moved = np.abs(self._relative(log_eigenvalue) - self.chosen_at)
        if moved.max() > MOVED:
            self.choose(log_eigenvalue, log_target)

    def choose(self, log_eigenvalue: np.ndarray, log_target: np.ndarray | None = None) -> None:
        """Take the coarsest rule that agrees with the next finer one, without the nodes that add nothing."""
        state = (log_eigenvalue, log_target)
        relative = self._relative(log_eigenvalue)
        self.chosen_at = relative
        spread = -float(relative.min())
        self.points = points_needed(np.sort(relative)[-2] + spread + 2 * MOVED, self.power) if relative.size > 2 else 0
        if log_target is not None or relative.size < MANY or self.points > relative.size // 2:
            self.points = 0
        full = min(2 * self.power * spread, 100.0)
        radial = self._prune_radial(radial_rule(min((1 + 2 * self.power) * spread, 100.0)), full, state)
        stretches = [each for each in (0.0, 3.0, 6.0, 12.0, 24.0, 48.0) if each < full] + [full, full + 3.0]
        rules = [chebyshev_rule(count) for count in FEWEST] + [logistic_rule(each) for each in stretches]
        scale = fastest(log_eigenvalue, self.setting)
        nodes = Nodes.product(radial, rules[0])
        rate, share = self._evaluate(nodes, *state, True)
        for rule in rules[1:]:
            finer = Nodes.product(radial, rule)
            after, after_share = self._evaluate(finer, *state, True)
            if np.abs(after - rate).max() <= TOLERANCE * max(scale, np.abs(after).max()):
                break
            nodes, rate, share = finer, after, after_share
        assert share is not None
        self.nodes = nodes.where(share > PRUNE)

    def _prune_radial(self, radial: Rule, stretch: float, state: tuple[np.ndarray, np.ndarray | None]) -> Rule:
        """Keep the stretch of r that adds anything, found with every fourth node of both rules."""
        coarse = Rule(*(part[::4] for part in radial))
        probe = Rule(*(part[::4] for part in logistic_rule(stretch)))
        share = self._evaluate(Nodes.product(coarse, probe), *state, True)[1]
        assert share is not None
        kept = np.flatnonzero(share.reshape(coarse.nodes.size, -1).max(axis=1) > PRUNE)
        return Rule(*(part[max(4 * kept[0] - 4, 0) : 4 * kept[-1] + 5] for part in radial))

    def _evaluate(
        self, nodes: Nodes, log_eigenvalue: np.ndarray, log_target: np.ndarray | None, want_share: bool = False
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Rates (m,) and, where asked for, the largest share of each node in any sum (node,)."""
        own, size = int(log_eigenvalue.argmax()), log_eigenvalue.size
        order = np.arange(size)
        order[own], order[-1] = size - 1, own  # the largest last; a swap, so it is its own inverse
        top = float(log_eigenvalue[own])
        relative = (log_eigenvalue - top)[order]
        target = None if log_target is None else (log_target - log_target.max())[order]
        modes = Modes(relative, target, np.ones(size))
        if self.points:
            between = Interpolation(np.maximum(relative[:-1], SMALL), self.points)
            few = Modes(np.append(between.points, 0.0), None, np.append(between.weights, 1.0))
            found, share = mode_sums(nodes, few, self.setting, want_share)
            rows = np.concatenate([between.back(found[:, :-1]), found[:, -1:]], axis=1)
        else:
            rows, share = mode_sums(nodes, modes, self.setting, want_share)
        return rates(rows, modes, top, self.setting)[order], share

    @staticmethod
    def _relative(log_eigenvalue: np.ndarray) -> np.ndarray:
        return np.maximum(log_eigenvalue - log_eigenvalue.max(), SMALL)


def fastest(log_eigenvalue: np.ndarray, setting: FlowSetting) -> float:
    """Order of magnitude of the largest rate."""
    top = log_eigenvalue.max()
    lam, p = np.exp(log_eigenvalue - top), predictor(log_eigenvalue - top, setting)
    size = 2 / np.sqrt((lam * p * p).sum() * lam.sum())
    return float(size * np.exp(-(1 + (setting.power if setting.variant == "iso" else 0)) * top))
