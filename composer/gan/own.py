"""Pieces that the generator goes on with by itself, so that it learns to live with its own work.

In training a generator sees only real surroundings; when it composes it sees its own fragments, and
small faults add up. Here each piece is continued by one place a step, in surroundings that the
generator has made, and judged there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from composer.places import Geometry, Pieces, Places

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


class OwnPieces:
    """A pool of pieces in progress, each with a real piece that its next place is compared with.

    Attributes:
        pieces: what was made so far, and the plans of the real pieces.
        rows: int64 ``[size]``, the real piece beside each.
        at: int64 ``[size]``, the next place of each.
    """

    def __init__(
        self, size: int, geometry: Geometry, real: Pieces, rng: np.random.Generator
    ) -> None:
        """Begin at random places of real pieces; ``geometry`` as the generator sees it."""
        self.geometry, self.real = geometry, real
        self.rows = rng.integers(len(real), size=size)
        self.at = rng.integers(geometry.places, size=size)
        self.pieces = replace(real.take(self.rows), memory=None)

    def look(self) -> Places:
        """The next place of each piece, as the generator sees it."""
        return self.geometry.at(self.pieces, np.arange(len(self.rows)), self.at)

    def go_on(self, fragments: np.ndarray, rng: np.random.Generator) -> None:
        """Place fragments uint8 ``[size, *shape]``; begin anew where a piece is finished."""
        self.pieces.fragments[np.arange(len(self.at)), self.at] = fragments
        self.at = self.at + 1
        (finished,) = np.nonzero(self.at == self.geometry.places)
        self.at[finished] = 0
        self.rows[finished] = rng.integers(len(self.real), size=len(finished))
        self.pieces.plans[finished] = self.real.plans[self.rows[finished]]

    def state(self) -> dict[str, Tensor]:
        """All that is needed to go on."""
        return {
            "fragments": torch.from_numpy(self.pieces.fragments),
            "rows": torch.from_numpy(self.rows),
            "at": torch.from_numpy(self.at),
        }

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Inverse of ``state``."""
        self.rows, self.at = tensors["rows"].numpy().copy(), tensors["at"].numpy().copy()
        fragments = tensors["fragments"].numpy().copy()
        self.pieces = Pieces(fragments, self.real.plans[self.rows])
