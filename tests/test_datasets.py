"""The embedded data is what its texts and its card say."""

from __future__ import annotations

from pathlib import Path

import pytest

from composer.domains.music.tunes import read_tunes, tune_midi

DATASETS = Path(__file__).parents[1] / "datasets"
MELODIES = DATASETS / "melodies"
TUNES = read_tunes(MELODIES)
CARD = (DATASETS / "README.md").read_text(encoding="utf-8")


def test_the_midi_files_are_those_of_the_texts():
    assert {path.stem for path in MELODIES.glob("*.mid")} == TUNES.keys()
    stale = [
        name
        for name, tune in TUNES.items()
        if (MELODIES / f"{name}.mid").read_bytes() != tune_midi(tune)
    ]
    assert stale == [], "run: composer dataset make melodies datasets/melodies --replace"


def test_there_is_enough_in_common_time_to_train_on():
    long_enough = [tune for tune in TUNES.values() if tune.meter == (4, 4) and tune.bars >= 8]
    assert len(long_enough) >= 40


@pytest.mark.parametrize("name", TUNES)
def test_a_tune_can_be_sung_and_has_its_line_in_the_card(name):
    tune = TUNES[name]
    pitches = tune.notes[:, 2]
    assert pitches.min() >= 55
    assert pitches.max() <= 84
    assert pitches.max() - pitches.min() <= 24
    final = pitches[-1] % 12
    assert final in tune.key.pitch_classes
    assert f"| {name} | {tune.title} | {tune.origin} |" in CARD
