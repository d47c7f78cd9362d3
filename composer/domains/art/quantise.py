"""A picture's palette, and how far each colour of it covers each cell."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from composer.domains.art.codes import coverage_codes, encode
from composer.domains.art.palettes import lightness

CHOICES = (4, 8, 16)  # slots to choose from
_PACK = np.array([65536, 256, 1])
_SAMPLE = 1 << 14  # pixels that decide a palette
HALF = 128  # opacity of half
_LEAST_FLAT = 0.3  # of the pixels: a drawing in flat colours has more beside equal ones
_AREA = 0.002  # of those: what covers less is no area
_MIX_SAMPLE = 1 << 12  # pixels that are looked at for mixes
_MIX_ERROR = 20.0  # levels: so near to a mix of two colours lie the edges of a drawing
_MIX_SHARE = 0.97  # of the pixels must lie so near
_EXACT = 6.0  # levels: a pixel so near to a slot is that slot
_CLEARLY = 0.25  # a mix must be nearer than this share of a slot's squared distance
_WINDOW = 128  # pixels of a side that the error is measured on
_GOOD = 12.0  # levels: slots that stand for most pictures so well are enough


def flatten(pixels: np.ndarray, *, transparent: bool) -> np.ndarray:
    """RGBA with nothing half transparent, uint8 ``[height, width, 4]``.

    Either opacity is rounded to 0 or 255, or all is laid on white.
    """
    opacity = pixels[..., 3:]
    if transparent:
        return np.concatenate([pixels[..., :3], (opacity >= HALF) * np.uint8(255)], axis=-1)
    if opacity.min() == 255:  # noqa: PLR2004
        return pixels
    share = opacity.astype(np.float32) / 255
    laid = np.rint(pixels[..., :3] * share + 255 * (1 - share)).astype(np.uint8)
    return np.concatenate([laid, np.full_like(opacity, 255)], axis=-1)


def find_palette(pixels: np.ndarray, slots: int) -> np.ndarray:
    """The colours that stand best for a picture, darkest first.

    At most ``slots`` distinct colours are kept as they are. In a drawing in flat colours, the
    ones that cover areas are taken, never the mixed ones of antialiased edges. Else median cut and
    k-means (Pillow) on a sample.

    Args:
        pixels: uint8 ``[height, width, 4]``, ``flatten``ed; what is transparent does not count.
        slots: at most so many colours.

    Returns:
        uint8 ``[k, 3]``, k at most ``slots``.
    """
    seen = pixels[pixels[..., 3] > 0][:, :3]
    colours = _few_colours(seen, slots)
    if colours is None:
        colours = _area_colours(pixels, seen, slots)
    if colours is None:
        colours = _mean_colours(seen, slots)
    return colours[np.argsort(lightness(colours), kind="stable")]


def _few_colours(seen: np.ndarray, slots: int) -> np.ndarray | None:
    """All distinct colours, sorted, if there are at most ``slots``."""
    from PIL import Image

    counted = Image.fromarray(seen[None]).getcolors(slots) if len(seen) else []
    if counted is None:
        return None
    return np.array(sorted(colour for _, colour in counted), np.uint8).reshape(-1, 3)


def _area_colours(pixels: np.ndarray, seen: np.ndarray, slots: int) -> np.ndarray | None:
    """The colours of areas, if there are at most ``slots`` and the rest are mixes of two."""
    code = pixels[..., :3] @ _PACK
    code[pixels[..., 3] == 0] = -1
    flat = (code[1:, 1:] == code[:-1, 1:]) & (code[1:, 1:] == code[1:, :-1])
    flat &= (code[1:, 1:] == code[:-1, :-1]) & (code[1:, 1:] >= 0)
    if flat.sum() < _LEAST_FLAT * len(seen):
        return None
    codes, counts = np.unique(code[1:, 1:][flat], return_counts=True)
    codes = codes[counts >= _AREA * counts.sum()]
    if not 1 < len(codes) <= slots:
        return None
    colours = codes[:, None] // _PACK % 256
    sample = seen[:: -(-len(seen) // _MIX_SAMPLE)].astype(np.float32)
    mixes = _off_mixes(sample, colours.astype(np.float32)) <= _MIX_ERROR
    return colours.astype(np.uint8) if mixes.mean() >= _MIX_SHARE else None


def _off_mixes(sample: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """Distance of each colour, ``[n, 3]``, to the nearest mix of two of ``colours``."""
    first, second = np.array(list(combinations(range(len(colours)), 2))).T
    along = colours[second] - colours[first]
    offset = sample[:, None] - colours[first]
    share = (offset * along).sum(-1) / np.square(along).sum(-1)
    off = offset - share.clip(0, 1)[..., None] * along
    return np.sqrt(np.square(off).sum(-1).min(1))


def _mean_colours(seen: np.ndarray, slots: int) -> np.ndarray:
    """Median cut and k-means on at most ``_SAMPLE`` pixels."""
    from PIL import Image

    sample = np.ascontiguousarray(seen[:: -(-len(seen) // _SAMPLE)])
    image = Image.fromarray(sample[None])
    reduced = image.quantize(slots, Image.Quantize.MEDIANCUT, kmeans=1).convert("RGB")
    counted = reduced.getcolors(slots) or []
    return np.array(sorted(colour for _, colour in counted), np.uint8)


def quantisation_error(pixels: np.ndarray, slots: int) -> float:
    """Root mean square of what is lost, in levels, in the middle of a ``flatten``ed picture."""
    top, left = (max(side - _WINDOW, 0) // 2 for side in pixels.shape[:2])
    part = pixels[top : top + _WINDOW, left : left + _WINDOW]
    seen = part[..., 3] > 0
    if not seen.any():
        return 0.0
    palette = find_palette(pixels, slots)
    looks = coverage_codes(slots) @ full_palette(palette, slots).astype(np.float32)
    shown = looks[pixel_tokens(part, palette, slots, slots)]
    return float(np.sqrt(np.square(shown - part[..., :3])[seen].mean()))


def enough_slots(errors: np.ndarray) -> int:
    """The fewest of ``CHOICES`` that stand well for at least half of the pictures.

    Args:
        errors: float ``[pictures, len(CHOICES)]``, ``quantisation_error`` of each.
    """
    good = np.median(errors, axis=0) <= _GOOD
    return CHOICES[int(good.argmax())] if good.any() else CHOICES[-1]


def slot_places(count: int, slots: int) -> np.ndarray:
    """The slots of ``count`` colours, int64: evenly from the darkest to the lightest slot."""
    return np.rint(np.linspace(0, slots - 1, count)).astype(np.int64)


def full_palette(palette: np.ndarray, slots: int) -> np.ndarray:
    """Exactly ``slots`` colours: unused slots get colours between those of their neighbours.

    Args:
        palette: uint8 ``[1 to slots, 3]``, darkest first.
        slots: how many there shall be.

    Returns:
        uint8 ``[slots, 3]``.
    """
    places = slot_places(len(palette), slots)
    channels = [np.interp(np.arange(slots), places, channel) for channel in palette.T]
    return np.rint(np.stack(channels, axis=1)).astype(np.uint8)


def pixel_tokens(pixels: np.ndarray, palette: np.ndarray, slots: int, layers: int) -> np.ndarray:
    """The token of each pixel: the nearest slot, on edges a mix of two slots beside it.

    A mix is taken only where it is clearly nearer, and where both its slots lie within one pixel.

    Args:
        pixels: uint8 ``[height, width, 4]``, ``flatten``ed.
        palette: uint8 ``[k, 3]``, darkest first, k at most ``slots``; see ``slot_places``.
        slots: slots of colours.
        layers: ``slots``, or one more: then transparent pixels are that last slot.

    Returns:
        uint8 ``[height, width]``, tokens of ``codes.coverage_codes(layers)``.
    """
    shape = pixels.shape[:2]
    colours = pixels[..., :3].reshape(-1, 3).astype(np.float32)
    table = palette.astype(np.float32)
    distance = _distances(colours, table)
    nearest = distance.argmin(1)
    least = distance[np.arange(len(nearest)), nearest]
    places = slot_places(len(palette), slots)
    tokens = places[nearest].astype(np.uint8)
    unsure = np.flatnonzero((least > _EXACT**2) & (pixels[..., 3].reshape(-1) > 0))
    covers = coverage_codes(layers)[:, places]
    mixed = np.flatnonzero((covers.sum(1) == 1) & (covers.max(1) < 1))
    if len(mixed) and len(unsure):
        beside = _beside(nearest.reshape(shape), len(palette)).reshape(-1, len(palette))[unsure]
        off = _distances(colours[unsure], covers[mixed] @ table)
        off[beside.astype(np.float32) @ (covers[mixed] > 0).T < 2] = np.inf  # noqa: PLR2004
        best = off.argmin(1)
        better = off[np.arange(len(best)), best] < _CLEARLY * least[unsure]
        tokens[unsure[better]] = mixed[best[better]]
    tokens = tokens.reshape(shape)
    return np.where(pixels[..., 3] > 0, tokens, np.uint8(slots)) if layers > slots else tokens


def _beside(nearest: np.ndarray, count: int) -> np.ndarray:
    """Bool ``[height, width, count]``: which colours are nearest within one pixel."""
    near = np.pad(nearest[..., None] == np.arange(count), ((1, 1), (1, 1), (0, 0)))
    rows = near[:-2] | near[1:-1] | near[2:]
    return rows[:, :-2] | rows[:, 1:-1] | rows[:, 2:]


def _distances(colours: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Squared distances, float32 ``[n, len(table)]``."""
    squares = np.square(colours).sum(1)[:, None] + np.square(table).sum(1)
    return np.maximum(squares - 2 * colours @ table.T, 0)


