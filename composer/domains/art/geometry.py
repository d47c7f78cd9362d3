"""Where tiles lie: neighbours, counterparts and positions on a canvas filled row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from composer.domain import Layout, Scope

# Columns of ``neighbours``.
LEFT, TOP, TOP_LEFT, TOP_RIGHT, LEFT_2, TOP_2 = range(6)
ACROSS, BELOW, OPPOSITE, CLOCKWISE, COUNTER = range(6, 11)
STEPS = ((0, -1), (-1, 0), (-1, -1), (-1, 1), (0, -2), (-2, 0))  # (row, column) of the first six
RING = ((0, -1), (-1, 0), (-1, -1), (-1, 1), (0, 1), (1, 0), (1, -1), (1, 1))
BEFORE = 4  # the first four of the ring come earlier, row by row
REACH = 4  # tiles over which the distance to an edge is told


def neighbours(layout: Layout) -> np.ndarray:
    """Tiles to the left and above, and the counterparts by each symmetry of the canvas.

    int64 ``[places, 11]``, columns as named above; -1 where there is none or it comes later. The
    counterpart is the tile that a reflection or rotation of the whole canvas brings to this place;
    quarter turns exist on square canvases only.
    """
    rows, columns = layout
    row, column = _grid(layout)
    found = [_index(layout, row + down, column + right) for down, right in STEPS]
    found += [
        _index(layout, row, columns - 1 - column),
        _index(layout, rows - 1 - row, column),
        _index(layout, rows - 1 - row, columns - 1 - column),
    ]
    nowhere = np.full(rows * columns, -1)
    square = rows == columns
    found.append(_index(layout, rows - 1 - column, row) if square else nowhere)
    found.append(_index(layout, column, columns - 1 - row) if square else nowhere)
    table = np.stack(found, axis=1)
    return np.where(table < np.arange(len(table))[:, None], table, -1)


def ring(layout: Layout, scope: Scope) -> np.ndarray:
    """The eight tiles around each: int64 ``[places, 8]``, -1 where there is none in the scope."""
    rows, columns = layout
    row, column = _grid(layout)
    if scope == "closed":
        found = [(row + down) % rows * columns + (column + right) % columns for down, right in RING]
    else:
        found = [_index(layout, row + down, column + right) for down, right in RING]
    table = np.stack(found, axis=1)
    if scope == "complete":
        return table
    return np.where(table < np.arange(len(table))[:, None], table, -1)


def positions(layout: Layout) -> np.ndarray:
    """Distances to the edges and axes, and which half a place is in: float32 ``[places, 16]``."""
    rows, columns = layout
    row, column = _grid(layout)
    edges = [column, columns - 1 - column, row, rows - 1 - row]
    across, down = (np.abs(2 * at - (size - 1)) / size for at, size in _both(layout))
    features = [edge == 0 for edge in edges]
    features += [edge == 1 for edge in edges]
    features += [np.minimum(edge, REACH) / REACH for edge in edges]
    features += [across, down]
    features += [2 * at >= size for at, size in _both(layout)]
    return np.stack(features, axis=1).astype(np.float32)


def _both(layout: Layout) -> tuple[tuple[np.ndarray, int], tuple[np.ndarray, int]]:
    row, column = _grid(layout)
    return (column, layout[1]), (row, layout[0])


def _grid(layout: Layout) -> tuple[np.ndarray, np.ndarray]:
    row, column = np.divmod(np.arange(layout[0] * layout[1]), layout[1])
    return row, column


def _index(layout: Layout, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    inside = (row >= 0) & (row < layout[0]) & (column >= 0) & (column < layout[1])
    return np.where(inside, row * layout[1] + column, -1)
