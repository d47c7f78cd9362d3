"""Names for what is written, so that nothing already there is ever overwritten."""

from __future__ import annotations

import os
import re
from itertools import chain, count
from pathlib import Path

from composer.errors import UsageError

RUNS = Path("runs")


def make_folder(path: Path) -> None:
    """Make a folder that can be written to; UsageError where that is not possible."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"cannot make the folder '{path}': {error.strerror}; choose another"
        raise UsageError(message) from error
    if not os.access(path, os.W_OK | os.X_OK):
        message = f"the folder '{path}' cannot be written to; choose another"
        raise UsageError(message)


def new_run_folder(wanted: Path) -> Path:
    """Make ``wanted`` or, where that has something in it, the first free of ``wanted-2``, ..."""
    if wanted.name in {"", ".."}:  # "." and the like have no name to add a number to
        wanted = wanted.resolve()
    make_folder(wanted.parent)
    for number in count(1):
        path = wanted if number == 1 else wanted.with_name(f"{wanted.name}-{number}")
        try:
            path.mkdir()
        except FileExistsError:
            if path.is_dir() and not any(path.iterdir()):
                return path
        except OSError as error:
            message = f"cannot make the folder '{path}': {error.strerror}"
            raise UsageError(message) from error
        else:
            return path
    raise AssertionError


def free_file(wanted: Path) -> Path:
    """``wanted``, or the first of ``wanted-2``, ``wanted-3``, ... that is not there."""
    numbered = (wanted.with_stem(f"{wanted.stem}-{number}") for number in count(2))
    return next(path for path in chain([wanted], numbered) if not os.path.lexists(path))


def free_stem(folder: Path, name: str) -> Path:
    """``name`` in ``folder``, or the first of ``name-2``, ``name-3``, ... that no file has.

    Files beside the main one may add a word, as ``name-origins``.
    """
    stems = {entry.name.rpartition(".")[0] for entry in folder.iterdir()}
    taken = stems | {re.sub(r"-[a-z]+$", "", stem) for stem in stems}
    numbered = (f"{name}-{number}" for number in count(2))
    return folder / next(stem for stem in chain([name], numbered) if stem not in taken)
