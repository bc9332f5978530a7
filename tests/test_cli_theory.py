"""The commands of the theories: what they print and write, and bad input before any work."""

from __future__ import annotations

import json

import pytest

import neuroalpha.theory.checks as checks
from neuroalpha.theory.checks import Check, count_table
from neuroalpha.theory.recommendation import recommend_signal
from neuroalpha.theory.supervision import preference_map
from neuroalpha.theory.supervision_claims import supervision_findings
from neuroalpha.theory.supervision_simulation import simulate_supervision, sparsity_curves

PLAN = ("theory", "supervision", "--classes", 100, "--items", 5000, "--price", "hard=.02", "--price", "soft=.1")


@pytest.fixture(scope="module")
def tiny_check():
    """A real simulation of a few cells, in the shape of the whole check."""
    simulation = simulate_supervision([3, 6], [3, 5], [2], repeats=1, workers=1)
    curves = sparsity_curves(6, 5, 3, repeats=1, workers=1)
    preference = preference_map(scores=simulation["rho"].sel(d=2).mean("repeat"))
    tables = {"counts": count_table([(4, 2)]), "findings": supervision_findings(simulation, curves)}
    return Check({"simulation": simulation, "curves": curves, "preference": preference}, tables, ["Counted."])


def test_the_example_of_the_readme(cli):
    code, out, err = cli(*PLAN)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "Collect hard labels (one of 100 classes), for all 5,000 items: 5,000 judgements, cost 100."
    assert "give --value" in out.lower()
    assert "soft=0.1/item: then soft labels of all 5,000 items, cost 500." in out
    heads = next(line for line in lines if line.split()[:1] == ["signal"])
    assert "bits_per_cost" in heads.split()
    assert lines[-1].split()[0] == "soft"


def test_following_the_told_price(cli):
    _, out, _ = cli(*PLAN, "--json")
    factor = next(row["price_factor"] for row in json.loads(out)["table"] if row["signal"] == "soft")
    for times, signal in ((0.99, "soft"), (1.01, "hard")):
        _, out, _ = cli(*PLAN[:-1], f"soft={0.1 * factor * times}", "--json")
        assert json.loads(out)["signal"] == signal


def test_json_is_small_unless_tables_are_asked_for(cli):
    many = [*PLAN, "--price", "sparse=.03", "--price", "top-class=.02", "--price", "pairwise=.001", "--json"]
    _, out, _ = cli(*many)
    small = json.loads(out)
    assert len(out) < 20_000
    assert "curve" not in small
    _, out, _ = cli(*many, "--tables")
    whole = json.loads(out)
    assert {"curve", "sparsities", "frontier", "flips"} == set(whole) - set(small)
    assert {name: whole[name] for name in small} == small


def test_nothing_to_buy(cli):
    _, out, _ = cli("theory", "supervision", "--classes", 10, "--items", 1000, "--price", "hard=.05", "--value", 1)
    assert out.startswith("Buy nothing: no signal is worth its price at a value of 1. Nearest: hard labels")
    _, out, _ = cli(
        "theory", "supervision", "--classes", 10, "--items", 1000, "--price", "hard=.05", "--value", 1, "--json"
    )
    found = json.loads(out)
    assert found["signal"] is None
    assert found["worth_it"] is False
    assert found["nearest"]["signal"] == "hard"


def test_options_reach_the_library(cli):
    options = ["--noise", "hard=.1", "--noise-law", "capacity", "--utility", "logit", "--beta", 2, "--cost-scale", 900,
               "--budget", 700, "--price", "sparse=.03", "--sparsity", 4, "--json"]  # fmt: skip
    _, out, _ = cli(*PLAN, *options)
    plan = recommend_signal(
        5000, 100, {"hard": 0.02, "soft": 0.1, "sparse": 0.03}, noise={"hard": 0.1}, noise_law="capacity",
        utility="logit", beta=2, cost_scale=900, budget=700, sparsity=4,
    )  # fmt: skip
    found, expected = json.loads(out), plan.to_dict(tables=False)
    for name in ("signal", "sparsity", "objective", "beta_low", "beta_high"):
        assert found[name] == expected[name]


