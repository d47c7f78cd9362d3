import json
import math
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from toy import CONFIG, OWN, PLACES, ToyDomain, toy_pieces, toy_store

from composer import checkpoint
from composer import training as training_module
from composer.composing import POLICIES, ComposeRequest, compose
from composer.errors import DataError, DivergenceError, ModelError, UsageError
from composer.gan.fragment_gan import Context, GanConfig
from composer.gan.guard import GuardConfig
from composer.model import load_model
from composer.places import Geometry, Pieces, look_up
from composer.studio import Studio
from composer.training import Training, train


class Silent:
    def __init__(self):
        self.rounds = []

    def phase(self, name, total):
        pass

    def step(self, done, values):
        assert np.isfinite(list(values.values())).all()

    def round(self, metrics):
        self.rounds.append(metrics)

    def note(self, text):
        pass


@pytest.fixture(autouse=True)
def toy(monkeypatch):
    monkeypatch.setattr("composer.model.domain_class", lambda _: ToyDomain)


def run(folder, stop=lambda: False, config=CONFIG, *, kinds=1, resume=False):
    watcher, store = Silent(), toy_store(kinds=kinds)
    result = train(store, folder, config, resume=resume, watcher=watcher, stop=stop)
    return result, watcher


def after(calls):
    """Asks to stop from the given number of questions on."""
    left = iter(range(calls))
    return lambda: next(left, None) is None


def everything(place):
    stored = checkpoint.load(place)
    tensors = {f"{a}/{b}": t for a, group in stored.tensors.items() for b, t in group.items()}
    return tensors, stored.documents["state"]


@pytest.mark.parametrize(("config", "kinds"), [(CONFIG, 1), (OWN, 2)], ids=["plain", "own"])
@pytest.mark.parametrize(
    "calls",
    [7, 22, 25, 28],
    ids=["in the warm-up", "between rounds", "matching temperatures", "matching moments"],
)
def test_stopped_and_resumed_equals_uninterrupted(tmp_path, calls, config, kinds):
    whole, _ = run(tmp_path / "whole", config=config, kinds=kinds)
    part, _ = run(tmp_path / "part", after(calls), config, kinds=kinds)
    assert not part.finished
    resumed, _ = run(tmp_path / "part", config=config, kinds=kinds, resume=True)
    assert resumed.finished
    (a, state_a), (b, state_b) = everything(whole.checkpoint), everything(resumed.checkpoint)
    assert a.keys() == b.keys()
    assert [name for name in a if not torch.equal(a[name], b[name])] == []
    assert any(name.startswith("training/replay.") for name in a)
    assert len(a["training/own.rows"]) == config.model.gan.own * config.model.gan.batch
    assert a["training/composed_plans"].unique().tolist() == list(range(kinds))
    assert state_a == state_b
    names = ("model.safetensors", "config.json")
    for name in names:
        first, second = (
            (tmp_path / run / "model" / name).read_bytes() for run in ("whole", "part")
        )
        assert first.replace(b"whole", b"name") == second.replace(b"part", b"name")


def test_a_finished_run_stays_as_it_is_when_resumed(tmp_path):
    first, _ = run(tmp_path)
    model = (tmp_path / "model" / "model.safetensors").stat()
    again, watcher = run(tmp_path, resume=True)
    assert again == first
    assert watcher.rounds == []
    assert (tmp_path / "model" / "model.safetensors").stat() == model


def test_the_networks_of_the_last_round_are_kept(tmp_path):
    run(tmp_path)
    training = Training(toy_store(), tmp_path, CONFIG, Silent())
    training.restore()
    assert training.converged
    studio, kept = training.studio, load_model(tmp_path)
    parts = (
        (kept.generator, studio.gan.average),
        (kept.value, studio.agent.network),
        (kept.critics.critics, studio.critics.realism.critics),
    )
    for found, last in parts:
        pairs = zip(found.parameters(), last.parameters(), strict=True)
        assert all(torch.allclose(a.float(), b, atol=2e-3) for a, b in pairs)


