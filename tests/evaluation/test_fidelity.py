from __future__ import annotations

import numpy as np
import pytest

from composer.evaluation.fidelity import (
    coverage,
    frechet_distance,
    kernel_distance,
    neighbour_distances,
    recall,
)

CLOUD = np.random.default_rng(0).standard_normal((1000, 4))
LINE = np.array([[0.0], [1], [3], [7]])


def test_frechet_distance_by_hand():
    # In one dimension: (difference of means)^2 + (difference of spreads)^2.
    first, second = np.array([[-1.0], [1]]), np.array([[1.0], [7]])
    spreads = np.sqrt([2, 18])
    assert frechet_distance(first, second) == pytest.approx(16 + (spreads[1] - spreads[0]) ** 2)
    assert frechet_distance(CLOUD, CLOUD) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(CLOUD + np.array([3, 4, 0, 0]), CLOUD) == pytest.approx(25)


def test_frechet_distance_of_turned_covariances():
    turn = np.array([[0.0, 1], [1, 0]])
    long = CLOUD[:, :2] * [3, 1]
    # Commuting covariances: the sum of squared differences of spreads along the common axes.
    assert frechet_distance(long @ turn, long) == pytest.approx(8, rel=0.1)


def test_kernel_distance_by_hand():
    first, second = np.array([[0.0], [1]]), np.array([[1.0], [2]])
    within = (0 * 1 + 1) ** 3 + (1 * 2 + 1) ** 3
    across = (1 + 1 + 8 + 27) / 4  # products 0, 0, 1, 2
    assert kernel_distance(first, second) == pytest.approx(within - 2 * across)


def test_kernel_distance_is_unbiased():
    found = [kernel_distance(part[:50], part[50:]) for part in CLOUD.reshape(10, 100, 4)]
    assert abs(np.mean(found)) < 2 * np.std(found)
    assert min(found) < 0
    assert kernel_distance(CLOUD[:500] * 1.5, CLOUD[500:]) > 5 * np.std(found)


def test_neighbour_distances_by_hand():
    assert neighbour_distances(LINE, 1).tolist() == [1, 1, 2, 4]
    assert neighbour_distances(LINE, 2).tolist() == [3, 2, 3, 6]


def test_recall_and_coverage_by_hand():
    made = np.array([[0.5], [0.6], [0.7]])
    # Reach of the made ones: .1 each; no real sample is that near.
    assert recall(made, LINE, 1) == 0
    # Reach of the real ones: 1, 1, 2, 4; the last is 6.3 away from any made one, the third 2.3.
    assert coverage(made, LINE, 1) == 0.5
    assert recall(LINE, made, 1) == 1


def test_what_is_missing_is_not_recalled():
    two = np.concatenate((CLOUD[:500], CLOUD[500:] + 20))
    assert recall(CLOUD[:500], two) < 0.6
    assert coverage(CLOUD[:500], two) < 0.6
    assert recall(CLOUD[:500], CLOUD[500:]) > 0.85
    assert coverage(CLOUD[:500], CLOUD[500:]) > 0.9


def test_copies_cover_less():
    copies = CLOUD[np.arange(500) % 20]
    assert recall(copies, CLOUD[500:]) < 0.2
    assert coverage(copies, CLOUD[500:]) < 0.5
