from __future__ import annotations

import numpy as np

from neuroalpha.theory.eigenflow.quadrature import chebyshev_rule, logistic_rule, radial_rule


def test_rules_integrate_known_integrals():
    r = radial_rule(0.0)
    for rate, power in ((1.0, 1.5), (1.0, 2.0), (2.0, 1.0)):  # int rate^power r^(power-1) (1 + rate r)^-(2 power)
        integrand = rate**power * r.nodes ** (power - 1) * (1 + rate * r.nodes) ** (-2 * power)
        beta = {1.0: 1.0, 1.5: np.pi / 8, 2.0: 1 / 6}[power]
        np.testing.assert_allclose((r.weights * integrand).sum(), beta, rtol=1e-9)
    for rule in (chebyshev_rule(12), logistic_rule(0.0), logistic_rule(8.0)):
        np.testing.assert_allclose(rule.weights.sum(), np.pi, rtol=1e-10)
        np.testing.assert_allclose((rule.weights * rule.nodes * rule.rest).sum(), np.pi / 8, rtol=1e-10)
        np.testing.assert_allclose(rule.nodes + rule.rest, 1, rtol=1e-12)
    pole = 1e-3  # int dt / sqrt(t (1 - t)) / (1 - t + pole) = pi / sqrt(pole (1 + pole))
    rule = logistic_rule(-np.log(pole))
    np.testing.assert_allclose((rule.weights / (rule.rest + pole)).sum(), np.pi / np.sqrt(pole * (1 + pole)), rtol=1e-9)
