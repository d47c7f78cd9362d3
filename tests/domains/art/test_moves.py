import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from composer.domains.art import geometry
from composer.domains.art.metrics import assemble
from composer.domains.art.moves import (
    SIMILAR,
    propose,
    relations,
    returns,
    settle,
    smooth,
    symmetries,
)

AS_IT_IS, LEFT_RIGHT, TOP_BOTTOM, HALF_TURN = range(4)
DIAGONAL, CLOCKWISE, COUNTER_CLOCKWISE, OTHER_DIAGONAL = range(4, 8)
INVERSE = [0, 1, 2, 3, DIAGONAL, COUNTER_CLOCKWISE, CLOCKWISE, OTHER_DIAGONAL]
MADE_FROM = {
    "repeat": ["LEFT", "TOP", "LEFT_2", "TOP_2"],
    "counterpart": ["ACROSS", "BELOW", "OPPOSITE", "CLOCKWISE", "COUNTER"],
}
SHAPES = pytest.mark.parametrize("shape", [(4, 4), (5, 5, 3)], ids=["palette", "rgb"])
tiles = arrays(np.uint8, (2, 6, 6), elements=st.integers(0, 3))


def drawn(*shape, seed=0):
    """Tiles that no symmetry brings back."""
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def floats(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).random(shape, np.float32))


def same(one, other):
    return np.array_equal(np.asarray(one), np.asarray(other))


# ---- symmetries ----------------------------------------------------------------------------------


def test_the_eight_symmetries_come_in_their_order():
    expected = ["abcd", "badc", "cdab", "dcba", "acbd", "cadb", "bdac", "dbca"]
    found = symmetries(np.array([["a", "b"], ["c", "d"]]), 0)
    assert ["".join(tile.ravel()) for tile in found] == expected
    clockwise = np.rot90(np.array([["a", "b"], ["c", "d"]]), -1)
    assert same(found[CLOCKWISE], clockwise)


def test_symmetries_are_a_group():
    tile = drawn(5, 5)
    group = {image.tobytes() for image in symmetries(tile, 0)}
    assert len(group) == 8
    for image in symmetries(tile, 0):
        assert {again.tobytes() for again in symmetries(image, 0)} == group
    twice = {
        (one, other): symmetries(symmetries(tile, 0)[one], 0)[other]
        for one, other in itertools.product(range(8), repeat=2)
    }
    assert same(twice[CLOCKWISE, CLOCKWISE], symmetries(tile, 0)[HALF_TURN])
    inverse = {one: other for (one, other), image in twice.items() if same(image, tile)}
    assert inverse == dict(enumerate(INVERSE))


@given(arrays(np.uint8, st.tuples(*[st.integers(1, 3)] * 2, st.just(4), st.just(4), st.just(2))))
def test_numpy_and_torch_turn_alike_and_leave_the_other_axes(batch):
    found = symmetries(batch, 2)
    for one, other in zip(found, symmetries(torch.from_numpy(batch), 2), strict=True):
        assert same(one, other)
    for at in np.ndindex(batch.shape[:2]):
        for image, whole in zip(symmetries(batch[at], 0), found, strict=True):
            assert same(image, whole[at])


# ---- what is proposed ----------------------------------------------------------------------------


def offered(context, present=None):
    present = np.ones(context.shape[:2], bool) if present is None else present
    return propose(context, present)


@SHAPES
def test_moves_name_what_they_are_made_from_and_exist_where_it_does(shape):
    context = drawn(40, 11, *shape)
    present = np.random.default_rng(1).random((40, 11)) < 0.5
    moves = offered(context, present)
    named = [(name, getattr(geometry, column)) for name in MADE_FROM for column in MADE_FROM[name]]
    assert list(zip(moves.names, moves.sources[0].tolist(), strict=True)) == named
    assert moves.fragments.shape == (40, len(named), *shape)
    assert moves.fragments.dtype == np.uint8
    assert (moves.sources == moves.sources[0]).all()
    for move, (_, column) in enumerate(named):
        assert same(moves.valid[:, move], present[:, column])


@SHAPES
def test_repeats_are_their_source(shape):
    context = drawn(3, 11, *shape)
    moves = offered(context)
    for move in (moves.names.index("repeat") + step for step in range(4)):
        assert same(moves.fragments[:, move], context[:, moves.sources[0, move]])


