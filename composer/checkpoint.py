"""Checkpoints on disk: safetensors for tensors, JSON for the rest, SHA256SUMS over both.

A checkpoint is a directory. It is written beside its final place under a hidden temporary name,
every file and directory is flushed to the disk, SHA256SUMS comes last, and only then is the
directory renamed: what carries the final name is complete. Reading trusts nothing: every file is
checked against its sum and sizes are bounded before anything is parsed; nothing is ever unpickled.

A run keeps its checkpoints at ``RUN/checkpoints/<step>/``; the file ``RUN/latest`` names the one to
continue from.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from composer.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import torch

FORMAT = 1
SUMS = "SHA256SUMS"
CONFIG = "config"
LATEST = "latest"
CHECKPOINTS = "checkpoints"
TENSORS_SUFFIX = ".safetensors"
DOCUMENT_SUFFIX = ".json"
MAX_DOCUMENT_BYTES = 64 * 2**20
MAX_TENSORS_BYTES = 8 * 2**30
MAX_SUMS_BYTES = 2**16
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")
_SUM_LINE = re.compile(r"([0-9a-f]{64}) [ *]([A-Za-z0-9_][A-Za-z0-9_.-]*)")


@dataclass(frozen=True)
class Checkpoint:
    """What ``load`` read.

    Attributes:
        tensors: tensors by file name (without suffix), then by their own name; on the CPU.
        documents: JSON documents by file name (without suffix); ``config`` is always there.
        sums: SHA-256 in hex of every file of the directory, by full file name.
    """

    tensors: dict[str, dict[str, torch.Tensor]]
    documents: dict[str, Any]
    sums: dict[str, str]


# ---- writing ------------------------------------------------------------------------------------


def save(
    directory: Path,
    tensors: Mapping[str, Mapping[str, torch.Tensor]],
    documents: Mapping[str, Any],
) -> None:
    """Write a checkpoint so that ``directory`` is, at any moment, complete or not there.

    Args:
        directory: where it goes; a checkpoint already there is replaced as a whole.
        tensors: for each name, the tensors of ``<name>.safetensors``; any device, any layout.
        documents: for each name, the JSON content of ``<name>.json``. The format number is added
            to the document ``config``, which is made where it is missing.

    Raises:
        ValueError: a name is not made of letters, digits, ``_`` and ``-``, or a document holds
            NaN or infinity, which JSON has no way to write.
        OSError: the disk refuses; whatever was there before is still there.
    """
    for name in (*tensors, *documents):
        if not _NAME.fullmatch(name):
            message = f"'{name}' cannot name a file of a checkpoint"
            raise ValueError(message)
    config = {**documents.get(CONFIG, {}), "format": FORMAT}
    directory.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", dir=directory.parent))
    try:
        names = [_write_tensors(scratch, name, group) for name, group in tensors.items()]
        names += [
            _write_document(scratch, name, document)
            for name, document in {**documents, CONFIG: config}.items()
        ]
        sums = "".join(f"{_digest(scratch / name)}  {name}\n" for name in sorted(names))
        _write_bytes(scratch / SUMS, sums.encode())
        scratch.chmod(0o755)  # mkdtemp makes it private; a model is to be shared
        _flush_directory(scratch)
        _move_into_place(scratch, directory)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def publish(run: Path, directory: Path) -> None:
    """Make ``directory``, one of ``run/checkpoints/``, the one that ``latest`` names."""
    replace_file(run / LATEST, f"{directory.name}\n".encode())


def keep(run: Path, newest: int) -> None:
    """Delete all but the newest checkpoints of a run, and what broken-off writes left behind.

    Args:
        run: the run directory.
        newest: how many to keep, counted by step, at least 1. The one that ``latest`` names is kept
            anyway.
    """
    folder = run / CHECKPOINTS
    found = [path for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
    steps = sorted((path for path in found if path.name.isdecimal()), key=lambda p: int(p.name))
    spared = {path.name for path in steps[-max(newest, 1) :]}
    if (run / LATEST).is_file():
        spared.add(latest(run).name)
    old = [path for path in steps if path.name not in spared]
    for path in [*old, *(path for path in found if path.name.startswith("."))]:
        # the sums go first, so that a deletion broken off half-way leaves no valid checkpoint
        (path / SUMS).unlink(missing_ok=True)
        shutil.rmtree(path)


def replace_file(path: Path, content: bytes) -> None:
    """Write a whole file so that, at any moment, either the old or the new content is there."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        _write_bytes(scratch, content)
        scratch.replace(path)
        _flush_directory(path.parent)
    finally:
        scratch.unlink(missing_ok=True)


def _write_tensors(directory: Path, name: str, group: Mapping[str, torch.Tensor]) -> str:
    from safetensors.torch import save_file

    path = directory / f"{name}{TENSORS_SUFFIX}"
    save_file(_independent(group), path)
    path.chmod(0o644)  # as open() would have made it
    with path.open("rb") as file:
        os.fsync(file.fileno())
    return path.name


