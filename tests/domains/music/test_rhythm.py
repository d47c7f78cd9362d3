from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from composer.domains.music.rhythm import EIGHTH, groove_similarity, qualified_notes
from composer.domains.music.settings import FIRST_PITCH, HOLD, REST, MusicSettings

SETTINGS = MusicSettings(meter=(1, 2), lows=(60,))  # 8 sixteenths a bar
C, D = FIRST_PITCH, FIRST_PITCH + 2

random_pieces = arrays(np.uint8, (3, 4, 2, 8), elements=st.integers(0, 5))


def piece_of(*bars: list[int]) -> np.ndarray:
    """One piece of one voice."""
    return np.array(bars, dtype=np.uint8)[None, :, None]


def test_groove_by_hand():
    first, second = [C, HOLD, D, REST, *[HOLD] * 4], [D, HOLD, HOLD, HOLD, C, D, HOLD, HOLD]
    # They differ at steps 2, 4 and 5 of 8; a bar and its transposition do not.
    assert groove_similarity(piece_of(first, second)).tolist() == [5 / 8]
    assert groove_similarity(piece_of(first, first)).tolist() == [1]
    assert groove_similarity(piece_of(first, second, first)) == pytest.approx([(5 + 5 + 8) / 24])


def test_one_bar_has_no_other_to_compare():
    assert np.isnan(groove_similarity(piece_of([C] * 8))).all()


def test_an_onset_of_any_voice_counts():
    pieces = np.array([[[[C, *[HOLD] * 7], [HOLD] * 8], [[HOLD] * 8, [C, *[HOLD] * 7]]]], np.uint8)
    assert groove_similarity(pieces).tolist() == [1]


@given(random_pieces)
def test_groove_is_the_mean_over_pairs(pieces: np.ndarray):
    onsets = (pieces >= FIRST_PITCH).any(axis=2)
    pairs = [(onsets[:, a] == onsets[:, b]).mean(axis=1) for a, b in combinations(range(4), 2)]
    found = groove_similarity(pieces)
    assert found == pytest.approx(np.mean(pairs, axis=0))
    assert (found >= 0.5 - 0.5 / 3 - 1e-9).all()
    assert groove_similarity(pieces[:, ::-1]) == pytest.approx(found)


def test_qualified_notes_by_hand():
    piece = piece_of([C, D, HOLD, C, REST, *[HOLD] * 2, D], [HOLD, C, *[HOLD] * 6])
    # Lengths in sixteenths: 1, 2, 1, 2 (over the bar line), 7.
    assert qualified_notes(piece, SETTINGS).tolist() == [1]
    assert qualified_notes(piece, SETTINGS, EIGHTH).tolist() == [3 / 5]


def test_a_32nd_is_three_of_24_steps():
    settings = MusicSettings(meter=(1, 4), steps_per_beat=24)
    bar = [C, HOLD, C, HOLD, HOLD, C, *[HOLD] * 18]
    assert qualified_notes(piece_of(bar), settings) == pytest.approx([2 / 3])


def test_pieces_without_notes_have_no_share():
    pieces = np.concatenate([piece_of([REST] * 8), piece_of([C] * 8)])
    assert qualified_notes(pieces, SETTINGS).tolist() == pytest.approx([np.nan, 1], nan_ok=True)
