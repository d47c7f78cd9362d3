"""How fast the program is, as ratios to what nobody can do without, measured side by side.

    python tests/benchmarks/speed.py --data DIR --model RUN

prints a table and writes it to ``docs/benchmarks.md``. Each pair is timed in turns, so that a busy
machine slows both sides, and the median counts.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from page import PAGE, machine, table, write_section

from composer.dqn.agent import AgentConfig, DQNAgent
from composer.dqn.replay import ReplayBuffer
from composer.environment import CompositionEnv, CompositionVectorEnv
from composer.model import load_model

if TYPE_CHECKING:
    from collections.abc import Callable

    from composer.stage import World

STEPS_AN_UPDATE = 32  # of both agents; in training 24: 48 pieces of 16 bars, then 32 updates
TURNS = 5
PARSE = """
import pathlib, sys, symusic, time
start = time.perf_counter()
for path in pathlib.Path(sys.argv[1]).rglob("*.mid"):
    symusic.Score(path)
print(time.perf_counter() - start)
"""


def started(*arguments: str, **variables: str) -> str:
    """Run Python to its end in a process of its own; what it wrote to stdout."""
    environment = {**os.environ, **variables}
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, check=True, capture_output=True, text=True, env=environment
    ).stdout


def seconds(*arguments: str, **variables: str) -> float:
    """Wall-clock time of a process."""
    start = time.perf_counter()
    started(*arguments, **variables)
    return time.perf_counter() - start


def compare(*sides: Callable[[], float], turns: int = TURNS) -> list[float]:
    """Median of each side, measured in turns."""
    found = [[side() for side in sides] for _ in range(turns)]
    return [float(median) for median in np.median(found, axis=0)]


def compose_time(model: str) -> list[float]:
    """Seconds of ``composer compose`` for 16 bars, and of importing torch alone."""
    with tempfile.TemporaryDirectory() as folder:
        compose = ("-m", "composer", "compose", "--model", model, "--seed", "0", "--out", folder)
        return compare(lambda: seconds(*compose), lambda: seconds("-c", "import torch"))


def help_time() -> tuple[float, bool]:
    """Seconds of ``composer --help``, and whether it imports torch."""
    times = [seconds("-m", "composer", "--help") for _ in range(TURNS)]
    code = "import sys, composer.cli.main; print('torch' in sys.modules)"
    return float(np.median(times)), started("-c", code).strip() == "True"


def inspect_time(data: Path) -> list[float]:
    """Seconds of ``composer dataset inspect``, nothing cached, and of symusic's bare parse."""

    def inspect() -> float:
        with tempfile.TemporaryDirectory() as cache:
            command = ("-m", "composer", "dataset", "inspect", str(data))
            return seconds(*command, COMPOSER_CACHE=cache)

    return compare(inspect, lambda: float(started("-c", PARSE, str(data))))


def our_rate(world: World, steps: int, pieces: int = 64) -> float:
    """Steps a second of the agent: play, remember, update; ``pieces`` at once, after a warm-up."""
    rng = np.random.default_rng(0)
    env = CompositionVectorEnv(world, pieces)
    agent, replay = DQNAgent(world.domain, AgentConfig()), ReplayBuffer(AgentConfig().capacity)
    round_steps = pieces * env.stage.geometry.places
    owed = 0

    def play() -> None:
        nonlocal owed
        observation, _ = env.reset(seed=0)
        while not env.stage.finished:
            values = agent.values(observation)
            action = agent.act(values, observation["action_mask"], 0.1, rng)
            following, _, terminated, _, info = env.step(action)
            replay.add(observation, action, info["vector_reward"], following, terminated)
            observation = following
        updates, owed = divmod(owed + round_steps, STEPS_AN_UPDATE)
        for _ in range(updates):
            agent.update(replay, rng)

    play()
    rounds = max(1, steps // round_steps)
    start = time.process_time()
    for _ in range(rounds):
        play()
    return rounds * round_steps / (time.process_time() - start)


def their_rate(world: World, steps: int) -> float:
    """Steps a second of Stable-Baselines3's DQN on the same environment and update rate."""
    from stable_baselines3 import DQN

    ours = AgentConfig()
    agent = DQN(
        "MultiInputPolicy",
        CompositionEnv(world),
        learning_rate=ours.learning_rate,
        buffer_size=ours.capacity,
        learning_starts=ours.batch,
        batch_size=ours.batch,
        train_freq=STEPS_AN_UPDATE,
        gradient_steps=1,
        gamma=ours.gamma,
        policy_kwargs={"net_arch": [ours.network.hidden, ours.network.hidden]},
        seed=0,
        device="cpu",
    )
    agent.learn(2 * ours.batch)
    start = time.process_time()
    agent.learn(steps, reset_num_timesteps=False)
    return steps / (time.process_time() - start)


def against(name: str, pair: list[float], unit: str, reach: str) -> list[str]:
    """One line of the table: ours, theirs, and how many times theirs ours is."""
    ours, theirs = (f"{value:.2f} {unit}" for value in pair)
    return [name, ours, theirs, f"{pair[0] / pair[1]:.2f}", reach]


def measure(data: Path, model: str, steps: int) -> list[list[str]]:
    """All lines of the table."""
    world = load_model(model).world()
    many, one, theirs = compare(
        lambda: our_rate(world, steps),
        lambda: our_rate(world, steps, 1),
        lambda: their_rate(world, steps),
        turns=3,
    )
    composing = compose_time(model)
    helping, imported = help_time()
    files = sum(1 for _ in data.rglob("*.mid"))
    return [
        against("`composer compose`, cold, against `import torch`", composing, "s", "<= 1.5"),
        ["`composer --help`", f"{helping:.2f} s", "", "", "<= 0.3 s"],
        ["`composer --help` imports torch", "yes" if imported else "no", "", "", "no"],
        against(
            f"`composer dataset inspect`, {files} files, against symusic's bare parse",
            inspect_time(data),
            "s",
            "<= 10",
        ),
        against(
            "agent, 64 pieces at once, against Stable-Baselines3", [many, theirs], "steps/s", ">= 3"
        ),
        against(
            "agent, one piece at a time, against Stable-Baselines3", [one, theirs], "steps/s", ""
        ),
    ]


NOTES = """## Speed

{machine}, one thread; medians of pairs measured in turns.

    python tests/benchmarks/speed.py --data DIR --model RUN --steps {turn}

`compose` writes 16 bars from a cold start; `inspect` has nothing cached. Both agents play the same
environment and make one update of {batch} transitions every {steps} steps; their seconds are of
the processor, so that a busy machine does not count. Stable-Baselines3's DQN has two layers of
{hidden} units on flattened observations and knows no masks.
"""


def main(arguments: list[str] | None = None) -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of MIDI files")
    parser.add_argument("--model", required=True, help="a run or a bundled model")
    parser.add_argument("--steps", type=int, default=1024, help="of each agent in a turn")
    parser.add_argument("--page", type=Path, default=PAGE)
    args = parser.parse_args(arguments)
    torch.set_num_threads(1)
    os.environ["OMP_NUM_THREADS"] = "1"  # for the processes that are started
    config = AgentConfig()
    notes = NOTES.format(
        machine=machine(),
        batch=config.batch,
        steps=STEPS_AN_UPDATE,
        turn=args.steps,
        hidden=config.network.hidden,
    )
    lines = measure(args.data, args.model, args.steps)
    text = notes + "\n" + table(["", "ours", "theirs", "ratio", "reach"], lines)
    sys.stdout.write(text + "\n")
    write_section("speed", text, args.page)


if __name__ == "__main__":
    main()
