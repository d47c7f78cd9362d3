"""What goes where: the sheet that a picture is drawn on, and the kind of each of its tiles."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from composer.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from composer.domain import Layout
    from composer.domains.art.settings import ArtSettings

PALETTE_SCALE, RGB_SCALE = 4, 2
FEWEST_TILES, MOST_TILES = 4, 512
MAX_SIDE, MAX_PIXELS, MAX_TILE_PIXELS = 16_384, 1 << 26, 1024
SHAPES = ("disc", "diagonal", "checker", "stripes")
DISC_RADIUS = 0.8  # of half the shorter side: half of a square
CHECKS = 4  # squares along the shorter side of a canvas
SAMPLES = 4  # points of a map, along each side of a tile, that vote on its kind
MAIN_SHARE, MAIN_TOTAL = 0.01, 0.75  # of a map: what a colour must cover, and all such together
JOINED = 64  # colours of a map that are compared with each other


@dataclass(frozen=True)
class Sheet:
    """Where a picture lies on its sheet, all in pixels.

    Attributes:
        layout: rows and columns of tiles, the last ones perhaps cut off.
        scale: of a cell's side.
        width, height: of the picture alone.
        frame: width of the line around the picture.
        margin: width of what is around the frame.
    """

    layout: tuple[int, int]
    scale: int
    width: int
    height: int
    frame: int
    margin: int

    @property
    def border(self) -> int:
        """Frame and margin together."""
        return self.frame + self.margin


def canvas(options: Mapping[str, Any], settings: ArtSettings) -> tuple[int, int]:
    """Rows and columns of tiles that the options of ``compose`` ask for; see ``plan_sheet``.

    Without ``tiles`` and ``size`` it is the training layout, but at least 4 by 4.
    """
    default = (max(FEWEST_TILES, settings.rows), max(FEWEST_TILES, settings.columns))
    return plan_sheet(options, settings, default).layout


def plan_sheet(options: Mapping[str, Any], settings: ArtSettings, default: Layout) -> Sheet:
    """The sheet that the options of ``compose`` ask for.

    ``size`` (width, height) is that of the whole sheet, margin and frame included; what its last
    tiles have too much is cut off. With ``tiles`` (columns, rows) the margin and frame come on top.

    Args:
        options: ``size``, ``tiles``, ``scale``, ``margin``, ``frame``, ``tileable``.
        settings: the model's.
        default: rows and columns where neither ``size`` nor ``tiles`` is given.

    Raises:
        UsageError: for more than 512 tiles or 16,384 pixels on a side, more than 2^26 pixels, a
            scale that makes tiles larger than 1,024 pixels, a border that leaves no room, and a
            picture that is to be tileable but has a border or tiles that are cut off.
    """
    scale = _scale(options, settings)
    frame, margin = options.get("frame") or 0, options.get("margin") or 0
    border = 2 * (frame + margin)
    tileable = bool(options.get("tileable"))
    if border and tileable:
        message = "a tileable picture has no margin or frame: leave out --margin and --frame"
        raise UsageError(message)
    unit = settings.tile * scale
    size, tiles = options.get("size"), options.get("tiles")
    if size and tiles:
        message = "give either --size (pixels) or --tiles, not both"
        raise UsageError(message)
    if size:
        _check_pixels(size, f"size {size[0]}x{size[1]}")
        width, height = (side - border for side in size)
        if min(width, height) < 1:
            message = (
                f"size {size[0]}x{size[1]} leaves no room within a margin of {margin} and a frame "
                f"of {frame} pixels: make it larger than {border}x{border}"
            )
            raise UsageError(message)
    else:
        columns, rows = tiles or default[::-1]
        _check_tiles(columns, rows)
        width, height = columns * unit, rows * unit
        what = f"{columns}x{rows} tiles of {unit} pixels"
        _check_pixels((width + border, height + border), what)
    layout = (-(-height // unit), -(-width // unit))
    _check_tiles(layout[1], layout[0])
    if tileable and (width % unit or height % unit):
        raise UsageError(_nearest_sizes(width, height, unit))
    return Sheet(layout, scale, width, height, frame, margin)


def _scale(options: Mapping[str, Any], settings: ArtSettings) -> int:
    scale = options.get("scale")
    if scale is None:
        return RGB_SCALE if settings.rgb else PALETTE_SCALE
    largest = max(1, MAX_TILE_PIXELS // settings.tile)
    if not 1 <= scale <= largest:
        message = f"scale {scale} cannot be used: give pixels of a cell's side, 1 to {largest}"
        raise UsageError(message)
    return int(scale)


def _check_pixels(size: tuple[int, int], what: str) -> None:
    if not _can_be_drawn(size):
        message = (
            f"{what} cannot be drawn: width and height can be 1 to {MAX_SIDE:,} pixels, "
            f"and {MAX_PIXELS:,} pixels in all, for example 1024x768"
        )
        raise UsageError(message)


def _can_be_drawn(size: Sequence[int]) -> bool:
    return min(size) >= 1 and max(size) <= MAX_SIDE and math.prod(size) <= MAX_PIXELS


def _check_tiles(columns: int, rows: int) -> None:
    if not (1 <= columns <= MOST_TILES and 1 <= rows <= MOST_TILES):
        message = (
            f"{columns}x{rows} tiles cannot be composed: a side can have 1 to {MOST_TILES}; "
            "with --size, a larger --scale needs fewer"
        )
        raise UsageError(message)


def _nearest_sizes(width: int, height: int, unit: int) -> str:
    """Why a picture cannot be tileable, and which ones beside it could."""
    below = [max(1, side // unit) * unit for side in (width, height)]
    above = [-(-side // unit) * unit for side in (width, height)]
    possible = [near for near in (below, above) if _can_be_drawn(near)]
    sizes = dict.fromkeys(f"{width}x{height}" for width, height in possible)
    return (
        f"size {width}x{height} cannot be tileable, for it cuts through its last tiles: choose "
        f"whole tiles of {unit} pixels, {' or '.join(sizes)}"
    )


def plan(
    layout: Layout, options: Mapping[str, Any], settings: ArtSettings, rng: np.random.Generator
) -> np.ndarray:
    """The kind of each place of a new picture.

    Without ``layout`` the picture is of one kind: the one that ``kind`` names, or any. A shape
    (disc, diagonal, checker, stripes) takes the kinds that ``kind`` names with commas between them,
    the first outside or at the start, or any two. Of a map, the path of a picture that is stretched
    over the canvas, the darkest colour is the first kind and so on to the lightest; kinds are those
    of ``kind`` or of the model in their order, and similar colours are one where there are more.

    Returns:
        uint8 ``[rows * columns]``, indices into ``settings.kinds``.

    Raises:
        UsageError: for a kind or layout that does not exist, a map that cannot be read, several
            kinds without a layout, and a layout without several kinds.
    """
    shape, named = options.get("layout"), _named_kinds(options.get("kind"), settings)
    if shape is None:
        if len(named) > 1:
            message = f"several kinds need a layout: add --layout {'|'.join(SHAPES)} or a map"
            raise UsageError(message)
        kind = named[0] if named else rng.integers(len(settings.kinds))
        return np.full(layout[0] * layout[1], kind, np.uint8)
    if len(settings.kinds) == 1:
        message = "the model knows one kind of pictures only: leave out --layout"
        raise UsageError(message)
    if len(named) == 1:
        message = "a layout needs several kinds: give them with commas between, or leave out --kind"
        raise UsageError(message)
    if shape in SHAPES:
        kinds = named or rng.permutation(len(settings.kinds))[:2].tolist()
        regions = _shape(shape, layout, len(kinds))
    else:
        kinds = named or list(range(len(settings.kinds)))
        regions = _map(Path(shape), layout, len(kinds))
    return np.array(kinds, np.uint8)[regions].ravel()


def _named_kinds(text: str | None, settings: ArtSettings) -> list[int]:
    """Indices of the kinds that a text names, each once; none without a text."""
    parts = [] if text is None else text.split(",")
    named: dict[int, None] = {}
    while parts:
        # The name of a folder may have commas in it, so the longest one is tried first.
        for length in range(len(parts), 0, -1):
            kind = _find_kind(",".join(parts[:length]).strip(), settings.kinds)
            if kind is not None:
                break
        else:
            known = ", ".join(settings.kinds)
            message = f"unknown kind '{parts[0].strip()}': the model knows {known}"
            raise UsageError(message)
        named[kind] = None
        del parts[:length]
    return list(named)


def _find_kind(name: str, kinds: Sequence[str]) -> int | None:
    """Index of the kind that has exactly this name, else of the first that has it in any case."""
    if name in kinds:
        return kinds.index(name)
    folded = [kind.casefold() for kind in kinds]
    return folded.index(name.casefold()) if name.casefold() in folded else None


def _shape(name: str, layout: Layout, count: int) -> np.ndarray:
    """Which of ``count`` regions each tile is in: int64 ``[rows, columns]``."""
    rows, columns = layout
    row, column = np.indices((rows, columns))
    shorter = min(rows, columns)
    if name == "disc":  # with rings around it where there are more than two
        radius = np.hypot(2 * row + 1 - rows, 2 * column + 1 - columns) / shorter
        rings = np.ceil(radius * (count - 1) / DISC_RADIUS).astype(np.int64)
        return np.clip(count - rings, 0, count - 1)  # no ring is a point in the middle
    if name == "diagonal":
        along = (2 * row + 1) / rows + (2 * column + 1) / columns
        return np.minimum(along * count / 4, count - 1).astype(np.int64)
    if name == "stripes":
        stripes = count * (2 if columns >= 2 * count else 1)
        return column * stripes // columns % count
    down, across = (_squares(side, shorter, count) for side in (rows, columns))
    return (row * down // rows + column * across // columns) % count


def _squares(side: int, shorter: int, count: int) -> int:
    """Squares of a checker along a side of so many tiles.

    They come in whole turns of the ``count`` kinds, so that a tileable picture goes on as it
    should; as many turns as make the squares about square, but none that has no tiles for all.
    """
    turns = round(side * CHECKS / shorter / count)
    return count * max(1, min(turns, side // count))


def _map(path: Path, layout: Layout, count: int) -> np.ndarray:
    """Which of at most ``count`` colours of a picture covers most of each tile, darkest first."""
    from composer.domains.art.palettes import lightness

    colours, indices = np.unique(_sampled(path, layout), return_inverse=True)
    levels = np.stack([colours >> 16, colours >> 8 & 255, colours & 255], axis=1)
    main = _main_colours(levels, np.bincount(indices.ravel()), count)
    main = main[np.argsort(lightness(main), kind="stable")]
    nearest = np.square(levels[:, None] - main).sum(axis=2).argmin(axis=1)
    votes = nearest[indices].reshape(layout[0], SAMPLES, layout[1], SAMPLES)
    tallies = [(votes == region).sum(axis=(1, 3)) for region in range(len(main))]
    return np.argmax(tallies, axis=0)


def _sampled(path: Path, layout: Layout) -> np.ndarray:
    """Colours of a picture at points of each tile, red * 65536 + green * 256 + blue.

    Returns:
        int64 ``[rows * SAMPLES, columns * SAMPLES]``, what is transparent over white.
    """
    from composer.domains.art.pictures import UnusableFileError, open_picture

    if not path.is_file():
        message = (
            f"unknown layout '{path}': give {', '.join(SHAPES)} or the path of a picture; "
            "a kind is chosen with --kind"
        )
        raise UsageError(message)
    try:
        picture = open_picture(path)
    except UnusableFileError as error:
        message = f"the layout '{path}' cannot be used: {error}"
        raise UsageError(message) from error
    at = [
        ((np.arange(tiles * SAMPLES) + 0.5) * side / (tiles * SAMPLES)).astype(np.int64)
        for tiles, side in zip(layout, picture.shape, strict=False)
    ]
    points = picture[np.ix_(*at)].astype(np.int64)
    alpha = points[..., 3:]
    red, green, blue = np.moveaxis((points[..., :3] * alpha + 255 * (255 - alpha)) // 255, -1, 0)
    return red << 16 | green << 8 | blue


def _main_colours(levels: np.ndarray, counts: np.ndarray, most: int) -> np.ndarray:
    """The colours that a map is drawn in, not those between them at its edges.

    Args:
        levels: int64 ``[colours, 3]``, all different.
        counts: int64 ``[colours]``, how often each occurs.
        most: how many may be returned.

    Returns:
        int64 ``[n, 3]``; means of similar colours where the map is not drawn in few.
    """
    total = counts.sum()
    main = counts >= MAIN_SHARE * total
    if main.sum() <= most and counts[main].sum() >= MAIN_TOTAL * total:
        return levels[main]
    if len(levels) > JOINED:
        levels, counts = _median_cut(levels, counts)
    return _joined(levels, counts, most)


def _median_cut(levels: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """At most ``JOINED`` colours for many, and how often they occur; as of ``_main_colours``."""
    from PIL import Image

    pixels = Image.fromarray(levels.repeat(counts, axis=0).astype(np.uint8)[None])
    reduced = pixels.quantize(JOINED, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    colours = np.array(reduced.getpalette("RGB")).reshape(-1, 3)
    occurrences = np.bincount(np.asarray(reduced).ravel(), minlength=len(colours))
    used = occurrences > 0
    return colours[used], occurrences[used]


def _joined(levels: np.ndarray, counts: np.ndarray, most: int) -> np.ndarray:
    """Join similar colours until few are left, arguments and result as of ``_main_colours``.

    Always those two whose pixels get the least further from their mean (Ward 1963): few pixels of a
    colour that is far from all others stay what they are.
    """
    means, weights = levels.astype(np.float64), counts.astype(np.float64)
    while len(means) > most:
        both = weights[:, None] + weights
        cost = np.square(means[:, None] - means).sum(axis=2) * np.outer(weights, weights) / both
        np.fill_diagonal(cost, np.inf)
        kept, gone = np.unravel_index(cost.argmin(), cost.shape)
        means[kept] = np.average(means[[kept, gone]], axis=0, weights=weights[[kept, gone]])
        weights[kept] += weights[gone]
        means, weights = np.delete(means, gone, axis=0), np.delete(weights, gone)
    return np.rint(means).astype(np.int64)
