import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from composer import reward

floats = st.floats(-1e6, 1e6, width=32)


@given(arrays(np.float32, 7, elements=floats))
def test_realism_lies_in_the_unit_interval_and_keeps_the_order(logits):
    found = reward.realism(logits)
    assert ((found >= 0) & (found <= 1)).all()
    assert (np.diff(found[np.argsort(logits)]) >= 0).all()


def test_realism_is_a_tenth_of_a_logit_around_one_half():
    assert reward.realism(np.array([0.0, 1.0, -2.0, 99.0])) == pytest.approx([0.5, 0.6, 0.3, 1.0])


def test_nearest_agrees_with_all_distances_in_any_block_size():
    rng = np.random.default_rng(0)
    made, known = (rng.normal(size=(n, 5)).astype(np.float32) for n in (13, 29))
    expected = np.linalg.norm(made[:, None] - known[None], axis=2).min(1)
    for block in (1, 7, 100):
        assert reward.Reference(known).nearest(made, block) == pytest.approx(expected, abs=1e-3)
    assert reward.Reference(known).nearest(made[:0]).shape == (0,)
    batched = reward.nearest_each(made[None], known[None])[0]
    assert batched == pytest.approx(expected, abs=1e-3)


def test_without_a_reference_everything_is_infinitely_far():
    nothing = reward.Reference(np.ones((0, 3), np.float32))
    assert np.isinf(nothing.nearest(np.ones((2, 3), np.float32))).all()
    assert nothing.nearest(np.ones((0, 3), np.float32)).shape == (0,)


def test_novelty_is_zero_for_a_copy_and_one_beyond_the_unit():
    found = reward.novelty(np.array([0.0, 5, 9]), np.array([9.0, 1, 9]), unit=2.0)
    assert found == pytest.approx([0.0, 0.5, 1.0])


def test_blend_moves_from_realism_to_novelty():
    vector = np.array([[0.2, 0.8]] * 3, np.float32)
    assert reward.blend(vector, np.array([0.0, 0.5, 1.0])) == pytest.approx([0.2, 0.5, 0.8])


def test_typical_distance_of_two_points():
    points = np.array([[0.0], [3.0]] * 50, np.float32)
    assert reward.typical_distance(points, np.random.default_rng(0)) in {1e-6, 3.0}
