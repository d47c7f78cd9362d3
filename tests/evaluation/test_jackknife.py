import numpy as np
import pytest

from composer.evaluation.jackknife import GROUPS, jackknife_interval, leave_out


def test_every_work_is_left_out_once_and_as_a_whole():
    works = np.repeat(np.arange(25), 3)
    parts = leave_out(works, np.random.default_rng(0))
    assert len(parts) == GROUPS
    gone = [np.setdiff1d(np.arange(75), rows) for rows in parts]
    assert np.array_equal(np.sort(np.concatenate(gone)), np.arange(75))
    for rows, left in zip(parts, gone, strict=True):
        assert not np.intersect1d(works[rows], works[left]).size


def test_fewer_works_give_fewer_groups():
    assert len(leave_out(np.array([5, 5, 9]), np.random.default_rng(0))) == 2


def test_the_interval_of_a_mean_is_about_the_usual_one():
    rng = np.random.default_rng(0)
    values = rng.standard_normal(1000)
    parts = [values[rows].mean() for rows in leave_out(np.arange(1000), rng)]
    low, high = jackknife_interval(values.mean(), parts)
    assert (low + high) / 2 == pytest.approx(values.mean())
    assert 0.5 < (high - low) / (2 * 2.262 * values.std() / 1000**0.5) < 1.7


def test_it_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(300):
        values = rng.standard_normal(60)
        parts = [values[rows].mean() for rows in leave_out(np.arange(60), rng)]
        low, high = jackknife_interval(values.mean(), parts)
        covered += low <= 0 <= high
    assert 0.91 < covered / 300 < 0.98


def test_a_missing_part_leaves_no_interval():
    assert np.isnan(jackknife_interval(1.0, [1.0, float("nan"), 2.0])).all()
