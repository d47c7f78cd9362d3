"""The form of pieces: what comes back and how far away, what is new and what was seen before.

Fragments count as equal when all their tokens are. Nothing here knows what a fragment means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from composer.evaluation.matches import longest_elsewhere, rank_suffixes

if TYPE_CHECKING:
    from collections.abc import Sequence

LAGS = (1, 2, 3, 4, 5, 6, 7, 8)


def repeats(pieces: np.ndarray, lags: Sequence[int] = LAGS) -> np.ndarray:
    """Give the share of places of each piece that equal the place ``lag`` before.

    Args:
        pieces: uint8 ``[n, places, *shape]``.
        lags: distances in places, from 1.

    Returns:
        float64 ``[n, lags]`` in [0, 1], over the places that have a place ``lag`` before them; 0
        where no place has one.
    """
    flat = pieces.reshape(*pieces.shape[:2], -1)
    shares = np.zeros((len(pieces), len(lags)))
    for column, lag in enumerate(lags):
        if lag < flat.shape[1]:
            shares[:, column] = (flat[:, lag:] == flat[:, :-lag]).all(axis=2).mean(axis=1)
    return shares


def repeat_profile(pieces: np.ndarray, lags: Sequence[int] = LAGS) -> np.ndarray:
    """Average ``repeats`` over pieces: float64 ``[lags]`` in [0, 1]."""
    return repeats(pieces, lags).mean(axis=0)


def profile_distance(made: np.ndarray, real: np.ndarray, lags: Sequence[int] = LAGS) -> float:
    """L1 distance between two repeat profiles, ``sum |made - real|`` over the lags.

    Args:
        made: uint8 ``[n, places, *shape]``.
        real: uint8 ``[m, places, *shape]``.
        lags: distances in places, from 1.

    Returns:
        0 to ``len(lags)``.
    """
    return float(np.abs(repeat_profile(made, lags) - repeat_profile(real, lags)).sum())


def seen_share(fragments: np.ndarray, corpus: np.ndarray) -> float:
    """Give the share of fragments that occur in a corpus.

    Args:
        fragments: uint8 ``[n, *shape]``, n from 1.
        corpus: uint8 ``[m, *shape]``.

    Returns:
        0 (all are new) to 1 (all were seen).
    """
    return float(seen(fragments, corpus).mean())


def seen(fragments: np.ndarray, corpus: np.ndarray) -> np.ndarray:
    """Say which fragments occur in a corpus: as ``seen_share``, bool ``[n]``."""
    names = _name(fragments, corpus)
    return np.isin(names[: len(fragments)], names[len(fragments) :])


def longest_seen(pieces: np.ndarray, corpus: np.ndarray) -> np.ndarray:
    """Give the longest run of successive places that some piece of a corpus has just so.

    Args:
        pieces: uint8 ``[n, places, *shape]``.
        corpus: uint8 ``[m, places, *shape]``.

    Returns:
        int64 ``[n]``, 0 (no fragment was seen) to ``places``, wherever in a piece the run lies.
    """
    count, places = pieces.shape[:2]
    flat = (x.reshape(-1, *x.shape[2:]) for x in (pieces, corpus))
    names = _name(*flat).reshape(-1, places)
    ended = np.pad(names, ((0, 0), (0, 1)))  # no run goes on from one piece into the next
    ends = np.broadcast_to(np.arange(places + 1) == places, ended.shape)
    known = np.repeat(np.arange(len(ended)) >= count, places + 1)
    suffixes = rank_suffixes(ended.ravel(), ends.ravel())
    lengths, _ = longest_elsewhere(suffixes, known.astype(np.int64), known)
    return lengths.reshape(ended.shape)[:count].max(axis=1)


def _name(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Number fragments ``[n, *shape]`` and ``[m, *shape]``, equal ones alike: int64 ``[n + m]``."""
    both = np.concatenate((first, second)).reshape(len(first) + len(second), -1)
    return np.unique(both, axis=0, return_inverse=True)[1]


def unique_share(fragments: np.ndarray, count: int = 1000) -> float:
    """Give the expected share of distinct fragments in a random draw of ``count`` of them.

    The share of distinct fragments falls with the number drawn, so sets of different size are
    compared at the same ``count``. The expectation is exact, nothing is drawn (rarefaction,
    Hurlbert, Ecology 52, 1971): with ``N`` fragments of which the kind ``i`` has ``N_i``,
    ``sum_i (1 - C(N - N_i, count) / C(N, count)) / count``.

    Args:
        fragments: uint8 ``[n, *shape]``, n from 1.
        count: size of the draw, without replacement; at most n are drawn.

    Returns:
        Above 0 (all equal) to 1 (all different).
    """
    total = len(fragments)
    count = min(count, total)
    _, kinds = np.unique(fragments.reshape(total, -1), axis=0, return_counts=True)
    logs = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, total + 1)))))  # log n!
    left = total - kinds
    drawable = left >= count  # else every draw of this size holds the kind
    missed = np.zeros(len(kinds))
    missed[drawable] = np.exp(
        logs[left[drawable]] - logs[left[drawable] - count] - logs[total] + logs[total - count]
    )
    return float((1 - missed).sum() / count)
