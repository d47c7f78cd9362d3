"""Writing Standard MIDI Files, and reading back the text that was put inside."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from composer.checkpoint import replace_file
from composer.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import mido

TICKS_PER_QUARTER = 480
DRUM_CHANNEL = 9


@dataclass(frozen=True)
class Part:
    """One voice as it is played.

    Attributes:
        name: of the track.
        program: General MIDI program, 0-127.
        notes: int64 ``[n, 4]``: start step, length in steps (at least 1), MIDI pitch 0-127,
            velocity 1-127; sorted by start.
    """

    name: str
    program: int
    notes: np.ndarray


def write_midi(
    path: Path,
    parts: Sequence[Part],
    *,
    steps_per_beat: int,
    tempo: float,
    meter: tuple[int, int],
    key: str,
    texts: Sequence[str] = (),
    steps: int | None = None,
) -> None:
    """Write a type 1 file atomically, in place of what is there; see ``midi_bytes``."""
    data = midi_bytes(
        parts,
        steps_per_beat=steps_per_beat,
        tempo=tempo,
        meter=meter,
        key=key,
        texts=texts,
        steps=steps,
    )
    write_atomically(path, data)


def midi_bytes(
    parts: Sequence[Part],
    *,
    steps_per_beat: int,
    tempo: float,
    meter: tuple[int, int],
    key: str,
    texts: Sequence[str] = (),
    steps: int | None = None,
) -> bytes:
    """A type 1 file: a conductor track, then one track and channel a part (never the drums').

    A quarter has 480 ticks, or the next multiple of ``steps_per_beat`` where that does not divide
    480, so that every step falls on a tick.

    Args:
        parts: at most 15.
        steps_per_beat: grid steps in a quarter note.
        tempo: quarter notes a minute.
        meter: e.g. ``(6, 8)``; the unit is a power of two.
        key: signature as mido names it, ``"C"``, ``"F#m"``.
        texts: text events at the start of the conductor track.
        steps: where all tracks end; the end of the last note if None.
    """
    import mido

    ticks = -(-TICKS_PER_QUARTER // steps_per_beat)
    if steps is None:
        steps = max(
            (int((p.notes[:, 0] + p.notes[:, 1]).max()) for p in parts if len(p.notes)), default=0
        )
    numerator, denominator = meter
    conductor = [
        *(mido.MetaMessage("text", text=text) for text in texts),
        mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(tempo)),
        mido.MetaMessage(
            "time_signature",
            numerator=numerator,
            denominator=denominator,
            clocks_per_click=96 // denominator * (3 if is_compound(meter) else 1),
        ),
        mido.MetaMessage("key_signature", key=key),
        mido.MetaMessage("end_of_track", time=steps * ticks),
    ]
    file = mido.MidiFile(type=1, ticks_per_beat=ticks * steps_per_beat, charset="utf-8")
    file.tracks.append(mido.MidiTrack(conductor))
    channels = [channel for channel in range(16) if channel != DRUM_CHANNEL]
    for part, channel in zip(parts, channels[: len(parts)], strict=True):
        file.tracks.append(mido.MidiTrack(_track(part, channel, ticks, steps)))
    buffer = io.BytesIO()
    file.save(file=buffer)
    return buffer.getvalue()


def is_compound(meter: tuple[int, int]) -> bool:
    """Whether three units make a beat, as in 6/8."""
    numerator, denominator = meter
    return denominator >= 8 and numerator > 3 and numerator % 3 == 0  # noqa: PLR2004 - eighths


def _track(part: Part, channel: int, ticks: int, steps: int) -> Iterable[mido.Message]:
    """Messages of one part with delta times; where one note ends as the next begins, end first."""
    import mido

    yield mido.MetaMessage("track_name", name=part.name)
    yield mido.Message("program_change", channel=channel, program=part.program)
    starts, lengths, pitches, velocities = part.notes.T
    times = np.concatenate([starts + lengths, starts]) * ticks
    is_on = np.repeat([False, True], len(starts))
    order = np.lexsort((is_on, times))
    deltas = np.diff(times[order], prepend=0)
    loudness = np.concatenate([np.zeros_like(velocities), velocities])
    pitch = np.concatenate([pitches, pitches])
    events = np.stack([deltas, pitch[order], loudness[order]], axis=1).tolist()
    for delta, note, velocity in events:
        kind = "note_on" if velocity else "note_off"
        yield mido.Message(kind, channel=channel, note=note, velocity=velocity, time=delta)
    end = int(times.max(initial=0))
    yield mido.MetaMessage("end_of_track", time=max(0, steps * ticks - end))


def texts_in(data: bytes, prefix: str) -> list[str]:
    """Text events in a MIDI file that start with ``prefix``, which is taken off.

    Looks for the events themselves, not at the music around them, so that the time is bounded
    whatever the bytes say.
    """
    event = re.compile(rb"\xff\x01([\x80-\xff]{0,3}[\x00-\x7f])" + re.escape(prefix.encode()))
    texts = []
    for match in event.finditer(data):
        length = 0
        for byte in match[1]:
            length = length << 7 | byte & 0x7F
        text = data[match.end() : match.end(1) + length]
        texts.append(text.decode("utf-8", errors="replace"))
    return texts


def write_atomically(path: Path, data: bytes) -> None:
    """Put ``data`` at ``path``: whole, or not at all.

    Raises:
        UsageError: where the folder does not take it.
    """
    try:
        replace_file(path, data)
    except OSError as error:
        message = f"cannot write {path}: {error.strerror}; choose another folder"
        raise UsageError(message) from error
