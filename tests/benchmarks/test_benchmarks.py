from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from composer.domains.music.settings import MusicSettings
from composer.evaluation.judge import JudgeConfig
from composer.fragments import FragmentStore
from composer.model import Model, build
from composer.training import PRESETS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

SETTINGS = MusicSettings(meter=(2, 4), bars=4)
QUICK = replace(JudgeConfig(), folds=2, width=8, hidden=16, epochs=2, penalties=(0.1,))


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Imports a script as it is imported when it is run: its folder comes first on the path."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    return importlib.import_module


@pytest.fixture(scope="module")
def store() -> FragmentStore:
    """Thirty tunes of eight bars that walk by steps, in all three parts of the split."""
    rng = np.random.default_rng(0)
    tunes = 12 + np.cumsum(rng.integers(-2, 3, (30, 8, 1, 8)), axis=3)
    return FragmentStore(
        fragments=tunes.clip(2, 37).astype(np.uint8).reshape(-1, 1, 8),
        starts=np.arange(31) * 8,
        layouts=np.full((30, 1), 8),
        split=np.repeat(np.array([0, 1, 2], np.uint8), 10),
        clusters=np.arange(30),
        sources=[f"{number}.mid" for number in range(30)],
        domain_id="music",
        settings=SETTINGS.as_json(),
        key="",
    )


@pytest.fixture(scope="module")
def model(store: FragmentStore) -> Model:
    """Untrained."""
    made = build("music", store.settings, PRESETS["debug"].model)
    made.known = np.unique(store.select(0), axis=0)
    return made


def test_music_scores_every_chooser(load, store, model):
    music = load("music")
    benchmark = music.Benchmark(store, QUICK, 6)
    assert len(benchmark.people.windows) == 40
    columns = music.run(benchmark, [model], [0], novelty=0.0)
    assert list(columns) == ["people", "Markov", "agent", "resample", "greedy", "random", "first"]
    assert [scores["seen"] for scores in columns["Markov"]] == [1]
    text = music.report(columns)
    assert text.count("\n| ") == 3 + len(music.FIGURES) + len(music.LAGS) + 11 + 3 - 1


def test_cells_show_the_spread_over_models_and_seeds(load):
    cell = load("music").cell
    assert cell([0.5]) == "0.500"
    assert cell([1.0, 2.0, 3.0, float("nan")]) == "2.000 ± 1.000"
    assert cell([float("nan")]) == "-"


def test_compositions_are_reproducible(load, model):
    compose = load("music").compose_pieces
    first, second = (compose(model, "agent", 3, 5, 0.2) for _ in range(2))
    assert first.shape == (3, 4, 1, 8)
    assert np.array_equal(first, second)
    assert not np.array_equal(first, compose(model, "agent", 3, 6, 0.2))


def test_speed_times_both_agents(load, model):
    speed = load("speed")
    world = model.world()
    assert speed.our_rate(world, 32, pieces=4) > 0
    assert speed.their_rate(world, 32) > 0


def test_speed_takes_medians_of_turns(load):
    order: list[str] = []
    left, right = iter([9.0, 1.0, 2.0]), iter([5.0, 4.0, 7.0])

    def timed(name: str, times: Iterator[float]) -> float:
        order.append(name)
        return next(times)

    found = load("speed").compare(lambda: timed("a", left), lambda: timed("b", right), turns=3)
    assert found == [2, 5]
    assert order == ["a", "b"] * 3


def test_keys_counts_the_notes_of_the_files(load, model):
    outside, notes = load("keys").count_outside(model, 3)
    assert outside == 0
    assert notes > 3


def test_a_section_is_replaced_and_others_stay(load, tmp_path):
    page, write = tmp_path / "docs" / "page.md", load("page").write_section
    write("one", "first", page)
    write("two", "second", page)
    write("one", "third", page)
    text = page.read_text()
    assert text.startswith("# Benchmarks")
    assert "first" not in text
    assert text.index("third") < text.index("second")
    assert len(list(page.parent.iterdir())) == 1
