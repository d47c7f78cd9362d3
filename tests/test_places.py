import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch.nn import functional as F
from toy import CLASSES, PLACES, ToyDomain, toy_pieces

from composer.places import Geometry, Pieces, look_up

DOMAIN = ToyDomain({})
GEOMETRY = Geometry.of(DOMAIN, (PLACES,))
KINDS = ToyDomain({"kinds": 2})
TOKENS = arrays(np.uint8, (3, 4, 2), elements=st.integers(0, CLASSES - 1))


def raised(count):
    """Real pieces without zeros, which stand for a missing neighbour."""
    pieces = toy_pieces(count, np.random.default_rng(0))
    return Pieces(pieces.fragments + 1, pieces.plans)


@given(st.integers(0, 9), st.integers(0, PLACES - 1))
def test_context_is_what_stands_at_the_neighbours_and_zero_elsewhere(row, place):
    pieces = raised(10)
    found = GEOMETRY.at(pieces, np.array([row]), np.array([place]))
    assert np.array_equal(found.fragments[0], pieces.fragments[row, place])
    for column, lag in enumerate((1, 2)):
        assert found.present[0, column] == (place >= lag)
        expected = pieces.fragments[row, place - lag] if place >= lag else np.zeros(2)
        assert np.array_equal(found.context[0, column], expected)


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("earlier", [[-1, -1], [0, -1], [1, -1], [2, -1], [3, -1]]),
        ("closed", [[-1, -1], [0, -1], [1, -1], [2, -1], [3, 0]]),
        ("complete", [[-1, 1], [0, 2], [1, 3], [2, 4], [3, -1]]),
    ],
)
def test_the_generator_sees_the_surroundings_of_its_scope(scope, expected):
    around = Geometry.around(DOMAIN, (PLACES,), scope)
    pieces = raised(3)
    found = around.at(pieces, np.full(PLACES, 1), np.arange(PLACES))
    assert around.neighbours.tolist() == expected
    assert np.array_equal(found.present, np.array(expected) >= 0)
    shown = pieces.fragments[1][np.array(expected)]
    assert np.array_equal(found.context, shown * found.present[..., None])
    assert np.array_equal(found.position, GEOMETRY.positions)


def test_the_position_says_which_kind_is_planned():
    geometry = Geometry.of(KINDS, (PLACES,))
    plans = np.array([[0, 1, 0, 1, 1], [1] * 5], np.uint8)
    pieces = Pieces(np.zeros((2, PLACES, 2), np.uint8), plans)
    rows, places = np.divmod(np.arange(2 * PLACES), PLACES)
    position = geometry.at(pieces, rows, places).position
    assert position.dtype == np.float32
    assert position.shape == (10, geometry.features) == (10, 4 + geometry.remembered)
    assert np.array_equal(position[:, :2], geometry.positions[places])
    assert np.array_equal(position[:, 2:4].argmax(1), plans.reshape(-1))
    assert (position[:, 2:4].sum(1) == 1).all()


def test_neighbours_of_another_kind_are_not_seen():
    geometry = Geometry.of(KINDS, (PLACES,))
    pieces = raised(4)
    pieces.plans[:] = np.array([0, 1, 1, 0, 1], np.uint8)
    found = geometry.at(pieces, np.full(PLACES, 2), np.arange(PLACES))
    expected = [[0, 0], [0, 0], [1, 0], [0, 0], [0, 1]]
    assert found.present.tolist() == np.array(expected, bool).tolist()
    assert np.array_equal(found.context.any(axis=2), found.present)


def test_a_single_kind_is_not_told():
    geometry = Geometry.around(DOMAIN, (PLACES,), "earlier")
    assert geometry.features == geometry.positions.shape[1]
    places = np.arange(PLACES)
    position = geometry.at(raised(1), np.zeros(PLACES, int), places).position
    assert np.array_equal(position, geometry.positions)


def test_sampling_looks_at_what_was_drawn():
    pieces = toy_pieces(20, np.random.default_rng(0))
    rows, places = GEOMETRY.draw(pieces, 300, np.random.default_rng(1))
    found = GEOMETRY.sample(pieces, 300, np.random.default_rng(1))
    assert set(rows.tolist()) == set(range(20))
    assert set(places.tolist()) == set(range(PLACES))
    for one, other in zip(found, GEOMETRY.at(pieces, rows, places), strict=True):
        assert np.array_equal(one, other)


@given(TOKENS)
def test_the_codes_of_a_plain_domain_are_one_hot(tokens):
    expected = F.one_hot(torch.from_numpy(tokens).long(), CLASSES).float()
    for given_tokens in (tokens, torch.from_numpy(tokens), torch.from_numpy(tokens).long()):
        found = look_up(given_tokens, DOMAIN.codes)
        assert found.dtype == torch.float32
        assert torch.equal(found, expected)
    assert torch.equal(DOMAIN.tokens(found), torch.from_numpy(tokens).long())


@given(TOKENS, arrays(np.float32, (CLASSES, 3), elements=st.floats(-1, 1, width=32)))
def test_codes_may_have_any_number_of_channels(tokens, codes):
    found = look_up(tokens, codes)
    assert np.array_equal(found.numpy(), codes[tokens])
    assert torch.equal(look_up(torch.from_numpy(tokens), torch.from_numpy(codes)), found)


def test_some_of_the_pieces_are_copies_with_their_plans():
    pieces = toy_pieces(6, np.random.default_rng(0), kinds=2)
    some = pieces.take(np.array([5, 0, 0]))
    assert len(some) == 3
    assert np.array_equal(some.fragments, pieces.fragments[[5, 0, 0]])
    assert some.plans[:, 0].tolist() == [1, 0, 0]
    some.fragments[:] = 0
    some.plans[:] = 9
    assert pieces.fragments.any()
    assert pieces.plans.max() == 1


@given(st.integers(0, 5), st.integers(0, 5), st.integers(1, 8))
def test_only_the_latest_pieces_are_kept(first, second, limit):
    pieces = toy_pieces(10, np.random.default_rng(0), kinds=2)
    both = pieces.take(np.arange(first)).followed_by(
        pieces.take(np.arange(first, first + second)), limit
    )
    kept = np.arange(first + second)[-limit:]
    assert len(both) == len(kept)
    assert np.array_equal(both.fragments, pieces.fragments[kept])
    assert np.array_equal(both.plans, pieces.plans[kept])
