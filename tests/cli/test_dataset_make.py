from __future__ import annotations

import pytest
from click.testing import CliRunner

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


def test_a_missing_folder_is_told():
    result = run("out")
    assert result.exit_code == 3
    assert "--from" in result.stderr
