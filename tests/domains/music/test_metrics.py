from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from composer.domains.music.metrics import (
    FLOORS,
    bar_histograms,
    compare_bars,
    count_bars,
    find_notes,
    piece_statistics,
)
from composer.domains.music.settings import FIRST_PITCH, HOLD, REST, MusicSettings

SETTINGS = MusicSettings(meter=(1, 2), lows=(60,))  # 8 steps a bar, C4 lowest
C, D, G = FIRST_PITCH, FIRST_PITCH + 2, FIRST_PITCH + 7

bar_sets = arrays(np.uint8, st.tuples(st.integers(1, 12), st.just(1), st.just(8))).map(
    lambda bars: bars % SETTINGS.classes
)


def bars_of(*lines: list[int]) -> np.ndarray:
    return np.array(lines, dtype=np.uint8)[:, None, :]


def test_notes_of_a_bar_by_hand():
    bars = bars_of([C, HOLD, D, REST, HOLD, G, HOLD, HOLD], [HOLD, HOLD, HOLD, HOLD, C, D, D, HOLD])
    notes = find_notes(bars, SETTINGS)
    assert notes.lines.tolist() == [0, 0, 0, 1, 1, 1]
    assert notes.steps.tolist() == [0, 2, 5, 4, 5, 6]
    assert notes.pitches.tolist() == [60, 62, 67, 60, 62, 62]
    assert notes.durations.tolist() == [2, 1, 3, 1, 1, 2]


def test_histograms_by_hand():
    counts = bar_histograms(bars_of([C, HOLD, D, REST, HOLD, G, HOLD, HOLD]), SETTINGS)
    assert {i - 24: n for i, n in enumerate(counts["intervals"]) if n} == {2: 1, 5: 1}
    assert np.flatnonzero(counts["pitch_classes"]).tolist() == [0, 2, 7]
    assert np.flatnonzero(counts["durations"]).tolist() == [0, 1, 2]
    assert np.flatnonzero(counts["onsets"]).tolist() == [0, 2, 5]


def test_intervals_stay_inside_a_bar_and_a_voice():
    settings = replace(SETTINGS, lows=(60, 36))
    high, low = [C, D, *[HOLD] * 6], [G, *[HOLD] * 7]
    counts = bar_histograms(np.array([[high, low], [low, high]], np.uint8), settings)
    assert {i - 24: n for i, n in enumerate(counts["intervals"]) if n} == {2: 2}
    assert find_notes(np.array([[high, low]], np.uint8), settings).pitches.tolist() == [60, 62, 43]


def test_what_is_in_a_bar_by_hand():
    (found,) = count_bars(bars_of([C, HOLD, D, REST, HOLD, G, HOLD, HOLD]), SETTINGS) * 8
    heights = -(-SETTINGS.pitches // 3)
    parts = np.split(found, np.cumsum([25, 12, 8, heights, 8]))
    leaps, chroma, durations, registers, onsets, rests = parts
    assert {i - 12: n for i, n in enumerate(leaps) if n} == {2: 1, 5: 1}
    assert np.flatnonzero(chroma).tolist() == [0, 2, 7]
    assert {i + 1: n for i, n in enumerate(durations) if n} == {1: 1, 2: 1, 3: 1}
    assert {i: n for i, n in enumerate(registers) if n} == {0: 2, 2: 1}  # C4 and D4, G4
    assert np.flatnonzero(onsets).tolist() == [0, 2, 5]
    assert np.flatnonzero(rests).tolist() == [3]


def test_what_sounds_together_is_counted_where_there_are_voices():
    settings = replace(SETTINGS, lows=(60, 36))
    high, low = [C, HOLD, HOLD, HOLD, REST, *[HOLD] * 3], [G, *[HOLD] * 7]
    (found,) = count_bars(np.array([[high, low]], np.uint8), settings) * 16
    assert len(found) == 25 + 12 + 8 + 2 * -(-settings.pitches // 3) + 4 * 8 + 12
    assert {i: n for i, n in enumerate(found[-12:]) if n} == {5: 4}  # C4 above G2, four steps


def test_wide_intervals_are_clipped():
    counts = bar_histograms(bars_of([C, C + 30, C, *[HOLD] * 5]), SETTINGS)
    assert counts["intervals"][[0, -1]].tolist() == [1, 1]


@given(bar_sets, bar_sets)
def test_distances_are_symmetric_and_bounded(first: np.ndarray, second: np.ndarray):
    forth = compare_bars(first, second, SETTINGS)
    assert forth == pytest.approx(compare_bars(second, first, SETTINGS))
    assert all(0 <= forth[name] <= 1 + 1e-9 for name in FLOORS)
    relative = np.mean([forth[name] / floor for name, floor in FLOORS.items()])
    assert forth["total"] == pytest.approx(float(relative))


@given(bar_sets)
def test_a_set_is_no_distance_from_itself_in_any_order(bars: np.ndarray):
    assert compare_bars(bars, bars[::-1], SETTINGS)["total"] == pytest.approx(0, abs=1e-9)


def test_statistics_of_a_piece_by_hand():
    settings = MusicSettings(meter=(1, 2), lows=(60,))
    piece = bars_of(
        [G, HOLD, HOLD, HOLD, C, REST, D, HOLD], [HOLD, HOLD, HOLD, HOLD, C, *[HOLD] * 3]
    )
    silent = np.zeros_like(piece)
    table = piece_statistics(np.stack([piece, silent]), settings)
    widths = [25, 12, 8, 8, 12, 12, 2, 4, 2]
    parts = np.split(table, np.cumsum(widths)[:-1], axis=1)
    intervals, chroma, durations, onsets, first, last, closing, heights, density = (
        part[0] for part in parts
    )
    third = pytest.approx(1 / 3)
    assert {i - 12: share for i, share in enumerate(intervals) if share} == {
        -7: third,
        2: third,
        -2: third,
    }
    assert chroma[[0, 2, 7]].tolist() == [0.5, 0.25, 0.25]
    assert durations[[0, 3, 5]].tolist() == [0.25, 0.5, 0.25]  # D is held over the bar line
    assert onsets[[0, 4, 6]].tolist() == [0.25, 0.5, 0.25]
    assert (first.argmax(), last.argmax()) == (7, 0)
    assert closing.tolist() == [0, 1]
    assert heights[2:] == pytest.approx([0, 7 / 12])
    assert density.tolist() == [3 / 8, 1 / 8]
    assert not table[1].any()


def test_statistics_of_first_and_last_are_of_the_highest_voice():
    settings = MusicSettings(meter=(1, 2), lows=(60, 48))
    pieces = np.array([[[[G, *[HOLD] * 7], [C, *[HOLD] * 7]]]], np.uint8)
    table = piece_statistics(pieces, settings)[0]
    first, last = table[53:65], table[65:77]
    assert (first.argmax(), last.argmax()) == (7, 7)
