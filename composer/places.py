"""A place of a piece with its surroundings: what every network of the core looks at."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from composer.memory import Memory

if TYPE_CHECKING:
    from composer.domain import Domain, Layout, Scope


class Places(NamedTuple):
    """A batch of places.

    Attributes:
        fragments: uint8 ``[n, *shape]``, what stands at the place.
        context: uint8 ``[n, neighbours, *shape]``, zero where there is no neighbour.
        present: bool ``[n, neighbours]``.
        position: float32 ``[n, features]`` in [0, 1]: where the place lies; where there are kinds,
            the planned one; for critics and agent, what the piece has been like so far.
    """

    fragments: np.ndarray
    context: np.ndarray
    present: np.ndarray
    position: np.ndarray


@dataclass(frozen=True)
class Pieces:
    """Pieces of one layout.

    Attributes:
        fragments: uint8 ``[n, places, *shape]``.
        plans: uint8 ``[n, places]``, the kind of each place.
        memory: float32 ``[n, places, width]``, what is remembered at each place; None: not yet
            looked up.
    """

    fragments: np.ndarray
    plans: np.ndarray
    memory: np.ndarray | None = None

    def __len__(self) -> int:
        """Number of pieces."""
        return len(self.fragments)

    def take(self, rows: np.ndarray) -> Pieces:
        """Some of the pieces."""
        memory = None if self.memory is None else self.memory[rows]
        return Pieces(self.fragments[rows], self.plans[rows], memory)

    def followed_by(self, others: Pieces, limit: int) -> Pieces:
        """The last ``limit`` of these pieces and others."""
        fragments = np.concatenate((self.fragments, others.fragments))[-limit:]
        plans = np.concatenate((self.plans, others.plans))[-limit:]
        if self.memory is None or others.memory is None:
            return Pieces(fragments, plans)
        return Pieces(fragments, plans, np.concatenate((self.memory, others.memory))[-limit:])


@dataclass(frozen=True)
class Geometry:
    """Neighbours and positions of a layout, looked up once.

    Attributes:
        neighbours: int64 ``[places, neighbours]``, -1 where there is none.
        positions: float32 ``[places, features]``.
        kinds: number of kinds.
        memory: how earlier places are remembered; None where only the surroundings count.
    """

    neighbours: np.ndarray
    positions: np.ndarray
    kinds: int
    memory: Memory | None = None

    @classmethod
    def of(cls, domain: Domain, layout: Layout) -> Geometry:
        """What critics, agent and moves see of ``layout``."""
        neighbours = domain.neighbours(layout)
        memory = Memory(domain, neighbours)
        return cls(neighbours, domain.positions(layout), domain.kinds, memory)

    @classmethod
    def around(cls, domain: Domain, layout: Layout, scope: Scope) -> Geometry:
        """What the generator sees of ``layout``; ``scope`` as in ``Domain.surroundings``."""
        surroundings = domain.surroundings(layout, scope)
        return cls(surroundings, domain.positions(layout), domain.kinds)

    @property
    def places(self) -> int:
        """Number of places."""
        return len(self.neighbours)

    @property
    def features(self) -> int:
        """Numbers in a place's ``position``."""
        planned = self.kinds if self.kinds > 1 else 0
        return self.positions.shape[1] + planned + self.remembered

    @property
    def remembered(self) -> int:
        """Numbers of ``position`` that tell what the piece has been like so far."""
        return self.memory.width if self.memory else 0

    def go_on(self, pieces: Pieces, place: int) -> None:
        """Remember a place that has just been filled."""
        if self.memory is not None and pieces.memory is not None and place + 1 < self.places:
            now = pieces.memory[:, place]
            pieces.memory[:, place + 1] = self.memory.following(now, pieces.fragments, place)

    def remember(self, pieces: Pieces) -> Pieces:
        """Finished pieces with what is remembered at their places, looked up once."""
        if self.memory is None:
            return pieces
        return replace(pieces, memory=self.memory.record(pieces.fragments))

    def at(self, pieces: Pieces, rows: np.ndarray, places: np.ndarray) -> Places:
        """Look at ``places[i]`` of piece ``rows[i]``; neighbours of another kind are not seen.

        No piece of people mixes kinds, so nothing could be learnt of how to go on from another.
        """
        index = self.neighbours[places]
        present = index >= 0
        if self.kinds > 1:
            plans = pieces.plans[rows[:, None], np.maximum(index, 0)]
            present = present & (plans == pieces.plans[rows, places][:, None])
        context = pieces.fragments[rows[:, None], np.maximum(index, 0)]
        context = context * present.reshape(*present.shape, *(1,) * (context.ndim - 2))
        position = self.positions[places]
        if self.kinds > 1:
            planned = np.eye(self.kinds, dtype=np.float32)[pieces.plans[rows, places]]
            position = np.concatenate((position, planned), axis=1)
        if self.memory is not None:
            if pieces.memory is None:
                remembered = self.memory.record(pieces.fragments[rows])
                remembered = remembered[np.arange(len(rows)), places]
            else:
                remembered = pieces.memory[rows, places]
            position = np.concatenate((position, remembered), axis=1)
        return Places(pieces.fragments[rows, places], context, present, position)

    def draw(
        self, pieces: Pieces, count: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """``count`` random places of random pieces: rows and places, int64 ``[count]``."""
        return rng.integers(len(pieces), size=count), rng.integers(self.places, size=count)

    def sample(self, pieces: Pieces, count: int, rng: np.random.Generator) -> Places:
        """Look at ``count`` random places of random pieces."""
        return self.at(pieces, *self.draw(pieces, count, rng))


def look_up(fragments: np.ndarray | Tensor, codes: np.ndarray | Tensor) -> Tensor:
    """Tokens ``[..., *shape]`` as networks see them: float32 ``[..., *shape, channels]``."""
    return F.embedding(torch.as_tensor(fragments).int(), torch.as_tensor(codes))
