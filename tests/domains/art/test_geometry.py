import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer.domains.art import geometry
from composer.domains.art.geometry import BEFORE, RING, STEPS, neighbours, positions, ring

sides = st.integers(1, 7)
layouts = st.tuples(sides, sides)


def numbered(layout):
    return np.arange(layout[0] * layout[1]).reshape(layout)


def shifted(layout, down, right):
    """The number of the tile so many rows down and columns to the right; -1 where there is none."""
    padded = np.pad(numbered(layout), 2, constant_values=-1)
    rows, columns = layout
    return padded[2 + down : 2 + down + rows, 2 + right : 2 + right + columns].ravel()


def earlier(table):
    """Only what comes before each place."""
    return np.where(table < np.arange(len(table))[:, None], table, -1)


# ---- neighbours ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layout", "place", "expected"),
    [
        ((3, 4), 0, [-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1]),
        ((3, 4), 6, [5, 2, 1, 3, 4, -1, 5, -1, 5, -1, -1]),
        ((3, 4), 11, [10, 7, 6, -1, 9, 3, 8, 3, 0, -1, -1]),
        ((4, 4), 3, [2, -1, -1, -1, 1, -1, 0, -1, -1, 0, -1]),
        ((4, 4), 12, [-1, 8, -1, 9, -1, 4, -1, 0, 3, -1, 0]),
        ((4, 4), 14, [13, 10, 9, 11, 12, 6, 13, 2, 1, 7, 8]),
        ((4, 4), 15, [14, 11, 10, -1, 13, 7, 12, 3, 0, 3, 12]),
        ((1, 1), 0, [-1] * 11),
    ],
)
def test_neighbours_on_small_canvases(layout, place, expected):
    assert neighbours(layout)[place].tolist() == expected


@given(layouts)
def test_neighbours_are_the_tiles_at_fixed_steps_that_come_earlier(layout):
    table = neighbours(layout)
    assert table.shape == (layout[0] * layout[1], 11)
    assert table.dtype == np.int64
    assert (table < np.arange(len(table))[:, None]).all()
    assert table.min() >= -1
    for column, step in enumerate(STEPS):
        assert table[:, column].tolist() == shifted(layout, *step).tolist()


@given(layouts)
def test_counterparts_are_where_the_turned_canvas_says_if_that_is_earlier(layout):
    grid, table = numbered(layout), neighbours(layout)
    images = {
        geometry.ACROSS: np.fliplr(grid),
        geometry.BELOW: np.flipud(grid),
        geometry.OPPOSITE: np.rot90(grid, 2),
    }
    if layout[0] == layout[1]:
        images |= {geometry.CLOCKWISE: np.rot90(grid, -1), geometry.COUNTER: np.rot90(grid)}
    else:
        assert (table[:, [geometry.CLOCKWISE, geometry.COUNTER]] == -1).all()
    for column, image in images.items():
        expected = earlier(image.reshape(-1, 1))[:, 0]
        assert table[:, column].tolist() == expected.tolist()


@given(layouts)
def test_mirrored_tiles_come_in_pairs_and_the_axis_is_its_own(layout):
    rows, columns = layout
    table = neighbours(layout)
    alone = {
        geometry.ACROSS: rows * (columns % 2),
        geometry.BELOW: columns * (rows % 2),
        geometry.OPPOSITE: columns * rows % 2,
    }
    for column, count in alone.items():
        later = np.flatnonzero(table[:, column] >= 0)
        first = table[later, column]
        assert 2 * len(later) + count == rows * columns
        assert len({*later.tolist(), *first.tolist()}) == 2 * len(later)


@given(sides)
def test_only_the_first_of_the_tiles_that_turns_bring_together_has_no_counterpart(side):
    turned = [np.rot90(numbered((side, side)), turns).ravel() for turns in range(4)]
    orbits = np.stack(turned, axis=1)
    counterparts = neighbours((side, side))[:, geometry.OPPOSITE :]
    first = orbits.min(1) == np.arange(side**2)
    assert (counterparts.max(1) == -1).tolist() == first.tolist()
    quarter = neighbours((side, side))[:, [geometry.CLOCKWISE, geometry.COUNTER]]
    assert (quarter.max(1) == -1).tolist() == first.tolist()


