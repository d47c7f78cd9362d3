"""Which pieces are the same work: in another key, rhythm, ornament, or with other repeats.

Two views of the melody (the first voice) are compared, both blind to transposition: its pitches in
a row without their rhythm, which finds a tune in other note values, and what sounds on the
beats, which finds it with other notes between them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from composer.domains.music.settings import FIRST_PITCH, HOLD, REST
from composer.works import number_works

if TYPE_CHECKING:
    from collections.abc import Sequence

    from composer.domains.music.settings import MusicSettings

# A figure is this many intervals in a row. Measured on 539 folk tunes in 4/4: different tunes
# seldom share more than 0.15 of the shorter one's figures in either view, variants 0.2 to 1.
_FIGURE = 9
_SHARED_PITCHES = 0.2
_SHARED_BEATS = 0.2
_FEWEST = 4  # shared figures, where the shorter one has so many
# A figure in more pieces than this is common property (a scale, an arpeggio), and no evidence.
_COMMON = 24
_COMPOUND = {6: 2, 9: 3, 12: 4}  # beats that are felt, e.g. two in 6/8
_OFFSET = 256  # makes intervals positive


def find_works(pieces: Sequence[np.ndarray], settings: MusicSettings) -> np.ndarray:
    """Number the works among the pieces: those that share many figures, and chains of such.

    Args:
        pieces: uint8 ``[bars, voices, steps]`` each.
        settings: their metre and grid.

    Returns:
        int64 ``[len(pieces)]``, works numbered by their first piece.
    """
    if not pieces:
        return np.zeros(0, np.int64)
    melody = np.concatenate([piece[:, 0].reshape(-1) for piece in pieces]).astype(np.int64)
    owners = np.repeat(np.arange(len(pieces)), [piece[:, 0].size for piece in pieces])
    beats = _beats(melody, owners, settings)
    return _works(_pitches(melody, owners), beats, len(pieces))


def find_line_works(lines: Sequence[np.ndarray], beats: Sequence[int]) -> np.ndarray:
    """Number the works among melodies as ``find_works`` does; these may be in any metre.

    Args:
        lines: int64 ``[n, 3]`` each: start step, length in steps, MIDI pitch; one note at a time,
            sorted by start.
        beats: steps in a beat of each, see ``beat_steps``.

    Returns:
        int64 ``[len(lines)]``, works numbered by their first melody.
    """
    if not lines:
        return np.zeros(0, np.int64)
    sounding = [_sounding(line, beat) for line, beat in zip(lines, beats, strict=True)]
    views = [
        (np.concatenate(view), np.repeat(np.arange(len(lines)), [len(part) for part in view]))
        for view in ([line[:, 2] + FIRST_PITCH for line in lines], sounding)
    ]
    return _works(_pitches(*views[0]), views[1], len(lines))


def beat_steps(beats: int, steps: int) -> int:
    """Steps between the beats that are felt, in a bar of ``beats`` beats and ``steps`` steps."""
    return max(steps // _COMPOUND.get(beats, beats), 1)


def find_copies(pieces: Sequence[np.ndarray]) -> np.ndarray:
    """int64 ``[len(pieces)]``: index of the first piece with exactly the same tokens."""
    first: dict[bytes, int] = {}
    return np.array(
        [first.setdefault(piece.tobytes(), index) for index, piece in enumerate(pieces)], np.int64
    )


def _pitches(melody: np.ndarray, owners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pitches in a row without repeated ones, and their pieces."""
    onsets = np.flatnonzero(melody >= FIRST_PITCH)
    pitches, owners = melody[onsets], owners[onsets]
    new = np.append(True, (np.diff(pitches) != 0) | (np.diff(owners) != 0))[: len(pitches)]
    return pitches[new], owners[new]