def test_a_plan_in_a_folder(cli, tmp_path):
    code, out, _ = cli(*PLAN, "--out", tmp_path / "new" / "plan")
    assert code == 0
    names = {path.name for path in (tmp_path / "new" / "plan").iterdir()}
    assert names == {"signals.csv", "cost-curve.csv", "sparsity.csv", "flips.csv", "frontier.csv", "cost-curve.png"}
    assert all(name in out for name in names)
    dear = ("--classes", 10, "--items", 1000, "--price", "hard=.05", "--value", 1, "--out", tmp_path / "dear")
    assert cli("theory", "supervision", *dear)[0] == 0  # nothing to mark in the figure
    assert (tmp_path / "dear" / "cost-curve.png").stat().st_size > 0


@pytest.mark.parametrize(
    "command",
    [
        ("eigenspace", "--setting", "euclidean iso"),
        ("grassmann", "--width", 5, "--step-size", 0.05, "--step-size", 0.005),
    ],
)
def test_checks_print_and_write(cli, tmp_path, command):
    code, out, _ = cli("theory", *command, "--out", tmp_path / "out")
    assert code == 0
    assert out.startswith("errors\n")
    assert "With a tenfold smaller step the error falls" in out
    names = {path.suffix for path in (tmp_path / "out").iterdir()}
    assert names == {".csv", ".nc", ".png"}
    code, out, _ = cli("theory", *command, "--json")
    found = json.loads(out)
    assert code == 0
    assert found["written"] == []
    assert all(row["max_error"] < 0.1 for row in found["tables"]["errors"])


def test_the_check_of_supervision(cli, tmp_path, monkeypatch, tiny_check):
    asked = []
    monkeypatch.setattr(checks, "check_supervision", lambda **given: asked.append(given) or tiny_check)
    code, out, err = cli("theory", "supervision", "--check", "--seed", 3, "--out", tmp_path / "out")
    assert code == 0, err
    assert asked == [{"seed": 3, "workers": 2, "progress": True}]
    assert "Counted." in out
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"counts.csv", "findings.csv", "simulation.nc", "curves.nc", "preference.nc"} < written
    assert any(name.endswith(".png") for name in written)
    code, out, _ = cli("theory", "supervision", "--check", "--workers", 1, "--json")
    assert asked[1]["workers"] == 1
    assert json.loads(out)["said"] == ["Counted."]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "--classes is missing"),
        (("--classes", 3), "--items is missing"),
        (("--classes", 3, "--items", 5), "--price is missing"),
        ((*PLAN[2:], "--price", "soft"), "--price is 'soft'; expected SIGNAL=AMOUNT, as --price hard=.02"),
        ((*PLAN[2:], "--price", "soft=2"), "--price names 'soft' twice"),
        ((*PLAN[2:], "--price", "sparse=.02/foo"), "write sparse=0.1/item or sparse=0.02/judgement"),
        ((*PLAN[2:], "--price", "sprase=1"), "did you mean 'sparse'"),
        ((*PLAN[2:], "--price", "sparse=-1"), "price of 'sparse' is '-1'"),
        ((*PLAN[2:], "--price", "sparse="), "price of 'sparse' is missing"),
        ((*PLAN[2:], "--price", "sparse=1e308"), "expected 0 or 1e-12 to 1e+12"),
        ((*PLAN[2:], "--noise", ".1"), "--noise is '.1'; expected SIGNAL=SHARE, as --noise hard=.1"),
        ((*PLAN[2:], "--noise", "hard=much"), "--noise hard=much: expected a share from 0 to .5, as --noise hard=.1"),
        ((*PLAN[2:], "--noise", "hard=.7"), "noise of 'hard' is 0.7"),
        ((*PLAN[2:], "--noise", "pairwise=.1"), "which has no price"),
        ((*PLAN[2:], "--noise-law", "shannon"), "--noise-law 'shannon' is not known"),
        ((*PLAN[2:], "--utility", "log"), "--utility 'log' is not known"),
        ((*PLAN[2:], "--beta", -1), "--beta is -1.0"),
        ((*PLAN[2:], "--value", 0), "--value is 0.0"),
        ((*PLAN[2:], "--beta", 1, "--value", 1), "--beta and --value are both given"),
        ((*PLAN[2:], "--cost-scale", 0), "--cost-scale is 0.0"),
        ((*PLAN[2:], "--budget", 0.001), "--budget is 0.001"),
        ((*PLAN[2:], "--sparsity", 3), "--sparsity is 3, but neither sparse nor top-class labels have a price"),
        ((*PLAN[2:], "--workers", 2), "--workers belongs to --check"),
        ((*PLAN[2:], "--tables"), "--tables belongs to --json"),
        (("--classes", 0, "--items", 5, "--price", "hard=1"), "--classes is 0"),
        (("--classes", 5, "--items", 10**23, "--price", "hard=1"), "expected at most 1,000,000,000"),
        (("--classes", 10, "--items", 2, "--price", "pairwise=1"), "need a third item"),
        ((*PLAN[2:], "--check"), "leave --classes out"),
    ],
)
def test_bad_input_of_a_plan(cli, bad, options, said, tmp_path):
    bad(cli("theory", "supervision", *options), said)


