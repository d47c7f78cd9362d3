"""The form of canvases: symmetry, frame, regions, gradients.

Each measure gives one number a canvas. Chance alone gives none of them its worst value, so they are
read next to those of real canvases and of random ones.
"""

from __future__ import annotations

import numpy as np

from composer.evaluation.distances import pair_distances

TOLERANCE = 0.3  # channels (0 to 1) of one cell that differ by more are not the same
ANGLES = 8  # directions that a gradient is looked for along
EVEN = 1e-3  # distance between features, four sides together, below which canvases count as even


def mirror_errors(pictures: np.ndarray) -> np.ndarray:
    """Share of cells unequal to their mirror image, about the best axis of each canvas.

    Args:
        pictures: float ``[n, height, width, channels]``, 0 to 1.

    Returns:
        float64 ``[n]`` in [0, 1], 0 for perfect symmetry. The axes are the upright and the level
        one through the middle and, where canvases are square, both diagonals.
    """
    images = [pictures[:, :, ::-1], pictures[:, ::-1]]
    if pictures.shape[1] == pictures.shape[2]:
        images += [pictures.swapaxes(1, 2), pictures[:, ::-1, ::-1].swapaxes(1, 2)]
    return np.min([_unequal(pictures, image) for image in images], axis=0)


def rotation_errors(pictures: np.ndarray) -> np.ndarray:
    """Share of cells unequal to their image after half a turn: float64 ``[n]`` in [0, 1].

    Takes what ``mirror_errors`` takes; what repeats after a quarter turn repeats after half a one.
    """
    return _unequal(pictures, pictures[:, ::-1, ::-1])


def frame_contrasts(features: np.ndarray) -> np.ndarray:
    """How far the tiles along each side are like each other and unlike the field within.

    Args:
        features: float ``[n, rows, columns, features]`` of tiles, 4 rows and columns or more.

    Returns:
        float64 ``[n]``, at most 1: ``1 - within / across``, where ``within`` is the mean distance
        of two tiles of one side (corners left out) and ``across`` that of a tile of a side and
        one of the field. About 0 without a frame; 1 for a frame of equal tiles, and where all
        tiles are equal.
    """
    features = features.astype(np.float64)  # equal tiles are to have next to no distance
    count, rows, columns = features.shape[:3]
    field = features[:, 1:-1, 1:-1].reshape(count, (rows - 2) * (columns - 2), -1)
    sides = (
        features[:, 0, 1:-1],
        features[:, -1, 1:-1],
        features[:, 1:-1, 0],
        features[:, 1:-1, -1],
    )
    within, across = np.zeros(count), np.zeros(count)
    for side in sides:
        pairs = side.shape[1] * (side.shape[1] - 1)
        within += [pair_distances(one, one).sum() / pairs for one in side]
        across += [pair_distances(a, b).mean() for a, b in zip(side, field, strict=True)]
    even = across < EVEN  # what is left is rounding
    return 1 - np.where(even, 0, within / np.maximum(across, EVEN))


def nearest_kinds(
    features: np.ndarray, known: np.ndarray, kinds: np.ndarray, neighbours: int = 5
) -> np.ndarray:
    """Tell the kind of tiles by a vote of the known tiles next to them (k nearest neighbours).

    Args:
        features: float ``[n, features]``.
        known: float ``[m, features]``.
        kinds: int ``[m]``, from 0.
        neighbours: that have a vote; at most m.

    Returns:
        int64 ``[n]``; the lower number where votes are equal.
    """
    nearest = np.argpartition(pair_distances(features, known), neighbours - 1, axis=1)
    votes = kinds[nearest[:, :neighbours], None] == np.arange(kinds.max() + 1)
    return votes.sum(axis=1).argmax(axis=1)


def region_purities(kinds: np.ndarray) -> np.ndarray:
    """Share of tiles side by side that are of one kind: int ``[n, rows, columns]`` -> ``[n]``."""
    beside = kinds[:, :, 1:] == kinds[:, :, :-1]
    below = kinds[:, 1:] == kinds[:, :-1]
    pairs = [same.reshape(len(kinds), -1) for same in (beside, below)]
    return np.concatenate(pairs, axis=1).mean(axis=1)


def gradient_strengths(density: np.ndarray) -> np.ndarray:
    """How steadily a canvas grows denser in one direction, the best of eight.

    Args:
        density: float ``[n, rows, columns]``, one number for each tile.

    Returns:
        float64 ``[n]`` in [0, 1]: the absolute rank correlation (Spearman, 1904) of density and
        place; 0 where the density is the same everywhere.
    """
    rows, columns = np.indices(density.shape[1:])
    turns = np.arange(ANGLES) * np.pi / ANGLES
    places = np.multiply.outer(np.cos(turns), columns) + np.multiply.outer(np.sin(turns), rows)
    return _correlations(density, places.round(6)).max(axis=1)


def centre_strengths(density: np.ndarray) -> np.ndarray:
    """How steadily a canvas grows denser, or less so, away from its centre: like a gradient."""
    rows, columns = np.indices(density.shape[1:])
    down, across = rows - (density.shape[1] - 1) / 2, columns - (density.shape[2] - 1) / 2
    return _correlations(density, np.hypot(down, across)[None].round(6))[:, 0]


def differing_share(first: np.ndarray, second: np.ndarray, least: float = 0.02) -> float:
    """Share of pairs of tiles that differ in more than ``least`` of their cells.

    Both uint8 ``[n, height, width, ...]``.
    """
    unequal = (first != second).reshape(*first.shape[:3], -1).any(axis=3)
    return float((unequal.mean(axis=(1, 2)) > least).mean())


def _unequal(pictures: np.ndarray, images: np.ndarray) -> np.ndarray:
    away = np.abs(pictures - images).max(axis=3)
    return (away > TOLERANCE).mean(axis=(1, 2))


def _correlations(density: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Absolute rank correlation of each canvas with each order of places: ``[n, orders]``."""
    values, orders = (_ranks(x.reshape(len(x), -1)) for x in (density, places))
    lengths = np.linalg.norm(values, axis=1)[:, None] * np.linalg.norm(orders, axis=1)
    return np.abs(values @ orders.T) / np.maximum(lengths, 1)


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks of each row with mean 0, equal values sharing theirs: float64 ``[n, values]``."""
    ordered = np.sort(values, axis=1)
    ranks = np.empty(values.shape)
    for row, (own, order) in enumerate(zip(values, ordered, strict=True)):
        ranks[row] = np.searchsorted(order, own, "left") + np.searchsorted(order, own, "right")
    return (ranks - values.shape[1]) / 2
