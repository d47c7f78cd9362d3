import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from composer.dqn.replay import ReplayBuffer


def fill(replay, sizes):
    count = 0
    for size in sizes:
        number = np.arange(count, count + size)
        observation = {"x": number[:, None].astype(np.uint8)}
        reward = np.stack((number, number), 1).astype(np.float32)
        following = {"x": number[:, None].astype(np.uint8) + 1}
        replay.add(observation, number, reward, following, number % 2 == 0)
        count += size
    return count


@given(st.lists(st.integers(1, 9), min_size=1, max_size=12))
def test_holds_exactly_the_latest_transitions_each_in_one_piece(sizes):
    replay = ReplayBuffer(10)
    count = fill(replay, sizes)
    assert len(replay) == min(count, 10)
    batch = replay.sample(64, np.random.default_rng(0))
    assert batch["action"].min() >= max(0, count - 10)
    assert batch["action"].max() < count
    assert (batch["now.x"].squeeze(1) == batch["action"]).all()
    assert (batch["next.x"].squeeze(1) == batch["action"] + 1).all()
    assert (batch["reward"][:, 0] == batch["action"]).all()
    assert (batch["terminated"] == (batch["action"] % 2 == 0)).all()


def test_holds_no_more_than_there_is_room_for(monkeypatch):
    whole = ReplayBuffer(100)
    fill(whole, [1])
    size = sum(array[:1].nbytes for array in whole.arrays.values())
    monkeypatch.setattr("composer.dqn.replay.BYTES", 6 * size + 1)
    replay = ReplayBuffer(100)
    count = fill(replay, [4, 4, 4])
    assert len(replay) == replay.capacity == 6
    again = ReplayBuffer(100)
    again.restore(replay.state())
    assert again.capacity == 6
    fill(again, [])
    for buffer in (replay, again):
        batch = buffer.sample(64, np.random.default_rng(0))
        assert batch["action"].min() >= count - 6


def test_keeps_the_dtype_of_observations():
    replay = ReplayBuffer(4)
    fill(replay, [2])
    assert replay.arrays["now.x"].dtype == np.uint8


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_a_restored_buffer_samples_and_grows_the_same(sizes):
    replay, other = ReplayBuffer(10), ReplayBuffer(10)
    fill(replay, sizes)
    other.restore(replay.state())
    for buffer in (replay, other):
        fill(buffer, [3])
    batches = [buffer.sample(32, np.random.default_rng(1)) for buffer in (replay, other)]
    assert all(torch.equal(batches[0][name], batches[1][name]) for name in batches[0])
