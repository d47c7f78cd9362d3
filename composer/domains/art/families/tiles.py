"""Tiles that their four corners decide, so that neighbours always continue each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from composer.domains.art.families.draw import assemble, cover, plane

if TYPE_CHECKING:
    from collections.abc import Callable

CORNERS = ((-1, -1), (1, -1), (1, 1), (-1, 1))  # top left, then clockwise


@dataclass(frozen=True)
class Motif:
    """One way to draw a base family. A corner is shared by the four tiles that meet in it.

    Attributes:
        density: range from which a picture's density is drawn.
        place: corner states ``[rows + 1, columns + 1]`` and variants int ``[rows, columns]``, at
            random, for densities ``[rows + 1, columns + 1]`` from 0 (quiet) to 1.
        canvas: coverage uint8 ``[rows * CELL, columns * CELL, SLOTS]`` of corner states and
            variants. Along a side it depends on the corners alone, not on variants; and tiles
            between corners that a reflection or rotation leaves as they are, are so themselves.
    """

    density: tuple[float, float]
    place: Callable[[np.random.Generator, np.ndarray], tuple[np.ndarray, np.ndarray]]
    canvas: Callable[[np.ndarray, np.ndarray], np.ndarray]


def tiled(
    draw: Callable[[np.ndarray, np.ndarray], np.ndarray], states: int, variants: int
) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """A motif's ``canvas`` where a tile is decided by its four corners' states and its variant.

    Args:
        draw: roles of samples, uint8 ``[tiles, FINE, FINE]``, of corner states int ``[tiles, 4]``
            (top left, then clockwise) and variants int ``[tiles]``.
        states: of a corner.
        variants: tiles for the same corners.
    """
    shape = (states, states, states, states, variants)

    def canvas(corners: np.ndarray, variant: np.ndarray) -> np.ndarray:
        around = (corners[:-1, :-1], corners[:-1, 1:], corners[1:, 1:], corners[1:, :-1])
        numbers = np.ravel_multi_index((*around, variant), shape)
        used, places = np.unique(numbers, return_inverse=True)
        *of_corners, of_tile = np.unravel_index(used, shape)
        tiles = cover(draw(np.stack(of_corners, -1), of_tile))
        return assemble(tiles, places.reshape(numbers.shape))

    return canvas


def cells(density: np.ndarray) -> tuple[int, int]:
    """Rows and columns of tiles between the corners of ``density``."""
    return density.shape[0] - 1, density.shape[1] - 1


def from_corners() -> list[np.ndarray]:
    """Distance of each sample of a tile from each corner: four float64 ``[FINE, FINE]``."""
    across, down = plane()
    return [np.hypot(across - x, down - y) for x, y in CORNERS]


def smooth(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """A smooth random field, mostly from -1 to 1: a sum of five plane waves, ``shape`` of two."""
    down, across = np.indices(shape)
    angle, phase = rng.uniform(0, 2 * np.pi, (2, 5, 1, 1))
    turn = 2 * np.pi / rng.uniform(3.5, 7, (5, 1, 1))
    waves = np.sin(turn * (across * np.cos(angle) + down * np.sin(angle)) + phase)
    return waves.sum(0) * 0.5
