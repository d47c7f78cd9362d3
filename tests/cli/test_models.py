from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from composer import catalogue, checkpoint
from composer.cli import models as module
from composer.cli.main import cli
from composer.domains.art.settings import ArtSettings
from composer.domains.music.settings import MusicSettings

CARD = {
    "trained on": "tunes",
    "voices": 1,
    "figures": {"bar_distance": 0.01234},
    "keys": ["C", "G"],
}


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module, "BUNDLED", tmp_path / "bundled")
    return tmp_path


def save(directory, domain="music", settings=None):
    config = {"domain": domain, "settings": settings or {}, "card": CARD}
    checkpoint.save(directory, {"model": {}}, {"config": config})


def run(*arguments: str):
    result = CliRunner().invoke(cli, ["models", *arguments])
    assert result.exit_code == 0, result.stderr
    return result.stdout


def test_without_any_model_there_is_nothing_to_list():
    assert run() == ""


def test_cards_are_shown_in_words(here):
    save(here / "bundled" / "fiddle")
    assert run() == (
        "fiddle  (bundled, music, 0.0 MB)\n"
        "    makes: music\n"
        "    figures: bar distance 0.0123\n"
        "    keys: C, G\n"
        "    trained on: tunes\n"
        "    voices: 1\n"
    )


@pytest.mark.parametrize(
    ("domain", "settings", "words"),
    [
        ("music", MusicSettings(meter=(6, 8)), "MIDI in 6/8, 1 voice"),
        ("art", ArtSettings(kinds=("arcs", "knots")), "PNG in 4 colours; kinds: arcs, knots"),
        (
            "art",
            ArtSettings(slots=8, transparent=True),
            "PNG in 8 colours, some of it transparent; kinds: all",
        ),
        ("art", ArtSettings(slots=0), "PNG in all colours; kinds: all"),
    ],
)
def test_what_a_model_makes_is_told(here, domain, settings, words):
    save(here / "bundled" / "one", domain, settings.as_json())
    assert run().splitlines()[1] == f"    makes: {words}"
    assert json.loads(run("--json"))["makes"] == words


def test_json_has_one_object_a_model(here):
    save(here / "bundled" / "fiddle")
    save(here / "runs" / "done" / "model")
    save(here / "runs" / "going" / "checkpoints" / "7")
    checkpoint.publish(here / "runs" / "going", here / "runs" / "going" / "checkpoints" / "7")
    (here / "runs" / "begun").mkdir()
    found = [json.loads(line) for line in run("--json").splitlines()]
    assert [(one["name"], one["kind"]) for one in found] == [
        ("fiddle", "bundled"),
        ("runs/done", "trained"),
        ("runs/going", "unfinished"),
    ]
    assert found[2]["path"] == "runs/going/checkpoints/7"
    assert all(one["card"] == CARD for one in found)


def test_a_broken_model_does_not_hide_the_others(here):
    save(here / "bundled" / "fiddle")
    (here / "bundled" / "fiddle" / "config.json").write_text("{}")
    save(here / "runs" / "done" / "model")
    (here / "runs" / "lost").mkdir()
    (here / "runs" / "lost" / "latest").write_text("9")
    lines = run().splitlines()
    assert lines[0].startswith("fiddle  cannot be used: ")
    assert "config.json" in lines[0]
    assert lines[1] == "runs/done  (trained, music, 0.0 MB)"
    assert lines[-1].startswith("runs/lost  cannot be used: ")


@pytest.mark.parametrize(
    "directory", sorted(catalogue.BUNDLED.glob("*/")), ids=lambda path: path.name
)
def test_every_bundled_model_is_whole_small_and_has_its_card(directory):
    card = checkpoint.load(directory).documents["config"]["card"]
    assert {"name", "trained_on", "licence", "command"} <= card.keys()
    assert card["name"] == directory.name
    assert (directory / "card.md").read_text(encoding="utf-8").startswith("# ")
    assert sum(path.stat().st_size for path in directory.iterdir()) <= 8_000_000
