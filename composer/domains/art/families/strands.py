"""Truchet arcs and knots: a strand crosses each side whose two corners are in different states."""

from __future__ import annotations

import numpy as np

from composer.domains.art.families.draw import FINE, nest, plane
from composer.domains.art.families.tiles import Motif, cells, from_corners, tiled

# Variants: arcs round two corners, arcs round the other two; in knots also the two straight
# strands, the upright one on top or below.
_ARCS, _KNOTS = 2, 4


def _follow(corners: np.ndarray, variant: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far the nearest strand is, and what lies beside it.

    Args:
        corners: int ``[tiles, 4]``, 0 or 1.
        variant: int ``[tiles]``: odd or even says which corners arcs go round, where each differs
            from both its neighbours.

    Returns:
        float64 ``[tiles, FINE, FINE]``, infinite without a strand, and int: the state of the
        corner that the strands leave a sample together with.
    """
    across, down = plane()
    before, after = corners != np.roll(corners, 1, 1), corners != np.roll(corners, -1, 1)
    alone = before & after
    chosen = np.arange(4) % 2 == variant[:, None] % 2
    alone &= chosen | ~alone.all(1, keepdims=True)
    upright = after[:, 0] & after[:, 2] & ~after[:, 1]
    level = after[:, 1] & after[:, 3] & ~after[:, 0]
    distance = np.full((len(corners), FINE, FINE), np.inf)
    rest = corners[np.arange(len(corners)), alone.argmin(1)]
    region = np.broadcast_to(rest[:, None, None], distance.shape).copy()
    for straight, line, far in ((upright, across, 1), (level, down, 3)):
        distance[straight] = np.abs(line)
        sides = corners[straight][:, [0, far], None, None]
        region[straight] = np.where(line < 0, sides[:, 0], sides[:, 1])
    for place, radius in enumerate(from_corners()):
        round_it = alone[:, place]
        distance[round_it] = np.minimum(distance[round_it], np.abs(radius - 1))
        inner = np.where(radius < 1, corners[round_it, place, None, None], region[round_it])
        region[round_it] = inner
    return distance, region


def _filled(corners: np.ndarray, variant: np.ndarray) -> np.ndarray:
    distance, region = _follow(corners, variant)
    labels = nest((region * 3).astype(np.uint8), np.where(region, distance, np.inf), (0.36, 2))
    return nest(labels, np.where(region, np.inf, distance), (0.3, 1))


def _bands(corners: np.ndarray, variant: np.ndarray) -> np.ndarray:
    distance, _ = _follow(corners, variant)
    return nest(np.zeros(distance.shape, np.uint8), distance, (0.5, 1), (0.36, 3), (0.12, 2))


def _lines(corners: np.ndarray, variant: np.ndarray) -> np.ndarray:
    distance, _ = _follow(corners, variant)
    labels = np.zeros(distance.shape, np.uint8)
    return nest(labels, distance, (0.66, 3), (0.38, 0), (0.17, 2))


_CORD = ((0.5, 0), (0.38, 3), (0.16, 2))


def _plain_knots(corners: np.ndarray, variant: np.ndarray) -> np.ndarray:
    return _knots(corners, variant, 0)


def _filled_knots(corners: np.ndarray, variant: np.ndarray) -> np.ndarray:
    return _knots(corners, variant, 1)


def _knots(corners: np.ndarray, variant: np.ndarray, fill: int) -> np.ndarray:
    """``fill`` is the role of regions whose corners are in state 1."""
    distance, region = _follow(corners, variant)
    labels = nest((region * fill).astype(np.uint8), distance, *_CORD)
    across, down = plane()
    upright, level = np.broadcast_arrays(np.abs(across), np.abs(down))
    crossed = (corners != np.roll(corners, 1, 1)).all(1) & (variant >= _ARCS)
    for over, under, top in ((upright, level, _ARCS), (level, upright, _ARCS + 1)):
        tiles = np.flatnonzero(crossed & (variant == top))
        quarter = np.where((across < 0) == (down < 0), 0, 1)
        ground = (corners[tiles][:, quarter] * fill).astype(np.uint8)
        labels[tiles] = nest(nest(ground, under, *_CORD), over, *_CORD)
    return labels


def _by_turns(rng: np.random.Generator, density: np.ndarray) -> np.ndarray:
    """Corners in states 0 and 1 by turns; where density is lacking, some fall back to 0."""
    down, across = np.indices(density.shape)
    kept = rng.random(density.shape) < density
    return (down + across + rng.integers(2)) % 2 * kept


def _place_arcs(rng: np.random.Generator, density: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return _by_turns(rng, density), rng.integers(2, size=cells(density))


def _place_knots(rng: np.random.Generator, density: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """No strand leaves the canvas; along each strand, over and under alternate."""
    corners = _by_turns(rng, density)
    corners[[0, -1]] = 0
    corners[:, [0, -1]] = 0
    down, across = np.indices(cells(density))
    crossed = rng.random(down.shape) < rng.uniform(0.35, 0.85)
    arcs = rng.integers(2, size=down.shape)
    return corners, np.where(crossed, _ARCS + (down + across) % 2, arcs)


TRUCHET = (
    Motif((0.9, 1.0), _place_arcs, tiled(_filled, 2, _ARCS)),
    Motif((1.0, 1.0), _place_arcs, tiled(_bands, 2, _ARCS)),
    Motif((1.0, 1.0), _place_arcs, tiled(_lines, 2, _ARCS)),
)
KNOTS = (
    Motif((0.85, 1.0), _place_knots, tiled(_plain_knots, 2, _KNOTS)),
    Motif((0.85, 1.0), _place_knots, tiled(_filled_knots, 2, _KNOTS)),
)
