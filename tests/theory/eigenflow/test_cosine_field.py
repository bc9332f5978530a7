"""The cosine loss's expectations against other integrals (two modes: angles), brute Monte Carlo and known laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuroalpha.theory.eigenflow import cosine_field
from neuroalpha.theory.eigenflow.cosine_field import CosineField, fastest
from neuroalpha.theory.eigenflow.settings import VARIANTS, FlowSetting

KINDS = [FlowSetting("cosine", variant) for variant in VARIANTS]
KINDS += [FlowSetting("cosine", "no stop-gradient", exact_gradient=True)]
IDS = [kind.name for kind in KINDS]


def changed(kind, **changes):
    return FlowSetting("cosine", kind.variant, exact_gradient=kind.exact_gradient, **changes)


def directions(z1, z2, p, kind):
    """What the published updates multiply view 1 with, and view 2 (None: it does not learn): rows are samples."""
    y = z1 * p
    ny, nz = np.linalg.norm(y, axis=-1, keepdims=True), np.linalg.norm(z2, axis=-1, keepdims=True)
    dot = (y * z2).sum(axis=-1, keepdims=True)
    g = z2 / (ny * nz) - dot * y / (ny**3 * nz)
    if kind.variant in ("iso", "no predictor"):
        return g, None
    if kind.variant == "predictor":
        return p * g, None
    if kind.exact_gradient:
        return p * g, y / (ny * nz) - dot * z2 / (ny * nz**3)
    return p * (z2 + z1) / (ny * nz) - dot * (p * y + z2) / (ny**3 * nz), None


def by_angles(lam, kind, n=150_000):
    """(m,) lam' of two modes with clean views: the integrand depends on the angle alone, alike in all quadrants."""
    angle = (np.arange(n) + 0.5) * np.pi / 2 / n
    z = np.stack([np.cos(angle), np.sin(angle)], axis=1) * np.sqrt(lam)
    p = lam**kind.power if kind.has_predictor else np.ones(2)
    first, second = directions(z, z, p, kind)
    return 2 * (first * z + (0 if second is None else second * z)).mean(axis=0)


def by_two_angles(lam, lam_a, kind, n=300):
    """The same with noisy views and another target, for terms that do not depend on either view's length.

    The two inputs along their angles have density r1 r2 exp(-(A r1^2 - 2 B r1 r2 + C r2^2) / 2), integrated over both.
    """
    angle = (np.arange(n) + 0.5) * 2 * np.pi / n
    unit = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    spread = np.array([[1 + kind.noise1, 1], [1, 1 + kind.noise2]])
    inverse = np.linalg.inv(spread)
    a, c = inverse[0, 0], inverse[1, 1]
    rho = -inverse[0, 1] * np.cos(angle[:, None] - angle) / np.sqrt(a * c)
    density = (1 + rho * (np.pi / 2 + np.arcsin(rho)) / np.sqrt(1 - rho**2)) / (a * c * (1 - rho**2))
    density *= (2 * np.pi / n) ** 2 / ((2 * np.pi) ** 2 * np.linalg.det(spread))
    assert abs(density.sum() - 1) < 1e-9
    z1 = np.broadcast_to((unit * np.sqrt(lam))[:, None], (n, n, 2))
    z2 = np.broadcast_to((unit * np.sqrt(lam_a))[None], (n, n, 2))
    p = lam**kind.power if kind.has_predictor else np.ones(2)
    first, second = directions(z1, z2, p, kind)
    total = first * z1 + (0 if second is None else second * z2)
    return 2 * (total * density[..., None]).sum(axis=(0, 1))


