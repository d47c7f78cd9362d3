"""Composition critics: do these fragments, in these places, come from a real piece?

They are trained on real pieces against what is on offer in their places and against the agent's own
compositions, and frozen while the agent plays; the log density ratio that they give for a choice
becomes the realism of the reward.
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
        embedding, hidden: widths.
        dropout: share of hidden units dropped; a critic that learns its real pieces by heart
            rewards what is like them, not what is real.
        learning_rate, weight_decay: AdamW's.
        batch: places a step with what was on offer there, and as many real and composed ones.
        anchor: weight of the loss that keeps the mean ratio in a place at 1.
        steps: steps in a round, at most.
        passes: about so many times in a run the critics are shown each place of the real pieces
            among offers, and as often in whole pieces: of a small corpus they would soon know them
            by heart. There is a step a round all the same.
    """

    embedding: int = 48
    hidden: int = 192
    dropout: float = 0.2
    learning_rate: float = 1e-3
    weight_decay: float = 3e-2
    batch: int = 128
    anchor: float = 0.1
    steps: int = 10
    passes: float = 1000.0


class CompositionCritics(nn.Module):
    """Three log density ratios of a place and a candidate for it, from one network.

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


class Realism(nn.Module):
    """All that judges realism: the critics, and the moments that they do not see.

    The first part, ``choice``, is log p(a | s) / c(a | s): data against candidates. An agent that
    followed it, from real surroundings, would play like the data; the moments mend where it is a
    little off. Its mean over the candidates c, before the logarithm, is 1 by definition; where the
    candidates of a place are known, ``ratio`` makes it so. Else an agent that looks ahead seeks the
    places where the critics overrate all that is on offer. Its own pieces leave real surroundings;
    what still gives them away, ``filled - empty``, log p(a | s) / q(a | s) against the agent's own
    choices q, comes on top. Without ``empty`` a fragment would be counted again at each later place
    that sees it.
    """

    def __init__(self, domain: Domain, config: CriticConfig) -> None:
        """Critics that have learnt nothing, and moments of no weight."""
        super().__init__()
        self.critics = CompositionCritics(domain, config)
        self.moments = Moments(domain)

    def forward(self, view: View) -> tuple[Tensor, Tensor]:
        """``choice`` and ``filled - empty``, each ``[n, k]``, of a candidate by itself."""
        choice, filled, empty = self.critics(view)
        return choice + self.moments(view), filled - empty.unsqueeze(1)


class Critics:
    """The composition critics and their optimiser."""

    def __init__(self, domain: Domain, config: CriticConfig) -> None:
        """Moments hold no parameters: ``Matching`` changes them."""
        self.config, self.domain = config, domain
        self.realism = Realism(domain, config).eval()
        self.optimizer = torch.optim.AdamW(
            self.realism.parameters(),
            lr=config.learning_rate,
            weight_decay=config.weight_decay,
            fused=True,
        )

    def update(self, choices: Source, real: Source, composed: Source) -> dict[str, float]:
        """One step, of all three ratios.

        The sources give, for a count, places of real pieces whose ``fragments`` ``[n, 1 + k, ...]``
        are what people put there and k candidates that were on offer; places of real pieces; and
        places of composed ones.
        """
        offered = view_of(self.domain, choices(self.config.batch))
        pieces = zip(real(self.config.batch), composed(self.config.batch), strict=True)
        fragments, *around = (np.concatenate(parts) for parts in pieces)
        placed = view_of(self.domain, Places(np.expand_dims(fragments, 1), *around))
        people, agent = torch.arange(len(fragments)).split(self.config.batch)
        self.realism.train()
        choice, _, _ = self.realism.critics(offered)
        _, filled, empty = self.realism.critics(placed)
        logits = torch.stack((filled.squeeze(1), empty))
        loss = self._choosing(choice) + contrast(logits, people, agent)
        accuracy = (choice[:, :1] > choice[:, 1:]).float().mean()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.realism.eval()
        return {"critic_loss": loss.item(), "critic_accuracy": accuracy.item()}

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
def score(domain: Domain, judge: nn.Module, places: Places) -> tuple[np.ndarray, np.ndarray]:
    """``Realism`` of candidates, ``places.fragments``, without gradients: twice ``[n, k]``."""
    choice, own = judge(view_of(domain, places))
    return choice.numpy(), own.numpy()


def ratio(choice: np.ndarray, own: np.ndarray, valid: np.ndarray | None = None) -> np.ndarray:
    """The log ratio that speaks for a candidate, of what ``score`` tells: ``[n, k]``, clipped.

    ``valid`` bool ``[n, k]`` tells which candidates there are, where those of a place are
    all known.
    """
    if valid is not None:
        there = np.where(valid, choice, -np.inf)
        total = np.logaddexp.reduce(there, axis=1, keepdims=True)
        choice = choice - (total - np.log(valid.sum(1, keepdims=True, dtype=np.float32)))
    return np.clip(choice + own, -LOGIT_LIMIT, LOGIT_LIMIT)


def view_of(domain: Domain, places: Places) -> View:
    """Places with their candidates as ``fragments`` ``[n, k, *shape]``."""
    candidates, context, present, position = map(torch.from_numpy, places)
    return look(domain, context, present, position, candidates)
