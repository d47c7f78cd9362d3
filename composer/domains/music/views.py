"""What is to be seen in bars: the pitch that sounds, the leap to each note, the chord at each step.

Each in two forms, which say the same: differentiable for one-hot (or straight-through) bars, and
for whole tokens, int64, as indices, -1 where there is nothing. Leaps and chords depend on two
pitches at once: a sum of embeddings does not show them, and to learn them for each pair takes more
bars than there are.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from composer.domains.music.settings import FIRST_PITCH, HOLD, OCTAVE

LEAPS = 2 * OCTAVE + 1


def sounding(bars: Tensor) -> Tensor:
    """The pitch that sounds at each step: s[t] = onset[t] + hold[t] * s[t-1].

    ``bars`` one-hot float ``[n, voices, steps, classes]`` -> float
    ``[n, voices, steps, classes - 2]``; all zero where nothing sounds.
    """
    onsets = bars[..., FIRST_PITCH:]
    holds = bars[..., HOLD : HOLD + 1]
    current = onsets[:, :, 0]
    line = [current]
    for step in range(1, bars.shape[2]):
        current = onsets[:, :, step] + holds[:, :, step] * current
        line.append(current)
    return torch.stack(line, dim=2)


def sounding_index(tokens: Tensor) -> Tensor:
    """``sounding`` for whole tokens: int64 pitch index ``[n, voices, steps]``, -1 for silence."""
    steps = torch.arange(tokens.shape[-1]).expand_as(tokens)
    struck = torch.where(tokens == HOLD, -1, steps).cummax(-1).values  # last step that is no hold
    source = tokens.gather(-1, struck.clamp_min(0)) - FIRST_PITCH
    return torch.where(struck >= 0, source, -1).clamp_min(-1)


def leaps(bars: Tensor) -> Tensor:
    """How far each note lies below the last one before it: one of -12..12 semitones.

    ``bars`` one-hot float ``[n, voices, steps, classes]`` -> float ``[n, voices, steps, 25]``; all
    zero where no note begins, at the first, and beyond an octave.
    """
    onsets = bars[..., FIRST_PITCH:]
    kept = 1 - onsets.sum(-1, keepdim=True)
    last, line = torch.zeros_like(onsets[:, :, 0]), []
    for step in range(bars.shape[2]):
        line.append(last)
        last = onsets[:, :, step] + kept[:, :, step] * last
    return torch.einsum("nvsp,nvskp->nvsk", onsets, beneath(torch.stack(line, dim=2)))


def leap_index(tokens: Tensor) -> Tensor:
    """``leaps`` for whole tokens: int64 ``[n, voices, steps]``, 0 to 24; -1 where there is none."""
    steps = torch.arange(tokens.shape[-1]).expand_as(tokens)
    begins = tokens >= FIRST_PITCH
    latest = torch.where(begins, steps, -1).cummax(-1).values
    earlier = F.pad(latest[..., :-1], (1, 0), value=-1)
    leap = tokens.gather(-1, earlier.clamp_min(0)) - tokens
    there = begins & (earlier >= 0) & (leap.abs() <= OCTAVE)
    return torch.where(there, leap + OCTAVE, -1)


def beneath(line: Tensor) -> Tensor:
    """What a line has at each distance from each pitch, at most an octave below or above.

    ``[..., pitches]`` -> ``[..., 25, pitches]``; entry ``[k, p]`` is that at ``p + k - 12``.
    """
    return F.pad(line, (OCTAVE, OCTAVE)).unfold(-1, line.shape[-1], 1)


def beneath_class(chroma: Tensor) -> Tensor:
    """The same for pitch classes, in a circle: ``[..., 12]`` -> ``[..., 12, 12]``.

    Entry ``[k, c]`` is what there is at the class ``c + k``.
    """
    return torch.cat((chroma, chroma), -1).unfold(-1, OCTAVE, 1)[..., :OCTAVE, :]


def folds(lows: tuple[int, ...], pitches: int) -> Tensor:
    """Maps from the pitches of each voice to their classes: float ``[voices, pitches, 12]``."""
    classes = (torch.tensor(lows)[:, None] + torch.arange(pitches)) % OCTAVE
    return F.one_hot(classes, OCTAVE).float()


def chords(lines: Tensor, fold: Tensor) -> Tensor:
    """How far each voice sounds below each one above it, in semitones but for octaves.

    ``lines`` of ``sounding``, ``fold`` of ``folds`` -> float ``[n, voices, steps,
    12 * (voices - 1)]``, twelve for each voice but the lowest; zero where one of both is silent.
    """
    chroma = torch.einsum("nvsp,vpc->nvsc", lines, fold)
    others = beneath_class(chroma[:, :-1])
    found = torch.einsum("nvsc,nuskc->nvsuk", chroma, others)
    voices = lines.shape[1]
    above = torch.ones(voices, voices - 1).tril(-1)  # voice, one above it
    return (found * above[:, None, :, None]).flatten(3)


def chord_index(pitches: Tensor, lows: tuple[int, ...]) -> Tensor:
    """Where ``chords`` has its ones, given ``sounding_index``, and the lowest pitch of each voice.

    int64 ``[n, voices, steps]`` -> int64 ``[n, voices, steps, voices - 1]``.
    """
    voices, low = torch.arange(len(lows)), torch.tensor(lows)
    own, above = pitches.unsqueeze(3), pitches[:, :-1].transpose(1, 2).unsqueeze(1)
    below = (above + low[:-1]) - (own + low[:, None, None])  # [n, voices, steps, voices - 1]
    there = (own >= 0) & (above >= 0) & (voices[:-1] < voices[:, None, None])
    return torch.where(there, below % OCTAVE + OCTAVE * voices[:-1], -1)
