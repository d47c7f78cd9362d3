"""The command: lines for people, one object for programs, a sentence where nothing can be said."""

import json
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from composer.cli.main import cli
from composer.domains.music.midi import Part, write_midi


def originality(*arguments):
    return CliRunner().invoke(cli, ["originality", *map(str, arguments)])


def save(path, seed, count=40, transpose=0):
    rng = np.random.default_rng(seed)
    lengths = rng.choice([2, 4], size=count)
    starts = np.cumsum(lengths) - lengths
    pitches = rng.integers(55, 80, count) + transpose
    columns = [starts, lengths, pitches, np.full(count, 80)]
    part = Part("melody", 0, np.stack(columns, axis=1))
    write_midi(path, [part], steps_per_beat=4, tempo=100, meter=(4, 4), key="G")
    return path


def paint(path, seed):
    rng = np.random.default_rng(seed)
    colours = np.array([[20, 20, 40], [200, 60, 50], [120, 190, 200], [250, 245, 230]], np.uint8)
    Image.fromarray(colours[rng.integers(0, 4, (64, 64))]).save(path)
    return path


@pytest.fixture(scope="module")
def tunes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tunes")
    for seed in range(5):
        save(folder / f"tune{seed}.mid", seed)
    return folder


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    for seed in range(5):
        paint(folder / f"{seed}.png", seed)
    return folder


def lines(result):
    assert result.exit_code == 0, result.stderr
    return [" ".join(line.split()) for line in result.stdout.splitlines()]


def test_a_copied_tune_for_people(tmp_path, tunes):
    piece = save(tmp_path / "x.mid", 3, transpose=-2)
    assert lines(originality(piece, "--data", tunes)) == [
        f"piece {piece}: 40 notes",
        f"compared with {tunes}: 5 tunes of 5 works",
        "longest copy 40 notes, from bar 1: as in tune3.mid bar 1, 2 semitones lower",
        "nine notes 100% of all nine in a row are in the folder",
        "human tunes longest copy median 3 (2 to 3) notes; nine notes median 0% (0% to 0%)",
        "verdict copied more than usual: 0% of 5 human works copy as much or more",
    ]


def test_a_new_tune_for_people(tmp_path, tunes):
    (tmp_path / "data").mkdir()
    for seed in range(2):
        save(tmp_path / "data" / f"same{seed}.mid", 0)
    (tmp_path / "data" / "text.mid").write_text("no music")
    shown = lines(originality(save(tmp_path / "x.mid", 50), "--data", tmp_path / "data"))
    assert shown[1].endswith("2 tunes of 1 work; 1 file cannot be read")
    assert "and in 1 other tune" in shown[2]
    assert shown[-1] == "verdict unknown: what is normal takes at least two works to compare"
    shown = lines(originality(save(tmp_path / "y.mid", 51), "--data", tunes))
    assert shown[-1].startswith("verdict not unusual: ")


def test_music_as_json(tmp_path, tunes):
    piece = save(tmp_path / "x.mid", 3)
    result = originality(piece, "--data", tunes, "--json")
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert (report["file"], report["data"], report["domain"]) == (str(piece), str(tunes), "music")
    assert report["longest_run"]["source"] == "tune3.mid"
    assert report["copied"] == 1
    assert report["human"]["pieces"] == 5


def test_a_picture_for_people_and_as_json(tmp_path, pictures):
    picture = paint(tmp_path / "x.png", 2)
    shown = lines(originality(picture, "--data", pictures))
    assert shown[:4] == [
        f"picture {picture}: 4 x 4 tiles, 16 not of one colour",
        f"compared with {pictures}: 5 pictures of 5 works",
        "longest copy 4 tiles across from row 1, column 1: as in 2.png row 1, column 1, as it is",
        "tiles 100% are in the folder, or nearly",
    ]
    assert shown[4].endswith(": as in 2.png row 1, column 1, as it is; distance 0.00 (0 is equal)")
    assert shown[-1] == "verdict a copy: it is 2.png"
    report = json.loads(originality(picture, "--data", pictures, "--json", "--tile", 8).stdout)
    assert report["same_as"] == "2.png"
    assert (report["domain"], report["rows"], report["columns"]) == ("art", 8, 8)
    shown = lines(originality(paint(tmp_path / "y.png", 70), "--data", pictures))
    assert shown[2] == "longest copy no tile"


def test_failures_are_a_sentence_and_a_code(tmp_path, tunes, pictures):
    piece, picture = save(tmp_path / "x.mid", 0), paint(tmp_path / "x.png", 0)
    (tmp_path / "text.mid").write_text("no music")
    (tmp_path / "empty").mkdir()
    for arguments, code, message in (
        ((tmp_path / "missing.mid", "--data", tunes), 3, "No such file"),
        ((tmp_path / "text.mid", "--data", tunes), 3, "not a MIDI file"),
        ((save(tmp_path / "few.mid", 0, 7), "--data", tunes), 3, "7 notes"),
        ((tmp_path / "x.txt", "--data", tunes), 3, "neither pictures"),
        ((piece, "--data", tmp_path / "missing"), 3, "cannot read the folder"),
        ((piece, "--data", tmp_path / "empty"), 3, "no music"),
        ((piece, "--data", pictures), 3, "no music"),
        ((picture, "--data", tunes), 3, "no picture"),
        ((picture, "--data", pictures, "--steps-per-beat", 4), 2, "--steps-per-beat is for music"),
        ((piece, "--data", tunes, "--tile", 8), 2, "--tile is for pictures"),
        ((piece, "--data", tunes, "--steps-per-beat", 0), 2, "steps-per-beat"),
        ((piece,), 2, "--data"),
    ):
        result = originality(*arguments)
        assert (result.exit_code, result.stdout) == (code, ""), arguments
        assert message in result.stderr
        assert "Traceback" not in result.stderr


@pytest.mark.parametrize("domain", ["music", "art"])
def test_no_network_is_loaded(tmp_path, tunes, pictures, domain):
    file, folder = {
        "music": (save(tmp_path / "x.mid", 0), tunes),
        "art": (paint(tmp_path / "x.png", 0), pictures),
    }[domain]
    script = (
        "import sys\n"
        "from composer.cli.main import cli\n"
        f"cli(['originality', {str(file)!r}, '--data', {str(folder)!r}], standalone_mode=False)\n"
        "assert not {'torch', 'gymnasium', 'rich'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
