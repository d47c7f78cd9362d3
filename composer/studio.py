"""The parts that train together, and what each does in a round of the loop in ``training.py``."""

from __future__ import annotations

import itertools
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from composer import state
from composer.composing import Chooser
from composer.critics import Critics, ensemble
from composer.dqn.agent import DQNAgent, draw_preferences
from composer.dqn.network import scalar
from composer.dqn.replay import ReplayBuffer
from composer.environment import CompositionVectorEnv
from composer.errors import DataError
from composer.fragments import HELD_OUT, TRAIN
from composer.gan.fragment_gan import FragmentGAN
from composer.model import Model, build
from composer.places import Geometry, Places
from composer.reward import LOGIT_LIMIT
from composer.stage import Stage

if TYPE_CHECKING:
    from composer.composition import Composition
    from composer.fragments import FragmentStore
    from composer.training import TrainingConfig


class Studio:
    """Everything that one training run holds in memory.

    Attributes:
        real, held_out: uint8 ``[pieces, places, *shape]``, windows of human pieces.
        gan, critics, agent, replay: the learners.
        composed: uint8 ``[pieces, places, *shape]``, the latest pieces composed for realism alone.
        offers: uint8 like ``composed``, candidates for the places of ``real[offered_for]``.
        elite: float32 ``[m, latent]``, latents of high value.
        sample: the first piece of the latest play; None before.
        rng: decides every draw, with torch's global state (initialisation and dropout).
    """

    def __init__(self, store: FragmentStore, config: TrainingConfig) -> None:
        """Initialise all networks from ``config.seed``."""
        torch.manual_seed(config.seed)
        self.config = config
        self.rng = np.random.default_rng(config.seed)
        self.template = build(store.domain_id, store.settings, config.model)
        self.domain = self.template.domain
        self.real = self._windows(store, TRAIN)
        self.held_out = self._windows(store, HELD_OUT)
        self.geometry = Geometry.of(self.domain, self.domain.training_layout)
        self.pieces = int((store.split == TRAIN).sum())
        self.known = np.unique(store.select(TRAIN), axis=0)
        self.gan = FragmentGAN(self.domain, config.model.gan)
        self.critics = Critics(self.domain, config.model.critics)
        self.agent = DQNAgent(self.domain, config.model.agent)
        self.replay = ReplayBuffer(config.model.agent.capacity)
        self.composed = np.zeros((0, *self.real.shape[1:]), np.uint8)
        self.offers = np.zeros_like(self.composed)
        self.offered_for = np.zeros(0, np.int64)
        self.elite = np.zeros((0, config.model.gan.latent), np.float32)
        self.sample: Composition | None = None
        self.rounds = 0

    def _windows(self, store: FragmentStore, split: int) -> np.ndarray:
        found = [self.domain.windows(piece) for piece in store.pieces(split)]
        windows = np.concatenate(found) if found else np.zeros(0)
        if len(windows) == 0:
            layout = "x".join(str(size) for size in self.domain.training_layout)
            message = f"no piece is as long as the {layout} fragments that training needs"
            raise DataError(message)
        return windows

    # ---- what happens in a round -----------------------------------------------------------

    def model(self, temperature: float | None = None) -> Model:
        """The model as it is now (shares the networks)."""
        template = self.template
        template.generator = self.gan.average
        template.critics = self.critics.members
        template.value = self.agent.network
        template.known, template.elite = self.known, self.elite
        if temperature is not None:
            template.temperature = temperature
        return template

    def play(self) -> dict[str, float]:
        """The agent composes a batch of pieces and remembers every transition."""
        env = self._environment()
        epsilon = self.agent.epsilon(self.rounds)
        pure = self.config.episodes - self.config.explorers
        preference = np.zeros(self.config.episodes, np.float32)
        preference[pure:] = draw_preferences(self.config.explorers, self.rng)
        seed = int(self.rng.integers(2**31))
        observation, _ = env.reset(seed=seed, options={"preference": preference})
        rewards, best = [], []
        while not env.stage.finished:
            values = self.agent.values(observation)
            action = self.agent.act(values, observation["action_mask"], epsilon, self.rng)
            best.append(self._valued(env, values))
            following, _, terminated, _, info = env.step(action)
            vector = info["vector_reward"]
            self.replay.add(observation, action, vector, following, terminated)
            observation = following
            rewards.append(vector[:pure])
        self._remember(env.stage.placed[:pure], np.concatenate(best))
        self.sample = env.stage.composition(0, {"round": self.rounds + 1})
        realism, novelty = np.mean(rewards, axis=(0, 1))
        return {"realism": float(realism), "novelty": float(novelty), "epsilon": epsilon}

    def learn(self) -> dict[str, float]:
        """The agent learns its value function from replayed transitions."""
        updates = [self.agent.update(self.replay, self.rng) for _ in range(self.config.updates)]
        return mean_of(updates)

    def create(self) -> dict[str, float]:
        """Generator and fragment discriminator train, the generator also along the value."""
        steps = [self.gan_step(guided=True) for _ in range(self.config.gan_steps)]
        return mean_of(steps)

    def criticise(self) -> dict[str, float]:
        """The composition critics learn to tell real pieces from composed ones."""
        self._see_offers()
        sources = [partial(self._look, pieces) for pieces in (self.real, self.composed)]
        steps = [
            self.critics.update(sources[0], self._look_at_offers, sources[1])
            for _ in range(self.config.model.critics.steps)
        ]
        return mean_of(steps)

    def gan_step(self, *, guided: bool) -> dict[str, float]:
        """One step of the fragment GAN on real places."""
        places = self.geometry.sample(self.real, self.config.model.gan.batch, self.rng)
        guide = self.value_gradient if guided and self.config.model.gan.guidance else None
        return self.gan.step(places, self.rng, guide)

    def value_gradient(self, fragments: Tensor, places: Places) -> Tensor:
        """dQ/d fragment: realism by the critics now, and the value network's future.

        ``fragments`` one-hot ``[n, *shape, classes]`` -> the same shape.
        """
        probe = fragments.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(self.value(probe, places).sum(), probe)
        return gradient

    def value(self, fragments: Tensor, places: Places) -> Tensor:
        """Q, for realism alone, of one-hot ``[n, *shape, classes]`` in their places: ``[n]``."""
        tokens = fragments.argmax(-1).unsqueeze(1)
        context, present, position = (torch.from_numpy(array) for array in places[1:])
        shown = fragments.unsqueeze(1)
        judged = ensemble(self.critics.members, context, present, position, tokens, shown)
        realism = (judged + LOGIT_LIMIT) / (2 * LOGIT_LIMIT)  # [n, 1]
        scores = torch.stack((realism, torch.zeros_like(realism)), dim=2)
        progress = position.new_zeros(len(position), 1)
        observation = {
            "context": context,
            "present": present,
            "position": position,
            "candidates": tokens,
            "scores": scores,
            "progress": progress,
        }
        preference = position.new_zeros(len(position))
        return scalar(self.agent.network(observation, preference, shown), preference).squeeze(1)

    def _see_offers(self) -> None:
        """What the generator and the moves have on offer in the places of real pieces."""
        rows = self.rng.integers(len(self.real), size=self.config.rehearsed)
        world, layout = self.model().world(), self.domain.training_layout
        found = Stage(world, layout, len(rows)).offer(self.real[rows], self.rng)
        self.offers = np.concatenate((self.offers, found))[-self.config.remembered :]
        self.offered_for = np.concatenate((self.offered_for, rows))[-self.config.remembered :]

    def _look(self, pieces: np.ndarray, count: int) -> Places:
        return self.geometry.sample(pieces, count, self.rng)

    def _look_at_offers(self, count: int) -> Places:
        chosen = self.rng.integers(len(self.offers), size=count)
        places = self.rng.integers(self.geometry.places, size=count)
        found = self.geometry.at(self.real, self.offered_for[chosen], places)
        return found._replace(fragments=self.offers[chosen, places])

    def playing_state(self) -> dict[str, Tensor]:
        """Copies of all tensors that composing depends on."""
        tensors = state.collect(self._players(), {})
        return tensors | {"elite": torch.from_numpy(self.elite.copy())}

    def adopt(self, tensors: dict[str, Tensor]) -> None:
        """Compose with the networks of an earlier ``playing_state``."""
        state.restore(self._players(), {}, tensors)
        self.elite = tensors["elite"].numpy()

    def _players(self) -> dict[str, torch.nn.Module]:
        return {
            "average": self.gan.average,
            "critics": self.critics.members,
            "value": self.agent.network,
        }

    def compose(self, count: int, temperature: float, rng: np.random.Generator) -> np.ndarray:
        """Pieces by the present agent, for realism alone: uint8 ``[count, places, *shape]``."""
        chooser = Chooser("agent", self.agent.network, temperature)
        env = CompositionVectorEnv(self.model().world(), count, preference=0.0)
        observation, _ = env.reset(seed=int(rng.integers(2**31)))
        while not env.stage.finished:
            observation, *_ = env.step(chooser.choose(observation, rng))
        return env.stage.placed

    def _environment(self) -> CompositionVectorEnv:
        return CompositionVectorEnv(self.model().world(), self.config.episodes)

    def _valued(self, env: CompositionVectorEnv, values: np.ndarray) -> np.ndarray:
        """Latents of the fresh candidates that stand highest above their state's mean value."""
        drawn = env.stage.drawn
        advantage = values[:, :drawn] - values.mean(1, keepdims=True)
        rows = np.argsort(advantage.max(1))[-self.config.elite_step :]
        return env.stage.offered[rows, advantage[rows].argmax(1)]

    def _remember(self, pieces: np.ndarray, latents: np.ndarray) -> None:
        composed = np.concatenate((self.composed, pieces))
        self.composed = composed[-self.config.remembered :]
        elite = np.concatenate((self.elite, latents))
        self.elite = elite[-self.config.elite :]

    # ---- state -------------------------------------------------------------------------------

    def tensors(self) -> dict[str, Tensor]:
        """Every tensor that training goes on from, in full precision."""
        tensors = state.collect(self._modules(), self._optimizers())
        tensors |= state.prefixed(self.gan.state(), "gan")
        tensors |= state.prefixed(self.replay.state(), "replay")
        tensors["composed"] = torch.from_numpy(self.composed)
        tensors["offers"] = torch.from_numpy(self.offers)
        tensors["offered_for"] = torch.from_numpy(self.offered_for)
        tensors["elite"] = torch.from_numpy(self.elite)
        tensors["torch_rng"] = torch.get_rng_state()
        return tensors

    def counters(self) -> dict[str, Any]:
        """Counters and the state of the random generator; JSON-ready."""
        return {
            "rounds": self.rounds,
            "penalty_scale": self.gan.penalty_scale,
            "agent_updates": self.agent.updates,
            "rng": self.rng.bit_generator.state,
        }

    def restore(self, tensors: dict[str, Tensor], counters: dict[str, Any]) -> None:
        """Inverse of ``tensors`` and ``counters``: the run goes on as if never stopped."""
        state.restore(self._modules(), self._optimizers(), tensors)
        self.gan.restore(state.below(tensors, "gan"))
        self.replay.restore(state.below(tensors, "replay"))
        self.composed = tensors["composed"].numpy()
        self.offers = tensors["offers"].numpy()
        self.offered_for = tensors["offered_for"].numpy()
        self.elite = tensors["elite"].numpy()
        torch.set_rng_state(tensors["torch_rng"])
        self.rounds = counters["rounds"]
        self.gan.penalty_scale = counters["penalty_scale"]
        self.agent.updates = counters["agent_updates"]
        self.rng.bit_generator.state = counters["rng"]

    def _modules(self) -> dict[str, torch.nn.Module]:
        return {
            "critics": self.critics.members,
            "value": self.agent.network,
            "target": self.agent.target,
        }

    def _optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {
            "critics_optimizer": self.critics.optimizer,
            "agent_optimizer": self.agent.optimizer,
        }


def mean_of(values: list[dict[str, float]]) -> dict[str, float]:
    """Mean of each entry over the dictionaries that have it."""
    names = dict.fromkeys(itertools.chain.from_iterable(values))
    return {name: float(np.mean([v[name] for v in values if name in v])) for name in names}
