from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from composer import checkpoint, training
from composer.cli import train as module
from composer.cli.main import cli
from composer.domain import domain_class, domain_ids
from composer.domains.music.midi import Part, write_midi

MUSIC = domain_class("music").presets()


@pytest.fixture(scope="module")
def tunes(tmp_path_factory):
    """Twenty scales of sixteen bars, each another walk."""
    folder = tmp_path_factory.mktemp("tunes")
    rng = np.random.default_rng(0)
    scale = np.array([60, 62, 64, 65, 67, 69, 71, 72])
    for number in range(20):
        pitches = scale[np.abs(rng.integers(-1, 2, 64).cumsum()) % 8]
        starts = np.arange(64) * 4
        notes = np.stack([starts, np.full(64, 4), pitches, np.full(64, 80)], axis=1)
        write_midi(
            folder / f"{number}.mid",
            [Part("Melody", 0, notes)],
            steps_per_beat=4,
            tempo=100,
            meter=(4, 4),
            key="C",
            steps=256,
        )
    return folder


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Twelve pictures of 64x64, each with other blocks of four colours."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    colours = np.array([[20, 20, 40], [200, 60, 50], [120, 190, 200], [250, 245, 230]], np.uint8)
    for number in range(12):
        blocks = colours[rng.integers(0, 4, (16, 16))]
        Image.fromarray(blocks.repeat(4, 0).repeat(4, 1)).save(folder / f"{number}.png")
    return folder


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


class FakeTraining:
    """Stands in for ``training.train``: keeps how it was called and leaves a checkpoint."""

    def __init__(self, signals=()):
        self.calls = []
        self.signals = signals

    def __call__(self, store, run, config, *, resume, watcher, stop):
        self.calls.append((run, config, resume))
        watcher.phase("learning", 2)
        watcher.step(1, {"loss": 0.5})
        watcher.round({"total": 0.25})
        for number in self.signals:
            os.kill(os.getpid(), number)
        place = run / "checkpoints" / "1"
        checkpoint.save(place, {}, {"config": {"domain": store.domain_id}})
        checkpoint.publish(run, place)
        return training.TrainingResult(not stop(), place)


@pytest.fixture
def fake(monkeypatch):
    made = FakeTraining()
    monkeypatch.setattr(training, "train", made)
    return made


def run(*arguments: str | Path):
    return CliRunner().invoke(cli, ["train", *map(str, arguments)])


@pytest.mark.usefixtures("here")
def test_it_prints_the_model_and_how_to_go_on(tunes, fake):
    result = run(tunes, "--out", "runs/x", "--preset", "debug", "--seed", "3")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "runs/x/model\n"
    assert result.stderr.endswith("composer compose --model runs/x\n")
    assert "total 0.25" in result.stderr
    [(path, config, resume)] = fake.calls
    assert (path, config.seed, resume) == (Path("runs/x"), 3, False)
    assert config.rounds == MUSIC["debug"].rounds


@pytest.mark.usefixtures("here", "fake")
def test_the_run_is_named_for_the_folder_unless_told(tunes):
    assert run(tunes).stdout.startswith(f"runs/{tunes.name}/")


def test_an_old_run_is_never_overwritten(here, tunes, fake):
    (here / "runs" / "x").mkdir(parents=True)
    (here / "runs" / "x" / "mine").write_text("mine")
    (here / "runs" / "x-2").write_text("a file")
    result = run(tunes, "--out", "runs/x")
    assert fake.calls[0][0] == Path("runs/x-3")
    assert "runs/x exists and stays as it is; this run is runs/x-3" in result.stderr
    assert [path.name for path in (here / "runs" / "x").iterdir()] == ["mine"]


def test_resume_goes_on_as_the_run_was_started(here, tunes, fake):
    run(tunes, "--out", "runs/x", "--preset", "quick", "--seed", "5", "--meter", "4/4")
    result = run(tunes, "--out", "runs/x", "--resume", "--meter", " 4/4")
    assert result.exit_code == 0, result.stderr
    path, config, resume = fake.calls[1]
    assert (path, config.seed, resume) == (Path("runs/x"), 5, True)
    assert config.rounds == MUSIC["quick"].rounds
    assert [path.name for path in (here / "runs").iterdir()] == ["x"]


