from __future__ import annotations

import io
import itertools
import json
import shutil
from pathlib import Path

import mido
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from composer import composing
from composer.cli import compose as module
from composer.cli.main import cli
from composer.domains.art.settings import ArtSettings
from composer.domains.music.settings import MusicSettings
from composer.gan.fragment_gan import GanConfig
from composer.model import ModelConfig, build, save_model


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """An untrained model in a run folder, as training would leave it."""
    made = build("music", MusicSettings(tempo=90.0).as_json(), ModelConfig())
    made.known = np.random.default_rng(0).integers(0, 38, (40, 1, 16)).astype(np.uint8)
    run = tmp_path_factory.mktemp("runs") / "tunes"
    save_model(made, run / "model")
    return str(run)


@pytest.fixture(scope="module")
def canvas(tmp_path_factory):
    """An untrained model of small pictures of two kinds."""
    settings = ArtSettings(tile=8, pixels=8, rows=4, columns=4, kinds=("arcs", "knots"))
    small = GanConfig(generator_width=8, discriminator_width=8)
    made = build("art", settings.as_json(), ModelConfig(gan=small))
    made.known = np.random.default_rng(0).integers(0, 4, (40, 8, 8)).astype(np.uint8)
    run = tmp_path_factory.mktemp("runs") / "tiles"
    save_model(made, run / "model")
    return str(run)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str):
    return CliRunner().invoke(cli, ["compose", *arguments])


def test_paths_go_to_stdout_and_the_seed_to_stderr(here, model):
    result = run("--model", model, "--bars", "2")
    assert result.exit_code == 0, result.stderr
    seed = result.stderr.split()[1]
    assert result.stdout.split() == [f"outputs/tunes-s{seed}.mid", f"outputs/tunes-s{seed}.png"]
    assert sorted(str(path.relative_to(here)) for path in here.glob("outputs/*")) == (
        result.stdout.split()
    )
    again = run("--model", model, "--bars", "2", "--seed", seed, "--out", "again")
    assert again.stderr == ""
    for path in (here / "again").iterdir():
        assert path.read_bytes() == (here / "outputs" / path.name).read_bytes()


def test_nothing_is_overwritten(here, model):
    (here / "outputs").mkdir()
    (here / "outputs" / "tunes-s7.txt").write_text("mine")
    options = ["--model", model, "--bars", "1", "--seed", "7"]
    names = [run(*options).stdout.split()[0] for _ in range(2)]
    assert names == ["outputs/tunes-s7-2.mid", "outputs/tunes-s7-3.mid"]
    assert (here / "outputs" / "tunes-s7.txt").read_text() == "mine"


def test_json_tells_what_was_made(here, model):
    options = ["--count", "2", "--bars", "3", "--seed", "7", "--novelty", "0.3", "--json"]
    music = ["--key", "A minor", "--tempo", "96", "--instrument", "flute", "--policy", "random"]
    result = run("--model", model, *options, *music)
    assert result.exit_code == 0, result.stderr
    first, second = (json.loads(line) for line in result.stdout.splitlines())
    assert first["paths"] == ["outputs/tunes-s7.mid", "outputs/tunes-s7.png"]
    assert (first["seed"], second["seed"]) == (7, 8)
    assert first["bars"] == sum(first["origins"].values()) == 3
    assert (first["key"], first["tempo"], first["instrument"]) == ("A minor", 96, "flute")
    assert 0 <= first["realism"] <= 1
    assert 0 <= first["novelty"] <= 1
    assert first["recipe"]["policy"] == "random"
    midi = mido.MidiFile(here / first["paths"][0])
    sounding = {
        message.note % 12 for track in midi.tracks for message in track if message.type == "note_on"
    }
    assert sounding <= {9, 11, 0, 2, 4, 5, 7}


