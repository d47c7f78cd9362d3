from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from composer.domains.art.codes import (
    MAX_CLASSES,
    codebook,
    cover,
    coverage_codes,
    encode,
    level_codes,
)
from composer.domains.art.settings import ArtSettings

LAYERS = range(2, 18)  # 2 to 16 slots, and a transparent one


def test_the_tokens_of_two_slots():
    expected = [[1, 0], [0, 1], [0.75, 0.25], [0.5, 0.5], [0.25, 0.75]]
    assert coverage_codes(2).tolist() == expected


def test_pairs_are_in_order_with_more_and_more_of_the_second():
    mixed = coverage_codes(3)[3:]
    assert mixed[:3].tolist() == [[0.75, 0.25, 0], [0.5, 0.5, 0], [0.25, 0.75, 0]]
    assert mixed[3:6].tolist() == [[0.75, 0, 0.25], [0.5, 0, 0.5], [0.25, 0, 0.75]]
    assert mixed[6:].tolist() == [[0, 0.75, 0.25], [0, 0.5, 0.5], [0, 0.25, 0.75]]


@pytest.mark.parametrize("layers", [1, *LAYERS, 22, 23, 256])
def test_every_token_is_a_coverage_and_there_are_at_most_256(layers):
    codes = coverage_codes(layers)
    assert codes.dtype == np.float32
    assert codes.shape[1] == layers
    assert len(codes) <= MAX_CLASSES
    assert (codes.sum(1) == 1).all()
    assert codes.min() >= 0
    assert np.array_equal(codes[:layers], np.eye(layers))
    assert len(np.unique(codes, axis=0)) == len(codes)
    assert ((codes > 0).sum(1)[layers:] == 2).all()


@pytest.mark.parametrize(("layers", "mixes"), [(2, 3), (4, 3), (13, 3), (14, 1), (22, 1), (23, 0)])
def test_edges_are_as_fine_as_there_is_room_for(layers, mixes):
    assert len(coverage_codes(layers)) == layers + comb(layers, 2) * mixes


def test_nobody_can_change_the_codes():
    for codes in (coverage_codes(4), level_codes()):
        with pytest.raises(ValueError, match="read-only"):
            codes[0, 0] = 0.5


def test_levels_are_evenly_spaced_from_black_to_full():
    levels = level_codes()
    assert levels.shape == (256, 1)
    assert levels.dtype == np.float32
    assert levels[[0, 255], 0].tolist() == [-1, 1]
    assert np.diff(levels[:, 0]) == pytest.approx(2 / 255, abs=1e-6)


@pytest.mark.parametrize(
    ("settings", "shape"),
    [
        (ArtSettings(slots=4), (22, 4)),
        (ArtSettings(slots=4, transparent=True), (35, 5)),
        (ArtSettings(slots=16, transparent=True), (153, 17)),
        (ArtSettings(slots=0), (256, 1)),
    ],
)
def test_a_codebook_is_of_slots_or_of_levels(settings, shape):
    codes = codebook(settings)
    assert codes.shape == shape
    assert np.array_equal(codes, level_codes() if settings.rgb else coverage_codes(shape[1]))


@given(st.data(), st.sampled_from(LAYERS), array_shapes(max_dims=4, max_side=4))
def test_what_tokens_cover_is_encoded_as_the_same_tokens(data, layers, shape):
    tokens = st.integers(0, len(coverage_codes(layers)) - 1)
    drawn = data.draw(arrays(np.uint8, shape, elements=tokens))
    coverage = cover(drawn, layers)
    assert coverage.shape == (*shape, layers)
    again = encode(coverage)
    assert again.dtype == np.uint8
    assert np.array_equal(again, drawn)


@given(st.sampled_from(LAYERS), st.integers(0, 999), st.sampled_from([np.float32, np.float64]))
def test_a_coverage_is_encoded_as_the_nearest_token(layers, seed, dtype):
    coverage = (
        np.random.default_rng(seed).dirichlet(np.full(layers, 0.3), size=(3, 5)).astype(dtype)
    )
    distances = np.square(coverage[..., None, :] - coverage_codes(layers)).sum(-1)
    chosen = np.take_along_axis(distances, encode(coverage)[..., None].astype(int), -1)[..., 0]
    assert chosen == pytest.approx(distances.min(-1), abs=1e-5)


def test_many_cells_are_encoded_part_by_part():
    tokens = np.random.default_rng(0).integers(0, 5, (270, 270)).astype(np.uint8)
    assert tokens.size > 1 << 16
    assert np.array_equal(encode(cover(tokens, 2)), tokens)
    assert encode(np.zeros((0, 4, 4, 3), np.float32)).shape == (0, 4, 4)
