from __future__ import annotations

import io
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from composer.domains.art.families.draw import CELL, assemble, by_pixel, colour, cover, nest, plane
from composer.domains.art.families.forms import _LAYOUTS, KINDS, draw
from composer.domains.art.families.make import make_pictures, png
from composer.domains.art.families.motifs import FAMILIES, pick
from composer.domains.art.palettes import PALETTES, rgb

EMBEDDED = Path(__file__).parents[3] / "datasets" / "geometry"
FORMS = [kind for kind in KINDS if kind not in FAMILIES]
MOTIFS = [(name, motif) for name, motifs in FAMILIES.items() for motif in motifs]
SEEDS = st.integers(0, 2**32)
SIDES = st.integers(1, 6)


def rng(seed=0):
    return np.random.default_rng(seed)


def motifs(test):
    ids = [f"{name}-{number}" for number, (name, _) in enumerate(MOTIFS)]
    return pytest.mark.parametrize("motif", [motif for _, motif in MOTIFS], ids=ids)(test)


def canvas(motif, side, seed):
    density = np.full((side + 1, side + 1), motif.density[1])
    return motif.canvas(*motif.place(rng(seed), density)).astype(int)


# ---- drawing ------------------------------------------------------------------------------------


def test_samples_lie_symmetrically_and_a_tile_is_two_long():
    across, down = plane(3, 2)
    assert across.shape == (1, 3 * 128)
    assert down.shape == (2 * 128, 1)
    assert np.array_equal(across, -across[:, ::-1])
    assert np.diff(down[:, 0]) == pytest.approx(2 / 128)


def test_cover_counts_the_samples_of_a_pixel():
    labels = np.zeros((2, 8, 12), np.uint8)
    labels[1, :4, :3] = 3
    labels[1, 4:, 8:] = 2
    covered = cover(labels)
    assert covered.shape == (2, 2, 3, 4)
    assert covered.dtype == np.uint8
    assert (covered.sum(-1) == 16).all()
    assert covered[1, 0, 0].tolist() == [4, 0, 0, 12]
    assert covered[1, 1, 2].tolist() == [0, 0, 16, 0]


def test_layers_are_nested_in_place():
    labels = np.zeros(4, np.uint8)
    assert nest(labels, np.array([0.1, 0.3, 0.5, np.inf]), (0.4, 1), (0.2, 3)) is labels
    assert labels.tolist() == [3, 1, 0, 0]


def test_tiles_are_set_in_their_places():
    tiles = np.arange(3, dtype=np.uint8)[:, None, None, None] * np.ones((CELL, CELL, 4), np.uint8)
    places = np.array([[0, 1, 2], [2, 1, 0]])
    assert np.array_equal(assemble(tiles, places)[..., 0], by_pixel(places))


def test_colours_mix_as_they_cover():
    palette = np.array([[0, 0, 0], [16, 160, 255], [0, 0, 0], [255, 255, 255]], np.uint8)
    covered = np.array([[[8, 8, 0, 0], [0, 0, 0, 16], [15, 0, 0, 1]]], np.uint8)
    assert colour(covered, palette).tolist() == [[[8, 80, 128], [255] * 3, [16] * 3]]


# ---- base families ------------------------------------------------------------------------------


@motifs
def test_neighbouring_tiles_continue_each_other(motif):
    drawn = canvas(motif, 12, 1)
    for steps in (np.diff(drawn, axis=0), np.diff(drawn, axis=1).swapaxes(0, 1)):
        across = np.abs(steps[CELL - 1 :: CELL]).sum(-1).reshape(11, 12, CELL).sum(-1)
        assert across.max() < 0.5 * 2 * 16 * CELL  # 1 where the sides have nothing in common


@motifs
def test_a_tile_between_equal_corners_looks_the_same_from_all_sides(motif):
    corners, variants = motif.place(rng(), np.full((2, 2), motif.density[1]))
    tile = motif.canvas(np.full_like(corners, corners[0, 0]), variants)
    assert np.array_equal(tile, np.rot90(tile))
    assert np.array_equal(tile, np.fliplr(tile))


