"""What is measured of pictures."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from composer.domains.art.crops import CROP, crop_features, crop_figures, cut_at, place_crops
from composer.domains.art.descriptors import describe
from composer.domains.art.metrics import assemble, canvas_statistics, levels_of
from composer.domains.art.quilting import match_borders, of_kinds, quilt
from composer.domains.art.settings import ArtSettings
from composer.errors import DataError
from composer.evaluation.yardstick import Figures, Ratio, Yardstick, mean_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from composer.composition import Composition
    from composer.domains.art.domain import ArtDomain
    from composer.evaluation.samples import Sample

CROPS = 1000  # of each set
SMALLEST = 4  # tiles in the side of a canvas that has statistics of form
SCALE = 2  # pixels of a cell in the report
NAMES = {
    "frechet": "crops: Frechet distance",
    "kernel": "crops: kernel distance x 1,000",
    "recall": "crops: recall",
    "coverage": "crops: coverage",
}


class ArtYardstick(Yardstick):
    """Descriptors of canvases, distances and reach of their crops, real tiles set anew.

    Args:
        domain: the art domain with its settings.
    """

    def __init__(self, domain: ArtDomain) -> None:
        """Bind to the settings."""
        super().__init__(domain)
        self.settings = domain.settings

    def reading(self) -> dict[str, Any]:
        """Colours and size of tiles."""
        colours = "rgb" if self.settings.rgb else str(self.settings.slots)
        return {"colours": colours, "tile": self.settings.tile}

    def adopt(self, fragments: np.ndarray, settings: Mapping[str, Any]) -> np.ndarray:
        """The same tokens, where tiles, colours and transparency are the same."""
        theirs, ours = ArtSettings.from_json(settings), self.settings
        form, wanted = ((s.tile, s.slots, s.transparent) for s in (theirs, ours))
        if form != wanted:
            message = "the pictures have other tiles, colours or transparency than the model's"
            raise DataError(message)
        return fragments

    def kinds(self, kinds: np.ndarray, settings: Mapping[str, Any]) -> np.ndarray:
        """Kinds of the same name; those of a model that knows one kind only are that one."""
        theirs, ours = ArtSettings.from_json(settings).kinds, self.settings.kinds
        if len(ours) == 1:
            return np.zeros_like(kinds)
        table = np.array([ours.index(name) if name in ours else -1 for name in theirs])
        return table[kinds]

    def describe(self, pieces: np.ndarray) -> dict[str, Ratio]:
        """``descriptors``."""
        found = describe(pieces, self._layout, self.settings)
        return {name: mean_of(values) for name, values in found.items()} | super().describe(pieces)

    def statistics(self, pieces: np.ndarray) -> np.ndarray:
        """See ``canvas_statistics``; none of canvases too small to have a form."""
        if min(self.layout) < SMALLEST:
            return super().statistics(pieces)
        return canvas_statistics(pieces, self._layout, self.settings)

    def contrast(
        self, made: np.ndarray, real: np.ndarray, seed: int
    ) -> Callable[[np.ndarray], Figures]:
        """Distances of tiles, and the figures of ``crop_figures``."""
        tiles = super().contrast(made, real, seed)
        (ours, owners), (theirs, _) = (self._crops(pieces, seed) for pieces in (made, real))

        def figures(rows: np.ndarray) -> Figures:
            found = crop_figures(ours[np.isin(owners, rows)], theirs)
            return tiles(rows) | {NAMES[name]: value for name, value in found.items()}

        return figures

    def baselines(
        self, known: Sample, kinds: np.ndarray, rng: np.random.Generator
    ) -> dict[str, np.ndarray]:
        """Real tiles set by their borders, and image quilting."""
        composers = {"border matching": match_borders, "quilting": quilt}
        return {
            name: of_kinds(compose, known, kinds, self.settings, rng)
            for name, compose in composers.items()
        }

    def picture(self, composition: Composition) -> bytes:
        """The picture in its palette."""
        from PIL import Image

        from composer.domains.art.render import render
        from composer.domains.art.write import choose_palette

        palette = choose_palette(composition, self.settings, {})
        layout = composition.layout
        pixels = render(composition.fragments, layout, self.settings, palette, scale=SCALE)
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "PNG")
        return buffer.getvalue()

    @property
    def _layout(self) -> tuple[int, int]:
        rows, columns = self.layout
        return rows, columns

    def _crops(self, pieces: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Features of random crops and the number of the canvas of each."""
        pictures = levels_of(assemble(pieces, self._layout), self.settings)
        size = min(CROP, *pictures.shape[1:3])
        places = place_crops(pictures.shape, CROPS, np.random.default_rng(seed), size)
        return crop_features(cut_at(pictures, places, size)), places[0]
