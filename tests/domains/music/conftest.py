"""MIDI files made byte by byte, so that broken ones can be made too."""

import struct
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from composer.domains.music.midi import Part, midi_bytes

END = b"\x00\xff\x2f\x00"


def _note(wait: int, length: int, pitch: int) -> bytes:
    """A note after ``wait`` ticks; both times below 128 * 128."""
    times = [bytes([ticks >> 7 | 0x80, ticks & 0x7F]) for ticks in (wait, length)]
    return times[0] + bytes([0x90, pitch, 80]) + times[1] + bytes([0x80, pitch, 0])


def _file(
    tracks: Sequence[bytes], *, division: int = 480, form: int = 1, count: int | None = None
) -> bytes:
    count = len(tracks) if count is None else count
    header = b"MThd" + struct.pack(">IHHH", 6, form, count, division)
    return header + b"".join(b"MTrk" + struct.pack(">I", len(t)) + t for t in tracks)


def _tune(seed: int, bars: int = 8, *, key: str = "C", transpose: int = 0) -> bytes:
    """A melody of quarters and eighths in 4/4 that no other seed has."""
    rng = np.random.default_rng(seed)
    lengths = rng.choice([2, 2, 4], size=8 * bars)
    starts = np.cumsum(lengths) - lengths
    scale = np.array([60, 62, 64, 65, 67, 69, 71, 72])
    pitches = rng.choice(scale, size=len(starts)) + transpose
    notes = np.stack([starts, lengths, pitches, np.full(len(starts), 80)], axis=1)
    notes = notes[starts + lengths <= 16 * bars]
    part = Part("melody", 73, notes)
    return midi_bytes([part], steps_per_beat=4, tempo=96, meter=(4, 4), key=key)


@pytest.fixture
def note() -> Callable[..., bytes]:
    return _note


@pytest.fixture
def smf() -> Callable[..., bytes]:
    return _file


@pytest.fixture
def tune() -> Callable[..., bytes]:
    return _tune
