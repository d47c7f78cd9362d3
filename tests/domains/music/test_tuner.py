from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from composer.domains.music import tuner
from composer.domains.music.settings import FIRST_PITCH, HOLD, REST, MusicSettings

C, D, E, G = (14 + step for step in (0, 2, 4, 7))  # in the original's alphabet, from middle C
C_UP = C + 12


def line(*events: int) -> np.ndarray:
    return np.array([events])


def figure(ratio: tuner.Ratio) -> float:
    return tuner.tuner_table({"row": ratio})["row"]


def test_melodies_are_the_highest_voice_from_c():
    settings = MusicSettings(meter=(1, 4), lows=(62, 40), tonic=2)
    bar = [[FIRST_PITCH, HOLD, REST, FIRST_PITCH + 2], [9, 9, 9, 9]]
    pieces = np.array([[bar, bar]], dtype=np.uint8)  # D4 and E4 in D
    assert tuner.melodies(pieces, settings, 6).tolist() == [[C, HOLD, REST, D, C, HOLD]]


def test_the_sixth_equal_note_in_a_row_is_excessive():
    assert figure(tuner.excessive_repetition(line(*[C] * 5, D, D, D))) == 0
    assert figure(tuner.excessive_repetition(line(*[C] * 7, D))) == 2 / 8


def test_notes_held_between_may_repeat_longer():
    assert figure(tuner.excessive_repetition(line(C, HOLD, *[C] * 6))) == 0
    assert figure(tuner.excessive_repetition(line(C, HOLD, *[C] * 7))) == 1 / 9


def test_a_hold_before_the_first_equal_note_does_not_count():
    assert figure(tuner.excessive_repetition(line(D, HOLD, *[C] * 6))) == 1 / 8


def test_autocorrelation_by_hand():
    assert figure(tuner.autocorrelation(line(2, 4, 2, 4), 1)) == pytest.approx(-3 / 4)
    assert figure(tuner.autocorrelation(line(2, 4, 2, 4), 2)) == pytest.approx(2 / 4)
    assert math.isnan(figure(tuner.autocorrelation(line(C, C, C, C), 1)))


def test_not_in_key_counts_only_notes():
    assert figure(tuner.not_in_key(line(C, C + 1, HOLD, REST))) == 1 / 4


def test_starts_on_tonic_in_any_octave_after_a_rest():
    melodies = np.array([[REST, C_UP, D], [D, C, C], [REST, REST, REST]])
    assert figure(tuner.starts_on_tonic(melodies)) == 1 / 3


@pytest.mark.parametrize(
    ("events", "resolved", "doubled"),
    [
        ((C, G, E, C), 1, 0),  # back home by steps
        ((C, G, E, D), 0, 0),  # not yet home
        ((C, G, C), 0, 0),  # leaps back at once: forgotten
        ((C, G, *[HOLD] * 7, C), 1, 0),  # leaps back late enough
        ((C, G, G + 7), 0, 1),  # one more leap the same way
        ((C, HOLD, REST, G, E, C), 1, 0),  # intervals go over holds and rests
        ((G, C, E, G), 1, 0),  # downwards as well
    ],
)
def test_leaps_by_hand(events: tuple[int, ...], resolved: int, doubled: int):
    above, below = tuner.leaps_resolved(line(*events))
    assert (above[0], below[0] - above[0]) == (resolved, doubled)


def test_unique_extremes():
    melodies = np.array([[C, HOLD, G, C], [C, G, G, D]])
    assert tuner.unique_extreme(melodies, highest=True)[0].tolist() == [1, 0]
    assert tuner.unique_extreme(melodies, highest=False)[0].tolist() == [0, 1]


def test_motif_needs_three_pitches_in_eight_events():
    assert figure(tuner.in_motif(line(C, D, E, *[HOLD] * 5, REST, REST))) == 1 / 10
    assert figure(tuner.in_motif(line(C, D, C, D, *[HOLD] * 6))) == 0


def test_repeated_motif_does_not_overlap_its_first_appearance():
    bar = (C, D, E, HOLD, C, D, E, HOLD)
    assert figure(tuner.in_repeated_motif(line(*bar, *bar))) == 1 / 16
    assert figure(tuner.in_repeated_motif(line(*bar, C, D, E, HOLD))) == 0


def test_motifs_of_other_melodies_are_not_repeated():
    bar = (C, D, E, HOLD, C, D, E, G)
    assert figure(tuner.in_repeated_motif(np.array([bar, bar]))) == 0


@given(arrays(np.int64, (3, 24), elements=st.integers(0, 37)), st.permutations(range(3)))
def test_rows_are_shares_and_ignore_the_order_of_melodies(lines: np.ndarray, order: list[int]):
    table = tuner.tuner_table(tuner.tuner_ratios(lines))
    again = tuner.tuner_table(tuner.tuner_ratios(lines[order]))
    assert again == pytest.approx(table, nan_ok=True)
    shares = [value for name, value in table.items() if not name.startswith("auto")]
    assert all(math.isnan(share) or 0 <= share <= 1 for share in shares)
