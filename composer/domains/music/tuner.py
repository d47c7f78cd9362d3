"""The music-theory table of RL Tuner, for melodies in the token form of this program.

Jaques et al., *Tuning recurrent neural networks with reinforcement learning* (2016), table 1; the
definitions are those of its published code. Events are grid steps (sixteenths): a rest, a hold or
an onset. Where that code does something else than the paper's words say, the words win, and the
docstring says so.

Every row is a ratio of sums over melodies, so that each function gives numerators and denominators
``[n]`` by melody; ``sum / sum`` is the figure of the table, and whole melodies can be bootstrapped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from composer.domains.music.settings import FIRST_PITCH, OCTAVE, MusicSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

SCALE = (0, 2, 4, 5, 7, 9, 11)  # major, from the tonic; minor pieces lie in their relative major
TUNER_LOW = 48  # the pitch of the first note token in the original's alphabet
LEAP = 7  # a fifth, in semitones
LEAP_STEPS = 6  # a leap back counts as a resolution only after more steps than this
MOTIF_EVENTS = 8
MOTIF_PITCHES = 3
REPEATS_CLOSE, REPEATS_APART = 4, 6

Ratio = tuple[np.ndarray, np.ndarray]


def melodies(pieces: np.ndarray, settings: MusicSettings, events: int | None = None) -> np.ndarray:
    """Lay the highest voice of pieces out as events in RL Tuner's alphabet.

    Args:
        pieces: uint8 ``[n, bars, voices, steps]`` tokens.
        settings: the settings that they were made with.
        events: keep only the first so many; None: all.

    Returns:
        int64 ``[n, events]``: 0 rest, 1 hold, ``2 + i`` an onset of MIDI pitch ``48 + i``, all
        transposed so that the tonic is C.
    """
    lines = pieces[:, :, 0].reshape(len(pieces), -1)[:, :events].astype(np.int64)
    up = settings.lows[0] - settings.tonic - TUNER_LOW
    return np.where(lines >= FIRST_PITCH, lines + up, lines)


def tuner_ratios(lines: np.ndarray) -> dict[str, Ratio]:
    """All rows of the table.

    Args:
        lines: int64 ``[n, events]`` as from ``melodies``; at least 8 events.

    Returns:
        Name of the row -> numerators and denominators, float64 ``[n]`` each.
    """
    correlations = {f"autocorrelation lag {lag}": autocorrelation(lines, lag) for lag in (1, 2, 3)}
    return {
        "excessively repeated notes": excessive_repetition(lines),
        **correlations,
        "not in key": not_in_key(lines),
        "starts on tonic": starts_on_tonic(lines),
        "leaps resolved": leaps_resolved(lines),
        "unique maximum note": unique_extreme(lines, highest=True),
        "unique minimum note": unique_extreme(lines, highest=False),
        "notes in motif": in_motif(lines),
        "notes in repeated motif": in_repeated_motif(lines),
    }


def tuner_table(ratios: Mapping[str, Ratio]) -> dict[str, float]:
    """Sum up ``tuner_ratios``: name of the row -> figure, NaN where nothing is to be counted."""
    return {
        name: float(above.sum() / below.sum()) if below.any() else float("nan")
        for name, (above, below) in ratios.items()
    }


def excessive_repetition(lines: np.ndarray) -> Ratio:
    """Share of events that repeat a note too often.

    An onset counts when more than 4 onsets of the same pitch come just before it without a hold
    or a rest between them, or more than 6 with. (The original's code also counts long holds and
    rests as repeated notes, and a hold before the first of the equal notes as one between them.)
    """
    owner, place = np.nonzero(lines >= FIRST_PITCH)
    pitch = lines[owner, place]
    new = np.ones(len(owner), dtype=bool)
    new[1:] = (owner[1:] != owner[:-1]) | (pitch[1:] != pitch[:-1])
    index = np.arange(len(owner))
    start = np.maximum.accumulate(np.where(new, index, 0))
    before = index - start
    apart = place - place[start] > before
    excessive = before > np.where(apart, REPEATS_APART, REPEATS_CLOSE)
    return _by_event(np.bincount(owner[excessive], minlength=len(lines)), lines)


def autocorrelation(lines: np.ndarray, lag: int) -> Ratio:
    """Mean correlation of a melody's event numbers with themselves ``lag`` events later.

    ``sum_t (x_t - m)(x_{t+lag} - m) / (n var x)`` over the token numbers, rests and holds too, as
    in the original; a melody of one repeated token has no value and is left out.
    """
    centred = lines - lines.mean(axis=1, keepdims=True)
    power = (centred**2).sum(axis=1)
    varied = power > 0
    moved = (centred[:, lag:] * centred[:, : lines.shape[1] - lag]).sum(axis=1)
    return np.where(varied, moved / np.where(varied, power, 1), 0.0), varied.astype(np.float64)


def not_in_key(lines: np.ndarray) -> Ratio:
    """Share of events that are onsets outside the major scale; rests and holds are in key."""
    chroma = (lines - FIRST_PITCH) % OCTAVE
    outside = (lines >= FIRST_PITCH) & ~np.isin(chroma, SCALE)
    return _by_event(outside.sum(axis=1), lines)


def starts_on_tonic(lines: np.ndarray) -> Ratio:
    """Share of melodies whose first onset is the tonic.

    In any octave, and after any rest of a pick-up bar. (The original wants middle C in the very
    first event.)
    """
    onset = lines >= FIRST_PITCH
    first = lines[np.arange(len(lines)), onset.argmax(axis=1)]
    tonic = onset.any(axis=1) & ((first - FIRST_PITCH) % OCTAVE == 0)
    return tonic.astype(np.float64), np.ones(len(lines))


def leaps_resolved(lines: np.ndarray) -> Ratio:
    """Share of leaps that are resolved: ``resolved / (resolved + doubled)``.

    A leap is an interval of a fifth or more between successive onsets. It is resolved when the
    melody comes back to the pitch it leapt from, or beyond, without a leap, or leaps the other way
    more than 6 events after it (sooner: it is forgotten); doubled by one more leap the same way.
    """
    count = len(lines)
    last, origin, way = np.zeros(count), np.zeros(count), np.zeros(count)
    waited, resolved, doubled = np.zeros(count), np.zeros(count), np.zeros(count)
    for event in range(lines.shape[1]):
        token = lines[:, event]
        moves = (token >= FIRST_PITCH) & (last > 0)
        step = np.where(moves, token - last, 0)
        leap = np.abs(step) >= LEAP
        again = leap & (way == np.sign(step))
        back = leap & (way == -np.sign(step))
        late = back & (waited > LEAP_STEPS)
        home = moves & ~leap & (way != 0) & (way * (token - origin) <= 0)
        doubled += again
        resolved += late | home
        first = leap & (way == 0)
        origin = np.where(first, last, origin)
        way = np.where(first, np.sign(step), np.where(back | home, 0, way))
        waited = np.where(leap, 0, waited + 1)
        last = np.where(token >= FIRST_PITCH, token, last)
    return resolved, resolved + doubled


def unique_extreme(lines: np.ndarray, *, highest: bool) -> Ratio:
    """Share of melodies whose highest (or lowest) pitch has only one onset."""
    onset = lines >= FIRST_PITCH
    height = np.where(onset, lines if highest else -lines, np.iinfo(np.int64).min)
    extremes = onset & (height == height.max(axis=1, keepdims=True))
    return (extremes.sum(axis=1) == 1).astype(np.float64), np.ones(len(lines))


def in_motif(lines: np.ndarray) -> Ratio:
    """Share of events that end a motif: 8 events with onsets of at least 3 different pitches."""
    return _by_event(_motifs(_stretches(lines)).sum(axis=1), lines)


def in_repeated_motif(lines: np.ndarray) -> Ratio:
    """Share of events that end a motif whose 8 events came before in the melody, not overlapping.

    Grows with the number of events, so that only melodies of equal length compare.
    """
    stretches = _stretches(lines)
    count, places = stretches.shape[:2]
    owner = np.broadcast_to(np.arange(count)[:, None, None], (count, places, 1))
    keys = np.concatenate((owner, stretches), axis=2).reshape(count * places, -1)
    _, first, kind = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    earliest = (first[kind] % places).reshape(count, places)
    again = np.arange(places) - earliest >= MOTIF_EVENTS
    return _by_event((again & _motifs(stretches)).sum(axis=1), lines)


def _stretches(lines: np.ndarray) -> np.ndarray:
    """Every 8 successive events: ``[n, events - 7, 8]``."""
    return np.lib.stride_tricks.sliding_window_view(lines, MOTIF_EVENTS, axis=1)


def _motifs(stretches: np.ndarray) -> np.ndarray:
    """Which stretches hold at least 3 different pitches: bool ``[n, places]``."""
    ordered = np.sort(stretches, axis=2)
    new = np.diff(ordered, axis=2, prepend=0) > 0  # the first of each number but 0
    return (new & (ordered >= FIRST_PITCH)).sum(axis=2) >= MOTIF_PITCHES


def _by_event(counts: np.ndarray, lines: np.ndarray) -> Ratio:
    return counts.astype(np.float64), np.full(len(lines), float(lines.shape[1]))
