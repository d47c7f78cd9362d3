from dataclasses import replace

import numpy as np
import pytest

from composer.domains.art.metrics import assemble, levels_of
from composer.domains.art.quantise import cut_tiles
from composer.domains.art.quilting import Source, before_cut, match_borders, of_kinds, quilt
from composer.domains.art.seams import seam_ratio
from composer.domains.art.settings import ArtSettings
from composer.evaluation.samples import Sample

SETTINGS = ArtSettings(tile=8, slots=4, rows=4, columns=5)
LAYOUT = (4, 5)
BOTH = pytest.mark.parametrize("compose", [match_borders, quilt])


def rng(seed=0):
    return np.random.default_rng(seed)


def waves(count=6, seed=0):
    """Smooth pictures in four slots: uint8 ``[count, 20, 8, 8]``."""
    shift, slope = rng(seed).random((2, count, 2, 1, 1))
    down, across = np.mgrid[:32, :40]
    height = np.sin((0.6 + slope[:, 0]) * down / 4 + 6 * shift[:, 0])
    height = height + np.sin((0.6 + slope[:, 1]) * across / 4 + 6 * shift[:, 1])
    cells = np.digitize(height, (-0.7, 0, 0.7)).astype(np.uint8)
    return np.stack([cut_tiles(picture, 8) for picture in cells])


def seams(pictures):
    return seam_ratio(levels_of(assemble(pictures, LAYOUT), SETTINGS), SETTINGS.tile)


@BOTH
@pytest.mark.parametrize("slots", [4, 0])
def test_of_constant_pictures_all_are_constant(compose, slots):
    settings = replace(SETTINGS, slots=slots)
    shape = (2, 20, 8, 8) if slots else (2, 20, 8, 8, 3)
    made = compose(Source(np.full(shape, 3, np.uint8), settings), 4, rng())
    assert made.dtype == np.uint8
    assert made.shape == (4, *shape[1:])
    assert (made == 3).all()


@BOTH
def test_the_same_seed_gives_the_same_pictures(compose):
    source = Source(waves(), SETTINGS)
    first, second, other = (compose(source, 3, rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


@BOTH
def test_seams_are_smaller_than_at_random_and_those_of_quilts_near_real_ones(compose):
    known = waves(12)
    mixed = rng().permutation(known.reshape(-1, 8, 8)).reshape(known.shape)
    made = seams(compose(Source(known, SETTINGS), 20, rng()))
    assert made < 0.7 * seams(mixed)
    if compose is quilt:
        assert made == pytest.approx(seams(known), rel=0.35)


@BOTH
def test_pieces_are_of_their_kind_and_its_edges_lie_at_the_edges(compose):
    grid = np.pad(np.ones((2, 3), int), 1)  # an edge of 0 or 2, the inside 1 or 3
    pictures = np.repeat(np.stack((grid, grid + 2)), 3, axis=0).reshape(6, 20, 1, 1)
    windows = np.broadcast_to(pictures, (6, 20, 8, 8)).astype(np.uint8)
    known = Sample.alone(windows, np.repeat([0, 1], 3))
    made = of_kinds(compose, known, np.array([1, 0, 1]), SETTINGS, rng())
    assert np.array_equal(made[0, :, 7, 7].reshape(LAYOUT), grid + 2)
    assert np.array_equal(made[1, :, 7, 7].reshape(LAYOUT), grid)
    assert (made[[0, 2]] >= 2).all()
    assert (made[1] < 2).all()


@BOTH
def test_of_a_kind_that_nobody_drew_all_pictures_are_used(compose):
    known = Sample.alone(waves())
    made = of_kinds(compose, known, np.array([3]), SETTINGS, rng())
    assert made.shape == (1, 20, 8, 8)


def test_border_matching_finds_the_one_perfect_fit():
    # Tiles of five columns: the left half of each is 0, 1, ...; only the next one goes on with it.
    settings = replace(SETTINGS, slots=16, rows=1, columns=6)
    tiles = np.zeros((8, 8), np.uint8) + np.arange(6)[:, None, None]
    tiles[:, :, 4:] += 1
    pictures = np.stack((tiles, tiles[[0, 3, 1, 2, 4, 5]], tiles[[0, 2, 4, 1, 3, 5]]))
    made = match_borders(Source(pictures, settings), 5, rng())
    left, right = made[:, :, 0, 0].astype(int), made[:, :, 0, 7].astype(int)
    assert np.array_equal(right[:, :-2], left[:, 1:-1])  # the last one has no choice


def test_a_quilt_is_no_copy_where_there_is_another_choice():
    source = Source(waves(12), SETTINGS)
    whole = {picture.tobytes() for picture in source.pictures}
    assert not any(picture.tobytes() in whole for picture in quilt(source, 20, rng()))
    alone = Source(source.pictures[:1], replace(SETTINGS, rows=2, columns=2))
    one = replace(alone, pictures=source.pictures[:1, [0, 1, 5, 6]])
    assert np.array_equal(quilt(one, 1, rng()), one.pictures)


def test_the_cut_by_hand():
    errors = np.array([[[0, 9, 9], [9, 1, 9], [9, 9, 0], [9, 0, 9]]], float)
    left = [[0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 0, 0]]
    assert before_cut(errors)[0].astype(int).tolist() == left
    straight = np.array([[[0, 1, 5], [5, 1, 0]]], float)  # 0, then 0, is too far to the side
    assert before_cut(straight)[0].astype(int).tolist() == [[0, 0, 0], [1, 0, 0]]
    assert not before_cut(np.ones((2, 5, 1))).any()


def test_an_overlap_is_cut_where_the_patches_are_alike():
    known = waves(12)
    made = assemble(quilt(Source(known, SETTINGS), 10, rng()), LAYOUT).astype(int)
    steps = np.abs(np.diff(made, axis=2))
    assert (steps > 1).mean() < 0.02  # smooth pictures step by one slot, seldom by more
