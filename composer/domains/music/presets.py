"""How long and how large models of music are trained."""

from __future__ import annotations

from dataclasses import replace

from composer.critics import CriticConfig
from composer.dqn.agent import AgentConfig
from composer.gan.fragment_gan import GanConfig
from composer.model import ModelConfig
from composer.stage import CandidateConfig
from composer.training import TrainingConfig

GAN = GanConfig(
    generator_width=256, learning_rate=1e-3, final_learning_rate=1e-4, studied=128, steps=1000
)
CRITICS = CriticConfig(dropout=0.4, weight_decay=0.3, passes=10.0)
SMALL = ModelConfig(
    gan=replace(GAN, generator_width=96, discriminator_width=96, steps=100),
    critics=replace(CRITICS, embedding=24, hidden=64),
    agent=AgentConfig(capacity=4096, epsilon_rounds=2),
    candidates=CandidateConfig(fresh=4, guided=2, vary=2),
)

PRESETS = {
    "debug": TrainingConfig(
        warm_up=100,
        warm_up_check=50,
        rounds=4,
        episodes=16,
        explorers=4,
        updates=8,
        gan_steps=2,
        measure_interval=2,
        measured=32,
        matching=4,
        model=SMALL,
    ),
    "quick": TrainingConfig(
        warm_up=500, rounds=60, model=ModelConfig(gan=replace(GAN, steps=500), critics=CRITICS)
    ),
    "standard": TrainingConfig(
        warm_up=1000, rounds=100, model=ModelConfig(gan=GAN, critics=CRITICS)
    ),
}
