"""Corner discs, Bauhaus shapes and girih stars."""

from __future__ import annotations

import numpy as np

from composer.domains.art.families.draw import FINE, nest, plane
from composer.domains.art.families.tiles import Motif, cells, from_corners, smooth, tiled

# Discs round the corners: for each state the radius and role of each, the largest first.
_Looks = tuple[tuple[tuple[float, int], ...], ...]
_SIZES: _Looks = (
    ((0.2, 1),),
    ((0.48, 1),),
    ((0.76, 2), (0.34, 0)),
    ((0.97, 3), (0.62, 0), (0.36, 2)),
)
_RINGS: _Looks = (
    (),
    ((0.97, 1), (0.66, 3), (0.32, 0)),
    ((0.97, 3), (0.66, 2), (0.32, 1)),
    ((0.97, 2), (0.66, 0), (0.32, 3)),
)


def _discs(corners: np.ndarray, looks: _Looks) -> np.ndarray:
    labels = np.zeros((len(corners), FINE, FINE), np.uint8)
    for place, radius in enumerate(from_corners()):
        for state, discs in enumerate(looks):
            tiles = corners[:, place] == state
            labels[tiles] = nest(labels[tiles], radius, *discs)
    return labels


def _sized_discs(corners: np.ndarray, _variant: np.ndarray) -> np.ndarray:
    return _discs(corners, _SIZES)


def _ringed_discs(corners: np.ndarray, _variant: np.ndarray) -> np.ndarray:
    return _discs(corners, _RINGS)


def _place_discs(rng: np.random.Generator, density: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    spread = rng.uniform(-1, 1, density.shape) + rng.uniform(0, 1) * smooth(rng, density.shape)
    states = np.floor(density * 4 + spread).clip(0, 3)
    return states.astype(int), np.zeros(cells(density), int)


# Bauhaus: a side is filled where its corners differ, in a role that the two decide.
_FILL = np.array([[0, 3, 2], [3, 0, 1], [2, 1, 0]])
_ROUND, _ANGULAR, _HOLLOW = range(3)
_SIDE = 2.0  # of a tile
_GROUND = -1  # paints role 0, which by itself paints nothing
_DISC, _DIAMOND = 0.62, 0.8


def _bauhaus(corners: np.ndarray, variant: np.ndarray) -> np.ndarray:
    """Half discs or triangles on the filled sides; two alike side by side become one shape."""
    across, down = plane()
    sides = _FILL[corners, np.roll(corners, -1, 1)]  # top, right, bottom, left
    labels = np.zeros((len(corners), FINE, FINE), np.uint8)
    away = np.broadcast_arrays(down + 1, 1 - across, 1 - down, across + 1)
    nearest = np.min(away, axis=0)
    angular = variant == _ANGULAR
    for side, distance in enumerate(away):
        along = across if side % 2 == 0 else down
        _fill(labels, np.hypot(along, distance) < 1, sides[:, side] * ~angular)
        _fill(labels, distance <= nearest, sides[:, side] * angular)
    radii = from_corners()
    for place in range(4):
        between, others = sides[:, [place, place - 1]], sides[:, [place - 2, place - 3]]
        alike = (between[:, 0] == between[:, 1]) & ~others.any(1)
        role = between[:, 0] * alike
        _fill(labels, radii[place] < _SIDE, role * (variant == _ROUND))
        hollow = role * (variant == _HOLLOW)
        _fill(labels, np.ones_like(nearest, bool), hollow)
        _fill(labels, radii[place - 2] < _SIDE, np.where(hollow, _GROUND, 0))
    _fill_squares(labels, sides, variant)
    return labels


def _fill(labels: np.ndarray, shape: np.ndarray, roles: np.ndarray) -> None:
    """Paint a shape ``[FINE, FINE]`` into each tile in its role, where that is not 0."""
    painted = np.flatnonzero(roles)
    labels[painted] = np.where(shape, roles[painted, None, None].clip(0), labels[painted])


def _fill_squares(labels: np.ndarray, sides: np.ndarray, variant: np.ndarray) -> None:
    """Tiles filled on all sides in one role, or on none: with a disc or a diamond inside."""
    across, down = plane()
    disc = np.hypot(across, down) < _DISC
    diamond = np.abs(across) + np.abs(down) < _DIAMOND
    alike = sides.min(1) * (sides.min(1) == sides.max(1))
    _fill(labels, np.ones_like(disc), alike)
    for shape, where in ((disc, variant == _ROUND), (diamond, variant == _ANGULAR)):
        _fill(labels, shape, np.where(where & (alike > 0), _GROUND, 0))
    _fill(labels, disc, np.where((variant == _HOLLOW) & ~sides.any(1), 1, 0))


def _place_bauhaus(rng: np.random.Generator, density: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    first = rng.uniform(0.3, 0.9)
    raised = rng.random(density.shape) < density
    corners = raised * np.where(rng.random(density.shape) < first, 1, 2)
    shares = rng.dirichlet([2, 1, 1])
    return corners, rng.choice(3, size=cells(density), p=shares)


# Girih: two straps leave the middle of each side, 22.5 degrees off the upright on it
# (polygons in contact: E. H. Hankin, The Drawing of Geometric Patterns in Saracenic Art, 1925).
_SLOPE = np.tan(np.pi / 8)


def _girih(corners: np.ndarray, variant: np.ndarray) -> np.ndarray:
    """Stars with four points, plain (variant 0) or with the straps drawn on (1)."""
    across, down = plane()
    long = np.maximum(np.abs(across), np.abs(down))
    short = np.minimum(np.abs(across), np.abs(down))
    strap = (short - (1 - long) * _SLOPE) / np.hypot(1, _SLOPE)
    beyond = (long - (1 - short) * _SLOPE) / np.hypot(1, _SLOPE)
    quarter = np.where(down < 0, np.where(across < 0, 0, 1), np.where(across < 0, 3, 2))
    labels = corners[:, quarter].astype(np.uint8)
    crossed = (variant == 1)[:, None, None]
    labels[:, strap < 0] = np.where(crossed[:, :, 0], 3, 2)
    labels[crossed & (strap < 0) & (beyond < 0)] = 2
    line = np.where(crossed & (strap < 0), np.minimum(-strap, np.abs(beyond)), np.abs(strap))
    return nest(labels, line, (0.14, 0), (0.075, 3))


def _place_girih(rng: np.random.Generator, density: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    raised = rng.random(density.shape) < density
    corners = raised * rng.integers(1, 3, density.shape)
    crossed = rng.random(cells(density)) < rng.uniform(0.2, 0.8)
    return corners, crossed.astype(int)


DISCS = (
    Motif((0.45, 0.75), _place_discs, tiled(_sized_discs, 4, 1)),
    Motif((0.4, 0.8), _place_discs, tiled(_ringed_discs, 4, 1)),
)
BAUHAUS = (Motif((0.4, 0.6), _place_bauhaus, tiled(_bauhaus, 3, 3)),)
GIRIH = (Motif((0.3, 0.8), _place_girih, tiled(_girih, 3, 2)),)
