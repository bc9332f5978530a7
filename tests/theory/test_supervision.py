"""Tables of counts, information of real labels, and maps of preference."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from scipy.special import expit, logit
from scipy.stats import entropy

import neuroalpha as na
from neuroalpha.theory.supervision import label_information, preference_map, supervision_counts
from neuroalpha.theory.triplets import counts, ratios
from neuroalpha.theory.triplets.labels import class_labels, smoothed_labels
from neuroalpha.theory.triplets.mining import mine_triplets


def test_counts_are_those_of_the_kernels():
    found = supervision_counts([10, 60], [5, 12, 40], sparsity=7)
    assert found.triplets.dims == ("signal", "n", "k")
    for signal in ratios.SIGNALS:
        for n in (10, 60):
            for k in (5, 12, 40):
                at = found.sel(signal=signal, n=n, k=k)
                assert at.triplets.item() == ratios.count(signal, n, k, min(7, k))
                assert at.information_ratio.item() == pytest.approx(ratios.ratio(signal, n, k, min(7, k)), rel=1e-14)
    assert found.triplets.dtype == np.int64
    assert found.triplets_paper.sel(signal="hard", n=10, k=40).item() == 487.5
    assert found.triplets.sel(signal="hard", n=10, k=40).item() == 480
    assert np.isnan(found.triplets_paper.sel(signal="sparse")).all()
    assert found.attrs["sparsity"] == 7


def test_noise_scales_bits_by_signal():
    noisy = supervision_counts(30, 6, noise={"hard": 0.44}, noise_law="paper")
    clean = supervision_counts(30, 6)
    ratio = (noisy.bits / clean.bits).sel(n=30, k=6)
    assert ratio.sel(signal="hard").item() == pytest.approx(0.56)
    assert (ratio.drop_sel(signal="hard") == 1).all()
    guesses = supervision_counts(30, 6, noise=0.5, noise_law="capacity")
    np.testing.assert_allclose(guesses.information_ratio, 0, atol=1e-12)


def test_two_and_three_phases():
    sizes = [2**power for power in range(2, 11)]
    found = supervision_counts(sizes, sizes, signals=["hard", "soft"]).information_ratio
    hard, soft = found.sel(signal="hard").values, found.sel(signal="soft").values
    assert (soft > hard).all()
    few_items, few_classes = 0, 0
    assert (np.diff(hard[:, few_classes]) < 0).all()  # falls with n
    assert (np.diff(hard[few_items, :]) < 0).all()  # and with k
    diagonal = np.diag(soft)
    assert np.abs(diagonal - 0.25).max() < 0.05  # soft labels do not fall on the diagonal
    assert (np.diag(hard)[1:] < np.diag(hard)[:-1]).all()


def test_information_of_real_labels():
    rng = np.random.default_rng(0)
    votes = rng.multinomial(50, rng.dirichlet(np.full(6, 0.3)), size=40) / 50
    found = label_information(votes, noise=0.1)
    mined = mine_triplets(votes)
    assert found.triplets == len(mined)
    assert found.at_points == (mined[:, 0] < 40).sum()
    assert found.bits == pytest.approx(0.9 * len(mined))
    assert found.bits_per_item == pytest.approx(0.9 * len(mined) / 40)
    assert found.information_ratio == pytest.approx(0.9 * len(mined) / counts.all_questions(40, 6))
    assert found.entropy == pytest.approx(entropy(votes, axis=1).mean())
    assert found.support == pytest.approx((votes > 0).sum(axis=1).mean())
    assert found.to_row()["n_classes"] == 6


def test_hard_and_smoothed_labels_tell_the_same():
    hard = class_labels(np.arange(45) % 10, 10)
    one, two = label_information(hard), label_information(smoothed_labels(hard, 0.2))
    assert one.triplets == two.triplets == counts.hard(45, 10)
    assert (one.entropy, round(two.entropy, 3)) == (0.0, 0.94)
    gaps = hard.copy()
    gaps[3] = np.nan
    assert label_information(gaps).triplets < one.triplets
    assert np.isnan(label_information(gaps).entropy)


def test_preferences_follow_their_formula():
    found = preference_map([6, 30], [4, 9], betas=[0.5])
    for n in (6, 30):
        for k in (4, 9):
            hard, soft = (ratios.ratio(signal, n, k) for signal in ("hard", "soft"))
            for utility, of in (("linear", float), ("sigmoid", expit), ("logit", logit)):
                at = found.sel(beta=0.5, utility=utility, n=n, k=k)
                expected = (0.5 * n / 270 - of(hard)) - (0.5 * n * k / 270 - of(soft))
                assert at.advantage.item() == pytest.approx(expected, abs=1e-12)
                assert at.prefers_soft.item() == (expected > 0)


def test_one_beta_and_one_utility():
    one = preference_map([6], [4], betas=1.0, utilities="linear")
    xr.testing.assert_equal(one, preference_map([6], [4], betas=[1.0], utilities=["linear"]))
    assert one.advantage.dims == ("beta", "utility", "n", "k")


def test_regularities_of_the_maps_of_the_paper():
    soft = preference_map().prefers_soft
    assert soft.sel(beta=0.1, utility=["linear", "logit"]).all()  # cheap judgements: soft labels throughout
    assert not soft.sel(beta=1.0, utility="linear", n=90, k=90)  # hard labels at large n and k
    dear = soft.sel(beta=10.0, utility="logit")
    assert dear.sel(n=slice(3, 33)).all()  # few items: soft labels
    assert dear.sel(k=slice(3, 21)).all()  # few classes: soft labels
    assert not dear.sel(n=slice(66, 90), k=slice(66, 90)).any()  # many of both: hard labels
    for utility in ("linear", "sigmoid", "logit"):
        share = soft.sel(utility=utility).mean(("n", "k")).values
        assert (np.diff(share) <= 0).all()  # dearer judgements, fewer soft labels


def test_maps_of_given_scores():
    n, k = [5, 50], [3, 30]
    rho = xr.DataArray(
        np.stack([np.full((2, 2), 0.2), np.full((2, 2), 0.8)]),
        dims=("signal", "n", "k"),
        coords={"signal": ["hard", "soft"], "n": n, "k": k},
        name="rho",
    )
    found = preference_map(scores=rho.transpose("k", "signal", "n"), betas=[1.0], utilities=["linear"])
    expected = 0.6 - np.outer(n, np.array(k) - 1) / 1500
    np.testing.assert_allclose(found.advantage.squeeze(), expected)
    assert found.attrs["score"] == "rho"
    assert found.attrs["cost_scale"] == 1500


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: supervision_counts(0, 3), "n is 0"),
        (lambda: supervision_counts([5, -1], 3), "n is -1"),
        (lambda: supervision_counts([5, 5], 3), "different whole numbers"),
        (lambda: supervision_counts([], 3), "one or more"),
        (lambda: supervision_counts(5, 2.5), "k is 2.5"),
        (lambda: supervision_counts(5, 3, signals=["sotf"]), "did you mean 'soft'"),
        (lambda: supervision_counts(5, 3, signals=[]), "one or more different ones"),
        (lambda: supervision_counts(5, 3, noise=0.7), "noise of 'hard' is 0.7"),
        (lambda: supervision_counts(5, 3, noise={"sotf": 0.1}), "noise names"),
        (lambda: supervision_counts(5, 3, sparsity=0), "sparsity is 0"),
        (lambda: supervision_counts(10**7, 3), "more triplets than 64 bits"),
        (lambda: label_information([[1.0]]), "allow no triplet"),
        (lambda: label_information(np.ones(4)), r"shape \(4,\)"),
        (lambda: label_information(np.eye(4), noise=-0.1), "noise is -0.1"),
        (lambda: preference_map(betas=[-1.0]), "beta is -1.0"),
        (lambda: preference_map(cost_scale=0), "cost_scale is 0"),
        (lambda: preference_map(utilities=["log"]), "did you mean 'logit'"),
        (lambda: preference_map(utilities="log"), "did you mean 'logit'"),
        (lambda: preference_map(utilities=[]), r"utilities is \[\]; expected one or more"),
        (lambda: preference_map(betas=[]), r"betas is \[\]; expected one or more"),
        (lambda: preference_map(betas=[1, 1.0]), "one or more different ones"),
        (lambda: preference_map(betas="cheap"), "beta is 'cheap'"),
        (lambda: preference_map(scores=np.ones(3)), "scores has dims ndarray"),
        (
            lambda: preference_map(scores=xr.DataArray(np.ones((2, 2, 2)), dims=("signal", "n", "d"))),
            "average or select",
        ),
        (
            lambda: preference_map(
                scores=xr.DataArray(
                    np.ones((1, 1, 1)), dims=("signal", "n", "k"), coords={"signal": ["soft"], "n": [3], "k": [3]}
                )
            ),
            "expected 'hard' and 'soft'",
        ),
    ],
)
def test_bad_input(call, said):
    with pytest.raises(na.InputError, match=said) as caught:
        call()
    assert "\n" not in str(caught.value)
