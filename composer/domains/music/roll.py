"""The piano roll: a picture of a piece in which one sees its form.

Drawn in strips (a header, the form, one for each line of bars) at twice the final size; halving
them smooths the edges and keeps the memory of a long piece small. All lengths below are in the
doubled pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL import Image, ImageDraw, ImageFont

    from composer.composition import Origin
    from composer.domains.music.settings import MusicSettings

Colour = tuple[int, int, int]

SUPERSAMPLING = 2
WIDTH, MARGIN, GUTTER = 3200, 88, 72
HEADER, FORM_CELL, FORM_ARCS, TAB, GAP = 210, 36, 220, 44, 56
LONG_PIECE, FEWEST_ROWS, LINE_HEIGHT = 96, 17, 400
PAPER, INK, GREY = (252, 251, 248), (38, 40, 48), (112, 114, 122)
BEAT_LINE, PITCH_LINE, BAR_LINE = (233, 232, 229), (206, 205, 202), (158, 158, 162)

# Okabe and Ito (2008), distinct for the colour-blind: blues are new, warm ones come back.
COLOURS: dict[str, Colour] = {
    "fresh": (0, 114, 178),
    "guided": (86, 180, 233),
    "repeat": (213, 94, 0),
    "vary": (230, 159, 0),
    "sequence": (0, 158, 115),
}
SIGNS = {"guided": "+", "repeat": "=", "vary": "~", "sequence": "±"}


@dataclass(frozen=True)
class Page:
    """Where things lie.

    Attributes:
        bars: in the whole piece.
        columns: bars on a line.
        steps: grid steps in a bar.
        low, high: pitches of the lowest and highest row.
        row: height of a semitone.
    """

    bars: int
    columns: int
    steps: int
    low: int
    high: int
    row: int

    @classmethod
    def fit(cls, notes: Sequence[np.ndarray], bars: int, settings: MusicSettings) -> Page:
        """8 bars a line, 16 in a long piece; rows as high as there is room."""
        pitches = np.concatenate([line[:, 2] for line in notes])
        if not len(pitches):
            pitches = np.array([60])
        low, high = int(pitches.min()) - 1, int(pitches.max()) + 1
        spare = max(0, FEWEST_ROWS - (high - low + 1))
        low, high = low - spare // 2, high + spare - spare // 2
        columns = 16 if bars > LONG_PIECE else min(8, max(4, bars))
        row = int(np.clip(LINE_HEIGHT // (high - low + 1), 11, 20))
        return cls(bars, columns, settings.steps, low, high, row)

    @property
    def lines(self) -> int:
        """Number of lines."""
        return -(-self.bars // self.columns)

    @property
    def bar_width(self) -> float:
        """Width of a bar."""
        return (WIDTH - 2 * MARGIN - GUTTER) / self.columns

    @property
    def height(self) -> int:
        """Height of the rows of a line, without its tabs."""
        return (self.high - self.low + 1) * self.row

    def x(self, step: float) -> float:
        """Left edge of a step counted from the start of a line."""
        return MARGIN + GUTTER + step * self.bar_width / self.steps

    def y(self, pitch: int) -> int:
        """Upper edge of a pitch's row."""
        return TAB + (self.high - pitch) * self.row


