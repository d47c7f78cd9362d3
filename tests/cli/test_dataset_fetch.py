from __future__ import annotations

import json
import sys
from collections import Counter

import pytest
from click.testing import CliRunner

from composer.cli import dataset_fetch
from composer.cli.main import cli
from composer.domain import Rejection
from composer.domains.music import corpora


def run(*arguments: str):
    return CliRunner().invoke(cli, ["dataset", "fetch", *arguments])


@pytest.fixture
def asked(monkeypatch):
    """What ``export`` was asked for; it does nothing and reports twelve rejections."""
    calls = []

    def export(collection, directory, *, common_time, watch):
        calls.append((collection, directory.name, common_time))
        assert list(watch(["a"], 1, "writing")) == ["a"]
        rejections = [Rejection(f"{i}.abc", "it has no notes") for i in range(12)]
        return corpora.Export(Counter({"6/8": 1, "4/4": 2}), rejections, ["x.abc"])

    monkeypatch.setattr(corpora, "export", export)
    return calls


def test_the_names_are_those_of_the_collections():
    assert set(dataset_fetch.NAMES) == corpora.COLLECTIONS.keys()


def test_counts_go_to_stdout_and_rejections_to_stderr(tmp_path, asked):
    result = run("chorale", str(tmp_path / "out"))
    assert result.exit_code == 0, result.stderr
    assert result.stdout == f"{tmp_path / 'out'}: 3 pieces (4/4: 2, 6/8: 1)\n"
    assert "left out 9.abc: it has no notes" in result.stderr
    assert "and 2 more" in result.stderr
    assert asked == [(corpora.COLLECTIONS["chorale"], "out", False)]


def test_json_holds_every_rejection(tmp_path, asked):
    result = run("fiddle", str(tmp_path / "out"), "--common-time", "--json")
    report = json.loads(result.stdout)
    assert report["pieces"] == 3
    assert report["meters"] == {"4/4": 2, "6/8": 1}
    assert len(report["rejected"]) == 12
    assert report["repeats_not_expanded"] == ["x.abc"]
    assert asked[0][2]


def test_without_music21_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "music21", None)
    result = run("fiddle", str(tmp_path / "out"))
    assert result.exit_code == 3
    assert "pip install music21" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_corpus_is_wrong_usage(tmp_path):
    assert run("opera", str(tmp_path / "out")).exit_code == 2
