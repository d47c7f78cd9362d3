"""Pictures drawn from tokens: edges lie where they belong, and whatever is joined fits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from composer.domains.art import render as drawing
from composer.domains.art.codes import cover, coverage_codes, encode
from composer.domains.art.palettes import PALETTES, rgb
from composer.domains.art.quantise import cell_tokens, cut_tiles, pixel_tokens
from composer.domains.art.render import assemble, render, render_bands
from composer.domains.art.settings import ArtSettings

# Red, green and blue of a pixel are its shares of the slots 1, 2 and 3.
PRIMARY = ("#000000", "#ff0000", "#00ff00", "#0000ff")
SCALES = st.integers(1, 5)
SEEDS = st.integers(0, 1 << 32)


def arguments(cells, tile=8, **art):
    """Of ``render``, for cells side by side."""
    layout = (len(cells) // tile, cells.shape[1] // tile)
    return cut_tiles(cells.astype(np.uint8), tile), layout, ArtSettings(tile=tile, **art)


def picture(cells, scale, tile=8, palette=PRIMARY, *, wrap=False, **art):
    return render(*arguments(cells, tile, **art), palette, scale=scale, wrap=wrap)


def shares(cells, scale):
    """Of each slot in each cell of what is drawn: float ``[height, width, 4]``."""
    height, width = cells.shape
    colours = picture(cells, scale) / 255
    colours = colours.reshape(height, scale, width, scale, 3).mean((1, 3))
    return np.concatenate([1 - colours.sum(-1, keepdims=True), colours], -1)


def token(first, second, share):
    """The token of a cell of which ``second`` covers ``share``."""
    wanted = np.zeros(4)
    wanted[first] += 1 - share
    wanted[second] += share
    return int(encode(wanted))


def discs(seed, side=32, fine=16):
    """Tokens of three discs that lie over each other."""
    rng = np.random.default_rng(seed)
    image = Image.new("L", (side * fine, side * fine))
    for slot in (1, 2, 3):
        (x, y), radius = rng.uniform(0, side * fine, 2), rng.uniform(3, 9) * fine
        box = (x - radius, y - radius, x + radius, y + radius)
        ImageDraw.Draw(image).ellipse(box, fill=slot)
    slots = np.asarray(image)[..., None] == np.arange(4)
    return encode(slots.reshape(side, fine, side, fine, 4).mean((1, 3)))


@st.composite
def canvases(draw, classes=22):
    """Random tokens in blocks of one cell or some: [rows * tile, columns * tile], and the tile."""
    tile = draw(st.sampled_from([8, 16]))
    rows, columns, block = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(SEEDS))
    cells = rng.integers(0, classes, (rows * tile, columns * tile))
    return cells.repeat(block, 0).repeat(block, 1)[: rows * tile, : columns * tile], tile


def test_tiles_lie_side_by_side_row_by_row():
    tiles = np.arange(6)[:, None, None].repeat(2, 1).repeat(2, 2)
    assert assemble(tiles, (2, 3)).tolist() == [[0, 0, 1, 1, 2, 2]] * 2 + [[3, 3, 4, 4, 5, 5]] * 2
    cells = np.random.default_rng(0).integers(0, 256, (24, 16, 3), np.uint8)
    np.testing.assert_array_equal(assemble(cut_tiles(cells, 8), (3, 2)), cells)


@given(st.integers(0, 3), st.integers(1, 3), st.sampled_from([8, 16]), SCALES, st.booleans())
def test_a_canvas_of_one_slot_is_one_colour(slot, rows, tile, scale, wrap):
    palette = PALETTES["lagoon"]
    cells = np.full((rows * tile, 2 * tile), slot)
    pixels = picture(cells, scale, tile, palette, wrap=wrap)
    assert pixels.shape == (rows * tile * scale, 2 * tile * scale, 3)
    assert pixels.dtype == np.uint8
    assert (pixels == rgb(palette)[slot]).all()


@pytest.mark.parametrize(("share", "slot"), [(0.25, 0), (0.75, 1)])
def test_a_canvas_of_one_mix_is_the_colour_with_more_of_it(share, slot):
    pixels = picture(np.full((16, 16), token(0, 1, share)), 2)
    assert (pixels == rgb(PRIMARY)[slot]).all()


@given(st.integers(1, 8), st.sampled_from([0, 0.25, 0.5, 0.75]), st.booleans())
def test_a_straight_edge_lies_where_the_tokens_say(scale, share, upright):
    cells = np.zeros((16, 16), int)
    cells[:, 7], cells[:, 8:] = token(0, 1, share), 1
    pixels = picture(cells if upright else cells.T, scale)
    red = (pixels if upright else pixels.swapaxes(0, 1))[..., 0] / 255
    assert (red == red[0]).all()
    assert (np.diff(red[0]) >= 0).all()
    off = abs(red[0].sum() / scale - 8 - share)
    assert off <= drawing.TOLERANCE + 1 / (2 * drawing.POINTS * scale)
    assert ((red[0] > 0) & (red[0] < 1)).sum() <= (share > 0)


@given(SEEDS, SCALES)
def test_only_pixels_beside_an_edge_are_mixed(seed, scale):
    cells = np.random.default_rng(seed).integers(0, 4, (4, 3)).repeat(6, 0).repeat(8, 1)
    pixels = picture(cells, scale).reshape(4, 6 * scale, 3, 8 * scale, 3)
    inner = pixels[:, scale:-scale, :, scale:-scale]
    assert (inner == rgb(PRIMARY)[cells[::6, ::8]][:, None, :, None]).all()


@pytest.mark.parametrize("slope", [0.1, 0.3, 0.7, 1])
def test_a_slanting_edge_has_no_steps(slope):
    side, fine, scale = 32, 16, 8
    down, across = (np.indices((side * fine, side * fine)) + 0.5) / fine
    below = down > slope * (across - 16) + 16.2
    area = below.reshape(side, fine, side, fine).mean((1, 3))
    cells = encode(np.stack([1 - area, area, 0 * area, 0 * area], -1))
    edge = picture(cells, scale)[..., 0].sum(0) / 255 / scale
    wanted = below.reshape(-1, side * scale, fine // scale).mean(2).sum(0) / fine
    stepped = cover(cells, 4)[..., 1].round().sum(0).repeat(scale)
    assert np.abs(edge - wanted).mean() < 0.06 < np.abs(stepped - wanted).mean() / 2
    assert np.abs(edge - wanted).max() < 0.4


@settings(max_examples=25)
@given(SEEDS, st.integers(1, 4))
def test_each_slot_keeps_its_area(seed, scale):
    cells = discs(seed)
    off = shares(cells, scale) - cover(cells, 4)
    assert np.abs(off.mean((0, 1))).max() < 0.01
    assert np.abs(off).mean() < 0.01


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_what_is_small_does_not_vanish(scale):
    cells = np.zeros((24, 24), int)
    cells[:, 5] = 1
    cells[10:12, 14:16] = 2
    cells[18, 18] = 3
    drawn = shares(cells, scale).sum((0, 1))
    np.testing.assert_allclose(drawn[1:], [24, 4, 1], rtol=0.25)


@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize("seed", range(4))
def test_a_picture_that_is_read_again_gives_nearly_the_same_tokens(seed, scale):
    cells, palette = discs(seed), PALETTES["lagoon"]
    pixels = picture(cells, scale, palette=palette)
    opaque = np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
    again = cell_tokens(pixel_tokens(opaque, rgb(palette), 4, 4), 4, 8 * scale, 8)
    assert (again == cells).mean() > 0.95
    assert np.abs(cover(again, 4) - cover(cells, 4)).mean() < 0.01


@given(canvases(), SCALES, SEEDS)
def test_copies_of_a_wrapped_picture_join_without_a_seam(canvas, scale, seed):
    cells, tile = canvas
    down, across = np.random.default_rng(seed).integers(0, 3, 2) * tile
    rolled = picture(np.roll(cells, (down, across), (0, 1)), scale, tile, wrap=True)
    whole = picture(cells, scale, tile, wrap=True)
    np.testing.assert_array_equal(
        rolled, np.roll(whole, (down * scale, across * scale), (0, 1)), strict=True
    )


@pytest.mark.parametrize("pattern", [(1, 3, 2), (5, 0, 1), (5, 2, 3), (8, 3, 1)])
def test_a_pattern_is_drawn_the_same_wherever_it_comes_again(pattern):
    """Where two slots have equally much, rounding does not decide."""
    cells = np.array(pattern)[np.add.outer(range(24), range(24)) % 3]
    pixels = picture(cells, 2, wrap=True)
    for axis in (0, 1):
        np.testing.assert_array_equal(np.roll(pixels, 3 * 2, axis), pixels)


@given(canvases(), SCALES, st.booleans())
def test_beyond_an_edge_the_picture_goes_on(canvas, scale, wrap):
    cells, tile = canvas
    wide = np.pad(cells, 2 * tile, mode="wrap" if wrap else "edge")
    inner = slice(2 * tile * scale, -2 * tile * scale)
    np.testing.assert_array_equal(
        picture(cells, scale, tile, wrap=wrap), picture(wide, scale, tile)[inner, inner]
    )


@pytest.mark.parametrize("slots", [4, 0])
def test_parts_that_are_drawn_one_by_one_join(monkeypatch, slots):
    rng = np.random.default_rng(slots)
    cells = rng.integers(0, 22 if slots else 256, (40, 24, *[3] * (slots == 0)))
    whole = picture(cells, 3, slots=slots)
    monkeypatch.setattr(drawing, "PATCH", 50)  # two tiles of 24 pixels
    bands = list(render_bands(*arguments(cells, slots=slots), PRIMARY, scale=3))
    assert [len(band) for band in bands] == [48, 48, 24]
    np.testing.assert_array_equal(np.concatenate(bands), whole)
    np.testing.assert_array_equal(picture(cells, 3, slots=slots), whole)


@given(canvases(), SCALES, st.permutations(range(3)))
def test_other_colours_are_the_only_thing_that_another_palette_changes(canvas, scale, order):
    cells, tile = canvas
    mixed = tuple(PRIMARY[1:][place] for place in order)
    pixels = picture(cells, scale, tile, (PRIMARY[0], *mixed))
    first = picture(cells, scale, tile)
    np.testing.assert_array_equal(pixels, first[..., np.argsort(order)])


@pytest.mark.parametrize(("slots", "transparent"), [(8, False), (16, False), (16, True)])
def test_every_slot_has_its_own_colour(slots, transparent):
    rng = np.random.default_rng(0)
    palette = [f"#{colour:06x}" for colour in rng.integers(0, 1 << 24, slots)]
    order = rng.permutation(slots + transparent)
    cells = order[None].repeat(8, 0).repeat(8, 1)
    pixels = picture(cells, 2, palette=palette, slots=slots, transparent=transparent)
    middles = pixels[8, 8::16]
    opaque = order < slots
    np.testing.assert_array_equal(middles[opaque, :3], rgb(palette)[order[opaque]])
    assert middles.shape[1] == 3 + transparent
    assert (middles[:, 3:] == 255 * opaque[:, None]).all()


def test_the_transparent_slot_has_no_opacity_and_darkens_no_edge():
    cells = np.full((16, 16), 4)
    codes = coverage_codes(5)
    half = int(np.flatnonzero((codes[:, 0] == 0.5) & (codes[:, 4] == 0.5))[0])
    cells[:, 7], cells[:, 8:] = half, 0
    palette = PALETTES["lagoon"]
    pixels = picture(cells, 3, palette=palette, transparent=True)
    assert pixels.shape == (48, 48, 4)
    assert (pixels[:, :21] == (*rgb(palette)[-1], 0)).all()
    assert (pixels[:, 24:] == (*rgb(palette)[0], 255)).all()
    edge = pixels[:, 21:24]
    assert ((edge[..., 3] > 0) & (edge[..., 3] < 255)).any()
    assert (edge[edge[..., 3] > 0, :3] == rgb(palette)[0]).all()
    assert edge[..., 3].mean() == pytest.approx(255 / 2, abs=255 / 6)


@given(st.tuples(*[st.integers(0, 255)] * 3), SCALES, st.booleans())
def test_a_flat_colour_stays_what_it_is(colour, scale, wrap):
    pixels = picture(np.full((16, 8, 3), colour), scale, slots=0, palette=(), wrap=wrap)
    assert pixels.shape == (16 * scale, 8 * scale, 3)
    assert (pixels == colour).all()


@given(SEEDS, st.sampled_from([8, 16]), st.booleans())
def test_cells_of_all_colours_are_the_pixels_at_scale_one(seed, tile, wrap):
    cells = np.random.default_rng(seed).integers(0, 256, (2 * tile, 3 * tile, 3), np.uint8)
    pixels = picture(cells, 1, tile, (), slots=0, wrap=wrap)
    np.testing.assert_array_equal(pixels, cells, strict=True)


@given(SEEDS, SCALES)
def test_all_colours_wrap_too(seed, scale):
    cells = np.random.default_rng(seed).integers(0, 256, (16, 24, 3), np.uint8)
    rolled = picture(np.roll(cells, (8, 16), (0, 1)), scale, slots=0, palette=(), wrap=True)
    whole = picture(cells, scale, slots=0, palette=(), wrap=True)
    off = rolled.astype(int) - np.roll(whole, (8 * scale, 16 * scale), (0, 1))
    assert np.abs(off).max() <= 1  # sums are rounded


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_enlarged_colours_change_smoothly_and_stay_in_range(scale):
    cells = np.zeros((16, 16, 3), np.uint8)
    cells[:, 8:] = 255
    levels = picture(cells, scale, slots=0, palette=())[0, :, 0].astype(int)
    assert levels[: 8 * scale].max() < 128 <= levels[8 * scale :].min()
    assert (np.diff(levels[7 * scale : 9 * scale]) >= 0).all()
    assert len(set(levels[7 * scale : 9 * scale])) > scale
    ramp = np.arange(0, 240, 10)[None, :, None].repeat(16, 0).repeat(3, 2)
    levels = picture(ramp, scale, slots=0, palette=())[0, :, 0].astype(int)
    wanted = 10 * ((np.arange(24 * scale) + 0.5) / scale - 0.5)
    inner = slice(4 * scale, -4 * scale)
    assert np.abs(levels - wanted)[inner].max() < 2
