from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from toy import ToyDomain, toy_store

from composer import studio as module
from composer.fragments import TRAIN
from composer.studio import Studio
from composer.training import TrainingConfig


@pytest.fixture(autouse=True)
def toy(monkeypatch):
    monkeypatch.setattr("composer.model.domain_class", lambda _: ToyDomain)


def studio(seed=0):
    return Studio(toy_store(), replace(TrainingConfig(), seed=seed))


def test_a_model_knows_every_training_fragment_where_there_is_room():
    expected = np.unique(toy_store().select(TRAIN), axis=0)
    assert np.array_equal(studio().known, expected)


def test_else_it_knows_a_sample_that_the_seed_draws(monkeypatch):
    everything = {tuple(row) for row in studio().known.tolist()}
    monkeypatch.setattr(module, "KNOWN_BYTES", 4 * 2)  # four fragments of two tokens
    known = studio().known
    assert len(known) == 4 < len(everything)
    assert {tuple(row) for row in known.tolist()} < everything
    assert np.array_equal(known, studio().known)
    assert any(not np.array_equal(known, studio(seed).known) for seed in range(1, 5))


def test_as_many_candidates_of_a_place_are_kept_as_asked():
    made = Studio(toy_store(), replace(TrainingConfig(), picked=3, rehearsed=5))
    made._see_offers()
    assert made.offers.shape == (5, 5, 3, 2)
    found = made._look_at_choices(200)
    assert found.fragments.shape == (200, 4, 2)
    assert found.present.shape == (200, 2)