@pytest.mark.parametrize(
    "option",
    [
        ("--price", "hard=1"),
        ("--noise", "hard=.1"),
        ("--noise-law", "capacity"),
        ("--utility", "logit"),
        ("--beta", 1),
        ("--value", 1),
        ("--cost-scale", 1),
        ("--budget", 1),
        ("--sparsity", 1),
        ("--items", 1),
        ("--tables",),
    ],
)
def test_no_option_of_a_plan_with_a_check(cli, bad, monkeypatch, option):
    monkeypatch.setattr(checks, "check_supervision", lambda **_: pytest.fail("work before the options were read"))
    bad(cli("theory", "supervision", "--check", *option), f"leave {option[0]} out, or --check")


@pytest.mark.parametrize(
    ("command", "work"),
    [
        (("eigenspace",), "check_eigenspace"),
        (("grassmann",), "check_grassmann"),
        (("supervision", "--check"), "check_supervision"),
    ],
)
def test_a_folder_that_cannot_be_made_is_told_before_any_work(cli, bad, monkeypatch, tmp_path, command, work):
    monkeypatch.setattr(checks, work, lambda *_, **__: pytest.fail("work before the folder was made"))
    (tmp_path / "file").write_text("")
    bad(cli("theory", *command, "--out", tmp_path / "file"), "is a file, but a folder is needed")


def test_a_folder_for_a_plan(cli, bad, tmp_path):
    (tmp_path / "file").write_text("")
    bad(cli(*PLAN, "--out", tmp_path / "file"), "is a file, but a folder is needed")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("eigenspace", "--setting", "euclidaen"), "euclidean"),
        (("eigenspace", "--setting", "euclidean", "--step-size", -1), "-1"),
        (("grassmann", "--width", 1), "width"),
        (("grassmann", "--width", 5, "--step-size", 0), "step"),
    ],
)
def test_bad_input_of_the_checks(cli, bad, command, said):
    bad(cli("theory", *command), said)


@pytest.mark.parametrize("width", [2, 31])
def test_a_width_that_fits_no_form_is_told_as_the_option(cli, bad, width):
    bad(cli("theory", "grassmann", "--width", width), "width", str(width))
    assert "_widths" not in cli("theory", "grassmann", "--width", width)[2]
