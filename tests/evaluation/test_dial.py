from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from toy import PLACES, ToyDomain, toy_store

from composer.evaluation.classifiers import JudgeConfig
from composer.evaluation.columns import NOVELTY, RUN, SEEN, Cell, Ruler
from composer.evaluation.dial import (
    REALISM,
    REWARDED,
    SETTINGS,
    _rank,
    _volume,
    hypervolume,
    realism,
    spearman,
    turn_dial,
)
from composer.evaluation.evaluate import gather_people

QUICK = replace(JudgeConfig(), folds=2, width=4, hidden=8, epochs=2, penalties=(0.1,))


@pytest.fixture
def ruler():
    yardstick = ToyDomain({}).yardstick()
    return Ruler(yardstick, gather_people(toy_store(100), yardstick), 12, judge=QUICK)


@pytest.fixture
def turned(toy_model, ruler, watcher):
    people = {name: Cell(0.0) for name in (NOVELTY, SEEN, RUN)}
    return turn_dial(toy_model(1), ruler, people, np.zeros(12, np.int64), watcher), watcher


def test_every_setting_is_measured(turned):
    dial, watcher = turned
    assert dial.settings == SETTINGS == (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1)
    assert list(dial.rows) == [REALISM, NOVELTY, SEEN, RUN, REWARDED]
    for row in dial.rows.values():
        assert len(row) == len(SETTINGS)
        assert all(cell.low <= cell.value <= cell.high for cell in row)
    assert all(0 <= cell.value <= PLACES for cell in dial.rows[RUN])
    assert dial.count == 12
    assert list(dial.people) == [REALISM, NOVELTY, SEEN, RUN]
    assert watcher.phases == watcher.done
    assert watcher.phases["composing along the dial"] == len(SETTINGS) * PLACES


def test_people_are_told_by_a_judge_that_learns_from_as_many_pieces(turned, ruler):
    dial, _ = turned
    floor = ruler.floor_told(12)
    assert floor != ruler.floor_told(20)
    assert dial.people[REALISM].value == realism(floor.auc)


def test_realism_is_what_the_judge_cannot_tell():
    assert realism(np.array([0.5, 0.3, 0.75, 1])).tolist() == [1, 1, 0.5, 0]


def test_rank_correlation_by_hand():
    line = np.arange(5.0)
    assert spearman(line, line**3) == pytest.approx(1)
    assert spearman(line, -line) == pytest.approx(-1)
    # Without ties 1 - 6 sum d^2 / (n (n^2 - 1)), here of differences 1, 1, 0, 1, 1
    assert spearman(line, np.array([1.0, 0, 2, 4, 3])) == pytest.approx(1 - 6 * 4 / (5 * 24))
    # Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: 4.5 / sqrt(4.5 * 5)
    tied = spearman(np.array([0.0, 7, 7, 9]), np.arange(4.0))
    assert tied == pytest.approx(4.5 / math.sqrt(4.5 * 5))
    assert math.isnan(spearman(line, np.ones(5)))


def test_many_rank_correlations_at_once():
    second = np.random.default_rng(0).normal(size=(7, 6))
    found = spearman(np.arange(6.0), second)
    assert found == pytest.approx([float(spearman(np.arange(6.0), row)) for row in second])


def test_hypervolume_by_hand():
    assert hypervolume(np.array([[0.5, 0.4]])) == pytest.approx(0.2)
    steps = np.array([[0.2, 0.9], [0.8, 0.1], [0.5, 0.5]])
    assert hypervolume(steps) == pytest.approx(0.3 * 0.1 + 0.3 * 0.5 + 0.2 * 0.9)
    more = np.concatenate((steps, [[0.4, 0.4], [0.8, 0.1], [0, 1], [-1, 2]]))
    assert hypervolume(more) == pytest.approx(hypervolume(steps))  # dominated, there, no area
    assert hypervolume(np.array([[1.0, 1], [0.3, 0.2]])) == 1


def test_a_dial_that_works_has_a_rank_correlation_of_1_and_one_that_does_not_of_none():
    dial, noise = np.array(SETTINGS), np.random.default_rng(0).normal(size=(200, len(SETTINGS)))
    steady = _rank(dial, dial + 0.001 * noise)
    assert (steady.value, steady.low, steady.high) == pytest.approx((1, 1, 1))
    loose = _rank(noise[0], noise)
    assert loose.low < -0.4 < 0.4 < loose.high
    still = np.ones((5, len(SETTINGS)))
    assert math.isnan(_rank(still[0], still).value)


def test_the_area_has_the_interval_of_its_drawn_values():
    whole = np.array([[0.5, 0.2], [0.1, 1]])
    scales = np.linspace(0.9, 1.1, 101)[:, None, None]
    found = _volume(whole, whole * scales)
    area = 0.1 * 1 + 0.4 * 0.2
    assert found.value == pytest.approx(area)
    assert (found.low, found.high) == pytest.approx((0.905**2 * area, 1.095**2 * area), rel=1e-4)
