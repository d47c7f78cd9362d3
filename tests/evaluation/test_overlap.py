from __future__ import annotations

import numpy as np
import pytest

from composer.evaluation.overlap import (
    compare_distances,
    kernel_density,
    scott_bandwidth,
    self_distances,
)


def overlapped_area(made, real):
    return compare_distances(made, real)[0]


def distance_divergence(made, real):
    return compare_distances(made, real)[1]


RNG = np.random.default_rng(0)
REAL = RNG.normal(size=(120, 1))
MADE = RNG.normal(size=(100, 1))


def normal(place: float, mean: float, width: float) -> float:
    return float(np.exp(-(((place - mean) / width) ** 2) / 2) / width / np.sqrt(2 * np.pi))


def test_distances_of_all_pairs():
    assert self_distances(np.array([[0.0], [1], [3]])).tolist() == [1, 3, 2]


def test_density_by_hand():
    values = np.array([1.0, 2, 4])
    width = scott_bandwidth(values)
    assert width == pytest.approx(np.sqrt(7 / 3) / 3**0.2)
    grid = np.linspace(0, 6, 601)
    found = kernel_density(values + 0.003, grid, width)
    expected = [sum(normal(x, value + 0.003, width) for value in values) / 3 for x in grid]
    assert found == pytest.approx(np.array(expected), abs=1e-5)
    assert kernel_density(np.array([6.0]), grid, 0.1)[-1] == pytest.approx(normal(0, 0, 0.1))


def test_area_and_divergence_by_hand():
    real, made = np.array([[0.0], [1], [3]]), np.array([[2.0], [6]])
    within, across = np.array([1.0, 3, 2]), np.array([2.0, 1, 1, 6, 5, 3])
    widths = scott_bandwidth(within), scott_bandwidth(across)
    grid = np.linspace(-20, 30, 5001)
    p = np.mean([[normal(x, value, widths[0]) for x in grid] for value in within], axis=0)
    q = np.mean([[normal(x, value, widths[1]) for x in grid] for value in across], axis=0)
    assert overlapped_area(made, real) == pytest.approx(np.minimum(p, q).sum() / 100, abs=1e-3)
    some = p > 1e-300
    divergence = (p[some] * np.log(p[some] / q[some])).sum() / 100
    assert distance_divergence(made, real) == pytest.approx(divergence, abs=1e-3)


def test_the_same_distribution_overlaps():
    assert overlapped_area(MADE, REAL) > 0.95
    assert distance_divergence(MADE, REAL) < 0.02


def test_another_place_another_spread_and_a_single_sample_do_not():
    for made in (MADE + 2, MADE * 4, np.full_like(MADE, REAL.mean())):
        assert overlapped_area(made, REAL) < 0.9
        assert distance_divergence(made, REAL) > 0.05
    assert overlapped_area(MADE + 100, REAL) < 1e-6
    assert 100 < distance_divergence(MADE + 100, REAL) < 720


def test_neither_unit_nor_order_nor_origin_matters():
    area = overlapped_area(MADE, REAL)
    assert overlapped_area(MADE[::-1], REAL[::-1]) == pytest.approx(area)
    assert overlapped_area(MADE * 1e6 + 5, REAL * 1e6 + 5) == pytest.approx(area)


def test_features_that_do_not_vary():
    constant = np.full((5, 3), 0.1)
    assert overlapped_area(constant, constant) == 1
    assert distance_divergence(constant, constant) == 0
    assert overlapped_area(constant + 1, constant) < 1e-6


def test_features_of_few_values_have_narrow_but_finite_densities():
    real, made = np.array([[0.0], [0], [0], [1]]), np.array([[0.0], [0], [1], [1]])
    assert 0 < overlapped_area(made, real) <= 1
    assert overlapped_area(real, real) > 0.8
