"""label_free_scores: each score as its own function gives it, labels, views by repetition, collapse, bad input."""

from __future__ import annotations

import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ortho_group

import neuroalpha as na
from neuroalpha.spectrum.label_free_scores import LabelFreeScores, label_free_scores
from neuroalpha.spectrum.labelfree.clid import clid
from neuroalpha.spectrum.labelfree.coding_rate import coding_rate
from neuroalpha.spectrum.labelfree.coherence import coherence
from neuroalpha.spectrum.labelfree.condition import condition
from neuroalpha.spectrum.labelfree.lidar import lidar
from neuroalpha.spectrum.labelfree.nesum import nesum, stable_rank
from neuroalpha.spectrum.labelfree.rankme import rankme
from neuroalpha.spectrum.labelfree.self_cluster import self_cluster


def data(seed=0, n=150, p=40, alpha=1.0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, p)) * np.arange(1, p + 1) ** (-alpha / 2) + 0.5


def augmented(features, q=4, seed=1):
    return features[:, None] + 0.1 * np.random.default_rng(seed).normal(size=(len(features), q, features.shape[1]))


def assembly(x, **kwargs):
    return na.make_assembly(x, stimulus_id=[f"image{k:04d}" for k in range(len(x))], **kwargs)


def test_each_score_is_that_of_its_own_function():
    x = data()
    views = augmented(x[:60])
    found = label_free_scores(x, views=views, seed=3, delta=1e-3, distortion=0.1)
    clusters = clid(x, seed=3)
    measures = na.dimensions(na.eigenspectrum(assembly(x), n_draws=0))
    expected = {
        "rankme": rankme(x),
        "rankme_eigenvalues": rankme(x, variant="centred eigenvalues"),
        "lidar": lidar(views, delta=1e-3),
        "lidar_squared": lidar(views, variant="squared eigenvalues", delta=1e-3),
        "nesum": nesum(x),
        "participation_ratio": measures.participation_ratio,
        "effective_rank": measures.effective_rank,
        "stable_rank": stable_rank(x),
        "condition": condition(x),
        "coding_rate": coding_rate(x, distortion=0.1),
        "clid": clusters.score,
        "clid_cluster": clusters.cluster,
        "intrinsic_dimension": clusters.dimension,
        "self_cluster": self_cluster(x),
        "coherence": coherence(x),
    }
    for name, value in expected.items():
        assert getattr(found, name) == pytest.approx(value, rel=1e-9), name
    assert (found.n_stimuli, found.n_neuroids, found.n_objects, found.n_views) == (150, 40, 60, 4)
    assert (found.rank, found.collapsed, found.reason, found.n_clusters) == (40, False, "", 12)
    assert (found.seed, found.delta, found.distortion) == (3, 1e-3, 0.1)
    assert found.software.startswith("neuroalpha ")


@pytest.mark.parametrize("ranks", ["auto", (2, 15)])
@pytest.mark.parametrize("shape", [(150, 40), (40, 150)])
def test_alpha_is_that_of_the_eigenspectrum(ranks, shape):
    x = data(0, *shape)
    fit = na.fit_alpha(na.eigenspectrum(assembly(x), n_draws=0), ranks)
    found = label_free_scores(x, ranks=ranks)
    assert found.alpha == pytest.approx(fit.alpha, rel=1e-9)
    assert found.alpha_r2 == pytest.approx(fit.r2, rel=1e-9)
    assert (found.alpha_first, found.alpha_last) == fit.ranks
    assert (found.alpha_window_min, found.alpha_window_max) == pytest.approx(fit.window_range)


def test_alpha_of_known_data():
    x = data(1, 3000, 60, alpha=1.5)
    assert label_free_scores(x, ranks=(4, 30)).alpha == pytest.approx(1.5, abs=0.05)


def test_the_tensor_of_another_toolbox():
    """White noise of 1000 x 1024: reptrix's test value for its ranks, and RankMe by the paper's definition."""
    x = torch.randn(1000, 1024, generator=torch.Generator().manual_seed(0))
    found = label_free_scores(x, ranks=(11, 100))
    assert found.alpha == pytest.approx(0.148936, abs=2e-6)
    assert found.rankme == pytest.approx(813.85, abs=0.005)
    assert found.rankme_eigenvalues == pytest.approx(613.4726, rel=1e-6)


def test_labels_and_arrays_give_the_same():
    x = data()
    labelled = assembly(x, attrs={"identifier": "net/layer4"})
    plain, named = label_free_scores(x), label_free_scores(labelled)
    assert named.identifier == "net/layer4"
    differ = plain.to_frame().compare(named.to_frame())
    assert list(differ.columns.get_level_values(0).unique()) == ["identifier"]
    stimuli = xr.DataArray(x, dims=("stimulus", "neuroid"))
    assert label_free_scores(stimuli).alpha == plain.alpha


