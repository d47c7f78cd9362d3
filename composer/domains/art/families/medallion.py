"""Medallions: a large figure in the middle of a quiet field."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from composer.domains.art.families.draw import cover, plane

# Roles of a figure's layers from the outside in that go well together.
_ROLES = ((3, 0, 1, 3, 2, 0), (1, 0, 3, 2, 0, 3), (3, 2, 0, 3, 1, 0), (2, 0, 3, 1, 3, 2))
_CIRCLE, _PETALS, _STAR = range(3)
_POINTS = (8, 12, 16)  # multiples of four, for the symmetry of the square
_DOT, _CLEAR = 0.2, 0.5


@dataclass(frozen=True)
class _Layer:
    """A disc, flower or star: its size (of the figure's), role, outline, half a turn or none."""

    size: float
    role: int
    outline: int
    turn: int


def draw_medallion(rows: int, columns: int, rng: np.random.Generator) -> np.ndarray:
    """A round figure over several tiles on a dotted or plain field, sometimes with corner pieces.

    Symmetric about both axes, and about the diagonals where the canvas is square.

    Returns:
        Coverage of the four roles: uint8 ``[rows * CELL, columns * CELL, SLOTS]``.
    """
    reach = max(1, 0.75 * min(rows, columns))
    centres = [(0, 0, reach)]
    if rng.integers(2):
        centres.append((columns, rows, 0.55 * reach))
    dotted = rng.integers(4) > 0
    points = _POINTS[rng.integers(len(_POINTS))]
    layers = _layers(rng)

    across, down = plane(columns, rows)
    strips = []
    for strip in np.split(down[down.size // 2 :], rows):  # the lower right quarter, bit by bit
        x, y = np.broadcast_arrays(across[:, across.size // 2 :], strip)
        labels = np.zeros(x.shape, np.uint8)
        if dotted:
            labels[_dots(x, y, (columns, rows), centres)] = 1
        for left, top, size in centres:
            _paint(labels, np.abs(x - left) / size, np.abs(y - top) / size, layers, points)
        strips.append(cover(labels))
    quarter = np.concatenate(strips)
    half = np.concatenate([quarter[:, ::-1], quarter], 1)
    return np.concatenate([half[::-1], half])


def _layers(rng: np.random.Generator) -> list[_Layer]:
    roles = _ROLES[rng.integers(len(_ROLES))]
    sizes = np.cumprod([1, *rng.uniform(0.7, 0.88, len(roles) - 1)]).tolist()
    outlines = [*rng.integers(3, size=len(roles) - 1).tolist(), _CIRCLE]
    turns = rng.integers(2, size=len(roles)).tolist()
    return [_Layer(*parts) for parts in zip(sizes, roles, outlines, turns, strict=True)]


def _dots(
    across: np.ndarray,
    down: np.ndarray,
    canvas: tuple[int, int],
    centres: list[tuple[int, int, float]],
) -> np.ndarray:
    """Where there are dots: wherever tiles meet, but not on the figures or close to them."""
    x, y = (
        2 * np.rint((axis - tiles % 2) / 2) + tiles % 2
        for axis, tiles in zip((across, down), canvas, strict=True)
    )
    dots = np.hypot(across - x, down - y) < _DOT
    for left, top, size in centres:
        dots &= np.hypot(x - left, y - top) > size + _CLEAR
    return dots


def _paint(
    labels: np.ndarray, x: np.ndarray, y: np.ndarray, layers: list[_Layer], points: int
) -> None:
    """A figure round the origin, 1 large; ``x`` and ``y`` are not negative.

    The angle is folded into an eighth of the circle, so that all eight parts agree to the bit.
    """
    radius = np.hypot(x, y)
    angle = np.arctan2(np.minimum(x, y), np.maximum(x, y))
    step = 2 * np.pi / points
    for layer in layers:
        folded = np.abs((angle + (layer.turn + 1) * step / 2) % step - step / 2)
        labels[radius * _stretch(layer.outline, folded, step / 2) < layer.size] = layer.role


def _stretch(outline: int, angle: np.ndarray, half: float) -> np.ndarray:
    """How much nearer an outline is than a circle, ``angle`` (up to ``half``) off a point of it."""
    if outline == _CIRCLE:
        return np.ones_like(angle)
    if outline == _PETALS:
        return 1 / (0.9 + 0.1 * np.cos(np.pi * angle / half))
    inner = 0.78
    slope = (1 - inner * np.cos(half)) / (inner * np.sin(half))
    return np.cos(angle) + slope * np.sin(angle)