def composed(layout, columns, shape):
    """A canvas of random tiles, but of the first counterpart that exists wherever one does."""
    table = geometry.neighbours(layout)
    placed = drawn(len(table), *shape)
    for place, neighbours in enumerate(table):
        context, present = placed[np.maximum(neighbours, 0)][None], (neighbours >= 0)[None]
        moves = offered(context, present)
        for column in columns:
            (move,) = (
                index
                for index, name in enumerate(moves.names)
                if name == "counterpart" and moves.sources[0, index] == column
            )
            if moves.valid[0, move]:
                placed[place] = moves.fragments[0, move]
                break
    return assemble(placed[None], layout)[0]


@SHAPES
@pytest.mark.parametrize(
    ("columns", "kept"),
    [
        ([geometry.ACROSS], [LEFT_RIGHT]),
        ([geometry.BELOW], [TOP_BOTTOM]),
        ([geometry.OPPOSITE], [HALF_TURN]),
        ([geometry.CLOCKWISE, geometry.COUNTER], [HALF_TURN, CLOCKWISE, COUNTER_CLOCKWISE]),
    ],
    ids=["left-right", "top-bottom", "half turn", "quarter turn"],
)
def test_counterparts_make_a_canvas_of_their_symmetry_and_no_other(columns, kept, shape):
    canvas = composed((4, 4), columns, shape)
    images = symmetries(canvas, 0)
    assert [way for way in range(8) if same(images[way], canvas)] == [AS_IT_IS, *kept]


@SHAPES
def test_counterparts_across_and_below_make_a_kaleidoscope(shape):
    canvas = composed((4, 6), [geometry.ACROSS, geometry.BELOW], shape)
    assert same(canvas, canvas[:, ::-1])
    assert same(canvas, canvas[::-1])


# ---- what came back ------------------------------------------------------------------------------


@SHAPES
@pytest.mark.parametrize("way", range(8))
def test_a_tile_comes_back_in_the_way_it_was_turned_only(shape, way):
    others = drawn(2, 3, *shape)
    found = returns(symmetries(others, 2)[way], others, len(shape) - 2)
    assert found.shape == (2, 3, 8)
    assert found.dtype == bool
    assert same(found, np.broadcast_to(np.arange(8) == way, found.shape))


def test_a_tile_that_is_its_mirror_image_comes_back_in_two_ways():
    half = drawn(4, 2)
    tile = np.concatenate((half, half[:, ::-1]), axis=1)
    assert np.flatnonzero(returns(tile, tile, 0)).tolist() == [AS_IT_IS, LEFT_RIGHT]
    assert returns(np.ones((4, 4)), np.ones((4, 4)), 0).all()


@given(st.integers(0, 12), st.integers(0, 99))
def test_a_few_cells_may_differ(changed, seed):
    rng = np.random.default_rng(seed)
    others = rng.permutation(100).reshape(10, 10).astype(np.uint8)
    tile = np.rot90(others, -1).copy()
    tile.reshape(-1)[rng.permutation(100)[:changed]] += 128
    expected = [way == CLOCKWISE and (100 - changed) / 100 >= SIMILAR for way in range(8)]
    assert returns(tile, others, 0).tolist() == expected


@SHAPES
def test_a_tile_settles_on_the_one_it_nearly_is_and_on_no_other(shape):
    side = (10, 10, *shape[2:])
    placed = drawn(2, 3, *side)
    nearly, other = placed[:, [1]].copy(), placed[:, [1]].copy()
    nearly[:, :, 0, :4] += 1  # 4 of 100 cells
    other[:, :, 0, :6] += 1
    made = np.concatenate((drawn(2, 1, *side, seed=1), nearly, other), axis=1)
    before = made.copy()
    settled = settle(made, placed)
    assert same(made, before)
    assert same(settled[:, 0], made[:, 0])
    assert same(settled[:, 1], placed[:, 1])
    assert same(settled[:, 2], made[:, 2])
    assert same(settle(made[::-1], placed)[:, 1], made[::-1, 1])  # each in its own picture
    assert same(settle(made, placed[:, :0]), made)


# ---- relations -----------------------------------------------------------------------------------


