"""The parts that train together, and what each does in a round of the loop in ``training.py``."""

from __future__ import annotations

import itertools
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from composer import state
from composer.composing import Chooser
from composer.critics import Critics
from composer.dqn.agent import DQNAgent, draw_preferences
from composer.dqn.replay import ReplayBuffer
from composer.environment import CompositionVectorEnv
from composer.errors import DataError
from composer.fragments import HELD_OUT, TRAIN
from composer.gan.fragment_gan import FragmentGAN, cosine
from composer.gan.own import OwnPieces
from composer.model import Model, build
from composer.moments import Matching
from composer.places import Geometry, Pieces, Places
from composer.stage import Stage

if TYPE_CHECKING:
    from torch import Tensor

    from composer.composition import Composition
    from composer.fragments import FragmentStore
    from composer.training import TrainingConfig

KNOWN_BYTES = 3 << 19  # of fragments that novelty is measured against: models stay small


class Studio:
    """Everything that one training run holds in memory.

    Attributes:
        real, held_out: windows of human pieces.
        gan, critics, agent, replay: the learners.
        own: pieces that the generator goes on with by itself.
        composed: the latest pieces composed for realism alone.
        offers: uint8 ``[n, places, picked, *shape]``, candidates for the places of
            ``real[offered_for]``.
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
        layout = self.domain.training_layout
        self.geometry = Geometry.of(self.domain, layout)
        self.real = self._windows(store, TRAIN)
        self.held_out = self._windows(store, HELD_OUT)
        self.complete = Geometry.around(self.domain, layout, "complete")
        self.earlier = Geometry.around(self.domain, layout, "earlier")
        self.pieces = int((store.split == TRAIN).sum())
        self.template.known = self._known(store)
        self.gan = FragmentGAN(self.domain, config.model.gan)
        size = int(config.model.gan.own * config.model.gan.batch)
        self.own = OwnPieces(size, self.earlier, self.real, self.rng)
        self.critics = Critics(self.domain, config.model.critics)
        moments = self.critics.realism.moments
        self.matching = Matching(moments, self.geometry, self.real, config.model.moments)
        self.agent = DQNAgent(self.domain, config.model.agent)
        self.replay = ReplayBuffer(config.model.agent.capacity)
        self.composed = self.real.take(np.zeros(0, np.int64))
        self.offers = np.repeat(self.composed.fragments[:, :, None], config.picked, axis=2)
        self.offered_for = np.zeros(0, np.int64)
        self.sample: Composition | None = None
        self.rounds = 0

    def _windows(self, store: FragmentStore, split: int) -> Pieces:
        pieces = store.pieces(split)
        found = [self.domain.windows(piece) for piece in pieces]
        windows = np.concatenate(found) if found else np.zeros(0)
        if len(windows) == 0:
            layout = "x".join(str(size) for size in self.domain.training_layout)
            message = f"no piece is as long as the {layout} fragments that training needs"
            raise DataError(message)
        kinds = np.repeat([piece.kind for piece in pieces], [len(part) for part in found])
        plans = np.broadcast_to(kinds[:, None], windows.shape[:2]).astype(np.uint8)
        return self.geometry.remember(Pieces(windows, plans))

    def _known(self, store: FragmentStore) -> np.ndarray:
        """The different training fragments, or as many of them as a model has room for."""
        known = np.unique(store.select(TRAIN), axis=0)
        room = KNOWN_BYTES // self.domain.spec.size
        if len(known) <= room:
            return known
        chosen = np.random.default_rng(self.config.seed).permutation(len(known))[:room]
        return known[np.sort(chosen)]

    @property
    def critic_steps(self) -> int:
        """Steps of the critics in a round: fewer for small corpora."""
        config, places = self.config.model.critics, len(self.real) * self.geometry.places
        seen = config.batch * max(self.config.rounds, 1)  # places in a run, at a step a round
        return max(1, min(config.steps, round(config.passes * places / seen)))

    # ---- what happens in a round -----------------------------------------------------------

    def model(self, temperature: float | None = None) -> Model:
        """The model as it is now (shares the networks)."""
        template = self.template
        template.generator = self.gan.average
        template.critics = self.critics.realism
        template.value = self.agent.network
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
        rows = self.rng.integers(len(self.real), size=self.config.episodes)
        plans = self.real.plans[rows]
        seed = int(self.rng.integers(2**31))
        observation, _ = env.reset(seed=seed, options={"preference": preference, "plan": plans})
        rewards = []
        while not env.stage.finished:
            values = self.agent.values(observation)
            action = self.agent.act(values, observation["action_mask"], epsilon, self.rng)
            following, _, terminated, _, info = env.step(action)
            vector = info["vector_reward"]
            self.replay.add(observation, action, vector, following, terminated)
            observation = following
            rewards.append(vector[:pure])
        pieces = env.stage.pieces.take(np.arange(pure))
        self.composed = self.composed.followed_by(pieces, self.config.remembered)
        self.sample = env.stage.composition(0, {"round": self.rounds + 1})
        realism, novelty = np.mean(rewards, axis=(0, 1))
        return {"realism": float(realism), "novelty": float(novelty), "epsilon": epsilon}

    def learn(self) -> dict[str, float]:
        """The agent learns its value function from replayed transitions."""
        self._slow_down(self.agent)
        updates = [self.agent.update(self.replay, self.rng) for _ in range(self.config.updates)]
        return mean_of(updates)

    def _slow_down(self, learner: DQNAgent | Critics) -> None:
        """Set the learning rate of this round."""
        progress = self.rounds / max(self.config.rounds, 1)
        share = cosine(1.0, self.config.final_rate, progress)
        for group in learner.optimizer.param_groups:
            group["lr"] = share * learner.config.learning_rate

    def create(self) -> dict[str, float]:
        """Generator and fragment discriminator train."""
        steps = [self.gan_step() for _ in range(self.config.gan_steps)]
        return mean_of(steps)

    def criticise(self) -> dict[str, float]:
        """Critics and moments learn to tell real pieces from composed ones."""
        self._slow_down(self.critics)
        self._see_offers()
        sources = [partial(self._look, pieces) for pieces in (self.real, self.composed)]
        steps = [
            self.critics.update(self._look_at_choices, *sources) for _ in range(self.critic_steps)
        ]
        played = self.config.episodes - self.config.explorers
        latest = self.composed.take(np.arange(len(self.composed))[-played:])
        return mean_of(steps) | self.matching.update(latest)

    def gan_step(self) -> dict[str, float]:
        """One step of the fragment GAN: at real places, and in the generator's own pieces."""
        config, own = self.config.model.gan, self.own
        borrowed = config.batch - len(own.rows)
        rows, at = self.geometry.draw(self.real, borrowed, self.rng)
        given = self._surrounded(rows, at)
        studied = self._surrounded(*self.geometry.draw(self.real, config.studied, self.rng))
        real = seen = given
        if len(own.rows):
            beside = self.earlier.at(self.real, own.rows, own.at)
            real, seen = joined(given, beside), joined(given, own.look())
        values, made = self.gan.step(real, seen, studied, self.rng)
        own.go_on(made[borrowed:], self.rng)
        return values

    def _surrounded(self, rows: np.ndarray, at: np.ndarray) -> Places:
        """Places of real pieces as the generator sees them, a part of what is around hidden."""
        given = self.complete.at(self.real, rows, at)
        hidden = self.domain.hide(given.present, self.config.model.gan.context_dropout, self.rng)
        return given._replace(present=given.present & ~hidden)

    def _see_offers(self) -> None:
        """What the generator and the moves have on offer in the places of real pieces."""
        rows = self.rng.integers(len(self.real), size=self.config.rehearsed)
        world, layout = self.model().world(), self.domain.training_layout
        stage = Stage(world, layout, len(rows))
        found = stage.offer(self.real.take(rows), self.rng, self.config.picked)
        self.offers = np.concatenate((self.offers, found))[-self.config.remembered :]
        self.offered_for = np.concatenate((self.offered_for, rows))[-self.config.remembered :]

    def _look(self, pieces: Pieces, count: int) -> Places:
        return self.geometry.sample(pieces, count, self.rng)

    def _look_at_choices(self, count: int) -> Places:
        """Real places with what stands there, and what was on offer: ``[n, 1 + picked, ...]``."""
        chosen = self.rng.integers(len(self.offers), size=count)
        places = self.rng.integers(self.geometry.places, size=count)
        found = self.geometry.at(self.real, self.offered_for[chosen], places)
        stands = np.expand_dims(found.fragments, 1)
        choices = np.concatenate((stands, self.offers[chosen, places]), axis=1)
        return found._replace(fragments=choices)

    def compose(self, count: int, temperature: float, rng: np.random.Generator) -> Pieces:
        """Pieces by the present agent, for realism alone, to the plans of held-out ones."""
        chooser = Chooser("agent", self.agent.network, temperature)
        env = CompositionVectorEnv(self.model().world(), count, preference=0.0)
        dealt = np.arange(count) * len(self.held_out) // count  # all kinds have their share
        plans = self.held_out.plans[dealt]
        observation, _ = env.reset(seed=int(rng.integers(2**31)), options={"plan": plans})
        while not env.stage.finished:
            observation, *_ = env.step(chooser.choose(observation, rng))
        return env.stage.pieces

    def _environment(self) -> CompositionVectorEnv:
        return CompositionVectorEnv(self.model().world(), self.config.episodes)

    # ---- state -------------------------------------------------------------------------------

    def tensors(self) -> dict[str, Tensor]:
        """Every tensor that training goes on from, in full precision."""
        tensors = state.collect(self._modules(), self._optimizers())
        tensors |= state.prefixed(self.gan.state(), "gan")
        tensors |= state.prefixed(self.replay.state(), "replay")
        tensors |= state.prefixed(self.own.state(), "own")
        tensors["composed"] = torch.from_numpy(self.composed.fragments)
        tensors["composed_plans"] = torch.from_numpy(self.composed.plans)
        tensors["offers"] = torch.from_numpy(self.offers)
        tensors["offered_for"] = torch.from_numpy(self.offered_for)
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
        self.own.restore(state.below(tensors, "own"))
        composed = Pieces(tensors["composed"].numpy(), tensors["composed_plans"].numpy())
        self.composed = self.geometry.remember(composed)
        self.offers = tensors["offers"].numpy()
        self.offered_for = tensors["offered_for"].numpy()
        torch.set_rng_state(tensors["torch_rng"])
        self.rounds = counters["rounds"]
        self.gan.penalty_scale = counters["penalty_scale"]
        self.agent.updates = counters["agent_updates"]
        self.rng.bit_generator.state = counters["rng"]

    def _modules(self) -> dict[str, torch.nn.Module]:
        return {
            "critics": self.critics.realism,
            "value": self.agent.network,
            "target": self.agent.target,
        }

    def _optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {
            "critics_optimizer": self.critics.optimizer,
            "agent_optimizer": self.agent.optimizer,
        }


def joined(first: Places, second: Places) -> Places:
    """The places of two batches."""
    return Places(*(np.concatenate(parts) for parts in zip(first, second, strict=True)))


def mean_of(values: list[dict[str, float]]) -> dict[str, float]:
    """Mean of each entry over the dictionaries that have it."""
    names = dict.fromkeys(itertools.chain.from_iterable(values))
    return {name: float(np.mean([v[name] for v in values if name in v])) for name in names}
