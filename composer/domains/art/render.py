"""From tokens to pixels: pictures of any size with smooth edges.

A cell knows which share of it each slot covers, not where in the cell the edge runs. The coverage
of each slot is blurred with a Gaussian of .7 cells, the slot with most of it is taken at each of
many points within a cell, and the average of their colours is the pixel. The blur takes the steps
of the tokens (quarters) out of slanted edges, but it also shrinks what is small and rounds what is
pointed; so the drawn shares are compared with the tokens' and what is missing is added before the
next blur (iterative back-projection, Irani and Peleg 1991), save what the rounding of tokens may
explain and where no edge is near. All sums of shares are exact, so that rounding decides no tie.

Colours are averaged as they stand in the file (sRGB), as programs for vector graphics do, so that a
picture that is read again gives the same tokens.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from composer.domains.art.codes import cover
from composer.domains.art.palettes import rgb

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from composer.domain import Layout
    from composer.domains.art.settings import ArtSettings

REACH = 3  # cells that a kernel looks to either side
BLUR = 0.7
STEPS = 512  # in which the weights of the blur are counted
CORRECTIONS, CORRECTION_POINTS, TOLERANCE = 2, 4, 1 / 16  # powers of two keep sums exact
HALO = REACH * (CORRECTIONS + 1)
POINTS = 3  # in a pixel's side
PATCH = 512  # pixels of what is drawn at once, so that the memory stays small


def render(
    fragments: np.ndarray,
    layout: Layout,
    settings: ArtSettings,
    palette: Sequence[str],
    *,
    scale: int,
    wrap: bool = False,
) -> np.ndarray:
    """Draw a whole picture; arguments as of ``render_bands``, whose bands it joins."""
    bands = render_bands(fragments, layout, settings, palette, scale=scale, wrap=wrap)
    return np.concatenate(list(bands))


def render_bands(
    fragments: np.ndarray,
    layout: Layout,
    settings: ArtSettings,
    palette: Sequence[str],
    *,
    scale: int,
    wrap: bool = False,
) -> Iterator[np.ndarray]:
    """Draw a picture from top to bottom, a band of whole rows of tiles at a time.

    Args:
        fragments: uint8 ``[rows * columns, tile, tile]``, in RGB mode ``[..., 3]``.
        layout: rows and columns of tiles.
        settings: the model's.
        palette: one ``#rrggbb`` a slot; not looked at in RGB mode.
        scale: pixels in a cell's side.
        wrap: what lies beyond an edge is the opposite edge, so that copies of the picture join
            without a seam; else the edge goes on.

    Yields:
        uint8 ``[height, columns * tile * scale, 3]``; with a transparent slot ``[..., 4]``, where
        the colour under full transparency is the palette's lightest.
    """
    rows, columns = layout
    tile = settings.tile
    halo = 0 if settings.rgb else -(-HALO // tile) * tile
    halo = max(halo, -(-REACH // tile) * tile)
    cells = np.pad(
        assemble(fragments, layout),
        [(halo, halo), (halo, halo), (0, 0)][: fragments.ndim - 1],
        mode="wrap" if wrap else "edge",
    )
    table = None if settings.rgb else _colour_table(palette, transparent=settings.transparent)
    side = max(1, PATCH // (tile * scale))
    for top in range(0, rows, side):
        height = tile * min(side, rows - top) + 2 * halo
        band = cells[top * tile : top * tile + height]
        patches = [
            band[:, left * tile : (left + min(side, columns - left)) * tile + 2 * halo]
            for left in range(0, columns, side)
        ]
        if table is None:
            drawn = [_enlarge(patch, halo, tile, scale) for patch in patches]
        else:
            drawn = [_draw(patch, halo, tile, scale, table, settings.layers) for patch in patches]
        yield np.concatenate(drawn, axis=1)


def assemble(fragments: np.ndarray, layout: Layout) -> np.ndarray:
    """Tiles side by side: ``[rows * columns, tile, tile, ...]`` -> ``[height, width, ...]``."""
    rows, columns = layout
    tile, *channels = fragments.shape[2:]
    grid = fragments.reshape(rows, columns, tile, tile, *channels).swapaxes(1, 2)
    return grid.reshape(rows * tile, columns * tile, *channels)


def _enlarge(cells: np.ndarray, halo: int, tile: int, scale: int) -> np.ndarray:
    """RGB cells as pixels: uint8 ``[h, w, 3]`` with a halo -> uint8 ``[h', w', 3]`` without."""
    inner = slice(halo - REACH, REACH - halo or None)
    planes = np.moveaxis(cells[inner, inner], -1, 0).astype(np.float32)
    pixels = _spread(planes, _matrix("lanczos", tile, scale))
    return np.moveaxis(np.rint(pixels.clip(0, 255)).astype(np.uint8), 0, -1)


def _draw(
    cells: np.ndarray, halo: int, tile: int, scale: int, table: np.ndarray, layers: int
) -> np.ndarray:
    """Tokens ``[h, w]`` with a halo -> pixels uint8 ``[h', w', 3 or 4]`` without."""
    shares = np.moveaxis(cover(cells, layers), -1, 0)
    used = np.flatnonzero(shares.any(axis=(1, 2)))
    shares = _corrected(np.ascontiguousarray(shares[used]), tile)
    inner = slice(halo - REACH, REACH - halo or None)
    points = _largest(shares[:, inner, inner], _matrix("gauss", tile, scale * POINTS))
    return _averaged(points, table[used])


def _corrected(shares: np.ndarray, tile: int) -> np.ndarray:
    """Coverage that, once it is blurred and divided up, has the shares that are asked for.

    float32 ``[layers, h, w]``, both ways; ``h`` and ``w`` are whole tiles. Cells within ``REACH``
    of the edge are worse for each correction: they belong to the halo.
    """
    matrix = _matrix("gauss", tile, CORRECTION_POINTS)
    edges = _near_pure(shares)
    corrected = shares
    for _ in range(CORRECTIONS):
        padded = np.pad(corrected, ((0, 0), (REACH, REACH), (REACH, REACH)), mode="edge")
        missing = shares - _drawn(_largest(padded, matrix), len(shares))
        excess = np.maximum(np.abs(missing) - TOLERANCE, 0) * edges
        corrected = corrected + np.copysign(excess, missing)
    return corrected


def _near_pure(shares: np.ndarray) -> np.ndarray:
    """Where a cell or one of its eight neighbours is of one layer: bool ``[h, w]``.

    Elsewhere all is mixed: there is no edge that could move until the shares are right, and what is
    added to the smaller share would in the end give it the whole area.
    """
    pure = np.pad(shares.max(axis=0) == 1, 1, mode="edge")
    return np.lib.stride_tricks.sliding_window_view(pure, (3, 3)).max(axis=(2, 3))


def _drawn(points: np.ndarray, layers: int) -> np.ndarray:
    """Share of each layer in cells of ``CORRECTION_POINTS`` squared: float32 ``[layers, h, w]``."""
    steps = range(CORRECTION_POINTS)
    drawn = []
    for k in range(layers):  # sums of slices: reducing along short axes is several times slower
        hits = (points == k).view(np.uint8)
        rows = sum(hits[step::CORRECTION_POINTS] for step in steps)
        drawn.append(sum(rows[:, step::CORRECTION_POINTS] for step in steps))
    return np.stack(drawn).astype(np.float32) / CORRECTION_POINTS**2


def _largest(shares: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Which layer is largest at each point: ``[layers, h, w]`` -> uint8 ``[h', w']``."""
    best = _spread(shares[:1], matrix)[0]
    layer = np.zeros(best.shape, np.uint8)
    for k in range(1, len(shares)):
        share = _spread(shares[k : k + 1], matrix)[0]
        np.copyto(layer, k, where=share > best)
        np.maximum(best, share, out=best)
    return layer


