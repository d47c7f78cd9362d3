"""Composing: a trained model plays the environment once for each piece."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from composer import reward
from composer.dqn.agent import blended_values, sample_softmax
from composer.environment import CompositionEnv
from composer.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from composer.composition import Composition
    from composer.dqn.network import ValueNetwork
    from composer.model import Model
    from composer.stage import Observation

POLICIES = ("agent", "resample", "greedy", "random", "first")


@dataclass(frozen=True)
class ComposeRequest:
    """What to compose.

    Attributes:
        count: number of pieces; piece i has the seed ``seed + i``, whatever ``count`` is.
        seed: decides everything.
        novelty: the preference w in [0, 1].
        policy: one of ``POLICIES``: the agent; importance resampling by the immediate reward, its
            argmax, a random candidate, or always the first fresh one.
        temperature: of the softmax, relative to the model's own (1); None is 1.
        options: the domain's (music: ``bars``, ``key``, ...).
    """

    count: int = 1
    seed: int = 0
    novelty: float = 0.0
    policy: str = "agent"
    temperature: float | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Chooser:
    """A policy over candidates.

    Attributes:
        policy: one of ``POLICIES``.
        value: the agent's value network.
        temperature: of the softmax for "agent" and "resample", in units of reward.
    """

    policy: str
    value: ValueNetwork
    temperature: float

    def choose(self, observation: Observation, rng: np.random.Generator) -> np.ndarray:
        """One action for each row of a batched observation; int64 ``[n]``."""
        mask = observation["action_mask"]
        if self.policy == "first":
            return np.zeros(len(mask), np.int64)
        if self.policy == "random":
            return sample_softmax(np.zeros(mask.shape), mask, 1.0, rng)
        if self.policy == "agent":
            return sample_softmax(
                blended_values(self.value, observation), mask, self.temperature, rng
            )
        now = reward.blend(observation["scores"], observation["preference"])
        if self.policy == "greedy":
            return np.where(mask.astype(bool), now, -np.inf).argmax(1)
        return sample_softmax(now, mask, self.temperature, rng)


def chooser(model: Model, policy: str, temperature: float | None = None) -> Chooser:
    """The chooser of a policy; "resample" uses the critics' ratio as it is trained: untempered.

    Raises UsageError for an unknown policy or a temperature that is not positive.
    """
    if policy not in POLICIES:
        message = f"unknown policy '{policy}': choose one of {', '.join(POLICIES)}"
        raise UsageError(message)
    relative = 1.0 if temperature is None else temperature
    if not relative > 0:
        message = f"the temperature is {relative:g}, but must be greater than 0"
        raise UsageError(message)
    own = model.temperature if policy == "agent" else model.config.agent.temperature
    return Chooser(policy, model.value, relative * own)


def compose(model: Model, request: ComposeRequest) -> Iterator[Composition]:
    """Compose pieces one by one; the same model and request give the same pieces.

    Raises UsageError for options that the domain refuses, DataError for files that they name.
    """
    layout = model.domain.layout(request.options)
    allowed = model.domain.allowed(request.options)
    choose = chooser(model, request.policy, request.temperature).choose
    closed = model.domain.closed(request.options)
    rule = model.domain.rule(request.options)
    env = CompositionEnv(
        model.world(), layout, request.novelty, allowed=allowed, closed=closed, rule=rule
    )
    for index in range(request.count):
        seed = request.seed + index
        plan = model.domain.plan(layout, request.options, np.random.default_rng((seed, 2)))
        observation, _ = env.reset(seed=seed, options={"plan": plan})
        rng = np.random.default_rng((seed, 1))  # the chooser's own stream
        while not env.stage.finished:
            batch = {name: array[None] for name, array in observation.items()}
            observation, *_ = env.step(choose(batch, rng)[0])
        yield env.stage.composition(0, recipe(model, request, seed))


def recipe(model: Model, request: ComposeRequest, seed: int) -> dict[str, Any]:
    """What re-creates one piece with ``composer compose``, given the same files; JSON-ready."""
    from composer import __version__

    local = model.domain.local
    options = {name: value for name, value in request.options.items() if name not in local}
    return {
        "composer": __version__,
        "model": model.card.get("name", model.domain_id),
        "sha256": model.hash,
        "seed": seed,
        "novelty": request.novelty,
        "policy": request.policy,
        "temperature": request.temperature,
        **{name: value for name, value in options.items() if value is not None},
    }
