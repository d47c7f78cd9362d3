from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from toy import PLACES, ToyDomain, toy_pieces

from composer.memory import Memory
from composer.places import Geometry, Pieces


class Counting(ToyDomain):
    """Remembers the mean of the first token, too."""

    def traits(self, fragments):
        return fragments[:, :1].astype(np.float32) / 5


DOMAIN = Counting({})
MEMORY = Memory(DOMAIN, DOMAIN.neighbours((PLACES,)))


def line(*values: int) -> np.ndarray:
    return np.repeat(np.array(values, np.uint8)[:, None], 2, axis=1)[None]


def test_shares_are_over_the_places_that_have_the_neighbour():
    memory = Memory(DOMAIN, DOMAIN.neighbours((5,)))
    found = memory.record(line(3, 3, 1, 3, 3))
    assert memory.width == 3  # a trait, one way back for each of two neighbours
    assert np.allclose(found[0, :, 0], np.array([0, 3, 3, 7 / 3, 2.5]) / 5)
    assert np.allclose(found[0, :, 1], [0, 0, 1, 1 / 2, 1 / 3])  # the one before
    assert np.allclose(found[0, :, 2], [0, 0, 0, 0, 1 / 2])  # the one before that


@given(st.lists(st.integers(0, 5), min_size=PLACES, max_size=PLACES))
def test_it_is_the_same_at_once_and_place_by_place(values):
    geometry = Geometry.of(DOMAIN, (PLACES,))
    whole = geometry.remember(Pieces(line(*values), np.zeros((1, PLACES), np.uint8)))
    growing = Pieces(np.zeros_like(whole.fragments), whole.plans, np.zeros_like(whole.memory))
    for place in range(PLACES):
        growing.fragments[:, place] = whole.fragments[:, place]
        geometry.go_on(growing, place)
    assert np.array_equal(growing.memory, whole.memory)
    assert whole.memory.min() >= 0
    assert whole.memory.max() <= 1


def test_a_later_place_is_not_remembered():
    pieces = toy_pieces(3, np.random.default_rng(0))
    changed = pieces.fragments.copy()
    changed[:, 2:] = 0
    before, after = MEMORY.record(pieces.fragments), MEMORY.record(changed)
    assert np.array_equal(before[:, :3], after[:, :3])
    assert not np.array_equal(before[:, 3:], after[:, 3:])


def test_critics_and_agent_are_told_the_generator_is_not():
    rng = np.random.default_rng(0)
    pieces = toy_pieces(4, rng)
    seen = Geometry.of(DOMAIN, (PLACES,))
    around = Geometry.around(DOMAIN, (PLACES,), "earlier")
    rows, at = np.array([2, 0]), np.array([3, 4])
    told = seen.at(seen.remember(pieces), rows, at).position
    assert np.array_equal(told, seen.at(pieces, rows, at).position)  # looked up where it is not
    assert np.array_equal(told[:, -MEMORY.width :], MEMORY.record(pieces.fragments)[rows, at])
    assert around.at(pieces, rows, at).position.shape[1] == told.shape[1] - MEMORY.width