def test_views_of_an_assembly_are_its_repetitions_in_any_order():
    x = data()
    views = augmented(x[:30])
    ids = np.repeat([f"image{k:02d}" for k in range(30)], 4)
    shown = na.make_assembly(views.reshape(120, 40), stimulus_id=ids)
    mixed = shown.isel(presentation=np.random.default_rng(0).permutation(120))
    repeated = xr.DataArray(views.transpose(1, 0, 2), dims=("repeat", "stimulus", "neuroid"))
    expected = lidar(views)
    for given_views in (views, shown, mixed, repeated):
        found = label_free_scores(x, views=given_views)
        assert found.lidar == pytest.approx(expected, rel=1e-9)
        assert (found.n_objects, found.n_views) == (30, 4)


def test_one_row_with_the_columns_that_tables_expect():
    frame = label_free_scores(data()).to_frame()
    assert len(frame) == 1
    assert {
        "alpha", "alpha_r2", "rankme", "rankme_eigenvalues", "lidar", "lidar_squared", "nesum", "participation_ratio",
        "effective_rank", "stable_rank", "condition", "coding_rate", "clid", "clid_cluster", "intrinsic_dimension",
        "self_cluster", "coherence", "reason", "collapsed",
    } <= set(frame.columns)  # fmt: skip
    assert np.isnan(frame.lidar[0])
    assert frame.n_views[0] == 0
    assert frame.notna().drop(columns=["lidar", "lidar_squared"]).all(axis=None)
    with pytest.raises(AttributeError):
        label_free_scores(data()).alpha = 1.0


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(1e-3, 1e3))
def test_rotation_order_and_scale(seed, scale):
    x = data(seed, 80, 20)
    rng = np.random.default_rng(seed)
    turned = rng.permutation(x) @ ortho_group.rvs(20, random_state=rng) * scale
    one, two = label_free_scores(x), label_free_scores(turned)
    for name in (
        "alpha", "alpha_r2", "rankme", "rankme_eigenvalues", "nesum", "participation_ratio", "effective_rank", "rank",
        "stable_rank", "condition", "coding_rate", "intrinsic_dimension", "self_cluster", "coherence",
    ):  # fmt: skip
        assert getattr(one, name) == pytest.approx(getattr(two, name), rel=1e-5, abs=1e-9), name


ZERO = "collapsed: all values are 0"
CONSTANT = np.random.default_rng(5).uniform(0.5, 2, size=40)


@pytest.mark.parametrize(
    "features",
    [
        np.zeros((50, 40)),
        np.tile(CONSTANT, (50, 1)),
        (CONSTANT * (1 + 1e-7 * np.random.default_rng(0).normal(size=(50, 40)))).astype(np.float32),
    ],
)
def test_all_stimuli_alike(features):
    found = label_free_scores(features)
    assert found.collapsed
    assert found.reason == ("collapsed: all images alike, but for rounding" if features.any() else ZERO)
    assert found.rank == 0
    for name in ("alpha", "alpha_r2", "nesum", "participation_ratio", "effective_rank", "clid", "clid_cluster"):
        assert np.isnan(getattr(found, name)), name
    assert (found.alpha_first, found.alpha_last) == (0, 0)


def test_variance_of_nearly_nothing_has_no_alpha_but_its_scores():
    """A power law that is 8e-8 of the mean square: the bias of a last layer that has collapsed."""
    x = data(alpha=1.0)
    x -= x.mean(0)
    found = label_free_scores(x + np.sqrt((x**2).mean() / 8e-8))
    assert found.collapsed
    assert found.reason == "collapsed: all images alike: their variance is 8e-08 of the mean square"
    assert np.isnan(found.alpha)
    assert found.rank == 40
    assert found.effective_rank == pytest.approx(label_free_scores(x).effective_rank, rel=1e-6)


@pytest.mark.parametrize("noise", [0.0, 1e-3, 0.02])
def test_one_dimension_is_told_and_has_no_alpha(noise):
    rng = np.random.default_rng(0)
    line = np.outer(rng.normal(size=200), rng.normal(size=40)) + 1
    found = label_free_scores(line + noise * rng.normal(size=(200, 40)))
    assert found.collapsed
    assert found.reason == f"collapsed: one dimension: the participation ratio is {found.participation_ratio:.2f}"
    assert found.participation_ratio < 1.1
    assert np.isnan(found.alpha)
    assert found.nesum == pytest.approx(1, abs=0.02)
    assert found.rank == (1 if noise == 0 else 40)


def test_a_dominant_dimension_is_no_collapse():
    """Participation ratio 1.2, as of random networks by the brightness of images and less."""
    x = data(alpha=1.0)
    x[:, 0] *= 6.3
    found = label_free_scores(x)
    assert 1.15 < found.participation_ratio < 1.25
    assert (found.collapsed, found.reason) == (False, "")
    assert np.isfinite(found.alpha)


