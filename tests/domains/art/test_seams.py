from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer.domains.art.seams import seam_energies, seam_ratio


def test_seams_by_hand():
    # Steps along the rows: 1, 5 (seam), 3; down the columns nothing changes.
    picture = np.array([[0.0, 1, 6, 9]] * 4)[None, :, :, None]
    across, inside = seam_energies(picture, 2)
    assert across == pytest.approx([5 / 2])  # 4 places across of 5, 4 down of 0
    assert inside == pytest.approx([(1 + 3) / 4])
    assert seam_ratio(picture, 2) == pytest.approx(2.5)


@given(st.integers(0, 1000), st.integers(2, 5))
def test_the_same_change_everywhere_gives_1(seed, period):
    ramp = np.add.outer(np.arange(12.0), np.arange(15.0))
    assert seam_ratio(ramp[None, :, :, None] * (1 + seed), period) == pytest.approx(1)


def test_noise_has_no_seams_and_shuffled_tiles_do():
    rng = np.random.default_rng(0)
    noise = rng.random((4, 32, 32, 3))
    assert seam_ratio(noise, 8) == pytest.approx(1, abs=0.05)
    smooth = np.sin(np.add.outer(np.arange(32), np.arange(32)) / 8)
    tiles = smooth.reshape(4, 8, 4, 8).swapaxes(1, 2).reshape(16, 8, 8)
    shuffled = rng.permutation(tiles).reshape(4, 4, 8, 8).swapaxes(1, 2).reshape(32, 32)
    assert seam_ratio(smooth[None, :, :, None], 8) == pytest.approx(1, abs=0.1)
    assert seam_ratio(shuffled[None, :, :, None], 8) > 2


def test_nothing_to_compare():
    flat = np.zeros((2, 8, 8, 1))
    assert np.isnan(seam_ratio(flat, 4))
    assert seam_energies(flat[:, :4, :4] + 1, 4)[0].tolist() == [0, 0]
