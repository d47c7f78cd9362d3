from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from composer.domains.music import harmony
from composer.domains.music.settings import FIRST_PITCH, HOLD, REST, MusicSettings

SETTINGS = MusicSettings(meter=(1, 2), lows=(60,))  # 8 steps a bar, two quarters, C4 lowest
DUET = replace(SETTINGS, lows=(60, 36))
C, C_SHARP, D, E, F, G, A, B = (FIRST_PITCH + step for step in (0, 1, 2, 4, 5, 7, 9, 11))
C_UP = C + 12
ON = [HOLD] * 7
SILENCE = [REST] * 8

random_pieces = arrays(np.uint8, (2, 5, 2, 8), elements=st.integers(0, 25))


def piece_of(*bars: list[int]) -> np.ndarray:
    """One piece of one voice."""
    return np.array(bars, dtype=np.uint8)[None, :, None]


def test_what_sounds_goes_on_over_bar_lines():
    piece = piece_of([HOLD, HOLD, C, HOLD, D, *[HOLD] * 3], [HOLD, REST, HOLD, C_UP, *[HOLD] * 4])
    assert harmony.sounding_pitches(piece, SETTINGS)[0, :, 0].tolist() == [
        [-1, -1, 60, 60, 62, 62, 62, 62],
        [62, -1, -1, 72, 72, 72, 72, 72],
    ]


def test_voices_have_their_own_range():
    piece = np.array([[[[C, *ON], [REST, HOLD, D, *[HOLD] * 5]]]], np.uint8)
    assert harmony.sounding_pitches(piece, DUET)[0, 0, :, [0, 2]].tolist() == [[60, -1], [60, 38]]


def test_used_pitch_classes_by_hand():
    piece = piece_of([C, E, C_UP, REST, *[HOLD] * 4], [D, *ON], [HOLD] * 8, SILENCE)
    # C and E; D; D held; nothing, which does not count.
    assert harmony.used_pitch_classes(piece, SETTINGS).tolist() == [4 / 3]
    # Stretches of two bars: C E D; D; D held.
    assert harmony.used_pitch_classes(piece, SETTINGS, 2).tolist() == [5 / 3]
    assert harmony.used_pitch_classes(piece, SETTINGS, 4).tolist() == [3]
    assert harmony.used_pitch_classes(piece, SETTINGS, 99).tolist() == [3]


def test_pitch_classes_are_counted_voice_by_voice():
    piece = np.array([[[[C, D, *[HOLD] * 6], [C, *ON]]]], np.uint8)
    assert harmony.used_pitch_classes(piece, DUET).tolist() == [1.5]


def test_pitch_class_entropy_by_hand():
    piece = piece_of([C, C_UP, *[HOLD] * 6], [C, D, E, G, *[HOLD] * 4], [HOLD] * 8)
    # 0 bits and 2 bits; no onset in the last bar.
    assert harmony.pitch_class_entropy(piece, SETTINGS).tolist() == [1]
    # Three C, D, E, G; C, D, E, G.
    first = -0.5 * np.log2(0.5) - 3 / 6 * np.log2(1 / 6)
    assert harmony.pitch_class_entropy(piece, SETTINGS, 2) == pytest.approx([(first + 2) / 2])


def test_scale_consistency_by_hand():
    chromatic = piece_of([C, C_SHARP, D, D + 1, E, F, F + 1, G], [G + 1, A, A + 1, B, *[HOLD] * 4])
    minor = piece_of([A, B, C, D, E, F, G, C_SHARP])
    assert harmony.scale_consistency(chromatic, SETTINGS) == pytest.approx([7 / 12])
    assert harmony.scale_consistency(minor, SETTINGS) == pytest.approx([7 / 8])


def test_tonal_distance_of_single_notes_by_hand():
    centroids = harmony.tonal_centroids(np.eye(12))
    distances = np.linalg.norm(centroids - centroids[0], axis=1)
    # Chords of the circles: a fifth lies 30 degrees on the first, 90 and 240 on the others.
    fifth = np.sqrt((2 * np.sin(np.pi / 12)) ** 2 + 2 + 3 / 4)
    tritone = np.sqrt(4 + 4 + 0)
    assert distances[[7, 6]] == pytest.approx([fifth, tritone])
    assert distances.argsort()[:3].tolist() in ([0, 5, 7], [0, 7, 5])
    assert distances == pytest.approx(distances[-np.arange(12)])
    assert np.linalg.norm(centroids, axis=1) == pytest.approx(1.5)


