import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer.domains.music.settings import FIRST_PITCH, HOLD, REST, MusicSettings
from composer.domains.music.voices import (
    allot,
    count_voices,
    fold,
    is_line,
    make_line,
    tokens_from_notes,
)
from composer.domains.music.write import notes_from_tokens


def line(*pitches, length=4):
    return np.array([[i * length, length, pitch] for i, pitch in enumerate(pitches)])


def chords(*groups, length=4):
    return np.array([[i * length, length, p] for i, group in enumerate(groups) for p in group])


def test_lines_and_chords_are_told_apart():
    legato = line(60, 62, 64, 65, 67)
    legato[:, 1] += 1
    assert is_line(line(60, 62, 64), 0)
    assert is_line(legato, 1)
    assert not is_line(legato, 0)
    assert not is_line(chords((60, 64), (62, 65)), 10)
    assert is_line(line(60), 0)


def test_one_double_stop_does_not_make_chords():
    melody = line(*range(60, 80))
    assert is_line(np.concatenate([melody, [[76, 4, 50]]]), 0)


def test_a_chorale_gives_its_four_voices_in_order():
    parts = [line(72, 74, 76), line(67, 67, 69), line(60, 62, 60), line(48, 43, 45)]
    for order in ([0, 1, 2, 3], [3, 1, 0, 2]):
        tracks = [parts[i] for i in order]
        assert count_voices(tracks, [True] * 4) == 4
        found = allot(tracks, [True] * 4, 4)
        assert [order[track] for _, track in found] == [0, 1, 2, 3]
        for (notes, _), part in zip(found, parts, strict=True):
            np.testing.assert_array_equal(notes, part)


def test_one_voice_is_the_highest_line():
    tracks = [line(48, 50), chords((80, 84), (80, 84)), line(70, 72)]
    (_, track), *rest = allot(tracks, [True, False, True], 1)
    assert track == 2
    assert not rest


def test_too_many_lines_keep_both_ends_and_the_busiest():
    tracks = [line(80, 81), line(70), line(65, 66, 67), line(60, 61), line(40, 41)]
    assert [track for _, track in allot(tracks, [True] * 5, 3)] == [0, 2, 4]
    assert [track for _, track in allot(tracks, [True] * 5, 2)] == [0, 4]
    assert [track for _, track in allot(tracks, [True] * 5, 1)] == [0]


@pytest.mark.parametrize(
    ("voices", "expected"),
    [
        (1, [[72, 74]]),
        (2, [[72, 74], [48, 43]]),
        (3, [[72, 74], [67, 71], [48, 43]]),
        (4, [[72, 74], [67, 71], [60, 62], [48, 43]]),
    ],
)
def test_polyphony_is_dealt_from_the_outside(voices, expected):
    track = chords((60, 72, 48, 67), (43, 62, 71, 74))
    assert count_voices([track], [False]) == 4
    assert [notes[:, 2].tolist() for notes, _ in allot([track], [False], voices)] == expected


def test_melody_and_chords_give_melody_and_bass():
    tracks = [line(72, 74, 76, 77), chords((48, 52, 55), (53, 57, 60), length=8)]
    assert count_voices(tracks, [True, False]) == 4
    found = allot(tracks, [True, False], 2)
    assert [notes[:, 2].tolist() for notes, _ in found] == [[72, 74, 76, 77], [48, 53]]
    assert [track for _, track in found] == [0, 1]


def test_a_held_top_note_is_not_interrupted_by_what_moves_below():
    track = np.array([[0, 16, 72], [0, 4, 48], [4, 4, 52], [8, 4, 55], [12, 4, 52]])
    melody, bass = (notes for notes, _ in allot([track], [False], 2))
    assert melody.tolist() == [[0, 16, 72]]
    assert bass[:, 2].tolist() == [48, 52, 55, 52]


def test_a_lonely_note_continues_the_nearer_voice():
    track = np.concatenate([chords((72, 48), (74, 50)), [[8, 4, 47], [12, 4, 76]]])
    melody, bass = (notes for notes, _ in allot([track], [False], 2))
    assert melody[:, 2].tolist() == [72, 74, 76]
    assert bass[:, 2].tolist() == [48, 50, 47]


def test_too_few_voices_are_not_invented():
    assert len(allot([line(60, 62)], [True], 4)) == 1


def test_tokens_of_a_small_tune():
    settings = MusicSettings(meter=(2, 4), steps_per_beat=2, lows=(60,), pitches=12)
    notes = np.array([[1, 2, 60], [3, 3, 62]])
    low, high = FIRST_PITCH, FIRST_PITCH + 2
    expected = [[REST, low, HOLD, high], [HOLD, HOLD, REST, REST]]
    np.testing.assert_array_equal(tokens_from_notes(notes, settings, 0, 2), expected)
    up = tokens_from_notes(notes, settings, 0, 2, shift=11)
    assert up[0].tolist() == [REST, FIRST_PITCH + 11, HOLD, FIRST_PITCH + 1]  # 73 folded to 61
    assert tokens_from_notes(notes[:0], settings, 0, 1).tolist() == [[REST] * 4]


@given(st.lists(st.integers(-200, 300), min_size=1), st.integers(0, 80), st.integers(12, 48))
def test_fold_keeps_pitch_class_and_range(pitches, low, count):
    folded = fold(np.array(pitches), low, count)
    assert ((folded >= low) & (folded < low + count)).all()
    assert ((folded - pitches) % 12 == 0).all()
    inside = (np.array(pitches) >= low) & (np.array(pitches) < low + count)
    assert (folded == pitches)[inside].all()


NOTES = st.lists(
    st.tuples(st.integers(0, 63), st.integers(1, 40), st.integers(55, 90)), min_size=1, max_size=30
)


@given(NOTES)
def test_a_line_has_one_note_at_a_time(notes):
    made = make_line(np.array(notes))
    assert set(made[:, 0].tolist()) == {start for start, _, _ in notes}
    assert (made[1:, 0] >= made[:-1, 0] + made[:-1, 1]).all()
    assert (made[:, 1] >= 1).all()


@given(NOTES, st.integers(-6, 5))
def test_notes_to_tokens_to_notes(notes, shift):
    settings = MusicSettings(lows=(49,), pitches=48)
    melody = make_line(np.array(notes))
    melody[:, 1] = np.minimum(melody[:, 1], 64 - melody[:, 0])
    tokens = tokens_from_notes(melody, settings, 0, 4, shift)
    (back,) = notes_from_tokens(tokens[:, None], settings, -shift)
    np.testing.assert_array_equal(back, melody)
