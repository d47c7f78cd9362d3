import json
import os

import numpy as np
import pytest
from click.testing import CliRunner

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
    "arguments", [["--meter", "4/5"], ["--voices", "9"], ["--steps-per-beat", "0"]]
)
def test_wrong_usage(folder, arguments):
    result = inspect(folder, *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "cannot be used" in result.stderr or "not a metre" in result.stderr


def test_too_little_data_is_reported_and_code_3(tmp_path):
    save(tmp_path / "only.mid", 0)
    (tmp_path / "text.mid").write_text("no music")
    result = inspect(tmp_path)
    assert result.exit_code == 3
    assert "text.mid" in result.stdout
    assert "add more files" in result.stderr


@pytest.mark.parametrize("name", ["text.mid", None])
def test_nothing_usable_is_reported_and_code_3(tmp_path, name):
    if name:
        (tmp_path / name).write_text("no music")
    result = inspect(tmp_path)
    assert result.exit_code == 3
    assert str(tmp_path) in result.stdout.replace("\n", "")
    assert "Traceback" not in result.output
    report = json.loads(inspect(tmp_path, "--json").stdout)
    assert report["pieces"] == 0
    assert report["problem"]


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
