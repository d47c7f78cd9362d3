"""The fragment store: a corpus as flat arrays on disk, split by work, opened memory-mapped."""

from __future__ import annotations

import atexit
import hashlib
import json
import logging
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from composer.domain import Corpus, Piece
from composer.errors import DataError
from composer.files import find_files

if TYPE_CHECKING:
    from collections.abc import Mapping

    from composer.domain import Domain

log = logging.getLogger(__name__)

TRAIN, HELD_OUT, JUDGE = 0, 1, 2
SPLITS = ("train", "held-out", "judge")
SHARES = (0.70, 0.15, 0.15)
FORMAT = 2  # raise it whenever reading or the files of the cache change
_ARRAYS = {"fragments": np.uint8, "starts": np.int64, "layouts": np.int64}
_ARRAYS |= {"split": np.uint8, "clusters": np.int64, "kinds": np.uint8}
_DOCUMENT = "store.json"
# Larger files (pictures may be) are keyed by their time of change, not read twice.
_HASHED_BYTES = 16 * 2**20


class UnusableCorpusError(DataError):
    """Nothing usable was found, or too little.

    Attributes:
        corpus: what was read, for a report of the rejections.
    """

    def __init__(self, message: str, corpus: Corpus) -> None:
        """Keep the corpus beside the message."""
        super().__init__(message)
        self.corpus = corpus


@dataclass(frozen=True)
class FragmentStore:
    """All fragments of a corpus, piece after piece.

    Attributes:
        fragments: uint8 ``[n, *shape]``, memory-mapped, read-only.
        starts: int64 ``[pieces + 1]``; piece i is ``fragments[starts[i]:starts[i + 1]]``.
        layouts: int64 ``[pieces, dims]``.
        split: uint8 ``[pieces]``: 0 train, 1 held-out, 2 judge; equal within a cluster.
        clusters: int64 ``[pieces]``: which work a piece is.
        kinds: uint8 ``[pieces]``: which kind it is.
        sources: file of each piece, relative to the folder.
        domain_id: id of the domain that read it.
        settings: the domain's settings, JSON-ready.
        key: sha256 (hex) of content and options.
    """

    fragments: np.ndarray
    starts: np.ndarray
    layouts: np.ndarray
    split: np.ndarray
    clusters: np.ndarray
    kinds: np.ndarray
    sources: list[str]
    domain_id: str
    settings: dict[str, Any]
    key: str

    def pieces(self, split: int) -> list[Piece]:
        """The pieces of a split (``TRAIN``, ``HELD_OUT`` or ``JUDGE``) in order of their source."""
        return [
            Piece(
                self.fragments[self.starts[i] : self.starts[i + 1]],
                tuple(self.layouts[i].tolist()),
                self.sources[i],
                int(self.kinds[i]),
            )
            for i in np.flatnonzero(self.split == split).tolist()
        ]

    def select(self, split: int) -> np.ndarray:
        """uint8 ``[m, *shape]``: all fragments of a split, in the order of ``pieces``."""
        chosen = np.repeat(self.split == split, np.diff(self.starts))
        return np.ascontiguousarray(self.fragments[chosen])


def open_store(
    domain_class: type[Domain],
    folder: Path,
    options: Mapping[str, Any],
    *,
    cache: Path | None = None,
) -> FragmentStore:
    """Read a folder, or open what was kept of it when nothing has changed since.

    Args:
        domain_class: who reads it.
        folder: read recursively.
        options: passed to ``domain_class.read``; JSON-ready.
        cache: where stores are kept; None for ``$COMPOSER_CACHE``, ``$XDG_CACHE_HOME/composer``
            or ``~/.cache/composer``. A folder that cannot be written to is replaced by a
            temporary one, with a warning in the log.

    Raises:
        DataError: the folder cannot be read, or holds too little for a split.
    """
    key = _content_key(domain_class, folder, options)
    cache = cache or default_cache()
    place = cache / key
    store = _load(place, key)
    if store is not None:
        return store
    if place.exists():
        log.warning("the cached fragments in %s are damaged; reading %s anew", place, folder)
    corpus = domain_class.read(folder, options)
    split = split_works(corpus)
    try:
        _save(place, key, domain_class.id, corpus, split)
    except OSError as error:
        own = Path(tempfile.mkdtemp(prefix="composer-"))
        atexit.register(shutil.rmtree, own, ignore_errors=True)
        log.warning("the cache %s cannot be written (%s); using %s for now", cache, error, own)
        place = own / key
        _save(place, key, domain_class.id, corpus, split)
    store = _load(place, key)
    if store is None:
        message = f"the fragments written to '{place}' cannot be read back; check the disk"
        raise DataError(message)
    return store


def default_cache() -> Path:
    """Where stores are kept unless told otherwise."""
    if own := os.environ.get("COMPOSER_CACHE"):
        return Path(own)
    if base := os.environ.get("XDG_CACHE_HOME"):
        return Path(base) / "composer"
    return Path.home() / ".cache" / "composer"


