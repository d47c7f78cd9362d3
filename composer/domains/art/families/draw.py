"""Drawing with antialiased edges: roles on a fine grid of samples, counted for each pixel."""

from __future__ import annotations

import numpy as np

CELL = 32  # pixels in a tile's side
SLOTS = 4
SAMPLES = 4  # of a pixel, along each axis
FINE = CELL * SAMPLES
_PACKED = np.array([1 << 8 * role for role in range(SLOTS)], "<u4")


def plane(columns: int = 1, rows: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates of the samples of so many tiles: zero in the middle, a tile's side is 2 long.

    Returns:
        float64 ``[1, columns * FINE]``, rightwards, and ``[rows * FINE, 1]``, downwards. They are
        exact binary fractions, so what is drawn symmetrically is symmetric to the last bit.
    """
    across = (np.arange(columns * FINE) * 2 + 1 - columns * FINE) / FINE
    down = (np.arange(rows * FINE) * 2 + 1 - rows * FINE) / FINE
    return across[None, :], down[:, None]


def nest(labels: np.ndarray, distance: np.ndarray, *layers: tuple[float, int]) -> np.ndarray:
    """Paint nested layers into labels, the largest first: how far each reaches, and its role.

    Args:
        labels: uint8, any shape; changed in place and returned.
        distance: float of the same shape, or one that fills it.
        layers: as said.
    """
    for reach, role in layers:
        np.copyto(labels, np.uint8(role), where=distance < reach)
    return labels


def cover(labels: np.ndarray) -> np.ndarray:
    """How far each role covers each pixel.

    Args:
        labels: uint8 ``[*shape, height * SAMPLES, width * SAMPLES]``, roles 0 to 3.

    Returns:
        uint8 ``[*shape, height, width, SLOTS]``: how many of the pixel's 16 samples.
    """
    packed = _PACKED[labels]
    rows = sum(packed[..., first::SAMPLES, :] for first in range(SAMPLES))
    counts = sum(rows[..., first::SAMPLES] for first in range(SAMPLES))
    return np.ascontiguousarray(counts, "<u4")[..., None].view(np.uint8)


def assemble(tiles: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Tiles side by side.

    Args:
        tiles: uint8 ``[tiles, CELL, CELL, SLOTS]``.
        places: int ``[rows, columns]``, the tile at each place.

    Returns:
        uint8 ``[rows * CELL, columns * CELL, SLOTS]``.
    """
    rows, columns = places.shape
    return tiles[places].swapaxes(1, 2).reshape(rows * CELL, columns * CELL, SLOTS)


def by_pixel(cells: np.ndarray) -> np.ndarray:
    """A value for each tile ``[rows, columns]`` as one for each pixel."""
    return cells.repeat(CELL, 0).repeat(CELL, 1)


def colour(coverage: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """Mix colours as they cover the pixels.

    Args:
        coverage: uint8 ``[height, width, SLOTS]`` as from ``cover``.
        palette: uint8 ``[SLOTS, 3]``.

    Returns:
        uint8 ``[height, width, 3]``.
    """
    mixed = np.full((*coverage.shape[:2], 3), SAMPLES**2 // 2, np.uint16)  # rounds to nearest
    for slot, levels in enumerate(palette.astype(np.uint16)):
        mixed += coverage[..., slot, None] * levels
    return (mixed // SAMPLES**2).astype(np.uint8)
