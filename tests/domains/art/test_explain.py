"""The map of origins says with colours and arrows where each tile comes from."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from composer.composition import Origin
from composer.domains.art.explain import COLOURS, GAP, INK, MARGIN, PAPER, draw_origins

# Colours of Okabe and Ito, three tenths or three twentieths of them paper.
TINTS = {"fresh": (76, 155, 199), "vary": (237, 187, 74), "given": (154, 155, 160)}
SWATCHES = {"fresh": (38, 135, 188), "vary": (233, 173, 37), "given": (133, 135, 141)}
SWATCH = 400  # pixels of one at least; greys of letters are fewer
LARGE, SMALL = (1, 60), (1, 61)  # the smallest tiles with arrows, and the largest without


def white(layout, side=2, level=255):
    return np.full((layout[0] * side, layout[1] * side, 3), level, np.uint8)


def drawn(layout, origins, picture=None):
    """Pixels of the map."""
    picture = white(layout) if picture is None else picture
    return np.asarray(draw_origins(picture, layout, origins)).astype(int)


def place_of(pixels, layout, place):
    """Left, top and side of a tile in a map of tiles of full size."""
    side = 96
    row, column = divmod(place, layout[1])
    left = (pixels.shape[1] - layout[1] * side) // 2
    return left + column * side, MARGIN // 2 + row * side, side


def tile(pixels, layout, place):
    """A tile of the map without the gap beside it."""
    left, top, side = place_of(pixels, layout, place)
    return pixels[top : top + side - GAP // 2, left : left + side - GAP // 2]


def has(pixels, colour, area=1):
    return (pixels == colour).all(-1).sum() >= area


def test_a_tile_has_the_colour_of_its_origin():
    layout = (2, 3)
    kinds = ["fresh", "vary", "given", "vary", "fresh", "given"]
    pixels = drawn(layout, [Origin(kind) for kind in kinds])
    for place, kind in enumerate(kinds):
        assert (tile(pixels, layout, place) == TINTS[kind]).all()
        left, top, side = place_of(pixels, layout, place)
        assert (pixels[top : top + side, left + side - 1] == PAPER).all()
        assert (pixels[top + side - 1, left : left + side] == PAPER).all()


def test_the_picture_is_seen_under_the_tint():
    picture = white((1, 2))
    picture[:, 2:] = 0
    picture[0, 0] = 102
    pixels = drawn((1, 2), [Origin("fresh")] * 2, picture)
    tint = np.array(TINTS["fresh"])
    assert (tile(pixels, (1, 2), 1) == np.rint(tint * 0.4)).all()
    left = tile(pixels, (1, 2), 0)
    assert (left[:47, :47] == np.rint(tint * 0.64)).all()
    assert (left[49:] == tint).all()


def test_what_is_transparent_is_white():
    picture = np.zeros((4, 4, 4), np.uint8)
    picture[2:, :, 3] = 255
    pixels = drawn((2, 2), [Origin("vary")] * 4, picture)
    assert (tile(pixels, (2, 2), 1) == TINTS["vary"]).all()
    assert (tile(pixels, (2, 2), 3) == np.rint(np.array(TINTS["vary"]) * 0.4)).all()


@given(st.lists(st.sampled_from([*COLOURS, "given", "dream"]), min_size=4, max_size=4))
def test_the_legend_has_the_colours_of_the_origins_that_occur(kinds):
    pixels = drawn((2, 2), [Origin(kind) for kind in kinds])
    legend = pixels[MARGIN // 2 + 2 * 96 :]
    known = [kind for kind in COLOURS if kind in kinds]
    for kind, colour in COLOURS.items():
        mixed = np.rint(0.85 * np.array(colour) + 0.15 * np.array(PAPER))
        assert has(legend, mixed, SWATCH) == (kind in known)
    assert has(legend, SWATCHES["given"], SWATCH) == (len(known) < len(set(kinds)))


def test_the_colours_are_those_that_are_expected():
    for kind, swatch in SWATCHES.items():
        pixels = drawn((1, 1), [Origin(kind)])
        for other in SWATCHES.values():
            assert has(pixels, other, SWATCH) == (other == swatch)
    assert len(set(COLOURS.values())) == len(COLOURS)


def test_the_legend_counts():
    once = drawn((2, 2), [Origin(kind) for kind in ("fresh", "vary", "vary", "vary")])
    twice = drawn((2, 2), [Origin(kind) for kind in ("fresh", "fresh", "vary", "vary")])
    legend = slice(MARGIN // 2 + 2 * 96, None)
    assert (once[legend] != twice[legend]).any()


@pytest.mark.parametrize("source", [0, 1, 2, 3, 5, 6, 7, 8])
def test_an_arrow_points_away_from_the_tile_that_was_used_again(source):
    layout, middle = (3, 3), 4
    origins = [Origin("repeat", source if place == middle else None) for place in range(9)]
    pixels = drawn(layout, origins)
    without = drawn(layout, [Origin("repeat")] * 9)
    left, top, side = place_of(pixels, layout, middle)
    rows, columns = np.nonzero((pixels != without).any(-1))
    assert top <= rows.min() <= rows.max() < top + side
    assert left <= columns.min() <= columns.max() < left + side
    dark = np.argwhere((pixels == INK).all(-1))
    dark = dark[dark[:, 0] < top + side]
    heavy = dark.mean(0) - (top + side / 2, left + side / 2)  # towards the head
    away = np.array(divmod(middle, 3)) - divmod(source, 3)
    assert heavy @ away > 0.95 * np.hypot(*heavy) * np.hypot(*away) > 0


def test_a_tile_that_comes_from_itself_or_from_none_has_no_arrow():
    plain = drawn((1, 2), [Origin("vary"), Origin("vary")])
    np.testing.assert_array_equal(drawn((1, 2), [Origin("vary", 0), Origin("vary", 1)]), plain)


@pytest.mark.parametrize(("layout", "arrows"), [(LARGE, True), (SMALL, False)])
def test_only_tiles_that_are_large_enough_have_arrows(layout, arrows):
    tiles = layout[1]
    plain = drawn(layout, [Origin("repeat")] * tiles)
    marked = drawn(layout, [Origin("repeat", max(0, place - 1)) for place in range(tiles)])
    assert (plain != marked).any() == arrows
    assert has(plain[MARGIN // 2 : MARGIN // 2 + 19, MARGIN:-MARGIN], PAPER) == arrows  # gaps


@settings(max_examples=20)
@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 1 << 32))
def test_the_same_arguments_give_the_same_map_at_any_scale(rows, columns, seed):
    rng = np.random.default_rng(seed)
    picture = rng.integers(0, 256, (rows * 8, columns * 8, 3), np.uint8)
    origins = [
        Origin(list(COLOURS)[rng.integers(len(COLOURS))], int(rng.integers(rows * columns)))
        for _ in range(rows * columns)
    ]
    first = drawn((rows, columns), origins, picture)
    np.testing.assert_array_equal(drawn((rows, columns), origins, picture.copy()), first)
    enlarged = picture.repeat(3, 0).repeat(3, 1)
    assert np.abs(drawn((rows, columns), origins, enlarged) - first).max() <= 1


@pytest.mark.parametrize(
    "layout", [(1, 1), (12, 12), (2, 13), (100, 40), (1, 1200), (1200, 1), (300, 512)]
)
def test_no_side_is_longer_than_promised(layout):
    tiles = layout[0] * layout[1]
    kinds = [*COLOURS, "given"]
    origins = [Origin(kinds[n % len(kinds)]) for n in range(tiles)]
    image = draw_origins(white(layout, 1), layout, origins)
    assert image.mode == "RGB"
    assert image.width <= 1300
    assert image.height <= 1500


def test_around_the_tiles_there_is_paper():
    pixels = drawn((2, 3), [Origin("fresh")] * 6)
    left, top, side = place_of(pixels, (2, 3), 0)
    assert (pixels[:top] == PAPER).all()
    assert (pixels[: 2 * side, :left] == PAPER).all()
    assert (pixels[: 2 * side, left + 3 * side :] == PAPER).all()
