"""Samples of pieces: windows of what people made, and compositions of the same form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from composer.composing import chooser
from composer.environment import CompositionVectorEnv

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from composer.domain import Domain
    from composer.fragments import FragmentStore
    from composer.model import Model
    from composer.stage import Observation

BATCH = 64  # compositions played at once
STRIDE = 1_000_003  # between the seeds of the environment, so that no two batches share one


@dataclass(frozen=True)
class Sample:
    """Pieces of the training layout, of people or composed.

    Attributes:
        windows: uint8 ``[n, places, *shape]``.
        works: int64 ``[n]``, the work that each is part of.
        kinds: int64 ``[n]``, the kind that each is or was to be.
    """

    windows: np.ndarray
    works: np.ndarray
    kinds: np.ndarray

    def __len__(self) -> int:
        """Number of pieces."""
        return len(self.windows)

    @classmethod
    def alone(cls, windows: np.ndarray, kinds: np.ndarray | None = None) -> Sample:
        """Pieces of which no two belong together."""
        kinds = np.zeros(len(windows), np.int64) if kinds is None else kinds
        return cls(windows, np.arange(len(windows)), kinds)

    @classmethod
    def joined(cls, samples: Sequence[Sample]) -> Sample:
        """All of them, those of different samples being of different works."""
        starts = np.cumsum([0, *(sample.works.max(initial=-1) + 1 for sample in samples[:-1])])
        works = [start + sample.works for start, sample in zip(starts, samples, strict=True)]
        windows, kinds = (
            np.concatenate([getattr(sample, name) for sample in samples])
            for name in ("windows", "kinds")
        )
        return cls(windows, np.concatenate(works), kinds)

    def take(self, rows: np.ndarray) -> Sample:
        """Some of them: int64 ``[m]``."""
        return Sample(self.windows[rows], self.works[rows], self.kinds[rows])

    def first(self, count: int) -> Sample:
        """The first ``count`` of them, or as many as there are."""
        return self.take(np.arange(min(count, len(self))))

    def some(self, count: int, rng: np.random.Generator) -> Sample:
        """At most ``count`` of them, drawn without replacement, in their order."""
        return self.take(np.sort(rng.permutation(len(self))[:count]))


def cut_windows(
    store: FragmentStore,
    domain: Domain,
    splits: tuple[int, ...],
    adopt: Callable[[np.ndarray], np.ndarray] | None = None,
) -> Sample:
    """Cut all pieces of some parts of a split into windows of the training layout.

    Args:
        store: the pieces.
        domain: says what a window is.
        splits: ``TRAIN``, ``HELD_OUT``, ``JUDGE``, or several of them.
        adopt: what makes the store's windows those of ``domain``; None where they are.

    Returns:
        The windows, in order of the splits and of the pieces.
    """
    cut, works, kinds = [np.zeros((0, *_form(domain)), np.uint8)], [], []
    for split in splits:
        clusters = store.clusters[store.split == split]
        for piece, work in zip(store.pieces(split), clusters.tolist(), strict=True):
            cut.append(domain.windows(piece))
            works += [work] * len(cut[-1])
            kinds += [piece.kind] * len(cut[-1])
    windows = np.concatenate(cut)
    windows = windows if adopt is None else adopt(windows)
    return Sample(windows, np.array(works, np.int64), np.array(kinds, np.int64))


def compose_windows(
    model: Model,
    policy: str,
    kinds: np.ndarray,
    seed: int,
    novelty: float,
    watch: Callable[[Observation], None] | None = None,
) -> np.ndarray:
    """As ``compose_scored``, without the rewards."""
    return compose_scored(model, policy, kinds, seed, novelty, watch)[0]


def compose_scored(
    model: Model,
    policy: str,
    kinds: np.ndarray,
    seed: int,
    novelty: float,
    watch: Callable[[Observation], None] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Compose one piece of the training layout of each of ``kinds``, many at a time.

    Args:
        model: who composes.
        policy: one of ``composing.POLICIES``; all are offered candidates from the same noise.
        kinds: int64 ``[n]``.
        seed: of everything.
        novelty: the preference, 0 to 1.
        watch: is shown what each batch can choose from, place by place.

    Returns:
        uint8 ``[n, places, *shape]``; float32 ``[n, places, 2]``, realism and novelty of each place
        as the environment rewards them.
    """
    choose, world = chooser(model, policy).choose, model.world()
    form = _form(model.domain)
    made, rewards = [np.zeros((0, *form), np.uint8)], [np.zeros((0, form[0], 2), np.float32)]
    for start in range(0, len(kinds), BATCH):
        part = kinds[start : start + BATCH]
        env = CompositionVectorEnv(world, len(part), preference=novelty)
        plans = np.repeat(part[:, None], env.stage.geometry.places, axis=1).astype(np.uint8)
        observation, _ = env.reset(seed=seed * STRIDE + start, options={"plan": plans})
        rng = np.random.default_rng((seed, start))
        while not env.stage.finished:
            if watch is not None:
                watch(observation)
            observation, *_ = env.step(choose(observation, rng))
        made.append(env.stage.placed)
        rewards.append(env.stage.rewards)
    return np.concatenate(made), np.concatenate(rewards)


def _form(domain: Domain) -> tuple[int, ...]:
    """Shape of one window."""
    return (int(np.prod(domain.training_layout)), *domain.spec.shape)
