"""Structural moves on tiles, and the relations between tiles that show them.

Everything is vectorised over the batch. The eight symmetries of the square act on a tile; a
*counterpart* is the tile that a symmetry of the whole canvas brings to a place, turned with it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from composer.domain import Moves
from composer.domains.art import geometry

if TYPE_CHECKING:
    import torch

Tiles = TypeVar("Tiles", np.ndarray, "torch.Tensor")
POOL = 2  # tiles are compared at half their resolution: what a critic sees is smoothed
FINEST = 1e-3  # distance below which tiles count as equal
SIMILAR = 0.95  # share of equal cells from which a tile counts as the same again
SYMMETRIES = 8  # of a square
FLIPS: tuple[tuple[int, ...], ...] = ((), (1,), (0,), (0, 1))  # axes: rows 0, columns 1


def symmetries(tiles: Tiles, row: int) -> list[Tiles]:
    """Tiles under the eight symmetries of the square; rows and columns are ``row``, ``row + 1``.

    In this order: as it is, left-right, top-bottom, half turn, and the transposes of these: main
    diagonal, quarter turn clockwise, quarter turn counter-clockwise, other diagonal.
    """
    return [
        _flip(part, tuple(row + axis for axis in axes))
        for part in (tiles, tiles.swapaxes(row, row + 1))
        for axes in FLIPS
    ]


def _flip(tiles: Tiles, axes: tuple[int, ...]) -> Tiles:
    return np.flip(tiles, axes) if isinstance(tiles, np.ndarray) else tiles.flip(axes)


def propose(context: np.ndarray, present: np.ndarray) -> Moves:
    """Repeats of the tiles nearby, and the counterparts.

    Mirror images and turns of a tile beside it fit at the seam, and are rarely what people put
    there: critics that look at seams take too many of them (docs/experiments.md).

    ``context`` uint8 ``[batch, neighbours, tile, tile, ...]``, ``present`` bool
    ``[batch, neighbours]``, columns as in ``geometry``.
    """
    tiles = context.swapaxes(0, 1)  # [neighbours, batch, tile, tile, ...]
    row, column = 1, 2
    nearby = (geometry.LEFT, geometry.TOP, geometry.LEFT_2, geometry.TOP_2)
    made = [(g, tiles[g], "repeat") for g in nearby]
    made += [
        (geometry.ACROSS, np.flip(tiles[geometry.ACROSS], column), "counterpart"),
        (geometry.BELOW, np.flip(tiles[geometry.BELOW], row), "counterpart"),
        (geometry.OPPOSITE, np.flip(tiles[geometry.OPPOSITE], (row, column)), "counterpart"),
        (geometry.CLOCKWISE, np.rot90(tiles[geometry.CLOCKWISE], -1, (row, column)), "counterpart"),
        (geometry.COUNTER, np.rot90(tiles[geometry.COUNTER], 1, (row, column)), "counterpart"),
    ]
    batch, columns = len(context), np.array([source for source, _, _ in made])
    return Moves(
        fragments=np.stack([tile for _, tile, _ in made], axis=1),
        valid=present[:, columns],
        sources=np.broadcast_to(columns, (batch, len(columns))),
        names=tuple(name for _, _, name in made),
    )


def settle(tiles: np.ndarray, placed: np.ndarray) -> np.ndarray:
    """Tiles as they are, but those nearly the same as one that was placed are that one.

    Drawn patterns repeat to the cell; a generator repeats but for a few. ``tiles`` uint8
    ``[n, k, *tile]``, ``placed`` ``[n, places, *tile]`` -> as ``tiles``.
    """
    settled = tiles.copy()
    if placed.shape[1] == 0:
        return settled
    flat, before = (part.reshape(*part.shape[:2], -1) for part in (tiles, placed))
    for row in range(len(tiles)):  # one picture at a time: pairs of cells are many
        alike = (flat[row, :, None] == before[row]).mean(2, dtype=np.float32)  # [k, places]
        best = alike.argmax(1)
        same = alike.max(1) >= SIMILAR
        settled[row, same] = placed[row, best[same]]
    return settled


def returns(tiles: np.ndarray, others: np.ndarray, channels: int) -> np.ndarray:
    """Whether a tile is the other under each symmetry, but for a few cells: bool ``[..., 8]``.

    Both uint8 ``[..., tile, tile]`` and ``channels`` more axes (0, or 1 in RGB mode).
    """
    row = tiles.ndim - channels - 2
    axes = tuple(range(row, tiles.ndim))
    same = [(tiles == other).mean(axes) >= SIMILAR for other in symmetries(others, row)]
    return np.stack(same, axis=-1)


def relations(tiles: torch.Tensor, first: int, most: float) -> torch.Tensor:
    """How tiles resemble each of the first ones, and how well they fit beside them.

    ``tiles`` float ``[batch, n, tile, tile, channels]``, codes of the cells, of which no two are
    further apart than ``most``, squared -> float32 ``[batch, n, first, 13]`` in [0, 1]: closeness
    under each of the eight symmetries, likeness as they are, and how well a tile continues another
    on its left, above, on its right and below.
    """
    import torch

    batch, count = tiles.shape[:2]
    small = smooth(tiles)
    others = torch.cat(symmetries(small[:, :first], 2), dim=1)  # [batch, 8 * first, ...]
    apart = _distance(small.flatten(2, 3), others.flatten(2, 3), most)
    apart = apart.view(batch, count, SYMMETRIES, -1).transpose(2, 3)  # [batch, n, first, 8]
    sides = (tiles[:, :, :, 0], tiles[:, :, 0], tiles[:, :, :, -1], tiles[:, :, -1])
    own, facing = torch.cat(sides), torch.cat((*sides[2:], *sides[:2]))[:, :first]
    gaps = _distance(own, facing, most).view(len(sides), batch, count, -1)
    parts = (_closeness(apart), 1 - apart[..., :1], _closeness(gaps.movedim(0, 3)))
    return torch.cat(parts, dim=3).clamp(0, 1)


def smooth(tiles: torch.Tensor) -> torch.Tensor:
    """Codes ``[..., tile, tile, channels]`` averaged over squares of cells: half the side."""
    upper, lower = tiles[..., 0::2, :, :], tiles[..., 1::2, :, :]
    return (
        upper[..., 0::2, :] + upper[..., 1::2, :] + lower[..., 0::2, :] + lower[..., 1::2, :]
    ) / POOL**2


def _closeness(apart: torch.Tensor) -> torch.Tensor:
    """Distances 0 to 1 by order of magnitude, 1 for equal: one wrong cell matters, if few are."""
    return (apart + FINEST).log() / math.log(FINEST)


def _distance(a: torch.Tensor, b: torch.Tensor, most: float) -> torch.Tensor:
    """Mean squared difference of cells, ``most`` being 1.

    ``[n, a, cells, channels]``, ``[n, b, cells, channels]`` -> ``[n, a, b]``; by a product of
    matrices, since pairs are many.
    """
    cells = a.shape[2]
    a, b = a.flatten(2), b.flatten(2)
    squares = a.square().sum(-1).unsqueeze(2) + b.square().sum(-1).unsqueeze(1)
    return (squares - 2 * a @ b.transpose(1, 2)).clamp_min(0) / most / cells
