"""Carpets: a border of tiles with corners round a field whose motif repeats."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from composer.domains.art.families.draw import CELL, cover, nest, plane
from composer.domains.art.families.motifs import pick

if TYPE_CHECKING:
    from collections.abc import Callable


def draw_carpet(rows: int, columns: int, rng: np.random.Generator) -> np.ndarray:
    """A border one tile wide round a field that repeats after two tiles, down and across.

    Returns:
        Coverage of the four roles: uint8 ``[rows * CELL, columns * CELL, SLOTS]``.
    """
    motif = pick(rng, "truchet", "discs", "bauhaus", "girih")
    corners, variants = motif.place(rng, np.full((3, 3), rng.uniform(*motif.density)))
    repeated = np.ix_(np.arange(rows + 1) % 2, np.arange(columns + 1) % 2)
    cells = np.ix_(np.arange(rows) % 2, np.arange(columns) % 2)
    canvas = motif.canvas(corners[repeated], variants[cells])
    border, corner = _border(_PROFILES[rng.integers(len(_PROFILES))])
    for turn in range(4):
        side = np.rot90(canvas, turn)
        side[:CELL] = np.tile(border, (1, side.shape[1] // CELL, 1))
    for turn in range(4):
        np.rot90(canvas, turn)[:CELL, :CELL] = corner
    return canvas


def _border(
    profile: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    """Coverage of the tile of the upper border, and of the one in the upper left corner.

    ``profile`` gives roles for the depth from the canvas's edge (0 to 2) and the distance along it
    from the middle of the tile (0 to 1). In the corner both sides meet on the diagonal.
    """
    across, down = np.broadcast_arrays(*plane())
    border = profile(down + 1, np.abs(across))
    corner = profile(np.minimum(across, down) + 1, np.abs(np.maximum(across, down)))
    return cover(border), cover(corner)


def _roles(depth: np.ndarray, *bands: tuple[float, int]) -> np.ndarray:
    """Bands along the edge: each begins at a depth and has a role."""
    starts, roles = zip(*bands, strict=True)
    return np.array(roles, np.uint8)[np.searchsorted(starts, depth, "right") - 1]


def _teeth(depth: np.ndarray, along: np.ndarray) -> np.ndarray:
    labels = _roles(depth, (0, 3), (0.3, 1), (1.5, 2), (1.62, 0), (1.8, 3))
    return nest(labels, depth - 1.1 * (1 - along), (0.3, 3))


def _beads(depth: np.ndarray, along: np.ndarray) -> np.ndarray:
    labels = _roles(depth, (0, 3), (0.2, 1), (1.8, 3))
    return nest(labels, np.hypot(depth - 1, along), (0.62, 3), (0.34, 0))


def _diamonds(depth: np.ndarray, along: np.ndarray) -> np.ndarray:
    labels = _roles(depth, (0, 2), (0.24, 0), (1.76, 2))
    return nest(labels, np.abs(depth - 1) / 0.76 + along, (1, 3), (0.55, 1))


def _zigzag(depth: np.ndarray, along: np.ndarray) -> np.ndarray:
    labels = _roles(depth, (0, 3), (0.16, 0), (1.7, 1), (1.86, 3))
    return nest(labels, np.abs(depth - 0.5 - 0.9 * along), (0.34, 2), (0.17, 3))


_PROFILES = (_teeth, _beads, _diamonds, _zigzag)
