"""``compose --max-copy`` keeps its promise, as ``originality`` sees it, with the bundled models."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from composer.cli.main import cli
from composer.composing import POLICIES
from composer.domains.music.write import read_recipe

MELODIES = Path(__file__).parents[2] / "datasets" / "melodies"
LIMIT = 6
OPTIONS = ("--seed", "3", "--count", "2", "--tempo", "90", "--instrument", "flute")
GRIDS = {"fiddle": "4", "chorale": "2"}


def composed(out: Path, *arguments: str) -> list[Path]:
    """The MIDI files that are composed into a folder."""
    result = CliRunner().invoke(cli, ["compose", *OPTIONS, "--out", str(out), *arguments])
    assert result.exit_code == 0, result.stderr
    return [Path(path) for path in result.stdout.split() if path.endswith(".mid")]


def longest(piece: Path, folder: Path, model: str) -> int:
    """Notes of the longest copy by the certificate, on the grid of the model."""
    grid = ["--steps-per-beat", GRIDS[model]]
    arguments = ["originality", str(piece), "--data", str(folder), "--json", *grid]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)["longest_run"]["notes"]


@pytest.fixture(scope="module", params=GRIDS)
def known(request, tmp_path_factory):
    """A model, a folder of tunes, and what it composes of each policy when it is free.

    Those pieces are in the folder, too: there is much that the model would copy.
    """
    model, folder = request.param, tmp_path_factory.mktemp("known")
    for path in MELODIES.glob("*.mid"):
        shutil.copy(path, folder)
    free = {
        policy: composed(folder / policy, "--model", model, "--policy", policy)
        for policy in POLICIES
    }
    return model, folder, free


@pytest.mark.parametrize("policy", POLICIES)
def test_no_passage_is_longer_than_was_asked(tmp_path, known, policy):
    model, folder, free = known
    options = ["--model", model, "--policy", policy, "--max-copy", str(LIMIT)]
    bound = composed(tmp_path, *options, "--data", str(folder))
    assert min(longest(piece, folder, model) for piece in free[policy]) > LIMIT
    assert max(longest(piece, folder, model) for piece in bound) <= LIMIT


def test_so_it_is_in_another_key(tmp_path, known):
    model, folder, _ = known
    options = ["--model", model, "--key", "Eb minor"]
    composed(folder / "E minor", "--model", model, "--key", "E minor")  # the same, a semitone up
    free = composed(tmp_path / "free", *options)
    bound = composed(tmp_path, *options, "--max-copy", str(LIMIT), "--data", str(folder))
    assert max(longest(piece, folder, model) for piece in free) > LIMIT
    assert max(longest(piece, folder, model) for piece in bound) <= LIMIT


def test_of_people_alone_some_is_copied_without_the_limit(tmp_path):
    options = ["--policy", "random", "--count", "4"]
    free = composed(tmp_path / "free", *options)
    bound = composed(tmp_path, *options, "--max-copy", "5", "--data", str(MELODIES))
    assert max(longest(piece, MELODIES, "fiddle") for piece in free) > 5
    assert max(longest(piece, MELODIES, "fiddle") for piece in bound) <= 5


def test_a_limit_that_nothing_reaches_changes_nothing_but_the_recipe(tmp_path):
    free = composed(tmp_path / "free")
    bound = composed(tmp_path / "bound", "--max-copy", "500", "--data", str(MELODIES))
    assert len(free) == len(bound) == 2
    for one, other in zip(free, bound, strict=True):
        recipe = read_recipe(one)
        assert read_recipe(other) == recipe | {"max_copy": 500}  # and not where the folder lies
        assert music(one) == music(other)
        with Image.open(one.with_suffix(".png")) as a, Image.open(other.with_suffix(".png")) as b:
            assert a.tobytes() == b.tobytes()


def music(path: Path) -> bytes:
    """The file without its first track, which holds the recipe."""
    data = path.read_bytes()
    return data[data.index(b"MTrk", data.index(b"MTrk") + 4) :]


def test_a_folder_that_is_not_there_is_refused_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr("composer.model.load_model", None)
    options = ["compose", "--max-copy", "8", "--data", "missing", "--out", str(tmp_path)]
    result = CliRunner().invoke(cli, options)
    assert result.exit_code == 3
    assert "cannot read the folder 'missing'" in result.stderr
