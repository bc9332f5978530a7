"""A model from a function in the user's own Python file; nothing runs without being allowed."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from neuroalpha.errors import InputError, nearest
from neuroalpha.networks.catalogue import building
from neuroalpha.networks.provenance import remember
from neuroalpha.networks.weights import first_line


def load_code(
    spec: str, allow: bool = False, options: Mapping[str, Any] | None = None, seed: int = 0
) -> tuple[nn.Module, Callable[[Any], Any] | None]:
    """Make a model with a function of a Python file.

    Parameters
    ----------
    spec
        ``"path/to/file.py:function"``. The function returns an ``nn.Module``, or a pair of one and its preprocessing: a
        function from one image (uint8 or float tensor (3, H, W), as read) to a float tensor (3, H', W'). The file is
        run on its own: it may import what is installed, but no other file beside it, since results are known by the
        content of this one.
    allow
        The file is only run with True, since that runs whatever is in it.
    options
        Keyword arguments for the function.
    seed
        Of torch's random weights while file and function run. The caller's random state is left untouched.

    Returns
    -------
    model : torch.nn.Module
        In evaluation mode. Assemblies made from it call the model ``code:file.py:function`` and the weights by the
        SHA-256 of the file's bytes, the options and the seed.
    preprocess : callable or None
        What :func:`~neuroalpha.networks.extract.extract` takes as ``preprocess=``.

    Raises
    ------
    InputError
        Not allowed; no such file or function (with the nearest); an error in the file (its first line, and where in the
        file); something else returned.

    Notes
    -----
    Each call runs the file anew, from its bytes: nothing is cached, written beside it or added to the search path, and
    another process gets the same model from the same path.

    Examples
    --------
    >>> _ = (tmp / "mine.py").write_text('''
    ... from torch import nn
    ...
    ... def small(width=4):
    ...     return nn.Linear(3, width), lambda image: image.float().mean((1, 2))
    ... ''')
    >>> model, preprocess = load_code(f"{tmp}/mine.py:small", allow=True, options={"width": 5})
    >>> model
    Linear(in_features=3, out_features=5, bias=True)
    """
    path, name = _split(spec)
    if not allow:
        raise InputError(
            f"{spec!r} is code: loading it would run the file {path} with all that it does; if you trust it, allow it "
            "with allow=True (--allow-code)"
        )
    try:
        source = path.read_bytes()
    except OSError as error:
        raise InputError(f"the Python file {path} cannot be read: {error.strerror or error}") from error
    digest = hashlib.sha256(source).hexdigest()[:16]
    with building(seed):
        module = _run(path, source, digest)
        function = getattr(module, name, None)
        if not callable(function):
            own = [known for known, value in vars(module).items() if callable(value) and not known.startswith("_")]
            hint = nearest(name, own) or (f"; it has {', '.join(own)}" if own else "")
            raise InputError(f"{path} has no function {name!r}{hint}")
        try:
            made = function(**(options or {}))
        except (Exception, SystemExit) as error:
            raise InputError(f"the function {name} of {path} failed: {_place(error, path)}") from error
    model, preprocess = _parts(made, spec)
    model.eval()
    given = f", options {json.dumps(dict(options), sort_keys=True, default=str)}" if options else ""
    remember(model, f"code:{path.name}:{name}", f"made by code sha256:{digest}{given}, seed {seed}")
    return model, preprocess


def _split(spec: str) -> tuple[Path, str]:
    file, _, name = os.fspath(spec).rpartition(":")
    if not file or not name.isidentifier() or not file.endswith(".py"):
        raise InputError(f"{spec!r} does not name code; write file.py:function")
    return Path(file), name


def _run(path: Path, source: bytes, digest: str) -> ModuleType:
    """Run the bytes whose digest is noted: an import could take an older file from its cache of compiled code."""
    # The digest in the name tells apart, in the record of preprocessing, functions that changed under the same name.
    module = ModuleType(f"{path.stem}_{digest}")
    module.__file__ = str(path.absolute())
    before = sys.modules.get(module.__name__)
    sys.modules[module.__name__] = module  # dataclasses look their module up there
    try:
        exec(compile(source, module.__file__, "exec"), module.__dict__)
    except (Exception, SystemExit) as error:
        if before is None:
            del sys.modules[module.__name__]
        else:
            sys.modules[module.__name__] = before
        raise InputError(f"the Python file {path} cannot be run: {_place(error, path)}") from error
    return module


def _place(error: BaseException, path: Path) -> str:
    """The first line of an error, with the last line of the file that led to it."""
    file = str(path.absolute())
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    line = error.lineno if isinstance(error, SyntaxError) and error.filename == file else lines[-1] if lines else None
    said = error.msg if isinstance(error, SyntaxError) else first_line(error)
    advice = ""
    if (
        isinstance(error, ModuleNotFoundError)
        and (path.parent / f"{(error.name or '').partition('.')[0]}.py").is_file()
    ):
        advice = "; files beside it are not imported, move the code into this one or install it as a package"
    return f"{type(error).__name__}: {said}" + (f" ({path.name}, line {line})" if line else "") + advice


def _parts(made: Any, spec: str) -> tuple[nn.Module, Callable[[Any], Any] | None]:
    if isinstance(made, nn.Module):
        return made, None
    if isinstance(made, tuple) and len(made) == 2 and isinstance(made[0], nn.Module):
        if made[1] is None or callable(made[1]):
            return made
        what = f"a model with {type(made[1]).__name__}"
    else:
        what = f"a tuple of {len(made)}" if isinstance(made, tuple) else type(made).__name__
    raise InputError(f"{spec} returned {what}; it must return an nn.Module, or (nn.Module, preprocessing function)")
