"""What the page shows, in parts: fixed points, basins, and every setting on its own times."""

from __future__ import annotations

import numpy as np
import pytest

import neuroalpha as na
from neuroalpha.theory.linearnet import study
from neuroalpha.theory.linearnet.settings import TOY, start_weights


def test_two_modes_end_at_one_or_at_the_mean_of_their_start():
    found = study.fixed_points(2)
    assert found["start"].values.tolist() == ["W", "2 W", "other"]
    for start, weights in (("W", start_weights(2, 6, 2)), ("2 W", 2 * start_weights(2, 6, 2))):
        one = found.sel(start=start)
        np.testing.assert_allclose(
            one["predicted"].sel(setting="cosine").isel(time_index=0), np.linalg.eigvalsh(weights @ weights.T)[::-1]
        )
        trace = one["simulated"].sel(setting="cosine").isel(step=1).sum("mode").dropna("time_index")
        np.testing.assert_allclose(trace, (weights**2).sum(), rtol=2e-3)
    double = found["simulated"].sel(start="2 W", setting="euclidean").isel(step=1).dropna("time_index")
    np.testing.assert_allclose(double.isel(time_index=-1), 1, atol=0.05)


def test_basins_have_the_thresholds_of_weight_decay():
    found = study.basins()
    decay = found["weight_decay"].values
    lower = (1 - np.sqrt(np.maximum(1 - 4 * decay, 0))) / 2
    wanted = (found["start"].values[:, None] < lower) | (decay > 0.25)
    one = found["collapsed"].sel(setting="euclidean").transpose("start", "weight_decay").values
    np.testing.assert_array_equal(one, wanted)
    assert not found["collapsed"].sel(setting="euclidean iso").any()


def test_every_setting_is_run_with_its_own_steps(monkeypatch):
    asked = {}

    def record(name, **options):
        asked[name] = options
        return na.theory.simulate_network("euclidean", until=1.0, step_size=0.5, n_times=3, n_modes=2, n_inputs=3)

    monkeypatch.setattr(study, "simulate_network", record)
    found = study.every_setting(n_modes=2, n_times=61)
    assert found["setting"].values.tolist() == list(TOY) == list(asked)
    assert found["time"].dims == ("setting", "time_index")
    assert {(each["until"] / each["step_size"]) % 60 for each in asked.values()} == {0}
    assert asked["cosine no stop-gradient"]["n_samples"] == 20_000
    assert "n_samples" not in asked["cosine"]
    study.every_setting(activation="relu", n_samples=9)
    assert asked["cosine no predictor"]["until"] == 300
    assert {each["n_samples"] for each in asked.values()} == {9}


def test_the_study_computes_what_its_page_shows(monkeypatch):
    monkeypatch.setattr(study, "compare_eigenspace", lambda *args, seed: ("compare", args, seed))
    monkeypatch.setattr(study, "compare_related", lambda seed: ("related", seed))
    monkeypatch.setattr(study, "basins", lambda: "basins")
    monkeypatch.setattr(study, "fixed_points", lambda seed: ("fixed", seed))
    monkeypatch.setattr(study, "every_setting", lambda **options: options)
    made = study.eigenspace_study(seed=5)
    assert list(made) == ["eigenspace", "extra", "related", "basins", "fixed points", "responses", "relu"]
    assert made["extra"] == ("compare", ("extra",), 5)
    assert made["relu"]["activation"] == "relu"
    assert {made["responses"]["seed"], made["relu"]["seed"]} == {5}
    with pytest.raises(na.InputError, match="seed is -1"):
        study.eigenspace_study(seed=-1)
