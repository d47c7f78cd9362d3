"""Every measure of a single canvas, by name: what a report averages, bootstraps and compares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from composer.domains.art import canvas
from composer.domains.art.metrics import assemble, levels_of, lightness
from composer.domains.art.seams import seam_energies

if TYPE_CHECKING:
    from composer.domain import Layout
    from composer.domains.art.settings import ArtSettings

FRAMED = 4  # rows and columns of tiles from which a canvas can have a frame


@dataclass(frozen=True)
class View:
    """Canvases as the measures see them.

    Attributes:
        pictures: float32 ``[n, height, width, channels]``, 0 to 1.
        tiles: float32 ``[n, rows, columns, channels]``, mean of each tile.
        density: float32 ``[n, rows, columns]``, how light each tile is.
        tile: cells in a tile's side.
    """

    pictures: np.ndarray
    tiles: np.ndarray
    density: np.ndarray
    tile: int


Measure = Callable[[View], np.ndarray]


def view(canvases: np.ndarray, layout: Layout, settings: ArtSettings) -> View:
    """See canvases, uint8 ``[n, rows * columns, *tile]``, as pictures, tiles and densities."""
    pictures = levels_of(assemble(canvases, layout), settings)
    count, rows, columns = len(canvases), *layout
    cells = pictures.reshape(count, rows, settings.tile, columns, settings.tile, -1)
    tiles = cells.mean(axis=(2, 4))
    return View(pictures, tiles, lightness(tiles, settings), settings.tile)


def _seam_ratios(seen: View) -> np.ndarray:
    """The seam energy ratio; NaN where nothing changes within the tiles."""
    across, inside = seam_energies(seen.pictures, seen.tile)
    return np.where(inside > 0, across / np.where(inside > 0, inside, 1), np.nan)


def _frame_contrasts(seen: View) -> np.ndarray:
    """NaN where canvases are too small for a frame."""
    if min(seen.tiles.shape[1:3]) < FRAMED:
        return np.full(len(seen.tiles), np.nan)
    return canvas.frame_contrasts(seen.tiles)


DESCRIPTORS: Mapping[str, Measure] = MappingProxyType(
    {
        "seam energy ratio": _seam_ratios,
        "mirror error": lambda seen: canvas.mirror_errors(seen.pictures),
        "rotation error": lambda seen: canvas.rotation_errors(seen.pictures),
        "contrast of the frame": _frame_contrasts,
        "strength of the gradient": lambda seen: canvas.gradient_strengths(seen.density),
        "strength of the centre": lambda seen: canvas.centre_strengths(seen.density),
    }
)


def describe(canvases: np.ndarray, layout: Layout, settings: ArtSettings) -> dict[str, np.ndarray]:
    """All measures of ``DESCRIPTORS``, in its order.

    The mean of the seam energy ratios is not that of the set (``seam_ratio``), in which canvases
    count as much as they change.

    Args:
        canvases: uint8 ``[n, rows * columns, *tile]``.
        layout: ``(rows, columns)``.
        settings: the settings that they were made with.

    Returns:
        Name -> float64 ``[n]``; NaN where a canvas has no such value.
    """
    seen = view(canvases, layout, settings)
    return {name: measure(seen) for name, measure in DESCRIPTORS.items()}
