from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from composer.domains.music.domain import MusicDomain
from composer.domains.music.metrics import piece_statistics
from composer.domains.music.settings import MusicSettings
from composer.evaluation.classifiers import JudgeConfig
from composer.evaluation.judge import (
    JudgeResult,
    _deal,
    auc,
    judge_auc,
    judge_statistics,
)

SETTINGS = MusicSettings(meter=(2, 4), bars=8)
DOMAIN = MusicDomain(SETTINGS.as_json())
QUICK = replace(JudgeConfig(), folds=3, width=16, hidden=32, epochs=8, penalties=(0.03, 0.3))
scores = arrays(np.float64, st.integers(1, 20), elements=st.integers(-3, 3))


def tunes(count: int, seed: int) -> np.ndarray:
    """Pieces of 8 bars of stepwise motion; the second half repeats the first."""
    rng = np.random.default_rng(seed)
    walk = 10 + np.cumsum(rng.integers(-2, 3, (count, 4, 1, 8)), axis=3)
    bars = walk.clip(2, 37).astype(np.uint8)
    return np.concatenate((bars, bars), axis=1)


def judged(real: np.ndarray, made: np.ndarray) -> JudgeResult:
    return judge_auc(
        real,
        made,
        DOMAIN,
        layout=(8,),
        statistics=lambda pieces: piece_statistics(pieces, SETTINGS),
        config=QUICK,
    )


def test_auc_by_hand():
    assert auc(np.array([3, 1]), np.array([2, 0])) == 3 / 4
    assert auc(np.array([1, 1]), np.array([1])) == 1 / 2


@given(scores, scores)
def test_auc_counts_pairs(higher, lower):
    pairs = (np.sign(higher[:, None] - lower) + 1) / 2
    assert auc(higher, lower) == pytest.approx(pairs.mean())
    assert auc(higher, lower) == pytest.approx(1 - auc(lower, higher))


def test_works_stay_in_one_part_and_parts_are_even():
    rng = np.random.default_rng(0)
    works = np.sort(rng.integers(0, 40, 100))
    human = works < 20
    parts = _deal(works, human, 5, rng)
    assert all(len(set(parts[works == work].tolist())) == 1 for work in set(works.tolist()))
    for sort in (human, ~human):
        sizes = np.bincount(parts[sort], minlength=5)
        assert sizes.max() - sizes.min() <= 4


def test_same_pieces_cannot_be_told_apart():
    result = judged(tunes(60, 0), tunes(60, 1))
    assert 0.35 < result.auc < 0.65
    assert result.interval[0] < 0.55


def test_shuffled_bars_are_found():
    shuffled = np.random.default_rng(3).permuted(tunes(60, 1), axis=1)
    result = judged(tunes(60, 0), shuffled)
    assert result.auc > 0.95
    assert result.interval[0] <= result.auc <= result.interval[1]
    assert result.auc == max(result.network_auc, result.statistics_auc)
    assert np.mean(result.fold_aucs) == pytest.approx(result.auc)


def test_each_judge_finds_a_fault_in_every_bar():
    wrong = tunes(60, 1)
    wrong[:, :, 0, 3] = 2
    result = judged(tunes(60, 0), wrong)
    assert result.network_auc > 0.9
    assert result.statistics_auc > 0.9


def test_copies_of_one_work_do_not_help_the_judge():
    real, made = tunes(20, 0).repeat(3, axis=0), tunes(20, 1).repeat(3, axis=0)
    groups = np.arange(40).repeat(3)
    result = judge_auc(real, made, DOMAIN, layout=(8,), groups=groups, config=QUICK)
    assert result.auc < 0.75


def test_a_judge_of_statistics_finds_what_differs_in_them_only():
    rng = np.random.default_rng(0)
    real, like, other = (rng.standard_normal((60, 5)).astype(np.float32) for _ in range(3))
    other[:, 2] += 3
    assert judge_statistics(real, other, config=QUICK).auc > 0.95
    assert judge_statistics(real, like, config=QUICK).auc < 0.7
    groups = np.repeat(np.arange(30), 2)
    again = [judge_statistics(real, other, groups=groups, seed=1, config=QUICK) for _ in range(2)]
    assert np.array_equal(again[0].auc, again[1].auc)


def test_the_seed_decides_and_the_global_random_state_stays():
    real, made = tunes(30, 0), tunes(30, 1)
    before = torch.get_rng_state()
    first = judged(real, made)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(5)
    assert judged(real, made) == first


def test_a_fold_that_a_draw_leaves_empty_does_not_count_as_an_error():
    real, made = np.zeros((10, 1), np.float32), np.ones((10, 1), np.float32)
    found = judge_statistics(real, made, config=replace(QUICK, folds=5))
    assert found.auc == 1
    assert found.interval == (1, 1)