@motifs
def test_every_motif_paints_two_more_roles_on_the_ground(motif):
    roles = canvas(motif, 8, 2).sum((0, 1)) > 0
    assert roles[0]
    assert roles.sum() >= 3


@given(SEEDS)
@settings(max_examples=20, deadline=None)
def test_no_strand_of_a_knot_leaves_the_canvas(seed):
    drawn = canvas(pick(rng(seed), "knots"), 5, seed)
    edge = np.concatenate([drawn[0], drawn[-1], drawn[:, 0], drawn[:, -1]])
    assert (edge[:, 0] == 16).all()


# ---- all kinds ----------------------------------------------------------------------------------


def test_there_are_six_base_families_and_six_with_form():
    assert len(FAMILIES) == 6
    assert len(FORMS) == 6
    assert len(set(KINDS)) == 12


@pytest.mark.parametrize("kind", KINDS)
@given(rows=SIDES, columns=SIDES, seed=SEEDS)
@settings(max_examples=15, deadline=None)
def test_every_kind_fills_a_canvas_of_any_shape(kind, rows, columns, seed):
    drawn = draw(kind, rows, columns, rng(seed))
    assert drawn.shape == (rows * CELL, columns * CELL, 4)
    assert drawn.dtype == np.uint8
    assert (drawn.sum(-1) == 16).all()
    assert np.array_equal(drawn, draw(kind, rows, columns, rng(seed)))


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_of_a_kind_differ(kind):
    drawn = [draw(kind, 8, 8, rng(seed)) for seed in range(12)]
    assert len({picture.tobytes() for picture in drawn}) == len(drawn)


def test_the_ground_is_the_darkest_slot_or_the_lightest():
    corners = [draw("knots", 2, 2, rng(seed))[0, 0] for seed in range(12)]
    assert {tuple(corner.tolist()) for corner in corners} == {(16, 0, 0, 0), (0, 0, 0, 16)}


# ---- families with form -------------------------------------------------------------------------


@given(rows=SIDES, columns=SIDES, seed=SEEDS)
@settings(max_examples=80, deadline=None)
def test_mirrored_pictures_are_mirror_images_to_the_bit(rows, columns, seed):
    drawn = draw("mirror", rows, columns, rng(seed))
    assert np.array_equal(drawn, np.fliplr(drawn))


@given(rows=SIDES, columns=SIDES, seed=SEEDS)
@settings(max_examples=80, deadline=None)
def test_turned_pictures_are_the_same_after_a_turn_to_the_bit(rows, columns, seed):
    drawn = draw("rotation", rows, columns, rng(seed))
    assert np.array_equal(drawn, np.rot90(drawn, 2))


def test_some_pictures_are_symmetric_about_both_axes_or_after_a_quarter_turn():
    mirrored = [draw("mirror", 4, 4, rng(seed)) for seed in range(20)]
    assert 4 < sum(np.array_equal(one, np.flipud(one)) for one in mirrored) < 20
    turned = [draw("rotation", 4, 4, rng(seed)) for seed in range(20)]
    assert 4 < sum(np.array_equal(one, np.rot90(one)) for one in turned) < 20


@pytest.mark.parametrize("seed", range(8))
def test_a_carpet_has_a_border_with_corners_round_a_field_that_repeats(seed):
    drawn = draw("carpet", 6, 8, rng(seed))
    tiles = drawn.reshape(6, CELL, 8, CELL, 4).swapaxes(1, 2)
    for quarter, side in enumerate((tiles[0], tiles[::-1, 0], tiles[-1, ::-1], tiles[:, -1])):
        assert np.array_equal(side[0], np.rot90(tiles[0, 0], quarter))
        for tile in side[1:-1]:
            assert np.array_equal(tile, np.rot90(tiles[0, 1], quarter))
    assert np.array_equal(tiles[0, 0], tiles[0, 0].swapaxes(0, 1))
    assert np.array_equal(tiles[1:3, 1:-3], tiles[3:5, 3:-1])


