"""The smallest domain: a fragment is two tokens of six values. Shows that the core knows none."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np
import torch
from torch import nn

from composer.critics import CriticConfig, Realism
from composer.domain import Domain, FragmentSpec, Moves
from composer.dqn.agent import AgentConfig
from composer.dqn.network import ValueConfig
from composer.fragments import FragmentStore
from composer.gan.fragment_gan import GanConfig
from composer.model import ModelConfig
from composer.places import Pieces
from composer.reward import Reference
from composer.stage import CandidateConfig, World
from composer.training import TrainingConfig

SHAPE, CLASSES, PLACES = (2,), 6, 5
AROUND = 2  # the generator sees the fragment before and the one after


class ToyGenerator(nn.Module):
    def __init__(self, latent, position, width):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(latent + AROUND * (2 * CLASSES + 1) + position, width),
            nn.ReLU(),
            nn.Linear(width, 2 * CLASSES),
        )
        self.infer = nn.Linear(2 * CLASSES, latent)

    def forward(self, latent, context, present, position, allowed=None):
        seen = (context * present[..., None, None]).flatten(1)
        known = torch.cat((seen, present, position), 1)
        inputs = torch.cat((latent, known.repeat_interleave(len(latent) // len(known), 0)), 1)
        outputs = self.layers(inputs).view(-1, *SHAPE, CLASSES)
        return outputs if allowed is None else outputs.masked_fill(~allowed, -torch.inf)

    def reconstruct(self, fragments, context, present, position):
        mean = self.infer(fragments.flatten(1))
        return self(mean, context, present, position), mean.square().mean(1) / 2


class ToyDiscriminator(nn.Module):
    def __init__(self, position, width):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(2 * CLASSES + AROUND * (2 * CLASSES + 1) + position, width),
            nn.LeakyReLU(0.2),
            nn.Linear(width, 1),
        )

    def forward(self, fragments, context, present, position):
        seen = (context * present[..., None, None]).flatten(1)
        return self.layers(torch.cat((fragments.flatten(1), seen, present, position), 1)).squeeze(1)


class ToyEncoder(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.layer = nn.Linear(2 * CLASSES, width)

    def forward(self, fragments):
        codes = nn.functional.one_hot(fragments.long(), CLASSES).float()
        return self.layer(codes.flatten(1))


class ToyDomain(Domain):
    id = "toy"
    extensions: ClassVar[frozenset[str]] = frozenset({".toy"})

    def __init__(self, settings):
        self.spec = FragmentSpec(SHAPE, CLASSES)
        self._kinds = settings.get("kinds", 1)

    @classmethod
    def read(cls, folder, options):
        raise NotImplementedError

    def neighbours(self, layout):
        index = np.arange(layout[0])[:, None] - np.array([1, 2])
        return np.where(index >= 0, index, -1)

    @classmethod
    def presets(cls):
        raise NotImplementedError

    @property
    def kinds(self):
        return self._kinds

    def plan(self, layout, options, rng):
        return np.full(layout, options.get("kind", rng.integers(self.kinds)), np.uint8)

    def surroundings(self, layout, scope):
        place = np.arange(layout[0])[:, None]
        index = place + np.array([-1, 1])
        if scope == "closed":
            index %= layout[0]
        inside = (index >= 0) & (index < layout[0])
        return np.where(inside & ((index < place) | (scope == "complete")), index, -1)

    def closed(self, options):
        return bool(options.get("closed"))

    def positions(self, layout):
        place = np.arange(layout[0], dtype=np.float32)
        return np.stack((place / max(layout[0], 1), place == layout[0] - 1), 1).astype(np.float32)

    def layout(self, options):
        return (int(options.get("places") or PLACES),)

    @property
    def training_layout(self):
        return (PLACES,)

    def windows(self, piece):
        return piece.fragments[: len(piece.fragments) // PLACES * PLACES].reshape(-1, PLACES, 2)

    @property
    def _position(self):
        return 2 + (self.kinds if self.kinds > 1 else 0)

    def generator(self, latent, width):
        return ToyGenerator(latent, self._position, width)

    def discriminator(self, width):
        return ToyDiscriminator(self._position, width)

    def encoder(self, width):
        return ToyEncoder(width)

    def relations(self, fragments, first):
        others = fragments[:, :first]
        return (fragments.unsqueeze(2) == others.unsqueeze(1)).float().mean(-1, keepdim=True)

    def moves(self, context, present, rng):
        sources = np.broadcast_to(np.array([0]), (len(context), 1))
        return Moves(context[:, :1], present[:, :1], sources, ("repeat",))

    def features(self, fragments):
        return np.eye(CLASSES, dtype=np.float32)[fragments].reshape(len(fragments), -1)

    def compare(self, made, real):
        counts = [np.bincount(x.reshape(-1), minlength=CLASSES) / x.size for x in (made, real)]
        distance = float(np.abs(counts[0] - counts[1]).sum())
        return {"tokens": distance, "total": distance}

    def allowed(self, options):
        return options.get("allowed")

    def write(self, composition, stem, options):
        path = stem.with_suffix(".toy")
        path.write_bytes(composition.fragments.tobytes())
        return [path]


def toy_pieces(count, rng, kinds=1):
    """Real pieces: both tokens equal; each fragment one higher than the last, modulo six.

    In pieces of the second kind one lower; kinds take turns.
    """
    start = rng.integers(CLASSES, size=(count, 1))
    kind = np.arange(count)[:, None] % kinds
    line = (start + np.where(kind == 1, -1, 1) * np.arange(PLACES)) % CLASSES
    plans = np.broadcast_to(kind, line.shape).astype(np.uint8)
    return Pieces(np.repeat(line[..., None], 2, axis=2).astype(np.uint8), plans)


def toy_store(count=60, seed=0, kinds=1):
    pieces = toy_pieces(count, np.random.default_rng(seed), kinds)
    return FragmentStore(
        fragments=pieces.fragments.reshape(-1, 2),
        starts=np.arange(count + 1) * PLACES,
        layouts=np.full((count, 1), PLACES),
        split=(np.arange(count) % 5 == 0).astype(np.uint8),
        clusters=np.arange(count),
        kinds=pieces.plans[:, 0],
        sources=[f"{i}.toy" for i in range(count)],
        domain_id="toy",
        settings={"kinds": kinds},
        key="toy",
    )


LATENT = 4


def world_of(kinds):
    """A world of pieces of so many kinds, with untrained networks."""
    torch.manual_seed(0)
    domain = ToyDomain({"kinds": kinds})
    known = domain.features(toy_pieces(20, np.random.default_rng(0)).fragments.reshape(-1, 2))
    config = CriticConfig(embedding=8, hidden=16)
    return World(
        domain=domain,
        generator=domain.generator(LATENT, 16).eval(),
        latent=LATENT,
        critics=Realism(domain, config).eval(),
        known=Reference(np.unique(known, axis=0)),
        unit=2.0,
        guide=None,
        candidates=CandidateConfig(fresh=3, guided=2, vary=2),
    )


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
    matching=3,
    model=ModelConfig(
        gan=GanConfig(latent=4, generator_width=16, discriminator_width=16, batch=16, steps=20),
        critics=CriticConfig(embedding=8, hidden=16, batch=16, steps=2),
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


# For pieces of two kinds, which the generator also goes on with by itself.
OWN = replace(
    CONFIG,
    model=replace(
        CONFIG.model,
        gan=replace(CONFIG.model.gan, own=0.5, studied=12, reconstruction=0.5),
    ),
)
