"""Settings of the art domain: what a tile is, decided once when a folder is read."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from composer.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping

RGB_LEVELS = 256


@dataclass(frozen=True)
class ArtSettings:
    """What a fragment of a picture is.

    A fragment is one square tile. In palette mode it is uint8 ``[tile, tile]``, tokens of
    ``codes.codebook``: each cell is covered by one slot of the picture's palette, or by two of them
    in some proportion. In RGB mode it is uint8 ``[tile, tile, 3]``, levels of red, green, blue.

    Attributes:
        tile: cells in a tile's side.
        slots: colours in a palette, darkest first; 0 is RGB mode.
        transparent: whether one more slot, the last, is transparent.
        pixels: pixels of the training pictures in a tile's side (the median; a motif fills a tile).
        rows, columns: tiles of the canvases that the agent practises on.
        framed: training pictures are whole canvases, so where their edge is matters; else they are
            cut from something larger.
        kinds: names of the kinds of pictures (sub-folders or clusters), at least one.
        palettes: palettes of training pictures, each ``slots`` colours as ``#rrggbb``; none in RGB
            mode.
        palette_kinds: the kind that each palette was found in.
    """

    tile: int = 16
    slots: int = 4
    transparent: bool = False
    pixels: int = 16
    rows: int = 8
    columns: int = 8
    framed: bool = True
    kinds: tuple[str, ...] = ("all",)
    palettes: tuple[tuple[str, ...], ...] = ()
    palette_kinds: tuple[int, ...] = ()

    @property
    def rgb(self) -> bool:
        """Whether cells hold red, green and blue instead of slots."""
        return self.slots == 0

    @property
    def layers(self) -> int:
        """Slots with the transparent one."""
        return self.slots + self.transparent

    def as_json(self) -> dict[str, Any]:
        """JSON-ready form; ``from_json`` is its inverse."""
        return {key: _listed(value) for key, value in asdict(self).items()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ArtSettings:
        """Settings from ``as_json``; ModelError where a key is unknown."""
        try:
            return cls(**{key: _frozen(value) for key, value in data.items()})
        except TypeError as error:
            message = f"art settings do not fit this version of composer: {error}"
            raise ModelError(message) from error


def _listed(value: Any) -> Any:
    return [_listed(item) for item in value] if isinstance(value, tuple) else value


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value
