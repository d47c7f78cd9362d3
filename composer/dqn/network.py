"""The value network: residual, two towers, conditioned on the preference, vector-valued."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from composer.networks import PlaceEncoder, look

if TYPE_CHECKING:
    from composer.domain import Domain

COMPONENTS = 3  # realism, novelty, entropy


@dataclass(frozen=True)
class ValueConfig:
    """Value network.

    Attributes:
        embedding: width of a fragment's embedding.
        hidden: hidden units of both towers.
        factors: size of the towers' product.
    """

    embedding: int = 48
    hidden: int = 192
    factors: int = 48


class ValueNetwork(nn.Module):
    """Q(s, a, w) = r(s, a) + gamma [g(a) . h(s, w) + v(s, w)], one value for each component.

    The components are realism, novelty and entropy (the maximum-entropy bonus of later choices),
    so that one network serves every preference w. The immediate reward is known before the choice
    is made (the observation's ``scores``), so only the future is learnt; the last layer starts at
    zero, so that the untrained agent is the chooser without look-ahead.
    """

    def __init__(self, domain: Domain, config: ValueConfig, gamma: float) -> None:
        """``gamma`` is the discount."""
        super().__init__()
        self.domain, self.gamma = domain, gamma
        self.factors = config.factors
        self.places = PlaceEncoder(domain, config.embedding)
        self.state_tower = nn.Sequential(
            nn.Linear(self.places.state_width + 2, config.hidden),
            nn.ReLU(),
            nn.Linear(config.hidden, config.hidden),
            nn.ReLU(),
        )
        self.state_head = nn.Linear(config.hidden, COMPONENTS * (config.factors + 1))
        nn.init.zeros_(self.state_head.weight)
        nn.init.zeros_(self.state_head.bias)
        self.action_tower = nn.Sequential(
            nn.Linear(self.places.candidate_width + 2, config.hidden),
            nn.ReLU(),
            nn.Linear(config.hidden, config.factors),
        )

    def forward(self, observation: dict[str, Tensor], preference: Tensor) -> Tensor:
        """Values of all candidates.

        ``observation`` batched as in ``CompositionEnv``; ``preference`` float ``[n]`` replaces the
        observation's own. -> ``[n, k, 3]``.
        """
        names = ("context", "present", "position", "candidates")
        state, seen = self.places(look(self.domain, *(observation[name] for name in names)))
        extra = torch.cat((preference[:, None], observation["progress"]), dim=1)
        head = self.state_head(self.state_tower(torch.cat((state, extra), dim=1)))
        head = head.view(-1, COMPONENTS, self.factors + 1)
        scores = observation["scores"]
        action = self.action_tower(torch.cat((seen, scores), dim=2))  # [n, k, factors]
        product = action @ head[..., : self.factors].transpose(1, 2) / self.factors**0.5
        future = product + head[..., self.factors].unsqueeze(1)  # [n, k, 3]
        reward = torch.cat((scores, torch.zeros_like(scores[..., :1])), dim=2)
        return reward + self.gamma * future


def scalar(values: Tensor, preference: Tensor) -> Tensor:
    """Blend ``[n, k, 3]`` by w ``[n]``: (1 - w) realism + w novelty + entropy -> ``[n, k]``."""
    w = preference.view(-1, *(1,) * (values.dim() - 2))
    return (1 - w) * values[..., 0] + w * values[..., 1] + values[..., 2]
