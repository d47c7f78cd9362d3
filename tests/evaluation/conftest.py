"""Settings shared by the tests of evaluation: an untrained model of the toy domain."""

import numpy as np
import pytest
from toy import ToyDomain

from composer import model as models
from composer.critics import CriticConfig
from composer.gan.fragment_gan import GanConfig
from composer.model import ModelConfig, build


class Counting:
    """A watcher that remembers what it was told."""

    def __init__(self):
        self.phases, self.done = {}, {}

    def phase(self, name, total):
        self.phases[name] = total
        self.name = name

    def step(self, done, values):
        self.done[self.name] = done


@pytest.fixture
def watcher():
    """What counts phases and their steps."""
    return Counting()


@pytest.fixture
def toy_model(monkeypatch):
    """Build a model of so many kinds of pieces."""
    monkeypatch.setattr(models, "domain_class", lambda _: ToyDomain)

    def built(kinds):
        config = ModelConfig(
            gan=GanConfig(latent=4, generator_width=8),
            critics=CriticConfig(embedding=4, hidden=8),
        )
        made = build("toy", {"kinds": kinds}, config)
        made.known = np.array([[1, 1], [3, 3], [5, 0]], np.uint8)
        return made

    return built