@pytest.mark.parametrize("dimensions", [6, 13])
def test_too_few_dimensions_for_a_window_is_no_collapse(dimensions):
    rng = np.random.default_rng(0)
    low = rng.normal(size=(200, dimensions)) @ rng.normal(size=(dimensions, 40))
    found = label_free_scores(low)
    assert found.reason == f"no window: only {dimensions} of 40 dimensions vary, too few for an exponent"
    assert not found.collapsed
    assert np.isnan(found.alpha)
    named = label_free_scores(low, ranks=(4, 30))
    assert named.reason == f"{found.reason} over ranks 4 to 30"
    assert not named.collapsed
    with pytest.warns(UserWarning, match=f"reach past half of the {dimensions}"):
        assert np.isfinite(label_free_scores(low, ranks=(1, dimensions)).alpha)


@pytest.mark.parametrize("ranks", ["auto", (1, 3), (4, 30)])
def test_hardly_a_dimension_is_a_collapse_whatever_the_window(ranks):
    rng = np.random.default_rng(0)
    found = label_free_scores(rng.normal(size=(200, 3)) @ rng.normal(size=(3, 40)), ranks=ranks)
    assert found.reason == "collapsed: only 3 of 40 dimensions vary, too few for an exponent"
    assert found.collapsed
    assert np.isnan(found.alpha)


def test_too_few_stimuli_is_no_collapse():
    found = label_free_scores(data(0, 10, 8))
    assert found.reason == "no window: 10 stimuli of 8 units have too few ranks for an exponent"
    assert not found.collapsed
    assert np.isnan(found.alpha)
    assert np.isfinite(found.rankme)


def test_objects_alike_leave_the_rest():
    x = data()
    found = label_free_scores(x, views=np.tile(augmented(x[:1]), (20, 1, 1)))
    assert np.isnan(found.lidar)
    assert np.isfinite(found.alpha)


def test_no_warnings_on_healthy_and_collapsed_features():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        label_free_scores(data(), views=augmented(data()[:20]))
        label_free_scores(np.zeros((30, 5)))
        label_free_scores(np.repeat(np.eye(5), 10, axis=0))


@pytest.mark.parametrize(
    ("features", "options", "match"),
    [
        (data()[:3], {}, "at least 4 rows"),
        (data()[0], {}, "features have shape"),
        (np.where(np.arange(40) == 3, np.nan, data()), {}, "in 150 of 150 rows"),
        (xr.Dataset({"a": ("b", [1.0])}), {}, "take its variable"),
        (xr.DataArray(data()), {}, "an assembly has dims"),
        (data(), {"ranks": (11, 500)}, "reach outside the spectrum"),
        (data(), {"ranks": "all"}, "expected .first, last."),
        (data(), {"seed": -1}, "seed is -1"),
        (data(), {"views": augmented(data())[..., :5]}, "views have 5 units, the features 40"),
        (data(), {"views": data()}, r"expected \(object, view, unit\)"),
        (data(), {"views": assembly(data())}, "one view of each of 150 objects"),
        (data(), {"delta": -1}, "delta is -1"),
        (data(), {"distortion": 0}, "distortion is 0"),
    ],
)
def test_bad_input(features, options, match):
    with pytest.raises(na.InputError, match=match) as caught:
        label_free_scores(features, **options)
    assert "\n" not in str(caught.value)


def test_several_layers_and_repeated_stimuli_are_told():
    x = data()
    layers = assembly(x, neuroid={"layer": ["one"] * 15 + ["two"] * 25})
    with pytest.raises(na.InputError, match="hold 2 layers"):
        label_free_scores(layers)
    assert label_free_scores(layers.isel(neuroid=(layers.layer == "two").values)).n_neuroids == 25
    with pytest.warns(UserWarning, match="3 of 150 presentations repeat a stimulus"):
        label_free_scores(na.make_assembly(x, stimulus_id=[*range(147), 0, 0, 1]))


def test_unequal_numbers_of_views():
    views = na.make_assembly(data()[:5], stimulus_id=["a", "a", "b", "b", "b"])
    with pytest.raises(na.InputError, match="2 repetitions of stimulus 'a' and 3 of 'b'; expected equally many"):
        label_free_scores(data(), views=views)


def test_torch_stays_out():
    code = (
        "import sys, numpy as np\n"
        "from neuroalpha.spectrum.label_free_scores import label_free_scores\n"
        "label_free_scores(np.random.default_rng(0).normal(size=(60, 20)))\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_field_is_explained():
    import inspect

    source = inspect.getsource(LabelFreeScores)
    for name in LabelFreeScores.__dataclass_fields__:
        after = source.split(f"    {name}: ")[1].split("\n")[1]
        assert after.strip().startswith('"""'), name
