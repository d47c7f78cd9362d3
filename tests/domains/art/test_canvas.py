from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from composer.domains.art.canvas import (
    centre_strengths,
    differing_share,
    frame_contrasts,
    gradient_strengths,
    mirror_errors,
    nearest_kinds,
    region_purities,
    rotation_errors,
)

RNG = np.random.default_rng(0)
NOISE = RNG.integers(2, size=(3, 16, 16, 1)).astype(float)

canvases = arrays(np.float32, (2, 6, 6, 1), elements=st.sampled_from([0.0, 0.5, 1.0]))


@given(canvases, st.integers(0, 3))
def test_mirrored_canvases_have_no_error(pictures, axis):
    images = (
        pictures[:, :, ::-1],
        pictures[:, ::-1],
        pictures.swapaxes(1, 2),
        pictures[:, ::-1, ::-1].swapaxes(1, 2),
    )
    assert mirror_errors(np.maximum(pictures, images[axis])).tolist() == [0, 0]


@given(canvases)
def test_turned_canvases_have_no_error(pictures):
    both = np.maximum(pictures, pictures[:, ::-1, ::-1])
    assert rotation_errors(both).tolist() == [0, 0]


def test_disorder_has_errors():
    assert (mirror_errors(NOISE) > 0.3).all()
    assert (rotation_errors(NOISE) > 0.3).all()
    one = np.zeros((1, 4, 5, 1))
    one[0, 0, 0] = 1
    assert mirror_errors(one).tolist() == [2 / 20]  # it and its image, on oblong canvases too
    assert rotation_errors(one).tolist() == [2 / 20]
    assert rotation_errors(one * 0.25).tolist() == [0]


def test_frames_by_hand():
    tiles = np.zeros((2, 5, 6, 2))
    tiles[0, [0, -1]] = tiles[0, :, [0, -1]] = 1
    tiles[1] = RNG.standard_normal((5, 6, 2))
    framed, random = frame_contrasts(tiles)
    assert framed == pytest.approx(1)
    assert abs(random) < 0.5
    assert frame_contrasts(np.zeros((1, 4, 4, 2))).tolist() == [1]
    even = 50 * np.random.default_rng(0).standard_normal(64, np.float32)
    assert frame_contrasts(np.broadcast_to(even, (1, 8, 8, 64))).tolist() == [1]  # not by rounding


def test_tiles_are_told_by_their_neighbours():
    known = np.array([[0.0], [0.1], [0.2], [5], [5.1], [5.2]])
    kinds = np.array([0, 0, 0, 2, 2, 2])
    assert nearest_kinds(np.array([[0.3], [4.0]]), known, kinds, 3).tolist() == [0, 2]
    assert nearest_kinds(np.array([[0.3]]), known[:3], kinds[:3], 1).tolist() == [0]


def test_purity_by_hand():
    halves = np.array([[0, 1], [0, 1]])
    checker = np.array([[0, 1], [1, 0]])
    found = region_purities(np.stack((halves, checker, np.zeros((2, 2), int))))
    assert found.tolist() == [0.5, 0, 1]


def test_gradients_have_a_direction():
    down, across = np.mgrid[:6, :8]
    density = np.stack((down, 7 - across, down + across, np.hypot(down - 2.5, across - 3.5)))
    assert gradient_strengths(density[:3]) == pytest.approx(1)
    assert centre_strengths(density)[3] == pytest.approx(1)
    assert gradient_strengths(density)[3] < 0.1
    assert centre_strengths(density)[:3].max() < 0.1
    assert gradient_strengths(np.full((1, 4, 4), 0.3)).tolist() == [0]


def test_equal_densities_share_their_rank():
    steps = np.zeros((1, 1, 4))
    steps[0, 0] = [0, 0, 1, 1]
    assert gradient_strengths(steps) == pytest.approx(np.corrcoef([0, 0, 1, 1], range(4))[0, 1])


def test_tiles_differ_from_the_third_cell_in_a_hundred_on():
    first = np.zeros((4, 10, 10), np.uint8)
    second = first.copy()
    for row, cells in enumerate((0, 2, 3, 50)):
        second[row].reshape(-1)[:cells] = 1
    assert differing_share(first, second) == 0.5
    assert differing_share(np.stack([first] * 3, -1), np.stack([first, first, second], -1)) == 0.5
