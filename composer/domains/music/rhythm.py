"""When notes begin, and how long they last.

Every measure gives one number a piece, NaN where it has none. Pieces are uint8
``[n, bars, voices, steps]`` tokens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from composer.domains.music.metrics import find_notes
from composer.domains.music.settings import FIRST_PITCH

if TYPE_CHECKING:
    from composer.domains.music.settings import MusicSettings

THIRTY_SECOND, EIGHTH = 1 / 8, 1 / 2  # of a quarter note


def groove_similarity(pieces: np.ndarray) -> np.ndarray:
    """How alike the rhythms of a piece's bars are, near and far ones.

    Wu and Yang (ISMIR 2020): the mean over all pairs of bars of ``1 - sum_i XOR(a_i, b_i) / Q``,
    where ``a_i`` says whether any note begins at step ``i`` of a bar of ``Q`` steps. Where ``k`` of
    ``B`` bars have an onset, ``k (B - k)`` of the ``B (B - 1) / 2`` pairs differ, so that all pairs
    count and none is drawn. It depends on the grid (theirs has 64 steps) and on density: where each
    step has an onset with probability p, it is ``1 - 2 p (1 - p)``.

    Returns:
        float64 ``[n]``, ``.5 - .5 / (B - 1)`` to 1; NaN for a single bar.
    """
    onsets = (pieces >= FIRST_PITCH).any(axis=2)  # [n, bars, steps]
    bars, having = onsets.shape[1], onsets.sum(axis=1)
    if bars == 1:
        return np.full(len(pieces), np.nan)
    return 1 - (having * (bars - having)).mean(axis=1) / (bars * (bars - 1) / 2)


def qualified_notes(
    pieces: np.ndarray, settings: MusicSettings, least: float = THIRTY_SECOND
) -> np.ndarray:
    """Share of notes that are not fragments ("QN" of MuseGAN, Dong et al., AAAI 2018).

    There a note qualifies from three steps on, of 24 a quarter, so from a 32nd, as here (its
    published code asks for two). On a grid of sixteenths every note does; there ``least`` must be
    longer to say something, for example ``EIGHTH``.

    Args:
        pieces: see above; notes go on over bar lines.
        settings: the settings that they were made with.
        least: length in quarter notes from which a note qualifies.

    Returns:
        float64 ``[n]`` in [0, 1]; NaN without a note.
    """
    count, bars, voices, steps = pieces.shape
    notes = find_notes(pieces.swapaxes(1, 2).reshape(count, voices, bars * steps), settings)
    owner = notes.lines // voices
    long = notes.durations >= least * settings.steps_per_beat
    number = np.bincount(owner, minlength=count)
    share = np.bincount(owner, long, minlength=count) / np.maximum(number, 1)
    return np.where(number > 0, share, np.nan)