def shrink(cells: np.ndarray, pixels: int, tile: int) -> np.ndarray:
    """Means of areas, float32: ``[r * pixels, c * pixels, n]`` -> ``[r * tile, c * tile, n]``."""
    for axis in (0, 1):
        cells = np.moveaxis(cells, axis, 0)
        blocks = cells.reshape(-1, pixels, *cells.shape[1:])
        weights = _box(pixels, tile)
        blocks = np.einsum("tp,bp...->bt...", weights, blocks)
        cells = np.moveaxis(blocks.reshape(-1, *cells.shape[1:]), 0, axis)
    return cells


def _box(pixels: int, tile: int) -> np.ndarray:
    """float32 ``[tile, pixels]``: the share that each pixel has in each cell."""
    edges = np.arange(tile + 1) * pixels / tile
    starts = np.arange(pixels)
    upper = np.minimum(edges[1:, None], starts + 1)
    lower = np.maximum(edges[:-1, None], starts)
    return (np.maximum(upper - lower, 0) * tile / pixels).astype(np.float32)


def cut_tiles(cells: np.ndarray, tile: int) -> np.ndarray:
    """Tiles in raster order: ``[rows * tile, columns * tile, ...]`` -> ``[n, tile, tile, ...]``."""
    height, width, *rest = cells.shape
    grid = cells.reshape(height // tile, tile, width // tile, tile, *rest)
    return np.ascontiguousarray(grid.swapaxes(1, 2)).reshape(-1, tile, tile, *rest)


def cell_tokens(tokens: np.ndarray, layers: int, pixels: int, tile: int) -> np.ndarray:
    """Tokens of cells from tokens of pixels: the mean coverage of each cell's area.

    Args:
        tokens: uint8 ``[rows * pixels, columns * pixels]``.
        layers: slots with the transparent one.
        pixels: pixels of a tile's side.
        tile: cells of a tile's side.

    Returns:
        uint8 ``[rows * tile, columns * tile]``.
    """
    if pixels == tile:
        return tokens
    return encode(shrink(coverage_codes(layers)[tokens], pixels, tile))


def cell_colours(pixels: np.ndarray, side: int, tile: int) -> np.ndarray:
    """Mean colours of cells, uint8 ``[rows * tile, columns * tile, 3]``.

    Args:
        pixels: uint8 ``[rows * side, columns * side, 4]``, ``flatten``ed on white.
        side: pixels of a tile's side.
        tile: cells of it.
    """
    colours = pixels[..., :3]
    if side == tile:
        return colours
    return np.rint(shrink(colours.astype(np.float32), side, tile)).astype(np.uint8)
