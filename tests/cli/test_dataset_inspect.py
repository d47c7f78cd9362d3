import json
import os

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from composer.cli.main import cli
from composer.domains.music.midi import Part, write_midi


def inspect(*arguments):
    return CliRunner().invoke(cli, ["dataset", "inspect", *map(str, arguments)])


def save(path, seed, meter=(4, 4), key="G"):
    rng = np.random.default_rng(seed)
    starts = np.arange(0, 8 * 16, 4)
    pitches = 60 + rng.choice([7, 9, 11, 12, 14, 16, 18], size=len(starts))
    columns = [starts, np.full_like(starts, 4), pitches, np.full_like(starts, 80)]
    part = Part("melody", 0, np.stack(columns, axis=1))
    write_midi(path, [part], steps_per_beat=4, tempo=100, meter=meter, key=key)


@pytest.fixture
def folder(tmp_path):
    for seed in range(6):
        save(tmp_path / f"tune{seed}.mid", seed)
    save(tmp_path / "jig.mid", 6, meter=(6, 8))
    (tmp_path / "text.mid").write_text("no music")
    return tmp_path


def test_report_for_people(folder):
    result = inspect(folder)
    assert result.exit_code == 0
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    for line in (
        "MIDI files 8, readable 7",
        "metres 4/4 48 bars, 6/8 11 bars",
        "used 6 pieces of 6 works, 48 bars",
        "metre 4/4, 4 steps a beat",
        "train 4 pieces, 32 bars",
        "held-out 1 piece, 8 bars",
        "judge 1 piece, 8 bars",
        "1 file or part: in 6/8, not in 4/4",
        "jig.mid",
        "1 file or part: not a MIDI file: it does not begin with MThd",
        "text.mid",
    ):
        assert line in lines


def test_report_as_json(folder):
    result = inspect(folder, "--json")
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert (report["files"], report["readable"]) == (8, 7)
    assert (report["pieces"], report["works"], report["bars"]) == (6, 6, 48)
    assert report["split"]["train"] == {"pieces": 4, "bars": 32}
    assert report["settings"]["meter"] == [4, 4]
    assert report["keys"] == {"signature": 6}
    assert report["problem"] is None
    assert {rejection["source"] for rejection in report["rejected"]} == {"jig.mid", "text.mid"}


def test_options_are_obeyed(folder):
    settings = json.loads(inspect(folder, "--json", "--steps-per-beat", 12).stdout)["settings"]
    assert settings["steps_per_beat"] == 12
    report = json.loads(inspect(folder, "--json", "--meter", "6/8").stdout)
    assert report["pieces"] == 1
    assert "at least 3 works" in report["problem"]


