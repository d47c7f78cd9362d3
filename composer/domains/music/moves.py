"""Structural moves on bars, and the relations between bars that show them.

Both are vectorised over the batch. A *sequence* is the musician's term: a bar repeated a few scale
steps higher or lower.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from composer.domain import Moves
from composer.domains.music.settings import FIRST_PITCH, OCTAVE, MusicSettings

if TYPE_CHECKING:
    import torch

REPEATED = (0, 1, 2, 3, 7)  # columns of neighbours: lags 1, 2, 4, 8, 16
SEQUENCED = (0, 1, 2)  # lags 1, 2, 4
MAX_STEPS = 3  # a sequence moves by at most this many scale steps
WHOLE_TONE = 2
MAJOR = np.array((0, 2, 4, 5, 7, 9, 11))


def relations(fragments: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """How each bar resembles each other bar.

    ``fragments`` int ``[batch, a, voices, steps]``, ``others`` int ``[batch, b, voices, steps]``
    -> float32 ``[batch, a, b, 8]``: share of equal steps, all equal, same onsets, same onsets and
    equal up to a transposition of at most an octave; then the leap from the last note of the other
    to the first of the bar, as a mean over the voices: in octaves, upwards, cut at one; its size;
    whether it is of one or two semitones; whether the pitch stays.
    """
    import torch

    a = fragments.flatten(2).to(torch.int16).unsqueeze(2)
    b = others.flatten(2).to(torch.int16).unsqueeze(1)  # [batch, 1, b, tokens]
    same = (a == b).float().mean(-1)
    onset_a, onset_b = a >= FIRST_PITCH, b >= FIRST_PITCH
    rhythm = torch.where(onset_a, FIRST_PITCH, a) == torch.where(onset_b, FIRST_PITCH, b)
    rhythmic = rhythm.all(-1)
    both = onset_a & onset_b
    move = a - b
    high = torch.where(both, move, -128).amax(-1)
    low = torch.where(both, move, 128).amin(-1)
    parallel = rhythmic & (high - low <= 1) & (high.abs() <= OCTAVE)  # 1: steps of a scale differ
    resembling = torch.stack((same, same == 1, rhythmic, parallel), dim=-1)
    return torch.cat((resembling, _leaps(fragments, others)), dim=-1)


def _leaps(fragments: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """How the melody would go on from each other bar: ``[batch, a, b, 4]``, see ``relations``."""
    import torch

    begins, ends = fragments >= FIRST_PITCH, others >= FIRST_PITCH
    first = fragments.gather(-1, begins.byte().argmax(-1, keepdim=True))  # [batch, a, voices, 1]
    behind = ends.flip(-1).byte().argmax(-1, keepdim=True)  # steps after the last onset
    last = others.gather(-1, ends.shape[-1] - 1 - behind)
    both = begins.any(-1).unsqueeze(2) & ends.any(-1).unsqueeze(1)  # [batch, a, b, voices]
    leap = first.squeeze(-1).unsqueeze(2).float() - last.squeeze(-1).unsqueeze(1).float()
    leap = leap.clamp(-OCTAVE, OCTAVE) / OCTAVE
    size = leap.abs()
    step = (size > 0) & (size <= WHOLE_TONE / OCTAVE)
    return (torch.stack((leap, size, step, size == 0), dim=-1) * both.unsqueeze(-1)).mean(3)


def transpose_in_scale(bars: np.ndarray, steps: np.ndarray, settings: MusicSettings) -> np.ndarray:
    """Move every note of a bar by scale steps of the common key.

    Chromatic notes keep their distance to the scale note below. Notes that would leave a voice's
    range are folded back by an octave.

    ``bars`` uint8 ``[n, voices, steps]``; ``steps`` int ``[n]`` -> uint8 as ``bars``.
    """
    lows = np.array(settings.lows)[None, :, None]
    notes = bars.astype(np.int64) - FIRST_PITCH
    relative = notes + lows - settings.tonic
    octave, chroma = np.divmod(relative, OCTAVE)
    degree = np.searchsorted(MAJOR, chroma, side="right") - 1
    accidental = chroma - MAJOR[degree]
    carry, reached = np.divmod(degree + steps[:, None, None], len(MAJOR))
    moved = OCTAVE * (octave + carry) + MAJOR[reached] + accidental
    moved = moved + settings.tonic - lows
    moved = np.where(moved < 0, moved + OCTAVE, moved)
    moved = np.where(moved >= settings.pitches, moved - OCTAVE, moved)
    moved = np.clip(moved, 0, settings.pitches - 1)
    return np.where(notes >= 0, moved + FIRST_PITCH, bars).astype(np.uint8)


def propose(
    context: np.ndarray, present: np.ndarray, rng: np.random.Generator, settings: MusicSettings
) -> Moves:
    """Repeats of the bars 1, 2, 4, 8, 16 before and sequences of the bars 1, 2, 4 before.

    ``context`` uint8 ``[batch, neighbours, voices, steps]``, ``present`` bool
    ``[batch, neighbours]``.
    """
    batch, _, *shape = context.shape
    columns = np.array(REPEATED + SEQUENCED)
    repeats = context[:, REPEATED]
    distance = rng.integers(1, MAX_STEPS + 1, size=(batch, len(SEQUENCED)))
    steps = distance * rng.choice((-1, 1), size=distance.shape)
    sources = context[:, SEQUENCED].reshape(-1, *shape)
    sequences = transpose_in_scale(sources, steps.reshape(-1), settings)
    sequences = sequences.reshape(batch, len(SEQUENCED), *shape)
    return Moves(
        fragments=np.concatenate((repeats, sequences), axis=1),
        valid=present[:, columns],
        sources=np.broadcast_to(columns, (batch, len(columns))),
        names=("repeat",) * len(REPEATED) + ("sequence",) * len(SEQUENCED),
    )
