"""From tracks to 1-4 monophonic voices, and from a voice to tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from composer.domains.music.settings import FIRST_PITCH, HOLD, REST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from composer.domains.music.settings import MusicSettings

MAX_VOICES = 4
_PITCHES = 128
# A track is a line where at most this share of its notes begins under another one of it.
_OVERLAPS = 0.1


def is_line(notes: np.ndarray, tolerance: int) -> bool:
    """Whether a track is (nearly) monophonic.

    ``notes`` int64 ``[n, 3]`` (start, length, pitch) sorted by start; overlaps of at most
    ``tolerance`` (legato) do not count unless the notes begin together.
    """
    starts, ends = notes[:, 0], notes[:, 0] + notes[:, 1]
    together = starts[1:] - starts[:-1] <= np.minimum(tolerance, notes[:-1, 1] // 2)
    overlapping = ends[:-1] > starts[1:] + tolerance
    return float(np.mean(together | overlapping)) <= _OVERLAPS if len(notes) > 1 else True


def count_voices(tracks: Sequence[np.ndarray], lines: Sequence[bool]) -> int:
    """How many voices a piece holds, 1 to 4: its lines, and the usual size of its chords."""
    total = sum(lines)
    chords = [notes for notes, line in zip(tracks, lines, strict=True) if not line]
    if chords:
        pool = np.concatenate(chords)
        starts, ends = np.sort(pool[:, 0]), np.sort(pool[:, 0] + pool[:, 1])
        begun = np.searchsorted(starts, starts, "right")
        total += int(np.median(begun - np.searchsorted(ends, starts, "right")))
    return min(max(total, 1), MAX_VOICES)


def allot(
    tracks: Sequence[np.ndarray], lines: Sequence[bool], voices: int
) -> list[tuple[np.ndarray, int]]:
    """Up to ``voices`` monophonic voices, the highest first, each with the track it comes from.

    Tracks are int64 ``[n, 3]`` in steps. Each line is a voice; what is missing is taken from
    the chords of the other tracks: the top note as melody, the bottom note as bass, then what
    lies between. Where there are more lines than voices, the highest and the lowest stay, then
    the busiest. The list is shorter than ``voices`` where the piece has not that many.
    """
    found = [(make_line(notes), i) for i, notes in enumerate(tracks) if lines[i] and len(notes)]
    found.sort(key=_height)
    if len(found) > voices:
        inner = sorted(found[1:-1], key=lambda voice: -len(voice[0]))
        ends = [found[0], *found[-1:]][:voices]
        found = ends + inner[: max(voices - 2, 0)]
    chords = [i for i, notes in enumerate(tracks) if not lines[i] and len(notes)]
    if chords and len(found) < voices:
        pool = np.concatenate([np.insert(tracks[i], 3, i, axis=1) for i in chords])
        found += [
            (make_line(part[:, :3]), int(np.bincount(part[:, 3]).argmax()))
            for part in _split(pool, voices - len(found), _mean_pitch(found))
            if len(part)
        ]
    return sorted(found, key=_height)


def make_line(notes: np.ndarray) -> np.ndarray:
    """One note at a time.

    Of notes that begin together the longest (then the highest) stays, and each note ends where
    the next one begins.

    ``notes`` int64 ``[n, 3]`` in steps, any order -> int64 ``[m, 3]`` sorted by start.
    """
    line = notes[np.lexsort((notes[:, 2], notes[:, 1], notes[:, 0]))]
    last = np.ones(len(line), bool)
    last[:-1] = line[1:, 0] != line[:-1, 0]
    line = line[last]
    line[:-1, 1] = np.minimum(line[:-1, 1], line[1:, 0] - line[:-1, 0])
    return line


def tokens_from_notes(
    notes: np.ndarray, settings: MusicSettings, voice: int, bars: int, shift: int = 0
) -> np.ndarray:
    """Write one voice as tokens.

    Args:
        notes: int64 ``[n, 3]``: start step, length in steps, MIDI pitch; any order, overlaps
            are resolved as in ``make_line``.
        settings: gives grid and range.
        voice: whose range to use.
        bars: length of the result; what lies behind is cut.
        shift: semitones added to each pitch; what then leaves the range is folded by octaves.

    Returns:
        uint8 ``[bars, steps]``, rest at each silent step.
    """
    total = bars * settings.steps
    line = make_line(notes[notes[:, 0] < total])
    starts, ends = line[:, 0], np.minimum(line[:, 0] + line[:, 1], total)
    sounding = np.zeros(total + 1, np.int64)
    sounding[starts] += 1
    sounding[ends] -= 1  # no two notes of a line end together
    tokens = np.where(np.cumsum(sounding[:-1]) > 0, HOLD, REST).astype(np.uint8)
    pitches = fold(line[:, 2] + shift, settings.lows[voice], settings.pitches)
    tokens[starts] = FIRST_PITCH + pitches - settings.lows[voice]
    return tokens.reshape(bars, settings.steps)


def fold(pitches: np.ndarray, low: int, count: int) -> np.ndarray:
    """Move pitches by octaves into ``[low, low + count)``; ``count`` is at least 12."""
    below = np.maximum(low - pitches, 0)
    above = np.maximum(pitches - (low + count - 1), 0)
    inside: np.ndarray = pitches + 12 * -(-below // 12) - 12 * -(-above // 12)
    return inside


def _height(voice: tuple[np.ndarray, int]) -> tuple[float, int]:
    """Sort key: mean pitch over sounding time downwards, then the order of the file."""
    notes, track = voice
    return -float(notes[:, 2] @ notes[:, 1] / notes[:, 1].sum()), track


def _mean_pitch(voices: Sequence[tuple[np.ndarray, int]]) -> float | None:
    return -min(_height(voice)[0] for voice in voices) if voices else None


def _roll(notes: np.ndarray) -> np.ndarray:
    """What sounds when: bool ``[steps, pitches]``, from the lowest pitch to the highest."""
    ends, heights = notes[:, 0] + notes[:, 1], notes[:, 2] - notes[:, 2].min()
    edges = np.zeros((int(ends.max()) + 1, int(heights.max()) + 1), np.int32)
    np.add.at(edges, (notes[:, 0], heights), 1)
    np.subtract.at(edges, (ends, heights), 1)
    sounding: np.ndarray = np.cumsum(edges, axis=0, dtype=np.int32)[:-1] > 0
    return sounding


def _split(notes: np.ndarray, parts: int, melody: float | None) -> list[np.ndarray]:
    """Deal the notes of chords out to ``parts`` voices.

    ``notes`` int64 ``[n, 4]``; each goes by its rank among what sounds as it begins. ``melody``
    is the pitch of the lines that the piece has besides: below one, a single part is the bass.
    """
    pitches = notes[:, 2]
    beside = _roll(notes)[notes[:, 0]]  # [n, pitches]: what sounds as each note begins
    heights = np.arange(beside.shape[1]) + pitches.min()
    above = np.count_nonzero(beside & (heights > pitches[:, None]), axis=1)
    below = np.count_nonzero(beside & (heights < pitches[:, None]), axis=1)
    alone = (above == 0) & (below == 0)
    if parts == 1:
        bass = melody is not None and pitches.mean() < melody
        return [notes[below == 0 if bass else above == 0]]
    top, bottom = (above == 0) & ~alone, (below == 0) & ~alone
    if alone.any():  # a note on its own continues the nearer one of the two outer voices
        high = np.median(pitches[top]) if top.any() else _PITCHES
        low = np.median(pitches[bottom]) if bottom.any() else 0
        deep = np.abs(pitches - low) < np.abs(pitches - high)
        top, bottom = top | (alone & ~deep), bottom | (alone & deep)
    rest = ~(top | bottom)
    upper = rest & (above == 1)
    inner = {2: [], 3: [upper], 4: [upper, rest & ~upper & (below == 1)]}[parts]
    return [notes[chosen] for chosen in (top, *inner, bottom)]