def draw_roll(
    notes: Sequence[np.ndarray],
    origins: Sequence[Origin],
    settings: MusicSettings,
    *,
    title: str,
    caption: str,
) -> Image.Image:
    """Draw a piece: pitch upwards, time to the right, each bar in the colour of its origin.

    A strip on top shows the whole form, with an arc from each bar that comes back to the bar that
    it was made from; a tab over each bar gives its number and, after a sign, that of its source.

    Args:
        notes: one int64 ``[n, 3]`` (start step, length in steps, MIDI pitch) a voice.
        origins: one a bar.
        settings: for the metre and grid.
        title: the first line.
        caption: the second line.

    Returns:
        An RGB picture 1,600 pixels wide, the same for the same arguments.
    """
    from PIL import Image

    page = Page.fit(notes, len(origins), settings)
    strips = [_header(origins, title, caption), _form(origins)]
    strips += [_line(page, line, notes, origins, settings) for line in range(page.lines)]
    height = sum(strip.height for strip in strips)
    image = Image.new("RGB", (WIDTH // SUPERSAMPLING, height), PAPER)
    top = 0
    for strip in strips:
        image.paste(strip, (0, top))
        top += strip.height
    return image


def _header(origins: Sequence[Origin], title: str, caption: str) -> Image.Image:
    """Title, caption, and a legend of the origins that occur, with the number of their bars."""
    strip, draw = _strip(HEADER)
    draw.text((MARGIN, 72), _shortened(title, WIDTH - 2 * MARGIN, 64), INK, _font(64))
    kinds = [origin.kind for origin in origins]
    x = float(WIDTH - MARGIN)
    for kind in reversed([kind for kind in COLOURS if kind in kinds]):
        label = f"{SIGNS.get(kind, '')} {kind} {kinds.count(kind)}".strip()
        x -= _font(34).getlength(label)
        draw.text((x, 158), label, INK, _font(34))
        draw.rounded_rectangle((x - 42, 164, x - 12, 194), 6, COLOURS[kind])
        x -= 84
    draw.text((MARGIN, 158), _shortened(caption, x - MARGIN, 34), GREY, _font(34))
    return _finish(strip)


def _form(origins: Sequence[Origin]) -> Image.Image:
    """The whole piece in one row of cells, with an arc from each bar to its source."""
    strip, draw = _strip(FORM_ARCS + FORM_CELL + GAP)
    width = (WIDTH - 2 * MARGIN) / len(origins)
    arcs = [(o.place, bar, _colour(o)) for bar, o in enumerate(origins) if o.place is not None]
    longest = max((bar - place for place, bar, _ in arcs), default=1)
    for place, bar, colour in arcs:
        height = (FORM_ARCS - 30) * ((bar - place) / longest) ** 0.5
        x0, x1 = (MARGIN + (end + 0.5) * width for end in (place, bar))
        box = (x0, FORM_ARCS - height, x1, FORM_ARCS + height)
        draw.arc(box, 180, 360, _mix(colour, 0.8), 4 if len(origins) <= LONG_PIECE else 2)
    gap = min(4.0, width / 4)
    for bar, origin in enumerate(origins):
        x = MARGIN + bar * width
        box = (x, FORM_ARCS + 6, x + width - gap, FORM_ARCS + 6 + FORM_CELL)
        draw.rectangle(box, _colour(origin))
    return _finish(strip)


def _line(
    page: Page,
    line: int,
    notes: Sequence[np.ndarray],
    origins: Sequence[Origin],
    settings: MusicSettings,
) -> Image.Image:
    """One line of bars: tinted ground, tabs, grid, notes."""
    strip, draw = _strip(TAB + page.height + GAP)
    first = line * page.columns
    bars = range(first, min(first + page.columns, page.bars))
    for bar in bars:
        _bar(draw, page, bar - first, bar, origins[bar])
    _grid(draw, page, len(bars), settings)
    start, end = first * page.steps, bars.stop * page.steps
    for voice in notes:
        inside = voice[(voice[:, 0] < end) & (voice[:, 0] + voice[:, 1] > start)]
        for onset, length, pitch in inside.tolist():
            left = page.x(max(onset, start) - start) + 3
            right = page.x(min(onset + length, end) - start) - 3
            top = page.y(pitch)
            colour = _colour(origins[onset // page.steps])
            radius = min(6, page.row // 2)
            box = (left, top + 1, max(right, left + 3), top + page.row - 1)
            draw.rounded_rectangle(box, radius, colour)
    return _finish(strip)


def _bar(draw: ImageDraw.ImageDraw, page: Page, column: int, bar: int, origin: Origin) -> None:
    """The ground of one bar and its tab: its number, and where it comes from."""
    left, right = (page.x(page.steps * (column + side)) for side in (0, 1))
    colour = _colour(origin)
    draw.rectangle((left, TAB, right, TAB + page.height), _mix(colour, 0.08))
    draw.rectangle((left + 2, 0, right - 2, TAB - 6), _mix(colour, 0.35))
    draw.text((left + 12, TAB // 2 - 3), str(bar + 1), INK, _font(26), "lm")
    sign = SIGNS.get(origin.kind, "")
    label = sign if origin.place is None else f"{sign} {origin.place + 1}"
    draw.text((right - 12, TAB // 2 - 3), label, INK, _font(26), "rm")


def _grid(draw: ImageDraw.ImageDraw, page: Page, bars: int, settings: MusicSettings) -> None:
    """Lines of the beats, bars and Cs, and the names of the Cs."""
    bottom, right = TAB + page.height, page.x(page.steps * bars)
    beat = 4 * settings.steps_per_beat / settings.meter[1]
    for place in np.arange(0, page.steps * bars, beat).tolist():
        draw.line((page.x(place), TAB, page.x(place), bottom), BEAT_LINE, 2)
    for pitch in range(page.low, page.high + 1):
        if pitch % 12 == 0:
            y = page.y(pitch) + page.row / 2
            draw.line((page.x(0), y, right, y), PITCH_LINE, 2)
            draw.text((page.x(0) - 14, y), f"C{pitch // 12 - 1}", GREY, _font(28), "rm")
    for bar in range(bars + 1):
        x = page.x(page.steps * bar)
        draw.line((x, TAB, x, bottom), BAR_LINE, 3)


def _strip(height: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """An empty strip of the page and a pen for it."""
    from PIL import Image, ImageDraw

    strip = Image.new("RGB", (WIDTH, height), PAPER)
    return strip, ImageDraw.Draw(strip)


def _finish(strip: Image.Image) -> Image.Image:
    """A strip in its final size, smooth."""
    return strip.reduce(SUPERSAMPLING)


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own font, so that the picture needs no other."""
    from PIL import ImageFont

    return ImageFont.load_default(size)


def _colour(origin: Origin) -> Colour:
    """The colour of an origin; grey for one that is not known."""
    return COLOURS.get(origin.kind, GREY)


def _mix(colour: Colour, share: float) -> Colour:
    """A colour thinned with paper."""
    red, green, blue = (
        round(share * c + (1 - share) * p) for c, p in zip(colour, PAPER, strict=True)
    )
    return red, green, blue


def _shortened(text: str, width: float, size: int) -> str:
    """Text that fits the width."""
    shortened = text
    while _font(size).getlength(shortened) > width:
        text = text[: len(text) * 9 // 10]
        shortened = text + "..."
    return shortened
