"""Every measure of a single piece, by name: what a report averages, bootstraps and compares.

RL Tuner's table is not among them, as its rows are ratios of sums over pieces (``tuner``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import MappingProxyType

import numpy as np

from composer.domains.music import harmony, rhythm
from composer.domains.music.settings import MusicSettings
from composer.evaluation.form import repeats
from composer.evaluation.structure import structure_indicator

LAGS = range(1, 17)  # bars
REPEATS = "repeats at lag"

# Bars of the short, middle and long range. Wu and Yang have 3 to 8, 8 to 15 and from 15 seconds; a
# bar of four quarters at tempo 120 lasts two.
RANGES: Mapping[str, tuple[int, int | None]] = MappingProxyType(
    {"short": (2, 4), "middle": (4, 8), "long": (8, None)}
)

Measure = Callable[[np.ndarray, MusicSettings], np.ndarray]


def _whole_piece(pieces: np.ndarray, settings: MusicSettings) -> np.ndarray:
    return harmony.used_pitch_classes(pieces, settings, pieces.shape[1])


def _groove(pieces: np.ndarray, settings: MusicSettings) -> np.ndarray:
    del settings
    return rhythm.groove_similarity(pieces)


def _structure(
    pieces: np.ndarray, settings: MusicSettings, shortest: int, longest: int | None
) -> np.ndarray:
    similarities = harmony.bar_similarities(pieces, settings)
    return structure_indicator(similarities, shortest, longest)


def _repeats(pieces: np.ndarray, settings: MusicSettings, lag: int) -> np.ndarray:
    """NaN where no bar has one so far before it."""
    del settings
    return repeats(pieces, (lag,))[:, 0] if lag < pieces.shape[1] else np.full(len(pieces), np.nan)


DESCRIPTORS: Mapping[str, Measure] = MappingProxyType(
    {
        "pitch classes in a bar": harmony.used_pitch_classes,
        "pitch classes in the piece": _whole_piece,
        "pitch-class entropy, 1 bar": harmony.pitch_class_entropy,
        "pitch-class entropy, 4 bars": partial(harmony.pitch_class_entropy, span=4),
        "scale consistency": harmony.scale_consistency,
        "tonal distance of bars": harmony.bar_tonal_distance,
        "tonal distance of voices": harmony.voice_tonal_distance,
        "groove similarity": _groove,
        "notes from a 32nd": rhythm.qualified_notes,
        "notes from an eighth": partial(rhythm.qualified_notes, least=rhythm.EIGHTH),
        **{
            f"structure, {name} range": partial(_structure, shortest=least, longest=most)
            for name, (least, most) in RANGES.items()
        },
        **{f"{REPEATS} {lag}": partial(_repeats, lag=lag) for lag in LAGS},
    }
)

# Those of which pieces have many different values, so that their distribution says something.
DISTRIBUTED = tuple(name for name in DESCRIPTORS if not name.startswith(REPEATS))


def describe(
    pieces: np.ndarray, settings: MusicSettings, names: Iterable[str] = tuple(DESCRIPTORS)
) -> dict[str, np.ndarray]:
    """Measures of ``DESCRIPTORS``.

    Args:
        pieces: uint8 ``[n, bars, voices, steps]`` tokens.
        settings: the settings that they were made with.
        names: which of them; all in its order.

    Returns:
        Name -> float64 ``[n]``; NaN where a piece has no such value.
    """
    return {name: DESCRIPTORS[name](pieces, settings) for name in names}
