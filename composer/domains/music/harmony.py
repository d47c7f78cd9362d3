"""Which pitches pieces use: pitch classes, their entropy, their scale, tonal distance.

Every measure gives one number a piece, NaN where it has none. Pieces are uint8
``[n, bars, voices, steps]`` tokens, made with the settings that are handed in. No measure changes
when a whole piece is transposed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from composer.domains.music.scales import MODES
from composer.domains.music.settings import FIRST_PITCH, HOLD, OCTAVE
from composer.evaluation.distances import entropy

if TYPE_CHECKING:
    from composer.domains.music.settings import MusicSettings

SILENT = -1

# Harte et al. (2006): the circles of fifths, minor thirds and major thirds, as angle of a semitone
# and radius.
CIRCLES = ((7 * np.pi / 6, 1.0), (3 * np.pi / 2, 1.0), (2 * np.pi / 3, 0.5))


def sounding_pitches(pieces: np.ndarray, settings: MusicSettings) -> np.ndarray:
    """Say what sounds at every step, over bar lines too.

    Returns:
        int64 ``[n, bars, voices, steps]``: the MIDI pitch, or ``SILENT``.
    """
    count, bars, voices, steps = pieces.shape
    lines = pieces.swapaxes(1, 2).reshape(count, voices, bars * steps).astype(np.int64)
    begun = np.where(lines == HOLD, 0, np.arange(bars * steps))
    source = np.take_along_axis(lines, np.maximum.accumulate(begun, axis=2), axis=2)
    pitches = source - FIRST_PITCH + np.asarray(settings.lows)[:, None]
    sounding = np.where(source >= FIRST_PITCH, pitches, SILENT)
    return sounding.reshape(count, voices, bars, steps).swapaxes(1, 2)


def used_pitch_classes(pieces: np.ndarray, settings: MusicSettings, span: int = 1) -> np.ndarray:
    """Mean number of pitch classes that sound in a bar, or in a stretch of bars.

    "UPC" of MuseGAN (Dong et al., AAAI 2018): voice by voice, as there track by track, and then the
    mean over all stretches of ``span`` successive bars that are not empty. (Version 1 of its
    code takes seven neighbouring pitches for a pitch class.)

    Args:
        pieces: see above.
        settings: see above.
        span: bars in a stretch; the whole piece where that is shorter.

    Returns:
        float64 ``[n]``, 1 to 12; NaN for a silent piece.
    """
    used = np.any(_chroma(sounding_pitches(pieces, settings)), axis=3)
    numbers = _stretches(used, span).any(axis=-1).sum(axis=3)
    return _mean_where(numbers, numbers > 0)


def pitch_class_entropy(pieces: np.ndarray, settings: MusicSettings, span: int = 1) -> np.ndarray:
    """Entropy of the pitch classes of the notes that begin in a bar, or in a stretch of bars.

    Wu and Yang (ISMIR 2020), there for 1 and 4 bars: ``H = -sum_c h_c log2 h_c`` with ``h_c`` the
    share of onsets of pitch class ``c``, all voices together; the mean over all stretches of
    ``span`` successive bars, overlapping, that have an onset. Low where the tonality is clear.

    Args:
        pieces: see above.
        settings: see above.
        span: bars in a stretch; the whole piece where that is shorter.

    Returns:
        float64 ``[n]`` in bits, 0 to log2(12) = 3.58; NaN without an onset.
    """
    counts = _stretches(_onset_classes(pieces, settings), span).sum(axis=-1)
    number = counts.sum(axis=2)
    return _mean_where(entropy(counts / np.maximum(number, 1)[..., None]), number > 0)


def scale_consistency(pieces: np.ndarray, settings: MusicSettings) -> np.ndarray:
    """Share of notes that lie in the scale that fits best.

    Mogren (C-RNN-GAN, 2016), as MusPy (Dong et al., ISMIR 2020) defines it: the largest share of
    onsets in any of the major and natural minor scales. The minor ones are the relative major ones.

    Returns:
        float64 ``[n]``, 7 / 12 (all pitch classes alike; no scale fits worse) to 1; NaN without an
        onset.
    """
    counts = _onset_classes(pieces, settings).sum(axis=1)
    major = np.isin(np.arange(OCTAVE), MODES["major"].intervals)
    scales = np.stack([np.roll(major, tonic) for tonic in range(OCTAVE)])
    number = counts.sum(axis=1)
    best = (counts @ scales.T.astype(np.int64)).max(axis=1)
    return np.where(number > 0, best / np.maximum(number, 1), np.nan)


def tonal_centroids(weights: np.ndarray) -> np.ndarray:
    """Where pitch classes lie, on average, on three circles (Harte et al., AMCMM 2006).

    ``zeta = sum_c w_c phi_c / sum_c w_c`` with ``phi_c = r (sin(a c), cos(a c))`` for the circles
    of fifths (a = 7 pi / 6, r = 1), minor thirds (3 pi / 2, 1) and major thirds (2 pi / 3, 1/2).
    Fifths and thirds lie near each other, so the Euclidean distance of two centroids, the *tonal
    distance*, is small for harmonies with much in common: of two notes 1.74 for a fifth, 1.94 and
    2 for a major and a minor third, 2.40 for a tone, 2.55 for a semitone, 2.83 for a tritone.

    Args:
        weights: float ``[..., 12]``, not negative.

    Returns:
        float64 ``[..., 6]``, no longer than 1.5; the middle (all 0) where all weights are 0.
    """
    classes = np.arange(OCTAVE)
    circles = [r * wave(a * classes) for a, r in CIRCLES for wave in (np.sin, np.cos)]
    return weights @ np.stack(circles, axis=1) / np.maximum(weights.sum(axis=-1, keepdims=True), 1)


def bar_tonal_distance(pieces: np.ndarray, settings: MusicSettings) -> np.ndarray:
    """How far the harmony moves from one bar to the next.

    The mean tonal distance (``tonal_centroids``) of successive bars that both sound; a pitch class
    weighs as long as it sounds, all voices together.

    Returns:
        float64 ``[n]``, 0 (the same harmony throughout) to 3; NaN where no two bars are to compare.
    """
    weights = _chroma(sounding_pitches(pieces, settings)).sum(axis=(2, 3))
    sounds, centroids = weights.sum(axis=2) > 0, tonal_centroids(weights)
    distances = np.linalg.norm(centroids[:, 1:] - centroids[:, :-1], axis=2)
    return _mean_where(distances, sounds[:, 1:] & sounds[:, :-1])


def voice_tonal_distance(pieces: np.ndarray, settings: MusicSettings) -> np.ndarray:
    """How far the harmonies of the voices lie apart ("TD" of MuseGAN, Dong et al., AAAI 2018).

    The mean tonal distance (``tonal_centroids``) of two voices within a quarter note, over all
    quarters of a bar (the last may be shorter) and pairs of voices where both sound.

    Returns:
        float64 ``[n]``, 0 (unison, or octaves) to 3; NaN for one voice.
    """
    sounding = _chroma(sounding_pitches(pieces, settings)).astype(np.int64)
    quarters = np.arange(0, settings.steps, settings.steps_per_beat)
    weights = np.add.reduceat(sounding, quarters, axis=3)
    sounds, centroids = weights.sum(axis=4) > 0, tonal_centroids(weights)
    first, second = np.triu_indices(settings.voices, 1)
    distances = np.linalg.norm(centroids[:, :, first] - centroids[:, :, second], axis=4)
    return _mean_where(distances, sounds[:, :, first] & sounds[:, :, second])


def bar_similarities(pieces: np.ndarray, settings: MusicSettings) -> np.ndarray:
    """How far bars sound the same: the self-similarity matrix of each piece.

    Returns:
        float64 ``[n, bars, bars]`` in [0, 1], symmetric, 1 on the diagonal: the share of steps, of
        all voices, at which both bars sound the same pitch class, or both are silent.
    """
    sounding = sounding_pitches(pieces, settings)
    chroma = np.where(sounding == SILENT, SILENT, sounding % OCTAVE)
    flat = chroma.reshape(*chroma.shape[:2], -1)
    return np.stack([(bars[:, None] == bars).mean(axis=2) for bars in flat])


def _mean_where(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Mean of the known values of each piece, both ``[n, ...]`` -> float64 ``[n]``; else NaN."""
    number = known.reshape(len(known), -1).sum(axis=1)
    total = np.where(known, values, 0).reshape(len(known), -1).sum(axis=1)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)


def _chroma(sounding: np.ndarray) -> np.ndarray:
    """Which pitch class sounds at each step: int64 ``[...]`` -> bool ``[..., 12]``."""
    classes = np.where(sounding == SILENT, SILENT, sounding % OCTAVE)
    return classes[..., None] == np.arange(OCTAVE)


def _onset_classes(pieces: np.ndarray, settings: MusicSettings) -> np.ndarray:
    """Onsets of each pitch class in each bar, all voices: int64 ``[n, bars, 12]``."""
    pitches = pieces.astype(np.int64) - FIRST_PITCH + np.asarray(settings.lows)[:, None]
    return _chroma(np.where(pieces >= FIRST_PITCH, pitches, SILENT)).sum(axis=(2, 3))


def _stretches(bars: np.ndarray, span: int) -> np.ndarray:
    """Every ``span`` successive bars: ``[n, bars, ...]`` -> ``[n, stretches, ..., span]``."""
    return np.lib.stride_tricks.sliding_window_view(bars, min(span, bars.shape[1]), axis=1)
