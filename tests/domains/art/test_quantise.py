"""Palettes of areas, and tokens that give the picture back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageDraw

from composer.domains.art.codes import cover, coverage_codes
from composer.domains.art.palettes import lightness
from composer.domains.art.quantise import (
    CHOICES,
    cell_colours,
    cell_tokens,
    cut_tiles,
    enough_slots,
    find_palette,
    flatten,
    full_palette,
    pixel_tokens,
    quantisation_error,
    shrink,
    slot_places,
)

FLAT = np.array([[11, 29, 58], [230, 57, 70], [168, 218, 220], [241, 250, 238]], np.uint8)


def drawing(colours=FLAT, side=128, shift=0):
    """Antialiased discs and a slanting band."""
    large = Image.new("RGB", (side * 4, side * 4), tuple(colours[0].tolist()))
    draw = ImageDraw.Draw(large)
    for place, colour in enumerate(colours[1:].tolist()):
        at = 40 + 130 * place + shift
        draw.ellipse([at, at // 2, at + 190, at // 2 + 190], fill=tuple(colour))
        draw.line([0, at, side * 4, at + 150], fill=tuple(colour), width=40)
    return rgba(np.asarray(large.resize((side, side), Image.Resampling.BOX)))


def rgba(colours):
    return np.dstack([colours, np.full(colours.shape[:2], 255, np.uint8)])


def noise(seed=0, side=64):
    return rgba(np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8))


def photograph(side=64):
    """Smooth changes of colour, as in a photograph."""
    down, across = np.mgrid[:side, :side] / side
    colours = [np.sin(5 * down + 3 * across), np.cos(4 * across * down), np.sin(6 * across)]
    return rgba((127 + 127 * np.stack(colours, axis=-1)).astype(np.uint8))


def seen(tokens, palette, slots):
    return (coverage_codes(slots) @ full_palette(palette, slots).astype(float))[tokens]


@pytest.mark.parametrize("slots", CHOICES)
@pytest.mark.parametrize("count", [2, 3, 4])
def test_the_palette_of_an_antialiased_drawing_is_its_flat_colours(slots, count):
    colours = FLAT[:count]
    found = find_palette(drawing(colours), slots)
    np.testing.assert_array_equal(found, colours[np.argsort(lightness(colours))])


def test_an_antialiased_drawing_is_read_as_pure_areas_with_mixed_edges():
    pixels = drawing()
    palette = find_palette(pixels, 4)
    tokens = pixel_tokens(pixels, palette, 4, 4)
    flat = (pixels[..., None, :3] == palette).all(-1)
    np.testing.assert_array_equal(tokens[flat.any(-1)], flat.argmax(-1)[flat.any(-1)])
    edges = ~flat.any(-1)
    assert (tokens[edges] >= 4).mean() > 0.4
    assert np.abs(seen(tokens, palette, 4) - pixels[..., :3])[edges].mean() < 16


def test_few_colours_are_kept_exactly():
    pixels = rgba(FLAT[np.random.default_rng(0).integers(0, 3, (20, 20))])
    palette = find_palette(pixels, 4)
    assert sorted(map(tuple, palette.tolist())) == sorted(map(tuple, FLAT[:3].tolist()))
    shown = seen(pixel_tokens(pixels, palette, 4, 4), palette, 4)
    np.testing.assert_array_equal(shown, pixels[..., :3])


def test_fewer_colours_leave_slots_unused():
    np.testing.assert_array_equal(slot_places(2, 4), [0, 3])
    np.testing.assert_array_equal(slot_places(4, 4), [0, 1, 2, 3])
    pixels = drawing(FLAT[[0, 3]])
    palette = find_palette(pixels, 4)
    covered = cover(pixel_tokens(pixels, palette, 4, 4), 4)
    assert covered[..., 1:3].max() == 0
    assert full_palette(palette, 4).shape == (4, 3)
    assert (np.diff(lightness(full_palette(palette, 4))) > 0).all()


@given(st.sampled_from(CHOICES), st.integers(0, 99))
def test_palettes_are_ordered_and_the_same_again(slots, seed):
    pixels = noise(seed, 24)
    palette = find_palette(pixels, slots)
    assert len(palette) <= slots
    assert (np.diff(lightness(palette)) >= 0).all()
    np.testing.assert_array_equal(palette, find_palette(pixels.copy(), slots))


def test_more_slots_lose_less():
    losses = [quantisation_error(photograph(), slots) for slots in CHOICES]
    assert losses[0] > losses[1] > losses[2] > 0
    assert quantisation_error(rgba(np.full((9, 9, 3), 7, np.uint8)), 4) == 0


def test_as_many_slots_as_half_of_the_pictures_need():
    good, bad = [2.0, 1.0, 0.5], [30.0, 9.0, 3.0]
    assert enough_slots(np.array([good, good, bad])) == 4
    assert enough_slots(np.array([good, bad, bad])) == 8
    assert enough_slots(np.array([[60.0, 40.0, 30.0]])) == 16


def test_transparent_pixels():
    pixels = drawing()
    pixels[:, :40, 3] = 100
    pixels[:, 40:50, 3] = 200
    clear = flatten(pixels, transparent=True)
    assert set(np.unique(clear[..., 3])) == {0, 255}
    tokens = pixel_tokens(clear, find_palette(clear, 4), 4, 5)
    assert (tokens[:, :40] == 4).all()
    assert (cover(tokens[:, 40:], 5)[..., 4] == 0).all()
    laid = flatten(pixels, transparent=False)
    assert (laid[..., 3] == 255).all()
    share = 100 / 255
    expected = pixels[0, 0, :3] * share + 255 * (1 - share)
    np.testing.assert_allclose(laid[0, 0, :3], expected, atol=1)


def test_hidden_colours_are_in_no_palette():
    pixels = rgba(np.repeat(FLAT[:2], 32, axis=0)[None].repeat(64, 0))
    pixels[:9, :, :3], pixels[:9, :, 3] = 77, 0
    palette = find_palette(flatten(pixels, transparent=True), 4)
    np.testing.assert_array_equal(palette, FLAT[:2])


@given(st.integers(8, 40), st.integers(8, 40), st.integers(1, 3))
def test_shrinking_keeps_the_mean(pixels, tile, rows):
    cells = np.random.default_rng(0).random((rows * pixels, 2 * pixels, 2), np.float32)
    small = shrink(cells, pixels, tile)
    assert small.shape == (rows * tile, 2 * tile, 2)
    np.testing.assert_allclose(small.mean((0, 1)), cells.mean((0, 1)), atol=1e-4)
    assert small.min() >= cells.min() - 1e-5
    assert small.max() <= cells.max() + 1e-5


def test_cells_are_means_of_their_pixels():
    tokens = np.zeros((32, 32), np.uint8)
    tokens[:, 1::2] = 2
    codes = cell_tokens(tokens, 4, 32, 16)
    np.testing.assert_array_equal(cover(codes, 4), np.broadcast_to([0.5, 0, 0.5, 0], (16, 16, 4)))
    assert cell_tokens(tokens, 4, 16, 16) is tokens
    colours = cell_colours(rgba(FLAT[tokens]), 32, 16)
    np.testing.assert_allclose(colours[0, 0], (FLAT[0].astype(int) + FLAT[2]) / 2, atol=1)


@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 3), st.integers(1, 3)), elements=st.just(0)))
def test_tiles_are_cut_in_raster_order(grid):
    rows, columns = grid.shape
    numbers = np.arange(rows * columns).reshape(rows, columns)
    tiles = cut_tiles(np.kron(numbers, np.ones((8, 8), int)), 8)
    np.testing.assert_array_equal(
        tiles, np.arange(rows * columns)[:, None, None].repeat(8, 1).repeat(8, 2)
    )