def split_works(corpus: Corpus) -> np.ndarray:
    """Deal the works out to train, held-out and judge, about 70 / 15 / 15 by pieces.

    Works of one size are ordered by the hash of their content, so that neither file names nor
    their order matter; the largest works come first and go to the training set.

    Returns:
        uint8 ``[pieces]``.

    Raises:
        UnusableCorpusError: fewer works than splits.
    """
    works, members = np.unique(corpus.clusters, return_inverse=True)
    sizes = np.bincount(members, minlength=len(works))
    if len(works) < len(SPLITS):
        there = _count(len(corpus.pieces), "usable piece")
        message = (
            f"{there} of {_count(len(works), 'distinct work')}: a split into "
            f"{', '.join(SPLITS)} needs at least {len(SPLITS)} works; add more files"
        )
        raise UnusableCorpusError(message, corpus)
    names = [_work_name(corpus, np.flatnonzero(members == work)) for work in range(len(works))]
    order = sorted(range(len(works)), key=lambda work: (-sizes[work], names[work]))
    held = np.zeros(len(SPLITS))
    chosen = np.zeros(len(works), np.uint8)
    for rank, work in enumerate(order):
        open_splits = np.flatnonzero(held == 0)
        load = (held + sizes[work]) / SHARES
        if len(order) - rank <= len(open_splits):  # the last works fill what is still empty
            load = np.where(held == 0, load, np.inf)
        chosen[work] = np.argmin(load)
        held[chosen[work]] += sizes[work]
    return chosen[members]


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _work_name(corpus: Corpus, pieces: np.ndarray) -> str:
    """A name for a work that depends on its content only."""
    return min(
        hashlib.sha256(corpus.pieces[piece].fragments.tobytes()).hexdigest()
        for piece in pieces.tolist()
    )


def _content_key(domain_class: type[Domain], folder: Path, options: Mapping[str, Any]) -> str:
    """sha256 over everything that decides what the store holds."""
    names, _ = find_files(folder, domain_class.extensions)
    key = hashlib.sha256()
    key.update(json.dumps([FORMAT, domain_class.id, options], sort_keys=True).encode())
    for name in names:
        key.update(b"\0" + os.fsencode(name) + b"\0")
        key.update(_file_key(folder / name))
    return key.hexdigest()


def _file_key(path: Path) -> bytes:
    try:
        status = path.stat()
        if status.st_size > _HASHED_BYTES:
            return f"{status.st_size} {status.st_mtime_ns}".encode()
        return hashlib.sha256(path.read_bytes()).digest()
    except OSError as error:
        return f"unreadable {error.errno}".encode()


def _save(place: Path, key: str, domain_id: str, corpus: Corpus, split: np.ndarray) -> None:
    """Write a store beside its place and move it there as a whole."""
    arrays = {
        "fragments": np.concatenate([piece.fragments for piece in corpus.pieces]),
        "starts": np.cumsum([0, *(len(piece.fragments) for piece in corpus.pieces)]),
        "layouts": np.array([piece.layout for piece in corpus.pieces]),
        "split": split,
        "clusters": corpus.clusters,
        "kinds": np.array([piece.kind for piece in corpus.pieces]),
    }
    place.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".store-", dir=place.parent))
    try:
        sums = {}
        for name, dtype in _ARRAYS.items():
            path = work / f"{name}.npy"
            with path.open("wb") as file:
                np.save(file, arrays[name].astype(dtype, copy=False), allow_pickle=False)
                file.flush()
                os.fsync(file.fileno())
            sums[name] = _sum(path)
        document = {
            "format": FORMAT,
            "key": key,
            "domain": domain_id,
            "settings": corpus.settings,
            "sources": [piece.source for piece in corpus.pieces],
            "sha256": sums,
        }
        with (work / _DOCUMENT).open("w", encoding="utf-8") as file:
            json.dump(document, file)  # ASCII: names that are no UTF-8 survive as surrogates
            file.flush()
            os.fsync(file.fileno())
        if _load(place, key) is None:  # else another process was faster
            shutil.rmtree(place, ignore_errors=True)
            work.replace(place)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _load(place: Path, key: str) -> FragmentStore | None:
    """The store at ``place``; None where there is none or it is damaged."""
    try:
        document = json.loads((place / _DOCUMENT).read_text(encoding="utf-8"))
        if document["format"] != FORMAT or document["key"] != key:
            return None
        arrays = {}
        for name, dtype in _ARRAYS.items():
            path = place / f"{name}.npy"
            if _sum(path) != document["sha256"][name]:
                return None
            arrays[name] = np.load(path, mmap_mode="r" if name == "fragments" else None)
            if arrays[name].dtype != dtype:
                return None
        return FragmentStore(
            **arrays,
            sources=document["sources"],
            domain_id=document["domain"],
            settings=document["settings"],
            key=key,
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
