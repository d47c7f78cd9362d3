"""Finding the files of a folder: recursive, in a stable order, safe from symbolic-link loops."""

from __future__ import annotations

import os
import stat
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from composer.domain import Rejection
from composer.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path


def find_files(folder: Path, extensions: Collection[str]) -> tuple[list[str], list[Rejection]]:
    """Regular files below ``folder`` with one of the extensions (lower case, with the dot).

    Symbolic links are followed, each real directory is entered once. Returns the paths relative
    to ``folder`` with forward slashes, sorted, and what could not be entered or is no file.
    Raises DataError where ``folder`` itself is not a readable folder.
    """
    root = look_into(folder)
    found: list[str] = []
    rejections: list[Rejection] = []
    entered = {(root.st_dev, root.st_ino)}
    waiting = [""]
    while waiting:
        inside = waiting.pop()
        for name, info in _entries(folder, inside, rejections):
            wanted = PurePosixPath(name).suffix.lower() in extensions
            if isinstance(info, str):
                if wanted:
                    rejections.append(Rejection(name, info))
            elif stat.S_ISDIR(info.st_mode):
                if (info.st_dev, info.st_ino) in entered:
                    rejections.append(Rejection(name, "a link to a folder that was already read"))
                else:
                    entered.add((info.st_dev, info.st_ino))
                    waiting.append(name)
            elif wanted and stat.S_ISREG(info.st_mode):
                found.append(name)
            elif wanted:
                rejections.append(Rejection(name, "not a regular file"))
    return sorted(found), sorted(rejections, key=lambda rejection: rejection.source)


def look_into(folder: Path) -> os.stat_result:
    """The status of a folder; DataError where it is none, or cannot be read."""
    try:
        with os.scandir(folder):
            pass
        return folder.stat()
    except OSError as error:
        message = f"cannot read the folder '{folder}': {error.strerror or error}"
        raise DataError(message) from error


def _entries(
    folder: Path, inside: str, rejections: list[Rejection]
) -> Iterator[tuple[str, os.stat_result | str]]:
    """Relative name and status (or the reason why there is none) of each entry, sorted."""
    try:
        with os.scandir(folder / inside) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError as error:
        rejections.append(Rejection(inside, f"cannot enter the folder: {error.strerror or error}"))
        return
    for entry in entries:
        name = f"{inside}/{entry.name}" if inside else entry.name
        try:
            yield name, entry.stat()
        except OSError as error:
            yield name, f"cannot be opened: {error.strerror or error}"
