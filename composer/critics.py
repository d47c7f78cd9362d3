"""Composition critics: do these fragments, in these places, come from a real piece?

An ensemble, since one discriminator alone is quickly over-optimised. It is trained on real pieces
against the agent's own compositions and frozen while the agent plays; the log density ratio that it
gives for a choice becomes the realism of the reward.
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
        dropout, noise: shares dropped of hidden units and of inputs; a critic that learns its real
            pieces by heart rewards what is like them, not what is real.
        learning_rate, weight_decay: AdamW's.
        batch: real places a step, and as many composed ones.
        steps: steps of each critic in a round.
    """

    count: int = 3
    embedding: int = 48
    hidden: int = 192
    dropout: float = 0.4
    noise: float = 0.2
    learning_rate: float = 1e-3
    weight_decay: float = 3e-2
    batch: int = 128
    steps: int = 10


class CompositionCritic(nn.Module):
    """Two logits of "real": of a candidate in its place, and of the place before it is filled."""

    def __init__(self, domain: Domain, config: CriticConfig) -> None:
        """The first layer is a sum over state and candidate, so the state is read once."""
        super().__init__()
        self.places = PlaceEncoder(domain, config.embedding)
        self.noise = nn.Dropout(config.noise)
        self.from_state = nn.Linear(self.places.state_width, config.hidden)
        self.from_candidate = nn.Linear(self.places.candidate_width, config.hidden, bias=False)
        self.filled = self._head(config)
        self.empty = self._head(config)

    @staticmethod
    def _head(config: CriticConfig) -> nn.Sequential:
        return nn.Sequential(
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
    ) -> tuple[Tensor, Tensor]:
        """Candidates ``[n, k, *shape]`` -> logits ``[n, k]`` with them and ``[n]`` without.

        ``fragments`` as in ``PlaceEncoder``.
        """
        state = self.from_state(self.noise(self.places.state(context, present, position)))
        seen = self.places.candidates(candidates, context, present, fragments)
        choice = self.from_candidate(self.noise(seen))
        filled = self.filled(state.unsqueeze(1) + choice).squeeze(-1)
        return filled, self.empty(state).squeeze(-1)


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
            filled, empty = member(context, present, position, fragments.unsqueeze(1))
            target = (torch.arange(len(empty)) < self.config.batch).float()
            logits = torch.stack((filled.squeeze(1), empty))
            losses.append(F.binary_cross_entropy_with_logits(logits, target.expand_as(logits)))
            accuracy.append(((logits[0] > 0) == (target > 0)).float().mean().item())
        loss = torch.stack(losses).mean()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.members.eval()
        return {"critic_loss": loss.item(), "critic_accuracy": float(np.mean(accuracy))}


def ensemble(members: nn.ModuleList, *inputs: Tensor) -> Tensor:
    """Mean over the members of the log ratio that the candidate itself adds: ``[n, k]``.

    log p(s, a) / q(s, a) - log p(s) / q(s) = log p(a | s) / q(a | s), clipped. Without the second
    term a fragment would be rewarded again at each later place that sees it, and look-ahead would
    count it many times; so the rewards of a piece add up to its log density ratio, once.
    Inputs as in ``CompositionCritic``.
    """
    pairs = [member(*inputs) for member in members]
    ratios = [filled - empty.unsqueeze(1) for filled, empty in pairs]
    return torch.stack([r.clamp(-LOGIT_LIMIT, LOGIT_LIMIT) for r in ratios]).mean(0)


@torch.no_grad()
def score(members: nn.ModuleList, *inputs: np.ndarray) -> np.ndarray:
    """``ensemble`` for arrays, without gradients: float32 ``[n, k]``."""
    return ensemble(members, *map(torch.from_numpy, inputs)).numpy()
