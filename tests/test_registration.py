import subprocess
import sys

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env


def test_the_music_environment_needs_no_argument():
    env = gymnasium.make("composer:Composer/Music-v0")
    check_env(env.unwrapped, skip_render_check=True)
    observation, info = env.reset(seed=1)
    assert observation["candidates"].shape[0] == env.action_space.n == len(info["action_mask"])
    ended, rewards = False, []
    while not ended:
        choices = np.flatnonzero(info["action_mask"])
        _, reward, ended, _, info = env.step(choices[-1])
        rewards.append(reward)
    assert len(rewards) == 16
    assert 0 <= min(rewards) <= max(rewards) <= 1


def test_the_batched_twin_is_registered_too():
    envs = gymnasium.make_vec("composer:Composer/Music-v0", num_envs=3)
    observation, _ = envs.reset(seed=0)
    assert observation["candidates"].shape[0] == 3
    _, reward, *_ = envs.step(np.zeros(3, int))
    assert reward.shape == (3,)
    envs.close()


@pytest.mark.parametrize("first", ["composer", "gymnasium"])
def test_is_registered_whichever_package_comes_first(first):
    code = f"import {first}, composer, gymnasium; print('Composer/Music-v0' in gymnasium.registry)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


def test_is_registered_though_someone_only_asked_for_gymnasium():
    code = (
        "import composer, importlib.util as u; u.find_spec('gymnasium'); import gymnasium; "
        "print('Composer/Music-v0' in gymnasium.registry)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
