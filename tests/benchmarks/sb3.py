"""Our agent beside the DQN of Stable-Baselines3, on the same environment with the same budget.

    python tests/benchmarks/sb3.py --data DIR --model RUN

trains theirs on the model's environment and lets both and two simpler choosers compose.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from page import PAGE, table, write_section
from stable_baselines3 import DQN
from stable_baselines3.common.vec_env import VecEnv

from composer import reward
from composer.composing import chooser
from composer.domain import domain_class
from composer.environment import CompositionVectorEnv
from composer.evaluation.columns import AUC, Cell, Ruler
from composer.evaluation.evaluate import draw_kinds, gather_people
from composer.evaluation.report import interval
from composer.evaluation.samples import Sample
from composer.fragments import open_store
from composer.model import load_model

if TYPE_CHECKING:
    from composer.model import Model
    from composer.stage import Observation, World

TEXT = """
## The agent beside that of Stable-Baselines3

The model `{model}`, {count} pieces of each of the seeds {seeds}, novelty {novelty:g}.

    python tests/benchmarks/sb3.py --data DIR --model {model}

The DQN of Stable-Baselines3, two layers of {hidden} units, is trained on the model's environment:
as many steps of it as ours took ({steps:,}) and as many updates of as many transitions. It sees
critics and generator as they are in the end, at one preference; ours had to learn while they
changed, and at all preferences. Theirs reads tokens as numbers, knows no masks and plays its best
action; ours samples (**argmax**: its best action too). **resample**: by the critics without
look-ahead. {judged} pieces of each are judged: a judge that learns from more pieces is stricter.

{table}
"""
POLICIES = ("agent", "resample", "random")
ARGMAX, THEIRS = "agent, argmax", "Stable-Baselines3"
NO_TEMPERATURE = 1e-6  # of a softmax that takes the best action


class Pieces(VecEnv):
    """Many compositions at once, as Stable-Baselines3 wants them: a new one follows at once."""

    def __init__(self, world: World, pieces: int, preference: float) -> None:
        self.env = CompositionVectorEnv(world, pieces, preference=preference)
        super().__init__(pieces, self.env.single_observation_space, self.env.single_action_space)

    def reset(self) -> Observation:
        return self.env.reset(seed=self._seeds[0])[0]

    def step_async(self, actions: np.ndarray) -> None:
        self.actions = actions

    def step_wait(self) -> tuple[Observation, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        observation, rewards, ended, *_ = self.env.step(self.actions)
        infos = [
            {"terminal_observation": {name: array[row] for name, array in observation.items()}}
            for row in range(self.num_envs)
        ]  # looked at where a piece has ended
        if ended.all():
            observation, _ = self.env.reset()
        return observation, rewards, ended, infos

    def close(self) -> None:
        self.env.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        return [getattr(self.env, attr_name)] * self.num_envs

    def env_method(self, *_: Any, **__: Any) -> None:
        raise NotImplementedError

    set_attr = env_method

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        return [False] * self.num_envs


def train_theirs(model: Model, rounds: int, preference: float) -> DQN:
    """As many steps and updates as ours takes in so many rounds; all else is their default."""
    usual, ours = model.domain.presets()["standard"], model.config.agent
    env = Pieces(model.world(), usual.episodes, preference)
    places = env.env.stage.geometry.places
    agent = DQN(
        "MultiInputPolicy",
        env,
        learning_rate=ours.learning_rate,
        buffer_size=ours.capacity,
        learning_starts=usual.episodes * places,
        batch_size=ours.batch,
        train_freq=places,
        gradient_steps=usual.updates,
        target_update_interval=ours.target_interval * usual.episodes * places // usual.updates,
        gamma=ours.gamma,
        policy_kwargs={"net_arch": [ours.network.hidden, ours.network.hidden]},
        seed=0,
        device="cpu",
    )
    return agent.learn(rounds * usual.episodes * places)


def compare(
    model: Model, theirs: DQN, ruler: Ruler, seeds: list[int], count: int, novelty: float
) -> dict[str, tuple[Cell, float]]:
    """What the judge of ``composer evaluate`` tells of each chooser, and its mean reward."""
    env = CompositionVectorEnv(model.world(), count, preference=novelty)
    kinds = draw_kinds(ruler.people, model.domain, count, seed=0).astype(np.uint8)
    plan = np.repeat(kinds[:, None], env.stage.geometry.places, axis=1)
    choosers = {name: chooser(model, name).choose for name in POLICIES}
    choosers[ARGMAX] = chooser(model, "agent", NO_TEMPERATURE).choose
    choosers[THEIRS] = lambda observation, _: theirs.predict(observation, deterministic=True)[0]
    found = {}
    for name, choose in choosers.items():
        shown, rewards = [], []
        for seed in seeds:
            observation, _ = env.reset(seed=seed, options={"plan": plan})
            rng = np.random.default_rng(seed)
            while not env.stage.finished:
                observation, *_ = env.step(choose(observation, rng))
            shown.append(env.stage.placed[: -(-len(ruler.judged) // len(seeds))])
            rewards.append(reward.blend(env.stage.rewards, np.array(novelty)))
        told = ruler.told(Sample.alone(np.concatenate(shown)))
        found[name] = Cell(told.auc, *told.interval), float(np.mean(rewards))
    return found


def main(arguments: list[str] | None = None) -> None:
    """Train, compose, judge, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="pieces of people")
    parser.add_argument("--model", required=True, help="a run or a bundled model")
    parser.add_argument("--rounds", type=int, help="by default as many as the model had")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--count", type=int, default=80, help="pieces of each seed")
    parser.add_argument("--novelty", type=float, default=0.0)
    parser.add_argument("--page", type=Path, default=PAGE)
    args = parser.parse_args(arguments)
    torch.set_num_threads(1)
    model = load_model(args.model)
    yardstick = model.domain.yardstick()
    store = open_store(domain_class(model.domain_id), args.data, yardstick.reading())
    ruler = Ruler(yardstick, gather_people(store, yardstick), args.count)
    theirs = train_theirs(model, args.rounds or model.card["rounds"], args.novelty)
    found = compare(model, theirs, ruler, args.seeds, args.count, args.novelty)
    rows = [[name, interval(told), f"{mean:.3f}"] for name, (told, mean) in found.items()]
    text = TEXT.format(
        model=Path(args.model).name,
        count=args.count,
        seeds=" ".join(map(str, args.seeds)),
        novelty=args.novelty,
        judged=len(ruler.judged),
        hidden=model.config.agent.network.hidden,
        steps=theirs.num_timesteps,
        table=table(["chooser", AUC, "mean reward"], rows),
    )
    sys.stdout.write(text)
    write_section("sb3", text, args.page)


if __name__ == "__main__":
    main()