@pytest.mark.parametrize("seed", range(8))
def test_a_medallion_is_symmetric_in_the_middle_of_a_quiet_field(seed):
    drawn = draw("medallion", 8, 8, rng(seed))
    assert np.array_equal(drawn, np.fliplr(drawn))
    assert np.array_equal(drawn, drawn.swapaxes(0, 1))
    changes = np.abs(np.diff(drawn.astype(int), axis=1)).sum(-1)
    assert changes[3 * CELL : 5 * CELL].mean() > 3 * changes[:CELL, 3 * CELL : 5 * CELL].mean()
    wide = draw("medallion", 4, 7, rng(seed))
    assert np.array_equal(wide, wide[::-1, ::-1])


def spread(picture):
    """The largest change of a slot's share between opposite quarters of the picture."""
    ends = (picture[:64], picture[-64:]), (picture[:, :64], picture[:, -64:])
    return max(np.abs(a.mean((0, 1)) - b.mean((0, 1))).max() / 16 for a, b in ends)


def test_a_gradient_changes_from_side_to_side_as_no_base_family_does():
    changes = {kind: [spread(draw(kind, 8, 8, rng(seed))) for seed in range(12)] for kind in KINDS}
    for family in FAMILIES:
        assert np.median(changes["gradient"]) > 1.5 * np.median(changes[family])


@pytest.mark.parametrize("layout", _LAYOUTS)
@given(rows=st.integers(2, 9), columns=st.integers(2, 9), seed=SEEDS)
@settings(max_examples=20, deadline=None)
def test_a_layout_has_two_or_three_regions(layout, rows, columns, seed):
    region = layout(rows, columns, rng(seed))
    assert region.shape == (rows, columns)
    assert set(np.unique(region)) <= {0, 1, 2}
    if min(rows, columns) > 3:
        assert len(np.unique(region)) >= 2


# ---- files --------------------------------------------------------------------------------------


def test_pictures_are_spread_evenly_over_the_kinds_and_independent_of_their_number():
    few = dict(make_pictures(13, (64, 96), None, 3))
    many = dict(make_pictures(30, (64, 96), None, 3))
    kinds = Counter(name.partition("/")[0] for name in many)
    assert kinds.keys() == set(KINDS)
    assert set(kinds.values()) == {2, 3}
    assert {"truchet/truchet-000", "truchet/truchet-001"} <= few.keys()
    for name, pixels in few.items():
        assert pixels.shape == (96, 64, 3)
        assert np.array_equal(pixels, many[name])
    other = dict(make_pictures(13, (64, 96), None, 4))
    assert sum(np.array_equal(few[name], other[name]) for name in few) == 0


def test_tiles_that_do_not_fit_are_cropped():
    whole = dict(make_pictures(12, (96, 64), None, 1))
    for name, pixels in make_pictures(12, (90, 33), None, 1):
        assert np.array_equal(pixels, whole[name][:33, :90])


def test_a_given_palette_colours_every_picture():
    palette = PALETTES["lagoon"]
    for _, pixels in make_pictures(12, (128, 128), palette, 2):
        areas = (pixels[:, :, None] == rgb(palette)).all(-1)
        assert areas.any(-1).mean() > 0.5
        assert areas.any((0, 1)).sum() >= 2


def test_a_picture_is_written_exactly_and_indexed_where_that_is_enough():
    few = next(make_pictures(1, (64, 64), None, 0))[1]
    many = rng().integers(0, 256, (40, 30, 3)).astype(np.uint8)
    for pixels, mode in ((few, "P"), (many, "RGB")):
        with Image.open(io.BytesIO(png(pixels))) as image:
            assert image.format == "PNG"
            assert image.mode == mode
            assert np.array_equal(np.asarray(image.convert("RGB")), pixels)


def test_the_embedded_pictures_are_what_the_command_draws():
    files = {path.relative_to(EMBEDDED).as_posix(): path for path in EMBEDDED.rglob("*.png")}
    drawn = {f"{name}.png": pixels for name, pixels in make_pictures(60, (256, 256), None, 0)}
    assert files.keys() == drawn.keys()
    stale = []
    for name, pixels in drawn.items():
        with Image.open(files[name]) as image:  # the bytes depend on the version of zlib
            same = np.array_equal(np.asarray(image.convert("RGB")), pixels)
        stale += [] if same else [name]
    assert stale == [], "run: composer dataset make geometry datasets/geometry --replace"
    assert sum(path.stat().st_size for path in files.values()) < 300_000
