"""Pictures of every kind from a seed, and a picture as a PNG file."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from composer.domains.art.families.draw import CELL, colour
from composer.domains.art.families.forms import KINDS, draw
from composer.domains.art.palettes import PALETTES, rgb

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_INDEXED = 256
_PACK = np.array([1 << 16, 1 << 8, 1])


def make_pictures(
    count: int, size: tuple[int, int], palette: Sequence[str] | None, seed: int
) -> Iterator[tuple[str, np.ndarray]]:
    """Pictures of all kinds in turn, drawn at random; tiles that do not fit whole are cropped.

    Args:
        count: pictures in all; where the kinds cannot share them evenly, the first have one more.
        size: width and height in pixels.
        palette: four colours ``#rrggbb``, darkest first; if None, one of ``PALETTES`` for each.
        seed: the same one gives the same pictures, and each is independent of ``count``.

    Yields:
        A path without ending, as ``truchet/truchet-003``, and uint8 ``[height, width, 3]``.
    """
    width, height = size
    named = tuple(PALETTES.values())
    for number in range(count):
        place, kind = number // len(KINDS), KINDS[number % len(KINDS)]
        rng = np.random.default_rng([seed, number])
        own = named[rng.integers(len(named))]
        coverage = draw(kind, -(-height // CELL), -(-width // CELL), rng)[:height, :width]
        yield f"{kind}/{kind}-{place:03d}", colour(coverage, rgb(palette or own))


def png(pixels: np.ndarray) -> bytes:
    """A picture uint8 ``[height, width, 3]`` as PNG, exactly; indexed, if 256 colours suffice."""
    from PIL import Image

    colours, indices = np.unique(pixels.astype(np.int64) @ _PACK, return_inverse=True)
    image = Image.fromarray(pixels)
    if len(colours) <= _INDEXED:
        image = Image.fromarray(indices.reshape(pixels.shape[:2]).astype(np.uint8))
        image.putpalette((colours[:, None] // _PACK % 256).astype(np.uint8).tobytes())
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
