"""Metre and grid: which stretch of a file is in the wanted metre, and its notes in grid steps."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from composer.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from composer.domains.music.parse import MidiFile

Meter = tuple[int, int]
MAX_STEPS = 192  # in a bar
_MOST_BEATS = 32
_UNITS = frozenset({1, 2, 4, 8, 16, 32})


@dataclass(frozen=True)
class Stretch:
    """Part of a file in one metre, in ticks from ``start`` to ``end``."""

    start: int
    end: int
    meter: Meter

    def bars(self, ticks: int) -> float:
        """Length in bars, with ``ticks`` in a quarter note."""
        return (self.end - self.start) * self.meter[1] / (4 * ticks * self.meter[0])


def is_meter(beats: int, unit: int) -> bool:
    """Whether a signature makes sense; files hold any numbers."""
    return 1 <= beats <= _MOST_BEATS and unit in _UNITS


def parse_meter(text: str) -> Meter:
    """``"6/8"`` -> ``(6, 8)``; UsageError where that is no metre."""
    match = re.fullmatch(r"\s*(\d{1,2})\s*/\s*(\d{1,2})\s*", text)
    meter = (int(match[1]), int(match[2])) if match else (0, 0)
    if not is_meter(*meter):
        message = f"'{text}' is not a metre; write it like 4/4 or 6/8"
        raise UsageError(message)
    return meter


def fits_grid(meter: Meter, steps_per_beat: int) -> bool:
    """Whether a bar is a whole number of grid steps, at most ``MAX_STEPS``."""
    steps, remainder = divmod(meter[0] * 4 * steps_per_beat, meter[1])
    return remainder == 0 and 0 < steps <= MAX_STEPS


def stretches(file: MidiFile) -> list[Stretch]:
    """The parts of a file between changes of metre, up to the end of its last note."""
    changes = file.meters.tolist()
    stops = [*(change[0] for change in changes[1:]), file.end]
    return [
        Stretch(start, min(stop, file.end), (beats, unit))
        for (start, beats, unit), stop in zip(changes, stops, strict=True)
        if start < min(stop, file.end)
    ]


def count_bars(files: Iterable[MidiFile]) -> Counter[Meter]:
    """Bars in each metre over all files, rounded up for each stretch."""
    counts: Counter[Meter] = Counter()
    for file in files:
        for stretch in stretches(file):
            counts[stretch.meter] += math.ceil(stretch.bars(file.ticks))
    return counts


def longest(file: MidiFile, meter: Meter) -> Stretch | None:
    """The longest stretch in ``meter``, None where there is none."""
    matching = [stretch for stretch in stretches(file) if stretch.meter == meter]
    return max(matching, key=lambda stretch: stretch.end - stretch.start, default=None)


def quantise(notes: np.ndarray, stretch: Stretch, ticks: int, steps_per_beat: int) -> np.ndarray:
    """Notes that begin within the stretch, on its grid.

    ``notes`` int64 ``[n, 3]`` (start, length in ticks, pitch) -> int64 ``[m, 3]`` (start step
    counted from the stretch, length in steps, at least 1, pitch). Starts and ends go to the
    nearest step (halves up), so that notes that touch still touch.
    """
    inside = notes[(notes[:, 0] >= stretch.start) & (notes[:, 0] < stretch.end)]
    edges = inside[:, :2] - [stretch.start, 0]
    edges[:, 1] = np.minimum(edges[:, 0] + edges[:, 1], stretch.end - stretch.start)
    edges = (2 * steps_per_beat * edges + ticks) // (2 * ticks)
    inside[:, 0] = edges[:, 0]
    inside[:, 1] = np.maximum(edges[:, 1] - edges[:, 0], 1)
    return inside
