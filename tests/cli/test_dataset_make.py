from __future__ import annotations

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from composer.cli.main import cli

TUNE = "title: A\norigin: me\nmeter: 4/4\nkey: C\ntempo: 100\n\nC4q D4 E4 F4 | G4w |\n"


@pytest.fixture(autouse=True)
def tunes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "tunes"
    folder.mkdir()
    (folder / "a.txt").write_text(TUNE, encoding="utf-8")
    (folder / "b.txt").write_text(TUNE, encoding="utf-8")
    return folder


def run(*arguments: str):
    return CliRunner().invoke(cli, ["dataset", "make", "melodies", *arguments])


def test_it_writes_a_file_for_each_tune_and_prints_the_paths(tmp_path):
    result = run("out", "--from", "tunes")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.split() == ["out/a.mid", "out/b.mid"]
    assert (tmp_path / "out" / "a.mid").read_bytes().startswith(b"MThd")


def test_files_that_are_the_same_stay_and_others_are_replaced_only_when_asked(tmp_path):
    run("out", "--from", "tunes")
    changed = tmp_path / "out" / "b.mid"
    original = changed.read_bytes()
    assert run("out", "--from", "tunes").exit_code == 0
    changed.write_bytes(b"mine")
    refused = run("out", "--from", "tunes")
    assert refused.exit_code == 2
    assert "--replace" in refused.stderr
    assert changed.read_bytes() == b"mine"
    assert run("out", "--from", "tunes", "--replace").exit_code == 0
    assert changed.read_bytes() == original


def test_a_wrong_tune_is_told_and_nothing_is_written(tmp_path, tunes):
    (tunes / "b.txt").write_text(TUNE.replace("F4", "F4 F4"), encoding="utf-8")
    result = run("out", "--from", "tunes")
    assert result.exit_code == 3
    assert "b.txt, line 7, bar 1: it holds 5 quarter notes" in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_made_is_a_wrong_usage(tmp_path):
    (tmp_path / "file").write_text("mine")
    result = run("file/new", "--from", "tunes")
    assert result.exit_code == 2
    assert "cannot make the folder" in result.stderr


def test_a_missing_folder_is_told():
    result = run("out")
    assert result.exit_code == 3
    assert "--from" in result.stderr


def draw(*arguments: str):
    return CliRunner().invoke(cli, ["dataset", "make", "geometry", *arguments])


def test_pictures_are_drawn_in_a_folder_for_each_kind(tmp_path):
    result = draw("out", "--count", "25", "--size", "80x48", "--palette", "lagoon", "--seed", "3")
    assert result.exit_code == 0, result.stderr
    paths = result.stdout.split()
    assert len(paths) == 25
    assert {"out/truchet/truchet-002.png", "out/regions/regions-001.png"} <= set(paths)
    assert set((tmp_path / "out").rglob("*.png")) == {tmp_path / p for p in paths}
    assert "25 pictures, 25 of the files new or changed" in result.stderr
    with Image.open(tmp_path / paths[0]) as image:
        assert image.size == (80, 48)


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(tmp_path):
    for folder, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        assert draw(folder, "--count", "12", "--size", "64x64", "--seed", seed).exit_code == 0
    name = "knots/knots-000.png"
    first, same, other = ((tmp_path / folder / name).read_bytes() for folder in "abc")
    assert first == same != other


def test_pictures_that_differ_are_replaced_only_when_asked(tmp_path):
    small = ("out", "--count", "2", "--size", "32x32")
    assert draw(*small).exit_code == 0
    assert "0 of the files new" in draw(*small).stderr
    changed = tmp_path / "out" / "truchet" / "truchet-000.png"
    original = changed.read_bytes()
    changed.write_bytes(b"mine")
    refused = draw(*small)
    assert refused.exit_code == 2
    assert "--replace" in refused.stderr
    assert changed.read_bytes() == b"mine"
    assert draw(*small, "--replace").exit_code == 0
    assert changed.read_bytes() == original


def test_own_colours_are_used_from_dark_to_light(tmp_path):
    wanted = "#f1faee,#0b1d3a,#e63946,#a8dadc"
    assert draw("out", "--count", "12", "--size", "64x64", "--palette", wanted).exit_code == 0
    with Image.open(tmp_path / "out" / "knots" / "knots-000.png") as image:
        corner = np.asarray(image.convert("RGB"))[0, 0].tolist()
    assert corner in ([0xF1, 0xFA, 0xEE], [0x0B, 0x1D, 0x3A])  # the ground: lightest or darkest


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--size", "0x0"), "--size"),
        (("--size", "31x256"), "sides are 32 to 4096 pixels long"),
        (("--size", "100000x100000"), "sides are 32 to 4096 pixels long"),
        (("--size", "wide"), "--size is 'wide'"),
        (("--count", "0"), "--count"),
        (("--count", "60000", "--size", "256x256"), "smaller --count or --size"),
        (("--palette", "lagune"), "lagoon"),
        (("--palette", "#000,#fff"), "has 2 colours, but 4 are needed"),
        (("--from", "tunes"), "--from is for melodies alone; leave it out with geometry"),
    ],
)
def test_what_cannot_be_drawn_is_told_and_nothing_is_written(tmp_path, arguments, words):
    result = draw("out", *arguments)
    assert result.exit_code == 2
    assert words in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("option", ["--count", "--size", "--palette", "--seed"])
def test_options_of_pictures_are_refused_for_tunes(option):
    value = {"--size": "64x64", "--palette": "lagoon"}.get(option, "3")
    result = run("out", "--from", "tunes", option, value)
    assert result.exit_code == 2
    assert f"{option} is for geometry alone; leave it out with melodies" in result.stderr
