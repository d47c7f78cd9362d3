"""What is measured of pieces: the part that every domain has; each adds its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from composer.errors import DataError
from composer.evaluation.form import LAGS, repeats

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from composer.composition import Composition
    from composer.domain import Domain
    from composer.evaluation.samples import Sample

Ratio = tuple[np.ndarray, np.ndarray]
Figures = dict[str, float]
FRAGMENTS = 2000  # of a set that are compared with others


class Yardstick:
    """Measures of pieces of the training layout.

    Args:
        domain: whose pieces they are.
    """

    def __init__(self, domain: Domain) -> None:
        """Bind to a domain with its settings."""
        self.domain = domain
        self.layout = domain.training_layout

    # ---- pieces of other settings -----------------------------------------------------------

    def reading(self) -> dict[str, Any]:
        """Options of ``Domain.read`` that give fragments of the domain's form."""
        return {}

    def adopt(self, fragments: np.ndarray, settings: Mapping[str, Any]) -> np.ndarray:
        """Fragments that were read with other settings, as the domain's own.

        uint8 ``[n, ..., *shape]`` -> the same. DataError where that is not possible.
        """
        if type(self.domain)(settings).spec != self.domain.spec:
            message = "the pieces are of another form than the model's"
            raise DataError(message)
        return fragments

    def kinds(self, kinds: np.ndarray, settings: Mapping[str, Any]) -> np.ndarray:
        """The numbers of kinds that were read with other settings, as the domain's own.

        int64 ``[n]`` -> the same, -1 where the domain has no such kind.
        """
        del settings
        return np.where(kinds < self.domain.kinds, kinds, -1)

    # ---- measures -----------------------------------------------------------------------------

    def describe(self, pieces: np.ndarray) -> dict[str, Ratio]:
        """What single pieces measure, each a ratio of sums over pieces; a mean over denominators 1.

        uint8 ``[n, places, *shape]`` -> name -> numerators and denominators, float64 ``[n]`` each.
        """
        shares = repeats(pieces)
        return {
            f"repeats at lag {lag}": mean_of(shares[:, column])
            for column, lag in enumerate(LAGS)
            if lag < pieces.shape[1]
        }

    def statistics(self, pieces: np.ndarray) -> np.ndarray:
        """What a judge looks at besides the usual: float32 ``[n, statistics]``."""
        return np.zeros((len(pieces), 0), np.float32)

    def contrast(
        self, made: np.ndarray, real: np.ndarray, seed: int
    ) -> Callable[[np.ndarray], Figures]:
        """How far sets of pieces lie from another set: a function of the rows of ``made`` to use.

        Both uint8 ``[n, places, *shape]``. The same fragments, at most about ``FRAGMENTS`` a set,
        stand for the whole in each call.
        """
        ours = some_fragments(made, np.random.default_rng(seed))
        theirs = some_fragments(real, np.random.default_rng(seed))
        theirs = theirs.reshape(-1, *self.domain.spec.shape)

        def figures(rows: np.ndarray) -> Figures:
            found = self.domain.compare(ours[rows].reshape(-1, *self.domain.spec.shape), theirs)
            return {distance_name(name): value for name, value in found.items()}

        return figures

    # ---- other columns, pictures --------------------------------------------------------------

    def baselines(
        self, known: Sample, kinds: np.ndarray, rng: np.random.Generator
    ) -> dict[str, np.ndarray]:
        """Pieces by simple models of the domain: name -> uint8 ``[n, places, *shape]``.

        ``known`` are pieces to learn from, ``kinds`` int64 ``[n]`` the kind that each shall be.
        """
        del known, kinds, rng
        return {}

    def picture(self, composition: Composition) -> bytes | None:
        """A composition as a PNG to look at; None where there is none."""
        del composition
        return None


def mean_of(values: np.ndarray) -> Ratio:
    """Values of pieces, NaN where one has none, as a ratio whose sums give their mean."""
    known = ~np.isnan(values)
    return np.where(known, values, 0.0).astype(np.float64), known.astype(np.float64)


def some_fragments(pieces: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Some places of each piece, as many of each: uint8 ``[n, places, *shape]`` -> ``[n, k, ...]``.

    Together at most ``FRAGMENTS``, or one of each.
    """
    count, places = pieces.shape[:2]
    few = min(places, max(1, FRAGMENTS // max(count, 1)))
    chosen = rng.random((count, places)).argsort(axis=1)[:, :few]
    return pieces[np.arange(count)[:, None], chosen]


def distance_name(name: str) -> str:
    """What a row says of one of the distances of ``Domain.compare``."""
    return f"distance of fragments: {name.replace('_', ' ')}"
