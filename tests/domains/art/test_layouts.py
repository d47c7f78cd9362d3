"""Sheets of any size, and which kind goes where."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from composer.domains.art.layouts import SHAPES, Sheet, canvas, plan, plan_sheet
from composer.domains.art.settings import ArtSettings
from composer.errors import UsageError

ART = ArtSettings(tile=16, rows=8, columns=6, kinds=("Arcs", "bars, thin", "dots"))
TWO = ArtSettings(kinds=("a", "b"))
DEFAULT = (8, 6)
SIDES = st.integers(1, 12)


def planned(layout, /, art=ART, seed=0, **options):
    return plan(layout, options, art, np.random.default_rng(seed)).reshape(layout)


def pattern(grid):
    """Rows of digits as text."""
    return ["".join(map(str, row)) for row in grid.tolist()]


def saved(path, levels, **options):
    """A picture of greys as a file."""
    Image.fromarray(np.array(levels, np.uint8)).save(path, **options)
    return str(path)


@pytest.mark.parametrize(
    ("options", "sheet"),
    [
        ({}, Sheet((8, 6), 4, 384, 512, 0, 0)),
        ({"tileable": True}, Sheet((8, 6), 4, 384, 512, 0, 0)),
        ({"scale": 1}, Sheet((8, 6), 1, 96, 128, 0, 0)),
        ({"tiles": (5, 2), "scale": 2}, Sheet((2, 5), 2, 160, 64, 0, 0)),
        ({"tiles": (5, 2), "scale": 2, "margin": 7, "frame": 3}, Sheet((2, 5), 2, 160, 64, 3, 7)),
        ({"size": (640, 480)}, Sheet((8, 10), 4, 640, 480, 0, 0)),
        ({"size": (641, 479)}, Sheet((8, 11), 4, 641, 479, 0, 0)),
        ({"size": (660, 500), "margin": 7, "frame": 3}, Sheet((8, 10), 4, 640, 480, 3, 7)),
        ({"size": (1, 1)}, Sheet((1, 1), 4, 1, 1, 0, 0)),
        ({"size": (96, 64), "scale": 2, "tileable": True}, Sheet((2, 3), 2, 96, 64, 0, 0)),
        ({"size": None, "tiles": None, "margin": None}, Sheet((8, 6), 4, 384, 512, 0, 0)),
    ],
)
def test_the_sheet_that_is_asked_for(options, sheet):
    assert plan_sheet(options, ART, DEFAULT) == sheet
    assert sheet.border == sheet.margin + sheet.frame


def test_all_colours_are_drawn_at_half_the_scale():
    assert plan_sheet({}, ArtSettings(slots=0), (3, 5)) == Sheet((3, 5), 2, 160, 96, 0, 0)


@given(SIDES, SIDES)
def test_without_a_size_the_canvas_is_that_of_practice_but_not_tiny(rows, columns):
    art = ArtSettings(rows=rows, columns=columns)
    assert canvas({}, art) == (max(4, rows), max(4, columns))
    assert canvas({"tiles": (2, 3)}, art) == (3, 2)
    assert canvas({"size": (200, 100)}, art) == (2, 4)


@given(
    st.tuples(st.integers(1, 900), st.integers(1, 900)),
    st.integers(2, 8),
    st.integers(0, 40),
    st.integers(0, 40),
)
def test_a_size_is_the_size_of_the_sheet_with_no_tile_too_many(size, scale, margin, frame):
    options = {"size": size, "scale": scale, "margin": margin, "frame": frame}
    if min(size) <= 2 * (margin + frame):
        with pytest.raises(UsageError, match="leaves no room within a margin of"):
            plan_sheet(options, ART, DEFAULT)
        return
    sheet = plan_sheet(options, ART, DEFAULT)
    assert (sheet.width + 2 * sheet.border, sheet.height + 2 * sheet.border) == size
    for tiles, side in zip(sheet.layout, (sheet.height, sheet.width), strict=True):
        assert (tiles - 1) * 16 * scale < side <= tiles * 16 * scale


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"size": (64, 64), "tiles": (4, 4)}, "either --size (pixels) or --tiles, not both"),
        ({"margin": 1, "tileable": True}, "no margin or frame: leave out --margin and --frame"),
        ({"frame": 1, "tileable": True}, "no margin or frame: leave out --margin and --frame"),
        ({"scale": 0}, "scale 0 cannot be used: give pixels of a cell's side, 1 to 64"),
        ({"scale": 65}, "scale 65 cannot be used: give pixels of a cell's side, 1 to 64"),
        (
            {"size": (16_385, 9)},
            "size 16385x9 cannot be drawn: width and height can be 1 to 16,384",
        ),
        ({"size": (16_384, 4_097)}, "and 67,108,864 pixels in all, for example 1024x768"),
        ({"size": (0, 9)}, "size 0x9 cannot be drawn"),
        ({"size": (9, -9)}, "size 9x-9 cannot be drawn"),
        ({"tiles": (257, 1)}, "257x1 tiles of 64 pixels cannot be drawn"),
        ({"tiles": (256, 1), "margin": 1}, "256x1 tiles of 64 pixels cannot be drawn"),
        ({"tiles": (513, 1), "scale": 1}, "513x1 tiles cannot be composed: a side can have 1 to"),
        ({"tiles": (0, 4)}, "0x4 tiles cannot be composed"),
        ({"tiles": (4, -1)}, "4x-1 tiles cannot be composed"),
        ({"size": (9_000, 64), "scale": 1}, "563x4 tiles cannot be composed: a side can have 1 to"),
        ({"size": (9_000, 64), "scale": 1}, "with --size, a larger --scale needs fewer"),
        ({"size": (8_193, 9), "scale": 1, "tileable": True}, "513x1 tiles cannot be composed"),
        ({"size": (64, 40), "margin": 15, "frame": 5}, "make it larger than 40x40"),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_a_way_out(options, reason):
    with pytest.raises(UsageError, match=re.escape(reason)):
        plan_sheet(options, ART, DEFAULT)
    with pytest.raises(UsageError, match=re.escape(reason)):
        canvas(options, ART)


def test_the_largest_pictures_are_possible():
    assert plan_sheet({"size": (16_384, 4_096), "scale": 8}, ART, DEFAULT).layout == (32, 128)
    assert plan_sheet({"tiles": (512, 512), "scale": 1}, ART, DEFAULT).width == 8_192
    assert plan_sheet({"tiles": (1, 1), "scale": 64}, ART, DEFAULT).width == 1_024
    assert plan_sheet({"size": (41, 41), "margin": 20}, ART, DEFAULT).layout == (1, 1)


def whole_sizes(size, scale):
    """The sizes that are offered instead of one that cannot be tileable."""
    options = {"size": size, "scale": scale, "tileable": True}
    with pytest.raises(UsageError, match="cannot be tileable") as caught:
        plan_sheet(options, ART, DEFAULT)
    _, offered = str(caught.value).split(f"tiles of {16 * scale} pixels, ")
    sizes = [tuple(map(int, text.split("x"))) for text in offered.split(" or ")]
    for near in sizes:
        plan_sheet(options | {"size": near}, ART, DEFAULT)
    return sizes


def test_a_tileable_picture_has_whole_tiles():
    assert whole_sizes((100, 70), 4) == [(64, 64), (128, 128)]
    assert whole_sizes((128, 70), 4) == [(128, 64), (128, 128)]
    assert whole_sizes((10, 200), 2) == [(32, 192), (32, 224)]
    assert whole_sizes((10, 10), 4) == [(64, 64)]


@pytest.mark.parametrize(("size", "scale"), [((16_384, 64), 3), ((8_191, 8_192), 3)])
def test_no_size_is_offered_that_is_too_large(size, scale):
    assert whole_sizes(size, scale)


def test_without_a_layout_a_picture_is_of_one_kind():
    kinds = [planned((3, 2), seed=seed) for seed in range(20)]
    assert all((grid == grid[0, 0]).all() for grid in kinds)
    assert {int(grid[0, 0]) for grid in kinds} == {0, 1, 2}
    assert planned((3, 2)).dtype == np.uint8
    assert (planned((3, 2), ArtSettings()) == 0).all()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Arcs", 0),
        ("ARCS", 0),
        (" dots ", 2),
        ("bars, thin", 1),
        ("Bars, Thin", 1),
        ("dots,dots", 2),
    ],
)
def test_a_kind_by_its_name(name, kind):
    assert (planned((2, 2), kind=name) == kind).all()


@pytest.mark.parametrize(
    ("names", "kinds"),
    [
        ("bars, thin,dots", {1, 2}),
        ("Arcs , BARS, thin", {0, 1}),
        ("dots,bars, thin, arcs", {0, 1, 2}),
        ("bars,arcs", {0, 3}),
    ],
)
def test_a_name_with_commas_among_others(names, kinds):
    art = ArtSettings(kinds=("Arcs", "bars, thin", "dots", "bars"))
    assert set(planned((8, 8), art, layout="diagonal", kind=names).flat) == kinds


def test_kinds_that_differ_in_case_only_are_told_apart():
    art = ArtSettings(kinds=("Dots", "dots"))
    assert planned((1, 1), art, kind="Dots") == 0
    assert planned((1, 1), art, kind="dots") == 1


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"kind": "waves"}, "unknown kind 'waves': the model knows Arcs, bars, thin, dots"),
        ({"kind": "dots,waves", "layout": "disc"}, "unknown kind 'waves'"),
        ({"kind": ""}, "unknown kind ''"),
        ({"kind": "dots,arcs"}, "several kinds need a layout: add --layout disc|diagonal|checker|"),
        ({"kind": "dots", "layout": "disc"}, "a layout needs several kinds: give them with commas"),
        ({"kind": "dots,DOTS", "layout": "disc"}, "a layout needs several kinds"),
        ({"layout": "zigzag"}, "unknown layout 'zigzag': give disc, diagonal, checker, stripes or"),
    ],
)
def test_kinds_and_layouts_that_cannot_be_used(options, reason):
    with pytest.raises(UsageError, match=re.escape(reason)):
        planned((4, 4), **options)


def test_a_model_of_one_kind_takes_no_layout():
    with pytest.raises(UsageError, match="knows one kind of pictures only: leave out --layout"):
        planned((4, 4), ArtSettings(), layout="disc")


@pytest.mark.parametrize(
    ("layout", "shape", "count", "wanted"),
    [
        ((4, 4), "disc", 2, ["0110", "1111", "1111", "0110"]),
        ((4, 4), "disc", 3, ["0110", "1221", "1221", "0110"]),
        ((4, 5), "disc", 2, ["00100", "01110", "01110", "00100"]),
        ((2, 8), "disc", 2, ["00011000"] * 2),
        ((3, 3), "diagonal", 2, ["001", "011", "111"]),
        ((4, 4), "diagonal", 2, ["0001", "0011", "0111", "1111"]),
        ((4, 4), "diagonal", 3, ["0011", "0111", "1112", "1122"]),
        ((1, 4), "diagonal", 2, ["0011"]),
        ((4, 4), "checker", 2, ["0101", "1010", "0101", "1010"]),
        ((8, 8), "checker", 2, [*["00110011"] * 2, *["11001100"] * 2] * 2),
        ((6, 4), "checker", 2, ["0101", "1010"] * 3),
        ((2, 2), "stripes", 2, ["01", "01"]),
        ((2, 5), "stripes", 2, ["00101"] * 2),
        ((1, 8), "stripes", 2, ["00110011"]),
        ((2, 8), "stripes", 3, ["00120012"] * 2),
        ((1, 1), "stripes", 3, ["0"]),
    ],
)
def test_shapes(layout, shape, count, wanted):
    art = ArtSettings(kinds=("a", "b", "c"))
    assert pattern(planned(layout, art, layout=shape, kind="a,b,c"[: 2 * count - 1])) == wanted


@pytest.mark.parametrize(
    ("layout", "count", "wanted"),
    [
        ((1, 1), 2, ["1"]),
        ((3, 3), 2, ["010", "111", "010"]),
        ((5, 5), 3, ["00100", "01210", "12221", "01210", "00100"]),
        ((3, 7), 2, ["0001000", "0011100", "0001000"]),
    ],
)
def test_a_disc_around_the_tile_in_the_middle(layout, count, wanted):
    art = ArtSettings(kinds=("a", "b", "c"))
    assert pattern(planned(layout, art, layout="disc", kind="a,b,c"[: 2 * count - 1])) == wanted


def test_a_disc_is_half_of_a_square_and_round_on_any_canvas():
    wide = planned((64, 128), TWO, layout="disc", kind="a,b")
    square = planned((64, 64), TWO, layout="disc", kind="a,b")
    np.testing.assert_array_equal(wide[:, 32:96], square)
    assert square.mean() == pytest.approx(0.5, abs=0.01)
    assert not wide[:, [*range(32), *range(96, 128)]].any()


@given(st.integers(2, 6), SIDES, SIDES)
def test_stripes_and_checks_go_on_beyond_the_edge(count, rows, columns):
    art = ArtSettings(kinds=tuple("abcdef"[:count]))
    kinds = ",".join(art.kinds)
    checks = planned((rows, columns), art, layout="checker", kind=kinds)
    stripes = planned((rows, columns), art, layout="stripes", kind=kinds)
    assert (stripes == stripes[0]).all()
    if columns >= count:
        assert set(checks[0].tolist()) == set(range(count))
        assert set(stripes[0].tolist()) == set(range(count))
        assert stripes[0, 0] != stripes[0, -1]
        assert (checks[:, 0] != checks[:, -1]).all()
    if rows >= count:
        assert (checks[0] != checks[-1]).all()


@pytest.mark.parametrize("shape", SHAPES)
def test_the_kinds_of_a_shape_in_the_order_named_or_any_two(shape):
    first = planned((6, 6), layout=shape, kind="arcs,dots")
    np.testing.assert_array_equal(planned((6, 6), layout=shape, kind="DOTS, arcs"), 2 - first)
    assert first[0, 0] == 0
    drawn = [planned((6, 6), layout=shape, seed=seed) for seed in range(30)]
    assert all(len(np.unique(grid)) == 2 for grid in drawn)
    assert len({grid.tobytes() for grid in drawn}) == 6


def test_the_darkest_colour_of_a_map_is_the_first_kind(tmp_path):
    path = saved(tmp_path / "map.png", [[255, 90], [90, 0]])
    assert pattern(planned((2, 2), layout=path)) == ["21", "10"]
    assert pattern(planned((4, 6), layout=path)) == ["222111"] * 2 + ["111000"] * 2


def test_the_kinds_of_a_map_in_the_order_named(tmp_path):
    path = saved(tmp_path / "map.gif", [[255, 0]])
    assert pattern(planned((1, 2), layout=path, kind="dots,arcs")) == ["02"]
    assert pattern(planned((1, 2), layout=path, kind="arcs,dots")) == ["20"]
    assert pattern(planned((1, 2), layout=saved(tmp_path / "one.png", [[7, 7]]))) == ["00"]


def test_colours_are_ordered_by_their_lightness(tmp_path):
    blue, green, red = (0, 0, 255), (0, 128, 0), (255, 0, 0)
    path = saved(tmp_path / "map.png", [[red, blue, green]])
    assert pattern(planned((1, 3), layout=path)) == ["201"]


@pytest.mark.parametrize("count", [2, 3])
def test_smooth_edges_are_no_kind_of_their_own(tmp_path, count):
    large = Image.new("L", (1600, 1600), 255)
    ImageDraw.Draw(large).ellipse((200, 200, 1400, 1400), fill=0)
    smooth = np.asarray(large.reduce(8))
    assert len(np.unique(smooth)) > 20
    art = ArtSettings(kinds=("a", "b", "c")[:count])
    grid = planned((12, 12), art, layout=saved(tmp_path / "map.png", smooth))
    across = (np.arange(12) + 0.5) / 12 - 0.5
    inside = np.hypot(across, across[:, None]) < 0.375
    sure = np.abs(np.hypot(across, across[:, None]) - 0.375) > 0.05
    assert set(np.unique(grid)) == {0, 1}
    np.testing.assert_array_equal((grid == 0)[sure], inside[sure])


def test_the_colour_that_covers_most_of_a_tile_counts(tmp_path):
    levels = np.full((64, 64), 255)
    levels[:, 14:20] = levels[40:56] = levels[:40, 60:] = 0
    path = saved(tmp_path / "map.png", levels)
    assert pattern(planned((4, 4), TWO, layout=path)) == ["1111", "1111", "0000", "0000"]


def test_of_more_colours_than_kinds_similar_ones_are_one(tmp_path):
    path = saved(tmp_path / "map.png", [[0, 20, 130, 150, 240, 255]])
    assert pattern(planned((1, 6), layout=path)) == ["001122"]
    path = saved(tmp_path / "even.png", [[0, 60, 200, 255]])
    assert pattern(planned((1, 4), TWO, layout=path)) == ["0011"]


def test_a_light_spot_on_two_dark_colours_is_the_light_kind(tmp_path):
    levels = np.zeros((10, 10))
    levels[:, 5:] = 20
    levels[4:6, 4:6] = 255
    grid = planned((10, 10), TWO, layout=saved(tmp_path / "map.png", levels))
    np.testing.assert_array_equal(grid, levels == 255)


def test_a_bright_spot_on_a_photograph_is_a_kind(tmp_path):
    levels = np.random.default_rng(0).normal(60, 8, (80, 80, 3)).clip(0, 255)
    levels[20:40, 40:60] = (230, 60, 40)
    grid = planned((4, 4), TWO, layout=saved(tmp_path / "map.png", levels))
    assert pattern(grid) == ["0000", "0010", "0000", "0000"]


def test_a_photograph_is_divided_by_its_lightness(tmp_path):
    rng = np.random.default_rng(0)
    ramp = np.linspace(0, 255, 240)[None, :, None] + rng.normal(0, 4, (120, 240, 3))
    path = saved(tmp_path / "map.jpg", ramp.clip(0, 255), quality=80)
    grid = planned((6, 12), layout=path)
    assert (grid == grid[0]).all()
    assert (np.diff(grid[0].astype(int)) >= 0).all()
    assert all(3 <= np.count_nonzero(grid[0] == kind) <= 5 for kind in range(3))


def test_what_is_transparent_in_a_map_is_white(tmp_path):
    pixels = np.zeros((1, 3, 4), np.uint8)
    pixels[0, 1] = (90, 90, 90, 255)
    pixels[0, 2] = (0, 0, 0, 255)
    assert pattern(planned((1, 3), layout=saved(tmp_path / "map.png", pixels))) == ["210"]


def test_a_map_that_is_no_picture_is_refused(tmp_path):
    path = tmp_path / "map.png"
    path.write_text("text")
    with pytest.raises(UsageError, match=r"the layout '.*map.png' cannot be used: not a PNG"):
        planned((4, 4), layout=str(path))
    with pytest.raises(UsageError, match=r"unknown layout .* or the path of a picture"):
        planned((4, 4), layout=str(tmp_path))


@given(
    SIDES,
    SIDES,
    st.sampled_from(["disc", "diagonal", "checker", "stripes", None]),
    st.integers(0, 9),
)
def test_the_same_draws_give_the_same_plan(rows, columns, shape, seed):
    layout = (2 * rows, columns)
    options = {} if shape is None else {"layout": shape}
    grid = planned(layout, seed=seed, **options)
    assert grid.dtype == np.uint8
    assert grid.max() < 3
    np.testing.assert_array_equal(planned(layout, seed=seed, **options), grid)