@pytest.mark.parametrize(
    "arguments",
    [["--meter", "4/5"], ["--voices", "9"], ["--steps-per-beat", "0"], ["--domain", "film"]],
)
def test_wrong_usage(folder, arguments):
    result = inspect(folder, *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert arguments[1] in result.stderr


def test_too_little_data_is_reported_and_code_3(tmp_path):
    save(tmp_path / "only.mid", 0)
    (tmp_path / "text.mid").write_text("no music")
    result = inspect(tmp_path)
    assert result.exit_code == 3
    assert "text.mid" in result.stdout
    assert "add more files" in result.stderr


def test_a_folder_of_neither_domain_says_what_is_looked_for(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing")
    result = inspect(tmp_path)
    assert (result.exit_code, result.stdout) == (3, "")
    assert ".mid, .midi (music)" in result.stderr
    assert ".png, .webp (pictures)" in result.stderr


def test_nothing_usable_is_reported_and_code_3(tmp_path):
    (tmp_path / "text.mid").write_text("no music")
    result = inspect(tmp_path)
    assert result.exit_code == 3
    assert str(tmp_path) in result.stdout.replace("\n", "")
    assert "Traceback" not in result.output
    report = json.loads(inspect(tmp_path, "--json").stdout)
    assert report["pieces"] == 0
    assert report["problem"]


@pytest.fixture
def pictures(tmp_path):
    """Two kinds of four pictures of 6x4 blocks, a copy of one, and what is no picture."""
    rng = np.random.default_rng(0)
    colours = np.array([[20, 20, 40], [200, 60, 50], [120, 190, 200], [250, 245, 230]], np.uint8)
    for kind, step in (("blocks", 8), ("stripes", 16)):
        (tmp_path / kind).mkdir()
        for number in range(4):
            cells = colours[rng.integers(0, 4, (64 // step, 96 // step))]
            picture = Image.fromarray(cells.repeat(step, 0).repeat(step, 1))
            picture.save(tmp_path / kind / f"{number}.png")
    picture.save(tmp_path / "stripes" / "again.png")
    (tmp_path / "blocks" / "text.jpg").write_text("no picture")
    return tmp_path


def test_pictures_are_reported_for_people(pictures):
    result = inspect(pictures, "--colours", "4", "--tile", "8")
    assert result.exit_code == 0, result.stderr
    text = " ".join(result.stdout.split())
    for part in (
        "pictures 10, readable 9",
        "sizes 96x64 8",
        "duplicates 1 copy left out, 0 much like another one",
        "used 8 pictures of 8 works, 8 pieces, ",
        "kinds blocks 4, stripes 4",
        "colours 4 in a palette; mean error in levels ",
        "transparent 0 pictures",
        "tile 8 x 8 cells, ",
        "#141428",
        "train 6 pieces, ",
        "1 file or part: the same picture as ",
        "again.png",
        "text.jpg",
    ):
        assert part in text


def test_pictures_are_reported_as_json(pictures):
    result = inspect(pictures, "--colours", "rgb", "--json")
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["domain"] == "art"
    assert (report["files"], report["readable"], report["pieces"]) == (10, 9, 8)
    assert report["tiles"] == sum(part["tiles"] for part in report["split"].values())
    assert report["settings"]["slots"] == 0
    assert report["kinds"] == {"blocks": 4, "stripes": 4}
    assert len(report["rejected"]) == 2
    assert "all, without a palette" in inspect(pictures, "--colours", "rgb").stdout


def test_a_mixed_folder_needs_a_domain(pictures):
    for seed in range(3):
        save(pictures / f"tune{seed}.mid", seed)
    result = inspect(pictures)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "add --domain art or --domain music" in result.stderr
    for domain, files in (("music", 3), ("art", 10)):
        report = json.loads(inspect(pictures, "--json", "--domain", domain).stdout)
        assert (report["domain"], report["files"]) == (domain, files)
    result = inspect(pictures, "--domain", "art", "--voices", "1")
    assert result.exit_code == 2
    assert "--voices is for music" in result.stderr


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_too_few_pictures_are_reported_and_code_3(tmp_path, options):
    Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")
    result = inspect(tmp_path, *options)
    assert result.exit_code == 3
    assert "dot.png" in result.stdout
    assert "none of the 1 pictures" in result.stderr


def test_missing_folder(tmp_path):
    result = inspect(tmp_path / "missing")
    assert (result.exit_code, result.stdout) == (3, "")
    assert "cannot read the folder" in result.stderr


def test_names_that_a_terminal_would_not_like(folder):
    names = [b"caf\xe9.mid", b"\x1b[2J.mid", b"two\nlines.mid", b"[red]x.mid"]
    for name in names:
        try:
            (folder / os.fsdecode(name)).write_text("no music")
        except OSError:
            pytest.skip("this file system takes only UTF-8 names")
    result = inspect(folder)
    assert result.exit_code == 0
    for shown in ("caf\\udce9.mid", "\\x1b[2J.mid", "two\\nlines.mid", "[red]x.mid"):
        assert shown in result.stdout
    report = json.loads(inspect(folder, "--json").stdout)
    sources = {os.fsencode(rejection["source"]) for rejection in report["rejected"]}
    assert set(names) <= sources
