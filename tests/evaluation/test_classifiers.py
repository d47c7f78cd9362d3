from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from composer.domains.music.domain import MusicDomain
from composer.domains.music.settings import MusicSettings
from composer.evaluation.classifiers import (
    JudgeConfig,
    JudgedPieces,
    PlaceJudge,
    fit_linear,
    fit_network,
    look,
)
from composer.evaluation.judge import auc

DOMAIN = MusicDomain(MusicSettings(meter=(2, 4), bars=4).as_json())
LAYOUT = (4,)
SMALL = replace(JudgeConfig(), width=8, hidden=16, epochs=10, penalties=(0.003, 0.3))


def pieces(count: int, low: int, high: int, seed: int) -> np.ndarray:
    drawn = np.random.default_rng(seed).integers(low, high, (count, 4, *DOMAIN.spec.shape))
    return drawn.astype(np.uint8)


def some(statistics: Tensor, human: Tensor) -> JudgedPieces:
    nothing = torch.zeros(len(human), 0)
    return JudgedPieces(nothing, nothing, statistics, human)


def told(scores: Tensor, judged: JudgedPieces) -> float:
    human = judged.human.numpy() > 0
    return auc(scores.numpy()[human], scores.numpy()[~human])


def test_what_is_looked_at_goes_row_by_row():
    seen = look(pieces(3, 2, 9, 0), pieces(2, 9, 16, 1), DOMAIN, LAYOUT, lambda both: both[:, 0, 0])
    assert seen.human.tolist() == [1, 1, 1, 0, 0]
    assert seen.tokens.shape == (5, 4, *DOMAIN.spec.shape)
    assert seen.related.shape[:2] == (5, 4)
    assert torch.equal(seen.statistics[:, -8:], seen.tokens[:, 0, 0].float())  # given ones, last
    rows = seen.take(np.array([4, 0]))
    assert torch.equal(rows.statistics, seen.statistics[[4, 0]])
    assert rows.human.tolist() == [0, 1]


def test_the_linear_model_finds_the_one_column_that_tells():
    rng = torch.Generator().manual_seed(0)
    human = (torch.arange(300) % 2).float()
    table = torch.randn(300, 12, generator=rng)
    table[:, 7] += 3 * human
    parts = [some(table[rows], human[rows]) for rows in torch.arange(300).split(100)]
    assert told(fit_linear(*parts, SMALL), parts[2]) > 0.95
    blind = [some(part.statistics[:, :7], part.human) for part in parts]
    assert 0.3 < told(fit_linear(*blind, SMALL), blind[2]) < 0.7


def test_the_network_learns_and_keeps_the_weights_that_validate_best():
    seen = look(pieces(180, 2, 12, 0), pieces(180, 8, 18, 1), DOMAIN, LAYOUT, None)
    learn, check, test = (seen.take(np.arange(start, 360, 3)) for start in range(3))
    network = PlaceJudge(DOMAIN, LAYOUT, seen.related.shape[-1], SMALL, 0)
    fit_network(network, learn, check, replace(SMALL, epochs=20), 0)
    found = network.score(test)
    assert told(found, test) > 0.9
    fit_network(network, learn, check, replace(SMALL, rate=1e3), 0)  # no epoch is better
    assert torch.equal(network.score(test), found)