@pytest.mark.parametrize("policy", ["agent", "resample", "greedy", "random", "first"])
def test_a_temperature_that_the_policy_does_not_look_at_is_named(here, model, policy):
    options = ["--model", model, "--bars", "4", "--seed", "7", "--policy", policy]
    told = run(*options, "--temperature", "0.5", "--out", "given").stderr.splitlines()
    assert run(*options, "--out", "usual").stderr == ""
    if policy in ("greedy", "random", "first"):
        assert told == [f"--temperature makes no difference to --policy {policy}"]
        images = [(here / out / "tunes-s7.png").read_bytes() for out in ("given", "usual")]
        rolls = [np.asarray(Image.open(io.BytesIO(image))) for image in images]
        assert np.array_equal(*rolls)
    else:
        assert told == []


def test_the_second_piece_is_the_first_of_the_next_seed(here, model):
    options = ["--model", model, "--bars", "2"]
    run(*options, "--seed", "7", "--count", "2", "--out", "both")
    run(*options, "--seed", "8", "--out", "one")
    both, one = here / "both" / "tunes-s8.mid", here / "one" / "tunes-s8.mid"
    assert both.read_bytes() == one.read_bytes()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--bars", "0"],
        ["--bars", "513"],
        ["--count", "0"],
        ["--seed", "-1"],
        ["--novelty", "1.5"],
        ["--novelty", "nan"],
        ["--key", "H"],
        ["--tempo", "nan"],
        ["--tempo", "5"],
        ["--instrument", "128"],
        ["--instrument", "violin,flute"],  # the model has one voice
        ["--max-copy", "0", "--data", "tunes"],
        ["--max-copy", "3", "--data", "tunes"],
        ["--max-copy", "10001", "--data", "tunes"],
        ["--max-copy", "six", "--data", "tunes"],
        ["--temperature", "0"],
        ["--policy", "best"],
        ["--size", "0x0"],
        ["--size", "64"],
        ["--size", "1e3x8"],
        ["--tiles", "4x-1"],
        ["--tiles", "1234567890x1"],
        ["--scale", "0"],
        ["--palette", "nonsense"],
        ["--palette", "#12345"],
        ["--margin", "-1"],
    ],
    ids=" ".join,
)
def test_a_wrong_value_is_refused_before_anything_is_loaded(here, monkeypatch, arguments):
    monkeypatch.setattr("composer.model.load_model", lambda _: pytest.fail("the model was loaded"))
    result = run(*arguments)
    assert result.exit_code == 2, result.stderr
    assert arguments[1] in result.stderr
    assert list(here.iterdir()) == []


def refused(monkeypatch, *arguments: str):
    """The sentence with which an option is refused; neither networks nor folders come into it."""
    monkeypatch.setattr("composer.model.load_model", lambda _: pytest.fail("the model was loaded"))
    result = run(*arguments)
    assert result.exit_code == 2, result.stderr
    assert result.stdout == ""
    assert not Path("outputs").exists()
    return result.stderr


@pytest.mark.usefixtures("here")
def test_an_option_of_the_other_domain_is_refused(monkeypatch, model, canvas):
    assert refused(monkeypatch, "--model", canvas, "--bars", "16") == (
        "composer: --bars is for music; tiles makes pictures\n"
    )
    for option in (["--max-copy", "6"], ["--data", "tunes"]):
        sentence = f"composer: {option[0]} is for music; tiles makes pictures\n"
        assert refused(monkeypatch, "--model", canvas, *option) == sentence
    assert refused(monkeypatch, "--model", model, "--tileable") == (
        "composer: --tileable is for pictures; tunes makes music\n"
    )


@pytest.mark.usefixtures("here")
def test_how_much_and_what_not_to_copy_go_together(monkeypatch, model):
    assert refused(monkeypatch, "--model", model, "--max-copy", "6") == (
        "composer: --max-copy needs --data, the folder of MIDI files that is not to be copied\n"
    )
    assert refused(monkeypatch, "--model", model, "--data", "tunes") == (
        "composer: --data says what not to copy, but not how much of it: add --max-copy, as in 8\n"
    )


