import numpy as np
import pytest

from composer.domains.music.duplicates import (
    beat_steps,
    find_copies,
    find_line_works,
    find_works,
)
from composer.domains.music.settings import MusicSettings
from composer.domains.music.voices import tokens_from_notes

SETTINGS = MusicSettings(lows=(36,), pitches=48)
BARS = 16


def melody(seed, bars=BARS):
    """Eighths and quarters; int64 [n, 3]."""
    rng = np.random.default_rng(seed)
    lengths = rng.choice([2, 4], size=8 * bars)
    starts = np.cumsum(lengths) - lengths
    steps = rng.choice([-4, -3, -2, -1, 1, 2, 3, 4], size=8 * bars)
    pitches = 60 + np.abs(np.cumsum(steps)) % 17
    return np.stack([starts, lengths, pitches], axis=1)[starts < 16 * bars]


def write(notes, bars=BARS):
    return tokens_from_notes(notes, SETTINGS, 0, bars)[:, None]


def test_different_tunes_are_different_works():
    works = find_works([write(melody(seed)) for seed in range(40)], SETTINGS)
    assert works.tolist() == list(range(40))


@pytest.mark.parametrize("shift", [-12, -5, 3, 7])
def test_another_key(shift):
    pieces = [write(melody(0)), write(melody(1)), write(np.add(melody(0), [0, 0, shift]))]
    assert find_works(pieces, SETTINGS).tolist() == [0, 1, 0]


def test_other_note_values():
    slow = melody(0, 8) * [2, 2, 1]
    assert find_works([write(melody(0, 8)), write(slow)], SETTINGS).tolist() == [0, 0]


def test_other_ornaments():
    plain = melody(0)
    on_beat = plain[:, 0] % 4 == 0
    broken = plain[on_beat].copy()
    broken[:, 1] = 2
    between = np.add(broken, [2, 0, 1])
    ornamented = np.concatenate([broken, between])
    pieces = [write(plain[on_beat]), write(melody(1)), write(ornamented)]
    assert find_works(pieces, SETTINGS).tolist() == [0, 1, 0]


def test_a_part_with_another_continuation():
    half = melody(0)[melody(0)[:, 0] < 8 * 16]
    other = melody(1)[melody(1)[:, 0] >= 8 * 16]
    pieces = [write(melody(0)), write(melody(2)), write(np.concatenate([half, other]))]
    assert find_works(pieces, SETTINGS).tolist() == [0, 1, 0]


def test_chains_are_one_work():
    thirds = [melody(seed)[melody(seed)[:, 0] < 8 * 16] for seed in range(3)]
    late = [np.add(part, [8 * 16, 0, 0]) for part in thirds]
    pieces = [
        write(np.concatenate([thirds[0], late[1]])),
        write(np.concatenate([thirds[1], late[2]])),
        write(np.concatenate([thirds[2], late[2] + [0, 0, 12]])),
    ]
    assert find_works(pieces, SETTINGS).tolist() == [0, 0, 0]


def test_what_everybody_plays_is_no_evidence():
    scale = np.array([[i * 4, 4, 60 + i % 12] for i in range(32)])
    pieces = [
        write(np.concatenate([scale, np.add(melody(seed, 24), [128, 0, 0])]), 32)
        for seed in range(40)
    ]
    assert len(set(find_works(pieces, SETTINGS).tolist())) == 40


def test_standing_still_is_no_evidence():
    drones = [
        np.array([[i * 2, 2, 60 + pitch * (i % 16 == 0)] for i in range(128)]) for pitch in (5, 7)
    ]
    assert find_works([write(drone) for drone in drones], SETTINGS).tolist() == [0, 1]


def test_little_or_nothing_to_compare():
    assert find_works([], SETTINGS).tolist() == []
    short = np.zeros((4, 1, 16), np.uint8)
    assert find_works([short, short.copy()], SETTINGS).tolist() == [0, 1]


def test_copies():
    one, two = write(melody(0)), write(melody(1))
    assert find_copies([one, two, one.copy(), two.copy(), two[:-1]]).tolist() == [0, 1, 0, 1, 4]


def test_melodies_as_notes_are_the_same_works():
    lines = [melody(seed) for seed in range(12)]
    lines += [np.add(melody(3), [0, 0, 4]), melody(5)[melody(5)[:, 0] % 4 == 0], melody(20, 3)]
    beats = [beat_steps(4, 16)] * len(lines)
    found = find_line_works(lines, beats)
    assert found.tolist() == find_works([write(line) for line in lines], SETTINGS).tolist()
    assert found.tolist() == [*range(12), 3, 5, 12]


def test_melodies_in_another_metre_and_with_rests():
    broken = melody(0)
    broken[::7, 1] = 1
    late = np.add(melody(1), [3, 0, 0])
    assert find_line_works([melody(0), late, broken], [4, 6, 4]).tolist() == [0, 1, 0]
    assert find_line_works([], []).tolist() == []


def test_beats_are_those_that_are_felt():
    assert [beat_steps(*bar) for bar in ((4, 16), (6, 12), (3, 12), (9, 18), (3, 1))] == [
        4,
        6,
        4,
        6,
        1,
    ]
