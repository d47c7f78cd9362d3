"""What a piece has been like so far: remembered of places that are no longer in sight.

Whether a canvas is symmetric, whether a tune repeats every fourth bar, how dense it is: the
neighbours of one place do not show it, all places before it do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from composer.domain import Domain


class Memory:
    """Running means over the earlier places of a piece.

    Attributes:
        width: numbers remembered: the domain's traits; then for each neighbour, and each way in
            which a fragment can come back, the share of the places that have this neighbour in
            which it came back.
        counts: float32 ``[places + 1, width]``, the earlier places that each mean is over.
    """

    def __init__(self, domain: Domain, neighbours: np.ndarray) -> None:
        """``neighbours`` int64 ``[places, neighbours]``, -1 where there is none."""
        self.domain, self.neighbours = domain, neighbours
        blank = np.zeros((1, *domain.spec.shape), np.uint8)
        traits = domain.traits(blank).shape[1]
        ways = domain.returns(blank, blank).shape[-1]
        exists = np.repeat(neighbours >= 0, ways, axis=1)
        exists = np.concatenate((np.ones((len(exists), traits), bool), exists), axis=1)
        self.width = exists.shape[1]
        self.counts = np.zeros((len(exists) + 1, self.width), np.float32)
        self.counts[1:] = exists.cumsum(axis=0)

    def note(self, fragments: np.ndarray, place: int) -> np.ndarray:
        """What a place adds: pieces uint8 ``[n, places, *shape]`` -> float32 ``[n, width]``."""
        here, columns = fragments[:, place], self.neighbours[place]
        before = fragments[:, np.maximum(columns, 0)]  # [n, neighbours, *shape]
        back = self.domain.returns(np.broadcast_to(here[:, None], before.shape), before)
        back = back * (columns >= 0)[:, None]
        traits = self.domain.traits(here)
        back = back.reshape(len(here), self.width - traits.shape[1])
        return np.concatenate((traits, back), axis=1, dtype=np.float32)

    def following(self, remembered: np.ndarray, fragments: np.ndarray, place: int) -> np.ndarray:
        """What is remembered after a place, by what was remembered at it: both ``[n, width]``."""
        total = remembered * self.counts[place] + self.note(fragments, place)
        return np.minimum(total / np.maximum(self.counts[place + 1], 1), 1)

    def record(self, fragments: np.ndarray) -> np.ndarray:
        """What is remembered at each place of finished pieces: float32 ``[n, places, width]``.

        ``fragments`` uint8 ``[n, places, *shape]``.
        """
        count, places = fragments.shape[:2]
        found = np.zeros((count, places, self.width), np.float32)
        for place in range(places - 1):
            found[:, place + 1] = self.following(found[:, place], fragments, place)
        return found
