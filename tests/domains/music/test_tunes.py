from __future__ import annotations

import numpy as np
import pytest
import symusic
from hypothesis import given
from hypothesis import strategies as st

from composer.domains.music.tunes import (
    STEPS_PER_BEAT,
    VALUES,
    parse_tune,
    read_tunes,
    tune_midi,
)
from composer.errors import DataError

HEADER = "title: Été\norigin: traditional\nmeter: 4/4\nkey: A minor\ntempo: 96\n\n"
NAMES = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"]


def parse(notes: str, header: str = HEADER):
    return parse_tune(header + notes, "t.txt")


def test_values_carry_on_and_accidentals_do_not():
    tune = parse("F#4q. F4e Bb4h | R A3~ |\nA3 E#4 | C4q |")
    q = STEPS_PER_BEAT
    assert tune.notes.tolist() == [
        [0, 3 * q // 2, 66],
        [3 * q // 2, q // 2, 65],
        [2 * q, 2 * q, 70],
        [6 * q, 4 * q, 57],
        [10 * q, 2 * q, 65],
        [12 * q, q, 60],
    ]
    assert tune.bars == 4
    assert (tune.title, tune.meter, tune.tempo, tune.key.name) == ("Été", (4, 4), 96.0, "A minor")


def test_an_upbeat_ends_the_first_bar():
    tune = parse("C4q | D4w | E4h. |")
    assert tune.notes[:, 0].tolist() == [24, 32, 64]
    assert tune.bars == 3


def test_a_bar_may_go_over_lines_and_the_last_bar_line_may_lack():
    assert parse("C4h\nD4 | E4w").notes[:, 0].tolist() == [0, 16, 32]


@pytest.mark.parametrize(
    ("notes", "message"),
    [
        ("C4w | D4h. | E4w |", "line 7, bar 2: it holds 3 quarter notes, a bar of 4/4 4"),
        ("C4w |\nD4w E4q |", "line 8, bar 2: it holds 5 quarter notes"),
        ("C4w | | E4w |", "line 7, bar 2: it holds 0 quarter notes"),
        ("C4 D4 |", "line 7, bar 1: the first note 'C4' needs a value, like C4q"),
        ("C4q H4 |", "line 7, bar 1: 'H4' is no note"),
        ("C4x |", "'C4x' is no note"),
        ("C9w |", "'C9w' is no note"),
        ("C4h~ D4 |", "'D4' does not continue the tied note"),
        ("C4h~ R |", "'R' does not continue the tied note"),
        ("C4w~ |", "it ends with a tie"),
        ("Rw | R |", "it holds rests only"),
        ("", "there are no notes"),
    ],
)
def test_wrong_notes_are_told_with_line_and_bar(notes, message):
    with pytest.raises(DataError) as error:
        parse(notes)
    assert str(error.value).startswith("t.txt")
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("key: A minor\n", "", "the header lacks key"),
        ("key: A minor", "kye: A minor", "line 4: 'kye: A minor' is no header"),
        ("key: A minor", "title: again", "line 4: 'title: again' is no header"),
        ("key: A minor", "key: H minor", "H minor"),
        ("meter: 4/4", "meter: four", "'four' is not a metre"),
        ("tempo: 96", "tempo: allegro", "tempo 'allegro' is not a number"),
        ("tempo: 96", "tempo: 0", "tempo '0' is not a number"),
        ("title: Été", "title:", "'title:' is no header"),
    ],
)
def test_wrong_headers_are_told(old, new, message):
    with pytest.raises(DataError) as error:
        parse("C4w |", HEADER.replace(old, new))
    assert message in str(error.value)


words = st.tuples(
    st.sampled_from(NAMES), st.integers(2, 6), st.sampled_from(sorted(VALUES)), st.booleans()
)


@given(st.lists(words, min_size=1, max_size=30))
def test_the_midi_holds_what_was_written(tmp_path_factory, notes):
    """Bars are made of whatever fits: each note is followed by rests up to the bar line."""
    bars, expected = [], []
    for name, octave, value, dotted in notes:
        dot = dotted and value != "w"
        size = VALUES[value] * 3 // 2 if dot else VALUES[value]
        odd = size % 2
        rests = ["Rs."] * odd + ["Rs"] * ((32 - size - 3 * odd) // 2)
        bars.append(" ".join([f"{name}{octave}{value}{'.' * dot}", *rests]))
        expected.append([size, 12 * (octave + 1) + NAMES.index(name)])
    tune = parse(" |\n".join(bars))
    path = tmp_path_factory.mktemp("tune") / "tune.mid"
    path.write_bytes(tune_midi(tune))
    read = symusic.Score(str(path)).tracks[0].notes.numpy()
    steps = 480 // STEPS_PER_BEAT
    made = np.stack([read["duration"] // steps, read["pitch"]], axis=1)
    assert made.tolist() == expected
    assert (read["time"] == np.arange(len(notes)) * 32 * steps).all()


def test_the_midi_names_metre_key_tempo_and_title(tmp_path):
    tune = parse("C4q | D4w |", HEADER.replace("4/4", "3/2"))
    path = tmp_path / "tune.mid"
    path.write_bytes(tune_midi(tune))
    score = symusic.Score(str(path))
    assert [(s.numerator, s.denominator) for s in score.time_signatures] == [(3, 2)]
    assert [(k.key, k.tonality) for k in score.key_signatures] == [(0, 1)]
    assert score.tempos[0].qpm == pytest.approx(96)
    assert "Été".encode() in path.read_bytes()
    assert np.array_equal(score.tracks[0].notes.numpy()["time"], tune.notes[:, 0] * 60)


def test_a_folder_is_read_in_order_and_all_that_is_wrong_is_told(tmp_path):
    with pytest.raises(DataError, match="there are no tunes"):
        read_tunes(tmp_path)
    for name in ("b", "a"):
        (tmp_path / f"{name}.txt").write_text(HEADER + "C4w |", encoding="utf-8")
    assert list(read_tunes(tmp_path)) == ["a", "b"]
    (tmp_path / "a.txt").write_text(HEADER + "C4x |", encoding="utf-8")
    (tmp_path / "c.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError) as error:
        read_tunes(tmp_path)
    assert [line[:5] for line in str(error.value).splitlines()] == ["a.txt", "c.txt"]
