"""A picture against a folder: as files, with grids, recipes and what is normal."""

import json

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from composer.domains.art.originality import NAMES, SAMPLE, certificate
from composer.errors import DataError

OPTIONS = {"colours": "4", "tile": 8}
COLOURS = np.array([[10, 10, 30], [200, 60, 50], [120, 190, 200], [250, 245, 230]], np.uint8)
OTHERS = np.array([[0, 40, 0], [90, 90, 0], [180, 180, 90], [255, 255, 255]], np.uint8)


def cells(seed, side=64):
    """Noise in four colours, in which no motif is found: int64 [side, side]."""
    return np.random.default_rng(seed).integers(0, 4, (side, side))


def save(path, slots, *, colours=COLOURS, scale=1, recipe=None):
    image = Image.fromarray(colours[slots].repeat(scale, 0).repeat(scale, 1))
    information = PngImagePlugin.PngInfo()
    if recipe is not None:
        information.add_itxt("composer-recipe", recipe)
    image.save(path, pnginfo=information)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Pictures of 8 x 8 tiles; the last shares a row of four tiles with the one before."""
    data = tmp_path_factory.mktemp("pictures")
    for seed in range(6):
        save(data / f"{seed}.png", cells(seed))
    shared = cells(6)
    shared[16:24, 8:40] = cells(5)[32:40, 0:32]
    save(data / "6.png", shared)
    return data


def test_a_copy_in_other_colours_is_a_copy(tmp_path, folder):
    report = certificate(save(tmp_path / "x.png", cells(2), colours=OTHERS), folder, OPTIONS)
    assert (report["rows"], report["columns"], report["cells"]) == (8, 8, 64)
    assert (report["pictures"], report["works"]) == (7, 7)
    assert report["copied"] == 1
    run = report["longest_run"]
    assert (run["cells"], run["source"], run["symmetry"]) == (8, "2.png", "as it is")
    assert (run["row"], run["column"]) == (run["source_row"], run["source_column"]) == (1, 1)
    assert report["nearest"]["distance"] == 0
    assert report["same_as"] == "2.png"
    assert report["human"]["longest_run"]["as_much"] == 0


def test_a_picture_with_one_other_tile_is_not_the_same(tmp_path, folder):
    other = cells(2)
    other[8:16, 8:16] = cells(3)[8:16, 8:16]
    report = certificate(save(tmp_path / "x.png", other), folder, OPTIONS)
    assert report["copied"] == 1  # that tile is of another picture of the folder
    assert report["same_as"] is None


def test_a_new_picture_is_new_and_people_borrow_what_they_borrow(tmp_path, folder):
    report = certificate(save(tmp_path / "x.png", cells(100)), folder, OPTIONS)
    assert report["copied"] == 0
    assert report["longest_run"] is None
    assert 0.1 < report["nearest"]["distance"] < 1
    assert report["human"]["pieces"] == 7
    runs, copied = report["human"]["longest_run"], report["human"]["copied"]
    assert (runs["median"], runs["high"], runs["as_much"]) == (0, 4, 1)
    assert copied["high"] == pytest.approx(4 / 64)


def test_a_turned_part_is_found_where_it_is(tmp_path, folder):
    picture = cells(100)
    picture[8:16, 16:40] = np.rot90(cells(3)[8:32, 40:48], -1)  # clockwise: 3 down become across
    run = certificate(save(tmp_path / "x.png", picture), folder, OPTIONS)["longest_run"]
    assert run == {
        "cells": 3,
        "direction": "across",
        "row": 2,
        "column": 3,
        "source": "3.png",
        "source_row": 4,
        "source_column": 6,
        "symmetry": "turned by 90 degrees clockwise",
    }
    assert len(set(NAMES)) == 8


def test_what_compose_made_is_cut_as_its_recipe_says(tmp_path, folder):
    bordered = np.pad(cells(4), 2, constant_values=3)  # at scale 3, 6 pixels
    recipe = {"scale": 3, "margin": 4, "frame": 2}
    path = save(tmp_path / "a.png", bordered, scale=3, recipe=json.dumps(recipe))
    report = certificate(path, folder, OPTIONS)
    assert (report["rows"], report["columns"], report["copied"]) == (8, 8, 1)
    path = save(tmp_path / "b.png", cells(4), scale=4, recipe="{}")
    assert certificate(path, folder, OPTIONS)["copied"] == 1
    large = np.tile(cells(4), (5, 5))  # 1,280 pixels are read at half the size
    path = save(tmp_path / "c.png", large, scale=4, recipe="{}")
    report = certificate(path, folder, OPTIONS)
    assert (report["rows"], report["copied"]) == (40, 1)


@pytest.mark.parametrize(
    "recipe", ["no json", "[]", '{"scale": "x"}', '{"scale": 1e999}', '{"margin": -8}', "[" * 9999]
)
def test_a_recipe_that_makes_no_sense_is_ignored(tmp_path, folder, recipe):
    path = save(tmp_path / "x.png", cells(4), recipe=recipe)
    assert certificate(path, folder, OPTIONS)["copied"] == 1


def test_in_rgb_colours_count(tmp_path, folder):
    options = {"colours": "rgb", "tile": 8}
    report = certificate(save(tmp_path / "x.png", cells(2)), folder, options)
    assert report["copied"] == 1
    report = certificate(save(tmp_path / "x.png", cells(2), colours=OTHERS), folder, options)
    assert report["copied"] == 0


def test_a_folder_too_small_to_train_on_is_enough(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    save(data / "one.png", cells(0))
    path = save(tmp_path / "x.png", cells(0))
    report = certificate(path, data, OPTIONS)
    assert (report["copied"], report["human"]) == (1, None)
    save(data / "two.png", cells(1))
    assert certificate(path, data, OPTIONS)["human"]["pieces"] == 2


def test_no_more_pictures_are_scored_than_the_sample(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    for seed in range(SAMPLE + 3):
        save(data / f"{seed}.png", cells(seed, 16))
    report = certificate(save(tmp_path / "x.png", cells(0, 16)), data, OPTIONS)
    assert report["human"]["pieces"] == SAMPLE


def test_what_cannot_be_compared_is_a_sentence(tmp_path, folder):
    bad, tiny = tmp_path / "bad.png", save(tmp_path / "tiny.png", cells(0, 4))
    bad.write_text("no picture")
    plain = save(tmp_path / "plain.png", np.zeros((64, 64), np.int64))
    for path, message in (
        (bad, r"bad\.png': not a PNG"),
        (tmp_path / "missing.png", "No such file"),
        (tiny, r"smaller than a tile \(8 pixels\)"),
        (plain, "nothing but tiles of one colour"),
    ):
        with pytest.raises(DataError, match=message):
            certificate(path, folder, OPTIONS)
    good = folder / "0.png"
    with pytest.raises(DataError, match="cannot read the folder"):
        certificate(good, tmp_path / "missing", OPTIONS)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(DataError, match="no picture"):
        certificate(good, empty, OPTIONS)