def _averaged(points: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Pixels of ``POINTS`` by ``POINTS`` points: uint8 ``[h, w]`` -> uint8 ``[h', w', 3 or 4]``.

    ``table`` holds the colour of each layer, uint8 ``[layers, 3]``, or with alpha ``[layers, 4]``.
    """
    starts = range(POINTS)
    parts = [points[y::POINTS, x::POINTS] for y in starts for x in starts]
    pixels = table[parts[0]]
    mixed = np.zeros(parts[0].shape, bool)
    for part in parts[1:]:
        mixed |= part != parts[0]
    colours = table[np.stack([part[mixed] for part in parts], axis=1)].astype(np.float32)
    if table.shape[1] == 4:  # noqa: PLR2004 - red, green, blue, alpha
        alpha = colours[..., 3:]
        total = np.maximum(alpha.sum(axis=1), 1)
        colour = (colours[..., :3] * alpha).sum(axis=1) / total
        mean = np.concatenate([colour, alpha.mean(axis=1)], axis=1)
    else:
        mean = colours.mean(axis=1)
    pixels[mixed] = np.rint(mean)
    return pixels


def _colour_table(palette: Sequence[str], *, transparent: bool) -> np.ndarray:
    """Colour of each layer: uint8 ``[layers, 3]``, or ``[layers, 4]`` where one is transparent."""
    colours = rgb(palette)
    if not transparent:
        return colours
    colours = np.concatenate([colours, colours[-1:]])
    alpha = np.full((len(colours), 1), 255, np.uint8)
    alpha[-1] = 0
    return np.concatenate([colours, alpha], axis=1)


def _spread(planes: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Interpolate along both sides: ``[n, h + 2 reach, w + 2 reach]`` -> ``[n, h', w']``.

    A kernel reaches few cells, so the matrix covers one tile and is applied tile by tile.
    """
    points, cells = matrix.shape
    tile = cells - 2 * REACH
    view = np.lib.stride_tricks.sliding_window_view
    columns = view(planes, cells, axis=1)[:, ::tile].swapaxes(2, 3)  # [n, tiles, cells, w]
    tall = (matrix @ columns).reshape(len(planes), -1, planes.shape[2])
    rows = view(tall, cells, axis=2)[:, :, ::tile].swapaxes(1, 2)  # [n, tiles, h', cells]
    wide = rows @ matrix.T
    return wide.swapaxes(1, 2).reshape(*tall.shape[:2], wide.shape[1] * points)


@lru_cache(maxsize=16)
def _matrix(kernel: str, tile: int, points: int) -> np.ndarray:
    """Weights of ``points`` evenly spaced points in each cell of a tile.

    Returns:
        float32 ``[tile * points, tile + 2 * REACH]``; rows sum to 1, those of the blur exactly.
    """
    at = (np.arange(tile * points) + 0.5) / points + REACH - 0.5
    distance = at[:, None] - np.arange(tile + 2 * REACH)
    if kernel == "lanczos":
        weights = np.sinc(distance) * np.sinc(distance / REACH)
    else:
        weights = np.exp(-np.square(distance / BLUR) / 2)
    weights[np.abs(distance) >= REACH] = 0
    weights /= weights.sum(axis=1, keepdims=True)
    if kernel == "gauss":
        weights = _in_steps(weights)
    weights = weights.astype(np.float32)
    weights.flags.writeable = False
    return weights


def _in_steps(weights: np.ndarray) -> np.ndarray:
    """Weights as multiples of 1 / ``STEPS``, the largest of each row making up for the others.

    Float ``[points, cells]``, both ways. Shares are multiples of 1/16 below 4, so that whatever is
    summed along both sides fits in the 24 bits of a float32.
    """
    steps = np.rint(weights * STEPS)
    steps[np.arange(len(steps)), weights.argmax(axis=1)] += STEPS - steps.sum(axis=1)
    return steps / STEPS
