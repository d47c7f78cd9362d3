from __future__ import annotations

import importlib
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from PIL import Image

from composer.critics import CriticConfig
from composer.domains.art.presets import PRESETS as ART_PRESETS
from composer.domains.art.settings import ArtSettings
from composer.domains.music.presets import PRESETS
from composer.domains.music.settings import MusicSettings
from composer.evaluation.classifiers import JudgeConfig
from composer.evaluation.columns import People, Ruler
from composer.evaluation.samples import Sample
from composer.fragments import FragmentStore
from composer.model import Model, build, save_model
from composer.networks import look
from composer.places import look_up
from composer.stage import Stage
from composer.studio import Studio

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType
    from typing import Any

    from composer.training import TrainingConfig

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
        kinds=np.zeros(30, np.uint8),
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
    assert text.count("\n| ") == 3 + len(music.FIGURES) + 1 + len(music.LAGS) + 11 + 3 - 1
    found = {"people": [{"auc": 0.5}], "agent": [{"auc": 0.6}, {"auc": 0.7}]}
    found["random"] = [{"auc": 0.9}, {"auc": 1.0}]
    assert [music.more(found, name) for name in found] == ["", "", "0.300 [0.300, 0.300]"]
    assert music.over_seeds(found, 2)["random"] == [{"auc": pytest.approx(0.95)}]
    assert music.over_seeds(found, 1) == found


@pytest.fixture(scope="module")
def pictures() -> FragmentStore:
    """Thirty canvases of small tiles, half of them mirrored, in all three parts of the split."""
    rng = np.random.default_rng(0)
    cells = rng.integers(2, size=(30, 4, 4, 8, 8))
    cells[::2, :, 2:] = cells[::2, :, 1::-1, :, ::-1]
    settings = ArtSettings(tile=8, slots=2, rows=4, columns=4, kinds=("mirror", "truchet"))
    return FragmentStore(
        fragments=cells.astype(np.uint8).reshape(-1, 8, 8),
        starts=np.arange(31) * 16,
        layouts=np.full((30, 2), 4),
        split=np.repeat(np.array([0, 1, 2], np.uint8), 10),
        clusters=np.arange(30),
        kinds=np.tile(np.array([0, 1], np.uint8), 15),
        sources=[f"{number}.png" for number in range(30)],
        domain_id="art",
        settings=settings.as_json(),
        key="",
    )


@pytest.fixture(scope="module")
def painter(pictures: FragmentStore) -> Model:
    """Untrained, but with outputs that depend on the latents."""
    torch.manual_seed(0)
    made = build("art", pictures.settings, ART_PRESETS["debug"].model)
    made.known = np.unique(pictures.select(0), axis=0)
    with torch.no_grad():
        made.generator.paint.weight.mul_(30)
    return made


def test_art_scores_every_chooser(load, pictures, painter, monkeypatch):
    canvases, art = load("canvases"), load("art")
    monkeypatch.setattr(canvases, "CROPS", 60)
    monkeypatch.setattr(canvases, "MEMORISED", 20)
    benchmark = canvases.Benchmark(pictures, QUICK, 5)
    assert list(benchmark.parts) == ["textures", "forms"]
    assert np.bincount(benchmark.real.kinds).tolist() == [5, 5]
    columns, baselines, different = art.run(benchmark, [painter], [0], novelty=0.0)
    assert list(columns) == ["real", "agent", "resample", "greedy", "random", "first"]
    assert list(baselines) == ["blur", "100 crops"]
    assert 0 <= different[0] <= 1
    for scores in columns.values():
        assert np.bincount(scores[0].kinds).tolist() == [5, 5]
    real = columns["real"][0]
    assert real.pictures["mirror"][real.kinds == 0].max() == 0
    assert real.pictures["mirror"][real.kinds == 1].min() > 0
    pure = np.random.default_rng(0).integers(0, 5, benchmark.real.tiles.shape, np.uint8)
    noise = canvases.Canvases(pure, benchmark.real.kinds, np.arange(10))
    worst, itself = (benchmark.score(made, 0).figures for made in (noise, benchmark.real))
    for part in benchmark.parts:
        assert itself[f"{part}: frechet"] < worst[f"{part}: frechet"] / 4
        assert itself[f"{part}: coverage"] > worst[f"{part}: coverage"] + 0.5
    text = art.report(benchmark, columns, baselines, different)
    rows = 2 * len(art.FIGURES) + 2 + 1  # of both parts, seams of both kinds, form of one
    heads = 3 * 2 - 1  # with their lines; the very first begins the text
    assert text.count("\n| ") == rows + heads
    assert json.loads(json.dumps(art.plain(columns))).keys() == columns.keys()


