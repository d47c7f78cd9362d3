"""One file on its way to bars: cut to the metre, on the grid, in voices, in the common key."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from composer.domains.music.keys import FoundKey, find_key, shift_between
from composer.domains.music.meters import Meter, Stretch, longest, quantise, stretches
from composer.domains.music.parse import MidiFile, UnusableFileError
from composer.domains.music.settings import REST, MusicSettings
from composer.domains.music.voices import allot, fold, is_line, tokens_from_notes

if TYPE_CHECKING:
    from collections.abc import Sequence

MIN_BARS = 4
MAX_STEPS = 2**16  # in a piece: 4,096 bars of 16
MIN_RANGE, MAX_RANGE = 12, 48
_TONIC = 0
_TEMPO = 120.0  # what MIDI means where a file says nothing
_PITCHES = 128


@dataclass(frozen=True)
class Sheet:
    """The stretch of a file in the wanted metre, on the grid.

    Attributes:
        tracks: int64 ``[n, 3]`` each: start step, length in steps, MIDI pitch.
        lines: which tracks are monophonic.
        programs: General MIDI program of each track.
        numbers: number of each track in the file, for people (from 1).
        key: as found in the file.
        tempo: quarter notes a minute, None where the file says nothing.
        left_out: (what, why) of the parts of the file that are not used.
    """

    tracks: list[np.ndarray]
    lines: list[bool]
    programs: list[int]
    numbers: list[int]
    key: FoundKey
    tempo: float | None
    left_out: list[tuple[str, str]]


@dataclass(frozen=True)
class Arrangement:
    """A sheet in voices and in the common key.

    Attributes:
        voices: int64 ``[n, 3]`` each (start step, length, pitch), the highest first.
        programs: General MIDI program of each voice.
        key: of the file, before it was transposed.
        tempo: as in ``Sheet``.
        left_out: (what, why), with the tracks that no voice uses.
    """

    voices: list[np.ndarray]
    programs: list[int]
    key: FoundKey
    tempo: float | None
    left_out: list[tuple[str, str]]


def cut(file: MidiFile, meter: Meter, steps_per_beat: int) -> Sheet:
    """The longest stretch in ``meter`` on the grid; UnusableFileError where that is too short."""
    chosen = longest(file, meter)
    if chosen is None:
        names = sorted({_name(stretch.meter) for stretch in stretches(file)})
        message = f"in {', '.join(names)}, not in {_name(meter)}"
        raise UnusableFileError(message)
    if (chosen.end - chosen.start) * steps_per_beat > MAX_STEPS * file.ticks:
        message = f"{chosen.bars(file.ticks):,.0f} bars: too long for one piece"
        raise UnusableFileError(message)
    tolerance = file.ticks // (2 * steps_per_beat)
    weights = np.zeros(12)
    kept = []
    for track in file.tracks:
        notes = quantise(track.notes, chosen, file.ticks, steps_per_beat)
        if len(notes):
            weights += np.bincount(notes[:, 2] % 12, notes[:, 1], minlength=12)
            kept.append((notes, is_line(track.notes, tolerance), track))
    if not kept:
        message = f"no notes in its part in {_name(meter)}"
        raise UnusableFileError(message)
    return Sheet(
        tracks=[notes for notes, _, _ in kept],
        lines=[line for _, line, _ in kept],
        programs=[track.program for _, _, track in kept],
        numbers=[track.number for _, _, track in kept],
        key=find_key(weights, file.keys, chosen.start, chosen.end),
        tempo=file.tempo,
        left_out=_left_out(file, chosen),
    )


def arrange(sheet: Sheet, voices: int) -> Arrangement:
    """A sheet in ``voices`` voices; UnusableFileError where it has not that many."""
    found = allot(sheet.tracks, sheet.lines, voices)
    if len(found) < voices:
        message = f"has {len(found)} of the {voices} voices that are wanted"
        raise UnusableFileError(message)
    shift = shift_between(sheet.key.tonic, _TONIC)
    used = {track for _, track in found}
    unused = [
        (f"track {sheet.numbers[index]}", f"not needed for {voices} voice{'s' * (voices > 1)}")
        for index in range(len(sheet.tracks))
        if index not in used
    ]
    return Arrangement(
        voices=[notes + np.array([0, 0, shift]) for notes, _ in found],
        programs=[sheet.programs[track] for _, track in found],
        key=sheet.key,
        tempo=sheet.tempo,
        left_out=sheet.left_out + unused,
    )


def decide(arrangements: Sequence[Arrangement], meter: Meter, steps_per_beat: int) -> MusicSettings:
    """Settings that fit all arrangements: range, instruments and tempo."""
    if not arrangements:
        return MusicSettings(meter=meter, steps_per_beat=steps_per_beat)
    voices = range(len(arrangements[0].voices))
    counts = [
        np.bincount(
            np.concatenate([fold(a.voices[voice][:, 2], 0, _PITCHES) for a in arrangements]),
            minlength=_PITCHES,
        )
        for voice in voices
    ]
    spans = [np.flatnonzero(count)[[0, -1]] for count in counts]
    widest = max(int(high - low) + 1 for low, high in spans)
    pitches = min(max(widest, MIN_RANGE), MAX_RANGE)
    programs = [Counter(a.programs[voice] for a in arrangements) for voice in voices]
    tempos = [a.tempo for a in arrangements if a.tempo is not None]
    return MusicSettings(
        meter=meter,
        steps_per_beat=steps_per_beat,
        lows=tuple(_low(count, pitches) for count in counts),
        pitches=pitches,
        tonic=_TONIC,
        instruments=tuple(count.most_common(1)[0][0] for count in programs),
        tempo=round(float(np.median(tempos)), 3) if tempos else _TEMPO,
    )


def write_bars(arrangement: Arrangement, settings: MusicSettings) -> np.ndarray:
    """uint8 ``[bars, voices, steps]`` without the empty bars at both ends.

    UnusableFileError where fewer than 4 bars have notes, or less than half of them.
    """
    end = max(int((notes[:, 0] + notes[:, 1]).max()) for notes in arrangement.voices)
    bars = -(-end // settings.steps)
    tokens = np.stack(
        [
            tokens_from_notes(notes, settings, voice, bars)
            for voice, notes in enumerate(arrangement.voices)
        ],
        axis=1,
    )
    sounding = (tokens != REST).any(axis=(1, 2))
    filled = np.flatnonzero(sounding)
    if len(filled) < MIN_BARS:
        message = f"bars with notes: {len(filled)}, but at least {MIN_BARS} are needed"
        raise UnusableFileError(message)
    tokens = tokens[filled[0] : filled[-1] + 1]
    if 2 * len(filled) < len(tokens):
        message = f"mostly silent: {len(filled)} of {len(tokens)} bars have notes"
        raise UnusableFileError(message)
    return tokens


def folded(arrangement: Arrangement, settings: MusicSettings) -> int:
    """Number of notes outside the range of their voice, which are moved by octaves."""
    return sum(
        int(np.sum((notes[:, 2] < low) | (notes[:, 2] >= low + settings.pitches)))
        for notes, low in zip(arrangement.voices, settings.lows, strict=True)
    )


def _low(counts: np.ndarray, pitches: int) -> int:
    """Lowest pitch of the range that holds most notes, as low as possible above the silence."""
    inside = np.convolve(counts, np.ones(pitches, np.int64), "valid")
    best = np.flatnonzero(inside == inside.max())
    first = int(np.flatnonzero(counts)[0])
    return int(best[np.argmin(np.abs(best - first))])


def _left_out(file: MidiFile, chosen: Stretch) -> list[tuple[str, str]]:
    """The parts of a file that ``cut`` does not use."""
    parts = [(f"track {number}", "drums") for number in file.drums]
    if file.empty:
        parts.append((f"{file.empty} note{'s' * (file.empty > 1)}", "of zero length"))
    for stretch in stretches(file):
        if stretch != chosen:
            same = stretch.meter == chosen.meter
            reason = f"in {_name(stretch.meter)}, not in {_name(chosen.meter)}"
            bars = f"{np.ceil(stretch.bars(file.ticks)):.0f} bars from tick {stretch.start}"
            parts.append((bars, "only the longest stretch of a metre is used" if same else reason))
    return parts


def _name(meter: Meter) -> str:
    return f"{meter[0]}/{meter[1]}"
