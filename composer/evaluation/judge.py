"""A judge that never rewarded: can a classifier tell compositions from the pieces of people?

A classifier two-sample test (Lopez-Paz and Oquab, ICLR 2017) on whole pieces. Two judges are
trained and tested by cross-validation, a network that sees every fragment in its surroundings and
a linear model on global statistics; the one that tells better gives the headline. An area under
the curve of .5 means that neither can tell. The judges share nothing with the critics that reward
an agent but the form of the encoder.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from composer.evaluation.bootstrap import ROUNDS, draw_counts, percentile_interval
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
class JudgeResult:
    """What the stronger judge found.

    Attributes:
        auc: mean area under the curve over the folds, 0 to 1; .5: cannot tell.
        fold_aucs: one for each fold.
        interval: 95% bootstrap interval of ``auc`` over groups of pieces.
        network_auc: of the network.
        statistics_auc: of the linear model.
        drawn: float64 ``[rounds]``, the bootstrap values of ``auc``.
    """

    auc: float
    fold_aucs: tuple[float, ...]
    interval: tuple[float, float]
    network_auc: float
    statistics_auc: float
    drawn: np.ndarray = field(repr=False, compare=False)


@dataclass(frozen=True)
class _Pieces:
    """Pieces of both sorts with all that the judges look at; rows go together."""

    tokens: Tensor  # uint8 [n, places, *shape]
    related: Tensor  # float32 [n, places, relations]
    statistics: Tensor  # float32 [n, statistics]
    human: Tensor  # float32 [n], 1 for pieces of people

    def take(self, rows: np.ndarray) -> _Pieces:
        index = torch.from_numpy(rows)
        return _Pieces(
            self.tokens[index], self.related[index], self.statistics[index], self.human[index]
        )


def auc(higher: np.ndarray, lower: np.ndarray) -> float:
    """Area under the ROC curve: the chance that one of ``higher`` scores above one of ``lower``.

    The rank statistic of Mann and Whitney (1947) over all ``n * m`` pairs; ties count half.

    Args:
        higher: float ``[n]``, scores of the positive class.
        lower: float ``[m]``, scores of the negative class.

    Returns:
        0 to 1.
    """
    order = np.sort(lower)
    below = np.searchsorted(order, higher, "left") + np.searchsorted(order, higher, "right")
    return float(below.mean() / 2 / len(lower))


def judge_auc(
    real: np.ndarray,
    made: np.ndarray,
    domain: Domain,
    *,
    layout: Layout,
    groups: np.ndarray | None = None,
    statistics: Callable[[np.ndarray], np.ndarray] | None = None,
    seed: int = 0,
    config: JudgeConfig | None = None,
) -> JudgeResult:
    """Tell compositions from pieces of people; each piece is judged by a judge that never saw it.

    Args:
        real: uint8 ``[n, places, *shape]``, held-out pieces of people.
        made: uint8 ``[m, places, *shape]``, compositions.
        domain: gives the encoder, the neighbours, the positions, the relations and the features.
        layout: of every piece.
        groups: int64 ``[n]`` or ``[n + m]``; pieces of one work have one number and stay in one
            fold. Pieces without a number stand alone.
        statistics: gives further global statistics of pieces, ``[n, statistics]``.
        seed: of the folds, the weights and the order of training.
        config: how the judges learn.

    Returns:
        The headline and both parts. As the larger of two areas it lies slightly above .5 even
        where nothing can be told.
    """
    config = config or JudgeConfig()
    rng = np.random.default_rng(seed)
    works = _works(groups, len(real), len(made))
    pieces = _look(real, made, domain, layout, statistics)
    human = pieces.human.numpy() > 0
    parts = _deal(works, human, config.folds, rng)
    scores = np.zeros((2, len(works)))
    for part in range(config.folds):
        learn, check, test = _folds(pieces, parts, part, works, config, rng)
        network = PlaceJudge(domain, layout, pieces.related.shape[-1], config, seed + part)
        fit_network(network, learn, check, config, seed + part)
        scores[0, parts == part] = network.score(test).numpy()
        scores[1, parts == part] = fit_linear(learn, check, test, config).numpy()
    return _result(scores, parts, human, works, rng)


def judge_statistics(
    real: np.ndarray,
    made: np.ndarray,
    *,
    groups: np.ndarray | None = None,
    seed: int = 0,
    config: JudgeConfig | None = None,
) -> JudgeResult:
    """Tell pieces by a linear model of given statistics alone: the other half of ``judge_auc``.

    It looks at nothing else, so faults within fragments do not hide what is missing in the whole.
    ``real`` and ``made`` float32 ``[n, statistics]`` and ``[m, statistics]``; the rest as there.
    """
    config = config or JudgeConfig()
    rng = np.random.default_rng(seed)
    works = _works(groups, len(real), len(made))
    statistics = torch.from_numpy(np.concatenate((real, made)))
    human = np.arange(len(statistics)) < len(real)
    nothing = torch.zeros(len(statistics), 0)
    pieces = _Pieces(nothing, nothing, statistics, torch.from_numpy(human).float())
    parts = _deal(works, human, config.folds, rng)
    scores = np.zeros((2, len(works)))
    for part in range(config.folds):
        learn, check, test = _folds(pieces, parts, part, works, config, rng)
        scores[:, parts == part] = fit_linear(learn, check, test, config).numpy()
    return _result(scores, parts, human, works, rng)


def _folds(
    pieces: _Pieces,
    parts: np.ndarray,
    part: int,
    works: np.ndarray,
    config: JudgeConfig,
    rng: np.random.Generator,
) -> tuple[_Pieces, _Pieces, _Pieces]:
    """To learn from, to stop by, and to judge: the last is ``part`` of the cross-validation."""
    human = pieces.human.numpy() > 0
    train = np.flatnonzero(parts != part)
    checked = _deal(works[train], human[train], round(1 / config.validation), rng) == 0
    rows = (train[~checked], train[checked], np.flatnonzero(parts == part))
    learn, check, test = (pieces.take(chosen) for chosen in rows)
    return learn, check, test


def _result(
    scores: np.ndarray,
    parts: np.ndarray,
    human: np.ndarray,
    works: np.ndarray,
    rng: np.random.Generator,
) -> JudgeResult:
    """Average the folds of both judges and bootstrap the better one."""
    folds = [parts == part for part in np.unique(parts)]
    aucs = np.array([[auc(s[f & human], s[f & ~human]) for f in folds] for s in scores])
    best = int(aucs.mean(axis=1).argmax())
    counts = draw_counts(works, ROUNDS, rng)
    drawn, there = [], []
    for fold in folds:
        higher, lower = np.flatnonzero(fold & human), np.flatnonzero(fold & ~human)
        difference = scores[best, higher][:, None] - scores[best, lower]
        wins = (np.sign(difference) + 1) / 2
        plus, minus = counts[:, higher], counts[:, lower]
        pairs = plus.sum(axis=1) * minus.sum(axis=1)
        drawn.append(((plus @ wins) * minus).sum(axis=1) / np.maximum(pairs, 1))
        there.append(pairs > 0)  # of few works, a draw may leave a fold without any
    averaged = np.sum(drawn, axis=0) / np.maximum(np.sum(there, axis=0), 1)
    return JudgeResult(
        auc=float(aucs[best].mean()),
        fold_aucs=tuple(float(value) for value in aucs[best]),
        interval=percentile_interval(averaged),
        network_auc=float(aucs[0].mean()),
        statistics_auc=float(aucs[1].mean()),
        drawn=averaged,
    )


def _works(groups: np.ndarray | None, real: int, made: int) -> np.ndarray:
    """Number the works of all pieces: int64 ``[real + made]``."""
    given = np.zeros(0, dtype=np.int64) if groups is None else groups
    alone = np.arange(real + made - len(given)) + given.max(initial=-1) + 1
    return np.unique(np.concatenate((given, alone)), return_inverse=True)[1]


def _deal(works: np.ndarray, human: np.ndarray, parts: int, rng: np.random.Generator) -> np.ndarray:
    """Deal whole works to parts of about equal size, sort by sort: int64 ``[n]``."""
    dealt = np.zeros(len(works), dtype=np.int64)
    for sort in (human, ~human):
        names, members, sizes = np.unique(works[sort], return_inverse=True, return_counts=True)
        held = np.zeros(parts)
        place = np.zeros(len(names), dtype=np.int64)
        shuffled = rng.permutation(len(names))
        for name in shuffled[np.argsort(-sizes[shuffled], kind="stable")]:
            place[name] = held.argmin()
            held[place[name]] += sizes[name]
        dealt[sort] = place[members]
    return dealt


# ---- what the judges look at ------------------------------------------------------------------


def _look(
    real: np.ndarray,
    made: np.ndarray,
    domain: Domain,
    layout: Layout,
    statistics: Callable[[np.ndarray], np.ndarray] | None,
) -> _Pieces:
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
    return _Pieces(tokens, related, table, human)


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
    def score(self, pieces: _Pieces) -> Tensor:
        """Logits ``[n]`` without dropout."""
        self.eval()
        return self(pieces.tokens, pieces.related)


def fit_network(
    network: PlaceJudge, learn: _Pieces, check: _Pieces, config: JudgeConfig, seed: int
) -> None:
    """Train with early stopping; the weights of the best validation loss stay."""
    order = torch.Generator().manual_seed(seed)
    weight = (1 - learn.human).sum() / learn.human.sum()  # both sorts count the same
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=config.rate, weight_decay=config.weight_decay, fused=True
    )
    best, kept, waited = _loss(network.score(check), check.human, weight).item(), None, 0
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
                best, waited = now, 0
                kept = {name: value.clone() for name, value in network.state_dict().items()}
            if waited >= config.patience:
                break
    if kept is not None:
        network.load_state_dict(kept)


def _loss(logits: Tensor, human: Tensor, weight: Tensor) -> Tensor:
    return nn.functional.binary_cross_entropy_with_logits(logits, human, pos_weight=weight)


# ---- the linear model -------------------------------------------------------------------------


def fit_linear(learn: _Pieces, check: _Pieces, test: _Pieces, config: JudgeConfig) -> Tensor:
    """Logistic regression with the L2 penalty that validates best; logits of ``test`` ``[n]``."""
    mean, spread = learn.statistics.mean(dim=0), learn.statistics.std(dim=0) + 1e-3
    weight = (1 - learn.human).sum() / learn.human.sum()

    def table(pieces: _Pieces) -> Tensor:
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
