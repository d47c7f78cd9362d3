"""The base families by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from composer.domains.art.families.shapes import BAUHAUS, DISCS, GIRIH
from composer.domains.art.families.strands import KNOTS, TRUCHET
from composer.domains.art.families.waves import WAVES

if TYPE_CHECKING:
    import numpy as np

    from composer.domains.art.families.tiles import Motif

FAMILIES: dict[str, tuple[Motif, ...]] = {
    "truchet": TRUCHET,
    "knots": KNOTS,
    "discs": DISCS,
    "bauhaus": BAUHAUS,
    "girih": GIRIH,
    "waves": WAVES,
}


def pick(rng: np.random.Generator, *families: str) -> Motif:
    """A way to draw one of these families (of any, where none is named)."""
    names = families or tuple(FAMILIES)
    motifs = FAMILIES[names[rng.integers(len(names))]]
    return motifs[rng.integers(len(motifs))]
