"""Tunes written down as text: the form that ``datasets/README.md`` describes, read and played.

::

    title: Frère Jacques
    origin: traditional round, France, 18th century
    meter: 4/4
    key: F major
    tempo: 112

    F4q G4 A4 F4 | F4 G4 A4 F4 |
    A4 Bb4 C5h | A4q Bb4 C5h |
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from composer.domains.music.meters import parse_meter
from composer.domains.music.midi import Part, midi_bytes
from composer.domains.music.scales import Key, parse_key
from composer.errors import DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from composer.domains.music.meters import Meter

STEPS_PER_BEAT = 8  # a dotted sixteenth is three steps
VALUES = {"w": 32, "h": 16, "q": 8, "e": 4, "s": 2}  # whole, half, quarter, eighth, sixteenth
HEADER = ("title", "origin", "meter", "key", "tempo")
SLOWEST, FASTEST = 20.0, 400.0
VELOCITY = 80
_NOTE = re.compile(
    r"(?:(?P<letter>[A-G])(?P<sign>[#b]?)(?P<octave>[0-8])|R)(?P<value>[whqes]\.?)?(?P<tie>~?)"
)
_PITCH_CLASSES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


@dataclass(frozen=True)
class Tune:
    """A melody.

    Attributes:
        title: its name.
        origin: who made it, where and when.
        meter: beats in a bar and their unit.
        key: tonic and mode.
        tempo: quarter notes a minute.
        notes: int64 ``[n, 3]``: start in steps (``STEPS_PER_BEAT`` a quarter), length, MIDI pitch.
        bars: number of bars; an upbeat is the end of the first one.
    """

    title: str
    origin: str
    meter: Meter
    key: Key
    tempo: float
    notes: np.ndarray
    bars: int


@dataclass
class _Bar:
    """A bar while it is read: where it stands in the text, and its words."""

    line: int
    words: list[str] = field(default_factory=list)


def parse_tune(text: str, source: str = "tune") -> Tune:
    """Read a tune; ``source`` is its name in messages.

    Raises:
        DataError: naming the line, and the bar where one does not sum up to the metre.
    """
    lines = text.splitlines()
    header, first = _parse_header(lines, source)
    meter, key, tempo = _parse_values(header, source)
    full = meter[0] * 4 * STEPS_PER_BEAT // meter[1]
    bars = list(_split_bars(lines[first:], first + 1))
    if not bars:
        message = f"{source}: there are no notes below the header"
        raise DataError(message)
    notes, end = _parse_bars(bars, full, f"{meter[0]}/{meter[1]}", source)
    return Tune(header["title"], header["origin"], meter, key, tempo, notes, -(-end // full))


def _parse_header(lines: list[str], source: str) -> tuple[dict[str, str], int]:
    """The fields above the first empty line, and the index of the line below it."""
    header: dict[str, str] = {}
    for index, line in enumerate(lines):
        if not line.strip():
            break
        name, colon, value = (part.strip() for part in line.partition(":"))
        if not colon or name not in HEADER or name in header or not value:
            message = (
                f"{source}, line {index + 1}: '{line.strip()}' is no header; the header has one "
                f"line each 'title: ...' for {', '.join(HEADER)}, then an empty line"
            )
            raise DataError(message)
        header[name] = value
    missing = [name for name in HEADER if name not in header]
    if missing:
        message = f"{source}: the header lacks {', '.join(missing)}"
        raise DataError(message)
    return header, len(HEADER) + 1


def _parse_values(header: dict[str, str], source: str) -> tuple[Meter, Key, float]:
    """Metre, key and tempo of a header."""
    try:
        meter, key = parse_meter(header["meter"]), parse_key(header["key"])
    except UsageError as error:
        message = f"{source}: {error}"
        raise DataError(message) from error
    tempo = header["tempo"]
    if not re.fullmatch(r"\d{1,3}(\.\d+)?", tempo) or not SLOWEST <= float(tempo) <= FASTEST:
        message = (
            f"{source}: tempo '{tempo}' is not a number of quarter notes a minute "
            f"from {SLOWEST:g} to {FASTEST:g}"
        )
        raise DataError(message)
    return meter, key, float(tempo)


def _split_bars(lines: Iterable[str], number: int) -> Iterator[_Bar]:
    """The bars between bar lines; ``number`` is that of the first line."""
    bar = None
    for line_number, line in enumerate(lines, start=number):
        for word in line.replace("|", " | ").split():
            bar = bar or _Bar(line_number)
            if word == "|":
                yield bar
                bar = None
            else:
                bar.words.append(word)
    if bar is not None:
        yield bar


def _parse_bars(bars: list[_Bar], full: int, meter: str, source: str) -> tuple[np.ndarray, int]:
    """Notes as in ``Tune`` and the step where they end.

    Only an upbeat and the last bar may be shorter than ``full`` steps.
    """
    notes: list[tuple[int, int, int]] = []
    value, tied, position = None, False, 0
    for index, bar in enumerate(bars):
        start = position
        place = f"{source}, line {bar.line}, bar {index + 1}"
        for word in bar.words:
            pitch, value, tie = _parse_word(word, value, place)
            if tied and (pitch is None or not notes or notes[-1][2] != pitch):
                message = f"{place}: '{word}' does not continue the tied note before it"
                raise DataError(message)
            if tied:
                notes[-1] = (notes[-1][0], notes[-1][1] + value, notes[-1][2])
            elif pitch is not None:
                notes.append((position, value, pitch))
            tied = tie
            position += value
        length = position - start
        if length > full or (length < full and index not in {0, len(bars) - 1}) or not length:
            beats = f"{length / STEPS_PER_BEAT:g} quarter notes"
            message = f"{place}: it holds {beats}, a bar of {meter} {full / STEPS_PER_BEAT:g}"
            raise DataError(message)
        if index == 0 and len(bars) > 1:
            shift = full - length  # an upbeat ends with the first bar
            notes = [(begin + shift, size, pitch) for begin, size, pitch in notes]
            position += shift
    if tied or not notes:
        message = f"{source}: it ends with a tie" if tied else f"{source}: it holds rests only"
        raise DataError(message)
    return np.array(notes, dtype=np.int64), position


def _parse_word(word: str, value: int | None, place: str) -> tuple[int | None, int, bool]:
    """MIDI pitch (None for a rest), length in steps, and whether a tie follows."""
    match = _NOTE.fullmatch(word)
    if match is None:
        message = f"{place}: '{word}' is no note; write it like C4q, F#5e., Bb4h or Rq"
        raise DataError(message)
    if match["value"]:
        value = VALUES[match["value"][0]]
        value += value // 2 if match["value"].endswith(".") else 0
    if value is None:
        message = f"{place}: the first note '{word}' needs a value, like {word}q"
        raise DataError(message)
    if match["letter"] is None:
        return None, value, False
    sign = {"#": 1, "b": -1, "": 0}[match["sign"]]
    pitch = 12 * (int(match["octave"]) + 1) + _PITCH_CLASSES[match["letter"]] + sign
    return pitch, value, bool(match["tie"])


def tune_midi(tune: Tune) -> bytes:
    """A MIDI file with the tune on one track, rests before an upbeat, title and origin as text."""
    velocities = np.full((len(tune.notes), 1), VELOCITY, dtype=np.int64)
    return midi_bytes(
        [Part("Melody", 0, np.hstack([tune.notes, velocities]))],
        steps_per_beat=STEPS_PER_BEAT,
        tempo=tune.tempo,
        meter=tune.meter,
        key=tune.key.signature,
        texts=[tune.title, tune.origin],
        steps=tune.bars * tune.meter[0] * 4 * STEPS_PER_BEAT // tune.meter[1],
    )


def read_tunes(folder: Path) -> dict[str, Tune]:
    """The tunes of all ``*.txt`` files in a folder, by name without suffix, sorted.

    Raises:
        DataError: where there are none; or one line for each that is wrong.
    """
    tunes, problems = {}, []
    for path in sorted(folder.glob("*.txt")):
        try:
            tunes[path.stem] = parse_tune(path.read_text(encoding="utf-8"), path.name)
        except DataError as error:
            problems.append(str(error))
        except (OSError, UnicodeDecodeError) as error:
            problems.append(f"{path.name}: it cannot be read as UTF-8 text ({error})")
    if problems:
        raise DataError("\n".join(problems))
    if not tunes:
        message = f"there are no tunes (*.txt) in {folder}"
        raise DataError(message)
    return tunes
