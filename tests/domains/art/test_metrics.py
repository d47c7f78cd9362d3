from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from composer.domains.art.codes import cover, encode
from composer.domains.art.metrics import (
    FLOORS,
    assemble,
    canvas_statistics,
    compare_tiles,
    count_tiles,
    levels_of,
    lightness,
)
from composer.domains.art.settings import ArtSettings

PALETTE = ArtSettings(tile=8, slots=3)
RGB = ArtSettings(tile=8, slots=0)
LAYOUT = (4, 4)
GREYS = np.array([0, 128, 255])

tile_sets = arrays(np.uint8, st.tuples(st.integers(2, 6), st.just(8), st.just(8))).map(
    lambda tiles: tiles % 3
)


@pytest.fixture(scope="module")
def real() -> np.ndarray:
    """Two hundred tiles: a quarter disc or a bar, either way round, on either ground."""
    rng = np.random.default_rng(0)
    down, across = np.mgrid[:8, :8] + 0.5
    disc, bar = np.hypot(down, across) < 5, np.abs(across - 4) < 2
    shapes = [np.rot90(shape, turn) for shape in (disc, bar) for turn in range(4)]
    inks = rng.permuted(np.tile(np.arange(3), (200, 1)), axis=1)[:, :, None, None]
    chosen = np.stack(shapes)[rng.integers(8, size=200)]
    return np.where(chosen, inks[:, 0], inks[:, 1]).astype(np.uint8)


def blurred(tiles: np.ndarray) -> np.ndarray:
    padded = np.pad(cover(tiles, 3), ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    around = [
        padded[:, down : down + 8, right : right + 8] for down in range(3) for right in range(3)
    ]
    return encode(np.mean(around, axis=0))


def noisy(tiles: np.ndarray, share: float) -> np.ndarray:
    rng = np.random.default_rng(1)
    return np.where(rng.random(tiles.shape) < share, rng.integers(3, size=tiles.shape), tiles)


def coloured(tiles: np.ndarray) -> np.ndarray:
    shades = GREYS[tiles].astype(np.uint8)
    return np.stack((shades, 255 - shades, shades // 2), axis=-1)


@given(tile_sets)
@settings(max_examples=20)
def test_a_set_has_no_distance_from_itself(tiles):
    for seen, form in ((tiles, PALETTE), (coloured(tiles), RGB)):
        assert compare_tiles(seen, seen, form) == pytest.approx(
            dict.fromkeys([*FLOORS, "total"], 0), abs=1e-3
        )


@given(tile_sets, tile_sets)
@settings(max_examples=20)
def test_distances_are_bounded_and_totals_are_means(made, real):
    found = compare_tiles(made, real, PALETTE)
    assert all(np.isfinite(value) and value >= 0 for value in found.values())
    assert found["colours"] <= 1
    assert found["tiles"] <= 1
    mean = np.mean([found[name] / floor for name, floor in FLOORS.items()])
    assert found["total"] == pytest.approx(float(mean))


@pytest.mark.parametrize("form", [PALETTE, RGB], ids=["palette", "rgb"])
def test_what_is_wrong_costs_more_than_chance(real, form):
    view = coloured if form.rgb else (lambda tiles: tiles)
    half, other = real[::2], real[1::2]

    def total(made: np.ndarray) -> float:
        return compare_tiles(view(made.astype(np.uint8)), view(other), form)["total"]

    chance = total(half)
    assert chance < total(noisy(half, 0.05)) < total(noisy(half, 0.5)) < total(noisy(half, 1))
    assert 2 * chance < total((half + 1) % 2)
    assert 2 * chance < total(half[half[:, 0, 0] == 0])
    assert 2 * chance < total(np.repeat(half[:1], 100, axis=0))


def test_blur_is_seen_in_patches_and_sides(real):
    half, other = real[::2], real[1::2]
    sharp, soft = (compare_tiles(made, other, PALETTE) for made in (half, blurred(half)))
    assert soft["patches"] > 2 * sharp["patches"]
    assert soft["sides"] > 1.5 * sharp["sides"]
    assert soft["total"] > 2 * sharp["total"]


def test_tiles_see_where_things_lie():
    left = np.zeros((20, 8, 8), np.uint8)
    left[:, :, :4] = 1
    found = compare_tiles(left[:, :, ::-1], left, PALETTE)
    assert found["colours"] == pytest.approx(0)
    assert found["tiles"] == pytest.approx(1)


def test_small_tiles_are_compared_too():
    tiles = np.arange(2 * 3 * 3).reshape(2, 3, 3).astype(np.uint8) % 3
    found = compare_tiles(tiles, tiles, ArtSettings(tile=3, slots=3))
    assert found["total"] == pytest.approx(0, abs=1e-3)


def test_areas_changes_and_even_tiles_are_counted():
    tiles = np.zeros((2, 8, 8), np.uint8)
    tiles[1, :, 4:] = 2
    even, halves = count_tiles(tiles, PALETTE)
    assert even.tolist() == [*[1, 0, 0] * 16, 0, 0, 1]
    areas = [*[1, 0, 0] * 2, *[0, 0, 1] * 2] * 4
    assert halves[:-3].tolist() == areas
    assert halves[-3:] == pytest.approx([2 / 3 / 7, 0, 0])  # two of three channels, one of seven


@pytest.mark.parametrize("settings", [PALETTE, RGB], ids=["palette", "rgb"])
def test_counts_are_about_one_at_most(settings):
    shape = (4, 8, 8, 3) if settings.rgb else (4, 8, 8)
    tiles = np.random.default_rng(0).integers(3, size=shape).astype(np.uint8)
    counts = count_tiles(tiles, settings)
    assert counts.shape == (4, 16 * 3 + 3)
    assert counts.dtype == np.float32
    assert 0 <= counts.min() <= counts.max() <= 1


def test_tiles_are_set_side_by_side():
    canvases = np.arange(6).repeat(4).reshape(1, 6, 2, 2)
    expected = np.arange(6).reshape(2, 3).repeat(2, axis=0).repeat(2, axis=1)
    assert np.array_equal(assemble(canvases, (2, 3))[0], expected)


def test_lightness_follows_slots_and_colours():
    slots = levels_of(np.array([[[0, 1, 2]]], np.uint8), PALETTE)
    assert lightness(slots, PALETTE).ravel().tolist() == [0, 0.5, 1]
    colours = levels_of(np.array([[[[0, 0, 0], [255, 0, 0], [255, 255, 255]]]], np.uint8), RGB)
    assert lightness(colours, RGB).ravel() == pytest.approx([0, 1 / 3, 1])


@pytest.mark.parametrize("form", [PALETTE, RGB], ids=["palette", "rgb"])
def test_statistics_tell_form_from_disorder(real, form):
    rng = np.random.default_rng(0)
    plain = real[rng.integers(200, size=(12, 16))]
    formed = plain.reshape(12, 4, 4, 8, 8)
    formed[:, :, 2:] = formed[:, :, 1::-1, :, ::-1]
    both = np.concatenate((formed.reshape(12, 16, 8, 8), plain[:, rng.permutation(16)]))
    seen = coloured(both) if form.rgb else both
    found = canvas_statistics(seen, LAYOUT, form)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert np.array_equal(found[3:5], canvas_statistics(seen[3:5], LAYOUT, form))
    mirrored = found[:, 2 * 3 + 12 + 3]  # after means, spreads, returns and images
    assert mirrored[:12].max() == 0
    assert mirrored[12:].min() > 0