@pytest.mark.parametrize("kind", KINDS, ids=IDS)
@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("lam", [[1.0, 0.6], [0.3, 2.5], [1.0, 0.02]])
def test_two_modes_with_clean_views(kind, power, lam):
    kind, lam = changed(kind, power=power), np.array(lam)
    found = CosineField(kind).rate(np.log(lam)) * lam
    np.testing.assert_allclose(found, by_angles(lam, kind), rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("kind", [each for each in KINDS if each.variant != "no stop-gradient" or each.exact_gradient])
@pytest.mark.parametrize("noise", [(0.0, 0.05), (0.2, 0.3), (0.4, 0.0)])
def test_two_modes_with_noisy_views(kind, noise):
    kind, lam = changed(kind, power=0.8, noise1=noise[0], noise2=noise[1]), np.array([1.0, 0.6])
    found = CosineField(kind).rate(np.log(lam)) * lam
    np.testing.assert_allclose(found, by_two_angles(lam, lam, kind), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("variant", VARIANTS[:3])
def test_two_modes_with_another_target(variant):
    kind = FlowSetting("cosine", variant, power=0.7, noise1=0.2, noise2=0.1, ema=1.0)
    lam, target = np.array([1.0, 0.6]), np.array([0.4, 1.3])
    found = CosineField(kind).rate(np.log(lam), np.log(target)) * lam
    np.testing.assert_allclose(found, by_two_angles(lam, target, kind), rtol=1e-8)


@pytest.mark.parametrize("kind", KINDS, ids=IDS)
def test_matrix_update_on_samples(kind):
    """dW of the published updates on 400,000 sampled pairs of views: the eigenvalues of W W' move as the field says."""
    kind = changed(kind, noise1=0.1, noise2=0.3)
    rng = np.random.default_rng(3)
    w = rng.standard_normal((4, 6)) / 2
    values, vectors = np.linalg.eigh(w @ w.T)
    p = w @ w.T if kind.has_predictor else np.eye(4)
    batches = []
    for _ in range(20):
        x = rng.standard_normal((20_000, 6))
        x1, x2 = x + np.sqrt(0.1) * rng.standard_normal(x.shape), x + np.sqrt(0.3) * rng.standard_normal(x.shape)
        z1, z2 = x1 @ w.T, x2 @ w.T
        y = z1 @ p
        ny, nz = np.linalg.norm(y, axis=1, keepdims=True), np.linalg.norm(z2, axis=1, keepdims=True)
        dot = (y * z2).sum(axis=1, keepdims=True)
        g = z2 / (ny * nz) - dot * y / (ny**3 * nz)
        moved = {"iso": g, "no predictor": g, "predictor": g @ p}.get(kind.variant)
        if moved is None:
            moved = g @ p if kind.exact_gradient else (z2 + z1) @ p / (ny * nz) - dot * (y @ p + z2) / (ny**3 * nz)
        update = moved.T @ x1
        if kind.exact_gradient:
            update += (y / (ny * nz) - dot * z2 / (ny * nz**3)).T @ x2
        update /= len(x)
        batches.append(np.diag(vectors.T @ (update @ w.T + w @ update.T) @ vectors))
    mean, error = np.mean(batches, axis=0), np.std(batches, axis=0, ddof=1) / np.sqrt(20)
    found = CosineField(kind).rate(np.log(values)) * values
    assert (np.abs(found - mean) < 5 * error).all()
    assert (error < 0.05 * np.abs(mean).max()).all()  # so that the line above says something


def test_published_update_without_stop_gradient_is_not_the_gradient():
    lam = np.array([1.0, 0.6])
    coded, exact = (CosineField(kind).rate(np.log(lam)) * lam for kind in KINDS[-2:])
    assert np.abs(coded - exact).max() > 0.05
    assert abs(exact.sum()) < 1e-12  # the loss does not see the scale
    assert abs(coded.sum()) > 0.05


@settings(max_examples=8, deadline=None)
@given(
    st.lists(st.floats(-7, 1), min_size=2, max_size=6),
    st.sampled_from([0.5, 1.0, 1.7]),
    st.sampled_from([0.0, 0.05]),
    st.floats(-3, 3),
)
def test_laws(log, power, noise, shift):
    log = np.array(log)
    order = np.random.default_rng(0).permutation(log.size)
    for variant, degree in (("predictor", 0.0), ("no predictor", 0.0), ("iso", power)):
        kind = FlowSetting("cosine", variant, power, noise, noise)
        rate, scale = CosineField(kind).rate(log), fastest(log, kind)
        if variant != "iso":
            assert abs((rate * np.exp(log)).sum()) < 1e-12 * scale * np.exp(log).sum()  # the sum of eigenvalues stays
        assert np.abs(CosineField(kind).rate(log[order]) - rate[order]).max() < 1e-9 * scale
        scaled = CosineField(kind).rate(log + shift) * np.exp((1 + degree) * shift)  # iso's p is not divided out
        assert np.abs(scaled - rate).max() < 1e-9 * scale


@pytest.mark.parametrize("kind", KINDS, ids=IDS)
@pytest.mark.parametrize("decay", [0.5, 1.0])
def test_many_modes_through_few_points(kind, decay, monkeypatch):
    kind, log = changed(kind, noise1=0.1, noise2=0.2), -decay * np.log(np.arange(1, 301.0))
    short = CosineField(kind)
    found = short.rate(log)
    assert 0 < short.points <= 150
    monkeypatch.setattr(cosine_field, "MANY", 10**6)
    full = CosineField(kind)
    wanted = full.rate(log)
    assert full.points == 0
    assert np.abs(found - wanted).max() < 1e-11 * np.abs(wanted).max()


@pytest.mark.parametrize("kind", KINDS, ids=IDS)
@pytest.mark.parametrize("n_modes", [2, 3, 10])
def test_nodes_stay_good_while_modes_move(kind, n_modes):
    """Nodes chosen for some eigenvalues serve until the modes have moved so far that they are chosen anew."""
    rng = np.random.default_rng(n_modes)
    for spread in (0.3, 3.0):
        log = rng.uniform(-spread, 0, n_modes)
        field = CosineField(kind)
        field.choose(log)
        chosen = field.nodes
        moved = log + np.where(log == log.max(), 0.0, rng.choice([-1, 1], n_modes) * 1.99 * cosine_field.MOVED)
        if moved.argmax() != log.argmax():
            continue
        found = field.rate(moved)
        assert field.nodes is chosen
        wanted = CosineField(kind).rate(moved)
        assert np.abs(found - wanted).max() < 1e-9 * max(np.abs(wanted).max(), fastest(moved, kind))
        field.follow(moved)
        assert field.nodes is not chosen


def test_equal_eigenvalues_rest():
    for variant in ("predictor", "iso", "no predictor"):
        field = CosineField(FlowSetting("cosine", variant, noise2=0.3))
        assert np.abs(field.rate(np.zeros(5))).max() < 1e-12


def test_the_rule_taken_before_is_where_the_search_begins():
    """Unlike modes need a fine rule: chosen again it takes less work, and gives the same rates."""
    log = np.log([1.0, 0.3, 1e-3])
    field = CosineField(FlowSetting("cosine"))
    field.choose(log)
    first, found = field.work, field.rate(log)
    before = field.work
    field.choose(log)
    assert field.work - before < 0.8 * first
    np.testing.assert_allclose(field.rate(log), found, atol=1e-11 * fastest(log, field.setting))
