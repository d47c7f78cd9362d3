from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from toy import CONFIG, OWN, PLACES, ToyDomain, toy_store

from composer import studio as module
from composer.critics import CriticConfig
from composer.fragments import TRAIN
from composer.model import ModelConfig
from composer.studio import Studio
from composer.training import TrainingConfig


@pytest.fixture(autouse=True)
def toy(monkeypatch):
    monkeypatch.setattr("composer.model.domain_class", lambda _: ToyDomain)


def studio(seed=0):
    return Studio(toy_store(), replace(TrainingConfig(), seed=seed))


def test_a_model_knows_every_training_fragment_where_there_is_room():
    expected = np.unique(toy_store().select(TRAIN), axis=0)
    assert np.array_equal(studio().template.known, expected)


def test_else_it_knows_a_sample_that_the_seed_draws(monkeypatch):
    everything = {tuple(row) for row in studio().template.known.tolist()}
    monkeypatch.setattr(module, "KNOWN_BYTES", 4 * 2)  # four fragments of two tokens
    known = studio().template.known
    assert len(known) == 4 < len(everything)
    assert {tuple(row) for row in known.tolist()} < everything
    assert np.array_equal(known, studio().template.known)
    assert any(not np.array_equal(known, studio(seed).template.known) for seed in range(1, 5))


def test_as_many_candidates_of_a_place_are_kept_as_asked():
    made = Studio(toy_store(), replace(TrainingConfig(), picked=3, rehearsed=5))
    made._see_offers()
    assert made.offers.shape == (5, 5, 3, 2)
    found = made._look_at_choices(200)
    assert found.fragments.shape == (200, 4, 2)
    assert found.present.shape == (200, 2)


@pytest.mark.parametrize(
    ("passes", "steps"),
    [(1000.0, 7), (8.0, 2), (1e-9, 1)],
    ids=["as asked", "a few passes", "never none"],
)
def test_critics_see_each_real_place_a_few_times_in_a_run(passes, steps):
    critics = CriticConfig(batch=4, steps=7, passes=passes)
    config = replace(TrainingConfig(), model=ModelConfig(critics=critics))
    places = studio().real.fragments.shape[0] * studio().geometry.places
    made = Studio(toy_store(), replace(config, rounds=places))
    made.play()
    shown = []
    made.critics.update = lambda choices, *_: shown.append(len(choices(4).fragments)) or {"x": 0.0}
    made.criticise()
    assert len(shown) == steps
    assert sum(shown) == 4 * steps  # of one round; there are as many rounds as places


def test_critics_and_agent_learn_ever_slower_down_to_the_final_rate():
    made = Studio(toy_store(), replace(TrainingConfig(), rounds=4, final_rate=0.2, updates=1))
    rates = []
    for made.rounds in (0, 2, 4):
        made.play()
        made.learn()
        made.criticise()
        learners = (made.agent, made.critics)
        rates.append([each.optimizer.param_groups[0]["lr"] for each in learners])
    begun = np.array(
        [made.config.model.agent.learning_rate, made.config.model.critics.learning_rate]
    )
    assert np.array(rates) == pytest.approx(np.outer((1, 0.6, 0.2), begun))


def test_critics_see_what_stands_in_a_place_beside_what_was_on_offer_there():
    studio = Studio(toy_store(), CONFIG)
    studio._see_offers()
    choices = studio._look_at_choices(200)
    assert choices.fragments.shape == (200, 1 + CONFIG.picked, 2)
    followed = choices.present[:, 0]
    stands = choices.fragments[followed, 0, 0].astype(int)
    assert np.array_equal(stands, (choices.context[followed, 0, 0] + 1) % 6)  # real lines go up
    offered = choices.fragments[followed, 1:, 0].astype(int)
    assert (offered != stands[:, None]).mean() > 0.5  # an untrained generator's do not


def test_pieces_are_measured_to_plans_of_all_kinds():
    studio = Studio(toy_store(kinds=2), OWN)
    kinds = studio.held_out.plans[:, 0]
    made = studio.compose(len(kinds), 0.1, np.random.default_rng(0))
    assert np.array_equal(made.plans[:, 0], kinds)


def test_the_agent_is_the_guide_of_the_world_it_plays_in():
    studio = Studio(toy_store(), CONFIG)
    torch.nn.init.normal_(studio.agent.network.state_head.weight, std=0.5)
    env = studio._environment()
    observation, _ = env.reset(seed=0)
    studio.model(temperature=0.3)  # however freely it is to compose in the end
    logits = studio.model().world().guide(observation)
    assert logits == pytest.approx(
        studio.agent.values(observation) / CONFIG.model.agent.temperature
    )


def test_what_is_played_is_remembered():
    studio = Studio(toy_store(), CONFIG)
    stages, make = [], studio._environment
    studio._environment = lambda: stages.append(make()) or stages[-1]
    for _ in range(7):
        studio.play()
    assert len(studio.replay) == CONFIG.model.agent.capacity
    pure = CONFIG.episodes - CONFIG.explorers  # pieces for novelty are not shown to the critics
    played = [env.stage.composition(row, {}) for env in stages for row in range(pure)]
    latest = played[-CONFIG.remembered :]
    assert np.array_equal(studio.composed.fragments, [piece.fragments for piece in latest])
    assert np.array_equal(studio.composed.plans, [piece.plan for piece in latest])


def test_windows_have_the_kind_of_their_piece():
    store = toy_store(kinds=2)
    studio = Studio(store, OWN)
    for windows, split in ((studio.real, 0), (studio.held_out, 1)):
        kinds = np.array([piece.kind for piece in store.pieces(split)])
        assert set(kinds.tolist()) == {0, 1}
        assert np.array_equal(windows.plans, np.repeat(kinds[:, None], PLACES, axis=1))
        step = np.where(windows.plans[:, 1:] == 1, -1, 1)
        first, second = windows.fragments[:, :-1, 0].astype(int), windows.fragments[:, 1:, 0]
        assert np.array_equal(second, (first + step) % 6)


def test_the_agent_practises_the_plans_of_real_pieces():
    studio = Studio(toy_store(kinds=2), OWN)
    studio.real.plans[:] = [1, 1, 0, 0, 1]
    studio.held_out.plans[:] = [0, 0, 0, 1, 0]
    studio.play()
    assert (studio.composed.plans == studio.real.plans[0]).all()
    assert studio.sample.plan.tolist() == [1, 1, 0, 0, 1]
    made = studio.compose(4, 0.1, np.random.default_rng(0))
    assert (made.plans == studio.held_out.plans[0]).all()


def test_a_restored_studio_goes_on_from_the_same_own_pieces():
    studios = [Studio(toy_store(kinds=2), OWN) for _ in range(2)]
    first, second = studios
    first.play()
    first.learn()
    for _ in range(7):
        first.gan_step()
    first.criticise()
    stored = {name: tensor.clone() for name, tensor in first.tensors().items()}
    second.restore(stored, json.loads(json.dumps(first.counters())))
    assert np.array_equal(first.own.pieces.plans, second.own.pieces.plans)
    results = []
    for studio in studios:  # one after the other: both go on from torch's state in ``stored``
        torch.set_rng_state(stored["torch_rng"])
        results.append([studio.gan_step() for _ in range(PLACES)])
        results[-1] += [studio.criticise(), studio.play(), studio.learn()]
    assert results[0] == results[1]
    a, b = (studio.tensors() for studio in studios)
    assert [name for name in a if not torch.equal(a[name], b[name])] == []
