"""Structure of pieces: how much of a piece the best segment of some length explains.

The structureness indicator of Wu and Yang (*The Jazz Transformer on the front line*, ISMIR 2020) on
the fitness scape plot of Mueller, Jiang and Grosche (*A robust fitness measure for capturing
repetitions in music recordings*, IEEE TASLP 21, 2013). Theirs are of audio in seconds; here the
unit is a place (a bar), and as places keep their tempo, repetitions are straight diagonals.
Nothing here knows what a place means: it takes self-similarity matrices.
"""

from __future__ import annotations

import numpy as np

THRESHOLD = 0.75  # places less alike than this do not match
PENALTY = -2.0  # what a place that does not match costs, as in Mueller et al.


def structure_indicator(
    similarities: np.ndarray, shortest: int, longest: int | None = None
) -> np.ndarray:
    """Give the highest fitness of any segment of a length in a range.

    ``SI = max fitness(start, length)`` over all starts and ``shortest <= length <= longest``. High
    where some segment of that length comes back, often and nearly unchanged.

    Args:
        similarities: as in ``fitness_scape``.
        shortest: length of a segment in places, from 1.
        longest: at most so long; None for any length.

    Returns:
        float64 ``[n]`` in [0, 1); 0 where nothing of that length comes back, so also where it is
        more than half of the piece.
    """
    longest = similarities.shape[1] // 2 if longest is None else longest
    return fitness_scape(similarities, longest)[:, shortest - 1 :].max(axis=(1, 2), initial=0)


def fitness_scape(
    similarities: np.ndarray, longest: int, threshold: float = THRESHOLD
) -> np.ndarray:
    """Give the fitness of every segment: how well its repetitions explain the piece.

    A segment of ``length`` places is laid over the piece wherever it earns most, without overlaps.
    Laid on a stretch, each of its places earns its similarity, or ``PENALTY`` where that is below
    the threshold. On itself it earns ``length``. With ``earned`` the total of ``k`` such stretches,
    what it earns beyond itself and what it covers beyond itself are

    ``score = (earned - length) / (k length)``, ``coverage = (k length - length) / places``,

    and fitness is their harmonic mean, ``2 score coverage / (score + coverage)``. A piece of ``k``
    equal parts gives each part a fitness of ``1 - 1 / k``.

    Args:
        similarities: float ``[n, places, places]`` in [0, 1], with 1 on the diagonal.
        longest: length in places up to which segments are looked at, from 1.
        threshold: above 0, the least similarity of places that match.

    Returns:
        float64 ``[n, longest, places]`` in [0, 1), by length (from 1) and start (from 0); 0 where a
        segment does not come back, or does not fit.
    """
    count, places = similarities.shape[:2]
    links = np.where(similarities >= threshold, similarities, PENALTY)
    scape, scores = np.zeros((count, longest, places)), np.zeros((count, places, places))
    for length in range(1, min(longest, places // 2) + 1):
        starts = places - length + 1
        scores = scores[:, :starts, :starts] + links[:, length - 1 :, length - 1 :]
        scape[:, length - 1, :starts] = _fitness(scores, length)
    return scape


def _fitness(scores: np.ndarray, length: int) -> np.ndarray:
    """Fitness of all segments of a length.

    Args:
        scores: float64 ``[n, starts, starts]``, what the segment from one start earns on the
            stretch from another.
        length: of both.

    Returns:
        float64 ``[n, starts]``.
    """
    places = scores.shape[2] + length - 1
    earned = np.zeros((places + 1, *scores.shape[:2]))  # the most, by place where the last one ends
    number = np.zeros(earned.shape)  # of stretches that earn it
    for end in range(1, places + 1):
        earned[end], number[end] = earned[end - 1], number[end - 1]
        if end >= length:
            more = earned[end - length] + scores[:, :, end - length]
            better = more > earned[end]
            earned[end] = np.where(better, more, earned[end])
            number[end] = np.where(better, number[end - length] + 1, number[end])
    score = (earned[-1] / length - 1).clip(min=0) / number[-1]
    coverage = (number[-1] - 1) * length / places
    return 2 * score * coverage / np.maximum(score + coverage, np.finfo(np.float64).tiny)
