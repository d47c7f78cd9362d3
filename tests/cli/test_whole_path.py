"""From the embedded tunes to compositions, as typed by a new user."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from written import notes_outside

from composer.domains.music.scales import parse_key
from composer.domains.music.write import read_recipe

MELODIES = Path(__file__).parents[2] / "datasets" / "melodies"


def composer(folder, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "composer", *map(str, arguments)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    done = composer(
        folder, "train", MELODIES, "--preset", "debug", "--voices", 1, "--out", "runs/m"
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_training_leaves_a_model_samples_and_metrics(trained):
    run = trained / "runs" / "m"
    assert (run / "model" / "model.safetensors").is_file()
    assert len(list((run / "samples").glob("*.mid"))) == 4
    assert len((run / "metrics.jsonl").read_text().splitlines()) >= 8


def test_composes_by_every_policy_in_key_with_its_recipe_inside(trained):
    for policy in ("agent", "resample", "greedy", "random", "first"):
        done = composer(
            trained,
            *("compose", "--model", "runs/m", "--count", 2, "--bars", 12, "--seed", 7, "--json"),
            *("--key", "A minor", "--tempo", 96, "--policy", policy, "--out", policy),
        )
        assert done.returncode == 0, done.stderr
        for number, line in enumerate(done.stdout.splitlines()):
            told = json.loads(line)
            score, picture = (trained / path for path in told["paths"])
            assert notes_outside(score, parse_key("A minor")) == 0
            assert read_recipe(score) == read_recipe(picture)
            assert read_recipe(score)["seed"] == 7 + number
            assert read_recipe(score)["policy"] == policy


def test_the_same_seed_writes_the_same_bytes(trained):
    for out in ("a", "b"):
        done = composer(trained, "compose", "--model", "runs/m", "--seed", 5, "--out", out)
        assert done.returncode == 0, done.stderr
    names = sorted(path.name for path in (trained / "a").iterdir())
    assert len(names) == 2
    assert all((trained / "a" / n).read_bytes() == (trained / "b" / n).read_bytes() for n in names)
