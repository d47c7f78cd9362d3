"""Which tiles of a folder are like those of a picture, and which lie side by side as they do.

A tile is held against every tile of the folder, turned and mirrored in all eight ways; what is
measured is the root mean square of the share of the area that has another colour, at half the
resolution, from 0 to 1. Every tile is looked at; none is left out for speed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from composer.domains.art.domain import PLANES_OF_RGB, ArtDomain
from composer.domains.art.moves import FLIPS, POOL, SYMMETRIES, symmetries

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from composer.domains.art.settings import ArtSettings

COPIED = 0.1  # tiles no further apart are (nearly) the same: about one cell in 25 differs
DIRECTIONS = {"across": (0, 1), "down": (1, 0)}
_KNOWN, _CELLS = 1 << 14, 32  # tiles that are compared at once


@dataclass(frozen=True)
class Grid:
    """A picture as tiles: uint8 ``[rows * columns, *tile]``, and the work that it is (-1: none)."""

    tiles: np.ndarray
    layout: tuple[int, int]
    work: int = -1

    @property
    def plain(self) -> np.ndarray:
        """Bool ``[rows * columns]``: tiles of one colour, in which there is nothing to copy."""
        flat = self.tiles.reshape(len(self.tiles), self.tiles.shape[1] ** 2, -1)
        return (flat == flat[:, :1]).all(axis=(1, 2))


@dataclass(frozen=True)
class Known:
    """The tiles of a folder.

    Attributes:
        tiles: uint8 ``[n, *tile]``, piece after piece.
        starts: int64 ``[pieces + 1]``.
        layouts: int64 ``[pieces, 2]``: rows and columns.
        works: int64 ``[pieces]``: pieces of one number are the same picture, or nearly.
        sources: the file of each piece.
        settings: what they were read with.
    """

    tiles: np.ndarray
    starts: np.ndarray
    layouts: np.ndarray
    works: np.ndarray
    sources: Sequence[str]
    settings: ArtSettings

    @property
    def owners(self) -> np.ndarray:
        """int64 ``[n]``: the piece of each tile."""
        return np.repeat(np.arange(len(self.layouts)), np.diff(self.starts))

    def place(self, tile: int) -> dict[str, Any]:
        """Where a tile is: ``source``, and ``source_row`` and ``source_column`` from 1."""
        piece = int(np.searchsorted(self.starts, tile, "right")) - 1
        row, column = divmod(tile - int(self.starts[piece]), int(self.layouts[piece, 1]))
        return {"source": self.sources[piece], "source_row": row + 1, "source_column": column + 1}

    def grid(self, piece: int, most: tuple[int, int]) -> Grid:
        """The upper left part of a piece, of at most so many rows and columns."""
        tiles = self.tiles[self.starts[piece] : self.starts[piece + 1]]
        part = tiles.reshape(*self.layouts[piece], *tiles.shape[1:])[: most[0], : most[1]]
        return Grid(part.reshape(-1, *tiles.shape[1:]), part.shape[:2], int(self.works[piece]))


@dataclass(frozen=True)
class Found:
    """What is like the tiles of a picture.

    A *key* is ``symmetry * n + tile``: the picture's tile under that symmetry (see
    ``moves.symmetries``) is like that tile of the folder.

    Attributes:
        distances: float32 ``[places]``: of the nearest tile.
        nearest: int64 ``[places]``: its key.
        copies: for each place the keys of all tiles within ``COPIED``, int64, sorted.
    """

    distances: np.ndarray
    nearest: np.ndarray
    copies: list[np.ndarray]


@dataclass(frozen=True)
class Run:
    """Neighbouring tiles that are neighbours in another picture, too.

    Attributes:
        cells: how many, without plain ones.
        place: of the last one.
        direction: in which they go on.
        key: what the last one is like.
    """

    cells: int
    place: int
    direction: str
    key: int


def look_up(pictures: Sequence[Grid], known: Known) -> list[Found]:
    """Hold all tiles of some pictures against all known ones that are not of the same work."""
    domain = ArtDomain(known.settings.as_json())
    tiles = np.concatenate([picture.tiles for picture in pictures])
    works = np.repeat([picture.work for picture in pictures], [len(p.tiles) for p in pictures])
    turned = np.stack(symmetries(tiles, 1), axis=1).reshape(-1, *tiles.shape[1:])
    queries = domain.features(turned).reshape(len(tiles), SYMMETRIES, -1)
    count = len(known.tiles)
    others = known.works[known.owners]
    distances = np.full(len(tiles), np.inf, np.float32)
    nearest = np.zeros(len(tiles), np.int64)
    copies: list[list[np.ndarray]] = [[] for _ in tiles]
    for first in range(0, count, _KNOWN):
        table = domain.features(known.tiles[first : first + _KNOWN])
        for place, apart in _distances(queries, table, _unit(known.settings)):
            apart[:, others[first : first + _KNOWN] == works[place]] = np.inf
            least = int(apart.argmin())
            if apart.flat[least] < distances[place]:
                distances[place] = apart.flat[least]
                symmetry, tile = divmod(least, len(table))
                nearest[place] = symmetry * count + first + tile
            turns, near = np.nonzero(apart <= COPIED)
            copies[place].append(turns * count + first + near)
    every = [np.sort(np.concatenate(keys)) for keys in copies]
    stops = np.cumsum([len(picture.tiles) for picture in pictures])
    return [
        Found(distances[part], nearest[part], every[part])
        for part in map(slice, [0, *stops[:-1].tolist()], stops.tolist())
    ]


def longest_run(
    copies: Sequence[np.ndarray], plain: np.ndarray, layout: tuple[int, int], known: Known
) -> Run | None:
    """The most cells in a row or column whose likes lie side by side in one picture, turned alike.

    Args:
        copies: keys of each place, as in ``Found``.
        plain: bool ``[places]``; plain cells may lie in a run, but do not count.
        layout: rows and columns.
        known: the tiles that the keys mean.

    Returns:
        The first of the longest; None where nothing is copied.
    """
    best = None
    for direction, step in DIRECTIONS.items():
        before, back = _before(known, step), step[0] * layout[1] + step[1]
        runs: list[np.ndarray] = []
        for place, keys in enumerate(copies):
            lengths = np.full(len(keys), int(not plain[place]))
            if not _first(place, step, layout):
                at, goes_on = _find(copies[place - back], before[keys])
                lengths[goes_on] += runs[place - back][at[goes_on]]
            runs.append(lengths)
            longest = int(lengths.max(initial=0))
            if longest > (best.cells if best else 0):
                best = Run(longest, place, direction, int(keys[lengths.argmax()]))
    return best


def run_start(
    run: Run, copies: Sequence[np.ndarray], layout: tuple[int, int], known: Known
) -> tuple[int, int]:
    """The first place of a run, and the key of what it is like; the rest as in ``longest_run``."""
    step = DIRECTIONS[run.direction]
    before, back = _before(known, step), step[0] * layout[1] + step[1]
    place, key = run.place, run.key
    while not _first(place, step, layout) and before[key] in copies[place - back]:
        place, key = place - back, int(before[key])
    return place, key


def _first(place: int, step: tuple[int, int], layout: tuple[int, int]) -> bool:
    """Whether a place is the first one of its column, or row."""
    return place < layout[1] if step[0] else place % layout[1] == 0


def _before(known: Known, step: tuple[int, int]) -> np.ndarray:
    """The key that comes before each one in a run: int64 ``[8 * n]``, -1 beyond the edge.

    ``step`` is where the run goes on in the picture; in a tile's own picture it is turned with it.
    """
    rows, columns = known.layouts[known.owners].T
    numbers = np.arange(len(known.tiles))
    row, column = np.divmod(numbers - known.starts[:-1][known.owners], columns)
    keys = []
    for symmetry in range(SYMMETRIES):
        down, across = step[::-1] if symmetry >= len(FLIPS) else step
        flips = FLIPS[symmetry % len(FLIPS)]
        down, across = (-down if 0 in flips else down), (-across if 1 in flips else across)
        inside = (row - down >= 0) & (row - down < rows)
        inside &= (column - across >= 0) & (column - across < columns)
        earlier = numbers - down * columns - across
        keys.append(np.where(inside, symmetry * len(numbers) + earlier, -1))
    return np.concatenate(keys)


def _find(keys: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where sorted ``keys`` hold the wanted ones (-1 is none), and whether they do."""
    at = np.searchsorted(keys, wanted)
    there = at < len(keys)
    there[there] = keys[at[there]] == wanted[there]
    return at, there


def _unit(settings: ArtSettings) -> float:
    """Squared distance of the features of two tiles that differ as much as they can."""
    areas = (settings.tile // POOL) ** 2
    return areas * (4.0 * PLANES_OF_RGB if settings.rgb else 2.0)


def _distances(
    queries: np.ndarray, table: np.ndarray, unit: float
) -> Iterator[tuple[int, np.ndarray]]:
    """Each cell's number and its distances from all tiles of a table: float32 ``[8, n]``."""
    squares = np.square(table).sum(1)
    for first in range(0, len(queries), _CELLS):
        part = queries[first : first + _CELLS]
        apart = part.reshape(-1, part.shape[2]) @ table.T
        apart *= -2
        apart += np.square(part).sum(2).reshape(-1, 1)
        apart += squares
        np.sqrt(np.maximum(apart, 0, out=apart) / np.float32(unit), out=apart)
        yield from enumerate(apart.reshape(*part.shape[:2], -1), first)
