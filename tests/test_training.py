import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from toy import PLACES, ToyDomain, toy_pieces, toy_store

from composer import checkpoint
from composer.composing import POLICIES, ComposeRequest, compose
from composer.critics import CriticConfig
from composer.dqn.agent import AgentConfig
from composer.dqn.network import ValueConfig
from composer.errors import DataError, DivergenceError, ModelError, UsageError
from composer.gan.fragment_gan import GanConfig, limit_norm
from composer.gan.guard import GuardConfig
from composer.model import ModelConfig, load_model
from composer.stage import CandidateConfig
from composer.studio import Studio
from composer.training import Training, TrainingConfig, train

CONFIG = TrainingConfig(
    warm_up=20,
    warm_up_check=10,
    rounds=4,
    episodes=8,
    explorers=2,
    updates=4,
    gan_steps=2,
    remembered=32,
    measure_interval=2,
    measured=16,
    temperatures=(1.0, 0.5),
    model=ModelConfig(
        gan=GanConfig(latent=4, generator_width=16, discriminator_width=16, batch=16, steps=20),
        critics=CriticConfig(count=2, embedding=8, hidden=16, batch=16, steps=2),
        agent=AgentConfig(
            capacity=128,
            batch=16,
            epsilon_rounds=2,
            target_interval=5,
            network=ValueConfig(8, 16, 4),
        ),
        candidates=CandidateConfig(fresh=3, guided=2, vary=2),
    ),
)


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


def run(folder, stop=lambda: False, config=CONFIG, *, resume=False):
    watcher = Silent()
    result = train(toy_store(), folder, config, resume=resume, watcher=watcher, stop=stop)
    return result, watcher


def after(calls):
    """Asks to stop from the given number of questions on."""
    left = iter(range(calls))
    return lambda: next(left, None) is None


def everything(place):
    stored = checkpoint.load(place)
    tensors = {f"{a}/{b}": t for a, group in stored.tensors.items() for b, t in group.items()}
    return tensors, stored.documents["state"]


@pytest.mark.parametrize("calls", [7, 22], ids=["in the warm-up", "between rounds"])
def test_stopped_and_resumed_equals_uninterrupted(tmp_path, calls):
    whole, _ = run(tmp_path / "whole")
    part, _ = run(tmp_path / "part", after(calls))
    assert not part.finished
    resumed, _ = run(tmp_path / "part", resume=True)
    assert resumed.finished
    (a, state_a), (b, state_b) = everything(whole.checkpoint), everything(resumed.checkpoint)
    assert a.keys() == b.keys()
    assert [name for name in a if not torch.equal(a[name], b[name])] == []
    assert any(name.startswith("training/replay.") for name in a)
    assert state_a == state_b
    names = ("model.safetensors", "config.json")
    for name in names:
        first, second = (
            (tmp_path / run / "model" / name).read_bytes() for run in ("whole", "part")
        )
        assert first.replace(b"whole", b"name") == second.replace(b"part", b"name")


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


def test_training_teaches_the_rule_of_the_toy_pieces(tmp_path):
    gan = GanConfig(
        latent=4,
        generator_width=48,
        discriminator_width=48,
        batch=64,
        steps=400,
        gamma=1.0,
        learning_rate=2e-3,
    )
    model = replace(CONFIG.model, gan=gan)
    studio = Training(toy_store(), tmp_path, replace(CONFIG, model=model), Silent()).studio
    for _ in range(400):
        studio.gan_step(guided=False)
    real = toy_pieces(200, np.random.default_rng(1))
    places = studio.geometry.sample(real, 500, np.random.default_rng(2))
    noise = np.random.default_rng(3).standard_normal((500, 4), dtype=np.float32)
    made = studio.gan.generate(places, noise)
    assert (made[:, 0] == made[:, 1]).mean() > 0.9  # both tokens of a real fragment are equal
    later = places.present[:, 0]
    follows = made[later, 0] == (places.context[later, 0, 0] + 1) % 6
    assert follows.mean() > 0.9  # and one higher than the neighbour's
    assert len(np.unique(made[~later], axis=0)) >= 4  # the first fragment is free


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
        assert not guard.healthy(studio.gan_step(guided=False))
        assert studio.gan.penalty_scale == 2.0**tries
        assert guard.healthy(studio.gan_step(guided=False))
    with torch.no_grad():
        next(studio.gan.generator.parameters()).fill_(torch.inf)
    with pytest.raises(DivergenceError, match="diverged"):
        guard.healthy(studio.gan_step(guided=False))


def test_the_guard_rolls_back_after_a_lasting_collapse(tmp_path):
    training = Training(toy_store(), tmp_path, CONFIG, Silent())
    guard, gan = training.guard, training.studio.gan
    assert guard.measured(1.0, 1.0)
    best = {name: tensor.clone() for name, tensor in gan.state().items()}
    for _ in range(5):
        training.studio.gan_step(guided=False)
    assert [guard.measured(0.5, 0.1) for _ in range(3)] == [False] * 3  # near, but all alike
    assert all(torch.equal(best[name], tensor) for name, tensor in gan.state().items())
    assert guard.retries == 1


def test_the_value_gradient_raises_the_value_and_is_limited(tmp_path):
    studio = Training(toy_store(), tmp_path, CONFIG, Silent()).studio
    with torch.no_grad():
        torch.nn.init.normal_(studio.agent.network.state_head.weight, std=0.5)
    places = studio.geometry.sample(studio.real, 32, np.random.default_rng(0))
    soft = torch.softmax(torch.randn(32, 2, 6), -1)
    gradient = studio.value_gradient(soft, places)
    assert gradient.flatten(1).norm(dim=1).min() > 0
    with torch.no_grad():
        before, after = (studio.value(x, places) for x in (soft, soft + 1e-3 * gradient))
    assert (after > before).all()
    adversarial = torch.randn_like(soft)
    limited = limit_norm(gradient, adversarial, 0.1).flatten(1).norm(dim=1)
    assert limited.numpy() == pytest.approx(0.1 * adversarial.flatten(1).norm(dim=1).numpy())


def test_latents_of_high_value_are_kept(tmp_path):
    studio = Training(toy_store(), tmp_path, CONFIG, Silent()).studio
    studio.play()
    assert studio.elite.shape == (CONFIG.elite_step * PLACES, 4)
    assert studio.composed.shape == (CONFIG.episodes - CONFIG.explorers, PLACES, 2)
    assert len(studio.replay) == CONFIG.episodes * PLACES


def test_training_ends_when_the_held_out_measure_stops_improving(tmp_path):
    training = Training(toy_store(), tmp_path, replace(CONFIG, rounds=99, patience=3), Silent())
    training.best_round = 10
    training.studio.rounds = 15
    assert not training.converged
    training.studio.rounds = 16  # three measurements, two rounds apart, without a better one
    assert training.converged
