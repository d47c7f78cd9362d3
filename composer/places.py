"""A place of a piece with its surroundings: what every network of the core looks at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

if TYPE_CHECKING:
    from composer.domain import Domain, FragmentSpec, Layout


class Places(NamedTuple):
    """A batch of places.

    Attributes:
        fragments: uint8 ``[n, *shape]``, what stands at the place.
        context: uint8 ``[n, neighbours, *shape]``, zero where there is no neighbour.
        present: bool ``[n, neighbours]``.
        position: float32 ``[n, features]`` in [0, 1].
    """

    fragments: np.ndarray
    context: np.ndarray
    present: np.ndarray
    position: np.ndarray


@dataclass(frozen=True)
class Geometry:
    """Neighbours and positions of a layout, looked up once.

    Attributes:
        neighbours: int64 ``[places, neighbours]``, -1 where there is none.
        positions: float32 ``[places, features]``.
    """

    neighbours: np.ndarray
    positions: np.ndarray

    @classmethod
    def of(cls, domain: Domain, layout: Layout) -> Geometry:
        """The geometry of ``layout`` in ``domain``."""
        return cls(domain.neighbours(layout), domain.positions(layout))

    @property
    def places(self) -> int:
        """Number of places."""
        return len(self.neighbours)

    def at(self, pieces: np.ndarray, rows: np.ndarray, places: np.ndarray) -> Places:
        """Look at ``places[i]`` of ``pieces[rows[i]]``; pieces uint8 ``[n, places, *shape]``."""
        index = self.neighbours[places]
        present = index >= 0
        context = pieces[rows[:, None], np.maximum(index, 0)]
        context = context * present.reshape(*present.shape, *(1,) * (context.ndim - 2))
        return Places(pieces[rows, places], context, present, self.positions[places])

    def sample(self, pieces: np.ndarray, count: int, rng: np.random.Generator) -> Places:
        """``count`` random places of random pieces."""
        rows = rng.integers(len(pieces), size=count)
        return self.at(pieces, rows, rng.integers(self.places, size=count))


def one_hot(fragments: np.ndarray | Tensor, spec: FragmentSpec) -> Tensor:
    """Tokens ``[..., *shape]`` to float32 ``[..., *shape, classes]``."""
    return F.one_hot(torch.as_tensor(fragments).long(), spec.classes).float()