def test_centroids_are_weighted_means():
    single = harmony.tonal_centroids(np.eye(12))
    both = harmony.tonal_centroids(np.array([3.0, 0, 0, 0, 1, *[0] * 7]))
    assert both == pytest.approx((3 * single[0] + single[4]) / 4)
    assert not harmony.tonal_centroids(np.zeros(12)).any()


def test_tonal_distance_of_bars_by_hand():
    fifth = np.linalg.norm(np.diff(harmony.tonal_centroids(np.eye(12)[[0, 7]]), axis=0))
    piece = piece_of([C, *ON], [G, *ON], [HOLD] * 8, SILENCE, [C, *ON])
    # C to G, G held; silence compares with nothing.
    assert harmony.bar_tonal_distance(piece, SETTINGS) == pytest.approx([fifth / 2])


def test_tonal_distance_of_voices_by_hand():
    fifth = np.linalg.norm(np.diff(harmony.tonal_centroids(np.eye(12)[[0, 7]]), axis=0))
    bar = [[C, *ON], [C, *[HOLD] * 3, G, *[HOLD] * 3]]
    rest = [[REST, *ON], [C, *ON]]
    piece = np.array([[bar, rest]], np.uint8)
    # The first quarter is an octave, the second a fifth.
    assert harmony.voice_tonal_distance(piece, DUET) == pytest.approx([fifth / 2])
    assert np.isnan(harmony.voice_tonal_distance(piece[:, :, :1], SETTINGS)).all()


def test_a_bar_need_not_be_whole_quarters():
    settings = replace(DUET, meter=(3, 8))
    piece = np.array([[[[C, *[HOLD] * 5], [C, *[HOLD] * 5]]]], np.uint8)
    assert harmony.voice_tonal_distance(piece, settings).tolist() == [0]


def test_similarities_of_bars_by_hand():
    piece = piece_of([C, *ON], [C_UP, HOLD, HOLD, REST, *[HOLD] * 4], [REST, *ON])
    assert harmony.bar_similarities(piece, SETTINGS)[0].tolist() == [
        [1, 3 / 8, 0],
        [3 / 8, 1, 5 / 8],
        [0, 5 / 8, 1],
    ]


def test_silent_pieces_have_no_values():
    silent = np.zeros((1, 3, 2, 8), np.uint8)
    measures = (
        harmony.used_pitch_classes,
        harmony.pitch_class_entropy,
        harmony.scale_consistency,
        harmony.bar_tonal_distance,
        harmony.voice_tonal_distance,
    )
    assert all(np.isnan(measure(silent, DUET)).tolist() == [True] for measure in measures)


@given(random_pieces)
def test_values_are_in_range(pieces: np.ndarray):
    ranges = [
        (harmony.used_pitch_classes(pieces, DUET), 1, 12),
        (harmony.pitch_class_entropy(pieces, DUET), 0, np.log2(12)),
        (harmony.scale_consistency(pieces, DUET), 7 / 12, 1),
        (harmony.bar_tonal_distance(pieces, DUET), 0, 3),
        (harmony.voice_tonal_distance(pieces, DUET), 0, 3),
    ]
    for values, low, high in ranges:
        known = values[~np.isnan(values)]
        assert ((known >= low - 1e-9) & (known <= high + 1e-9)).all()


@given(random_pieces, st.integers(1, 11))
def test_transposed_pieces_measure_the_same(pieces: np.ndarray, up: int):
    higher = replace(DUET, lows=(60 + up, 36 + up))
    measures = (
        harmony.used_pitch_classes,
        harmony.pitch_class_entropy,
        harmony.scale_consistency,
        harmony.bar_tonal_distance,
        harmony.voice_tonal_distance,
        harmony.bar_similarities,
    )
    for measure in measures:
        assert measure(pieces, higher) == pytest.approx(measure(pieces, DUET), nan_ok=True)


@given(random_pieces)
def test_wider_stretches_hold_no_less(pieces: np.ndarray):
    pieces[:, :, :, 0] = FIRST_PITCH  # no stretch is empty
    by_bar, by_four, whole = (harmony.used_pitch_classes(pieces, DUET, n) for n in (1, 4, 5))
    assert (by_bar <= by_four + 1e-9).all()
    assert (by_four <= whole + 1e-9).all()
