from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from toy import ToyDomain, toy_store

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