# ---- the ring ------------------------------------------------------------------------------------


def test_the_ring_on_a_small_canvas():
    complete, before, closed = (ring((3, 4), scope) for scope in ("complete", "earlier", "closed"))
    assert complete[6].tolist() == [5, 2, 1, 3, 7, 10, 9, 11]
    assert before[6].tolist() == [5, 2, 1, 3, -1, -1, -1, -1]
    assert closed[6].tolist() == [5, 2, 1, 3, -1, -1, -1, -1]
    assert complete[11].tolist() == [10, 7, 6, -1, -1, -1, -1, -1]
    assert before[11].tolist() == [10, 7, 6, -1, -1, -1, -1, -1]
    assert closed[11].tolist() == [10, 7, 6, 4, 8, 3, 2, 0]
    assert complete[0].tolist() == [-1, -1, -1, -1, 1, 4, -1, 5]
    assert before[0].tolist() == closed[0].tolist() == [-1] * 8
    assert closed[3].tolist() == [2, -1, -1, -1, 0, -1, -1, -1]
    assert closed[4].tolist() == [-1, 0, 3, 1, -1, -1, -1, -1]


@given(layouts)
def test_a_complete_ring_is_seen_from_both_sides(layout):
    table = ring(layout, "complete")
    assert table.shape == (layout[0] * layout[1], 8)
    for column, (down, right) in enumerate(RING):
        assert table[:, column].tolist() == shifted(layout, down, right).tolist()
        back = RING.index((-down, -right))
        there = np.flatnonzero(table[:, column] >= 0)
        assert table[table[there, column], back].tolist() == there.tolist()


@given(layouts)
def test_what_is_earlier_of_the_ring_is_its_first_half(layout):
    complete, before = ring(layout, "complete"), ring(layout, "earlier")
    assert before[:, :BEFORE].tolist() == complete[:, :BEFORE].tolist()
    assert (before[:, BEFORE:] == -1).all()


@given(layouts)
def test_a_closed_canvas_goes_on_at_its_other_side(layout):
    grid = numbered(layout)
    rolled = [np.roll(grid, (-down, -right), (0, 1)).ravel() for down, right in RING]
    closed = ring(layout, "closed")
    assert closed.tolist() == earlier(np.stack(rolled, axis=1)).tolist()
    before = ring(layout, "earlier")
    assert (closed == before)[before >= 0].all()


# ---- positions -----------------------------------------------------------------------------------


def test_positions_tell_edges_axes_and_halves():
    at_edge, one_off = [0, 0, 0, 0], [0, 1, 1, 1]
    far, axes, halves = [0.5, 0.25, 0.25, 0.25], [0.25, 0], [1, 0]
    expected = at_edge + one_off + far + axes + halves
    assert positions((3, 4))[6].tolist() == expected
    last = [0, 1, 0, 1, 0, 0, 0, 0, 0.75, 0, 0.5, 0, 0.75, np.float32(2 / 3), 1, 1]
    assert positions((3, 4))[11].tolist() == last
    assert positions((1, 1))[0].tolist() == [1] * 4 + [0] * 10 + [0, 0]


@given(st.tuples(st.integers(1, 12), st.integers(1, 12)))
def test_positions_lie_in_the_unit_interval_and_are_mirrored_with_the_canvas(layout):
    table = positions(layout)
    assert table.dtype == np.float32
    assert table.shape == (layout[0] * layout[1], 16)
    assert table.min() >= 0
    assert table.max() <= 1
    grid = table.reshape(*layout, 16)[..., :14]  # halves are told apart on purpose
    mirrored = [1, 0, 2, 3, 5, 4, 6, 7, 9, 8, 10, 11, 12, 13]
    assert (grid[:, ::-1, mirrored] == grid).all()
    turned = [2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 13, 12]
    transposed = positions(layout[::-1]).reshape(*layout[::-1], 16)[..., turned]
    assert (transposed.swapaxes(0, 1) == grid).all()


def test_distances_are_told_over_four_tiles_only():
    along = positions((1, 12))[:, 8]
    assert along.tolist() == [0, 0.25, 0.5, 0.75] + [1] * 8
    assert positions((1, 12))[:, 14].tolist() == [0] * 6 + [1] * 6
