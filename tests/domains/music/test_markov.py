from __future__ import annotations

import numpy as np

from composer.domain import Piece
from composer.domains.music.markov import BarMarkov


def piece_of(*names: int) -> Piece:
    bars = np.array(names, dtype=np.uint8)[:, None, None].repeat(4, axis=2)
    return Piece(bars, (len(names),), "x")


def names_of(pieces: np.ndarray) -> np.ndarray:
    return pieces[:, :, 0, 0]


def test_the_same_seed_gives_the_same_pieces():
    chain = BarMarkov([piece_of(1, 2, 3, 1, 2, 4), piece_of(2, 1, 3)])
    first, second = (chain.compose(5, 9, np.random.default_rng(3)) for _ in range(2))
    assert first.shape == (5, 9, 1, 4)
    assert first.dtype == np.uint8
    assert np.array_equal(first, second)


def test_pieces_begin_as_pieces_do():
    chain = BarMarkov([piece_of(1, 2, 3, 4, 5, 6, 7, 8)] * 50)
    begun = names_of(chain.compose(500, 2, np.random.default_rng(0)))
    # At the beginning an escape (1 in 51) ends at the bars of the same place: 1 or 5.
    assert set(begun[:, 0].tolist()) <= {1, 5}
    assert np.mean(begun[:, 0] == 1) > 0.97


def test_two_bars_decide_what_one_cannot():
    heard = [piece_of(1, 2, 3), piece_of(4, 2, 5)] * 100
    made = names_of(BarMarkov(heard).compose(400, 3, np.random.default_rng(0)))
    after = made[made[:, 1] == 2]
    assert np.mean((after[:, 0] == 1) == (after[:, 2] == 3)) > 0.95
    assert {3, 5} <= set(after[:, 2].tolist())


def test_the_place_in_the_phrase_is_known_beyond_the_end_of_every_piece():
    chain = BarMarkov([piece_of(1, 2, 3, 4)] * 20)
    assert names_of(chain.compose(1, 12, np.random.default_rng(0))).tolist() == [[1, 2, 3, 4] * 3]


def test_followers_are_drawn_as_often_as_heard():
    heard = [piece_of(1, 2)] * 300 + [piece_of(1, 3)] * 100
    made = names_of(BarMarkov(heard).compose(4000, 2, np.random.default_rng(0)))
    assert abs(np.mean(made[:, 1] == 2) - 0.75) < 0.03
