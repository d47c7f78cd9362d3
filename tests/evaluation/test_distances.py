from __future__ import annotations

import numpy as np
import pytest

from composer.evaluation.distances import (
    energy_distance,
    entropy,
    jensen_shannon,
    pair_distances,
    sliced_wasserstein,
)

RNG = np.random.default_rng(0)
CLOUD = RNG.standard_normal((2000, 5))


def test_jensen_shannon_by_hand():
    assert jensen_shannon(np.array([3, 0]), np.array([0, 5])) == pytest.approx(1)
    mixture, halves = 0.8112781, 0.5  # entropy of (3/4, 1/4); mean of 1 bit and 0 bits
    assert jensen_shannon(np.array([2, 2]), np.array([7, 0])) == pytest.approx(mixture - halves)
    assert jensen_shannon(np.zeros(3), np.array([1, 0, 0])) == 1
    assert jensen_shannon(np.zeros(3), np.zeros(3)) == 0


def test_entropy_by_hand():
    shares = np.array([[1, 0, 0, 0], [0.5, 0.25, 0.25, 0], [0.25] * 4, [0] * 4])
    assert entropy(shares).tolist() == [0, 1.5, 2, 0]


def test_pair_distances_by_hand():
    found = pair_distances(np.array([[0.0, 0], [3, 4]]), np.array([[0.0, 0], [3, 0], [0, 4]]))
    assert found == pytest.approx(np.array([[0, 3, 4], [5, 4, 3]]))


def test_sliced_wasserstein_counts_spreads_of_the_real_sample():
    line = CLOUD[:, :1]
    assert sliced_wasserstein(10 * line + 20, 10 * line) == pytest.approx(2, rel=0.05)
    assert sliced_wasserstein(CLOUD[:1000], CLOUD[1000:]) < 0.1
    assert sliced_wasserstein(CLOUD * [1, 1, 1, 1, 3], CLOUD) > 0.2


def test_fine_detail_counts_as_much_as_the_coarse():
    scale = np.array([10, 1, 1, 1, 1])
    flat = CLOUD * [1, 0, 0, 0, 0]
    assert sliced_wasserstein(flat * scale, CLOUD * scale) == pytest.approx(
        sliced_wasserstein(flat, CLOUD), rel=0.2
    )


def test_sliced_wasserstein_of_what_does_not_vary():
    constant = np.ones((5, 2))
    assert sliced_wasserstein(constant, constant) == 0
    assert sliced_wasserstein(constant + 3, constant) == pytest.approx(3)


def test_energy_distance_is_0_for_one_distribution_and_1_for_two_points():
    assert energy_distance(np.zeros((3, 2)), np.ones((4, 2))) == pytest.approx(1)
    assert energy_distance(np.zeros((3, 2)), np.zeros((4, 2))) == 0
    assert energy_distance(CLOUD[:1000], CLOUD[1000:]) < 0.05
    # Two points each: E|x - y| = 1.5, E|x - x'| = 1, E|y - y'| = 2.
    found = energy_distance(np.array([[0.0], [1]]), np.array([[0.0], [2]]))
    across = (0 + 2 + 1 + 1) / 4
    assert found == pytest.approx(np.sqrt(max(0, 1 - (1 + 2) / 2 / across)))


def test_energy_distance_sees_what_is_missing():
    two = np.concatenate((CLOUD[:1000], CLOUD[1000:] + 10))
    assert energy_distance(CLOUD[:1000], two) > 0.5
