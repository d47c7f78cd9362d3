"""Composition critics: do these fragments, in these places, come from a real piece?

An ensemble, since one discriminator alone is quickly over-optimised. It is trained on real pieces
against the agent's own compositions and frozen while the agent plays; its mean clipped logit, a
log density ratio, becomes the realism of the reward.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from composer.networks import PlaceEncoder
from composer.reward import LOGIT_LIMIT

if TYPE_CHECKING:
    from composer.domain import Domain
    from composer.places import Geometry


@dataclass(frozen=True)
class CriticConfig:
    """Composition critics.

    Attributes:
        count: critics in the ensemble.
        embedding, hidden: widths.
        dropout: on the hidden layers; a critic that memorises stops teaching.
        learning_rate, weight_decay: AdamW's.
        batch: real places a step, and as many composed ones.
        steps: steps of each critic in a round.
    """

    count: int = 3
    embedding: int = 48
    hidden: int = 192
    dropout: float = 0.2
    learning_rate: float = 5e-4
    weight_decay: float = 1e-2
    batch: int = 128
    steps: int = 4


class CompositionCritic(nn.Module):
    """Realism logit of each candidate for a place."""

    def __init__(self, domain: Domain, config: CriticConfig) -> None:
        """The first layer is a sum over state and candidate, so the state is read once."""
        super().__init__()
        self.places = PlaceEncoder(domain, config.embedding)
        self.from_state = nn.Linear(self.places.state_width, config.hidden)
        self.from_candidate = nn.Linear(self.places.candidate_width, config.hidden, bias=False)
        self.head = nn.Sequential(
            nn.ReLU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.hidden, config.hidden),
            nn.ReLU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.hidden, 1),
        )

    def forward(
        self,
        context: Tensor,
        present: Tensor,
        position: Tensor,
        candidates: Tensor,
        fragments: Tensor | None = None,
    ) -> Tensor:
        """Candidates ``[n, k, *shape]`` -> logits; ``fragments`` as in ``PlaceEncoder``."""
        state = self.from_state(self.places.state(context, present, position))
        seen = self.places.candidates(candidates, context, present, fragments)
        choice = self.from_candidate(seen)
        return self.head(state.unsqueeze(1) + choice).squeeze(-1)


class Critics:
    """The ensemble and its optimiser."""

    def __init__(self, domain: Domain, config: CriticConfig) -> None:
        """Members differ by initialisation, dropout and the batches they see."""
        self.config = config
        self.members = nn.ModuleList(CompositionCritic(domain, config) for _ in range(config.count))
        self.members.eval()
        self.optimizer = torch.optim.AdamW(
            self.members.parameters(),
            lr=config.learning_rate,
            weight_decay=config.weight_decay,
            fused=True,
        )

    def update(
        self,
        geometry: Geometry,
        real: np.ndarray,
        composed: np.ndarray,
        rng: np.random.Generator,
    ) -> dict[str, float]:
        """One step of each member on its own batch of places.

        ``real`` and ``composed`` uint8 ``[pieces, places, *shape]``.
        """
        self.members.train()
        losses, accuracy = [], []
        for member in self.members:
            batches = [
                geometry.sample(pieces, self.config.batch, rng) for pieces in (real, composed)
            ]
            both = [torch.from_numpy(np.concatenate(pair)) for pair in zip(*batches, strict=True)]
            fragments, context, present, position = both
            logits = member(context, present, position, fragments.unsqueeze(1)).squeeze(1)
            target = (torch.arange(len(logits)) < self.config.batch).float()
            losses.append(F.binary_cross_entropy_with_logits(logits, target))
            accuracy.append(((logits > 0) == (target > 0)).float().mean().item())
        loss = torch.stack(losses).mean()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.members.eval()
        return {"critic_loss": loss.item(), "critic_accuracy": float(np.mean(accuracy))}


def ensemble(members: nn.ModuleList, *inputs: Tensor) -> Tensor:
    """Mean clipped logit of the members; inputs as in ``CompositionCritic`` -> ``[n, k]``."""
    logits = [member(*inputs).clamp(-LOGIT_LIMIT, LOGIT_LIMIT) for member in members]
    return torch.stack(logits).mean(0)


@torch.no_grad()
def score(members: nn.ModuleList, *inputs: np.ndarray) -> np.ndarray:
    """``ensemble`` for arrays, without gradients: float32 ``[n, k]``."""
    return ensemble(members, *map(torch.from_numpy, inputs)).numpy()
