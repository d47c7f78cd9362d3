"""How long and how large models of pictures are trained."""

from __future__ import annotations

from dataclasses import replace

from composer.critics import CriticConfig
from composer.dqn.agent import AgentConfig
from composer.gan.fragment_gan import GanConfig
from composer.model import ModelConfig
from composer.stage import CandidateConfig
from composer.training import TrainingConfig

# The zero-centred penalties see a window of a thousand cells: a smaller weight than for music.
GAN = GanConfig(
    latent=64,
    generator_width=96,
    discriminator_width=64,
    batch=32,
    learning_rate=1.5e-3,
    final_learning_rate=2e-4,
    beta2=0.99,
    gamma=1.0,
    final_gamma=0.3,
    penalty_interval=1,
    studied=64,
    own=0.25,
    rounding=False,
    steps=6000,
)
MODEL = ModelConfig(
    gan=GAN,
    critics=CriticConfig(batch=64, steps=60),
    agent=AgentConfig(capacity=8192),
    candidates=CandidateConfig(fresh=6, guided=2, vary=0),
)
SMALL = ModelConfig(
    gan=replace(GAN, generator_width=32, discriminator_width=16, batch=16, studied=32, steps=60),
    critics=CriticConfig(embedding=16, hidden=48),
    agent=AgentConfig(capacity=1024, epsilon_rounds=2),
    candidates=CandidateConfig(fresh=2, guided=1, vary=0),
)
STANDARD = TrainingConfig(
    warm_up=6000,
    warm_up_check=500,
    rounds=60,
    episodes=12,
    explorers=3,
    updates=32,
    gan_steps=4,
    rehearsed=8,
    remembered=120,
    measured=48,
    temperatures=(1.0,),  # 96 canvases tell no two apart: of other seeds they differ by more
    model=MODEL,
)
PRESETS = {
    "debug": replace(
        STANDARD,
        warm_up=60,
        warm_up_check=30,
        rounds=4,
        episodes=6,
        explorers=2,
        updates=4,
        gan_steps=2,
        rehearsed=4,
        measure_interval=2,
        measured=8,
        model=SMALL,
    ),
    "quick": replace(
        STANDARD,
        warm_up=2500,
        rounds=20,
        measured=16,
        model=replace(MODEL, gan=replace(GAN, steps=2500)),
    ),
    "standard": STANDARD,
}
