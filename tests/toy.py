"""The smallest domain: a fragment is two tokens of six values. Shows that the core knows none."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from torch import nn

from composer.domain import Corpus, Domain, FragmentSpec, Moves, Piece
from composer.fragments import FragmentStore

SHAPE, CLASSES, PLACES = (2,), 6, 5


class ToyGenerator(nn.Module):
    def __init__(self, latent, width):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(latent + 2 * CLASSES + 1 + 2, width),
            nn.ReLU(),
            nn.Linear(width, 2 * CLASSES),
        )

    def forward(self, latent, context, present, position):
        seen = (context * present[..., None, None]).flatten(1)
        inputs = torch.cat((latent, seen, present, position), 1)
        return self.layers(inputs).view(-1, *SHAPE, CLASSES)


class ToyDiscriminator(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(4 * CLASSES + 1 + 2, width), nn.LeakyReLU(0.2), nn.Linear(width, 1)
        )

    def forward(self, fragments, context, present, position):
        seen = (context * present[..., None, None]).flatten(1)
        return self.layers(torch.cat((fragments.flatten(1), seen, present, position), 1)).squeeze(1)


class ToyEncoder(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.layer = nn.Linear(2 * CLASSES, width)

    def forward(self, fragments):
        if not fragments.is_floating_point():
            fragments = nn.functional.one_hot(fragments.long(), CLASSES).float()
        return self.layer(fragments.flatten(1))


class ToyDomain(Domain):
    id = "toy"
    extensions: ClassVar[frozenset[str]] = frozenset({".toy"})

    def __init__(self, settings):
        self.spec = FragmentSpec(SHAPE, CLASSES)

    @classmethod
    def read(cls, folder, options):
        raise NotImplementedError

    def neighbours(self, layout):
        index = np.arange(layout[0])[:, None] - np.array([1, 2])
        return np.where(index >= 0, index, -1)

    @property
    def generator_neighbours(self):
        return 1

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

    def generator(self, latent, width):
        return ToyGenerator(latent, width)

    def discriminator(self, width):
        return ToyDiscriminator(width)

    def encoder(self, width):
        return ToyEncoder(width)

    def relations(self, fragments, others):
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


def toy_pieces(count, rng):
    """Real pieces: both tokens equal; each fragment one higher than the last, modulo six."""
    start = rng.integers(CLASSES, size=(count, 1))
    line = (start + np.arange(PLACES)) % CLASSES
    return np.repeat(line[..., None], 2, axis=2).astype(np.uint8)


def toy_store(count=60, seed=0):
    pieces = toy_pieces(count, np.random.default_rng(seed))
    return FragmentStore(
        fragments=pieces.reshape(-1, 2),
        starts=np.arange(count + 1) * PLACES,
        layouts=np.full((count, 1), PLACES),
        split=(np.arange(count) % 5 == 0).astype(np.uint8),
        clusters=np.arange(count),
        sources=[f"{i}.toy" for i in range(count)],
        domain_id="toy",
        settings={},
        key="toy",
    )


__all__ = ["Corpus", "Piece", "ToyDomain", "toy_pieces", "toy_store"]
