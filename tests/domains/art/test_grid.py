"""The grid of motifs is found where there is one, and only there."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer.domains.art.families.make import make_pictures
from composer.domains.art.grid import (
    MAX_TILES,
    PERIODS,
    choose_cuts,
    find_period,
    find_phase,
    period_scores,
    wrap_ratio,
)


def period_of(pictures):
    pictures = list(pictures)
    return find_period([period_scores(p) for p in pictures], [p.shape[:2] for p in pictures])


def family(count=24, size=(256, 256)):
    return [pixels for _, pixels in make_pictures(count, size, None, 0)]


def blocks(side, seed, rows=8, columns=8):
    """Quarter discs in tiles of two colours each, turned at random: no two motifs need match."""
    rng = np.random.default_rng(seed)
    down, across = np.mgrid[:side, :side]
    disc = np.hypot(down, across) < 0.8 * side
    levels = np.array([20, 110, 180, 250], np.uint8)
    turned = [[np.rot90(disc, rng.integers(4)) for _ in range(columns)] for _ in range(rows)]
    pairs = np.array([[rng.permutation(4)[:2] for _ in range(columns)] for _ in range(rows)])
    values = [
        [np.where(turned[r][c], *levels[pairs[r, c]]) for c in range(columns)] for r in range(rows)
    ]
    return np.repeat(np.block(values)[..., None], 3, axis=2).astype(np.uint8)


def clouds(seed, height=200, width=260):
    """Smooth noise, as in a photograph."""
    rng = np.random.default_rng(seed)
    down, across = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)
    slope = 1 / np.maximum(np.hypot(down, across), 1 / height) ** 1.2
    noise = [
        np.fft.irfft2(slope * np.exp(2j * np.pi * rng.random(slope.shape)), (height, width))
        for _ in range(3)
    ]
    values = np.stack(noise, axis=-1)
    return (128 + 50 * (values - values.mean()) / values.std()).clip(0, 255).astype(np.uint8)


def test_the_motif_of_the_families_is_found():
    pictures = family()
    assert period_of(pictures) == 32
    assert period_of([picture[5:230, 11:] for picture in pictures]) == 32


@pytest.mark.parametrize("side", [8, 12, 16, 24, 40])
def test_motifs_that_are_turned_at_random(side):
    assert period_of(blocks(side, seed) for seed in range(4)) == side


def test_no_grid_where_there_is_none():
    assert period_of(clouds(seed) for seed in range(3)) is None
    assert period_of([clouds(9)]) is None
    assert period_of([]) is None
    assert period_of([np.zeros((64, 64, 3), np.uint8)] * 3) is None


def test_small_pictures_have_no_say():
    assert np.isnan(period_scores(blocks(8, 0, 1, 1))).all()
    assert np.isnan(period_scores(np.zeros((1, 1, 3), np.uint8))).all()
    scores = period_scores(blocks(8, 0, 4, 4))
    np.testing.assert_array_equal(np.isnan(scores), PERIODS * 2.5 > 32)


@given(st.integers(0, 14), st.integers(0, 14))
def test_the_phase_of_motifs_that_do_not_match(top, left):
    picture = blocks(16, 0)[top:, left:]
    # One row or column less, so that the picture is never one of whole motifs.
    assert find_phase(picture[:-1, :-1], 16) == (-top % 16, -left % 16)


def test_the_phase_of_motifs_that_match():
    drawn = dict(make_pictures(24, (256, 256), None, 0))
    truchet = next(pixels for name, pixels in drawn.items() if name.startswith("truchet"))
    assert find_phase(truchet, 32) == (0, 0)
    assert find_phase(truchet[5:, 11:], 32) == (27, 21)


@given(st.integers(16, 900), st.integers(16, 900), st.booleans(), st.integers(0, 9))
def test_cuts_lie_inside(height, width, on_grid, seed):
    start = (seed % 16, 15 - seed) if on_grid else None
    cuts = choose_cuts((height, width), 16, start, np.random.default_rng(seed))
    assert 1 <= len(cuts) <= (1 if on_grid else 4)
    assert len({cut[2:] for cut in cuts}) == 1
    for top, left, rows, columns in cuts:
        assert top >= 0
        assert left >= 0
        assert 1 <= rows <= MAX_TILES
        assert 1 <= columns <= MAX_TILES
        assert top + rows * 16 <= height
        assert left + columns * 16 <= width


def test_large_pictures_are_cut_more_often():
    numbers = [
        len(choose_cuts((side, side), 16, None, np.random.default_rng(0)))
        for side in (100, 150, 250, 900)
    ]
    assert numbers == sorted(numbers)
    assert numbers[0] == 1
    assert numbers[-1] == 4


def test_seamless_and_bound_pictures():
    rng = np.random.default_rng(0)
    texture = rng.integers(0, 256, (64, 64, 3), np.uint8)
    assert 0.9 < wrap_ratio(texture, 16) < 1.1
    down, across = np.mgrid[:64, :64]
    slope = np.repeat((2 * (down + across))[..., None], 3, 2).astype(np.uint8)
    assert wrap_ratio(slope, 16) > 3
    framed = texture.copy()
    framed[:4] = framed[-4:] = framed[:, :4] = framed[:, -4:] = 0
    assert wrap_ratio(framed, 16) < 0.3