def test_colours_compares_models_with_the_pictures_as_they_are(load, tmp_path, monkeypatch):
    colours = load("colours")
    monkeypatch.setattr(colours, "CROPS", 120)
    rng = np.random.default_rng(0)
    for number in range(12):
        blocks = rng.integers(256, size=(8, 8, 3)).astype(np.uint8)
        picture = Image.fromarray(blocks.repeat(4, 0).repeat(4, 1))
        picture.save(tmp_path / f"{number}.png")
    for slots in (4, 0):
        settings = ArtSettings(tile=8, pixels=8, slots=slots, rows=4, columns=4)
        made = build("art", settings.as_json(), ART_PRESETS["debug"].model)
        made.known = np.zeros((2, *made.domain.spec.shape), np.uint8)
        save_model(made, tmp_path / f"of-{slots}")
    folders = [str(tmp_path / name) for name in ("of-4", "of-0")]
    page = tmp_path / "page.md"
    arguments = ["--data", str(tmp_path), "--count", "3", "--page", str(page), "--model", *folders]
    lines = colours.main(arguments).splitlines()
    table = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")][2:]
    found = {name: float(distance) for name, distance, *_ in table}
    assert list(found) == ["real", "unseen", "blur", "in 4 colours", "of-4", "of-0"]
    assert found["real"] < min(found["blur"], found["in 4 colours"])
    assert max(found["blur"], found["in 4 colours"]) < min(found["of-4"], found["of-0"])


def test_intervals_over_sets_and_over_canvases(load):
    art, over_sets = load("art"), load("page").over_sets
    assert over_sets([0.5]) == "0.50"
    assert over_sets([1.0, 3.0]) == "2.00 [-10.71, 14.71]"
    assert over_sets([1.0, float("nan"), 3.0], 1) == "2.0 [-10.7, 14.7]"
    assert over_sets([]) == over_sets([float("nan")]) == "-"
    kinds, pictures = np.array([0, 0, 1]), {"across": np.ones(3), "inside": np.array([2.0, 2, 0])}
    scores = [load("canvases").Score({}, pictures, kinds, None)]
    assert art.picture_cell(scores, 0, "across", "inside") == "0.50 [0.50, 0.50]"
    assert art.picture_cell(scores, 1, "across", "inside") == "-"
    assert art.picture_cell(scores, 1, "across") == "1.00 [1.00, 1.00]"


def test_canvases_are_reproducible(load, painter):
    compose = load("canvases").compose_canvases
    kinds = np.array([0, 1, 1])
    first, second = (compose(painter, "agent", kinds, 5, 0.2) for _ in range(2))
    assert first[0].shape == (3, 16, 8, 8)
    assert np.array_equal(first[0], second[0])
    assert first[1] == second[1]
    assert not np.array_equal(first[0], compose(painter, "agent", kinds, 6, 0.2)[0])


def test_compositions_are_reproducible(load, model):
    compose = load("music").compose_pieces
    first, second = (compose(model, "agent", 3, 5, 0.2) for _ in range(2))
    assert first.shape == (3, 4, 1, 8)
    assert np.array_equal(first, second)
    assert not np.array_equal(first, compose(model, "agent", 3, 6, 0.2))


@pytest.fixture(scope="module")
def short() -> TrainingConfig:
    """As little training as goes through all parts."""
    model = replace(PRESETS["debug"].model, critics=CriticConfig(8, 16, steps=2))
    few = {"warm_up": 2, "warm_up_check": 2, "rounds": 2, "episodes": 4, "explorers": 2}
    return replace(PRESETS["debug"], **few, measured=4, rehearsed=3, model=model)


def test_every_ablation_is_trained_and_measured(load, store, short):
    ablations, benchmark = load("ablations"), load("music").Benchmark(store, QUICK, 6)
    warm = ablations.warm_up(store, short)
    found = {
        name: ablations.measure(store, benchmark, variant, short, warm, 0.3)
        for name, variant in ablations.VARIANTS.items()
    }
    for figures in found.values():
        assert all(np.isfinite(figures[name]) for name in ablations.FIGURES)


