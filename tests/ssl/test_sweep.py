"""Sweep files: grids, random draws, and what is refused in them."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

import neuroalpha as na
from neuroalpha.ssl.sweep import expand_sweep, flat_settings, read_sweep

IMAGES = '[images]\nsource = "train.npz"\n'


def sweep(tmp_path, text):
    (tmp_path / "sweep.toml").write_text(IMAGES + text)
    return read_sweep(tmp_path / "sweep.toml")


def test_a_grid_has_every_combination_once(tmp_path):
    found = sweep(
        tmp_path,
        '[train]\nepochs = 3\n[[sweep]]\nobjective = "spectral"\noptions.mu = [1.0, 3.0]\nlr = [0.1, 0.2, 0.1]\n'
        '[[sweep]]\nobjective = "spectral"\noptions.mu = 3\nlr = 0.2\n',
    ).settings
    assert {(each.lr, each.options["mu"]) for each in found} == set(product((0.1, 0.2), (1.0, 3.0)))
    assert len(found) == 4  # the value that is given twice, and the second table, add nothing
    assert all(each.epochs == 3 for each in found)


def test_random_draws_repeat_and_keep_their_ranges(tmp_path):
    text = (
        '[[sweep]]\nrandom = 60\nrandom_seed = 3\nobjective = ["spectral", "isoloss"]\n'
        "lr = {low = 1e-3, high = 1.0, log = true}\nepochs = {low = 2, high = 9, whole = true}\n"
        "weight_decay = {low = 0.0, high = 0.1}\n"
    )
    found = sweep(tmp_path, text).settings
    assert found == sweep(tmp_path, text).settings
    assert found != sweep(tmp_path, text.replace("random_seed = 3", "random_seed = 4")).settings
    lr = np.array([each.lr for each in found])
    assert len(found) == 60
    assert lr.min() >= 1e-3
    assert lr.max() <= 1
    # The logarithm is uniform: its mean is half way, with a standard error of 3 / sqrt(12 * 60).
    assert abs(np.log10(lr).mean() + 1.5) < 4 * 3 / np.sqrt(12 * 60)
    assert {each.epochs for each in found} <= set(range(2, 10))
    assert {each.objective for each in found} == {"spectral", "isoloss"}


def test_without_tables_there_is_one_network(tmp_path):
    found = sweep(tmp_path, '[train]\nobjective = "spectral"\n')
    assert len(found.settings) == 1
    assert found.folder == tmp_path / "sweep-trained"
    assert found.test is None


def test_shared_options_and_own_ones_are_put_together():
    shared = {"objective": "isoloss", "options": {"loss": "euclidean"}}
    (found,) = expand_sweep(shared, [{"options": {"eps": 0.5}}])
    assert dict(found.options) == {"loss": "euclidean", "eps": 0.5}
    assert flat_settings(found)["options.eps"] == 0.5
    assert "options" not in flat_settings(found)


def test_a_table_without_bounds_is_a_value():
    table = {"objective": "nassar", "options": {"base": "spectral", "base_options": {"mu": 2.0}}}
    (found,) = expand_sweep({}, [table])
    assert found.options["base_options"] == {"mu": 2.0}
    assert [each.options["base_options"] for each in expand_sweep({}, [{**table, "random": 1}])] == [{"mu": 2.0}]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[trian]\n", "unknown key 'trian'; did you mean 'train'"),
        ('[train]\nobjectiv = "simclr"\n', "objectiv.*did you mean 'objective'"),
        ("[[sweep]]\nlr = []\n", "lr in .* is an empty list"),
        ("[[sweep]]\nlr = {low = 1, high = 2}\n", "random = N"),
        ("[[sweep]]\nrandom = 0\n", "random in .* 0"),
        ("[[sweep]]\nrandom = 2\nlr = {low = 2, high = 1}\n", "low < high"),
        ("[[sweep]]\nrandom = 2\nlr = {low = 0, high = 1, log = true}\n", "both above 0"),
        ("[[sweep]]\nrandom = 2\nlr = {low = 0, hihg = 1}\n", "hihg"),
        ("[[sweep]]\noptions = 3\n", "settings of the objective"),
        ("title = 3\n", "title"),
        ("sweep = 3\n", r"\[\[sweep\]\] tables"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, text, message):
    path = tmp_path / "sweep.toml"
    path.write_text(text + IMAGES if not text.startswith("[") else IMAGES + text)
    with pytest.raises(na.InputError, match=message):
        read_sweep(path)


def test_a_sweep_needs_images(tmp_path):
    (tmp_path / "sweep.toml").write_text('[train]\nobjective = "spectral"\n')
    with pytest.raises(na.InputError, match=r"needs an \[images\] table"):
        read_sweep(tmp_path / "sweep.toml")
    with pytest.raises(na.InputError, match="cannot read the sweep"):
        read_sweep(tmp_path / "none.toml")
    (tmp_path / "sweep.toml").write_text("= 3")
    with pytest.raises(na.InputError, match="is not TOML"):
        read_sweep(tmp_path / "sweep.toml")