@pytest.mark.usefixtures("here", "fake")
def test_resume_goes_on_with_as_many_threads(tunes, monkeypatch):
    told = []
    monkeypatch.setattr("torch.set_num_threads", told.append)
    run(tunes, "--out", "runs/x", "--threads", "2")
    assert run(tunes, "--out", "runs/x", "--resume").exit_code == 0
    assert told == [2, 2]
    result = run(tunes, "--out", "runs/x", "--resume", "--threads", "1")
    assert result.exit_code == 2
    assert "runs/x was started with --threads 2" in result.stderr


@pytest.mark.usefixtures("here")
def test_resume_with_other_settings_says_which(tunes, fake):
    run(tunes, "--out", "runs/x", "--preset", "quick")
    result = run(tunes, "--out", "runs/x", "--resume", "--preset", "debug", "--voices", "1")
    assert result.exit_code == 2
    assert "runs/x was started with --preset quick, --voices auto" in result.stderr
    assert len(fake.calls) == 1


@pytest.mark.usefixtures("here")
def test_resume_with_other_files_is_refused(tunes, fake, tmp_path):
    run(tunes, "--out", "runs/x")
    fewer = tmp_path / "fewer"
    fewer.mkdir()
    for path in sorted(tunes.iterdir())[:-1]:
        (fewer / path.name).write_bytes(path.read_bytes())
    result = run(fewer, "--out", "runs/x", "--resume")
    assert result.exit_code == 3
    assert "not those that runs/x was trained on" in result.stderr
    assert len(fake.calls) == 1


def test_resume_needs_a_run_with_a_checkpoint(here, tunes, fake):
    assert run(tunes, "--out", "runs/x", "--resume").exit_code == 4
    (here / "runs" / "x").mkdir(parents=True)
    result = run(tunes, "--out", "runs/x", "--resume")
    assert result.exit_code == 4
    assert "latest is missing" in result.stderr
    assert fake.calls == []


@pytest.mark.parametrize("content", [None, b"", b"{}", b"[]", b"\xff", b'{"settings": {"a": 1}}'])
@pytest.mark.usefixtures("fake")
def test_resume_names_a_damaged_record(here, tunes, content):
    run(tunes, "--out", "runs/x")
    record = here / "runs" / "x" / "run.json"
    record.unlink() if content is None else record.write_bytes(content)
    result = run(tunes, "--out", "runs/x", "--resume")
    assert result.exit_code == 4
    assert "runs/x/run.json is missing, damaged or of another version" in result.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.usefixtures("here")
def test_a_signal_saves_and_stops(monkeypatch, tunes, number, code):
    monkeypatch.setattr(training, "train", FakeTraining([number]))
    before = signal.getsignal(number)
    result = run(tunes, "--out", "runs/x")
    assert result.exit_code == code
    assert result.stdout == ""
    assert "saved to runs/x/checkpoints/1" in result.stderr
    assert "--out runs/x --resume" in result.stderr
    assert signal.getsignal(number) is before


def test_a_second_signal_stops_at_once(here, monkeypatch, tunes):
    monkeypatch.setattr(training, "train", FakeTraining([signal.SIGINT, signal.SIGTERM]))
    assert run(tunes, "--out", "runs/x").exit_code == 143
    assert not (here / "runs" / "x" / "latest").exists()


def test_a_dry_run_tells_all_and_writes_nothing(here, tunes, fake):
    result = run(tunes, "--dry-run", "--preset", "debug")
    assert result.exit_code == 0, result.stderr
    plan = json.loads(result.stdout)
    assert sum(plan["pieces"].values()) == 20
    assert sum(plan["fragments"].values()) == 20 * 16
    assert plan["domain"]["meter"] == [4, 4]
    assert plan["settings"]["preset"] == "debug"
    assert plan["training"]["rounds"] == MUSIC["debug"].rounds
    assert fake.calls == []
    assert list(here.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["nowhere"], 3),
        (["empty"], 3),
        (["empty", "--meter", "4/5"], 2),
        (["empty", "--voices", "5"], 2),
        (["empty", "--steps-per-beat", "0"], 2),
        (["empty", "--threads", "0"], 2),
        (["empty", "--preset", "best"], 2),
        (["empty", "--colours", "5"], 2),
        (["empty", "--tile", "0"], 2),
        (["empty", "--domain", "film"], 2),
        (["empty", "--domain", "art"], 3),
        ([], 2),
    ],
    ids=str,
)
def test_what_cannot_be_used_is_refused_and_makes_nothing(here, fake, arguments, code):
    (here / "empty").mkdir()
    result = run(*arguments)
    assert result.exit_code == code
    assert "Traceback" not in result.stderr
    assert [path.name for path in here.iterdir()] == ["empty"]
    assert fake.calls == []


