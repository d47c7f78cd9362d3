"""Distances between two sets of bars: what training watches and the benchmark reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from composer.domains.music.settings import FIRST_PITCH, HOLD, OCTAVE, REST, MusicSettings
from composer.domains.music.views import chord_index, sounding_index
from composer.evaluation.distances import jensen_shannon

if TYPE_CHECKING:
    from collections.abc import Mapping

REGISTER = 3  # semitones counted as one height
WIDEST_INTERVAL = 24  # semitones; wider leaps are counted as this

# What one half of a corpus of folk tunes measures against the other half (Nottingham, 4/4): the
# four distances differ in size by nature, so the total counts each in units of its own floor.
FLOORS: Mapping[str, float] = {
    "intervals": 0.003,
    "pitch_classes": 0.002,
    "durations": 0.006,
    "onsets": 0.003,
}


@dataclass(frozen=True)
class Notes:
    """The onsets of a set of bars, in order of bar, voice and time.

    Attributes:
        lines: int64 ``[onsets]``; number of the line (``bar * voices + voice``).
        steps: int64 ``[onsets]``; step in the bar, from 0.
        pitches: int64 ``[onsets]``; MIDI pitch.
        durations: int64 ``[onsets]``; steps to the next onset, rest or end of the bar, from 1.
    """

    lines: np.ndarray
    steps: np.ndarray
    pitches: np.ndarray
    durations: np.ndarray


def find_notes(bars: np.ndarray, settings: MusicSettings) -> Notes:
    """Find the notes that start in each bar, seen on its own.

    Args:
        bars: uint8 ``[n, voices, steps]`` tokens.
        settings: the settings that the tokens were made with.

    Returns:
        One entry an onset; what is held over from the bar before is no onset.
    """
    count, voices, steps = bars.shape
    flat = bars.reshape(count * voices, steps)
    # Every token but a hold ends what sounded before it.
    lines, columns = np.nonzero(flat != HOLD)
    tokens = flat[lines, columns].astype(np.int64)
    ends = np.full(len(lines), steps)
    same = lines[1:] == lines[:-1]
    ends[:-1][same] = columns[1:][same]
    onset = tokens >= FIRST_PITCH
    lines, columns, tokens, ends = lines[onset], columns[onset], tokens[onset], ends[onset]
    lows = np.asarray(settings.lows)[lines % voices]
    return Notes(lines, columns, tokens - FIRST_PITCH + lows, ends - columns)


def bar_histograms(bars: np.ndarray, settings: MusicSettings) -> dict[str, np.ndarray]:
    """Count over all bars and voices what the four views of ``FLOORS`` look at.

    Args:
        bars: uint8 ``[n, voices, steps]`` tokens.
        settings: the settings that the tokens were made with.

    Returns:
        int64 counts: ``intervals`` ``[49]`` (semitones from -24 to 24, clipped, between successive
        onsets of a voice inside a bar), ``pitch_classes`` ``[12]`` (one count an onset),
        ``durations`` ``[steps]`` (1 to a whole bar) and ``onsets`` ``[steps]`` (step in the bar).
    """
    notes = find_notes(bars, settings)
    inside = notes.lines[1:] == notes.lines[:-1]
    leaps = np.diff(notes.pitches)[inside].clip(-WIDEST_INTERVAL, WIDEST_INTERVAL)
    steps = bars.shape[-1]
    return {
        "intervals": np.bincount(leaps + WIDEST_INTERVAL, minlength=2 * WIDEST_INTERVAL + 1),
        "pitch_classes": np.bincount(notes.pitches % OCTAVE, minlength=OCTAVE),
        "durations": np.bincount(notes.durations - 1, minlength=steps),
        "onsets": np.bincount(notes.steps, minlength=steps),
    }


def compare_bars(made: np.ndarray, real: np.ndarray, settings: MusicSettings) -> dict[str, float]:
    """Measure how far one set of bars lies from another, bar by bar and note by note.

    Args:
        made: uint8 ``[n, voices, steps]`` tokens.
        real: uint8 ``[m, voices, steps]`` tokens.
        settings: the settings that both were made with.

    Returns:
        The Jensen-Shannon divergence (bits, 0 to 1) of each histogram of ``bar_histograms``, and
        ``total``: the mean of the four, each divided by its floor in ``FLOORS``. So a total of 1
        is as near as folk tunes are to other folk tunes, and a view that is easy to match counts
        as much as one that is hard.
    """
    ours, theirs = bar_histograms(made, settings), bar_histograms(real, settings)
    distances = {name: jensen_shannon(ours[name], theirs[name]) for name in FLOORS}
    relative = [distances[name] / floor for name, floor in FLOORS.items()]
    return {**distances, "total": float(np.mean(relative))}


def piece_statistics(pieces: np.ndarray, settings: MusicSettings) -> np.ndarray:
    """Describe whole pieces by global statistics, for a judge that compares pieces.

    Args:
        pieces: uint8 ``[n, bars, voices, steps]`` tokens.
        settings: the settings that they were made with.

    Returns:
        float32 ``[n, statistics]``, none far from 1 in size: for each piece the shares of its
        intervals (-12 to 12, over bar lines too), pitch classes, durations (to a whole bar) and
        onset steps; of the highest voice the pitch classes of the first and the last onset, and
        for each bar whether its last onset is the tonic; mean, spread, lowest and highest pitch
        (octaves from middle C); for each bar the onsets as a share of its steps.
    """
    count, bars, voices, steps = pieces.shape
    notes = find_notes(pieces.swapaxes(1, 2).reshape(count, voices, bars * steps), settings)
    owner = notes.lines // voices
    bar = owner * bars + notes.steps // steps
    chroma = (notes.pitches - settings.tonic) % OCTAVE
    inside = notes.lines[1:] == notes.lines[:-1]
    leaps = np.diff(notes.pitches)[inside].clip(-OCTAVE, OCTAVE) + OCTAVE
    melody = np.flatnonzero(notes.lines % voices == 0)
    first = melody[np.unique(owner[melody], return_index=True)[1]]
    last = melody[_ends(owner[melody])]
    closing = melody[_ends(bar[melody])]
    columns = [
        _shares(owner[1:][inside], leaps, count, 2 * OCTAVE + 1),
        _shares(owner, chroma, count, OCTAVE),
        _shares(owner, notes.durations.clip(max=steps) - 1, count, steps),
        _shares(owner, notes.steps % steps, count, steps),
        _shares(owner[first], chroma[first], count, OCTAVE),
        _shares(owner[last], chroma[last], count, OCTAVE),
        np.bincount(bar[closing], chroma[closing] == 0, count * bars).reshape(count, bars),
        _registers(owner, (notes.pitches - 60) / OCTAVE, count),
        np.bincount(bar, minlength=count * bars).reshape(count, bars) / (voices * steps),
    ]
    return np.concatenate(columns, axis=1).astype(np.float32)


def count_bars(bars: np.ndarray, settings: MusicSettings) -> np.ndarray:
    """What is in each bar, as shares of its steps in all voices.

    ``bars`` uint8 ``[n, voices, steps]`` -> float32 ``[n, counts]``: leaps (-12 to 12) from note to
    note of a voice, pitch classes and durations of its notes; notes of each voice by height, three
    semitones together; onsets and rests of each voice and step; with several voices, how far each
    sounds below each one above it, in semitones but for octaves.
    """
    count, voices, steps = bars.shape
    notes = find_notes(bars, settings)
    owner = notes.lines // voices
    inside = notes.lines[1:] == notes.lines[:-1]
    leaps = np.diff(notes.pitches)[inside].clip(-OCTAVE, OCTAVE) + OCTAVE
    chroma = (notes.pitches - settings.tonic) % OCTAVE
    heights = (notes.pitches - np.array(settings.lows)[notes.lines % voices]) // REGISTER
    registers = -(-settings.pitches // REGISTER)
    columns = [
        _counts(owner[1:][inside], leaps, count, 2 * OCTAVE + 1),
        _counts(owner, chroma, count, OCTAVE),
        _counts(owner, notes.durations.clip(max=steps) - 1, count, steps),
        _counts(notes.lines, heights, count * voices, registers).reshape(count, -1),
        (bars >= FIRST_PITCH).reshape(count, -1),
        (bars == REST).reshape(count, -1),
    ]
    if voices > 1:
        sounding = sounding_index(torch.from_numpy(bars.astype(np.int64)))
        below = chord_index(sounding, settings.lows).numpy()  # [n, voices, steps, voices - 1]
        rows, *_ = np.nonzero(below >= 0)
        columns.append(_counts(rows, below[below >= 0] % OCTAVE, count, OCTAVE))
    return (np.concatenate(columns, axis=1) / (voices * steps)).astype(np.float32)


def _ends(groups: np.ndarray) -> np.ndarray:
    """Index of the last member of each run of equal numbers."""
    return np.flatnonzero(np.append(groups[1:] != groups[:-1], len(groups) > 0))


def _counts(owners: np.ndarray, values: np.ndarray, count: int, bins: int) -> np.ndarray:
    """How often each owner has each value: int64 ``[count, bins]``."""
    return np.bincount(owners * bins + values, minlength=count * bins).reshape(count, bins)


def _shares(owners: np.ndarray, values: np.ndarray, count: int, bins: int) -> np.ndarray:
    """Histogram of the values of each owner: ``[count, bins]``; all 0 where one has no value."""
    counts = _counts(owners, values, count, bins)
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)


def _registers(owners: np.ndarray, heights: np.ndarray, count: int) -> np.ndarray:
    """Mean, spread, lowest and highest pitch of each owner: ``[count, 4]``; 0 without a note."""
    number = np.maximum(np.bincount(owners, minlength=count), 1)
    mean = np.bincount(owners, heights, count) / number
    spread = np.sqrt(np.bincount(owners, (heights - mean[owners]) ** 2, count) / number)
    lowest, highest = mean.copy(), mean.copy()
    np.minimum.at(lowest, owners, heights)
    np.maximum.at(highest, owners, heights)
    return np.stack((mean, spread, lowest, highest), axis=1)
