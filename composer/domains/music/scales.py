"""Keys and scales: what ``--key`` may say, how far to transpose for it, which tokens it allows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from composer.domains.music.settings import FIRST_PITCH
from composer.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from composer.domains.music.settings import MusicSettings


@dataclass(frozen=True)
class Mode:
    """A scale over its tonic.

    Attributes:
        intervals: semitones above the tonic.
        fifths: where the tonic lies on the circle of fifths, seen from the major key that has the
            same signature (minor: 3, as A is three fifths above C).
    """

    intervals: tuple[int, ...]
    fifths: int


MODES = {
    "major": Mode((0, 2, 4, 5, 7, 9, 11), 0),
    "minor": Mode((0, 2, 3, 5, 7, 8, 10), 3),
    "dorian": Mode((0, 2, 3, 5, 7, 9, 10), 2),
    "phrygian": Mode((0, 1, 3, 5, 7, 8, 10), 4),
    "lydian": Mode((0, 2, 4, 6, 7, 9, 11), -1),
    "mixolydian": Mode((0, 2, 4, 5, 7, 9, 10), 1),
    "locrian": Mode((0, 1, 3, 5, 6, 8, 10), 5),
    "harmonic minor": Mode((0, 2, 3, 5, 7, 8, 11), 3),
    "melodic minor": Mode((0, 2, 3, 5, 7, 9, 11), 3),
    "major pentatonic": Mode((0, 2, 4, 7, 9), 0),
    "minor pentatonic": Mode((0, 3, 5, 7, 10), 3),
    "blues": Mode((0, 3, 5, 6, 7, 10), 3),
}

# What people write, without spaces, for each mode.
_SPELLINGS = {name.replace(" ", ""): name for name in MODES} | {
    "": "major",
    "maj": "major",
    "ionian": "major",
    "m": "minor",
    "min": "minor",
    "aeolian": "minor",
    "naturalminor": "minor",
    "pentatonic": "major pentatonic",
    "pentatonicmajor": "major pentatonic",
    "pentatonicminor": "minor pentatonic",
    "minorblues": "blues",
}
_KEY = re.compile(
    rf"([a-g])(#|♯|sharp|b|♭|flat|)({'|'.join(sorted(_SPELLINGS, key=len, reverse=True))})"
)
_LETTERS = "FCGDAEB"


@dataclass(frozen=True)
class Key:
    """A tonic and a mode.

    Attributes:
        fifths: the tonic as spelled, in fifths above C (F# is 6, Gb is -6).
        mode: a name in ``MODES``.
    """

    fifths: int
    mode: str

    @property
    def tonic(self) -> int:
        """Pitch class of the tonic, 0 = C."""
        return self.fifths * 7 % 12

    @property
    def name(self) -> str:
        """For people, e.g. ``"Bb dorian"``."""
        return f"{_spelled(self.fifths)} {self.mode}"

    @property
    def pitch_classes(self) -> frozenset[int]:
        """The pitch classes of the scale."""
        return frozenset((self.tonic + step) % 12 for step in MODES[self.mode].intervals)

    @property
    def relative_major(self) -> int:
        """Pitch class of the major tonic with the same key signature."""
        return (self.fifths - MODES[self.mode].fifths) * 7 % 12

    @property
    def signature(self) -> str:
        """The key signature as MIDI names it (``"F#"``, ``"Am"``); other modes as their major."""
        offset = MODES[self.mode].fifths
        sharps = self.fifths - offset
        if abs(sharps) > 7:  # noqa: PLR2004 - no signature has more; respell D# major as Eb major
            sharps -= 12 * (1 if sharps > 0 else -1)
        if offset == MODES["minor"].fifths:
            return f"{_spelled(sharps + offset)}m"
        return _spelled(sharps)


def _spelled(fifths: int) -> str:
    """The note so many fifths above C: 1 is ``"G"``, 6 is ``"F#"``, -2 is ``"Bb"``."""
    sharps, letter = divmod(fifths + 1, 7)
    return _LETTERS[letter] + "#" * sharps + "b" * -sharps


def parse_key(text: str) -> Key:
    """Read a key as people write it: ``"A minor"``, ``"Am"``, ``"F#"``, ``"Eb-dorian"``.

    Raises:
        UsageError: where it names no key; the message shows what would.
    """
    compact = re.sub(r"[\s_-]+", "", text)
    if compact.endswith("M"):  # as in chord symbols, where only the case tells CM from Cm
        compact += "aj"
    match = _KEY.fullmatch(compact.lower())
    if match is None:
        message = (
            f"'{text}' is not a key: give a note and a mode, as in 'A minor', 'F#', 'Bb major', "
            f"'D dorian'; the modes are {', '.join(MODES)}"
        )
        raise UsageError(message)
    letter, accidental, mode = match.groups()
    alteration = 0 if not accidental else 7 if accidental in {"#", "♯", "sharp"} else -7
    return Key(_LETTERS.index(letter.upper()) - 1 + alteration, _SPELLINGS[mode])


def shift_for(settings: MusicSettings, key: Key | None) -> int:
    """Semitones from the common key of the model to the asked one, in -6..5; 0 for None.

    All modes go by their relative major, so that a model in C writes A minor and D dorian as is.
    """
    if key is None:
        return 0
    return (key.relative_major - settings.tonic + 6) % 12 - 6


def allowed_tokens(settings: MusicSettings, key: Key, shift: int) -> np.ndarray:
    """Tokens that, written ``shift`` semitones higher, lie in the scale of ``key``.

    Rests and holds are always allowed: a hold continues a pitch that was.

    Returns:
        bool ``[voices, steps, classes]``.
    """
    pitches = np.asarray(settings.lows)[:, None] + np.arange(settings.pitches) + shift
    allowed = np.ones((settings.voices, settings.classes), dtype=bool)
    allowed[:, FIRST_PITCH:] = np.isin(pitches % 12, list(key.pitch_classes))
    allowed[:, FIRST_PITCH:] &= (pitches >= 0) & (pitches <= 127)  # noqa: PLR2004 - MIDI's range
    return np.repeat(allowed[:, None], settings.steps, axis=1)


def estimate_key(notes: Sequence[np.ndarray], settings: MusicSettings) -> Key:
    """The common key of a piece that was written untransposed: major, or its relative minor.

    The last note of the lowest voice decides where it is one of the two tonics, else the tonic
    that sounds longer.

    Args:
        notes: one int64 ``[n, 3]`` (start step, length in steps, MIDI pitch) a voice.
        settings: the model's, for the common tonic.
    """
    major = Key((settings.tonic * 7 + 5) % 12 - 5, "major")
    minor = Key(major.fifths + MODES["minor"].fifths, "minor")
    sounding = [line for line in notes if len(line)]
    if not sounding:
        return major
    last = sounding[-1][-1, 2] % 12
    if last in {major.tonic, minor.tonic}:
        return minor if last == minor.tonic else major
    line = np.concatenate(sounding)
    weight = np.bincount(line[:, 2] % 12, weights=line[:, 1], minlength=12)
    return minor if weight[minor.tonic] > weight[major.tonic] else major
