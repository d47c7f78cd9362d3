"""What strings of symbols have in common: the longest stretches, exactly, and where they are.

A suffix automaton would answer the same questions, but it is built symbol by symbol, which takes
Python seconds for a corpus. Here suffixes are ranked by doubling (Manber and Myers, SIAM J. Comput.
22, 1993): whole arrays are sorted about ten times, and every string can be held against all the
others at once. No hash stands for a stretch, so nothing is ever taken for equal that is not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Suffixes:
    """All suffixes of some strings, ranked.

    Attributes:
        ranks: one int64 ``[n]`` for each length 1, 2, 4, ...: two places have the same number
            where the stretches of this length that begin there are equal. The last ones are the
            places of the suffixes in their order.
    """

    ranks: list[np.ndarray]

    @property
    def order(self) -> np.ndarray:
        """int64 ``[n]``: the places in the order of their suffixes."""
        order = np.empty_like(self.ranks[-1])
        order[self.ranks[-1]] = np.arange(len(order))
        return order

    def common(self, first: np.ndarray | int, second: np.ndarray | int) -> np.ndarray:
        """How many symbols are equal from two different places on: int64, broadcast."""
        length = np.zeros(np.broadcast_shapes(np.shape(first), np.shape(second)), np.int64)
        for power, ranks in reversed(list(enumerate(self.ranks))):
            # What is equal so far holds no end of a string, so there is a place behind it.
            same = ranks[first + length] == ranks[second + length]
            length += same.astype(np.int64) << power
        return length


def rank_suffixes(symbols: np.ndarray, ends: np.ndarray) -> Suffixes:
    """Rank the suffixes of several strings.

    Args:
        symbols: int64 ``[n]``, all strings one after another.
        ends: bool ``[n]``, the last place of each string. Its symbol does not count: it is like no
            other one, so that no stretch goes on beyond it.

    Returns:
        The ranks; with the longest stretch that occurs twice their number grows logarithmically.
    """
    count = len(symbols)
    own = np.where(ends, count + np.arange(count), np.unique(symbols, return_inverse=True)[1])
    ranks, tied = _refine(np.zeros(count, np.int64), own, np.arange(count))
    found, length = [ranks], 1
    while len(tied):
        # A stretch that is there twice holds no end of a string, so there is a place behind it.
        ranks, tied = _refine(ranks, ranks[tied + length], tied)
        found.append(ranks)
        length *= 2
    return Suffixes(found)


def _refine(
    ranks: np.ndarray, following: np.ndarray, tied: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Rank the ``tied`` places, those of equal rank, by what follows; and which still are tied.

    A rank is the number of places that come before all of that rank, in int64 ``[n]``.
    """
    keys = ranks[tied] * (2 * len(ranks)) + following  # what follows is a symbol or a rank
    order = np.argsort(keys)
    places, keys = tied[order], keys[order]
    group = np.flatnonzero(np.diff(ranks[places], prepend=-1))
    new = np.flatnonzero(np.diff(keys, prepend=-1))
    sizes = np.diff(new, append=len(keys))
    # Of the places of its old rank, so many come before each new one.
    within = new - group[np.searchsorted(group, new, "right") - 1]
    refined = ranks.copy()
    refined[places] += np.repeat(within, sizes)
    return refined, places[np.repeat(sizes > 1, sizes)]


def longest_elsewhere(
    suffixes: Suffixes, groups: np.ndarray, known: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The longest stretch from each place on that a string of another group holds, too.

    Args:
        suffixes: of all strings.
        groups: int64 ``[n]``: strings of one group are not held against each other.
        known: bool ``[n]``: where a stretch may be found; the other places are only held against
            these.

    Returns:
        int64 ``[n]``: symbols in the longest stretch, 0 where there is none; and int64 ``[n]``: a
        place where it is found, any one where its length is 0.
    """
    order = suffixes.order
    inside = known[order]
    places = order[inside]
    lengths, found = np.zeros(len(order), np.int64), np.zeros(len(order), np.int64)
    # The longest stretch is shared with the nearest suffix of another group, before or behind.
    for near in _nearest(groups[order], groups[places], inside):
        there = np.flatnonzero((near >= 0) & (near < len(places)))
        own, other = order[there], places[near[there]]
        common = suffixes.common(own, other)
        better = common > lengths[own]
        lengths[own[better]], found[own[better]] = common[better], other[better]
    return lengths, found


def _nearest(
    groups: np.ndarray, members: np.ndarray, inside: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The nearest members of another group: int64 ``[n]`` before and behind each place.

    ``groups`` int64 ``[n]`` in the order of the suffixes, ``members`` those of the places that are
    ``inside``; -1 and ``len(members)`` stand for none.
    """
    before = np.cumsum(inside) - inside  # how many members come earlier
    if not len(members):
        return before - 1, before
    first = np.append(True, members[1:] != members[:-1])
    starts = np.flatnonzero(first)
    stops, runs = np.append(starts[1:], len(members)), np.cumsum(first) - 1
    beyond = starts[runs] - 1, stops[runs]  # of each member, outside of its run of one group
    both = []
    for near, outside in zip((before - 1, before + inside), beyond, strict=True):
        there = near.clip(0, len(members) - 1)
        both.append(np.where(members[there] == groups, outside[there], near))
    return both[0], both[1]
