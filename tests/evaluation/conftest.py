"""Settings shared by the tests of evaluation: an untrained model of the toy domain."""

import numpy as np
import pytest
from toy import ToyDomain

from composer import model as models
from composer.critics import CriticConfig
from composer.gan.fragment_gan import GanConfig
from composer.model import ModelConfig, build


@pytest.fixture
def toy_model(monkeypatch):
    """Build a model of so many kinds of pieces."""
    monkeypatch.setattr(models, "domain_class", lambda _: ToyDomain)

    def built(kinds):
        config = ModelConfig(
            gan=GanConfig(latent=4, generator_width=8),
            critics=CriticConfig(count=2, embedding=4, hidden=8),
        )
        made = build("toy", {"kinds": kinds}, config)
        made.known = np.array([[1, 1], [3, 3], [5, 0]], np.uint8)
        return made

    return built
