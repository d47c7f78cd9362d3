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

from composer.evaluation.bootstrap import ROUNDS, draw_counts, percentile_interval
from composer.evaluation.classifiers import (
    JudgeConfig,
    JudgedPieces,
    PlaceJudge,
    fit_linear,
    fit_network,
    look,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from composer.domain import Domain, Layout


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
    pieces = look(real, made, domain, layout, statistics)
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
    pieces = JudgedPieces(nothing, nothing, statistics, torch.from_numpy(human).float())
    parts = _deal(works, human, config.folds, rng)
    scores = np.zeros((2, len(works)))
    for part in range(config.folds):
        learn, check, test = _folds(pieces, parts, part, works, config, rng)
        scores[:, parts == part] = fit_linear(learn, check, test, config).numpy()
    return _result(scores, parts, human, works, rng)


def _folds(
    pieces: JudgedPieces,
    parts: np.ndarray,
    part: int,
    works: np.ndarray,
    config: JudgeConfig,
    rng: np.random.Generator,
) -> tuple[JudgedPieces, JudgedPieces, JudgedPieces]:
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