def test_moments_are_matched_at_the_end_and_their_mean_is_kept(tmp_path):
    run(tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [line["matching"] for line in lines if "matching" in line] == [1, 2, 3]
    assert all("moment_gap" in line for line in lines if "q_loss" in line)
    kept = load_model(tmp_path).critics.moments.weights
    assert kept.any()
    training = Training(toy_store(), tmp_path, CONFIG, Silent())
    training.restore()
    studio = training.studio
    weights = studio.critics.realism.moments.weights
    temperature = load_model(tmp_path).temperature
    rng = np.random.default_rng((CONFIG.seed, CONFIG.rounds, 1))
    seen = []
    for _ in range(3):
        studio.matching.update(studio.compose(CONFIG.episodes, temperature, rng))
        seen.append(weights.clone())
    assert torch.equal(seen[-1], weights)
    mean = (seen[0] + 2 * seen[1] + 3 * seen[2]) / 6
    assert torch.allclose(kept.float(), mean, atol=2e-3)


def test_the_seed_decides_everything(tmp_path):
    results = [
        run(tmp_path / name, config=replace(CONFIG, seed=seed))[0].checkpoint
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    ]
    a, b, c = ((place / "training.safetensors").read_bytes() for place in results)
    assert a == b
    assert a != c


def test_every_round_is_written_down_and_old_checkpoints_go(tmp_path):
    result, watcher = run(tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    rounds = [line["round"] for line in lines if "q_loss" in line]
    assert rounds == [1, 2, 3, 4]
    assert {"realism", "novelty", "epsilon", "g_loss", "d_loss", "critic_loss"} <= lines[
        -4
    ].keys() | {key for line in lines for key in line}
    assert sum("form" in metrics for metrics in watcher.rounds) == 2 + len(CONFIG.temperatures)
    assert len(list((tmp_path / "checkpoints").iterdir())) <= CONFIG.keep
    assert checkpoint.latest(tmp_path) == result.checkpoint
    assert len(list((tmp_path / "samples").iterdir())) == CONFIG.rounds


LEARNING = GanConfig(
    latent=4,
    generator_width=48,
    discriminator_width=48,
    batch=64,
    steps=400,
    gamma=1.0,
    learning_rate=2e-3,
)


def taught(folder, gan, steps, kinds=1):
    """A studio whose generator has learnt for some steps, and the losses of the last one."""
    config = replace(CONFIG, model=replace(CONFIG.model, gan=gan))
    studio, values = Training(toy_store(kinds=kinds), folder, config, Silent()).studio, {}
    for _ in range(steps):
        values = studio.gan_step()
    return studio, values


def test_training_teaches_the_rule_of_the_toy_pieces(tmp_path):
    studio, _ = taught(tmp_path, LEARNING, 400)
    real = toy_pieces(200, np.random.default_rng(1))
    places = studio.earlier.sample(real, 500, np.random.default_rng(2))
    noise = np.random.default_rng(3).standard_normal((500, 4), dtype=np.float32)
    made = studio.gan.generate(places, noise)
    assert (made[:, 0] == made[:, 1]).mean() > 0.9  # both tokens of a real fragment are equal
    later = places.present[:, 0]
    follows = made[later, 0] == (places.context[later, 0, 0] + 1) % 6
    assert follows.mean() > 0.9  # and one higher than the neighbour's
    assert len(np.unique(made[~later], axis=0)) >= 4  # the first fragment is free


def test_the_generator_learns_to_reconstruct_where_it_is_asked_to(tmp_path):
    studio, first = taught(tmp_path, replace(LEARNING, studied=64, reconstruction=1.0), 1)
    for _ in range(150):
        values = studio.gan_step()
    assert values["misfit"] + values["surprise"] < 0.8 * (first["misfit"] + first["surprise"])
    assert first["misfit"] == pytest.approx(np.log(6), abs=0.3)  # at first any token will do
    _, plain = taught(tmp_path, LEARNING, 1)
    assert "misfit" not in plain


@pytest.mark.parametrize("rounding", [True, False])
def test_the_discriminator_sees_whole_tokens_or_mixtures(tmp_path, rounding):
    studio, _ = taught(tmp_path, replace(LEARNING, rounding=rounding), 0)
    places = studio.earlier.sample(studio.real, 20, np.random.default_rng(0))
    noise = torch.randn(20, 4, generator=torch.Generator().manual_seed(0))
    draft, tokens = studio.gan._draft(noise, Context(places, studio.gan.codes))
    whole = look_up(tokens, studio.gan.codes)
    assert torch.allclose(draft, whole, atol=1e-6) == rounding
    assert torch.equal(draft.argmax(-1), tokens)
    assert draft.sum(-1).detach().numpy() == pytest.approx(1.0, abs=1e-5)
    assert draft.requires_grad


def test_in_bfloat16_it_learns_about_the_same(tmp_path):
    found = {}
    for bfloat16 in (False, True):
        config = replace(LEARNING, studied=64, reconstruction=1.0, bfloat16=bfloat16)
        studio, values = taught(tmp_path, config, 30)
        found[bfloat16] = values
        assert {p.dtype for p in studio.gan.generator.parameters()} == {torch.float32}
    assert found[True] != found[False]
    for name, value in found[False].items():
        assert found[True][name] == pytest.approx(value, rel=0.3, abs=0.1), name


def test_with_its_own_pieces_it_learns_to_follow_the_plan_alone(tmp_path):
    gan = replace(LEARNING, own=0.5, batch=128, context_dropout=0.3, steps=1000)
    studio, _ = taught(tmp_path, gan, gan.steps, kinds=2)
    rng, everyone = np.random.default_rng(5), np.arange(300)
    plans = np.repeat(everyone[:, None] % 2, PLACES, axis=1).astype(np.uint8)
    pieces = Pieces(np.zeros((300, PLACES, 2), np.uint8), plans)
    for place in range(PLACES):  # it goes on with what it has made, and no agent chooses
        places = studio.earlier.at(pieces, everyone, np.full(300, place))
        noise = rng.standard_normal((300, 4), dtype=np.float32)
        pieces.fragments[:, place] = studio.gan.generate(places, noise)
    line = pieces.fragments[..., 0].astype(int)
    follows = line[:, 1:] == (line[:, :-1] + np.where(plans[:, 1:] == 1, -1, 1)) % 6
    assert follows[::2].mean() > 0.8  # by chance 1/6; .88 to .99 with the seeds 0 to 3
    assert follows[1::2].mean() > 0.8


def test_a_share_of_the_batch_goes_on_with_what_was_made(tmp_path):
    gan = replace(LEARNING, own=0.25, batch=16)
    studio, _ = taught(tmp_path, gan, 1, kinds=2)
    shown = []
    step = studio.gan.step

    def spy(real, seen, studied, rng):
        shown.append((real, seen))
        values, made = step(real, seen, studied, rng)
        shown.append(made)
        return values, made

    studio.gan.step = spy
    at, rows = studio.own.at.copy(), studio.own.rows.copy()
    seen_own = studio.own.look()
    studio.gan_step()
    (real, seen), made = shown
    assert made.shape == (16, 2)
    assert made.dtype == np.uint8
    for a, b, own in zip(real, seen, seen_own, strict=True):
        assert len(a) == len(b) == 16
        assert np.array_equal(a[:12], b[:12])
        assert np.array_equal(b[12:], own)
    assert np.array_equal(real.fragments[12:], studio.real.fragments[rows, at])
    assert np.array_equal(real.position, seen.position)  # compared at equal places and plans
    assert np.array_equal(studio.own.pieces.fragments[np.arange(4), at], made[12:])


def test_without_own_pieces_the_generator_sees_real_surroundings_alone(tmp_path):
    studio, _ = taught(tmp_path, LEARNING, 1)
    assert len(studio.own.rows) == 0
    step = studio.gan.step
    same = []

    def spy(real, seen, studied, rng):
        same.append((real is seen, len(studied.fragments)))
        return step(real, seen, studied, rng)

    studio.gan.step = spy
    studio.gan_step()
    assert same == [(True, 0)]


def test_a_trained_model_composes_the_same_from_its_folder(tmp_path):
    run(tmp_path)
    model = load_model(tmp_path)
    for policy in POLICIES:
        request = ComposeRequest(count=2, seed=3, policy=policy)
        first, second = list(compose(model, request)), list(compose(load_model(tmp_path), request))
        for a, b in zip(first, second, strict=True):
            assert np.array_equal(a.fragments, b.fragments)
            assert a.recipe == b.recipe
        alone = next(compose(model, ComposeRequest(seed=4, policy=policy)))
        assert np.array_equal(
            alone.fragments, first[1].fragments
        )  # a piece depends on its own seed
    assert first[0].recipe["sha256"] == model.hash
    longer = next(compose(model, ComposeRequest(options={"places": 11})))
    assert longer.fragments.shape == (11, 2)
    assert longer.plan.tolist() == [0] * 11


def test_a_model_of_several_kinds_composes_to_plans_of_its_own_or_as_asked(tmp_path):
    run(tmp_path, config=OWN, kinds=2)
    model = load_model(tmp_path)
    assert model.domain.kinds == 2
    drawn = list(compose(model, ComposeRequest(count=8)))
    assert {int(piece.plan[0]) for piece in drawn} == {0, 1}
    third = next(compose(model, ComposeRequest(seed=2)))
    assert np.array_equal(third.plan, drawn[2].plan)  # a plan depends on the piece's own seed
    assert np.array_equal(third.fragments, drawn[2].fragments)
    asked = ComposeRequest(count=3, options={"kind": 1, "places": 7, "closed": True})
    for piece in compose(model, asked):
        assert piece.plan.tolist() == [1] * 7
        assert piece.recipe["kind"] == 1


def test_a_closed_piece_is_asked_for_in_the_options(tmp_path, monkeypatch):
    run(tmp_path)
    model, asked = load_model(tmp_path), []
    around = Geometry.around
    monkeypatch.setattr(
        "composer.stage.Geometry.around",
        lambda domain, layout, scope: asked.append(scope) or around(domain, layout, scope),
    )
    for closed in (False, True):
        asked.clear()
        next(compose(model, ComposeRequest(options={"closed": closed})))
        assert ("closed" in asked) == closed


def test_composing_refuses_nonsense(tmp_path):
    run(tmp_path)
    model = load_model(tmp_path)
    with pytest.raises(UsageError, match="unknown policy"):
        next(compose(model, ComposeRequest(policy="best")))
    with pytest.raises(UsageError, match="temperature"):
        next(compose(model, ComposeRequest(temperature=0.0)))


def test_resume_refuses_another_configuration_and_a_missing_run(tmp_path):
    run(tmp_path / "a", after(3))
    with pytest.raises(ModelError, match="another configuration"):
        run(tmp_path / "a", config=replace(CONFIG, episodes=9), resume=True)
    with pytest.raises(ModelError):
        run(tmp_path / "b", resume=True)


def test_resume_refuses_a_configuration_of_another_version(tmp_path, monkeypatch):
    run(tmp_path, after(3))
    old = asdict(CONFIG)
    old["model"]["gan"]["guidance"] = 0.1  # once there was such a one
    monkeypatch.setattr(training_module, "asdict", lambda _: old)
    with pytest.raises(ModelError, match="another version of composer: begin a new run"):
        run(tmp_path, resume=True)


def test_resume_refuses_networks_of_another_version(tmp_path, monkeypatch):
    run(tmp_path, after(3))

    def other(*_):
        raise RuntimeError

    monkeypatch.setattr(Studio, "restore", other)
    with pytest.raises(ModelError, match="another version of composer: begin a new run"):
        run(tmp_path, resume=True)


def test_pieces_that_are_too_short_are_unusable_data():
    store = toy_store()
    short = replace(store, starts=np.arange(len(store.starts)), fragments=store.fragments[:60])
    with pytest.raises(DataError, match="as long as"):
        Studio(short, CONFIG)


def test_nan_is_noticed_within_a_step_rolled_back_and_in_the_end_told(tmp_path):
    training = Training(
        toy_store(), tmp_path, replace(CONFIG, guard=GuardConfig(retries=2)), Silent()
    )
    studio, guard = training.studio, training.guard
    for tries in (1, 2):
        with torch.no_grad():
            next(studio.gan.discriminator.parameters()).fill_(torch.nan)
        assert not guard.healthy(studio.gan_step())
        assert studio.gan.penalty_scale == 2.0**tries
        assert guard.healthy(studio.gan_step())
    with torch.no_grad():
        next(studio.gan.generator.parameters()).fill_(torch.inf)
    with pytest.raises(DivergenceError, match="diverged"):
        guard.healthy(studio.gan_step())


def test_nan_in_a_round_rolls_the_generator_back_whatever_it_learns_by(tmp_path):
    training = Training(toy_store(), tmp_path, OWN, Silent())
    training.watcher.step = lambda *_: None
    studio = training.studio
    with torch.no_grad():
        next(studio.gan.discriminator.parameters()).fill_(torch.nan)
    values = studio.play() | training.sound(studio.create())
    assert training.guard.retries == 1
    assert all(p.isfinite().all() for p in studio.gan.average.parameters())  # critics may look
    training.close_round(values)
    assert training.guard.retries == 1
    (line,) = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert "NaN" not in line
    assert json.loads(line)["d_loss"] is None
    assert all(p.isfinite().all() for p in studio.gan.discriminator.parameters())


def test_a_generator_rolled_back_in_a_round_goes_on_at_the_end_of_its_schedule(
    tmp_path, monkeypatch
):
    distances = iter([1.0, 2.0])  # the generator after 10 of 20 steps is the best
    monkeypatch.setattr(
        training_module,
        "measure_fragments",
        lambda *_: {"distance": next(distances), "variety": 1.0},
    )
    config = replace(OWN, warm_up=20, warm_up_check=10, measure_interval=99)
    training = Training(toy_store(), tmp_path, config, Silent())
    training.initialise(lambda: False)
    gan = training.studio.gan
    training.sound({"d_loss": math.nan})
    assert gan.steps == config.warm_up


def test_training_rolls_back_before_the_critics_look(tmp_path, monkeypatch):
    def poison(studio):
        values = create(studio)
        if studio.rounds == 1:
            for network in (studio.gan.generator, studio.gan.average):
                next(network.parameters()).data.fill_(torch.nan)
            values["g_loss"] = math.nan
        return values

    def criticise(studio):
        assert all(p.isfinite().all() for p in studio.gan.average.parameters())
        return look(studio)

    create, look = Studio.create, Studio.criticise
    monkeypatch.setattr(Studio, "create", poison)
    monkeypatch.setattr(Studio, "criticise", criticise)
    watcher = Silent()
    watcher.step = lambda *_: None
    train(toy_store(), tmp_path, OWN, resume=False, watcher=watcher, stop=lambda: False)
    lines = map(json.loads, (tmp_path / "metrics.jsonl").read_text().splitlines())
    assert [line["round"] for line in lines if line.get("g_loss", 0) is None] == [2]


def test_the_guard_rolls_back_after_a_lasting_collapse(tmp_path):
    training = Training(toy_store(), tmp_path, CONFIG, Silent())
    guard, gan = training.guard, training.studio.gan
    assert guard.measured(1.0, 1.0)
    best = {name: tensor.clone() for name, tensor in gan.state().items()}
    for _ in range(5):
        training.studio.gan_step()
    assert [guard.measured(0.5, 0.1) for _ in range(3)] == [False] * 3  # near, but all alike
    assert all(torch.equal(best[name], tensor) for name, tensor in gan.state().items())
    assert guard.retries == 1


def test_without_a_varied_generator_the_warm_up_ends_with_the_last_one(tmp_path):
    training = Training(
        toy_store(), tmp_path, replace(CONFIG, guard=GuardConfig(variety=9.0)), watcher := Silent()
    )
    told = []
    watcher.note = told.append
    first = {name: tensor.clone() for name, tensor in training.studio.gan.state().items()}
    training.initialise(lambda: False)
    assert training.studio.gan.steps == CONFIG.warm_up
    assert any(not torch.equal(first[n], t) for n, t in training.studio.gan.state().items())
    assert told == ["fragments are hardly varied yet; going on with the last ones"]
