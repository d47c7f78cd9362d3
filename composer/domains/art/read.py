"""A folder of pictures as a corpus of tiles: everything automatic decided, everything counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from composer.domain import Corpus, Piece, Rejection
from composer.domains.art import quantise
from composer.domains.art.duplicates import digest, find_works, thumbnail
from composer.domains.art.grid import (
    choose_cuts,
    find_period,
    find_phase,
    period_scores,
    wrap_ratio,
)
from composer.domains.art.kinds import cluster_kinds, folder_kinds, look
from composer.domains.art.pictures import EXTENSIONS, UnusableFileError, open_picture
from composer.domains.art.settings import ArtSettings
from composer.errors import UsageError
from composer.files import find_files
from composer.fragments import UnusableCorpusError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from pathlib import Path

MIN_TILE, MAX_TILE, TILE_STEP = 8, 64, 8
MAX_PALETTES = 64
RGB = "rgb"
_VOTERS = 48  # pictures that decide about colours and the motif grid
_ONE_COLOUR = 4  # levels between the darkest and the lightest pixel of any channel
_CLEAR = 0.01  # of the pixels: a picture with more transparent ones has transparency
_SMALL = 16  # tiles of a side: a picture of whole tiles, and no more of them, is used whole
_LARGEST, _SMALLEST = 8, 2  # tiles of a side of a canvas for practice
_WHOLE = 0.9  # of a picture must be in its tiles, else they are a part of it
_SEAMLESS = (0.5, 1.6)  # ratio of edges at the border to edges inside
_SIZES = 8  # sizes in the summary
_BOUND = 1 / 3  # of the pictures: if so many end at their border, borders matter


@dataclass(frozen=True)
class ReadOptions:
    """How a folder is read.

    Attributes:
        slots: colours in a palette: 4, 8 or 16; 0 for RGB; None for what the pictures need.
        tile: cells in a tile's side, 8 to 64, a multiple of 8.
    """

    slots: int | None = None
    tile: int = 16

    @classmethod
    def from_mapping(cls, options: Mapping[str, Any]) -> ReadOptions:
        """Checked options; UsageError names the value that cannot be used."""
        colours, tile = options.get("colours"), options.get("tile")
        tile = 16 if tile is None else tile
        sides = [str(side) for side in range(MIN_TILE, MAX_TILE + 1, TILE_STEP)]
        if str(tile) not in sides:
            message = f"'{tile}' cells a tile cannot be used; choose {', '.join(sides)}"
            raise UsageError(message)
        choices = {str(slots): slots for slots in quantise.CHOICES} | {RGB: 0}
        if colours is not None and str(colours) not in choices:
            message = f"'{colours}' colours cannot be used; choose {', '.join(choices)}"
            raise UsageError(message)
        return cls(None if colours is None else choices[str(colours)], int(tile))

    @property
    def tried(self) -> tuple[int, ...]:
        """Numbers of slots whose error is measured."""
        return quantise.CHOICES if self.slots is None else tuple({self.slots} - {0})


@dataclass(frozen=True)
class _Vote:
    """What one picture says about the whole folder: see ``period_scores``, ``enough_slots``."""

    periods: np.ndarray
    errors: np.ndarray


@dataclass(frozen=True)
class _Picture:
    """What is kept of a picture between the first look and the cutting."""

    size: tuple[int, int]  # height, width
    clear: bool
    key: str
    thumbnail: np.ndarray
    look: np.ndarray
    vote: _Vote | None


@dataclass(frozen=True)
class _Cut:
    """A picture as tiles: parts uint8 ``[rows * columns, tile, tile, ...]`` of equal layout."""

    picture: _Picture
    kind: int
    parts: list[np.ndarray]
    layout: tuple[int, int]
    palette: tuple[str, ...]
    whole: bool
    seamless: bool


@dataclass(frozen=True)
class _Decision:
    """What holds for all pictures, before they are cut."""

    settings: ArtSettings
    motif: int | None
    errors: dict[str, float]


def read_folder(folder: Path, options: Mapping[str, Any]) -> Corpus:
    """Read every usable picture below ``folder``, one at a time.

    Args:
        folder: searched recursively for ``.png``, ``.jpg``, ``.jpeg``, ``.webp`` and ``.gif``.
        options: ``colours`` ("4", "8", "16", "rgb"; None for what the pictures need) and ``tile``
            (8, 16, ... 64 cells; None for 16).

    Returns:
        Pieces uint8 ``[rows * columns, tile, tile]`` (RGB: ``[..., 3]``) as in ``ArtSettings``.
        Large pictures without a motif grid give several pieces, parts of one work.

    Raises:
        UsageError: an option has an unusable value.
        DataError: the folder cannot be read, or (as UnusableCorpusError, with the corpus for
            a report) holds nothing usable.
    """
    wanted = ReadOptions.from_mapping(options)
    names, rejections = find_files(folder, EXTENSIONS)
    pictures, copies = _look_at(folder, names, wanted, rejections)
    decision = _decide(list(pictures.values()), wanted)
    usable = _large_enough(pictures, decision.settings, rejections)
    decision, members = _sort(usable, decision)
    cuts = _cut_all(folder, usable, members, decision, rejections)
    works = find_works([cut.picture.thumbnail for cut in cuts.values()])
    settings = _with_palettes(_practice(decision.settings, cuts.values()), cuts.values())
    corpus = Corpus(
        pieces=[
            Piece(part, cut.layout, name, cut.kind)
            for name, cut in cuts.items()
            for part in cut.parts
        ],
        clusters=np.repeat(works, [len(cut.parts) for cut in cuts.values()]),
        settings=settings.as_json(),
        rejections=sorted(rejections, key=lambda rejection: rejection.source),
        summary={
            "files": len(names),
            "readable": len(pictures) + copies,
            **_count(cuts.values(), decision),
            "duplicates": copies,
            "near_duplicates": len(cuts) - len(set(works.tolist())),
        },
    )
    _check(folder, corpus, [cut.layout for cut in cuts.values()])
    return corpus


def _look_at(
    folder: Path, names: Sequence[str], wanted: ReadOptions, rejections: list[Rejection]
) -> tuple[dict[str, _Picture], int]:
    """First look: every usable picture that is no copy of an earlier one; how many are copies.

    A copy of one that cannot be used counts as little as that one.
    """
    pictures: dict[str, _Picture] = {}
    first: dict[str, str] = {}
    copies = 0
    step = -(-len(names) // _VOTERS)
    for name in names:
        try:
            pixels = open_picture(folder / name)
            key = digest(pixels)
            if first.setdefault(key, name) != name:
                rejections.append(Rejection(name, f"the same picture as {first[key]}"))
                copies += first[key] in pictures
            else:
                pictures[name] = _first_look(pixels, key, wanted, votes=len(pictures) % step == 0)
        except UnusableFileError as error:
            rejections.append(Rejection(name, str(error)))
    return pictures, copies


def _first_look(pixels: np.ndarray, key: str, wanted: ReadOptions, *, votes: bool) -> _Picture:
    """What a picture is like; UnusableFileError where there is nothing to see in it."""
    clear = bool((pixels[..., 3] < quantise.HALF).mean() > _CLEAR)
    own = quantise.flatten(pixels, transparent=clear)
    seen = own[own[..., 3] > 0][:, :3]
    if not len(seen) or (not clear and (np.ptp(seen, axis=0) <= _ONE_COLOUR).all()):
        message = "only one colour; a picture needs two"
        raise UnusableFileError(message)
    colours = quantise.flatten(pixels, transparent=False)[..., :3]
    vote = None
    if votes:
        errors = [quantise.quantisation_error(own, slots) for slots in wanted.tried]
        vote = _Vote(period_scores(colours), np.array(errors))
    size = (pixels.shape[0], pixels.shape[1])
    return _Picture(size, clear, key, thumbnail(colours), look(colours), vote)


def _decide(pictures: Sequence[_Picture], wanted: ReadOptions) -> _Decision:
    """Colours and size of tiles, by the pictures that have a vote."""
    voters = [(picture.size, picture.vote) for picture in pictures if picture.vote]
    motif = find_period([vote.periods for _, vote in voters], [size for size, _ in voters])
    slots, medians = quantise.CHOICES[0], []
    if voters:
        errors = np.array([vote.errors for _, vote in voters])
        slots, medians = quantise.enough_slots(errors), np.median(errors, axis=0).round(2).tolist()
    settings = ArtSettings(
        tile=wanted.tile,
        slots=slots if wanted.slots is None else wanted.slots,
        pixels=wanted.tile if motif is None else motif * -(-wanted.tile // motif),
    )
    tried = map(str, wanted.tried)
    return _Decision(settings, motif, dict(zip(tried, medians, strict=False)))


def _large_enough(
    pictures: dict[str, _Picture], settings: ArtSettings, rejections: list[Rejection]
) -> dict[str, _Picture]:
    """The pictures that hold a tile."""
    kept = {}
    for name, picture in pictures.items():
        if min(picture.size) >= settings.pixels:
            kept[name] = picture
        else:
            height, width = picture.size
            reason = f"{width} x {height} pixels: smaller than a tile ({settings.pixels} pixels)"
            rejections.append(Rejection(name, reason))
    return kept


def _sort(
    pictures: Mapping[str, _Picture], decision: _Decision
) -> tuple[_Decision, dict[str, int]]:
    """Decide the kinds and whether there is a transparent slot; the kind of each picture."""
    looks = [picture.look for picture in pictures.values()]
    kinds, members = folder_kinds(list(pictures)) or cluster_kinds(looks)
    clear = decision.settings.slots > 0 and any(picture.clear for picture in pictures.values())
    settings = replace(decision.settings, transparent=clear, kinds=kinds)
    return replace(decision, settings=settings), dict(zip(pictures, members.tolist(), strict=True))


def _cut_all(
    folder: Path,
    pictures: Mapping[str, _Picture],
    members: Mapping[str, int],
    decision: _Decision,
    rejections: list[Rejection],
) -> dict[str, _Cut]:
    """Second look: all pictures as tiles."""
    cuts = {}
    for name, picture in pictures.items():
        try:
            cuts[name] = _cut(open_picture(folder / name), picture, members[name], decision)
        except UnusableFileError as error:  # it has changed since the first look
            rejections.append(Rejection(name, str(error)))
    return cuts


def _cut(pixels: np.ndarray, picture: _Picture, kind: int, decision: _Decision) -> _Cut:
    """Cut one picture into tiles."""
    settings = decision.settings
    side, (height, width) = settings.pixels, picture.size
    if pixels.shape[:2] != picture.size:
        message = "its size changed while it was read"
        raise UnusableFileError(message)
    pixels = quantise.flatten(pixels, transparent=settings.transparent)
    start: tuple[int, int] | None = None
    if decision.motif is not None:
        start = find_phase(pixels[..., :3], side)
    elif not (height % side or width % side) and max(height, width) <= _SMALL * side:
        start = (0, 0)
    slots = settings.slots
    palette = quantise.find_palette(pixels, slots) if slots else np.zeros((0, 3), np.uint8)
    cuts = choose_cuts(picture.size, side, start, np.random.default_rng(int(picture.key[:16], 16)))
    areas = [
        pixels[top : top + rows * side, left : left + columns * side]
        for top, left, rows, columns in cuts
    ]
    rows, columns = cuts[0][2:]
    whole = rows * columns * side**2 >= _WHOLE * height * width
    ratio = wrap_ratio(areas[0][..., :3], side) if min(rows, columns) >= _SMALLEST else 0.0
    colours = quantise.full_palette(palette, slots).tolist() if slots else []
    return _Cut(
        picture=picture,
        kind=kind,
        parts=[cut_area(area, palette, settings) for area in areas],
        layout=(rows, columns),
        palette=tuple("#" + bytes(colour).hex() for colour in colours),
        whole=whole,
        seamless=_SEAMLESS[0] <= ratio <= _SEAMLESS[1],
    )


def cut_area(area: np.ndarray, palette: np.ndarray, settings: ArtSettings) -> np.ndarray:
    """The tiles of a part of whole tiles: uint8 ``[rows * columns, tile, tile]``, or RGB.

    ``area`` uint8 ``[rows * pixels, columns * pixels, 4]``, flattened, with ``settings.pixels`` in
    a tile's side; ``palette`` as of ``quantise.find_palette``.
    """
    if settings.rgb:
        cells = quantise.cell_colours(area, settings.pixels, settings.tile)
    else:
        layers = settings.layers
        tokens = quantise.pixel_tokens(area, palette, settings.slots, layers)
        cells = quantise.cell_tokens(tokens, layers, settings.pixels, settings.tile)
    return quantise.cut_tiles(cells, settings.tile)


def _with_palettes(settings: ArtSettings, cuts: Iterable[_Cut]) -> ArtSettings:
    """Distinct palettes of each kind, taken in turn from every kind."""
    found: dict[tuple[int, tuple[str, ...]], int] = {}  # and which one of its kind it is
    counts: Counter[int] = Counter()
    for cut in cuts:
        if cut.palette and (cut.kind, cut.palette) not in found:
            found[cut.kind, cut.palette] = counts[cut.kind]
            counts[cut.kind] += 1
    first = sorted(found, key=lambda entry: (found[entry], entry[0]))[:MAX_PALETTES]
    return replace(
        settings,
        palettes=tuple(palette for _, palette in first),
        palette_kinds=tuple(kind for kind, _ in first),
    )


def _practice(settings: ArtSettings, cuts: Collection[_Cut]) -> ArtSettings:
    """Settings with the canvas for practice: the largest that half of the pictures reach."""
    layouts = np.array([cut.layout for cut in cuts]).reshape(-1, 2)
    rows, columns = _SMALLEST, _SMALLEST
    for down, across in product(range(_SMALLEST, _LARGEST + 1), repeat=2):
        reach = (layouts >= (down, across)).all(1)
        larger = (down * across, -abs(down - across)) > (rows * columns, -abs(rows - columns))
        if larger and max(down, across) <= 2 * min(down, across) and 2 * reach.sum() >= len(cuts):
            rows, columns = down, across
    fitting = [cut for cut in cuts if cut.whole and cut.layout == (rows, columns)]
    bound = sum(not cut.seamless for cut in fitting)
    framed = 2 * len(fitting) > len(cuts) and bound >= _BOUND * len(fitting)
    return replace(settings, rows=rows, columns=columns, framed=framed)


def _count(cuts: Collection[_Cut], decision: _Decision) -> dict[str, Any]:
    """What people want to know of the usable pictures."""
    settings = decision.settings
    sizes = Counter("{1}x{0}".format(*cut.picture.size) for cut in cuts)
    kinds = Counter(settings.kinds[cut.kind] for cut in cuts)
    return {
        "usable": len(cuts),
        "kinds": {kind: kinds[kind] for kind in settings.kinds},
        "colours": str(settings.slots) if settings.slots else RGB,
        "quantisation_error": decision.errors,
        "motif": decision.motif,
        "pixels": settings.pixels,
        "tiles": sum(len(part) for cut in cuts for part in cut.parts),
        "transparent": sum(cut.picture.clear for cut in cuts),
        "sizes": dict(sizes.most_common(_SIZES)),
    }


def _check(folder: Path, corpus: Corpus, layouts: Sequence[tuple[int, int]]) -> None:
    """UnusableCorpusError where nothing can be learned from the pictures, or too little."""
    summary, settings = corpus.summary, corpus.settings
    small = sum(min(layout) < _SMALLEST for layout in layouts)
    if not corpus.pieces:
        message = _nothing(folder, corpus)
    elif summary["duplicates"] and summary["readable"] == summary["duplicates"] + 1:
        message = (
            f"the {summary['readable']} usable pictures below '{folder}' are all the same; "
            "add different ones"
        )
    elif 2 * small > len(layouts):
        side = settings["pixels"]
        message = (
            f"{small} of {len(layouts)} pictures below '{folder}' hold less than 2 x 2 tiles of "
            f"{side} x {side} pixels; choose a smaller --tile or larger pictures"
        )
    else:
        return
    raise UnusableCorpusError(message, corpus)


def _nothing(folder: Path, corpus: Corpus) -> str:
    """The sentence for a folder without one usable picture."""
    if not corpus.summary["files"]:
        return f"no picture ({', '.join(sorted(EXTENSIONS))}) below '{folder}'"
    first = corpus.rejections[0]
    return (
        f"none of the {corpus.summary['files']} pictures below '{folder}' can be used, e.g. "
        f"{first.source}: {first.reason}; 'composer dataset inspect' lists all reasons"
    )
