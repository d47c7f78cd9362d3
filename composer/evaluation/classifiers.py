"""The two classifiers of the judge, and what they look at.

A network that sees every fragment in its surroundings, and logistic regression on statistics of
the whole piece. ``composer.evaluation.judge`` trains and tests them by cross-validation.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from composer.evaluation.form import repeats

if TYPE_CHECKING:
    from collections.abc import Callable

    from composer.domain import Domain, Layout

SLOPE = 0.2
CHUNK = 64  # pieces whose relations are computed at once


@dataclass(frozen=True)
class JudgeConfig:
    """How the judges learn; tuned on pieces with known faults, never on a model's output.

    Attributes:
        folds: parts of the cross-validation, from 2.
        width: of the embedding of a fragment.
        hidden: width of the two hidden layers.
        dropout: share of inputs and hidden units that are dropped while learning.
        weight_decay: of AdamW.
        rate: learning rate.
        batch: pieces in a minibatch.
        epochs: at most this many passes over the training pieces.
        patience: stop after this many epochs without a better validation loss.
        validation: share of the training groups that decides when to stop.
        penalties: strengths of the L2 penalty that the linear judge chooses from.
    """

    folds: int = 5
    width: int = 32
    hidden: int = 128
    dropout: float = 0.3
    weight_decay: float = 0.05
    rate: float = 2e-3
    batch: int = 32
    epochs: int = 40
    patience: int = 8
    validation: float = 0.2
    penalties: tuple[float, ...] = (0.003, 0.01, 0.03, 0.1, 0.3)


@dataclass(frozen=True)
class JudgedPieces:
    """Pieces of both sorts with all that the judges look at; rows go together."""

    tokens: Tensor  # uint8 [n, places, *shape]
    related: Tensor  # float32 [n, places, relations]
    statistics: Tensor  # float32 [n, statistics]
    human: Tensor  # float32 [n], 1 for pieces of people

    def take(self, rows: np.ndarray) -> JudgedPieces:
        """Those of ``rows``."""
        index = torch.from_numpy(rows)
        return JudgedPieces(
            self.tokens[index], self.related[index], self.statistics[index], self.human[index]
        )


def look(
    real: np.ndarray,
    made: np.ndarray,
    domain: Domain,
    layout: Layout,
    statistics: Callable[[np.ndarray], np.ndarray] | None,
) -> JudgedPieces:
    """All that is told of real and made pieces, uint8 ``[n, places, *shape]``; real ones first.

    ``statistics`` gives further ones of whole pieces; they come last.
    """
    both = np.concatenate((real, made))
    tokens = torch.from_numpy(both)
    neighbours = domain.neighbours(layout)
    related = torch.cat([_related(part, neighbours, domain) for part in torch.split(tokens, CHUNK)])
    features = domain.features(both.reshape(-1, *both.shape[2:])).reshape(*both.shape[:2], -1)
    columns = [
        repeats(both),
        related.mean(dim=1).numpy(),
        features.mean(axis=1),
        features.std(axis=1),
    ]
    if statistics is not None:
        columns.append(statistics(both))
    table = torch.from_numpy(np.concatenate(columns, axis=1).astype(np.float32))
    human = torch.cat((torch.ones(len(real)), torch.zeros(len(made))))
    return JudgedPieces(tokens, related, table, human)


def _related(tokens: Tensor, neighbours: np.ndarray, domain: Domain) -> Tensor:
    """Relations of each place with its neighbours and of these among each other.

    uint8 ``[n, places, *shape]`` -> float32 ``[n, places, relations]``, 0 where one is absent.
    """
    table = domain.relations(tokens, tokens.shape[1])  # [n, places, places, relations]
    index = torch.from_numpy(np.maximum(neighbours, 0))  # [places, neighbours]
    present = torch.from_numpy(neighbours >= 0)
    place = torch.arange(len(index))[:, None]
    own = table[:, place, index] * present[..., None]
    first, second = torch.triu_indices(index.shape[1], index.shape[1], 1)
    among = table[:, index[:, first], index[:, second]]
    among = among * (present[:, first] & present[:, second])[..., None]
    return torch.cat((own.flatten(2), among.flatten(2)), dim=2)


# ---- the network ------------------------------------------------------------------------------


class PlaceJudge(nn.Module):
    """Judges each fragment in its surroundings; a piece is judged by the mean of its places."""

    def __init__(
        self, domain: Domain, layout: Layout, relations: int, config: JudgeConfig, seed: int
    ) -> None:
        """Build with weights drawn from ``seed``, leaving the global random state as it was."""
        super().__init__()
        neighbours = torch.from_numpy(domain.neighbours(layout))
        positions = torch.from_numpy(domain.positions(layout))
        self.index, self.present = neighbours.clamp(min=0), (neighbours >= 0).float()
        self.positions = positions
        seen = config.width * (1 + neighbours.shape[1]) + relations
        seen += neighbours.shape[1] + positions.shape[1]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.encoder = domain.encoder(config.width)
            self.layers = nn.Sequential(
                nn.Dropout(config.dropout),
                nn.Linear(seen, config.hidden),
                nn.LeakyReLU(SLOPE),
                nn.Dropout(config.dropout),
                nn.Linear(config.hidden, config.hidden),
                nn.LeakyReLU(SLOPE),
                nn.Dropout(config.dropout),
                nn.Linear(config.hidden, 1),
            )

    def forward(self, tokens: Tensor, related: Tensor) -> Tensor:
        """Judge pieces ``[n, places, *shape]`` with ``[n, places, relations]``: logits ``[n]``."""
        count, places = tokens.shape[:2]
        embedded = self.encoder(tokens.flatten(0, 1)).view(count, places, -1)
        around = embedded[:, self.index] * self.present[..., None]  # [n, places, neighbours, width]
        fixed = torch.cat((self.present, self.positions), dim=1).expand(count, -1, -1)
        seen = torch.cat((embedded, around.flatten(2), related, fixed), dim=2)
        return self.layers(seen).mean(dim=(1, 2))

    @torch.no_grad()
    def score(self, pieces: JudgedPieces) -> Tensor:
        """Logits ``[n]`` without dropout."""
        self.eval()
        return self(pieces.tokens, pieces.related)


def fit_network(
    network: PlaceJudge, learn: JudgedPieces, check: JudgedPieces, config: JudgeConfig, seed: int
) -> None:
    """Train with early stopping; the weights of the best validation loss stay."""
    order = torch.Generator().manual_seed(seed)
    weight = (1 - learn.human).sum() / learn.human.sum()  # both sorts count the same
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=config.rate, weight_decay=config.weight_decay, fused=True
    )
    best, waited = _loss(network.score(check), check.human, weight).item(), 0
    kept = deepcopy(network.state_dict())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # dropout
        for _ in range(config.epochs):
            network.train()
            shuffled = torch.randperm(len(learn.human), generator=order)
            for rows in torch.split(shuffled, config.batch):
                logits = network(learn.tokens[rows], learn.related[rows])
                loss = _loss(logits, learn.human[rows], weight)
                optimiser.zero_grad(set_to_none=True)
                loss.backward()
                optimiser.step()
            now = _loss(network.score(check), check.human, weight).item()
            waited += 1
            if now < best:
                best, waited, kept = now, 0, deepcopy(network.state_dict())
            if waited >= config.patience:
                break
    network.load_state_dict(kept)


def _loss(logits: Tensor, human: Tensor, weight: Tensor) -> Tensor:
    return nn.functional.binary_cross_entropy_with_logits(logits, human, pos_weight=weight)


# ---- the linear model -------------------------------------------------------------------------


def fit_linear(
    learn: JudgedPieces, check: JudgedPieces, test: JudgedPieces, config: JudgeConfig
) -> Tensor:
    """Logistic regression with the L2 penalty that validates best; logits of ``test`` ``[n]``."""
    mean, spread = learn.statistics.mean(dim=0), learn.statistics.std(dim=0) + 1e-3
    weight = (1 - learn.human).sum() / learn.human.sum()

    def table(pieces: JudgedPieces) -> Tensor:
        return ((pieces.statistics - mean) / spread).clamp(-5, 5)

    fits = [_logistic(table(learn), learn.human, weight, penalty) for penalty in config.penalties]
    losses = [_loss(table(check) @ w + b, check.human, weight).item() for w, b in fits]
    slope, offset = fits[int(np.argmin(losses))]
    return table(test) @ slope + offset


def _logistic(
    table: Tensor, human: Tensor, weight: Tensor, penalty: float
) -> tuple[Tensor, Tensor]:
    slope = torch.zeros(table.shape[1], requires_grad=True)
    offset = torch.zeros((), requires_grad=True)
    optimiser = torch.optim.LBFGS((slope, offset), max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimiser.zero_grad()
        loss = _loss(table @ slope + offset, human, weight) + penalty * slope.square().sum()
        loss.backward()
        return loss

    optimiser.step(closure)
    return slope.detach(), offset.detach()
