"""Two baselines that set pieces of real pictures side by side: by their borders, and as quilts.

Both fill a canvas tile by tile, row by row, from pictures of the kind that it shall be. Both know
where the edges of a picture are: what lies at an edge is taken from that edge.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from composer.domains.art.metrics import assemble, levels_of
from composer.domains.art.quantise import cut_tiles

if TYPE_CHECKING:
    from collections.abc import Callable

    from composer.domains.art.settings import ArtSettings
    from composer.evaluation.samples import Sample

    Compose = Callable[["Source", int, np.random.Generator], np.ndarray]

TILES = 4096  # real tiles of a kind that are chosen from, about
SAMPLE = 100  # of these, so many are tried at each place by border matching
OVERLAP = 6  # patches overlap by a sixth of their size, as in the paper
TOLERANCE = 0.1  # a patch may fit worse than the best by this share of its error


@dataclass(frozen=True)
class Source:
    """Real pictures of one kind, and the settings that they were made with.

    Attributes:
        pictures: uint8 ``[m, rows * columns, *tile]``, at least one.
        settings: give the layout.
    """

    pictures: np.ndarray
    settings: ArtSettings

    @property
    def layout(self) -> tuple[int, int]:
        """Rows and columns of tiles."""
        return self.settings.rows, self.settings.columns

    def pools(self) -> list[np.ndarray]:
        """For each place the tiles that lie at the same edges, numbered through all pictures."""
        rows, columns = (np.arange(size) for size in self.layout)
        down, across = ((at == 0) + 2 * (at == len(at) - 1) for at in (rows, columns))
        edges = np.add.outer(4 * down, across).ravel()
        everywhere = np.tile(edges, len(self.pictures))
        return [np.flatnonzero(everywhere == edge) for edge in edges.tolist()]


def of_kinds(
    compose: Compose,
    known: Sample,
    kinds: np.ndarray,
    settings: ArtSettings,
    rng: np.random.Generator,
) -> np.ndarray:
    """Compose one picture of each of ``kinds`` from real ones of that kind.

    Args:
        compose: ``match_borders`` or ``quilt``.
        known: real pictures, at least one.
        kinds: int64 ``[n]``; of a kind that no real picture has, all are used.
        settings: the settings that all are made with.
        rng: the source of randomness.

    Returns:
        uint8 ``[n, rows * columns, *tile]``.
    """
    places = known.windows.shape[1]
    made = np.zeros((len(kinds), *known.windows.shape[1:]), np.uint8)
    for kind in np.unique(kinds).tolist():
        own = np.flatnonzero(known.kinds == kind)
        own = rng.permutation(own if len(own) else len(known))
        source = Source(known.windows[own[: -(-TILES // places)]], settings)
        wanted = kinds == kind
        made[wanted] = compose(source, int(wanted.sum()), rng)
    return made


# ---- border matching --------------------------------------------------------------------------


def match_borders(source: Source, count: int, rng: np.random.Generator) -> np.ndarray:
    """Set whole tiles, each the one of a random sample that fits the tiles left and above best.

    What is compared is the coverage (or the colour) of the cells on both sides of a border, by
    their mean difference: what ``seams`` measures.

    Returns:
        uint8 ``[count, rows * columns, *tile]``.
    """
    tiles = source.pictures.reshape(-1, *source.pictures.shape[2:])
    levels = levels_of(tiles, source.settings)
    (left, right), (top, bottom) = (_first_and_last(levels, axis) for axis in (2, 1))
    columns = source.layout[1]
    chosen = np.zeros((count, source.pictures.shape[1]), np.int64)
    for place, pool in enumerate(source.pools()):
        tried = pool[rng.integers(len(pool), size=(count, SAMPLE))]
        errors = np.zeros(tried.shape)
        if place % columns:
            errors += _difference(left[tried], right[chosen[:, place - 1]])
        if place >= columns:
            errors += _difference(top[tried], bottom[chosen[:, place - columns]])
        chosen[:, place] = tried[np.arange(count), errors.argmin(axis=1)]
    return tiles[chosen]


def _first_and_last(levels: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """The cells along two opposite sides of tiles: float32 ``[n, tile * channels]`` each."""
    first, last = (levels.take(end, axis).reshape(len(levels), -1) for end in (0, -1))
    return first, last


def _difference(sides: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Mean difference of ``[n, k, cells]`` from ``[n, cells]``: ``[n, k]``."""
    return np.abs(sides - other[:, None]).mean(axis=2)


# ---- image quilting ---------------------------------------------------------------------------


