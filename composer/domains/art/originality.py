"""How much of a picture is in a folder of pictures already, beside how much of those is in others.

All pictures are read as training reads them: as tiles of slots of their own palettes (so that other
colours hide nothing), or of red, green and blue. How tiles are compared: ``copies``.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from composer.domains.art import quantise
from composer.domains.art.copies import (
    COPIED,
    Found,
    Grid,
    Known,
    Run,
    longest_run,
    look_up,
    run_start,
)
from composer.domains.art.domain import ArtDomain
from composer.domains.art.grid import find_phase
from composer.domains.art.layouts import PALETTE_SCALE, RGB_SCALE
from composer.domains.art.moves import SIMILAR
from composer.domains.art.pictures import MAX_SIDE, UnusableFileError, open_picture
from composer.domains.art.read import cut_area
from composer.domains.art.settings import ArtSettings
from composer.domains.art.write import RECIPE
from composer.errors import DataError
from composer.evaluation.reference import compare
from composer.fragments import UnusableCorpusError, open_store

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SAMPLE = 20  # human pictures that are scored in the same way
SEED = 0  # of their choice
NAMES = (  # what makes a tile of the folder look like the picture's, in the order of the symmetries
    "as it is",
    "mirrored left to right",
    "mirrored top to bottom",
    "turned by 180 degrees",
    "mirrored at the main diagonal",
    "turned by 90 degrees counter-clockwise",
    "turned by 90 degrees clockwise",
    "mirrored at the other diagonal",
)


def certificate(path: Path, folder: Path, options: Mapping[str, Any]) -> dict[str, Any]:
    """Compare one picture with all pictures below a folder.

    Args:
        path: the picture; one that ``compose`` has made is cut as its recipe says.
        folder: read as for training, see ``read.read_folder``, or from its cache.
        options: ``colours`` and ``tile``.

    Returns:
        JSON-ready: ``rows`` and ``columns`` of cells; ``cells``, how many are of more than one
        colour, which alone count; ``pictures`` and ``works`` of the folder; ``copied``, the share
        of cells within ``COPIED`` of a tile of the folder; ``longest_run`` of such cells side by
        side in both pictures, null or ``cells``, ``row``, ``column`` where it begins, ``direction``
        (across, down), ``source``, ``source_row``, ``source_column``, ``symmetry``; ``nearest``:
        the same places, and ``distance``, of the cell that is nearest to a tile of the folder;
        ``same_as``, the picture of the folder that it is but for a few cells, or null;
        ``human``, null where there are fewer than 2 works, or ``pieces`` (one a work, at most
        ``SAMPLE``) and ``longest_run`` and ``copied``, each as in ``evaluation.reference``.

    Raises:
        DataError: the picture or the folder cannot be read, or holds nothing to compare.
    """
    known = _read_known(folder, options)
    cuts = _read_picture(path, known.settings)
    sample = _sample(known, cuts[0].layout)
    found = look_up([*cuts, *sample], known)
    best = min(range(len(cuts)), key=lambda cut: float(found[cut].distances.mean()))
    picture, own = cuts[best], found[best]
    own_copied, own_run = _figures(picture, own, known)
    human = [_figures(*pair, known) for pair in zip(sample, found[len(cuts) :], strict=True)]
    copied = np.array([share for share, _ in human])
    runs = np.array([0.0 if run is None else run.cells for _, run in human])
    return {
        "rows": picture.layout[0],
        "columns": picture.layout[1],
        "cells": int((~picture.plain).sum()),
        "pictures": len(set(known.sources)),
        "works": len(set(known.works.tolist())),
        "longest_run": None if own_run is None else _describe(own_run, picture, own, known),
        "copied": own_copied,
        "nearest": _nearest(picture, own, known),
        "same_as": _same_as(picture, known),
        "human": {
            "pieces": len(human),
            "longest_run": compare(0 if own_run is None else own_run.cells, runs),
            "copied": compare(own_copied, copied),
        }
        if human
        else None,
    }


def _figures(picture: Grid, found: Found, known: Known) -> tuple[float, Run | None]:
    """The share of cells that are copied, and the longest run."""
    plain = picture.plain
    copied = found.distances[~plain] <= COPIED
    run = longest_run(found.copies, plain, picture.layout, known)
    return float(copied.mean()), run


def _describe(run: Run, picture: Grid, found: Found, known: Known) -> dict[str, Any]:
    """A run in the words of ``certificate``, from its first cell on."""
    place, key = run_start(run, found.copies, picture.layout, known)
    where = _where(place, key, picture, known)
    return {"cells": run.cells, "direction": run.direction, **where}


def _nearest(picture: Grid, found: Found, known: Known) -> dict[str, Any]:
    """The cell that is nearest to a tile of the folder, in the words of ``certificate``."""
    place = int(np.where(picture.plain, np.inf, found.distances).argmin())
    where = _where(place, int(found.nearest[place]), picture, known)
    return {"distance": round(float(found.distances[place]), 3), **where}


def _same_as(picture: Grid, known: Known) -> str | None:
    """The file of the folder that holds the same tiles, each but for a few cells, if any does."""
    for piece in np.flatnonzero((known.layouts == picture.layout).all(axis=1)).tolist():
        tiles = known.tiles[known.starts[piece] : known.starts[piece + 1]]
        alike = (tiles == picture.tiles).reshape(len(tiles), -1).mean(axis=1)
        if alike.min() >= SIMILAR:  # each tile: most pictures share most of their background
            return known.sources[piece]
    return None


def _where(place: int, key: int, picture: Grid, known: Known) -> dict[str, Any]:
    """Where a cell lies, what it is like, and how that is turned."""
    symmetry, tile = divmod(key, len(known.tiles))
    row, column = divmod(place, picture.layout[1])
    return {
        "row": row + 1,
        "column": column + 1,
        **known.place(tile),
        "symmetry": NAMES[symmetry],
    }


def _sample(known: Known, most: tuple[int, int]) -> list[Grid]:
    """Some pictures of the folder, one a work, not larger than the one that is looked at."""
    works, pieces = np.unique(known.works, return_index=True)
    if len(works) == 1:
        return []
    chosen = np.random.default_rng(SEED).permutation(pieces)
    grids = (known.grid(piece, most) for piece in chosen.tolist())
    usable = (grid for grid in grids if not grid.plain.all())
    return [grid for grid, _ in zip(usable, range(SAMPLE), strict=False)]


def _read_known(folder: Path, options: Mapping[str, Any]) -> Known:
    """The tiles of a folder; few pictures will do, unlike for training."""
    try:
        store = open_store(ArtDomain, folder, options)
    except UnusableCorpusError as error:
        pieces = error.corpus.pieces
        if not pieces:
            raise
        return Known(
            tiles=np.concatenate([piece.fragments for piece in pieces]),
            starts=np.cumsum([0, *(len(piece.fragments) for piece in pieces)]),
            layouts=np.array([piece.layout for piece in pieces]),
            works=error.corpus.clusters,
            sources=[piece.source for piece in pieces],
            settings=ArtSettings.from_json(error.corpus.settings),
        )
    return Known(
        tiles=store.fragments,
        starts=store.starts,
        layouts=store.layouts,
        works=store.clusters,
        sources=store.sources,
        settings=ArtSettings.from_json(store.settings),
    )


def _read_picture(path: Path, settings: ArtSettings) -> list[Grid]:
    """The picture as tiles, by each grid that it may have.

    A picture that ``compose`` made tells its grid. Another one has the scale of the folder, and a
    grid that starts in its corner or where its motifs do.
    """
    try:
        pixels = open_picture(path)
    except UnusableFileError as error:
        message = f"cannot use '{path}': {error}"
        raise DataError(message) from error
    pixels = quantise.flatten(pixels, transparent=settings.transparent)
    made = _read_recipe(path, settings)
    if made is not None:
        side, starts = made[0], {(made[1], made[1])}
    else:
        side, starts = settings.pixels, {(0, 0)}
        if min(pixels.shape[:2]) >= 2 * side:
            starts.add(find_phase(pixels[..., :3], side))
    cuts = [_cut(pixels[top:, left:], replace(settings, pixels=side)) for top, left in starts]
    usable = [cut for cut in cuts if len(cut.tiles) and not cut.plain.all()]
    if not usable:
        small = not any(len(cut.tiles) for cut in cuts)
        why = f"smaller than a tile ({side} pixels)" if small else "nothing but tiles of one colour"
        message = f"cannot use '{path}': {why}"
        raise DataError(message)
    return usable


def _cut(pixels: np.ndarray, settings: ArtSettings) -> Grid:
    """The whole tiles of a picture, from its corner on."""
    side = settings.pixels
    rows, columns = pixels.shape[0] // side, pixels.shape[1] // side
    area = pixels[: rows * side, : columns * side]
    palette = np.zeros((0, 3), np.uint8)
    if settings.slots and area.size:
        palette = quantise.find_palette(area, settings.slots)
    tiles = cut_area(area, palette, settings) if area.size else np.zeros((0, 1, 1), np.uint8)
    return Grid(tiles, (rows, columns))


def _read_recipe(path: Path, settings: ArtSettings) -> tuple[int, int] | None:
    """Pixels in a tile's side and around the picture, as it is read; None where it does not say."""
    from PIL import Image

    with Image.open(path) as image:
        text, size = getattr(image, "text", {}).get(RECIPE), max(image.size)
    try:
        recipe = json.loads(text or "null")
        scale = recipe.get("scale") or (RGB_SCALE if settings.rgb else PALETTE_SCALE)
        border = int(recipe.get("margin") or 0) + int(recipe.get("frame") or 0)
        side = settings.tile * int(scale)
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return None
    reduced = -(-size // MAX_SIDE)  # see ``open_picture``
    if side <= 0 or side % reduced or border < 0 or border % reduced:
        return None
    return side // reduced, border // reduced
