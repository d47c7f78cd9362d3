import numpy as np
import pytest
from toy import PLACES, ToyDomain, toy_store

from composer.evaluation.samples import (
    Sample,
    compose_scored,
    compose_windows,
    cut_windows,
)
from composer.fragments import TRAIN


@pytest.fixture
def model(toy_model):
    return toy_model(2)


def test_windows_keep_their_work_and_kind():
    store = toy_store(20, kinds=2)
    sample = cut_windows(store, ToyDomain(store.settings), (1, TRAIN))
    assert len(sample) == 20
    assert sample.works[:5].tolist() == [0, 5, 10, 15, 1]  # the second part comes first
    assert np.array_equal(sample.kinds, sample.works % 2)
    assert np.array_equal(sample.windows[4], store.fragments[PLACES : 2 * PLACES])


def test_works_of_joined_samples_stay_apart():
    windows = np.zeros((3, PLACES, 2), np.uint8)
    one = Sample(windows, np.array([4, 4, 0]), np.arange(3))
    both = Sample.joined([one, Sample.alone(windows + 1), one.first(2)])
    assert both.works.tolist() == [4, 4, 0, 5, 6, 7, 12, 12]
    assert both.kinds.tolist() == [0, 1, 2, 0, 0, 0, 0, 1]
    assert both.windows[:, 0, 0].tolist() == [0, 0, 0, 1, 1, 1, 0, 0]


def test_a_part_without_pieces_gives_an_empty_sample():
    sample = cut_windows(toy_store(20), ToyDomain({}), (2,))
    assert sample.windows.shape == (0, PLACES, 2)


def test_windows_can_be_adopted():
    sample = cut_windows(toy_store(20), ToyDomain({}), (TRAIN,), lambda windows: windows * 0)
    assert not sample.windows.any()


def test_some_are_drawn_without_replacement_in_their_order():
    sample = Sample.alone(np.arange(8)[:, None, None].astype(np.uint8))
    some = sample.some(5, np.random.default_rng(0))
    assert len(some) == 5
    assert (np.diff(some.works) > 0).all()
    assert np.array_equal(some.windows[:, 0, 0], some.works)
    assert len(sample.some(99, np.random.default_rng(0))) == 8


def test_compositions_depend_on_seed_and_policy_alone(model):
    kinds = np.array([0, 1, 1])
    first, second = (compose_windows(model, "random", kinds, 1, 0.3) for _ in range(2))
    assert first.shape == (3, PLACES, 2)
    assert np.array_equal(first, second)
    assert not np.array_equal(first, compose_windows(model, "random", kinds, 2, 0.3))


def test_all_policies_are_offered_the_same_first_candidates(model):
    offered = []
    for policy in ("first", "random"):
        seen = []
        watch = lambda observation, seen=seen: seen.append(observation["candidates"])  # noqa: E731
        compose_windows(model, policy, np.zeros(4, np.int64), 0, 0.0, watch)
        assert len(seen) == PLACES
        offered.append(seen[0])
    assert np.array_equal(*offered)


def test_the_rewards_of_each_place_come_with_the_pieces(model):
    kinds = np.array([0, 1, 1])
    windows, rewards = compose_scored(model, "random", kinds, 1, 0.3)
    assert np.array_equal(windows, compose_windows(model, "random", kinds, 1, 0.3))
    assert rewards.shape == (3, PLACES, 2)
    assert ((rewards >= 0) & (rewards <= 1)).all()
    assert rewards[..., 0].all()  # every place is there
