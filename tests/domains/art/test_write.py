"""A picture, its margin, its colours and its recipe as they are found in the file."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from composer import checkpoint
from composer.composition import Composition, Origin
from composer.domains.art.explain import draw_origins
from composer.domains.art.palettes import PALETTES, rgb
from composer.domains.art.render import render
from composer.domains.art.settings import ArtSettings
from composer.domains.art.write import choose_palette, write_picture
from composer.errors import UsageError

RECIPE = {"model": "00ff", "seed": 7, "settings": {"novelty": 0.3, "palette": "für ♪"}}
DARK, LIGHT = (0x0B, 0x1D, 0x3A), (0xFB, 0xF3, 0xE4)  # of the palette "lagoon"
LAGOON = {"palette": "lagoon"}
SMALL = ArtSettings(tile=8)
CLEAR = ArtSettings(tile=8, transparent=True)
FULL = ArtSettings(tile=8, slots=0)
KINDS = ArtSettings(
    kinds=("arcs", "bars", "dots"),
    palettes=(PALETTES["ink"], PALETTES["moss"], PALETTES["plum"], PALETTES["jade"]),
    palette_kinds=(0, 1, 1, 0),
)


def composition(art, layout=(3, 4), seed=0, *, plan=(), recipe=RECIPE):
    """Random cells, each second tile from the first one."""
    rng = np.random.default_rng(seed)
    tiles, classes = layout[0] * layout[1], 256 if art.rgb else art.layers
    shape = (tiles, art.tile, art.tile, *[3] * art.rgb)
    fragments = rng.integers(0, classes, shape).astype(np.uint8)
    origins = tuple(Origin("repeat", 0) if n % 2 else Origin("fresh") for n in range(tiles))
    reward = np.zeros(tiles, np.float32)
    planned = np.resize(np.array(plan or [0], np.uint8), tiles)
    return Composition(fragments, layout, planned, origins, reward, reward, dict(recipe))


def written(tmp_path, piece, art, **options):
    """Pixels of the picture that is written."""
    (path,) = write_picture(piece, tmp_path / "a", art, options)
    with Image.open(path) as image:
        return np.asarray(image)


def drawn(piece, art, scale, palette=PALETTES["lagoon"], *, wrap=False):
    return render(piece.fragments, piece.layout, art, palette, scale=scale, wrap=wrap)


@pytest.mark.parametrize(("art", "scale"), [(SMALL, 4), (CLEAR, 4), (FULL, 2)])
def test_the_file_holds_what_is_drawn(tmp_path, art, scale):
    piece = composition(art)
    options = {} if art.rgb else LAGOON
    pixels = written(tmp_path, piece, art, **options)
    np.testing.assert_array_equal(pixels, drawn(piece, art, scale), strict=True)
    assert pixels.shape == (24 * scale, 32 * scale, 3 + art.transparent)


def test_large_pictures_are_joined_from_bands(tmp_path):
    piece = composition(SMALL, (5, 1))
    pixels = written(tmp_path, piece, SMALL, scale=20, frame=3, **LAGOON)
    assert pixels.shape == (806, 166, 3)
    np.testing.assert_array_equal(pixels[3:-3, 3:-3], drawn(piece, SMALL, 20))


def test_a_tileable_picture_wraps(tmp_path):
    piece = composition(SMALL)
    pixels = written(tmp_path, piece, SMALL, tileable=True, **LAGOON)
    np.testing.assert_array_equal(pixels, drawn(piece, SMALL, 4, wrap=True))
    assert (pixels != drawn(piece, SMALL, 4)).any()


def test_the_margin_is_light_and_the_frame_dark(tmp_path):
    piece = composition(SMALL)
    pixels = written(tmp_path, piece, SMALL, margin=5, frame=2, **LAGOON)
    assert pixels.shape == (96 + 14, 128 + 14, 3)
    np.testing.assert_array_equal(pixels[7:-7, 7:-7], drawn(piece, SMALL, 4))
    pixels = pixels.copy()
    pixels[7:-7, 7:-7] = DARK
    assert (pixels[5:-5, 5:-5] == DARK).all()
    pixels[5:-5, 5:-5] = LIGHT
    assert (pixels == LIGHT).all()


def test_the_margin_is_transparent_where_the_model_knows_that(tmp_path):
    piece = composition(CLEAR)
    pixels = written(tmp_path, piece, CLEAR, margin=3, frame=1, **LAGOON).copy()
    assert (pixels[3, 3:-3] == (*DARK, 255)).all()
    np.testing.assert_array_equal(pixels[4:-4, 4:-4], drawn(piece, CLEAR, 4))
    assert (pixels[..., 3] == 0).any()
    pixels[3:-3, 3:-3] = (*LIGHT, 0)
    assert (pixels == (*LIGHT, 0)).all()


def test_margin_and_frame_of_all_colours_are_the_extremes_of_the_picture(tmp_path):
    piece = composition(FULL, (2, 5))
    piece.fragments[:] = 128
    piece.fragments[3] = (20, 40, 60)
    piece.fragments[4] = (250, 240, 230)
    piece.fragments[5, 0, 0] = 255  # few pixels do not decide
    pixels = written(tmp_path, piece, FULL, margin=2, frame=2)
    assert pixels[2, 2].tolist() == [20, 40, 60]
    assert np.abs(pixels[0, 0] - np.array([250, 240, 230])).max() <= 5
    assert pixels.shape == (2 * 16 + 8, 5 * 16 + 8, 3)


@settings(max_examples=30)
@given(st.integers(1, 70), st.integers(1, 70), st.integers(0, 3), st.integers(0, 3))
def test_a_size_cuts_the_last_tiles(tmp_path_factory, width, height, margin, frame):
    layout = (-(-height // 16), -(-width // 16))
    piece, border = composition(SMALL, layout), margin + frame
    size = (width + 2 * border, height + 2 * border)
    options = {"size": size, "scale": 2, "margin": margin, "frame": frame, **LAGOON}
    pixels = written(tmp_path_factory.mktemp("w"), piece, SMALL, **options)
    assert pixels.shape == (size[1], size[0], 3)
    inner = pixels[border : border + height, border : border + width]
    np.testing.assert_array_equal(inner, drawn(piece, SMALL, 2)[:height, :width])


@pytest.mark.parametrize("options", [{"tiles": (3, 4)}, {"size": (128, 97)}, {"tiles": (4, 2)}])
def test_a_size_other_than_the_composed_one_is_refused(tmp_path, options):
    with pytest.raises(UsageError, match="the picture has 4x3 tiles, the options ask for"):
        written(tmp_path, composition(SMALL), SMALL, **options)
    assert not list(tmp_path.iterdir())


def test_the_recipe_is_inside_all_files(tmp_path):
    piece = composition(SMALL)
    paths = write_picture(piece, tmp_path / "a", SMALL, {"explain": True, **LAGOON})
    for path in paths:
        with Image.open(path) as image:
            image.load()
            assert json.loads(image.text["composer-recipe"]) == RECIPE
            assert image.info["srgb"] == 0
        assert b"iTXtcomposer-recipe\0\0\0\0\0{" in path.read_bytes()


def test_the_map_of_origins_is_beside_the_picture(tmp_path):
    for art in (SMALL, CLEAR, FULL):
        piece = composition(art, (2, 3))
        stem = tmp_path / f"{art.slots}{art.transparent}" / "a.1"
        options = {"explain": True} | ({} if art.rgb else LAGOON)
        paths = write_picture(piece, stem, art, options)
        assert [path.name for path in paths] == ["a.1.png", "a.1-origins.png"]
        assert sorted(stem.parent.iterdir()) == sorted(paths)
        wanted = draw_origins(drawn(piece, art, 1), (2, 3), piece.origins)
        with Image.open(paths[1]) as image:
            assert image.mode == "RGB"
            np.testing.assert_array_equal(np.asarray(image), np.asarray(wanted))


@pytest.mark.parametrize("art", [SMALL, CLEAR, FULL, KINDS])
def test_the_same_composition_gives_the_same_bytes(tmp_path, art):
    files, options = [], {"explain": True, "frame": 3, "margin": 4}
    for number, recipe in enumerate((RECIPE, dict(reversed(RECIPE.items())))):
        piece = composition(art, seed=3, recipe=recipe)
        paths = write_picture(piece, tmp_path / str(number) / "a", art, options)
        files.append([path.read_bytes() for path in paths])
    assert files[0] == files[1]


@pytest.mark.parametrize("name", ["a.png", "a-origins.png"])
def test_what_exists_is_not_overwritten(tmp_path, name):
    there = tmp_path / name
    there.write_bytes(b"mine")
    with pytest.raises(UsageError, match=f"{name} exists and is not overwritten"):
        write_picture(composition(SMALL), tmp_path / "a", SMALL, {"explain": True})
    assert there.read_bytes() == b"mine"
    assert list(tmp_path.iterdir()) == [there]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_a_failure_leaves_nothing_behind(tmp_path, monkeypatch, error):
    def fail(path, data):
        if "origins" in path.name:
            raise error
        path.write_bytes(data)

    monkeypatch.setattr(checkpoint, "replace_file", fail)
    with pytest.raises((KeyboardInterrupt, UsageError), match=r"^$|a-origins.*No space left"):
        write_picture(composition(SMALL), tmp_path / "a", SMALL, {"explain": True})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("folder", ["out", "out/deeper"])
def test_a_folder_that_is_a_file_is_a_clear_error(tmp_path, folder):
    (tmp_path / "out").write_text("")
    reason = f"cannot write to .*/{folder}: .*; choose another folder with --out"
    with pytest.raises(UsageError, match=reason):
        write_picture(composition(SMALL), tmp_path / folder / "a", SMALL, {})


@pytest.mark.parametrize("asked", ["#fbf3e4, 1F6F8B,#f2a65a,#0b1d3a", " Lagoon", "lagoon"])
def test_an_asked_palette_is_put_in_the_order_of_slots(tmp_path, asked):
    piece = composition(SMALL)
    assert choose_palette(piece, SMALL, {"palette": asked}) == PALETTES["lagoon"]
    pixels = written(tmp_path, piece, SMALL, palette=asked)
    np.testing.assert_array_equal(pixels, drawn(piece, SMALL, 4))


@pytest.mark.parametrize(
    ("art", "palette", "reason"),
    [
        (SMALL, "lagon", "the palette 'lagon' is not known.*carnival"),
        (SMALL, "#fff,#000,#12", "the colour '#12' is not known"),
        (SMALL, "#fff,#000", "the palette has 2 colours, but 4 are needed"),
        (ArtSettings(slots=8, tile=8), "lagoon", "the palette has 4 colours, but 8 are needed"),
        (FULL, "lagoon", "takes no palette: leave out --palette"),
    ],
)
def test_a_palette_that_does_not_fit_is_refused(tmp_path, art, palette, reason):
    with pytest.raises(UsageError, match=reason):
        write_picture(composition(art), tmp_path / "out" / "a", art, {"palette": palette})
    assert not list(tmp_path.iterdir())


def test_without_one_a_palette_of_the_commonest_kind_is_drawn_by_the_seed():
    seen = {}
    for plan in ((0,), (1,), (2,), (1, 1, 0)):
        pieces = [composition(KINDS, plan=plan, recipe={"seed": seed}) for seed in range(40)]
        palettes = [choose_palette(piece, KINDS, {}) for piece in pieces]
        assert palettes == [choose_palette(piece, KINDS, {"palette": None}) for piece in pieces]
        seen[plan] = set(palettes)
    ink, moss, plum, jade = KINDS.palettes
    assert seen[0,] == {ink, jade}
    assert seen[1,] == seen[1, 1, 0] == {moss, plum}
    assert seen[2,] == {ink, moss, plum, jade}  # of no picture of that kind


def test_the_palette_depends_on_the_seed_only():
    one, other = composition(KINDS, seed=1), composition(KINDS, (2, 2), seed=2)
    assert choose_palette(one, KINDS, {}) == choose_palette(other, KINDS, {})


def test_a_model_without_palettes_gives_greys(tmp_path):
    piece, art = composition(SMALL), ArtSettings(slots=8)
    assert choose_palette(piece, SMALL, {}) == ("#000000", "#555555", "#aaaaaa", "#ffffff")
    greys = rgb(choose_palette(composition(art), art, {}))
    assert greys[:, 0].tolist() == [0, 36, 73, 109, 146, 182, 219, 255]
    assert (greys == greys[:, :1]).all()
    assert choose_palette(composition(FULL), FULL, {}) == ()
    assert (np.ptp(written(tmp_path, piece, SMALL), axis=2) == 0).all()
