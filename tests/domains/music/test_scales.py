import contextlib

import mido
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer.domains.music.scales import (
    MODES,
    Key,
    allowed_tokens,
    estimate_key,
    parse_key,
    shift_for,
)
from composer.domains.music.settings import FIRST_PITCH, HOLD, REST, MusicSettings
from composer.errors import UsageError

KEYS = [Key(fifths, mode) for fifths in range(-8, 13) for mode in MODES]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("A minor", "A minor"),
        ("a MINOR", "A minor"),
        ("Am", "A minor"),
        ("AM", "A major"),
        ("c", "C major"),
        ("F#", "F# major"),
        ("f sharp minor", "F# minor"),
        ("Gb major", "Gb major"),
        ("b", "B major"),
        ("bb", "Bb major"),
        ("Bbm", "Bb minor"),
        ("bbmin", "Bb minor"),
        ("B♭ maj", "Bb major"),
        ("Eb-dorian", "Eb dorian"),
        ("C#m", "C# minor"),
        ("a_harmonic_minor", "A harmonic minor"),
        ("D melodic minor", "D melodic minor"),
        ("G pentatonic", "G major pentatonic"),
        ("E minor pentatonic", "E minor pentatonic"),
        ("B blues", "B blues"),
        ("Bb blues", "Bb blues"),
        ("a aeolian", "A minor"),
        ("A flat mixolydian", "Ab mixolydian"),
    ],
)
def test_keys_are_read_as_people_write_them(text: str, name: str):
    assert parse_key(text).name == name


@pytest.mark.parametrize("text", ["", "H", "minor", "A foo", "A#b", "1", "A minor minor", "dorian"])
def test_other_text_is_refused_with_examples(text: str):
    with pytest.raises(UsageError, match="A minor"):
        parse_key(text)


@given(st.text("abcdefgmnijorz #♭-_1M", max_size=12))
def test_any_text_is_a_key_or_a_usage_error(text: str):
    with contextlib.suppress(UsageError):
        assert parse_key(text) in KEYS


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.name)
def test_the_name_says_the_key_and_the_signature_is_valid(key: Key):
    if abs(key.fifths - 2) <= 8:  # up to one accidental, as people write
        assert parse_key(key.name) == key
    mido.MetaMessage("key_signature", key=key.signature)
    signed = parse_key(key.signature)
    assert signed.relative_major == key.relative_major
    wide = 5 <= len(key.pitch_classes) <= 7
    assert wide
    blue = {(key.tonic + 6) % 12} if key.mode == "blues" else set()
    raised = {(key.tonic + 9) % 12, (key.tonic + 11) % 12} if "ic minor" in key.mode else set()
    assert key.pitch_classes - blue - raised <= signed.pitch_classes


@pytest.mark.parametrize(
    ("text", "signature"),
    [
        ("F#", "F#"),
        ("Gb", "Gb"),
        ("D# major", "Eb"),
        ("A minor", "Am"),
        ("D dorian", "C"),
        ("Gb mixolydian", "Cb"),
        ("E harmonic minor", "Em"),
        ("G# minor", "G#m"),
    ],
)
def test_the_signature_keeps_the_spelling_where_one_exists(text: str, signature: str):
    assert parse_key(text).signature == signature


@pytest.mark.parametrize(
    ("tonic", "text", "shift"),
    [
        (0, "C", 0),
        (0, "A minor", 0),
        (0, "D dorian", 0),
        (0, "A harmonic minor", 0),
        (0, "A blues", 0),
        (0, "B", -1),
        (0, "F#", -6),
        (0, "F", 5),
        (2, "D", 0),
        (2, "C", -2),
        (7, "E minor", 0),
    ],
)
def test_shift_goes_by_the_relative_major(tonic: int, text: str, shift: int):
    assert shift_for(MusicSettings(tonic=tonic), parse_key(text)) == shift


def test_no_key_is_no_shift():
    assert shift_for(MusicSettings(tonic=5), None) == 0


@given(st.integers(0, 11), st.sampled_from(KEYS))
def test_the_common_scale_moves_onto_the_asked_signature(tonic: int, key: Key):
    shift = shift_for(MusicSettings(tonic=tonic), key)
    assert -6 <= shift <= 5
    assert (tonic + shift) % 12 == key.relative_major


@given(st.sampled_from(KEYS), st.integers(0, 11), st.integers(0, 92))
def test_allowed_tokens_are_rest_hold_and_the_pitches_of_the_scale(key: Key, tonic: int, low: int):
    settings = MusicSettings(lows=(low, 55), tonic=tonic)
    shift = shift_for(settings, key)
    allowed = allowed_tokens(settings, key, shift)
    assert allowed.shape == (2, settings.steps, settings.classes)
    assert allowed.dtype == bool
    assert allowed[..., [REST, HOLD]].all()
    assert (allowed == allowed[:, :1]).all()
    for voice, lowest in enumerate(settings.lows):
        pitches = lowest + shift + np.flatnonzero(allowed[voice, 0, FIRST_PITCH:])
        assert {int(p) % 12 for p in pitches} == key.pitch_classes
        assert pitches.min() >= 0
        assert pitches.max() <= 127


def _line(*pitches: int, length: int = 4) -> np.ndarray:
    return np.array([(4 * i, length, pitch) for i, pitch in enumerate(pitches)]).reshape(-1, 3)


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        ([_line(64, 62, 60)], "C major"),
        ([_line(60, 60, 60, 69)], "A minor"),
        ([_line(72, 69), _line(45, 57)], "A minor"),
        ([_line(69, 69, 64)], "A minor"),
        ([_line(60, 64, 67, 67)], "C major"),
        ([_line()], "C major"),
    ],
)
def test_the_key_of_an_untransposed_piece_is_major_or_its_relative(
    lines: list[np.ndarray], name: str
):
    assert estimate_key(lines, MusicSettings()).name == name


def test_the_estimate_is_spelled_with_few_accidentals():
    names = [estimate_key([_line()], MusicSettings(tonic=t)).name.split()[0] for t in range(12)]
    assert names == ["C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"]
