"""Two worlds: the newest releases, and the ones that Brain-Score pins. `nox` runs both."""

import shutil

import nox

nox.options.sessions = ["tests", "brainscore"]
nox.options.reuse_existing_virtualenvs = False

# Two workers with one thread each: on few cores, threads of many workers would wait for one another.
THREADS = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
PYTEST = ("pytest", "-n", "2", "--durations=10")


@nox.session
def tests(session: nox.Session) -> None:
    """Lint, types and tests with the newest releases."""
    session.install(".[test]", "ruff>=0.6", "mypy>=1.11")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    session.run(*PYTEST, *session.posargs, env=THREADS)
    _make_room(session)


@nox.session(python="3.11")
def brainscore(session: nox.Session) -> None:
    """The same tests with what Brain-Score pins, xarray 2022.3.0 and numpy 1.26; cblearn, an oracle, needs that too."""
    session.install(".[brainscore,embedding,test]")
    check = "import numpy, xarray; v = xarray.__version__, numpy.__version__[:4]; assert v == ('2022.3.0', '1.26'), v"
    session.run("python", "-c", check)
    session.run(*PYTEST, *session.posargs, env=THREADS)
    _make_room(session)


def _make_room(session: nox.Session) -> None:
    """Removes the environment of a session that passed: each takes 7 GB, and the next run makes its own anyway."""
    shutil.rmtree(session.virtualenv.location, ignore_errors=True)
