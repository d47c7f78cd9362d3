"""The simplest baseline: a Markov chain over bars that knows its place in the phrase."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from composer.domain import Piece

ORDER = 2
PHRASE = 4


@dataclass(frozen=True)
class _Table:
    """What followed each context in the training pieces, sorted by context.

    Attributes:
        contexts: int64 ``[rows]``, sorted; a context is there once for each time it was seen.
        followers: int64 ``[rows]``; number of the bar that followed.
        kinds: int64 ``[rows]``; how many different bars followed this context.
    """

    contexts: np.ndarray
    followers: np.ndarray
    kinds: np.ndarray


class BarMarkov:
    """Order-2 Markov chain of bars with back-off.

    The next bar is drawn from those that followed the same two bars at the same place of a
    four-bar phrase. With the escape probability of Witten and Bell (IEEE Trans. Inf. Theory 37,
    1991), ``different followers / (times seen + different followers)``, and always where the
    context was never seen, it backs off to the bar before with the place, and from there to the
    place alone. It knows only bars that it has seen.
    """

    def __init__(self, pieces: Sequence[Piece]) -> None:
        """Count the bars of training pieces (at least one), each uint8 ``[bars, *shape]``."""
        bars = np.concatenate([piece.fragments for piece in pieces])
        flat, names = np.unique(bars.reshape(len(bars), -1), axis=0, return_inverse=True)
        self._bars = flat.reshape(-1, *bars.shape[1:])
        lengths = [len(piece.fragments) for piece in pieces]
        places = np.concatenate([np.arange(length) for length in lengths])
        before = np.full((ORDER, len(names)), len(flat))  # one past the last bar: the beginning
        for lag in range(1, ORDER + 1):
            later = np.flatnonzero(places >= lag)
            before[lag - 1, later] = names[later - lag]
        self._tables = [self._count(places, before[:order], names) for order in range(ORDER + 1)]

    def compose(self, count: int, bars: int, rng: np.random.Generator) -> np.ndarray:
        """Draw pieces.

        Args:
            count: number of pieces, from 1.
            bars: length of each, from 1.
            rng: the source of randomness.

        Returns:
            uint8 ``[count, bars, *shape]``.
        """
        drawn = np.full((count, ORDER + bars), len(self._bars))
        for bar in range(bars):
            before = drawn[:, bar : bar + ORDER][:, ::-1].T  # nearest first
            drawn[:, ORDER + bar] = self._next(np.full(count, bar), before, rng)
        return self._bars[drawn[:, ORDER:]]

    def _next(self, places: np.ndarray, before: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw one bar for each piece, from the longest context down to the shortest."""
        chosen = np.full(len(places), -1)
        for order in range(ORDER, -1, -1):
            table = self._tables[order]
            context = self._context(places, before[:order])
            low = np.searchsorted(table.contexts, context, "left")
            seen = np.searchsorted(table.contexts, context, "right") - low
            row = np.minimum(low, len(table.contexts) - 1)
            stay = rng.random(len(places)) * (seen + table.kinds[row]) < seen
            stay |= order == 0
            follower = table.followers[
                np.minimum(low + rng.integers(0, np.maximum(seen, 1)), len(table.followers) - 1)
            ]
            chosen = np.where((chosen < 0) & (seen > 0) & stay, follower, chosen)
        return chosen

    def _count(self, places: np.ndarray, before: np.ndarray, names: np.ndarray) -> _Table:
        contexts = self._context(places, before)
        order = np.lexsort((names, contexts))
        contexts, followers = contexts[order], names[order]
        new = np.ones(len(order), dtype=bool)
        new[1:] = (contexts[1:] != contexts[:-1]) | (followers[1:] != followers[:-1])
        _, members = np.unique(contexts, return_inverse=True)
        return _Table(contexts, followers, np.bincount(members, new)[members].astype(np.int64))

    def _context(self, places: np.ndarray, before: np.ndarray) -> np.ndarray:
        """One number for the place in the phrase and the bars before (nearest first)."""
        context = places % PHRASE
        for names in before:
            context = context * (len(self._bars) + 1) + names
        return context
