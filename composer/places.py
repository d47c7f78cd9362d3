"""A place of a piece with its surroundings: what every network of the core looks at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

if TYPE_CHECKING:
    from composer.domain import Domain, Layout, Scope


class Places(NamedTuple):
    """A batch of places.

    Attributes:
        fragments: uint8 ``[n, *shape]``, what stands at the place.
        context: uint8 ``[n, neighbours, *shape]``, zero where there is no neighbour.
        present: bool ``[n, neighbours]``.
        position: float32 ``[n, features]`` in [0, 1]; where there are kinds, with the planned one.
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
    """

    fragments: np.ndarray
    plans: np.ndarray

    def __len__(self) -> int:
        """Number of pieces."""
        return len(self.fragments)

    def take(self, rows: np.ndarray) -> Pieces:
        """Some of the pieces."""
        return Pieces(self.fragments[rows], self.plans[rows])

    def followed_by(self, others: Pieces, limit: int) -> Pieces:
        """The last ``limit`` of these pieces and others."""
        fragments = np.concatenate((self.fragments, others.fragments))
        return Pieces(fragments[-limit:], np.concatenate((self.plans, others.plans))[-limit:])


@dataclass(frozen=True)
class Geometry:
    """Neighbours and positions of a layout, looked up once.

    Attributes:
        neighbours: int64 ``[places, neighbours]``, -1 where there is none.
        positions: float32 ``[places, features]``.
        kinds: number of kinds.
    """

    neighbours: np.ndarray
    positions: np.ndarray
    kinds: int

    @classmethod
    def of(cls, domain: Domain, layout: Layout) -> Geometry:
        """What critics, agent and moves see of ``layout``."""
        return cls(domain.neighbours(layout), domain.positions(layout), domain.kinds)

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
        return self.positions.shape[1] + (self.kinds if self.kinds > 1 else 0)

    def at(self, pieces: Pieces, rows: np.ndarray, places: np.ndarray) -> Places:
        """Look at ``places[i]`` of piece ``rows[i]``."""
        index = self.neighbours[places]
        present = index >= 0
        context = pieces.fragments[rows[:, None], np.maximum(index, 0)]
        context = context * present.reshape(*present.shape, *(1,) * (context.ndim - 2))
        position = self.positions[places]
        if self.kinds > 1:
            planned = np.eye(self.kinds, dtype=np.float32)[pieces.plans[rows, places]]
            position = np.concatenate((position, planned), axis=1)
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
