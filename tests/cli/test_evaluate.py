from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from composer.cli import evaluate as module
from composer.cli.main import cli
from composer.cli.naming import free_file
from composer.critics import CriticConfig
from composer.domains.art import yardstick as art
from composer.domains.art.settings import ArtSettings
from composer.domains.music.midi import Part, midi_bytes
from composer.domains.music.settings import MusicSettings
from composer.dqn.agent import AgentConfig
from composer.dqn.network import ValueConfig
from composer.evaluation import columns, yardstick
from composer.evaluation.classifiers import JudgeConfig
from composer.gan.fragment_gan import GanConfig
from composer.model import ModelConfig, build, save_model
from composer.stage import CandidateConfig

QUICK = replace(JudgeConfig(), folds=2, width=4, hidden=8, epochs=1, penalties=(0.1,))
TINY = ModelConfig(
    gan=GanConfig(latent=4, generator_width=8, discriminator_width=8),
    critics=CriticConfig(embedding=8, hidden=8),
    agent=AgentConfig(network=ValueConfig(8, 8, 4)),
    candidates=CandidateConfig(fresh=2, guided=1, vary=1),
)
SMALL = ["--count", "10", "--seeds", "1"]
SCALE = np.array([60, 62, 64, 65, 67, 69, 71, 72])


@pytest.fixture(autouse=True)
def quick(monkeypatch, tmp_path):
    monkeypatch.setattr(columns, "JudgeConfig", lambda: QUICK)
    monkeypatch.setattr(yardstick, "FRAGMENTS", 50)
    monkeypatch.setattr(module, "SHOWN", 2)
    monkeypatch.chdir(tmp_path)


def write_tunes(folder: Path, count: int, first: int = 0) -> list[str]:
    folder.mkdir(exist_ok=True)
    for number in range(first, first + count):
        pitches = np.random.default_rng(number).choice(SCALE, size=32)
        notes = np.stack((np.arange(32) * 4, np.full(32, 4), pitches, np.full(32, 80)), axis=1)
        part = Part("melody", 0, notes)
        data = midi_bytes([part], steps_per_beat=4, tempo=96, meter=(4, 4), key="C")
        (folder / f"{number}.mid").write_bytes(data)
    return [str(path) for path in sorted(folder.iterdir())]


def short_tunes(folder: Path) -> list[str]:
    files = write_tunes(folder, 12)
    for number, file in enumerate(files):
        notes = np.array([[4 * at, 4, 60 + (at * (number + 1)) % 12, 80] for at in range(16)])
        part = Part("melody", 0, notes)
        Path(file).write_bytes(
            midi_bytes([part], steps_per_beat=4, tempo=96, meter=(4, 4), key="C")
        )
    return files


