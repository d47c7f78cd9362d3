"""Best of K whole pieces: what the critics are worth where nobody chooses place by place.

The critics score each of K candidates at each place. For as many calls of the critics K whole
pieces can be made, each by the generator's first proposals, and the one that they like best be
kept. An agent that is no better than that wastes its choices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from composer import critics, reward
from composer.evaluation.samples import BATCH
from composer.gan.fragment_gan import generate
from composer.places import Geometry, Pieces, Places

if TYPE_CHECKING:
    from collections.abc import Callable

    from composer.model import Model
    from composer.stage import World

STREAM = 6  # of the seeds: what is drawn here moves nothing else


def compose_best(
    model: Model,
    rivals: int,
    kinds: np.ndarray,
    seed: int,
    novelty: float,
    watch: Callable[[int], None] | None = None,
) -> np.ndarray:
    """Compose several pieces of each of ``kinds`` and keep the one of the highest mean reward.

    Args:
        model: whose generator proposes and whose critics judge.
        rivals: pieces of which one is kept, K.
        kinds: int64 ``[n]``.
        seed: of everything.
        novelty: the preference, 0 to 1; realism and novelty are blended as in the reward.
        watch: is told of each place that a batch has filled.

    Returns:
        uint8 ``[n, places, *shape]``.
    """
    world, layout = model.world(), model.domain.training_layout
    made = [np.zeros((0, int(np.prod(layout)), *model.domain.spec.shape), np.uint8)]
    for start in range(0, len(kinds), BATCH):
        part = kinds[start : start + BATCH]
        rng = np.random.default_rng((seed, start, STREAM))
        pieces, rewards = draw_pieces(world, np.repeat(part, rivals), rng, watch)
        worth = reward.blend(rewards.mean(axis=1), np.array(novelty))
        best = worth.reshape(len(part), rivals).argmax(axis=1)
        made.append(pieces[np.arange(len(part)) * rivals + best])
    return np.concatenate(made)


def draw_pieces(
    world: World,
    kinds: np.ndarray,
    rng: np.random.Generator,
    watch: Callable[[int], None] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Compose one piece of each of ``kinds``, as the policy "first" does, each place scored once.

    Returns:
        uint8 ``[n, places, *shape]``; float32 ``[n, places, 2]``, realism and novelty of each.
    """
    domain, count = world.domain, len(kinds)
    layout, rows = domain.training_layout, np.arange(count)
    geometry, around = Geometry.of(domain, layout), Geometry.around(domain, layout, "earlier")
    shape = (count, geometry.places)
    pieces = Pieces(
        np.zeros((*shape, *domain.spec.shape), np.uint8),
        np.repeat(kinds[:, None], geometry.places, axis=1).astype(np.uint8),
        np.zeros((*shape, geometry.remembered), np.float32),
    )
    past = np.zeros((*shape, world.known.features.shape[1]), np.float32)
    rewards = np.zeros((*shape, 2), np.float32)
    for place in range(geometry.places):
        at = np.full(count, place)
        latents = rng.standard_normal((count, world.latent), np.float32)
        seen = around.at(pieces, rows, at)
        made = generate(world.generator, domain, seen, latents)
        made = domain.settle(made[:, None], pieces.fragments[:, :place])[:, 0]
        pieces.fragments[:, place] = made
        past[:, place] = domain.features(pieces.fragments[:, place])
        rewards[:, place, 0] = _realism(world, geometry.at(pieces, rows, at))
        rewards[:, place, 1] = _novelty(world, past[:, : place + 1])
        geometry.go_on(pieces, place)
        if watch is not None:
            watch(place)
    return pieces.fragments, rewards


def _realism(world: World, places: Places) -> np.ndarray:
    """Realism of what stands at each place: float32 ``[n]``.

    The environment scales the critics' ratio to a mean of 1 over the candidates of a place. Over a
    single one that would make all alike, so here it counts as it is.
    """
    alone = places._replace(fragments=places.fragments[:, None])
    said = critics.score(world.domain, world.critics, alone)
    return reward.realism(critics.ratio(*said))[:, 0]


def _novelty(world: World, features: np.ndarray) -> np.ndarray:
    """Novelty of the last place: features ``[n, places so far, features]`` -> float32 ``[n]``."""
    now, past = features[:, -1], features[:, :-1]
    to_past = np.full(len(now), np.inf, np.float32)
    if past.shape[1]:
        to_past = reward.nearest_each(now[:, None], past)[:, 0]
    return reward.novelty(world.known.nearest(now), to_past, world.unit)
