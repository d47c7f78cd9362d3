"""The result of playing one episode: ordered fragments, each with its origin."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from composer.domain import Layout


@dataclass(frozen=True)
class Origin:
    """Where a fragment comes from.

    Attributes:
        kind: ``"fresh"`` (new latent from the prior), ``"guided"`` (near a fresh one of high value
            for this place), ``"vary"`` (the latent of an earlier place, jittered) or the name of a
            structural move of the domain (``"repeat"``, ``"counterpart"``).
        place: the earlier place it refers to, None for fresh ones.
    """

    kind: str
    place: int | None = None


@dataclass(frozen=True)
class Composition:
    """A finished piece.

    Attributes:
        fragments: uint8 ``[places, *shape]``.
        layout: as in ``Piece``.
        plan: uint8 ``[places]``, the kind that each place was to be.
        origins: one for each place.
        realism, novelty: float32 ``[places]`` in [0, 1], the reward vector as it was played.
        recipe: what re-creates it (model hash, seed, settings, version), JSON-ready.
    """

    fragments: np.ndarray
    layout: Layout
    plan: np.ndarray
    origins: tuple[Origin, ...]
    realism: np.ndarray
    novelty: np.ndarray
    recipe: dict[str, Any] = field(default_factory=dict)
