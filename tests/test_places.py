import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from toy import PLACES, ToyDomain, toy_pieces

from composer.measure import measure_pieces, profile
from composer.places import Geometry, one_hot

DOMAIN = ToyDomain({})
GEOMETRY = Geometry.of(DOMAIN, (PLACES,))


@given(st.integers(0, 9), st.integers(0, PLACES - 1))
def test_context_is_what_stands_at_the_neighbours_and_zero_elsewhere(row, place):
    pieces = toy_pieces(10, np.random.default_rng(0)) + 1
    found = GEOMETRY.at(pieces, np.array([row]), np.array([place]))
    assert np.array_equal(found.fragments[0], pieces[row, place])
    for column, lag in enumerate((1, 2)):
        assert found.present[0, column] == (place >= lag)
        expected = pieces[row, place - lag] if place >= lag else np.zeros(2)
        assert np.array_equal(found.context[0, column], expected)


def test_one_hot_is_the_inverse_of_argmax():
    tokens = torch.randint(6, (3, 4, 2))
    assert torch.equal(one_hot(tokens, DOMAIN.spec).argmax(-1), tokens)


def test_the_profile_counts_repeats_where_there_is_a_neighbour():
    pieces = np.zeros((2, PLACES, 2), np.uint8)
    pieces[1] = np.arange(PLACES)[:, None]
    assert profile(GEOMETRY, pieces).tolist() == [0.5, 0.5]


def test_real_pieces_are_nearer_to_real_ones_than_shuffled_ones():
    rng = np.random.default_rng(0)
    real, other = toy_pieces(100, rng), toy_pieces(100, rng)
    stuck = np.repeat(real[:, :1], PLACES, axis=1)
    near = measure_pieces(DOMAIN, GEOMETRY, other, real)["distance"]
    assert near < 0.5 < measure_pieces(DOMAIN, GEOMETRY, stuck, real)["distance"]