def _beats(
    melody: np.ndarray, owners: np.ndarray, settings: MusicSettings
) -> tuple[np.ndarray, np.ndarray]:
    """What sounds on each beat (below FIRST_PITCH: a rest), and the pieces."""
    written = np.where(melody != HOLD, np.arange(len(melody)), 0)
    sounding = melody[np.maximum.accumulate(written)]
    step = beat_steps(settings.meter[0], settings.steps)
    bars = sounding.reshape(-1, settings.steps)[:, ::step]
    return bars.reshape(-1), np.repeat(owners[:: settings.steps], bars.shape[1])


def _sounding(line: np.ndarray, beat: int) -> np.ndarray:
    """What sounds on each beat of a melody, as tokens from pitch 0 on."""
    starts, lengths, pitches = line.T
    times = np.arange(0, starts[-1] + lengths[-1], beat)
    notes = np.searchsorted(starts, times, "right") - 1
    over = (notes < 0) | (starts[notes] + lengths[notes] <= times)
    return np.where(over, REST, pitches[notes] + FIRST_PITCH)


def _works(
    pitches: tuple[np.ndarray, np.ndarray], beats: tuple[np.ndarray, np.ndarray], count: int
) -> np.ndarray:
    """The works by both views, each the pitches and their pieces."""
    links = [_links(*pitches, count, _SHARED_PITCHES), _links(*beats, count, _SHARED_BEATS)]
    return number_works(count, np.concatenate(links, axis=1))


def _links(pitches: np.ndarray, owners: np.ndarray, pieces: int, threshold: float) -> np.ndarray:
    """int64 ``[2, pairs]``: pieces that share ``threshold`` of the shorter one's figures."""
    figures, owners = _figures(pitches, owners)
    left, right, shared = _shared(figures, owners, pieces)
    sizes = np.bincount(owners, minlength=pieces)
    shorter = np.minimum(sizes[left], sizes[right])
    same = shared >= np.maximum(threshold * shorter, np.minimum(_FEWEST, shorter))
    return np.stack([left[same], right[same]])


def _figures(pitches: np.ndarray, owners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct (figure, piece) pairs, sorted by figure: uint64 hashes and int64 pieces.

    Left out are figures that cross a rest or the end of a piece, and those that mostly stand still.
    """
    count = len(pitches) - _FIGURE
    if count <= 0:
        return np.zeros(0, np.uint64), np.zeros(0, np.int64)
    window = np.lib.stride_tricks.sliding_window_view
    intervals = window(np.diff(pitches), _FIGURE)
    hashes = np.zeros(count, np.uint64)
    for column in (intervals + _OFFSET).T.astype(np.uint64):
        # Polynomial hash modulo 2^64; the multiplier is that of Knuth's MMIX generator.
        hashes = (hashes + column) * np.uint64(6364136223846793005)
    usable = owners[:count] == owners[_FIGURE:]
    usable &= window(pitches, _FIGURE + 1).min(axis=1) >= FIRST_PITCH
    usable &= np.count_nonzero(intervals, axis=1) >= _FIGURE // 2
    hashes, owners = hashes[usable], owners[:count][usable]
    order = np.argsort(hashes, kind="stable")  # within equal ones the pieces stay in order
    hashes, owners = hashes[order], owners[order]
    new = np.append(True, (hashes[1:] != hashes[:-1]) | (owners[1:] != owners[:-1]))[: len(order)]
    return hashes[new], owners[new]


def _shared(
    figures: np.ndarray, owners: np.ndarray, pieces: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of pieces (left < right) with figures in common, and how many."""
    starts = np.flatnonzero(np.diff(figures, prepend=~figures[:1]))
    sizes = np.diff(np.append(starts, len(figures)))
    codes = [np.zeros(0, np.int64)]
    for size in range(2, _COMMON + 1):  # all figures that occur in so many pieces at once
        group = owners[starts[sizes == size][:, None] + np.arange(size)]
        left, right = np.triu_indices(size, 1)
        codes.append((group[:, left] * pieces + group[:, right]).reshape(-1))
    pairs, shared = np.unique(np.concatenate(codes), return_counts=True)
    return pairs // pieces, pairs % pieces, shared