def test_ablations_go_on_where_they_were_stopped(load, tmp_path):
    ablations, path = load("ablations"), tmp_path / "found.json"
    zero = dict.fromkeys(ablations.FIGURES, 0.0)
    found = ablations.Found(path, {"rounds": 2})
    for seed, all_, other in ((0, 0.6, 0.7), (1, 0.5, 0.62)):
        found.add("all", seed, zero | {"auc": all_})
        found.add("no moves", seed, zero | {"auc": other})
    found.add("no moments", 1, zero)
    again = ablations.Found(path, {"rounds": 2})
    assert again.lacking(["all", "no moments"], 0) == ["no moments"]
    assert again.lacking(["all", "no moments"], 1) == []
    rows = ablations.report(again, ["all", "no moves"], [0, 1]).splitlines()
    assert rows[2].endswith("| 0.550 [-0.085, 1.185] | 0.660 [0.152, 1.168] |")
    assert rows[3].endswith("| 0.000 [0.000, 0.000] | 0.110 [-0.017, 0.237] |")  # t of 1: 12.706
    with pytest.raises(ValueError, match="'rounds': 2"):
        ablations.Found(path, {"rounds": 3})


def test_ablations_leave_out_what_they_say(load, store, short):
    ablations = load("ablations")
    variants = ablations.VARIANTS
    studio = Studio(store, variants["no guided latents"].change(short))
    kinds = Stage(studio.model().world(), (4,), 1).kinds
    assert "guided" not in kinds
    assert len(kinds) == len(Stage(Studio(store, short).model().world(), (4,), 1).kinds)
    assert variants["no moments"].change(short).model.moments.rate == 0
    with variants["no moves"].inside(studio):
        studio.play()
        assert {origin.kind for origin in studio.sample.origins} <= {"fresh", "vary"}
    places = studio.geometry.sample(studio.real, 5, np.random.default_rng(0))
    inputs = [torch.from_numpy(np.array(part)) for part in places[1:]]
    tokens = torch.from_numpy(places.fragments).unsqueeze(1)
    view = look(studio.domain, *inputs, tokens)
    with variants["discriminator only"].inside(studio), torch.no_grad():
        choice, filled, empty = studio.critics.realism.critics(view)
        seen = studio.complete.neighbours.shape[1]
        codes, around = studio.domain.codes, (inputs[0][:, :seen], inputs[1][:, :seen].float())
        position = inputs[2][:, : studio.complete.features]
        judged = studio.gan.discriminator(
            look_up(tokens[:, 0], codes), look_up(around[0], codes), around[1], position
        )
    assert torch.allclose(choice[:, 0], judged)
    assert not filled.any()
    assert not empty.any()


def test_speed_times_both_agents(load, model):
    speed = load("speed")
    world = model.world()
    assert speed.our_rate(world, 32, pieces=4) > 0
    assert speed.their_rate(world, 32) > 0


def test_another_agent_is_trained_on_the_same_environment(load, store, model):
    sb3 = load("sb3")
    theirs = sb3.train_theirs(model, 2, 0.2)
    assert theirs.num_timesteps == 2 * PRESETS["standard"].episodes * SETTINGS.bars
    assert theirs._n_updates == PRESETS["standard"].updates  # of the second round
    people = People(*[Sample.alone(store.fragments.reshape(60, 4, 1, 8))] * 2, store.fragments)
    ruler = Ruler(model.domain.yardstick(), people, 10, judge=QUICK)
    found = sb3.compare(model, theirs, ruler, [0, 1], 10, 0.2)
    assert list(found) == ["agent", "resample", "random", "agent, argmax", "Stable-Baselines3"]
    assert all(0 <= told.value <= 1 and 0 <= mean <= 1 for told, mean in found.values())
    assert repr(found) == repr(sb3.compare(model, theirs, ruler, [0, 1], 10, 0.2))


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


