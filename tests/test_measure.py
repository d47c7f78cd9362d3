import numpy as np
import pytest
from toy import PLACES, ToyDomain, toy_pieces

from composer.measure import FRAGMENTS, measure_pieces, profile, some
from composer.places import Geometry, Pieces

DOMAIN = ToyDomain({})
GEOMETRY = Geometry.of(DOMAIN, (PLACES,))


class Turning(ToyDomain):
    """A fragment comes back as it was, or with its tokens exchanged."""

    def returns(self, fragments, others):
        ways = [(fragments == other).all(-1) for other in (others, others[..., ::-1])]
        return np.stack(ways, axis=-1)


def stuck(pieces):
    """The first fragment everywhere."""
    return Pieces(np.repeat(pieces.fragments[:, :1], PLACES, axis=1), pieces.plans)


def plain(fragments):
    return Pieces(fragments, np.zeros(fragments.shape[:2], np.uint8))


def test_of_many_fragments_some_are_measured_evenly():
    few = plain(np.zeros((3, PLACES, 2), np.uint8))
    assert len(some(few, DOMAIN)) == 3 * PLACES
    many = np.arange(PLACES * 2 * FRAGMENTS) * 6 // (PLACES * 2 * FRAGMENTS)
    many = np.repeat(many.reshape(-1, PLACES, 1), 2, axis=2).astype(np.uint8)
    measured = some(plain(many), DOMAIN)
    assert FRAGMENTS <= len(measured) <= 2 * FRAGMENTS
    shares = np.bincount(measured[:, 0]) / len(measured)
    assert shares == pytest.approx(1 / 6, abs=0.01)


def test_a_fragment_comes_back_where_all_its_tokens_are_equal():
    here = np.array([[[1, 2], [1, 2]], [[3, 3], [0, 0]]], np.uint8)
    there = np.array([[[1, 2], [2, 1]], [[3, 0], [0, 0]]], np.uint8)
    assert DOMAIN.returns(here, there).tolist() == [[[True], [False]], [[False], [True]]]
    assert DOMAIN.returns(here[0, 0], there).shape == (2, 2, 1)


def test_the_profile_counts_repeats_where_there_is_a_neighbour():
    pieces = np.zeros((2, PLACES, 2), np.uint8)
    pieces[1] = np.arange(PLACES)[:, None]
    assert profile(DOMAIN, GEOMETRY, pieces).tolist() == [[0.5], [0.5]]


def test_the_profile_has_a_column_for_each_way_of_coming_back():
    line = np.array([[0, 1], [1, 0], [0, 1], [1, 0], [2, 2]], np.uint8)
    found = profile(Turning({}), GEOMETRY, line[None])
    # the last fragment is its own mirror image, but nothing before it is that
    assert found == pytest.approx(np.array([[0, 3 / 4], [2 / 3, 0]]))


def test_no_neighbours_and_no_pieces_give_a_profile_of_zeros():
    nobody = np.zeros((0, PLACES, 2), np.uint8)
    assert profile(DOMAIN, GEOMETRY, nobody).tolist() == [[0.0], [0.0]]
    alone = Geometry.of(DOMAIN, (1,))
    assert profile(DOMAIN, alone, np.zeros((3, 1, 2), np.uint8)).tolist() == [[0.0], [0.0]]


def test_real_pieces_are_nearer_to_real_ones_than_stuck_ones():
    rng = np.random.default_rng(0)
    real, other = toy_pieces(100, rng), toy_pieces(100, rng)
    near = measure_pieces(DOMAIN, GEOMETRY, other, real)["distance"]
    assert near < 0.5 < measure_pieces(DOMAIN, GEOMETRY, stuck(real), real)["distance"]


def test_the_form_of_each_kind_is_compared_by_itself():
    rng = np.random.default_rng(0)
    real = toy_pieces(40, rng, kinds=2)
    still = stuck(real).fragments
    first = real.plans[:, :1, None] == 0
    one_still = Pieces(np.where(first, still, real.fragments), real.plans)
    other_still = Pieces(np.where(first, real.fragments, still), real.plans)
    same = measure_pieces(DOMAIN, GEOMETRY, one_still, one_still)
    assert same["form"] == 0.0
    # over all pieces the profiles are equal; kind by kind they could not differ more
    assert measure_pieces(DOMAIN, GEOMETRY, other_still, one_still)["form"] == 2.0
    mixed = [plain(pieces.fragments) for pieces in (other_still, one_still)]
    assert measure_pieces(DOMAIN, GEOMETRY, *mixed)["form"] == 0.0


def test_kinds_that_only_one_side_holds_do_not_count_for_the_form():
    real = toy_pieces(40, np.random.default_rng(0), kinds=2)
    ups = real.take(np.flatnonzero(real.plans[:, 0] == 0))
    still = Pieces(np.where(real.plans[:, :1, None] == 1, 0, real.fragments), real.plans)
    assert measure_pieces(DOMAIN, GEOMETRY, ups, still)["form"] == 0.0
