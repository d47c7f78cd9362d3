"""The DQN agent: acts by its value function, learns it from replayed transitions."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from composer.dqn.network import ValueConfig, ValueNetwork, scalar

if TYPE_CHECKING:
    from composer.domain import Domain
    from composer.dqn.replay import Observation, ReplayBuffer


@dataclass(frozen=True)
class AgentConfig:
    """DQN agent.

    Attributes:
        gamma: discount.
        temperature: tau of the maximum-entropy policy and backup, in units of reward; realism is
            a tenth of a logit, so 0.1 takes the critics' ratio as it is.
        learning_rate: Adam's.
        batch: transitions an update.
        target_interval: updates between copies to the target network.
        capacity: transitions in the replay buffer.
        epsilon_start, epsilon_end: share of random choices while playing.
        epsilon_rounds: rounds over which epsilon falls linearly.
    """

    gamma: float = 0.9
    temperature: float = 0.1
    learning_rate: float = 1e-3
    batch: int = 64
    target_interval: int = 50
    capacity: int = 16384
    epsilon_start: float = 0.25
    epsilon_end: float = 0.0
    epsilon_rounds: int = 10
    network: ValueConfig = field(default_factory=ValueConfig)


def to_tensors(observation: Observation) -> dict[str, Tensor]:
    """A batched observation as tensors."""
    return {name: torch.from_numpy(array) for name, array in observation.items()}


def soft_value(values: Tensor, mask: Tensor, preference: Tensor, temperature: float) -> Tensor:
    """V(s) = tau log mean_k exp(Q(s, a_k) / tau), component by component.

    The policy is uniform over the candidates, reweighted by exp(Q / tau); the last component
    receives -tau KL(policy, uniform), so that the blended components sum to V. Haarnoja et al.,
    "Reinforcement learning with deep energy-based policies" (ICML 2017), with the generator's
    candidates as the prior. ``values [n, k, 3]``, ``mask`` bool ``[n, k]`` -> ``[n, 3]``.
    """
    logits = (scalar(values, preference) / temperature).masked_fill(~mask, -torch.inf)
    log_policy = logits.log_softmax(1)
    policy = log_policy.exp()
    log_uniform = -mask.sum(1, keepdim=True).log()
    divergence = (policy * (log_policy.masked_fill(~mask, 0.0) - log_uniform)).sum(1)
    value = (policy.unsqueeze(2) * values).sum(1)
    bonus = F.pad((-temperature * divergence).unsqueeze(1), (2, 0))
    return value + bonus


class DQNAgent:
    """Value network, target network, optimiser and schedules."""

    def __init__(self, domain: Domain, config: AgentConfig) -> None:
        """Networks are initialised from torch's global random state."""
        self.config = config
        self.network = ValueNetwork(domain, config.network, config.gamma)
        self.target = copy.deepcopy(self.network).requires_grad_(requires_grad=False)
        self.optimizer = torch.optim.Adam(
            self.network.parameters(), lr=config.learning_rate, fused=True
        )
        self.updates = 0

    def epsilon(self, rounds: int) -> float:
        """Share of random choices in the given round."""
        progress = min(rounds / max(self.config.epsilon_rounds, 1), 1.0)
        return self.config.epsilon_start + progress * (
            self.config.epsilon_end - self.config.epsilon_start
        )

    def values(self, observation: Observation) -> np.ndarray:
        """Blended Q of each candidate at the observation's preference: float32 ``[n, k]``."""
        return blended_values(self.network, observation)

    def act(
        self, values: np.ndarray, mask: np.ndarray, epsilon: float, rng: np.random.Generator
    ) -> np.ndarray:
        """Choose by exp(Q / tau), or at random with probability ``epsilon``; int64 ``[n]``."""
        chosen = sample_softmax(values, mask, self.config.temperature, rng)
        random = sample_softmax(np.zeros_like(values), mask, 1.0, rng)
        return np.where(rng.random(len(values)) < epsilon, random, chosen)

    def update(self, replay: ReplayBuffer, rng: np.random.Generator) -> dict[str, float]:
        """One step on a batch whose preferences are drawn anew."""
        config = self.config
        batch = replay.sample(config.batch, rng)
        preference = torch.from_numpy(draw_preferences(config.batch, rng))
        now = {name[4:]: tensor for name, tensor in batch.items() if name.startswith("now.")}
        rows = torch.arange(config.batch)
        chosen = self.network(now, preference)[rows, batch["action"]]  # [n, 3]
        with torch.no_grad():
            target = self._target(batch, preference)
        loss = F.smooth_l1_loss(chosen, target, beta=0.5)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 10.0)
        self.optimizer.step()
        self.updates += 1
        if self.updates % config.target_interval == 0:
            self.target.load_state_dict(self.network.state_dict())
        return {
            "q_loss": loss.item(),
            "q": scalar(chosen.detach().unsqueeze(1), preference).mean().item(),
        }

    def _target(self, batch: dict[str, Tensor], preference: Tensor) -> Tensor:
        """Bellman targets ``[n, 3]``."""
        config = self.config
        following = {name[5:]: t for name, t in batch.items() if name.startswith("next.")}
        mask = following["action_mask"].bool()
        values = self.target(following, preference)
        value = soft_value(values, mask, preference, config.temperature)
        going_on = (~batch["terminated"].bool()).float().unsqueeze(1)
        return F.pad(batch["reward"], (0, 1)) + config.gamma * going_on * value


@torch.no_grad()
def blended_values(network: ValueNetwork, observation: Observation) -> np.ndarray:
    """Q of each candidate at the observation's preference: float32 ``[n, k]``."""
    tensors = to_tensors(observation)
    preference = tensors["preference"].squeeze(1)
    return scalar(network(tensors, preference), preference).numpy()


def draw_preferences(count: int, rng: np.random.Generator) -> np.ndarray:
    """Preferences w in [0, 1], denser near 0, where most pieces are wanted; float32 ``[count]``."""
    return np.square(rng.random(count)).astype(np.float32)


def sample_softmax(
    values: np.ndarray, mask: np.ndarray, temperature: float, rng: np.random.Generator
) -> np.ndarray:
    """Sample an index of each row of ``[n, k]`` by exp(values / temperature); int64 ``[n]``.

    The Gumbel-max trick: one draw for each candidate, no normalisation.
    """
    gumbel = rng.gumbel(size=values.shape)
    scaled = np.where(mask.astype(bool), values / temperature + gumbel, -np.inf)
    return scaled.argmax(1)