def _independent(group: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Contiguous CPU tensors, each alone in its storage, as safetensors wants them."""
    seen: set[int] = set()
    result = {}
    for name, tensor in group.items():
        plain = tensor.detach().cpu().contiguous()
        storage = plain.untyped_storage()
        if storage.nbytes() != plain.nbytes or storage.data_ptr() in seen:
            plain = plain.clone()
        seen.add(plain.untyped_storage().data_ptr())
        result[name] = plain
    return result


def _write_document(directory: Path, name: str, document: Any) -> str:
    path = directory / f"{name}{DOCUMENT_SUFFIX}"
    text = json.dumps(document, indent=1, sort_keys=True, allow_nan=False)
    _write_bytes(path, f"{text}\n".encode())
    return path.name


def _write_bytes(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _move_into_place(scratch: Path, directory: Path) -> None:
    """Rename; a directory cannot be replaced in one step, so an old one steps aside first."""
    aside = scratch.with_name(f"{scratch.name}.old")
    replaces = directory.exists()
    if replaces:
        directory.rename(aside)
    try:
        scratch.rename(directory)
    except OSError:
        if replaces:
            aside.rename(directory)
        raise
    _flush_directory(directory.parent)
    shutil.rmtree(aside, ignore_errors=True)


def _flush_directory(directory: Path) -> None:
    if os.name == "nt":  # Windows cannot open a directory and needs no such flush
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# ---- reading ------------------------------------------------------------------------------------


def load(directory: Path, names: Sequence[str] | None = None) -> Checkpoint:
    """Read a checkpoint after checking it.

    Args:
        directory: a checkpoint directory.
        names: the files to read, without suffix; None reads all. ``config`` is read in any case.

    Returns:
        The tensors (on the CPU) and documents asked for.

    Raises:
        ModelError: something is missing, truncated, changed, foreign, or written by a newer
            version; the message names the file.
    """
    sums = _read_sums(directory)
    config = _read_document(directory, f"{CONFIG}{DOCUMENT_SUFFIX}", sums)
    _check_format(directory, config)
    stems = {Path(name).stem for name in sums}
    wanted = stems if names is None else {*names}
    missing = sorted(wanted - stems)
    if missing:
        message = f"{directory} is incomplete: {SUMS} lists no '{missing[0]}'"
        raise ModelError(message)
    tensors: dict[str, dict[str, torch.Tensor]] = {}
    documents = {CONFIG: config}
    for name in sorted(sums):
        stem, suffix = Path(name).stem, Path(name).suffix
        if stem not in wanted or stem in documents:
            continue
        if suffix == TENSORS_SUFFIX:
            tensors[stem] = _read_tensors(directory, name, sums)
        elif suffix == DOCUMENT_SUFFIX:
            documents[stem] = _read_document(directory, name, sums)
    return Checkpoint(tensors, documents, sums)


def latest(run: Path) -> Path:
    """The checkpoint that ``run/latest`` names; ModelError where there is none."""
    path = run / LATEST
    if not run.is_dir():
        message = f"there is no run at {run}"
        raise ModelError(message)
    if not path.is_file():
        message = f"{run} holds no checkpoint yet: {path} is missing"
        raise ModelError(message)
    name = _read_bytes(path, MAX_SUMS_BYTES).decode(errors="replace").strip()
    directory = run / CHECKPOINTS / name
    if not _NAME.fullmatch(name) or not directory.is_dir():
        message = f"{path} names the checkpoint '{name[:80]}', which is not in {run / CHECKPOINTS}"
        raise ModelError(message)
    return directory


def _read_sums(directory: Path) -> dict[str, str]:
    path = directory / SUMS
    if not directory.is_dir():
        message = f"there is no model at {directory}"
        raise ModelError(message)
    if not path.is_file():
        message = f"{directory} is not a complete model of composer: {path} is missing"
        raise ModelError(message)
    lines = _read_bytes(path, MAX_SUMS_BYTES).decode("ascii", errors="replace").splitlines()
    matches = [_SUM_LINE.fullmatch(line) for line in lines]
    if not matches or not all(matches):
        message = f"{path} is not a list of SHA-256 sums, so this is not a model of composer"
        raise ModelError(message)
    return {match[2]: match[1] for match in matches if match}


def _check_format(directory: Path, config: Any) -> None:
    path = directory / f"{CONFIG}{DOCUMENT_SUFFIX}"
    found = config.get("format") if isinstance(config, dict) else None
    if type(found) is not int or found < 1:
        message = f"{path} does not say which format it has, so this is not a model of composer"
        raise ModelError(message)
    if found > FORMAT:
        message = (
            f"{path} has format {found}, made by a newer composer than this one, which reads "
            f"formats up to {FORMAT}: install a newer composer"
        )
        raise ModelError(message)


def _read_document(directory: Path, name: str, sums: Mapping[str, str]) -> Any:
    path = _verified(directory, name, sums, MAX_DOCUMENT_BYTES)
    try:
        return json.loads(_read_bytes(path, MAX_DOCUMENT_BYTES))
    except (ValueError, RecursionError) as error:
        message = f"{path} is not readable JSON: {error}"
        raise ModelError(message) from error


def _read_tensors(directory: Path, name: str, sums: Mapping[str, str]) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = _verified(directory, name, sums, MAX_TENSORS_BYTES)
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        message = f"{path} is not readable as safetensors: {error}"
        raise ModelError(message) from error


def _verified(directory: Path, name: str, sums: Mapping[str, str], limit: int) -> Path:
    """The path of a file that is there, within bounds, and as it was written."""
    path = directory / name
    if name not in sums:
        message = f"{path} is not listed in {directory / SUMS}, so this is not a complete model"
        raise ModelError(message)
    if not path.is_file():
        message = f"{path} is missing: copy the whole directory again"
        raise ModelError(message)
    if path.stat().st_size > limit:
        message = f"{path} is larger than the {limit // 2**20} MB that such a file may have"
        raise ModelError(message)
    if _digest(path) != sums[name]:
        message = f"{path} is damaged or incomplete: it does not match {SUMS}; copy it again"
        raise ModelError(message)
    return path


def _read_bytes(path: Path, limit: int) -> bytes:
    """At most ``limit`` bytes of a file; more is an error."""
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise ModelError(message) from error
    if len(content) > limit:
        message = f"{path} is larger than the {limit} bytes that such a file may have"
        raise ModelError(message)
    return content


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise ModelError(message) from error
