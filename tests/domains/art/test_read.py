"""A folder of pictures becomes a corpus; every kind of bad file is a line in the report."""

import json
import struct
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from composer.domains.art.codes import coverage_codes
from composer.domains.art.families.make import make_pictures, png
from composer.domains.art.palettes import rgb
from composer.domains.art.read import read_folder
from composer.domains.art.settings import ArtSettings
from composer.errors import DataError, UsageError
from composer.fragments import UnusableCorpusError, split_works


def patches(seed, rows=4, columns=4, cell=8, colours=5):
    """Random squares of random colours: no motif repeats, nothing is smooth."""
    rng = np.random.default_rng(seed)
    palette = rng.integers(0, 256, (colours, 3), np.uint8)
    picture = palette[rng.integers(0, colours, (rows * 16 // cell, columns * 16 // cell))]
    picture = picture.repeat(cell, 0).repeat(cell, 1)
    picture[0, 0], picture[-1, -1] = (0, 0, 0), (255, 255, 255)
    return picture


def write(path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return path


@pytest.fixture(scope="module")
def family(tmp_path_factory):
    """A picture of each procedural kind."""
    folder = tmp_path_factory.mktemp("family")
    for name, pixels in make_pictures(12, (256, 256), None, 0):
        path = folder / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(png(pixels))
    return folder, read_folder(folder, {})


@pytest.fixture
def folder(tmp_path):
    """Three good pictures, to see that they survive."""
    for seed in range(3):
        write(tmp_path / f"good{seed}.png", patches(seed))
    return tmp_path


def reason_for(folder, name):
    """Read; the good files must be there and the bad one must have a reason, in time."""
    start = time.process_time()
    corpus = read_folder(folder, {})
    assert time.process_time() - start < 4
    assert [piece.source for piece in corpus.pieces] == [f"good{seed}.png" for seed in range(3)]
    return {rejection.source: rejection.reason for rejection in corpus.rejections}[name]


def canvas(piece, tile):
    rows, columns = piece.layout
    cells = piece.fragments.reshape(rows, columns, tile, tile, *piece.fragments.shape[3:])
    return cells.swapaxes(1, 2).reshape(rows * tile, columns * tile, *piece.fragments.shape[3:])


def test_the_families(family):
    folder, corpus = family
    settings = ArtSettings.from_json(corpus.settings)
    assert (settings.tile, settings.slots, settings.pixels) == (16, 4, 32)
    assert (settings.rows, settings.columns, settings.framed) == (8, 8, True)
    assert not settings.transparent
    assert settings.kinds == tuple(sorted(path.name for path in folder.iterdir()))
    assert [settings.kinds[piece.kind] for piece in corpus.pieces] == [
        piece.source.split("/")[0] for piece in corpus.pieces
    ]
    assert {piece.layout for piece in corpus.pieces} == {(8, 8)}
    assert len(corpus.clusters) == len(corpus.pieces) == corpus.summary["usable"]
    assert set(settings.palette_kinds) == set(range(len(settings.kinds)))
    assert corpus.summary["motif"] == 32
    assert json.loads(json.dumps(corpus.summary)) == corpus.summary
    assert json.loads(json.dumps(corpus.settings)) == corpus.settings


def test_tokens_give_the_picture_back(family):
    folder, corpus = family
    for piece in corpus.pieces:
        pixels = np.asarray(Image.open(folder / piece.source).convert("RGB"), float)
        means = pixels.reshape(128, 2, 128, 2, 3).mean((1, 3))
        covered = coverage_codes(4)[canvas(piece, 16)].reshape(-1, 4)
        colours, *_ = np.linalg.lstsq(covered, means.reshape(-1, 3), rcond=None)
        assert np.abs(covered @ colours - means.reshape(-1, 3)).mean() < 8
        used = covered.sum(0) > 0
        assert (np.diff(colours[used] @ [0.21, 0.72, 0.07]) > 0).all()  # darkest first


def test_palettes_are_those_of_the_pictures(tmp_path):
    flat = [
        ("#0b1d3a", "#1f6f8b", "#f2a65a", "#fbf3e4"),
        ("#111111", "#5a5a5a", "#b0aca4", "#faf7f0"),
    ]
    rng = np.random.default_rng(0)
    for number in range(4):
        colours = rgb(flat[number % 2])[rng.integers(0, 4, (8, 8))].repeat(8, 0).repeat(8, 1)
        write(tmp_path / f"{number}.png", colours)
    corpus = read_folder(tmp_path, {})
    assert sorted(tuple(palette) for palette in corpus.settings["palettes"]) == sorted(flat)
    assert corpus.summary["quantisation_error"]["4"] == 0
    tokens = {token for piece in corpus.pieces for token in np.unique(piece.fragments).tolist()}
    assert tokens == {0, 1, 2, 3}


def test_colours_are_chosen_by_what_is_lost(tmp_path):
    for slots in (4, 8, 16):
        below = tmp_path / str(slots)
        for seed in range(3):
            write(below / f"{seed}.png", patches(seed, colours=slots - 2))
        corpus = read_folder(below, {})
        assert corpus.summary["colours"] == str(slots)
        assert list(corpus.summary["quantisation_error"]) == ["4", "8", "16"]
    assert read_folder(tmp_path / "16", {"colours": "4"}).settings["slots"] == 4


def test_rgb(folder):
    corpus = read_folder(folder, {"colours": "rgb"})
    assert corpus.settings["slots"] == 0
    assert corpus.settings["palettes"] == []
    assert corpus.summary["quantisation_error"] == {}
    for piece in corpus.pieces:
        pixels = np.asarray(Image.open(folder / piece.source))
        np.testing.assert_array_equal(canvas(piece, 16), pixels)


def test_transparency_has_its_own_slot(folder):
    assert not read_folder(folder, {}).settings["transparent"]
    pixels = np.dstack([patches(7, colours=3), np.full((64, 64), 255, np.uint8)])
    pixels[:20, :, 3] = 0
    write(folder / "hole.png", pixels)
    corpus = read_folder(folder, {"colours": "4"})
    assert corpus.settings["transparent"]
    assert corpus.summary["transparent"] == 1
    hole = next(piece for piece in corpus.pieces if piece.source == "hole.png")
    assert (canvas(hole, 16)[:20] == 4).all()
    assert (canvas(hole, 16)[20:] != 4).all()
    laid = read_folder(folder, {"colours": "rgb"})
    assert not laid.settings["transparent"]
    hole = next(piece for piece in laid.pieces if piece.source == "hole.png")
    assert (canvas(hole, 16)[:20] == 255).all()


def test_kinds_without_folders_are_clusters(tmp_path):
    for seed in range(6):
        write(tmp_path / f"dark{seed}.png", patches(seed, cell=2) // 4)
        write(tmp_path / f"light{seed}.png", 255 - patches(seed + 9, cell=16) // 8)
    corpus = read_folder(tmp_path, {})
    assert corpus.settings["kinds"] == ["kind1", "kind2"]
    kinds = {piece.source[:4]: piece.kind for piece in corpus.pieces}
    assert len(set(kinds.values())) == 2
    assert all(piece.kind == kinds[piece.source[:4]] for piece in corpus.pieces)


def test_large_pictures_without_a_grid_give_several_parts(tmp_path):
    for number in range(3):
        down, across = np.mgrid[:333, :401] / 40
        turned = np.sin(across * down / (2 + number) + down) + np.cos(across + number)
        levels = 60 * np.stack([turned, -turned, np.sin(turned + across / 3)], axis=-1) + 127
        write(tmp_path / f"{number}.jpg", levels.clip(0, 255).astype(np.uint8))
    corpus = read_folder(tmp_path, {})
    assert corpus.summary["motif"] is None
    assert [piece.source for piece in corpus.pieces] == [
        f"{n}.jpg" for n in range(3) for _ in "1234"
    ]
    assert corpus.clusters.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert {piece.layout for piece in corpus.pieces} == {(8, 8)}
    assert not corpus.settings["framed"]
    again = read_folder(tmp_path, {})
    for one, other in zip(corpus.pieces, again.pieces, strict=True):
        np.testing.assert_array_equal(one.fragments, other.fragments)


def test_the_canvas_for_practice(tmp_path):
    for number, (rows, columns) in enumerate([(2, 5), (3, 4), (3, 6), (10, 10), (3, 3)]):
        write(tmp_path / f"{number}.png", patches(number, rows, columns))
    corpus = read_folder(tmp_path, {})
    assert (corpus.settings["rows"], corpus.settings["columns"]) == (3, 4)
    assert not corpus.settings["framed"]


def test_seamless_textures_are_no_whole_canvases(tmp_path):
    for seed in range(4):
        write(tmp_path / f"{seed}.png", patches(seed, cell=2, colours=4))
    assert not read_folder(tmp_path, {}).settings["framed"]


@pytest.mark.parametrize(
    "options", [{"colours": "5"}, {"colours": "no"}, {"tile": 7}, {"tile": 65}, {"tile": "x"}]
)
def test_options_that_cannot_be_used(folder, options):
    with pytest.raises(UsageError, match="cannot be used; choose"):
        read_folder(folder, options)


def test_options_as_words_or_numbers(folder):
    for options in ({"colours": 8, "tile": "8"}, {"colours": "8", "tile": 8}):
        corpus = read_folder(folder, options)
        assert (corpus.settings["slots"], corpus.settings["tile"]) == (8, 8)
        assert corpus.pieces[0].fragments.shape[1:] == (8, 8)


def test_bad_files(folder):
    header = struct.pack(">IIBBBBB", 30_000, 30_000, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(30_000 * 3_751), 9)
    chunks = [(b"IHDR", header), (b"IDAT", rows), (b"IEND", b"")]
    bomb = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )
    whole = (folder / "good0.png").read_bytes()
    files = {"bomb.png": bomb, "short.png": whole[:-60], "empty.gif": b"", "text.webp": b"Hello"}
    for name, data in files.items():
        (folder / name).write_bytes(data)
    write(folder / "tiff.tiff", patches(9)).rename(folder / "tiff.png")
    write(folder / "one.png", patches(9)[:1, :1])
    write(folder / "plain.png", np.full((64, 64, 3), 90, np.uint8))
    write(folder / "small.png", patches(9)[:15])
    write(folder / "clear.png", np.zeros((64, 64, 4), np.uint8))
    write(folder / "copy.png", patches(0), compress_level=0)
    expected = {
        "bomb.png": "more than 64,000,000 pixels",
        "short.png": "truncated or damaged",
        "empty.gif": "not a PNG, JPEG, WebP or GIF picture",
        "text.webp": "not a PNG, JPEG, WebP or GIF picture",
        "tiff.png": "not a PNG, JPEG, WebP or GIF picture",
        "one.png": "only one colour",
        "plain.png": "only one colour",
        "clear.png": "only one colour",
        "small.png": "64 x 15 pixels: smaller than a tile (16 pixels)",
        "good0.png": "the same picture as copy.png",
    }
    (folder / "good0.png").rename(folder / "z.png")
    (folder / "copy.png").rename(folder / "good0.png")
    expected["z.png"] = "the same picture as good0.png"
    del expected["good0.png"]
    for name, reason in expected.items():
        assert reason in reason_for(folder, name)


def test_animations_give_their_first_frame(folder):
    frames = [Image.fromarray(patches(seed)) for seed in (20, 21)]
    for name in ("a.gif", "b.png", "c.webp"):
        frames[0].save(folder / name, save_all=True, append_images=frames[1:], lossless=True)
    corpus = read_folder(folder, {})
    sources = [piece.source for piece in corpus.pieces]
    works = dict(zip(sources, corpus.clusters.tolist(), strict=True))
    copies = [rejection.source for rejection in corpus.rejections]
    assert len({works[name] for name in ("a.gif", "b.png", "c.webp") if name not in copies}) == 1
    assert len(set(works.values())) == 4


def test_near_copies_are_one_work(folder):
    image = Image.open(folder / "good1.png")
    image.save(folder / "good1.jpg", quality=80)
    corpus = read_folder(folder, {})
    assert len(corpus.pieces) == 4
    assert len(set(corpus.clusters.tolist())) == 3
    assert corpus.summary["near_duplicates"] == 1
    assert not corpus.rejections


def test_copies_of_what_cannot_be_used_do_not_count(tmp_path):
    write(tmp_path / "good.png", patches(0))
    for name in ("plain.png", "plain-too.png"):
        Image.new("RGB", (64, 64), (200, 0, 0)).save(tmp_path / name)
    corpus = read_folder(tmp_path, {})
    assert len(corpus.pieces) == 1
    assert corpus.summary["duplicates"] == 0


def test_all_pictures_are_the_same(tmp_path):
    for number in range(4):
        write(tmp_path / f"{number}.png", patches(0))
    with pytest.raises(UnusableCorpusError, match=r"the 4 usable pictures .* are all the same"):
        read_folder(tmp_path, {})


def test_one_picture(tmp_path):
    write(tmp_path / "only.png", patches(0))
    corpus = read_folder(tmp_path, {})
    assert len(corpus.pieces) == 1
    with pytest.raises(UnusableCorpusError, match=r"1 usable piece of 1 distinct work.*at least 3"):
        split_works(corpus)


def test_pictures_of_a_single_tile(tmp_path):
    for seed in range(3):
        write(tmp_path / f"{seed}.png", patches(seed, 1, 1))
    with pytest.raises(UnusableCorpusError, match=r"less than 2 x 2 tiles .* smaller --tile"):
        read_folder(tmp_path, {})
    corpus = read_folder(tmp_path, {"tile": 8})
    assert {piece.layout for piece in corpus.pieces} == {(2, 2)}


def test_nothing_usable(tmp_path):
    with pytest.raises(DataError, match=r"no picture \(\.gif, .*\) below"):
        read_folder(tmp_path, {})
    with pytest.raises(DataError, match="cannot read the folder"):
        read_folder(tmp_path / "missing", {})
    (tmp_path / "bad.png").write_text("text")
    with pytest.raises(UnusableCorpusError, match=r"bad\.png: not a PNG") as caught:
        read_folder(tmp_path, {})
    assert [rejection.source for rejection in caught.value.corpus.rejections] == ["bad.png"]


def test_a_picture_that_changes_while_it_is_read(folder, monkeypatch):
    from composer.domains.art import read

    whole, seen = read.open_picture, set()

    def change(path):
        pixels = whole(path)
        if path.name == "good1.png" and path in seen:
            pixels = pixels[:-1]
        seen.add(path)
        return pixels

    monkeypatch.setattr(read, "open_picture", change)
    corpus = read_folder(folder, {})
    assert [piece.source for piece in corpus.pieces] == ["good0.png", "good2.png"]
    assert "changed" in corpus.rejections[0].reason
