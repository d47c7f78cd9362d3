"""What is permitted is what brute force finds in no tune; what is mended is permitted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from composer.domains.music.copies import LEAST, CopyLimit, Stretches, limit_asked
from composer.domains.music.domain import MusicDomain
from composer.domains.music.midi import Part, midi_bytes
from composer.domains.music.originality import collect
from composer.domains.music.parse import parse
from composer.domains.music.settings import FIRST_PITCH, HOLD, REST, MusicSettings
from composer.domains.music.write import notes_from_tokens
from composer.errors import DataError, UsageError

STEPS = 4
TUNE = [(0, 60), (2, 62), (4, 64), (5, 60), (8, 67), (10, 65), (12, 64), (14, 62), (15, 60)]


def small(lows=(58,), pitches=12, steps_per_beat=STEPS):
    """Bars of one beat."""
    return MusicSettings(
        meter=(1, 4), steps_per_beat=steps_per_beat, lows=lows, pitches=pitches, bars=4
    )


def line(onsets):
    """Start and pitch of each note -> int64 [n, 3]; each lasts a step."""
    starts, pitches = np.array(onsets).T
    return np.stack([starts, np.ones_like(starts), pitches], axis=1)


def midi(*lines, steps_per_beat=STEPS):
    parts = [Part("line", 0, np.insert(one, 3, 80, axis=1)) for one in lines]
    return midi_bytes(parts, steps_per_beat=steps_per_beat, tempo=100, meter=(4, 4), key="C")


def strings(*lines):
    return collect([parse(midi(one)) for one in lines], STEPS)


def bars(onsets, settings, count, voice=0):
    """The notes as tokens, held until the next: uint8 [count, voices, steps]."""
    tokens = np.full((settings.voices, count * settings.steps), HOLD, np.uint8)
    for start, pitch in onsets:
        tokens[voice, start] = FIRST_PITCH + pitch - settings.lows[voice]
    return tokens.reshape(settings.voices, count, settings.steps).transpose(1, 0, 2)


def symbols(notes):
    return [tuple(symbol) for symbol in np.diff(notes[:, [0, 2]], axis=0).tolist()]


def parts(string, size):
    return {tuple(string[start : start + size]) for start in range(len(string) - size + 1)}


@st.composite
def lines(draw):
    drawn = draw(st.lists(st.tuples(st.integers(1, 2), st.integers(60, 62)), min_size=2))
    waits, pitches = np.array(drawn).T
    return line(np.stack([np.cumsum(waits), pitches], axis=1))


LINE = lines()


@given(st.lists(LINE, min_size=1, max_size=4), LINE, st.integers(1, 9))
def test_stretches_are_those_of_brute_force(known, asked, size):
    found = Stretches(strings(*known), size).begin(strings(asked))
    everywhere = set().union(*(parts(symbols(one), size) for one in known))
    string = symbols(asked)
    there = [
        start + size <= len(string) and tuple(string[start : start + size]) in everywhere
        for start in range(len(asked))
    ]
    assert found.tolist() == there


def test_a_size_beyond_every_line_is_found_nowhere():
    known = strings(line(TUNE))
    for size in (8, 9, 16, 1000):
        assert Stretches(known, size).begin(known).sum() == (size == 8)


TOKENS = st.sampled_from([REST, HOLD, HOLD, FIRST_PITCH, FIRST_PITCH + 1, FIRST_PITCH + 2])


@given(
    st.lists(LINE, min_size=1, max_size=3),
    arrays(np.uint8, (6, 2, STEPS), elements=TOKENS),
    st.integers(LEAST, 6),
)
def test_a_piece_of_permitted_and_mended_bars_holds_no_passage(known, tokens, limit):
    settings = small((60, 48), 3)
    rule = CopyLimit(strings(*known), limit, settings)
    everywhere = set().union(*(parts(symbols(one), limit) for one in known))

    def copied(piece):
        voices = notes_from_tokens(piece, settings)
        return any(parts(symbols(notes), limit) & everywhere for notes in voices)

    piece = tokens[:0]
    for bar in tokens:
        longer = np.concatenate((piece, bar[None]))
        (permitted,) = rule.permits(piece, bar[None])
        assert permitted == (not copied(longer))
        mended = rule.mend(piece, bar)
        changed = mended != bar
        assert changed.any() == (not permitted)
        assert (mended[changed] == HOLD).all()
        piece = np.concatenate((piece, mended[None]))
        assert rule.permits(piece[:-1], mended[None]).all()
        assert not copied(piece)


def test_a_passage_goes_on_over_bar_lines_and_held_notes_in_any_key():
    settings = small()
    rule = CopyLimit(strings(line(TUNE)), 5, settings)
    up = [(start, pitch + 1) for start, pitch in TUNE]
    piece = bars(up, settings, 4)
    # the sixth note is the first too many: the second of bar 3
    permitted = [bool(rule.permits(piece[:bar], piece[bar : bar + 1])[0]) for bar in range(4)]
    assert permitted == [True, True, False, False]
    (mended,) = rule.mend(piece[:2], piece[2])
    assert mended.tolist() == [piece[2, 0, 0], HOLD, HOLD, HOLD]
    assert rule.permits(piece[:2], np.full((1, 1, STEPS), HOLD, np.uint8)).all()
    assert rule.permits(piece[:0], np.full((1, 1, STEPS), REST, np.uint8)).all()
    # a rest in between changes no onset; one note off changes the passage
    rested = piece[2:3].copy()
    rested[0, 0, 1] = REST
    other = piece[2:3].copy()
    other[0, 0, 2] += 1
    assert rule.permits(piece[:2], np.concatenate((rested, other))).tolist() == [False, True]


def test_voices_are_lines_of_their_own():
    settings = small((58, 46))
    rule = CopyLimit(strings(line(TUNE)), 5, settings)
    low = [(start, pitch - 12) for start, pitch in TUNE]
    below = bars(low, settings, 4, voice=1)
    assert not rule.permits(below[:2], below[2:3]).any()
    assert rule.mend(below[:2], below[2])[1, 2:].tolist() == [HOLD, HOLD]
    # half of it above, half below: no line has all of it
    halves = np.concatenate((bars(TUNE, settings, 4)[:2], below[2:]))
    assert rule.permits(halves[:2], halves[2:3]).all()


def test_what_is_written_counts_where_a_key_takes_pitches_out_of_midis_range():
    settings = small((116,), 12)
    top = [(start, pitch + 60) for start, pitch in TUNE]
    piece = bars(top, settings, 4)
    folded = notes_from_tokens(piece, settings, 5)[0]
    assert len(set(symbols(folded)) - set(symbols(line(TUNE))))
    as_it_is, as_folded = (
        CopyLimit(strings(one), 5, settings, shift=5) for one in (line(TUNE), folded)
    )
    assert as_it_is.permits(piece[:2], piece[2:3]).all()
    assert not as_folded.permits(piece[:2], piece[2:3]).any()


def test_the_folder_is_read_on_the_grid_of_the_model(tmp_path):
    triplets = line([(4 * start, pitch) for start, (_, pitch) in enumerate(TUNE)])
    (tmp_path / "tune.mid").write_bytes(midi(triplets, steps_per_beat=12))
    (tmp_path / "text.mid").write_text("no music")
    options = {"max_copy": 5, "data": str(tmp_path)}
    for steps_per_beat, permitted in ((12, False), (4, True)):
        settings = small(steps_per_beat=steps_per_beat)
        rule = MusicDomain(settings.as_json()).rule(options)
        piece = bars([(n, p) for n, _, p in triplets.tolist()], small(steps_per_beat=12), 3)
        piece = piece.reshape(-1, 1, settings.steps)
        places = range(len(piece))
        each = [rule.permits(piece[:place], piece[place : place + 1]).all() for place in places]
        assert all(each) == permitted


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_copy": 6}, "--max-copy needs --data"),
        ({"data": "tunes"}, "add --max-copy"),
        ({"max_copy": 3, "data": "tunes"}, "at least 4"),
        ({"max_copy": 0, "data": "tunes"}, "at least 4"),
    ],
)
def test_options_that_are_of_no_use_are_refused(options, message):
    domain = MusicDomain(small().as_json())
    for refuse in (domain.check, domain.rule):
        with pytest.raises(UsageError, match=message):
            refuse(options)


def test_without_the_options_there_is_no_rule_and_to_check_them_a_folder_is_not_read(tmp_path):
    domain = MusicDomain(small().as_json())
    assert domain.rule({"max_copy": None, "data": None}) is None
    assert limit_asked({}) is None
    domain.check({"max_copy": 6, "data": str(tmp_path)})
    with pytest.raises(DataError, match="no music"):
        domain.rule({"max_copy": 6, "data": str(tmp_path)})
    for refuse in (domain.check, domain.rule):
        with pytest.raises(DataError, match="cannot read the folder 'nowhere'"):
            refuse({"max_copy": 6, "data": "nowhere"})
