"""The agent on environments with a known answer."""

import numpy as np
import pytest
import torch
from toy import ToyDomain

from composer.dqn.agent import (
    AgentConfig,
    DQNAgent,
    blended_values,
    draw_preferences,
    sample_softmax,
    soft_value,
    to_tensors,
)
from composer.dqn.network import ValueConfig, ValueNetwork, scalar
from composer.dqn.replay import ReplayBuffer

NETWORK = ValueConfig(embedding=8, hidden=32, factors=8)
TRAP, SETUP = 0, 1  # token 0 pays a little at once, token 1 pays nothing and much at the next place


def observe(context, candidates, preference=0.0):
    """Two places: at the first nothing is placed yet."""
    count, present = len(candidates), context is not None
    seen = np.zeros((count, 2, 2), np.uint8)
    if present:
        seen[:, 0] = context
    scores = np.zeros((*candidates.shape[:2], 2), np.float32)
    token = candidates[..., 0]
    scores[..., 0] = np.where(token == TRAP, 0.3, 0.0)
    if present:
        scores[..., 0] = np.where(seen[:, None, 0, 0] == SETUP, 1.0, 0.0)
    scores[..., 1] = token / 5
    return {
        "context": seen,
        "present": np.tile(np.array([present, False], np.int8), (count, 1)),
        "position": np.tile(np.array([0.2 * present, present, 0, 0], np.float32), (count, 1)),
        "candidates": candidates,
        "scores": scores,
        "action_mask": np.ones(candidates.shape[:2], np.int8),
        "preference": np.full((count, 1), preference, np.float32),
        "progress": np.full((count, 1), 0.5 * present, np.float32),
    }


def draw(count, rng):
    """Candidates in a new order each time: the agent must read them, not count them."""
    return rng.permuted(np.tile(np.arange(4, dtype=np.uint8), (count, 1)), axis=1)[
        ..., None
    ].repeat(2, axis=2)


def play(replay, rng, count=64):
    """Random play of the two-place environment."""
    rows = np.arange(count)
    first = observe(None, draw(count, rng))
    action = rng.integers(4, size=count)
    second = observe(first["candidates"][rows, action], draw(count, rng))
    replay.add(first, action, first["scores"][rows, action], second, np.zeros(count, bool))
    again = rng.integers(4, size=count)
    replay.add(second, again, second["scores"][rows, again], second, np.ones(count, bool))


def learn(updates, **settings):
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    defaults = {"capacity": 4096, "target_interval": 20, "temperature": 0.05}
    config = AgentConfig(network=NETWORK, **{**defaults, **settings})
    agent, replay = DQNAgent(ToyDomain({}), config), ReplayBuffer(config.capacity)
    for _ in range(8):
        play(replay, rng)
    losses = [agent.update(replay, rng)["q_loss"] for _ in range(updates)]
    return agent, losses


def test_learns_to_forgo_a_small_reward_for_a_later_one():
    agent, losses = learn(500)
    rng = np.random.default_rng(1)
    observation = observe(None, draw(32, rng))
    rows = np.arange(32)
    before = ValueNetwork(ToyDomain({}), NETWORK, 0.9)
    greedy = observation["candidates"][rows, blended_values(before, observation).argmax(1), 0]
    assert (greedy == TRAP).all()  # untrained, it is the chooser without look-ahead
    chosen = observation["candidates"][rows, agent.values(observation).argmax(1), 0]
    assert (chosen == SETUP).all()
    assert losses[-1] < losses[0] / 10


def test_soft_values_match_exact_dynamic_programming():
    tau, gamma = 0.1, 0.9
    agent, _ = learn(900, temperature=tau)
    observation = observe(None, np.arange(4, dtype=np.uint8)[None, :, None].repeat(2, axis=2))
    values = agent.values(observation)[0]
    # at the second place all four candidates pay the same, so its soft value is that payment
    exact = np.array([0.3, gamma * 1.0, 0.0, 0.0])
    assert values == pytest.approx(exact, abs=0.08)


def test_one_network_serves_every_preference():
    agent, _ = learn(900)
    rng = np.random.default_rng(2)
    observation = observe(None, draw(64, rng), preference=1.0)
    chosen = observation["candidates"][np.arange(64), agent.values(observation).argmax(1), 0]
    assert (chosen == 3).mean() > 0.9  # the newest token, where only novelty counts


def test_soft_value_is_the_scaled_log_mean_exp_over_valid_candidates():
    values = torch.rand(5, 4, 3)
    preference = torch.rand(5)
    mask = torch.ones(5, 4, dtype=torch.bool)
    mask[:, 3] = False
    tau = 0.3
    blended = scalar(values, preference)[:, :3]
    expected = tau * (torch.logsumexp(blended / tau, 1) - np.log(3))
    found = soft_value(values, mask, preference, tau)
    assert scalar(found.unsqueeze(1), preference)[:, 0].numpy() == pytest.approx(
        expected.numpy(), abs=1e-5
    )


def test_terminal_transitions_do_not_look_further():
    agent, _ = learn(0)
    replay = ReplayBuffer(64)
    play(replay, np.random.default_rng(0), 8)
    batch = replay.sample(32, np.random.default_rng(0))
    target = agent._target(batch, torch.zeros(32))
    ended = batch["terminated"]
    assert torch.equal(target[ended, :2], batch["reward"][ended])
    assert (target[ended, 2] == 0).all()


def test_masked_candidates_are_never_sampled_and_frequencies_follow_the_softmax():
    rng = np.random.default_rng(0)
    values = np.tile(np.array([0.0, 0.1, 5.0]), (20000, 1))
    mask = np.tile(np.array([1, 1, 0], np.int8), (20000, 1))
    chosen = sample_softmax(values, mask, 0.1, rng)
    assert (chosen != 2).all()
    assert (chosen == 1).mean() == pytest.approx(np.e / (1 + np.e), abs=0.015)


def test_epsilon_falls_linearly_and_random_play_respects_the_mask():
    agent, _ = learn(0, epsilon_start=1.0, epsilon_end=0.2, epsilon_rounds=4)
    assert [agent.epsilon(n) for n in (0, 2, 4, 9)] == pytest.approx([1.0, 0.6, 0.2, 0.2])
    mask = np.array([[0, 1, 0, 0]] * 10, np.int8)
    assert (agent.act(np.zeros((10, 4)), mask, 1.0, np.random.default_rng(0)) == 1).all()


def test_preferences_lie_in_the_unit_interval_and_favour_realism():
    drawn = draw_preferences(4000, np.random.default_rng(0))
    assert 0 <= drawn.min() <= drawn.max() <= 1
    assert np.median(drawn) < 0.3


def test_observations_become_tensors_of_the_same_dtype():
    observation = observe(None, draw(2, np.random.default_rng(0)))
    assert to_tensors(observation)["candidates"].dtype == torch.uint8
