"""The surrogate against dense linear algebra and scikit-learn; expected improvement against quadrature."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel

from neuroalpha.compare.surrogate import DOUBT, Beliefs, Surrogate, clipped, expected_improvement


def told(scores, accuracies, orders):
    surrogate = Surrogate(Beliefs(scores), len(orders), orders.shape[1])
    for index in orders.T:
        surrogate.tell(index, accuracies[index])
    return surrogate


def one_idea(beliefs, place):
    beliefs.covariance, beliefs.noise = beliefs.covariance[[place]], beliefs.noise[[place]]
    beliefs.weight = np.ones(1)
    return beliefs


def dense(beliefs, order, values):
    """Posterior over all models by generalised least squares, each idea by itself, then averaged by evidence."""
    n_read, means, variances, log_evidence = len(order), [], [], []
    ones = np.ones(n_read)
    for covariance, noise, weight in zip(beliefs.covariance, beliefs.noise, beliefs.weight, strict=True):
        inner = covariance[np.ix_(order, order)] + noise * np.eye(n_read)
        inverse = np.linalg.inv(inner)
        cross = covariance[:, order]
        mean = ones @ inverse @ values / (ones @ inverse @ ones)
        left = (values - mean) @ inverse @ (values - mean) + DOUBT * values.var()
        freedom = n_read - 1 + DOUBT
        short = 1 - cross @ inverse @ ones
        unit = np.diag(covariance) + noise - np.einsum("ij,jk,ik->i", cross, inverse, cross)
        unit = unit + short**2 / (ones @ inverse @ ones)
        means.append(mean + cross @ inverse @ (values - mean))
        variances.append(unit * left / freedom)
        log_evidence.append(
            np.log(weight) - 0.5 * np.linalg.slogdet(inner)[1] - 0.5 * np.log(ones @ inverse @ ones)
            - 0.5 * freedom * np.log(left)
        )  # fmt: skip
    share = np.exp(np.array(log_evidence) - max(log_evidence))
    share /= share.sum()
    mean = share @ np.array(means)
    return mean, np.sqrt(share @ (np.array(variances) + (np.array(means) - mean) ** 2))


@pytest.mark.parametrize("n_scores", [1, 3])
def test_row_by_row_is_dense_algebra(n_scores):
    rng = np.random.default_rng(0)
    scores, accuracies = rng.normal(size=(20, n_scores)), rng.normal(80, 4, 20)
    orders = np.array([rng.permutation(20)[:9] for _ in range(4)])
    surrogate = told(scores, accuracies, orders)
    mean, deviation = surrogate.predict()
    for row, order in enumerate(orders):
        expected = dense(surrogate.beliefs, order, clipped(accuracies[order][None])[0])
        np.testing.assert_allclose(mean[row], expected[0], rtol=1e-8)
        np.testing.assert_allclose(deviation[row], expected[1], rtol=1e-6)


def test_posterior_of_one_idea_is_scikit_learns():
    """With accuracies whose generalised mean is 0, the mean's integration changes nothing of the prediction."""
    rng = np.random.default_rng(1)
    n, width, share = 25, 0.2, 0.95
    scores = rng.permutation(n).astype(float)[:, None]
    beliefs = Beliefs(scores)
    place = int(np.flatnonzero((beliefs.noise < 0.1) & (beliefs.covariance[:, 0, 1] < share))[0])
    beliefs = one_idea(beliefs, place)
    order = rng.permutation(n)[:5]  # fewer than are clipped
    inverse = np.linalg.inv(beliefs.covariance[0][np.ix_(order, order)] + beliefs.noise[0] * np.eye(5))
    values = rng.normal(size=5)
    values -= (inverse @ values).sum() / inverse.sum()
    surrogate = Surrogate(beliefs, 1, n)
    for index, value in zip(order, values, strict=True):
        surrogate.tell(np.array([index]), np.array([value]))
    ranks = (scores + 0.5) / n
    oracle = GaussianProcessRegressor(ConstantKernel(share) * RBF(width), alpha=1 - share, optimizer=None)
    np.testing.assert_allclose(
        surrogate.predict()[0][0], oracle.fit(ranks[order], values).predict(ranks), rtol=1e-5, atol=1e-6
    )


def test_weights_of_ideas_and_unit_variance():
    for n_scores in (1, 2, 5):
        beliefs = Beliefs(np.random.default_rng(0).normal(size=(12, n_scores)))
        assert beliefs.weight.sum() == pytest.approx(1)
        np.testing.assert_allclose(np.einsum("hii->hi", beliefs.covariance) + beliefs.noise[:, None], 1)
        assert np.linalg.eigvalsh(beliefs.covariance).min() > -1e-9


def test_only_ranks_of_scores_count():
    scores = np.random.default_rng(2).normal(size=(15, 2))
    np.testing.assert_array_equal(Beliefs(scores).covariance, Beliefs(np.exp(3 * scores) + 7).covariance)


def test_scale_and_shift_of_accuracies():
    rng = np.random.default_rng(3)
    scores, accuracies, orders = rng.normal(size=(18, 1)), rng.normal(80, 4, 18), rng.permutation(18)[None, :8]
    mean, deviation = told(scores, accuracies, orders).predict()
    other_mean, other_deviation = told(scores, 0.01 * accuracies - 3, orders).predict()
    np.testing.assert_allclose(other_mean, 0.01 * mean - 3, rtol=1e-8)
    np.testing.assert_allclose(other_deviation, 0.01 * deviation, rtol=1e-6)


def test_expected_improvement_is_an_integral():
    mean, deviation, best = np.array([[1.0, -2.0, 0.3]]), np.array([[0.5, 2.0, 1.0]]), np.array([0.6])
    for found, centre, spread in zip(
        expected_improvement(mean, deviation, best)[0], mean[0], deviation[0], strict=True
    ):
        oracle = integrate.quad(lambda y: (y - 0.6) * stats.norm(centre, spread).pdf(y), 0.6, 20)[0]  # noqa: B023
        assert found == pytest.approx(oracle, rel=1e-6)


def test_equal_accuracies_are_no_trouble():
    surrogate = told(np.arange(6.0)[:, None], np.full(6, 80.0), np.array([[0, 3, 5]]))
    mean, deviation = surrogate.predict()
    np.testing.assert_allclose(mean, 80)
    assert np.isfinite(deviation).all()


def test_failed_models_are_moved_up():
    values = np.array([[80.0, 82, 84, 86, 20, 88, 90]])
    assert clipped(values)[0].tolist() == [80, 82, 84, 86, 78, 88, 90]  # median 84, best 90
    assert clipped(values[:, :5])[0, 4] == 20
