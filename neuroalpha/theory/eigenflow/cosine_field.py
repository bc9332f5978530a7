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
MOVED = 0.35
"""How far (in log eigenvalue over the largest) a mode may move before the nodes are chosen anew; twice so far within a
step of an integrator."""
MANY = 100
"""From so many modes on, sums over them go through representative eigenvalues where that is shorter."""

State = tuple[np.ndarray, np.ndarray | None]  # log eigenvalues, log of the target's


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
        self.work = 0.0
        """Numbers (nodes x modes) taken so far."""
        self._coarsest = 0

    def rate(self, log_eigenvalue: np.ndarray, log_target: np.ndarray | None = None) -> np.ndarray:
        """(log lam)' (m,), without weight decay's part."""
        if self.nodes is None or self._moved(log_eigenvalue) > 2 * MOVED:
            self.choose(log_eigenvalue, log_target)
        assert self.nodes is not None
        return self._evaluate(self.nodes, log_eigenvalue, log_target)[0]

    def follow(self, log_eigenvalue: np.ndarray, log_target: np.ndarray | None = None) -> None:
        """Choose the nodes anew if a mode has moved far since they were chosen: once for a step of an integrator."""
        if self.nodes is not None and self._moved(log_eigenvalue) > MOVED:
            self.choose(log_eigenvalue, log_target)

    def choose(self, log_eigenvalue: np.ndarray, log_target: np.ndarray | None = None) -> None:
        """Take the coarsest rule that agrees with the one before, without the nodes that add nothing.

        Both here and where the largest mode has left the others behind by as far as modes may move: unlike modes are
        the harder ones. The first rule tried is two coarser than the one taken before.
        """
        relative = self._relative(log_eigenvalue)
        spread = -float(relative.min()) + 3 * MOVED
        self.chosen_at = relative
        self.points = points_needed(np.sort(relative)[-2] + spread + MOVED, self.power) if relative.size > 2 else 0
        if log_target is not None or relative.size < MANY or self.points > relative.size // 2:
            self.points = 0
        wider = np.where(relative < 0, log_eigenvalue - 2 * MOVED, log_eigenvalue)
        states = [(log_eigenvalue, log_target), (wider, log_target)]
        full = min(2 * self.power * spread, 100.0)
        radial = self._prune_radial(radial_rule(min((1 + 2 * self.power) * spread, 100.0)), full, states)
        stretches = [each for each in (0.0, 3.0, 6.0, 12.0, 24.0, 48.0) if each < full] + [full, full + 3.0]
        before = np.full((2, relative.size), np.inf)
        rules = [chebyshev_rule(count) for count in FEWEST] + [logistic_rule(each) for each in stretches]
        for at in range(min(self._coarsest, len(rules) - 2), len(rules)):
            nodes = Nodes.product(radial, rules[at])
            self._coarsest = max(at - 2, 0)
            found, share = self._at_all(nodes, states)
            scale = np.array(
                [
                    max(fastest(log, self.setting), np.abs(row).max())
                    for (log, _), row in zip(states, found, strict=True)
                ]
            )
            if (np.abs(found - before).max(axis=1) <= TOLERANCE * scale).all():
                break
            before = found
        self.nodes = nodes.where(share > PRUNE)

    def _prune_radial(self, radial: Rule, stretch: float, states: list[State]) -> Rule:
        """Keep the stretch of r that adds anything, found with every fourth node of both rules."""
        coarse = Rule(*(part[::4] for part in radial))
        probe = Rule(*(part[::4] for part in logistic_rule(stretch)))
        share = self._at_all(Nodes.product(coarse, probe), states)[1]
        kept = np.flatnonzero(share.reshape(coarse.nodes.size, -1).max(axis=1) > PRUNE)
        return Rule(*(part[max(4 * kept[0] - 4, 0) : 4 * kept[-1] + 5] for part in radial))

    def _at_all(self, nodes: Nodes, states: list[State]) -> tuple[np.ndarray, np.ndarray]:
        """Rates (state, m), and the largest share of each node in any of them (node,)."""
        rows, shares = zip(*(self._evaluate(nodes, *state, True) for state in states), strict=True)
        return np.stack(rows), np.max(shares, axis=0)

    def _moved(self, log_eigenvalue: np.ndarray) -> float:
        return float(np.abs(self._relative(log_eigenvalue) - self.chosen_at).max())

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
            self.work += nodes.r.size * few.log.size
            found, share = mode_sums(nodes, few, self.setting, want_share)
            rows = np.concatenate([between.back(found[:, :-1]), found[:, -1:]], axis=1)
        else:
            self.work += nodes.r.size * size
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
