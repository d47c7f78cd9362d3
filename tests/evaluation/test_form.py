from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from composer.evaluation.form import (
    longest_seen,
    profile_distance,
    repeat_profile,
    repeats,
    seen_share,
    unique_share,
)


def line_of(*names: int) -> np.ndarray:
    """A piece whose places are told apart by one number each: ``[places, 1, 2]``."""
    return np.array(names, dtype=np.uint8)[:, None, None].repeat(2, axis=2)


def test_repeats_by_hand():
    pieces = np.stack([line_of(1, 2, 1, 2, 1), line_of(1, 1, 2, 2, 1)])
    assert repeats(pieces, (1, 2, 4, 5)).tolist() == [[0, 1, 1, 0], [0.5, 0, 1, 0]]
    assert repeat_profile(pieces, (1, 2)).tolist() == [0.25, 0.5]


def test_a_place_equals_another_only_with_all_its_tokens():
    piece = line_of(1, 1)
    piece[1, 0, 1] = 9
    assert repeat_profile(piece[None], (1,)).tolist() == [0]


def test_profile_distance_adds_up_over_lags():
    same, other = line_of(1, 1, 1)[None], line_of(1, 2, 3)[None]
    assert profile_distance(same, other, (1, 2)) == 2
    assert profile_distance(same, same) == 0


def test_seen_share_by_hand():
    assert seen_share(line_of(1, 2, 2, 3), line_of(2, 4)) == 0.5


def test_unique_share_of_everything_is_the_plain_share():
    assert unique_share(line_of(1, 1, 2, 3)) == 0.75


def test_unique_share_of_a_pair_by_hand():
    # Of the six pairs out of (1, 1, 2, 3) one holds a double.
    assert unique_share(line_of(1, 1, 2, 3), 2) == pytest.approx((5 * 2 + 1) / 6 / 2)


@settings(max_examples=20)
@given(arrays(np.uint8, st.integers(5, 40), elements=st.integers(0, 6)), st.integers(1, 5))
def test_unique_share_is_the_mean_over_draws(names: np.ndarray, count: int):
    rng = np.random.default_rng(0)
    draws = rng.permuted(np.tile(names, (4000, 1)), axis=1)[:, :count]
    ordered = np.sort(draws, axis=1)
    distinct = 1 + (ordered[:, 1:] != ordered[:, :-1]).sum(axis=1)
    expected = distinct.mean() / count
    assert unique_share(names[:, None], count) == pytest.approx(expected, abs=0.03)


@given(arrays(np.uint8, (3, 9, 2), elements=st.integers(0, 3)))
def test_relabelling_tokens_changes_no_share(pieces: np.ndarray):
    relabelled = np.array([7, 3, 200, 9], dtype=np.uint8)[pieces]
    assert np.array_equal(repeats(pieces), repeats(relabelled))


def test_the_longest_run_that_a_piece_of_the_corpus_has_just_so():
    corpus = np.stack([line_of(1, 2, 3, 4), line_of(5, 6, 7, 8)])
    pieces = np.stack(
        [
            line_of(1, 2, 3, 4),  # a copy
            line_of(9, 6, 7, 9),  # two in a row
            line_of(9, 3, 4, 5),  # 4 and 5 stand in different pieces
            line_of(8, 7, 6, 5),  # each is there, no two in this order
            line_of(9, 9, 9, 9),  # comes back in itself, but not in the corpus
            line_of(9, 9, 9, 9),  # nor does another new piece count
        ]
    )
    assert longest_seen(pieces, corpus).tolist() == [4, 2, 2, 1, 0, 0]
    assert longest_seen(pieces, line_of(9, 9, 8, 8)[None]).tolist() == [0, 1, 1, 1, 2, 2]


@given(arrays(np.uint8, (7, 4, 1), elements=st.integers(0, 2)))
@settings(max_examples=30, deadline=None)
def test_the_longest_run_is_the_one_that_a_search_finds(pieces):
    made, corpus = pieces[:3], pieces[3:]
    lines = [bytes(piece.ravel()) for piece in corpus]
    for piece, found in zip(made, longest_seen(made, corpus).tolist(), strict=True):
        own = bytes(piece.ravel())
        parts = [own[a:b] for a in range(4) for b in range(a + 1, 5)]
        assert found == max((len(p) for p in parts if any(p in x for x in lines)), default=0)
