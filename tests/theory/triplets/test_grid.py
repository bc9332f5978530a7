"""The grid gives the same numbers with any number of workers, after any interruption."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.stats import spearmanr

from neuroalpha._cache import ResultCache
from neuroalpha.theory.triplets import grid
from neuroalpha.theory.triplets.comparisons import LabelComparisons
from neuroalpha.theory.triplets.gnmds import solve
from neuroalpha.theory.triplets.grid import MEASURES, Cell, Plan, Signal, labels_of, run_grid, simulate_cell
from neuroalpha.theory.triplets.labels import latent_distances
from neuroalpha.theory.triplets.latents import cosine_similarity, draw_latents, gram_similarity
from neuroalpha.theory.triplets.mining import count_triplets

CELLS = [Cell(n, 4, 3, Signal(kind), repeat) for n in (4, 8) for kind in ("soft", "hard") for repeat in (0, 1)]


def test_a_cell_is_what_its_parts_give():
    cell = Cell(8, 4, 3, Signal("sparse", 2), 1)
    found = dict(zip(MEASURES, simulate_cell(Plan(seed=7), cell), strict=True))
    drawn = draw_latents(8, 4, 3, 7, 1)
    distance = latent_distances(drawn.points, drawn.centroids)
    labels = labels_of(distance, cell.signal, cosine_similarity(drawn.points))
    assert found["n_triplets"] == count_triplets(labels).total
    assert -1 <= found["rho"] <= 1
    assert found["gap"] <= 0.01
    assert 0 <= found["effective_dimension"] <= 3


def scored(kind, sparsity=0, repeat=1):
    """The measures of a cell, its recovered cosines and the true ones, each computed here from the parts."""
    cell = Cell(9, 6, 4, Signal(kind, sparsity), repeat)
    drawn = draw_latents(9, 6, 4, 0, repeat)
    truth = cosine_similarity(drawn.items)
    labels = labels_of(latent_distances(drawn.points, drawn.centroids), cell.signal, truth[:9, :9])
    recovered = gram_similarity(solve(LabelComparisons(labels)).gram)
    return dict(zip(MEASURES, simulate_cell(Plan(), cell), strict=True)), labels, recovered.round(5), truth


def rho_of(items, recovered, truth):
    pairs = list(itertools.combinations(items, 2))
    return spearmanr([recovered[pair] for pair in pairs], [truth[pair] for pair in pairs])[0]


@pytest.mark.parametrize(("kind", "sparsity"), [("soft", 0), ("sparse", 2), ("top-class", 3)])
def test_correlations_are_over_all_items_the_points_and_what_was_asked(kind, sparsity):
    found, labels, recovered, truth = scored(kind, sparsity)
    asked = [*range(9), *(9 + column for column in range(6) if np.isfinite(labels[0, column]))]
    assert len(asked) == (12 if kind == "top-class" else 15)
    assert found["rho"] == pytest.approx(rho_of(range(15), recovered, truth), abs=2e-3)
    assert found["rho_points"] == pytest.approx(rho_of(range(9), recovered, truth), abs=2e-3)
    assert found["rho_asked"] == pytest.approx(rho_of(asked, recovered, truth), abs=2e-3)
    assert (found["rho_asked"] == found["rho"]) == (kind != "top-class")


def test_two_points_have_no_correlation_of_their_own():
    found = dict(zip(MEASURES, simulate_cell(Plan(), Cell(2, 3, 4, Signal("soft"), 0)), strict=True))
    assert np.isnan(found["rho_points"])
    assert np.isfinite(found["rho"])


def test_labels_of_every_kind():
    drawn = draw_latents(9, 5, 3, seed=0)
    distance, truth = latent_distances(drawn.points, drawn.centroids), cosine_similarity(drawn.points)
    of = {kind: labels_of(distance, Signal(kind, 2), truth) for kind in grid.KINDS}
    assert (of["hard"].sum(axis=1) == 1).all()
    np.testing.assert_allclose(of["soft"].sum(axis=1), 1)
    np.testing.assert_allclose(of["proximity"], np.exp(-distance))
    assert ((of["sparse"] > 0).sum(axis=1) == 2).all()
    assert (np.isfinite(of["top-class"]).all(axis=0)).sum() == 2


def test_workers_and_interruptions_do_not_matter(tmp_path, monkeypatch):
    alone = run_grid(Plan(), CELLS, workers=1)
    cache = ResultCache(tmp_path)
    calls = []

    def broken(plan, cell):
        if len(calls) == 5:
            raise KeyboardInterrupt
        calls.append(cell)
        return simulate_cell(plan, cell)

    monkeypatch.setattr(grid, "simulate_cell", broken)
    with pytest.raises(KeyboardInterrupt):
        run_grid(Plan(), CELLS, workers=1, cache=cache)
    monkeypatch.undo()
    computed = []
    monkeypatch.setattr(grid, "simulate_cell", lambda plan, cell: computed.append(cell) or simulate_cell(plan, cell))
    resumed = run_grid(Plan(), CELLS, workers=1, cache=cache)
    assert len(computed) == len(CELLS) - 5
    assert not set(computed) & set(calls)
    monkeypatch.undo()
    monkeypatch.setattr(grid, "simulate_cell", None)  # all are kept: nothing is computed
    assert run_grid(Plan(), CELLS, cache=cache) == resumed
    np.testing.assert_array_equal([resumed[cell] for cell in CELLS], [alone[cell] for cell in CELLS])


def test_processes_give_the_same_numbers():
    alone = run_grid(Plan(), CELLS, workers=1)
    apart = run_grid(Plan(), CELLS, workers=2)
    np.testing.assert_allclose([apart[cell] for cell in CELLS], [alone[cell] for cell in CELLS], rtol=1e-9)


def test_cells_of_other_measures_are_not_taken_for_these(tmp_path, monkeypatch):
    cache, cells = ResultCache(tmp_path), CELLS[:1]
    monkeypatch.setattr(grid, "MEASURES", ("rho", "gap"))
    monkeypatch.setattr(grid, "simulate_cell", lambda plan, cell: (0.5, 0.0))
    assert run_grid(Plan(), cells, workers=1, cache=cache) == {cells[0]: (0.5, 0.0)}
    monkeypatch.undo()
    found = run_grid(Plan(), cells, workers=1, cache=cache)
    assert found == run_grid(Plan(), cells, workers=1)
    assert len(found[cells[0]]) == len(MEASURES)


def test_another_plan_is_another_result(tmp_path):
    cache, cells = ResultCache(tmp_path), CELLS[:1]
    one = run_grid(Plan(), cells, workers=1, cache=cache)
    two = run_grid(Plan(seed=1), cells, workers=1, cache=cache)
    assert one != two
