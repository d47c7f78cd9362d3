"""Composition critics: do these fragments, in these places, come from a real piece?

An ensemble, since one discriminator alone is quickly over-optimised. It is trained on real pieces
against what is on offer in their places and against the agent's own compositions, and frozen while
the agent plays; the log density ratio that it gives for a choice becomes the realism of the reward.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from composer.moments import Moments
from composer.networks import PlaceEncoder, View, look
from composer.places import Places
from composer.reward import LOGIT_LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable

    from composer.domain import Domain

    Source = Callable[[int], Places]


LOUD = 0.35  # standard deviation of the first weights of position, kind and memory


@dataclass(frozen=True)
class CriticConfig:
    """Composition critics.

    Attributes:
        count: critics in the ensemble.
        embedding, hidden: widths.
        dropout: share of hidden units dropped; a critic that learns its real pieces by heart
            rewards what is like them, not what is real.
        learning_rate, weight_decay: AdamW's.
        batch: places a step with what was on offer there, and as many real and composed ones.
        anchor: weight of the loss that keeps the mean ratio in a place at 1.
        steps: steps of each critic in a round, at most.
        passes: about so many times in a run a critic is shown each place of the real pieces among
            offers, and as often in whole pieces: of a small corpus it would soon know them by
            heart. There is a step a round all the same.
    """

    count: int = 3
    embedding: int = 48
    hidden: int = 192
    dropout: float = 0.2
    learning_rate: float = 1e-3
    weight_decay: float = 3e-2
    batch: int = 128
    anchor: float = 0.1
    steps: int = 10
    passes: float = 1000.0


class CompositionCritic(nn.Module):
    """Three log density ratios of a place and a candidate for it.

    - ``choice``: what people put there against what is on offer there, in real surroundings;
    - ``filled``: real places against composed ones, the candidate in them;
    - ``empty``: the same before the place is filled.
    """

    def __init__(self, domain: Domain, config: CriticConfig) -> None:
        """The state is read once; it shifts what is seen of each candidate, and scales it.

        What a likeness is worth depends on the kind of piece and the place in it: a sum alone
        would have to learn that from scratch for each of them. These few numbers start loud, lest
        they drown in all that is told of the neighbours.
        """
        super().__init__()
        self.places = PlaceEncoder(domain, config.embedding)
        first = nn.Linear(self.places.state_width, config.hidden)
        second = nn.Linear(config.hidden, 2 * config.hidden)
        with torch.no_grad():
            first.weight[:, -self.places.position :].normal_(std=LOUD)
        self.from_state = nn.Sequential(first, nn.ReLU(), second)
        self.from_candidate = nn.Linear(self.places.candidate_width, config.hidden, bias=False)
        self.choice = self._head(config)
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

    def forward(self, view: View) -> tuple[Tensor, Tensor, Tensor]:
        """-> ``choice [n, k]``, ``filled [n, k]``, ``empty [n]``."""
        around, seen = self.places(view)
        state, gate = self.from_state(around).chunk(2, dim=1)
        both = state.unsqueeze(1) + (1 + gate).unsqueeze(1) * self.from_candidate(seen)
        choice, filled = self.choice(both).squeeze(-1), self.filled(both).squeeze(-1)
        return choice, filled, self.empty(state).squeeze(-1)


class Ensemble(nn.Module):
    """All that judges realism: the critics, and the moments that they do not see.

    The first part, ``choice``, is log p(a | s) / c(a | s): data against candidates. An agent that
    followed it, from real surroundings, would play like the data; the moments mend where it is a
    little off. Its mean over the candidates c, before the logarithm, is 1 by definition; where the
    candidates of a place are known, it is made so, for the members' mean: were each member's made
    so, the mean would be the lower the more they disagree. Else an agent that looks ahead seeks the
    places where the critics overrate all that is on offer, or just agree. Its own pieces leave real
    surroundings; what still gives them away, ``filled - empty``, log p(a | s) / q(a | s) against
    the agent's own choices q, comes on top. Without ``empty`` a fragment would be counted again at
    each later place that sees it.
    """

    def __init__(self, domain: Domain, config: CriticConfig) -> None:
        """Members differ by initialisation and dropout."""
        super().__init__()
        self.members = nn.ModuleList(CompositionCritic(domain, config) for _ in range(config.count))
        self.moments = Moments(domain)

    def forward(self, view: View, valid: Tensor | None = None) -> Tensor:
        """The log ratio that speaks for a candidate: ``[n, k]``, clipped.

        ``valid`` bool ``[n, k]`` tells which candidates there are, where those of a place are all
        known.
        """
        judged = [member(view) for member in self.members]
        choice = torch.stack([choice for choice, _, _ in judged]).mean(0) + self.moments(view)
        if valid is not None:
            count = valid.sum(1, keepdim=True).log()
            total = choice.masked_fill(~valid, -torch.inf).logsumexp(1, keepdim=True)
            choice = choice - (total - count)
        own = torch.stack([filled - empty.unsqueeze(1) for _, filled, empty in judged]).mean(0)
        return (choice + own).clamp(-LOGIT_LIMIT, LOGIT_LIMIT)


class Critics:
    """The ensemble and its optimiser."""

    def __init__(self, domain: Domain, config: CriticConfig) -> None:
        """All members share an optimiser."""
        self.config, self.domain = config, domain
        self.ensemble = Ensemble(domain, config).eval()
        self.optimizer = torch.optim.AdamW(
            self.ensemble.parameters(),
            lr=config.learning_rate,
            weight_decay=config.weight_decay,
            fused=True,
        )

    def update(self, choices: Source, real: Source, composed: Source) -> dict[str, float]:
        """One step of all members, on the same places: how these relate is worked out once.

        The sources give, for a count, places of real pieces whose ``fragments`` ``[n, 1 + k, ...]``
        are what people put there and k candidates that were on offer; places of real pieces; and
        places of composed ones.
        """
        offered = view_of(self.domain, choices(self.config.batch))
        pieces = zip(real(self.config.batch), composed(self.config.batch), strict=True)
        fragments, *around = (np.concatenate(parts) for parts in pieces)
        placed = view_of(self.domain, Places(np.expand_dims(fragments, 1), *around))
        people, agent = torch.arange(len(fragments)).split(self.config.batch)
        self.ensemble.train()
        losses, accuracy = [], []
        for member in self.ensemble.members:
            choice, _, _ = member(offered)
            _, filled, empty = member(placed)
            logits = torch.stack((filled.squeeze(1), empty))
            losses.append(self._choosing(choice) + contrast(logits, people, agent))
            accuracy.append((choice[:, :1] > choice[:, 1:]).float().mean().item())
        loss = torch.stack(losses).mean()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.ensemble.eval()
        return {"critic_loss": loss.item(), "critic_accuracy": float(np.mean(accuracy))}

    def _choosing(self, choice: Tensor) -> Tensor:
        """Which of ``[n, 1 + k]`` is the first, the one that people chose: InfoNCE.

        Its optimum is log p(a | s) / c(a | s) but for a constant of each state (van den Oord et
        al., 2018): that a place as such is often seen among the offers says nothing. The constant
        is held near where the mean ratio is 1, of all together: without the one that people chose,
        where of some offers none can be right, wrong ones would have to be thought right.
        """
        told = F.cross_entropy(choice, torch.zeros(len(choice), dtype=torch.int64))
        drift = choice.logsumexp(1) - math.log(choice.shape[1])
        return told + self.config.anchor * drift.square().mean()


def contrast(logits: Tensor, real: Tensor, other: Tensor) -> Tensor:
    """Binary cross-entropy of rows ``real`` against rows ``other``; logits ``[..., n]``."""
    return F.softplus(-logits[..., real]).mean() + F.softplus(logits[..., other]).mean()


@torch.no_grad()
def score(
    domain: Domain, ensemble: nn.Module, places: Places, valid: np.ndarray | None = None
) -> np.ndarray:
    """``Ensemble`` for places with candidates as ``fragments``, without gradients: ``[n, k]``."""
    there = None if valid is None else torch.from_numpy(valid)
    judged: Tensor = ensemble(view_of(domain, places), there)
    return judged.numpy()


def view_of(domain: Domain, places: Places) -> View:
    """Places with their candidates as ``fragments`` ``[n, k, *shape]``."""
    candidates, context, present, position = map(torch.from_numpy, places)
    return look(domain, context, present, position, candidates)
