"""The map of origins: where each tile of a picture comes from.

Drawn at twice the final size; halving it smooths the edges. All lengths below are in the doubled
pixels.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL import Image, ImageDraw, ImageFont

    from composer.composition import Origin
    from composer.domain import Layout

Colour = tuple[int, int, int]

SUPERSAMPLING = 2
LONGEST, LARGEST_TILE, NARROWEST, MARGIN = 2400, 192, 1120, 64
LEGEND_LINE, SWATCH, TEXT, NOTE = 76, 44, 36, 30
ARROW, ARROW_HEAD, SMALLEST_ARROW = 0.44, 0.17, 40  # in sides of a tile; side of a tile
FAINTEST = 0.4  # how bright black is under the tint
GAP = 4  # between tiles
PAPER, INK, GREY = (252, 251, 248), (38, 40, 48), (112, 114, 122)

# Okabe and Ito (2008), distinct for the colour-blind: blue and green are new, the others come back.
COLOURS: dict[str, Colour] = {
    "fresh": (0, 114, 178),
    "guided": (0, 158, 115),
    "vary": (230, 159, 0),
    "repeat": (213, 94, 0),
    "counterpart": (240, 228, 66),
}


def draw_origins(picture: np.ndarray, layout: Layout, origins: Sequence[Origin]) -> Image.Image:
    """Draw a picture with each tile in the colour of its origin, and a legend below.

    Where tiles are large enough, those that were made from another one have an arrow that points
    away from it.

    Args:
        picture: uint8 ``[height, width, 3 or 4]``, whole tiles at any scale.
        layout: rows and columns of tiles.
        origins: one a tile, row by row.

    Returns:
        An RGB picture, the same for the same arguments. With up to 1,200 tiles a side and the
        origins of ``COLOURS`` it is no wider than 1,300 pixels and no higher than 1,500.
    """
    from PIL import Image, ImageDraw

    rows, columns = layout
    side = min(LARGEST_TILE, max(SUPERSAMPLING, LONGEST // max(rows, columns)))
    legend = _legend(origins, max(columns * side, NARROWEST))
    width = max(columns * side, legend.width) + 2 * MARGIN
    sheet = Image.new("RGB", (width, rows * side + legend.height + 3 * MARGIN), PAPER)
    corner = ((width - columns * side) // 2, MARGIN)
    sheet.paste(_tinted(picture, layout, origins, side), corner)
    sheet.paste(legend, (MARGIN, rows * side + 2 * MARGIN))
    if side >= SMALLEST_ARROW:
        pen = ImageDraw.Draw(sheet)
        for place, origin in enumerate(origins):
            if origin.place is not None and origin.place != place:
                at = np.array(divmod(place, columns))
                away = at - divmod(origin.place, columns)
                centre = (at[::-1] + 0.5) * side + corner
                _arrow(pen, centre, away[::-1] / np.hypot(*away), side)
    return sheet.reduce(SUPERSAMPLING)


def _tinted(
    picture: np.ndarray, layout: Layout, origins: Sequence[Origin], side: int
) -> Image.Image:
    """The picture in shades of its tiles' colours, black being the darkest of them."""
    from PIL import Image

    rows, columns = layout
    grey = Image.fromarray(picture[..., :3]).convert("L")
    grey = grey.resize((columns * side, rows * side), Image.Resampling.BOX)
    if picture.shape[2] == 4:  # noqa: PLR2004 - red, green, blue, alpha
        opaque = Image.fromarray(picture[..., 3]).resize(grey.size, Image.Resampling.BOX)
        grey = Image.composite(grey, Image.new("L", grey.size, 255), opaque)
    shade = FAINTEST + (1 - FAINTEST) * np.asarray(grey, np.float32)[..., None] / 255
    colours = np.array([_mix(_colour(origin.kind), 0.7) for origin in origins], np.uint8)
    tints = colours.reshape(rows, columns, 3).repeat(side, axis=0).repeat(side, axis=1)
    pixels = np.rint(tints * shade).astype(np.uint8)
    if side >= SMALLEST_ARROW:
        edge = np.arange(max(rows, columns) * side) % side >= side - GAP
        pixels[edge[: len(pixels)]] = PAPER
        pixels[:, edge[: pixels.shape[1]]] = PAPER
    return Image.fromarray(pixels)


def _arrow(pen: ImageDraw.ImageDraw, centre: np.ndarray, direction: np.ndarray, side: int) -> None:
    """A dark arrow with a light rim through the middle of a tile."""
    across = np.array([-direction[1], direction[0]])
    tip, tail = centre + direction * side * ARROW / 2, centre - direction * side * ARROW / 2
    neck = tip - direction * side * ARROW_HEAD
    wing = across * side * ARROW_HEAD * 0.7
    head = [tuple(tip), tuple(neck + wing), tuple(neck - wing)]
    rim, line = max(4, side // 24), max(4, side // 20)
    pen.line([tuple(tail), tuple(neck)], PAPER, line + 2 * rim)
    pen.polygon(head, PAPER, PAPER, 2 * rim)
    pen.line([tuple(tail), tuple(neck)], INK, line)
    pen.polygon(head, INK)


def _legend(origins: Sequence[Origin], width: int) -> Image.Image:
    """Colour, name and number of the origins that occur, in as many lines as they need."""
    from PIL import Image, ImageDraw

    kinds = [origin.kind for origin in origins]
    entries = [kind for kind in COLOURS if kind in kinds]
    entries += sorted(set(kinds) - COLOURS.keys())
    column = max(_font(TEXT).getlength(f"{kind} {len(kinds)}") for kind in entries) + 2 * SWATCH
    across = max(1, int(width // column))
    lines = -(-len(entries) // across)
    strip = Image.new("RGB", (width, lines * LEGEND_LINE + NOTE * 2), PAPER)
    pen = ImageDraw.Draw(strip)
    for number, kind in enumerate(entries):
        line, place = divmod(number, across)
        x, y = place * column, line * LEGEND_LINE
        pen.rounded_rectangle((x, y, x + SWATCH, y + SWATCH), 8, _mix(_colour(kind), 0.85))
        after = x + SWATCH * 1.4
        pen.text((after, y + SWATCH / 2), kind, INK, _font(TEXT), "lm")
        after += _font(TEXT).getlength(f"{kind} ")
        pen.text((after, y + SWATCH / 2), str(kinds.count(kind)), GREY, _font(TEXT), "lm")
    note = f"{len(kinds)} tiles; arrows point away from the tile that was used again"
    pen.text((0, lines * LEGEND_LINE + NOTE), note, GREY, _font(NOTE), "lm")
    return strip


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own font, so that the picture needs no other."""
    from PIL import ImageFont

    return ImageFont.load_default(size)


def _colour(kind: str) -> Colour:
    """The colour of an origin; grey for one that is not known."""
    return COLOURS.get(kind, GREY)


def _mix(colour: Colour, share: float) -> Colour:
    """A colour thinned with paper."""
    red, green, blue = (
        round(share * c + (1 - share) * p) for c, p in zip(colour, PAPER, strict=True)
    )
    return red, green, blue
