"""Whole pictures: the base families, and families with a form that spans the canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from composer.domains.art.families.carpet import draw_carpet
from composer.domains.art.families.draw import by_pixel
from composer.domains.art.families.medallion import draw_medallion
from composer.domains.art.families.motifs import FAMILIES, pick

if TYPE_CHECKING:
    from collections.abc import Callable

    from composer.domains.art.families.tiles import Motif

    _Move = Callable[[np.ndarray], np.ndarray]


def draw(kind: str, rows: int, columns: int, rng: np.random.Generator) -> np.ndarray:
    """One picture of a kind of ``KINDS``.

    Returns:
        Coverage of a palette's slots, the darkest first, as from ``draw.cover``: uint8
        ``[rows * CELL, columns * CELL, SLOTS]``. The ground is the darkest slot or the lightest,
        at random.
    """
    if kind in FAMILIES:
        coverage = _texture(pick(rng, kind), rows, columns, rng)
    else:
        coverage = _FORMS[kind](rows, columns, rng)
    return coverage[..., ::-1] if rng.integers(2) else coverage


def _texture(motif: Motif, rows: int, columns: int, rng: np.random.Generator) -> np.ndarray:
    return motif.canvas(*motif.place(rng, _even(motif, rows, columns, rng)))


def _even(motif: Motif, rows: int, columns: int, rng: np.random.Generator) -> np.ndarray:
    return np.full((rows + 1, columns + 1), rng.uniform(*motif.density))


def _mirror(rows: int, columns: int, rng: np.random.Generator) -> np.ndarray:
    """Left and right, and in half of the pictures also top and bottom, are mirror images."""
    moves: list[_Move] = [np.fliplr]
    if rng.integers(2):
        moves += [np.flipud, _half_turn]
    return _symmetric(moves, rows, columns, rng)


def _rotation(rows: int, columns: int, rng: np.random.Generator) -> np.ndarray:
    """The same after half a turn or, on most square canvases, a quarter turn."""
    moves: list[_Move] = [_half_turn]
    if rows == columns and rng.integers(3):
        moves += [np.rot90, lambda canvas: np.rot90(canvas, 3)]
    return _symmetric(moves, rows, columns, rng)


def _half_turn(canvas: np.ndarray) -> np.ndarray:
    return np.rot90(canvas, 2)


def _symmetric(
    moves: list[_Move],
    rows: int,
    columns: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """A base family on a canvas that the moves (a group, without rest) leave as it is.

    The states of corners that a move exchanges are made equal first, so that sides still match;
    then one tile of each set that moves exchange is drawn, and the others are its images.
    """
    motif = pick(rng)
    corners, variants = motif.place(rng, _even(motif, rows, columns, rng))
    numbers = np.arange(corners.size).reshape(corners.shape)
    first = np.min([numbers, *(move(numbers) for move in moves)], axis=0)
    canvas = motif.canvas(corners.ravel()[first], variants)
    places = np.arange(variants.size).reshape(variants.shape)
    first = np.min([places, *(move(places) for move in moves)], axis=0)
    result = canvas.copy()
    for move in moves:
        taken = (move(places) == first) & (places != first)
        pixels = by_pixel(taken)
        result[pixels] = move(canvas)[pixels]
    return result


def _gradient(rows: int, columns: int, rng: np.random.Generator) -> np.ndarray:
    """Density, and with it size or colour, grows from one side to the opposite one."""
    motif = pick(rng, "truchet", "discs", "discs", "bauhaus", "waves")
    down, across = (np.linspace(0, 1, places + 1) for places in (rows, columns))
    ramp = down[:, None] + 0 * across if rng.integers(2) else across + 0 * down[:, None]
    density = 1 - ramp if rng.integers(2) else ramp
    return motif.canvas(*motif.place(rng, density))


def _regions(rows: int, columns: int, rng: np.random.Generator) -> np.ndarray:
    """Two or three base families, each in its part; the second on the opposite ground.

    Along the borders between them the density is 0, so that strands end in bends, not in cuts.
    """
    region = _LAYOUTS[rng.integers(len(_LAYOUTS))](rows, columns, rng)
    corner = np.pad(region, 1, "edge")
    around = (corner[:-1, :-1], corner[:-1, 1:], corner[1:, 1:], corner[1:, :-1])
    within = np.min(around, axis=0) == np.max(around, axis=0)
    canvases = []
    for name in rng.permutation(list(FAMILIES))[:3]:
        motif = pick(rng, str(name))
        density = _even(motif, rows, columns, rng) * within
        canvases.append(motif.canvas(*motif.place(rng, density)))
    canvases[1] = canvases[1][..., ::-1]
    for number in (1, 2):
        pixels = by_pixel(region == number)
        canvases[0][pixels] = canvases[number][pixels]
    return canvases[0]


def _disc(rows: int, columns: int, rng: np.random.Generator) -> np.ndarray:
    down, across = np.indices((rows, columns))
    away = np.hypot(down - (rows - 1) / 2, across - (columns - 1) / 2)
    return (away < rng.uniform(0.3, 0.45) * min(rows, columns)).astype(int)


def _diagonal(rows: int, columns: int, rng: np.random.Generator) -> np.ndarray:
    down, across = np.indices((rows, columns))
    halves = ((down + 0.5) / rows > (across + 0.5) / columns).astype(int)
    return halves[:, ::-1] if rng.integers(2) else halves


def _stripes(rows: int, columns: int, rng: np.random.Generator) -> np.ndarray:
    down, across = np.indices((rows, columns))
    place, length = ((down, rows), (across, columns))[rng.integers(2)]
    return place * rng.integers(2, 4) // length


def _blocks(rows: int, columns: int, rng: np.random.Generator) -> np.ndarray:
    down, across = np.indices((rows, columns))
    side = max(1, min(rows, columns) // 2)
    return (down // side + across // side + rng.integers(2)) % 2


_LAYOUTS = (_disc, _diagonal, _stripes, _blocks)
_FORMS: dict[str, Callable[[int, int, np.random.Generator], np.ndarray]] = {
    "mirror": _mirror,
    "rotation": _rotation,
    "carpet": draw_carpet,
    "medallion": draw_medallion,
    "gradient": _gradient,
    "regions": _regions,
}
KINDS = (*FAMILIES, *_FORMS)