def test_squares_of_cells_are_averaged():
    numbers = torch.arange(32.0).view(1, 4, 4, 2)
    expected = [[[5, 6], [9, 10]], [[21, 22], [25, 26]]]
    assert smooth(numbers)[0].tolist() == expected


@pytest.mark.parametrize("channels", [1, 3, 5])
def test_an_image_of_a_tile_is_near_it_under_its_symmetry_only(channels):
    first = floats(1, 1, 8, 8, channels).double()  # rounding differs between processors
    images = torch.cat(symmetries(first, 2), dim=1)
    near = relations(torch.cat((first, images), dim=1), 1, 1)[0, 1:, 0, :8].numpy()
    assert np.diag(near) == pytest.approx(1, abs=1e-4)
    assert (near[~np.eye(8, dtype=bool)] < 0.9).all()


def test_a_mirror_image_fits_at_the_edge_it_shares():
    middle = floats(6, 6, 4).round()
    beside = {
        "left": middle.flip(1),  # its right edge is the left edge of the middle
        "above": middle.flip(0),
        "right": middle.flip(1),
        "below": middle.flip(0),
    }
    for index, (side, other) in enumerate(beside.items()):
        fits = relations(torch.stack((other, middle))[None], 1, 2)[0, 1, 0, 9:]
        assert fits[index] == pytest.approx(1, abs=1e-5), side


def test_edges_are_those_that_meet():
    left, right = floats(4, 4, 2, seed=1), floats(4, 4, 2, seed=2)
    right[:, 0] = left[:, -1]  # the right tile continues the left one, and only there
    on_the_left, above, on_the_right, below = relations(torch.stack((left, right))[None], 1, 2)[
        0, 1, 0, 9:
    ]
    assert on_the_left == pytest.approx(1, abs=1e-5)
    assert max(above, on_the_right, below) < 0.99
    upper, lower = left.transpose(0, 1), right.transpose(0, 1)
    turned = relations(torch.stack((upper, lower))[None], 1, 2)[0, 1, 0, 9:]
    assert turned.tolist() == pytest.approx(
        [above.item(), on_the_left.item(), below.item(), on_the_right.item()], abs=1e-5
    )
    back = relations(torch.stack((right, left))[None], 1, 2)[0, 1, 0, 9:]
    assert back[2] == pytest.approx(1, abs=1e-5)
    assert back[3] == pytest.approx(above.item(), abs=1e-5)


def test_likeness_falls_as_tiles_differ():
    plain = torch.zeros(8, 8, 2)
    plain[..., 0] = 1
    others = [plain]
    for columns in range(1, 9):
        other = plain.clone()
        other[:, :columns] = other[:, :columns].flip(-1)
        others.append(other)
    like = relations(torch.stack(others)[None], 1, 2)[0, :, 0, 8]
    assert like[0] == 1
    assert (like.diff() < 0).all()


@pytest.mark.parametrize(("low", "high", "most"), [(0, 1, 4), (-1, 1, 12)])
def test_relations_lie_in_the_unit_interval_and_a_tile_is_like_itself(low, high, most):
    batch = floats(3, 5, 8, 8, most // (high - low) ** 2).mul(high - low).add(low).round()
    batch[0, 0], batch[0, 1] = low, high  # as far apart as can be
    found = relations(batch, 3, most)
    assert found[0, 0, 1, 8] == 0
    assert found.shape == (3, 5, 3, 13)
    assert found.min() >= 0
    assert found.max() <= 1
    for index in range(3):
        itself = found[:, index, index, [AS_IT_IS, 8]]
        assert itself.numpy() == pytest.approx(1, abs=1e-4)
    assert torch.allclose(found[:, :, :2], relations(batch, 2, most), atol=1e-6)


@given(tiles)
def test_relations_do_not_depend_on_which_tile_is_asked_for_likeness(pair):
    codes = torch.eye(4)[torch.from_numpy(pair).long()][None]
    found = relations(codes, 2, 2)[0].numpy()
    one, other = found[0, 1], found[1, 0]
    assert one[INVERSE] == pytest.approx(other[:8], abs=1e-4)
    assert one[[8, 11, 12, 9, 10]] == pytest.approx(other[8:], abs=1e-4)