@pytest.fixture(scope="module")
def tunes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("people") / "tunes"
    write_tunes(folder, 80)
    return str(folder)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("people") / "pictures"
    folder.mkdir()
    for number in range(72):
        cells = np.random.default_rng(number).integers(4, size=(32, 32), dtype=np.uint8)
        Image.fromarray(cells * 85).save(folder / f"{number}.png")
    return str(folder)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Untrained, of pieces of four bars."""
    settings = MusicSettings(bars=4, lows=(60,), pitches=14)
    made = build("music", settings.as_json(), TINY)
    made.known = np.random.default_rng(0).integers(0, 16, (40, 1, 16)).astype(np.uint8)
    save_model(made, tmp_path_factory.mktemp("runs") / "mine" / "model")
    return str(next(tmp_path_factory.getbasetemp().glob("runs*/mine")))


@pytest.fixture(scope="module")
def canvas(tmp_path_factory):
    settings = ArtSettings(tile=8, pixels=8, rows=4, columns=4)
    made = build("art", settings.as_json(), TINY)
    made.known = np.random.default_rng(0).integers(0, 4, (40, 8, 8)).astype(np.uint8)
    save_model(made, tmp_path_factory.mktemp("runs") / "tiles" / "model")
    return str(next(tmp_path_factory.getbasetemp().glob("runs*/tiles")))


def run(*arguments: str):
    return CliRunner().invoke(cli, ["evaluate", *arguments])


def test_a_model_gets_a_page_with_a_table_plots_and_pieces(model, tunes):
    result = run(model, "--data", tunes, *SMALL)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "outputs/mine-report.html\n"
    assert "only 0% of what the model learnt from is in the training part" in result.stderr
    text = Path("outputs/mine-report.html").read_text()
    assert text.count("data:image/svg+xml") == 3
    assert text.count("data:image/png") == 2
    for words in ("AUC of the stronger judge", "Markov, order 2", "seed 1", "RL Tuner: not in key"):
        assert words in text
    assert [path.name for path in Path("outputs").iterdir()] == ["mine-report.html"]


def test_the_same_is_found_again_and_nothing_is_overwritten(model, tunes):
    options = ["--data", tunes, *SMALL, "--report", "deep/mine.html", "--json"]
    first, second = (json.loads(run(model, *options).stdout) for _ in range(2))
    assert (first.pop("report"), second.pop("report")) == ("deep/mine.html", "deep/mine-2.html")
    assert first == second
    pages = [Path(f"deep/mine{end}.html").read_bytes() for end in ("", "-2")]
    assert pages[0] == pages[1]
    assert list(first)[:4] == ["format", "title", "headline", "subject"]
    assert list(first["columns"]) == [
        *("people", "agent", "resample", "greedy", "random", "first"),
        *("best of 12", "Markov, order 2", "n-gram, order 12"),
    ]
    rows = {tuple(column) for column in first["columns"].values()}
    assert len(rows) == 1
    assert {
        "Vendi score",
        "groove similarity",
        "novelty of fragments",
        "overlapped area: groove similarity",
        "divergence of distances: groove similarity",
    } <= set(rows.pop())
    assert first["columns"]["Markov, order 2"]["fragments seen in training"]["value"] == 1


def test_the_dial_is_added_to_the_page_and_the_terminal(model, tunes):
    result = run(model, "--data", tunes, *SMALL, "--dial")
    assert result.exit_code == 0, result.stderr
    path, head, *lines = result.stdout.splitlines()
    assert path == "outputs/mine-report.html"
    assert head.split()[0] == "dial"
    assert len(lines) == 1 + 11 + 1
    assert "composing along the dial" in result.stderr
    text = Path(path).read_text()
    assert text.count("data:image/svg+xml") == 4
    assert "<h2>The novelty dial</h2>" in text


def test_pictures_are_evaluated_too(canvas, pictures, monkeypatch):
    monkeypatch.setattr(art, "CROPS", 60)
    result = run(canvas, "--data", pictures, *SMALL, "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert "crops: coverage" in found["columns"]["agent"]
    assert list(found["columns"])[-2:] == ["border matching", "quilting"]


def test_files_are_evaluated_and_those_that_cannot_be_are_named(tunes, tmp_path):
    files = write_tunes(tmp_path / "made", 12, first=500)
    (tmp_path / "made" / "x.mid").write_bytes(b"no music")
    result = run("--files", *short_tunes(tmp_path / "short"), "--data", tunes)
    assert result.exit_code == 3
    assert "0.mid: too short or too small, 8 bars are compared" in result.stderr
    result = run("--files", *files, str(tmp_path / "made" / "x.mid"), "--data", tunes, "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert list(found["columns"]) == ["people", "files", "Markov, order 2", "n-gram, order 12"]
    assert found["report"] == "outputs/files-report.html"
    (note,) = found["notes"]
    assert "made/x.mid: " in note


def test_without_matplotlib_the_table_still_comes(model, tunes, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = run(model, "--data", tunes, *SMALL)
    assert result.exit_code == 0, result.stderr
    assert "pip install 'composer[report]'" in result.stderr
    text = Path("outputs/mine-report.html").read_text()
    assert "AUC of the stronger judge" in text
    assert "image/svg" not in text


def test_bad_input_is_one_sentence(model, tunes, pictures, tmp_path):
    few, made = tmp_path / "few", tmp_path / "made"
    write_tunes(few, 20)
    files = write_tunes(made, 3)
    (tmp_path / "no.mid").write_bytes(b"no music")
    (tmp_path / "no.txt").write_bytes(b"no music")
    cases = [
        (["nothing", "--data", tunes], 4, "there is no model 'nothing'"),
        ([model, "--data", "nowhere"], 3, "cannot read the folder 'nowhere'"),
        ([model, "--data", pictures], 3, "holds pictures, but mine makes music"),
        ([model, "--data", str(few)], 3, "too few pieces to judge by"),
        ([model, model, "--data", tunes], 2, "one model at a time, not 2"),
        (["--files", *files, "--data", tunes, "--seeds", "2"], 2, "leave it out with --files"),
        (["--files", *files, "--data", tunes, "--dial"], 2, "--dial says how a model composes"),
        (["--files", "no.mid", "--data", tunes], 3, "none of the 1 MIDI files can be used"),
        (["--files", "no.txt", "--data", tunes], 3, "'no.txt' is neither pictures"),
        (["--files", "gone.mid", "--data", tunes], 3, "there is no file 'gone.mid'"),
        (["--files", *files, "--data", pictures], 3, "holds pictures, but the files are music"),
        (["--files", *files, "--data", tunes], 3, "too few pieces to judge"),
        ([model, "--data", tunes, "--report", "no.mid/x.html"], 2, "cannot make the folder"),
    ]
    for arguments, code, words in cases:
        result = run(*arguments)
        assert result.exit_code == code, (arguments, result.stderr)
        assert words in result.stderr
        assert result.stderr.strip().count("\n") == 0
        assert result.stdout == ""
    assert not list(tmp_path.glob("outputs/*"))


def test_an_interrupt_leaves_nothing_behind(model, tunes, tmp_path):
    arguments = ["-m", "composer", "evaluate", model, "--data", tunes, "--count", "5000"]
    process = subprocess.Popen([sys.executable, *arguments], stderr=subprocess.PIPE, text=True)
    assert "only 0% of what the model learnt from" in process.stderr.readline()
    assert "composing" in process.stderr.readline()
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors.strip() == "stopped"
    assert not list(tmp_path.glob("outputs/*"))


def test_a_free_name_is_found(tmp_path):
    page = tmp_path / "my.report.html"
    assert free_file(page) == page
    page.touch()
    (tmp_path / "my.report-2.html").symlink_to("nowhere")
    assert free_file(page).name == "my.report-3.html"
