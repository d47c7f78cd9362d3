from __future__ import annotations

import math

import numpy as np
import pytest

from composer.evaluation import bootstrap
from composer.evaluation.bootstrap import (
    draw_counts,
    percentile_interval,
    ratio_interval,
    ratio_intervals,
)
from composer.evaluation.yardstick import mean_of


def test_whole_groups_are_drawn():
    groups = np.array([5, 5, 2, 9, 9, 9])
    counts = draw_counts(groups, 200, np.random.default_rng(0))
    assert np.array_equal(counts[:, 0], counts[:, 1])
    assert np.array_equal(counts[:, 3:], counts[:, 3:4].repeat(3, axis=1))
    assert (counts[:, [0, 2, 3]].sum(axis=1) == 3).all()


def test_percentiles():
    assert percentile_interval(np.arange(101), level=0.9) == pytest.approx((5, 95))


def test_the_interval_of_a_mean_is_the_normal_one():
    values = np.random.default_rng(0).normal(3, 2, 400)
    low, high = ratio_interval(values, np.ones(400))
    half = 1.96 * values.std() / 20
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.03)


def test_copies_do_not_narrow_the_interval():
    values = np.random.default_rng(0).normal(0, 1, 50)
    alone = ratio_interval(values, np.ones(50))
    copied = ratio_interval(values.repeat(8), np.ones(400), np.arange(50).repeat(8))
    assert copied == pytest.approx(alone)


def test_the_interval_of_a_ratio_leaves_out_empty_draws():
    low, high = ratio_interval(np.array([1.0, 0.0]), np.array([2.0, 0.0]))
    assert (low, high) == (0.5, 0.5)
    assert all(math.isnan(end) for end in ratio_interval(np.zeros(3), np.zeros(3)))


def test_values_that_do_not_exist_do_not_count():
    values = np.random.default_rng(0).normal(3, 2, 50)
    missing = np.array([float("nan")])
    assert ratio_interval(*mean_of(values)) == ratio_interval(values, np.ones(50))
    assert ratio_interval(*mean_of(np.array([7.0, float("nan"), 7.0]))) == (7, 7)
    assert all(math.isnan(end) for end in ratio_interval(*mean_of(missing)))


def test_many_ratios_at_once_have_the_intervals_that_each_has_alone(monkeypatch):
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(20), 3)
    ratios = {
        "a": (rng.random(60), np.ones(60)),
        "b": (rng.random(60), rng.integers(2, size=60).astype(float)),
        "none": (np.zeros(60), np.zeros(60)),
    }
    found = ratio_intervals(ratios, groups, seed=4)
    for name in ("a", "b"):
        assert found[name] == pytest.approx(ratio_interval(*ratios[name], groups, seed=4))
    assert np.isnan(found["none"]).all()
    monkeypatch.setattr(bootstrap, "DRAWN", 600)  # ten rounds at once
    again = ratio_intervals(ratios, groups, seed=4)
    assert again["a"] == pytest.approx(found["a"], abs=0.02)
