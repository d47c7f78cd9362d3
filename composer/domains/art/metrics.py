"""Distances between two sets of tiles, and statistics of whole canvases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from composer.domains.art.canvas import (
    centre_strengths,
    frame_contrasts,
    gradient_strengths,
    mirror_errors,
    rotation_errors,
)
from composer.domains.art.codes import cover
from composer.domains.art.settings import RGB_LEVELS
from composer.evaluation.distances import energy_distance, jensen_shannon, sliced_wasserstein

if TYPE_CHECKING:
    from collections.abc import Mapping

    from composer.domain import Layout
    from composer.domains.art.settings import ArtSettings

COARSE = 4  # areas in a tile's side that the form of canvases is seen by
LAGS = (1, 2, 3)  # how far apart tiles of a row or column are compared
ALIKE = 0.05  # tiles whose channels differ by less on average are the same
PATCH = 4  # cells in a patch's side
PATCHES = 16  # patches drawn from each tile
GRID = 8  # areas in a tile's side that whole tiles are compared by
SHADES = 5  # levels of each channel in the histogram of colours
SEED = 0  # of where patches lie: the same in both sets

# About what one half of the own families measures against the other half, 2,000 tiles each: the
# distances differ in size by nature, so the total counts each in units of its own floor.
FLOORS: Mapping[str, float] = {"colours": 0.035, "patches": 0.05, "sides": 0.075, "tiles": 0.05}


def compare_tiles(made: np.ndarray, real: np.ndarray, settings: ArtSettings) -> dict[str, float]:
    """Measure how far one set of tiles lies from another, at four scales.

    Args:
        made: uint8 ``[n, tile, tile]`` tokens, or ``[n, tile, tile, 3]`` in RGB mode; n from 2.
        real: uint8 of the same form, ``[m, ...]``; m from 2.
        settings: the settings that both were made with.

    Returns:
        Four distances, 0 for equal distributions: ``colours``, the root of the Jensen-Shannon
        divergence of slots (in RGB mode of colours), 0 to 1; ``patches``, the sliced Wasserstein
        distance of 4x4 cells (sees noise and blur); ``sides``, the same of the four sides of tiles
        (what meets across a seam); ``tiles``, the energy distance of whole tiles, each reduced to
        8x8 areas (sees what lies where, and what is missing), 0 to 1. And ``total``: their mean,
        each in units of its floor in ``FLOORS``, so that 1 is about as near as pictures are to
        other pictures.
    """
    ours, theirs = levels_of(made, settings), levels_of(real, settings)
    count = _count_colours if settings.rgb else _count_slots
    distances = {
        "colours": float(np.sqrt(jensen_shannon(count(ours), count(theirs)))),
        "patches": sliced_wasserstein(_patches(ours), _patches(theirs)),
        "sides": sliced_wasserstein(_sides(ours), _sides(theirs)),
        "tiles": energy_distance(
            *(_areas(levels, GRID).reshape(len(levels), -1) for levels in (ours, theirs))
        ),
    }
    relative = [distances[name] / floor for name, floor in FLOORS.items()]
    return {**distances, "total": float(np.mean(relative))}


def count_tiles(tiles: np.ndarray, settings: ArtSettings) -> np.ndarray:
    """What is in each tile, for moments.

    Args:
        tiles: uint8 ``[n, tile, tile]`` tokens, or ``[n, tile, tile, 3]`` in RGB mode.
        settings: the settings that they were made with.

    Returns:
        float32 ``[n, 16 * channels + 3]``, 0 to about 1: mean of each channel in 4x4 areas; how
        much neighbouring cells differ, rightwards and downwards; 1 where the whole tile is even.
    """
    levels = levels_of(tiles, settings)
    across, down = (np.abs(np.diff(levels, axis=axis)).mean((1, 2, 3)) for axis in (2, 1))
    columns = [
        _areas(levels, COARSE).reshape(len(levels), -1),
        np.stack((across, down, across + down == 0), axis=1),
    ]
    return np.concatenate(columns, axis=1).astype(np.float32)


def assemble(canvases: np.ndarray, layout: Layout) -> np.ndarray:
    """Set tiles side by side.

    Args:
        canvases: ``[n, rows * columns, tile, tile, ...]``.
        layout: ``(rows, columns)``.

    Returns:
        ``[n, rows * tile, columns * tile, ...]``.
    """
    (rows, columns), (count, _, tile, _, *channels) = layout, canvases.shape
    grid = canvases.reshape(count, rows, columns, tile, tile, *channels).swapaxes(2, 3)
    return grid.reshape(count, rows * tile, columns * tile, *channels)


def canvas_statistics(canvases: np.ndarray, layout: Layout, settings: ArtSettings) -> np.ndarray:
    """Describe whole canvases by what only a whole one shows, for a judge of form.

    Tiles are seen as 4x4 areas only: a judge that sees faults within them, or at their seams,
    tells canvases by these alone, and has nothing to say about the rest.

    Args:
        canvases: uint8 ``[n, rows * columns, *tile]``.
        layout: ``(rows, columns)``, 4 or more each.
        settings: the settings that they were made with.

    Returns:
        float32 ``[n, statistics]``: mean and spread over tiles of each channel; for 1 to 3 tiles
        rightwards and downwards how far tiles differ and how many are the same; how far the canvas
        differs from its mirror images and from itself turned, by half a turn; its errors of mirror
        and rotation; strength of a gradient, of a centre, of a frame.
    """
    areas = np.stack([_areas(levels_of(canvas, settings), COARSE) for canvas in canvases])
    means = areas.mean(axis=(2, 3))
    pictures, grid = assemble(areas, layout), means.reshape(len(canvases), *layout, -1)
    density = lightness(grid, settings)
    images = (pictures[:, :, ::-1], pictures[:, ::-1], pictures[:, ::-1, ::-1])
    columns = [
        means.mean(axis=1),
        means.std(axis=1),
        _returns(areas.reshape(len(canvases), *layout, -1)),
        np.stack([np.abs(pictures - image).mean(axis=(1, 2, 3)) for image in images], axis=1),
        np.stack((mirror_errors(pictures), rotation_errors(pictures)), axis=1),
        np.stack((gradient_strengths(density), centre_strengths(density)), axis=1),
        frame_contrasts(grid)[:, None],
    ]
    return np.concatenate(columns, axis=1).astype(np.float32)


def lightness(levels: np.ndarray, settings: ArtSettings) -> np.ndarray:
    """How light levels are: the mean slot, or the mean of red, green and blue, 0 to 1.

    float32 ``[..., channels]`` -> ``[...]``; what is transparent counts as lightest.
    """
    if settings.rgb:
        return levels.mean(axis=-1)
    return levels @ np.linspace(0, 1, levels.shape[-1], dtype=np.float32)


def _returns(grid: np.ndarray) -> np.ndarray:
    """How far tiles differ from those some places away, and how many are the same.

    ``[n, rows, columns, features]`` -> ``[n, 4 * lags]``.
    """
    found = []
    for lag in LAGS:
        for tiles in (grid, grid.swapaxes(1, 2)):
            away = np.abs(tiles[:, lag:] - tiles[:, :-lag]).mean(axis=3).reshape(len(grid), -1)
            found += [away.mean(axis=1), (away < ALIKE).mean(axis=1)]
    return np.stack(found, axis=1)


def levels_of(tiles: np.ndarray, settings: ArtSettings) -> np.ndarray:
    """What each cell holds, 0 to 1: coverage of the slots, or red, green and blue.

    uint8 ``[n, *tile]`` -> float32 ``[n, tile, tile, channels]``.
    """
    if settings.rgb:
        return tiles.astype(np.float32) / (RGB_LEVELS - 1)
    return cover(tiles, settings.layers)


def _count_slots(levels: np.ndarray) -> np.ndarray:
    """Share of each slot: ``[layers]``."""
    return levels.mean(axis=(0, 1, 2), dtype=np.float64)


def _count_colours(levels: np.ndarray) -> np.ndarray:
    """Soft histogram of colours, each shared among the eight bins around it: ``[125]``."""
    shades = np.arange(SHADES, dtype=np.float32)
    distance = np.abs(levels.reshape(-1, 3, 1) * (SHADES - 1) - shades)
    red, green, blue = (1 - distance).clip(min=0).swapaxes(0, 1)
    pairs = (green[:, :, None] * blue[:, None, :]).reshape(len(green), -1)
    return (red.T @ pairs).ravel()


def _patches(levels: np.ndarray) -> np.ndarray:
    """Patches at random places, the same in every set of this size: ``[n * 16, features]``."""
    count, size = levels.shape[:2]
    width = min(PATCH, size)
    corners = np.random.default_rng(SEED).integers(size - width + 1, size=(2, count, PATCHES, 1, 1))
    rows, columns = corners[0] + np.arange(width)[:, None], corners[1] + np.arange(width)
    owners = np.arange(count)[:, None, None, None]
    return levels[owners, rows, columns].reshape(count * PATCHES, -1)


def _sides(levels: np.ndarray) -> np.ndarray:
    """The cells along each side, clockwise: ``[n * 4, tile * channels]``."""
    turned = [np.rot90(levels, turns, axes=(1, 2))[:, 0] for turns in range(4)]
    return np.concatenate(turned).reshape(4 * len(levels), -1)


def _areas(levels: np.ndarray, grid: int) -> np.ndarray:
    """Mean of each area of a tile: ``[n, grid, grid, channels]``, less where tiles are smaller."""
    size = levels.shape[1]
    starts = np.unique(np.arange(grid) * size // grid)
    summed = np.add.reduceat(np.add.reduceat(levels, starts, axis=1), starts, axis=2)
    lengths = np.diff(starts, append=size).astype(np.float32)
    return summed / np.multiply.outer(lengths, lengths)[..., None]
