"""One MIDI file as plain arrays: notes, metres, keys and tempos in ticks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from composer.domains.music.meters import is_meter
from composer.domains.music.scan import scan, size_reason

if TYPE_CHECKING:
    from pathlib import Path

    from symusic.core import ScoreTick, TrackTick


_SLOWEST, _FASTEST = 5, 500  # quarter notes a minute; what lies outside is a mistake
_MOST_SHARPS = 7
_MOST_CHANGES = 10_000


class UnusableFileError(Exception):
    """This file cannot be used; the message is the reason, for the report."""


@dataclass(frozen=True)
class Track:
    """The notes of one instrument.

    Attributes:
        notes: int64 ``[n, 3]``: start and length in ticks, MIDI pitch; sorted by start.
        program: General MIDI program, 0-127.
        number: which track of the file it is, for people (from 1).
    """

    notes: np.ndarray
    program: int
    number: int


@dataclass(frozen=True)
class MidiFile:
    """What a MIDI file says, in ticks.

    Attributes:
        ticks: ticks in a quarter note.
        tracks: pitched tracks with notes, in order of the file.
        meters: int64 ``[n, 3]``: tick, beats, unit; sorted, changes only, the first at 0.
        keys: int64 ``[n, 3]``: tick, sharps (-7 to 7), 1 for minor; sorted.
        end: tick at which the last note ends.
        tempo: median tempo in quarter notes a minute; None where the file names none.
        drums: numbers of the drum tracks, which are left out.
        empty: number of notes of zero length left out.
    """

    ticks: int
    tracks: tuple[Track, ...]
    meters: np.ndarray
    keys: np.ndarray
    end: int
    tempo: float | None
    drums: tuple[int, ...]
    empty: int


def parse_file(path: Path) -> MidiFile:
    """Read one file; UnusableFileError with the reason where that is not possible."""
    try:
        reason = size_reason(path.stat().st_size)
        data = path.read_bytes() if reason is None else b""
    except OSError as error:
        message = f"cannot be read: {error.strerror or error}"
        raise UnusableFileError(message) from error
    if reason is not None:
        raise UnusableFileError(reason)
    return parse(data)


def parse(data: bytes) -> MidiFile:
    """The arrays of a MIDI file's bytes; UnusableFileError with the reason where it has none."""
    if (reason := scan(data)) is not None:
        raise UnusableFileError(reason)
    import symusic

    try:
        score = symusic.core.ScoreTick.from_midi(data)
    except Exception as error:  # whatever the parser raises is a fault of this file
        text = " ".join(str(error).split()).removeprefix("MiniMidi: ")
        message = f"damaged: {text or type(error).__name__}"
        raise UnusableFileError(message) from error
    return _from_score(score)


def _from_score(score: ScoreTick) -> MidiFile:
    for events in (score.time_signatures, score.key_signatures, score.tempos):
        if len(events) > _MOST_CHANGES:
            message = f"{len(events):,} changes of metre, key or tempo: too many"
            raise UnusableFileError(message)
    tracks: list[Track] = []
    drums: list[int] = []
    empty = 0
    for number, track in enumerate(score.tracks, 1):
        if track.is_drum:
            drums.append(number)
            continue
        notes = _notes(track)
        sounding = notes[notes[:, 1] > 0]
        empty += len(notes) - len(sounding)
        if len(sounding):
            tracks.append(Track(sounding, track.program, number))
    if not tracks:
        message = "only drums" if drums else "no notes of any length"
        raise UnusableFileError(message)
    if min(track.notes[0, 0] for track in tracks) < 0:
        message = "damaged: its time overflows"
        raise UnusableFileError(message)
    tempos = [tempo.qpm for tempo in score.tempos if _SLOWEST <= tempo.qpm <= _FASTEST]
    return MidiFile(
        ticks=score.tpq,
        tracks=tuple(tracks),
        meters=_meters([(s.time, s.numerator, s.denominator) for s in score.time_signatures]),
        keys=_keys([(k.time, k.key, k.tonality) for k in score.key_signatures]),
        end=max(int((track.notes[:, 0] + track.notes[:, 1]).max()) for track in tracks),
        tempo=float(np.median(tempos)) if tempos else None,
        drums=tuple(drums),
        empty=empty,
    )


def _notes(track: TrackTick) -> np.ndarray:
    """int64 ``[n, 3]``: start, length, pitch; sorted by start."""
    columns = track.notes.numpy()
    notes = np.empty((len(columns["time"]), 3), np.int64)
    for index, name in enumerate(("time", "duration", "pitch")):
        notes[:, index] = columns[name]
    if (notes[1:, 0] < notes[:-1, 0]).any():
        notes = notes[np.argsort(notes[:, 0], kind="stable")]
    return notes


def _meters(events: list[tuple[int, int, int]]) -> np.ndarray:
    """Changes of metre; 4/4 where the file says nothing or nonsense, as MIDI defines it."""
    changes = [(0, 4, 4)]
    for time, beats, unit in sorted(set(events)):
        if not is_meter(beats, unit):
            continue
        if time <= changes[-1][0]:
            changes[-1] = (time, beats, unit)
        elif (beats, unit) != changes[-1][1:]:
            changes.append((time, beats, unit))
    return np.array(changes, np.int64)


def _keys(events: list[tuple[int, int, int]]) -> np.ndarray:
    """Key signatures that make sense, sorted by time, each once."""
    usable = {event for event in events if abs(event[1]) <= _MOST_SHARPS and event[2] in {0, 1}}
    return np.array(sorted(usable), np.int64).reshape(-1, 3)
