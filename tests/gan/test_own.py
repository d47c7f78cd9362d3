from __future__ import annotations

import numpy as np
import pytest
import torch
from toy import PLACES, ToyDomain, toy_pieces

from composer.gan.own import OwnPieces
from composer.places import Geometry

DOMAIN = ToyDomain({"kinds": 2})
GEOMETRY = Geometry.around(DOMAIN, (PLACES,), "earlier")
SIZE = 12


@pytest.fixture
def real():
    return toy_pieces(30, np.random.default_rng(0), kinds=2)


@pytest.fixture
def own(real):
    return OwnPieces(SIZE, GEOMETRY, real, np.random.default_rng(1))


def marks(number):
    """Fragments that tell at which call they were placed, and in which piece."""
    return np.stack((np.full(SIZE, number), np.arange(SIZE)), axis=1).astype(np.uint8)


def begin(own):
    own.at[:] = 0


def test_begins_at_different_places_of_real_pieces(own, real):
    assert len(set(own.at.tolist())) > 1
    assert own.at.max() < PLACES
    assert np.array_equal(own.pieces.fragments, real.fragments[own.rows])
    assert set(own.pieces.plans[:, 0].tolist()) == {0, 1}


def test_goes_on_with_what_it_has_made(own):
    begin(own)
    rng = np.random.default_rng(2)
    for number in range(PLACES - 1):
        own.go_on(marks(number), rng)
        seen = own.look()
        assert (own.at == number + 1).all()
        assert np.array_equal(seen.present, np.tile([True, False], (SIZE, 1)))
        assert np.array_equal(seen.context[:, 0], marks(number))
    assert np.array_equal(own.pieces.fragments[:, : PLACES - 1, 0], np.tile(range(4), (SIZE, 1)))


def test_begins_anew_beside_another_real_piece_when_one_is_finished(own, real):
    before, at = own.rows.copy(), own.at.copy()
    finished = at == PLACES - 1
    assert 0 < finished.sum() < SIZE
    own.go_on(marks(0), np.random.default_rng(2))
    assert (own.at[finished] == 0).all()
    assert np.array_equal(own.at[~finished], at[~finished] + 1)
    assert np.array_equal(own.rows[~finished], before[~finished])
    assert (own.rows[finished] != before[finished]).any()
    assert not own.look().present[finished].any()  # nothing of the finished piece is seen
    assert np.array_equal(own.pieces.plans, real.plans[own.rows])


def test_a_piece_has_the_plan_of_the_real_one_beside_it(own, real):
    rng = np.random.default_rng(2)
    kinds = set()
    for number in range(3 * PLACES):
        own.go_on(marks(number), rng)
        assert np.array_equal(own.pieces.plans, real.plans[own.rows])
        beside = GEOMETRY.at(real, own.rows, own.at)
        assert np.array_equal(own.look().position, beside.position)
        kinds |= set(zip(range(SIZE), own.pieces.plans[:, 0].tolist(), strict=True))
    assert len(kinds) > SIZE  # a piece of one kind may be followed by one of another


def test_real_pieces_stay_as_they_are(own, real):
    fragments, plans = real.fragments.copy(), real.plans.copy()
    rng = np.random.default_rng(2)
    for number in range(2 * PLACES):
        own.go_on(marks(number), rng)
    assert np.array_equal(real.fragments, fragments)
    assert np.array_equal(real.plans, plans)


def test_a_restored_pool_goes_on_the_same(own, real):
    for number in range(3):
        own.go_on(marks(number), np.random.default_rng(number))
    stored = {name: tensor.clone() for name, tensor in own.state().items()}
    other = OwnPieces(SIZE, GEOMETRY, real, np.random.default_rng(9))
    other.restore(stored)
    for number in range(3, 3 + 2 * PLACES):
        for pool in (own, other):
            pool.go_on(marks(number), np.random.default_rng(number))
        assert np.array_equal(own.rows, other.rows)
        assert np.array_equal(own.at, other.at)
        assert np.array_equal(own.pieces.fragments, other.pieces.fragments)
        assert np.array_equal(own.pieces.plans, other.pieces.plans)
    again = OwnPieces(SIZE, GEOMETRY, real, np.random.default_rng(9))
    again.restore(stored)  # going on has not changed what was stored
    assert all(torch.equal(again.state()[name], tensor) for name, tensor in stored.items())


def test_a_pool_may_be_empty(real):
    rng = np.random.default_rng(1)
    before = rng.bit_generator.state
    own = OwnPieces(0, GEOMETRY, real, rng)
    own.go_on(np.zeros((0, 2), np.uint8), rng)
    assert rng.bit_generator.state == before
    assert len(own.look().position) == 0
    own.restore(own.state())
    assert len(own.pieces) == 0