def test_a_folder_without_music_is_named(here, model):
    (here / "empty").mkdir()
    (here / "texts").mkdir()
    (here / "texts" / "a.mid").write_text("no music")
    for folder, message in (
        ("missing", "cannot read the folder 'missing'"),
        ("empty", "there is no music (.mid, .midi) below 'empty'"),
        ("texts", "none of the 1 MIDI files below 'texts' can be used, e.g. a.mid: not a MIDI"),
    ):
        result = run("--model", model, "--max-copy", "6", "--data", folder)
        assert (result.exit_code, result.stdout) == (3, "")
        assert message in result.stderr
    assert not any((here / "outputs").iterdir())


@pytest.mark.parametrize(
    "arguments",
    [
        ["--size", "100000x100000"],
        ["--tiles", "100000x100000"],
        ["--layout", "nowhere.png"],
        ["--layout", "damaged.png"],
        ["--kind", "clouds"],
        ["--palette", "#000,#888,#fff"],
    ],
    ids=" ".join,
)
def test_what_the_model_of_pictures_cannot_do_is_refused(here, monkeypatch, canvas, arguments):
    (here / "damaged.png").write_bytes(b"no picture")
    assert "composer: " in refused(monkeypatch, "--model", canvas, *arguments)


def test_pictures_are_composed_as_the_options_say(here, canvas):
    options = ["--tiles", "3x2", "--scale", "2", "--palette", "#000,#f00,#0ff,#fff", "--kind"]
    result = run("--model", canvas, *options, "knots", "--seed", "7", "--explain", "--json")
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    assert (told["tiles"], told["size"], told["tileable"], told["kind"]) == (
        [3, 2],
        None,
        False,
        "knots",
    )
    assert "bars" not in told
    assert sum(told["origins"].values()) == 6
    assert len(told["paths"]) == 2
    with Image.open(here / told["paths"][0]) as picture:
        assert picture.size == (3 * 8 * 2, 2 * 8 * 2)


def test_a_map_of_origins_keeps_its_name_too(here, canvas):
    (here / "outputs").mkdir()
    (here / "outputs" / "tiles-s7-origins.png").write_text("mine")
    result = run("--model", canvas, "--tiles", "2x2", "--seed", "7", "--explain")
    assert result.stdout.split() == ["outputs/tiles-s7-2.png", "outputs/tiles-s7-2-origins.png"]
    assert (here / "outputs" / "tiles-s7-origins.png").read_text() == "mine"


def test_the_help_tells_whose_options_are_whose():
    text = run("--help").stdout
    heads = ["\nOptions:\n", "\nOptions for music:\n", "\nOptions for pictures:\n", "Examples:"]
    places = [text.index(part) for part in heads]
    assert places == sorted(places)
    common, music, art = (text[a:b] for a, b in itertools.pairwise(places))
    assert "--policy" in common
    assert "--help" in common
    assert "--bars" in music
    assert "--palette" in art


@pytest.mark.usefixtures("here")
def test_an_unknown_model_is_named():
    result = run("--model", "runs/none")
    assert result.exit_code == 4
    assert "runs/none" in result.stderr


def test_a_damaged_model_is_named(here, model):
    shutil.copytree(f"{model}/model", here / "cut")
    weights = here / "cut" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    result = run("--model", "cut")
    assert result.exit_code == 4
    assert "model.safetensors" in result.stderr


@pytest.mark.parametrize("out", ["file", "file/folder"])
def test_an_out_that_cannot_be_a_folder_is_refused(here, out):
    (here / "file").write_text("mine")
    result = run("--out", out)
    assert result.exit_code == 2
    assert "file" in result.stderr
    assert (here / "file").read_text() == "mine"


@pytest.mark.parametrize(
    ("model", "label"),
    [
        ("fiddle", "fiddle"),
        ("runs/x", "x"),
        ("runs/x/", "x"),
        ("runs/x/model", "x"),
        ("runs/x/checkpoints/120", "x-120"),
    ],
)
def test_files_carry_the_name_of_the_run(model, label):
    assert module.model_label(model) == label


def test_the_policies_are_those_of_composing():
    assert module.POLICIES == composing.POLICIES
