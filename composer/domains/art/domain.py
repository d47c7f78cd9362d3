"""The art domain: a picture is a canvas of square tiles, filled row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from composer.domain import Corpus, Domain, FragmentSpec, Layout, Moves, Piece, Scope
from composer.domains.art import codes, geometry, moves
from composer.domains.art.settings import ArtSettings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import torch
    from torch import nn

    from composer.composition import Composition
    from composer.evaluation.yardstick import Yardstick
    from composer.training import TrainingConfig

PLANES_OF_RGB = 3


class ArtDomain(Domain):
    """Tiles of palette slots, or of red, green and blue."""

    id = "art"
    extensions = frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif"})

    def __init__(self, settings: Mapping[str, Any]) -> None:
        """Bind to ``ArtSettings`` in their JSON form."""
        self.settings = ArtSettings.from_json(settings)
        side = self.settings.tile
        shape = (side, side, PLANES_OF_RGB) if self.settings.rgb else (side, side)
        self._codes = codes.codebook(self.settings).copy()  # torch wants to own it
        self.spec = FragmentSpec(shape=shape, classes=len(self._codes))

    @classmethod
    def read(cls, folder: Path, options: Mapping[str, Any]) -> Corpus:
        """Read a folder of pictures."""
        from composer.domains.art.read import read_folder

        return read_folder(folder, options)

    @classmethod
    def presets(cls) -> Mapping[str, TrainingConfig]:
        """See ``presets.PRESETS``."""
        from composer.domains.art.presets import PRESETS

        return PRESETS

    # ---- what a token looks like ----------------------------------------------------------------

    @property
    def codes(self) -> np.ndarray:
        """Coverage of each slot, or the level of a colour."""
        return self._codes

    def soften(self, outputs: torch.Tensor) -> torch.Tensor:
        """Palette: the softmax over slots, a coverage. RGB: levels from -1 to 1."""
        if self.settings.rgb:
            return outputs.tanh().unsqueeze(-1)
        return outputs.softmax(-1)

    def tokens(self, outputs: torch.Tensor) -> torch.Tensor:
        """The nearest codes."""
        import torch

        soft = self.soften(outputs)
        if self.settings.rgb:
            top = len(self._codes) - 1
            return ((soft.squeeze(-1) + 1) * (top / 2)).round().long()
        table = torch.from_numpy(self._codes)
        return (soft @ table.T - table.square().sum(1) / 2).argmax(-1)

    # ---- geometry of a picture --------------------------------------------------------------

    @property
    def kinds(self) -> int:
        """Kinds of pictures that the model knows."""
        return len(self.settings.kinds)

    def plan(
        self, layout: Layout, options: Mapping[str, Any], rng: np.random.Generator
    ) -> np.ndarray:
        """One kind for the whole picture, or several in a layout."""
        from composer.domains.art.layouts import plan

        return plan(layout, options, self.settings, rng)

    def neighbours(self, layout: Layout) -> np.ndarray:
        """Tiles to the left and above, and the counterparts: int64 ``[places, 11]``."""
        return geometry.neighbours(layout)

    def surroundings(self, layout: Layout, scope: Scope) -> np.ndarray:
        """The eight tiles around."""
        return geometry.ring(layout, scope)

    def hide(self, present: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
        """As many as ``share`` lose a random part of the ring; the others what comes later."""
        count, ring = present.shape
        anything = rng.random(count) < share
        hidden = rng.random((count, ring)) < rng.random((count, 1))
        later = np.arange(ring) >= geometry.BEFORE
        return np.where(np.expand_dims(anything, 1), hidden, later)

    def positions(self, layout: Layout) -> np.ndarray:
        """Distances to edges and axes where pictures are whole canvases, else zeros."""
        return geometry.positions(layout) * np.float32(self.settings.framed)

    def closed(self, options: Mapping[str, Any]) -> bool:
        """``tileable``."""
        return bool(options.get("tileable"))

    def layout(self, options: Mapping[str, Any]) -> Layout:
        """Rows and columns that ``tiles`` or ``size`` ask for."""
        from composer.domains.art.layouts import canvas

        return canvas(options, self.settings)

    @property
    def training_layout(self) -> Layout:
        """``settings.rows`` by ``settings.columns``."""
        return (self.settings.rows, self.settings.columns)

    def windows(self, piece: Piece) -> np.ndarray:
        """Canvases of the training layout side by side, the last ones flush with the far edges."""
        rows, columns = self.training_layout
        canvas = piece.fragments.reshape(*piece.layout, *self.spec.shape)
        parts = [
            canvas[top : top + rows, left : left + columns]
            for top in _starts(piece.layout[0], rows)
            for left in _starts(piece.layout[1], columns)
        ]
        shape = (len(parts), rows * columns, *self.spec.shape)
        return np.stack(parts).reshape(shape) if parts else np.zeros(shape, np.uint8)

    # ---- networks ----------------------------------------------------------------------------

    @property
    def _planes(self) -> int:
        return PLANES_OF_RGB if self.settings.rgb else self.settings.layers

    @property
    def _position_size(self) -> int:
        kinds = self.kinds if self.kinds > 1 else 0
        return int(self.positions((1, 1)).shape[1]) + kinds

    def latent(self, size: int) -> int:
        """Noise for whole codes."""
        from composer.domains.art.networks import whole_codes

        return whole_codes(size, self.settings.tile)

    def generator(self, latent: int, width: int) -> nn.Module:
        """A ``TileGenerator``."""
        from composer.domains.art.networks import TileGenerator

        size = (self.settings.tile, self._planes, self._position_size)
        return TileGenerator(*size, latent, width)

    def discriminator(self, width: int) -> nn.Module:
        """A ``TileDiscriminator``."""
        from composer.domains.art.networks import TileDiscriminator

        return TileDiscriminator(self.settings.tile, self._planes, self._position_size, width)

    def misfit(self, outputs: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
        """Palette: the cross-entropy. RGB: five times the difference, near its scale."""
        if self.settings.rgb:
            return 5 * (self.soften(outputs) - codes).abs().sum(-1)
        return super().misfit(outputs, codes)

    def encoder(self, width: int) -> nn.Module:
        """A ``TileEncoder``."""
        from composer.domains.art.networks import TileEncoder

        return TileEncoder(self._codes, self.settings.tile, self._planes, width)

    def relations(self, fragments: torch.Tensor, first: int) -> torch.Tensor:
        """Likeness under the symmetries of the square, and fit at the four sides."""
        from composer.places import look_up

        most = 4.0 * PLANES_OF_RGB if self.settings.rgb else 2.0
        return moves.relations(look_up(fragments, self._codes).flatten(4), first, most)

    # ---- play ---------------------------------------------------------------------------------

    def moves(self, context: np.ndarray, present: np.ndarray, rng: np.random.Generator) -> Moves:
        """Repeats and counterparts."""
        del rng  # nothing is drawn
        return moves.propose(context, present)

    def settle(self, fragments: np.ndarray, placed: np.ndarray) -> np.ndarray:
        """A tile that is an earlier one but for a few cells becomes it."""
        return moves.settle(fragments, placed)

    def returns(self, fragments: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Under each of the eight symmetries: bool ``[..., 8]``."""
        return moves.returns(fragments, others, len(self.spec.shape) - 2)

    def traits(self, fragments: np.ndarray) -> np.ndarray:
        """Share of each slot, or how much red, green and blue."""
        from composer.domains.art.metrics import levels_of

        return levels_of(fragments, self.settings).mean(axis=(1, 2))

    def counted(self, fragments: np.ndarray) -> np.ndarray:
        """See ``metrics.count_tiles``."""
        from composer.domains.art.metrics import count_tiles

        return count_tiles(fragments, self.settings)

    def features(self, fragments: np.ndarray) -> np.ndarray:
        """Codes at half resolution: float32 ``[n, features]``."""
        side, pool = self.settings.tile, moves.POOL
        seen = self._codes[fragments].reshape(len(fragments), side, side, -1)
        cut = seen[:, : side // pool * pool, : side // pool * pool]
        squares = cut.reshape(len(cut), side // pool, pool, side // pool, pool, -1)
        return squares.mean((2, 4)).reshape(len(cut), -1)

    def compare(self, made: np.ndarray, real: np.ndarray) -> dict[str, float]:
        """See ``metrics.compare_tiles``."""
        from composer.domains.art.metrics import compare_tiles

        return compare_tiles(made, real, self.settings)

    def yardstick(self) -> Yardstick:
        """A ``ArtYardstick``."""
        from composer.domains.art.yardstick import ArtYardstick

        return ArtYardstick(self)

    # ---- output -------------------------------------------------------------------------------

    def allowed(self, options: Mapping[str, Any]) -> np.ndarray | None:
        """Everything: palettes are chosen when a picture is written."""
        del options
        return None

    def check(self, options: Mapping[str, Any]) -> None:
        """Layout, plan and palette."""
        from composer.domains.art.palettes import asked_palette

        super().check(options)
        asked_palette(options.get("palette"), self.settings.slots)

    def write(self, composition: Composition, stem: Path, options: Mapping[str, Any]) -> list[Path]:
        """A PNG, and with ``explain`` a map of origins."""
        from composer.domains.art.write import write_picture

        return write_picture(composition, stem, self.settings, options)


def _starts(size: int, wanted: int) -> list[int]:
    """Where parts of ``wanted`` begin in ``size``; none where it is too small."""
    if size < wanted:
        return []
    return sorted({*range(0, size - wanted + 1, wanted), size - wanted})
