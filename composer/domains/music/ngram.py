"""A baseline of tokens: an n-gram model that writes bars step by step, voice by voice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from composer.domains.music.settings import HOLD, REST

ORDER = 12


@dataclass(frozen=True)
class _Level:
    """What followed the contexts of one length.

    Attributes:
        contexts: int64 ``[contexts]``, sorted; each is the row of the next shorter context and the
            token before that, as one number.
        starts: int64 ``[contexts + 1]``, where the followers of each begin, and the end.
        followers: uint8 ``[n]``, each token once for each witness.
        trust: float32 ``[n]``, ``1 - discount / witnesses`` of that follower.
    """

    contexts: np.ndarray
    starts: np.ndarray
    followers: np.ndarray
    trust: np.ndarray


class TokenNGram:
    """N-gram model of tokens, interpolated after Kneser and Ney (ICASSP 1995).

    Voices are interleaved: at each step the highest comes first, and each sees what those above it
    do. The next token is drawn by as many as 12 tokens before, by the voice and by the place in
    the bar; so no voice leaves its range. Unlike the chain of bars it writes bars that nobody
    wrote.

    In the longest context a follower counts once for each work that has it there: that a tune
    repeats itself is no evidence about others. In a shorter one it counts once for each longer
    context that it followed. From all counts one discount is taken,
    ``n1 / (n1 + 2 n2)`` with ``n1``, ``n2`` the followers counted once and twice (Ney, Essen and
    Kneser, Computer Speech and Language 8, 1994), and given to the next shorter context; Chen and
    Goodman (Computer Speech and Language 13, 1999) found this way the best of many.
    """

    def __init__(self, pieces: np.ndarray, works: np.ndarray, order: int = ORDER) -> None:
        """Count the tokens of pieces.

        Args:
            pieces: uint8 ``[n, bars, voices, steps]``, at least one.
            works: int64 ``[n]``, the work that each is part of.
            order: tokens in the longest context, at least as many as there are voices.
        """
        self._order, (self._voices, self._steps) = order, pieces.shape[2:]
        strings = pieces.swapaxes(2, 3).reshape(len(pieces), -1).astype(np.int64)
        self._beginning = int(strings.max()) + 1  # stands before the first token
        tokens, length = strings.ravel(), strings.shape[1]
        rows = np.tile(np.arange(length) % self._bar, len(strings))
        contexts, self._levels = np.arange(self._bar), []
        for lag in range(1, order + 1):
            padded = np.pad(strings, ((0, 0), (lag, 0)), constant_values=self._beginning)
            names = self._name(rows, padded[:, :length].ravel())
            longer, witnesses = np.unique(names, return_inverse=True)
            self._levels.append(_count(contexts, rows, tokens, witnesses))
            contexts, rows = longer, witnesses
        witnesses = np.repeat(np.unique(works, return_inverse=True)[1], length)
        self._levels.append(_count(contexts, rows, tokens, witnesses))

    def compose(self, count: int, bars: int, rng: np.random.Generator) -> np.ndarray:
        """Draw pieces.

        A hold where nothing sounds is written as the rest that it is: after a rest, and at the
        beginning, where only a piece that was cut out of a longer one goes on with a note.

        Args:
            count: number of pieces, from 1.
            bars: length of each, from 1.
            rng: the source of randomness.

        Returns:
            uint8 ``[count, bars, voices, steps]``.
        """
        length, order = bars * self._bar, self._order
        drawn = np.full((count, order + length), self._beginning)
        for place in range(length):
            before = drawn[:, place : place + order][:, ::-1].T  # nearest first
            token = self._draw(np.full(count, place % self._bar), before, rng)
            last = before[self._voices - 1]  # of the same voice
            silent = (last == REST) | (last == self._beginning)
            drawn[:, order + place] = np.where(silent & (token == HOLD), REST, token)
        tokens = drawn[:, order:].reshape(count, bars, self._steps, self._voices)
        return tokens.swapaxes(2, 3).astype(np.uint8)

    @property
    def _bar(self) -> int:
        """Tokens in a bar."""
        return self._voices * self._steps

    def _name(self, rows: np.ndarray, tokens: np.ndarray) -> np.ndarray:
        """One number for a context and the token before it."""
        return rows * (self._beginning + 1) + tokens

    def _draw(self, rows: np.ndarray, before: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The next token of each piece: int64 ``[n]``.

        ``rows`` int64 ``[n]``: the places in the bar; ``before`` int64 ``[order, n]``.
        """
        chosen = np.full(len(rows), -1)
        found = self._look_up(rows, before)
        for length in range(self._order, -1, -1):
            (row, there), level = found[length], self._levels[length]
            first, end = level.starts[row], level.starts[row + 1]
            drawn = rng.integers(first, end)
            stay = (rng.random(len(rows)) < level.trust[drawn]) | (length == 0)
            chosen = np.where((chosen < 0) & there & stay, level.followers[drawn], chosen)
        return chosen

    def _look_up(self, rows: np.ndarray, before: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """The row of the context of each length, and whether it was seen: ``[n]`` each."""
        there = np.ones(len(rows), bool)
        found = [(rows, there)]
        for level, token in zip(self._levels[1:], before, strict=True):
            names = self._name(rows, token)
            rows = np.searchsorted(level.contexts, names).clip(max=len(level.contexts) - 1)
            there = there & (level.contexts[rows] == names)
            found.append((rows, there))
        return found


def _count(
    contexts: np.ndarray, rows: np.ndarray, tokens: np.ndarray, witnesses: np.ndarray
) -> _Level:
    """What followed each context, once for each witness; all but ``contexts`` int64 ``[n]``."""
    most, kinds = int(witnesses.max()) + 1, int(tokens.max()) + 1
    pairs = np.unique((rows * kinds + tokens) * most + witnesses) // most
    _, members, counts = np.unique(pairs, return_inverse=True, return_counts=True)
    once, twice = int((counts == 1).sum()), int((counts == 2).sum())  # noqa: PLR2004
    discount = once / max(once + 2 * twice, 1)
    starts = np.searchsorted(pairs // kinds, np.arange(len(contexts) + 1))
    trust = (1 - discount / counts).astype(np.float32)
    return _Level(contexts, starts, (pairs % kinds).astype(np.uint8), trust[members])