def quilt(source: Source, count: int, rng: np.random.Generator) -> np.ndarray:
    """Image quilting (Efros and Freeman, SIGGRAPH 2001) on the grid of tiles.

    A patch is a tile with a margin to the left and above, which overlaps what is there already.
    At each place one of the patches is drawn whose error in the overlap, the sum of squared
    differences, is at most a tenth above the least; the tile that follows in the same picture is
    left out, else the quilt would be a copy. Then the overlap is cut where the two differ least,
    and the patch laid down beyond the cut. Patches lie on the grid, since motifs do.

    Returns:
        uint8 ``[count, rows * columns, *tile]``.
    """
    tile, (rows, columns) = source.settings.tile, source.layout
    patches, margin = _cut_patches(source)
    size = tile + margin
    levels = levels_of(patches, source.settings)
    shape = (margin + rows * tile, margin + columns * tile, *patches.shape[3:])
    sheet = np.zeros((count, *shape), np.uint8)
    chosen = np.zeros((count, rows * columns), np.int64)
    for place, pool in enumerate(source.pools()):
        top, left = (tile * at for at in divmod(place, columns))
        there = sheet[:, top : top + size, left : left + size]  # a view, laid over in the end
        before = levels_of(there, source.settings)
        overlap = np.zeros((size, size), bool)
        overlap[:margin] |= top > 0
        overlap[:, :margin] |= left > 0
        errors = _squared_errors(levels[pool][:, overlap], before[:, overlap])
        if left:
            errors[pool == chosen[:, [place - 1]] + 1] = np.inf
        if top:
            errors[pool == chosen[:, [place - columns]] + columns] = np.inf
        chosen[:, place] = now = pool[_draw_near_best(errors, rng)]
        surface = np.square(levels[now] - before).sum(axis=3)
        kept = np.zeros(surface.shape, bool)
        if left:
            kept[:, :, :margin] |= before_cut(surface[:, :, :margin])
        if top:
            kept[:, :margin] |= before_cut(surface[:, :margin].swapaxes(1, 2)).swapaxes(1, 2)
        there[~kept] = patches[now][~kept]
    return np.stack([cut_tiles(cells, tile) for cells in sheet[:, margin:, margin:]])


def before_cut(errors: np.ndarray) -> np.ndarray:
    """The minimum error boundary cut, from the first row to the last by dynamic programming.

    Args:
        errors: float ``[n, length, width]``.

    Returns:
        bool ``[n, length, width]``: the columns left of the path along which the errors add up to
        least; it goes from one row to the next straight or by one column to the side.
    """
    costs = np.pad(errors, ((0, 0), (0, 0), (1, 1)), constant_values=np.inf)
    for row in range(1, errors.shape[1]):
        above = costs[:, row - 1]
        costs[:, row, 1:-1] += np.minimum(np.minimum(above[:, :-2], above[:, 1:-1]), above[:, 2:])
    at = costs[:, -1].argmin(axis=1)
    path = [at]
    for row in range(errors.shape[1] - 2, -1, -1):
        reach = at[:, None] + np.arange(-1, 2)
        at = at - 1 + np.take_along_axis(costs[:, row], reach, axis=1).argmin(axis=1)
        path.append(at)
    places = np.stack(path[::-1], axis=1) - 1
    return np.arange(errors.shape[2]) < places[:, :, None]


def _cut_patches(source: Source) -> tuple[np.ndarray, int]:
    """All patches, uint8 ``[m * rows * columns, size, size, ...]``, and their margin in cells.

    At the upper and the left edge of a picture the margin is empty; nothing overlaps there.
    """
    tile, (rows, columns) = source.settings.tile, source.layout
    margin = -(-tile // OVERLAP)
    pictures = assemble(source.pictures, source.layout)
    edge = (margin, 0)
    padded = np.pad(pictures, ((0, 0), edge, edge, *((0, 0),) * (pictures.ndim - 3)))
    steps = np.arange(tile + margin)
    down, across = (tile * np.arange(number)[:, None] + steps for number in (rows, columns))
    cut = padded[:, down[:, None, :, None], across[None, :, None, :]]
    return cut.reshape(-1, *cut.shape[3:]), margin


def _squared_errors(patches: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Sums of squared differences of ``[k, cells, channels]`` and ``[n, ...]``: ``[n, k]``.

    Coverages are quarters, so that equal ones differ by 0 exactly.
    """
    first, second = (x.reshape(len(x), -1) for x in (there, patches))
    norms = np.square(first).sum(axis=1)[:, None] + np.square(second).sum(axis=1)
    errors: np.ndarray = norms - 2 * first @ second.T
    return errors.clip(min=0)


def _draw_near_best(errors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One of those whose error is near the least: float ``[n, k]`` -> int64 ``[n]``."""
    near = errors <= (1 + TOLERANCE) * errors.min(axis=1, keepdims=True)
    return (near * (1 - rng.random(errors.shape))).argmax(axis=1)