def test_guidance_shows_what_candidates_are_worth(load, model):
    guidance = load("guidance")
    offers = guidance.watch(model, 5, 0.0)
    assert offers.there.shape == (SETTINGS.bars, 5, len(offers.kinds))
    assert (offers.taken.sum(2) == 1).all()
    assert (offers.taken <= offers.there).all()
    zero = np.where(offers.there, offers.values, 0).sum(2)
    assert zero == pytest.approx(np.zeros_like(zero), abs=1e-4)
    kinds = np.array(["fresh", "guided", "guided"])
    there, taken = np.ones((1, 2, 3), bool), np.zeros((1, 2, 3), bool)
    there[0, 1, 2], taken[0, :, 1] = False, True
    values = np.array([[[0.0, 1.0, 3.0], [0.0, 4.0, 9.0]]])
    offers = guidance.Offers(kinds, there, np.zeros_like(there), taken, values, -values)
    assert offers.share("guided") == pytest.approx(200 / 3)
    assert offers.mean(values, "guided").tolist() == [2, 4]
    *_, last = guidance.rows("x", offers)
    assert last[4:] == ["+3.000 [+1.614, +4.386]", "-3.000 [-4.386, -1.614]"]
    fragments = np.array([[[1], [2], [1], [2], [1]]], np.uint8)
    there = np.array([[True, False, True, True, True]])
    assert guidance.repeated(fragments, there).tolist() == [[False, False, True, False, True]]
    copies = np.array([[[False, False, True]] * 2])
    offers = guidance.Offers(kinds, np.ones_like(taken), copies, taken, values, -values)
    assert offers.copied("guided") == 50
    assert offers.mean(values, "guided").tolist() == [1, 4]


def test_originality_asks_about_the_written_files(load, model):
    originality = load("originality")
    folder = Path(__file__).parents[2] / "datasets" / "melodies"
    found = originality.certificates(model, folder, 2, 0.0)
    assert len(found) == 2
    human = found[0]["human"]
    name, *cells = originality.people(human)
    assert name == f"{human['pieces']:,} human works"
    assert cells[0].startswith(f"median {human['longest_run']['median']:.0f} [")
    few, much = ({"as_much": share} for share in (0.5, 0.01))
    usual = {"longest_run": {"notes": 9}, "copied": 0.1, "human": dict.fromkeys(human, few)}
    rare = {"longest_run": None, "copied": 0.3, "human": dict.fromkeys(human, much)}
    row = originality.row("x", [usual, rare])
    assert row == ["x", "4.5 [0.2, 8.8]", "0.200 [0.105, 0.295]", "1 of 2"]


def told(auc: float, *, dial: bool) -> dict[str, Any]:
    """What ``composer evaluate --json`` prints, in small."""

    judge = "AUC of the stronger judge"

    def cell(value: float | None, *, like: bool | None = None) -> dict[str, Any]:
        return {"value": value, "low": value, "high": value, "like_people": like}

    columns = {
        "people": {judge: cell(0.5), "repeats": cell(1.0), "novelty": cell(None)},
        "agent": {judge: cell(auc), "repeats": cell(auc, like=auc < 0.6), "novelty": cell(0.25)},
    }
    turned = {
        "settings": [0.0, 1.0],
        "count": 10,
        "rows": {"novelty": [cell(0.1), cell(auc)]},
        "people": {"novelty": cell(0.2)},
        "rank_correlation": cell(1.0),
        "hypervolume": cell(0.5),
    }
    about = {"compositions": "10 of each policy and seed"}
    return {"about": about, "columns": columns, "dial": turned if dial else None}


def test_reports_of_several_trainings_become_one_table(load, tmp_path):
    report, files = load("report"), []
    for number, auc in enumerate((0.5, 0.7)):
        files.append(tmp_path / f"{number}.json")
        files[-1].write_text(json.dumps(told(auc, dial=True)))
    text = report.main([*map(str, files), "--page", str(tmp_path / "page.md")])
    assert text in (tmp_path / "page.md").read_text()
    assert "| measures like people's |  | 0.5 of 1.0 |" in text
    assert "| repeats | 1.000 [1.000, 1.000] | 0.600 [-0.671, 1.871] ≠ 1 |" in text
    assert "| novelty | - | 0.250 [0.250, 0.250] |" in text
    assert "| 1 | 0.600 [-0.671, 1.871] |" in text  # the dial
    alone = report.section([told(0.7, dial=False)])
    assert "| measures like people's |  | 0 of 1 |" in alone
    assert "| repeats | 1.000 [1.000, 1.000] | 0.700 [0.700, 0.700] ≠ |" in alone
    other = told(0.7, dial=False) | {"about": {"compositions": "20"}}
    files[-1].write_text(json.dumps(other))
    with pytest.raises(SystemExit):
        report.main([*map(str, files), "--page", str(tmp_path / "page.md")])
    assert "| dial |" not in alone


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