def test_an_out_below_a_file_is_refused(here, tunes, fake):
    (here / "file").write_text("mine")
    result = run(tunes, "--out", "file/x")
    assert result.exit_code == 2
    assert "cannot make the folder 'file'" in result.stderr
    assert fake.calls == []


@pytest.mark.parametrize("domain", domain_ids())
def test_every_domain_has_the_presets(domain):
    assert tuple(domain_class(domain).presets()) == module.PRESETS


def test_the_domain_is_recognised_and_recorded(here, pictures, fake):
    result = run(pictures, "--out", "runs/y", "--colours", "4", "--tile", "8")
    assert result.exit_code == 0, result.stderr
    [(_, config, _)] = fake.calls
    assert config.rounds == domain_class("art").presets()["standard"].rounds
    record = json.loads((here / "runs" / "y" / "run.json").read_text())
    assert record["settings"] == {
        "preset": "standard",
        "seed": 0,
        "precision": "float32",
        "threads": 1,
        "domain": "art",
        "colours": "4",
        "tile": 8,
    }


@pytest.mark.parametrize("able", [{"amx_bf16": True}, {"avx512_bf16": True}, {"avx2": True}])
def test_bfloat16_is_for_processors_that_have_it(here, pictures, fake, monkeypatch, able):
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: able)
    result = run(pictures, "--out", "runs/y", "--precision", "bfloat16")
    if "avx2" in able:
        assert result.exit_code == 2
        assert "does not compute in bfloat16: leave out --precision" in result.stderr
        assert not (here / "runs").exists()
    else:
        [(_, config, _)] = fake.calls
        assert config.model.gan.bfloat16


@pytest.mark.usefixtures("here")
def test_a_mixed_folder_needs_a_domain(tunes, pictures, fake, tmp_path):
    for path in [*sorted(tunes.iterdir()), *sorted(pictures.iterdir())]:
        (tmp_path / path.name).write_bytes(path.read_bytes())
    result = run(tmp_path, "--dry-run")
    assert result.exit_code == 2
    assert "20 of music (.mid)" in result.stderr
    assert "12 of pictures (.png)" in result.stderr
    assert "add --domain art or --domain music" in result.stderr
    for domain, pieces in (("music", 20), ("art", 12)):
        plan = json.loads(run(tmp_path, "--dry-run", "--domain", domain).stdout)
        assert plan["domain"]["id"] == plan["settings"]["domain"] == domain
        assert sum(plan["pieces"].values()) == pieces
    assert fake.calls == []


def test_an_option_of_the_other_domain_is_refused(here, tunes, pictures, fake):
    for arguments, sentence in [
        ([pictures, "--meter", "4/4"], f"--meter is for music; '{pictures}' is read as pictures"),
        ([tunes, "--colours", "4"], f"--colours is for pictures; '{tunes}' is read as music"),
        ([pictures, "--tile", "16", "--domain", "music"], "--tile is for pictures"),
    ]:
        result = run(*arguments)
        assert result.exit_code == 2
        assert sentence in result.stderr
    assert list(here.iterdir()) == []
    assert fake.calls == []


@pytest.mark.usefixtures("here")
def test_a_run_of_pictures_resumes_as_it_was_started(pictures, fake):
    run(pictures, "--out", "runs/y", "--preset", "quick", "--tile", "8")
    assert run(pictures, "--out", "runs/y", "--resume", "--domain", "art").exit_code == 0
    assert fake.calls[1][2]
    for arguments, sentence in [
        (["--domain", "music"], "runs/y was started with --domain art"),
        (["--voices", "1"], "--voices is for music; runs/y learns from pictures"),
        (["--colours", "8"], "runs/y was started with --colours by default"),
    ]:
        result = run(pictures, "--out", "runs/y", "--resume", *arguments)
        assert result.exit_code == 2
        assert sentence in result.stderr
    assert len(fake.calls) == 2
