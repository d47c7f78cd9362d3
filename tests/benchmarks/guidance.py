"""Does the value function guide the generator? What candidates are worth, by where they come from.

    python tests/benchmarks/guidance.py --model RUN [RUN ...] [--count 200]

lets the agent compose and looks at all that it is offered. Guided candidates are made near those
fresh ones that it values most; if that does something, it values them more than fresh ones, and
takes them more often. Exact where the judge of whole pieces is not: there is a candidate more than
ten times as often as there is a piece.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from page import PAGE, table, write_section

from composer.composing import chooser
from composer.dqn.agent import blended_values
from composer.environment import CompositionVectorEnv
from composer.model import load_model

if TYPE_CHECKING:
    from composer.model import Model

FRESH, GUIDED = "fresh", "guided"

TEXT = """## Does the value function guide the generator?

{count} pieces of the agent at novelty {novelty:g}, seed 0. Of the candidates of each origin: how
often one is taken, and how many are just like an earlier one of the same place, in %; Q and realism
of those that are not, less the mean of what is on offer there. In brackets 95% intervals over
pieces, by the normal distribution.

    python tests/benchmarks/guidance.py --count {count} --model RUN...

{table}
"""


@dataclass(frozen=True)
class Offers:
    """All that was on offer: ``[places, pieces, K]``, kinds ``[K]``.

    Attributes:
        kinds: where candidates come from.
        there: which of them could be chosen.
        copies: which ones are like an earlier one of that place.
        taken: which one was.
        values: Q, less the mean of the place.
        realism: realism, less the mean of the place.
    """

    kinds: np.ndarray
    there: np.ndarray
    copies: np.ndarray
    taken: np.ndarray
    values: np.ndarray
    realism: np.ndarray

    def share(self, kind: str) -> float:
        """How often an offered candidate of a kind is taken, in %."""
        return self._share(self.taken, kind)

    def copied(self, kind: str) -> float:
        """How many of the offered candidates of a kind are like an earlier one, in %."""
        return self._share(self.there & self.copies, kind)

    def _share(self, part: np.ndarray, kind: str) -> float:
        own = self.kinds == kind
        return 100 * float(part[..., own].sum() / max(self.there[..., own].sum(), 1))

    def mean(self, figure: np.ndarray, kind: str) -> np.ndarray:
        """Mean of a figure over the candidates of a kind, copies apart: float64 ``[pieces]``."""
        own = self.there & ~self.copies & (self.kinds == kind)
        return np.where(own, figure, 0).sum((0, 2)) / np.maximum(own.sum((0, 2)), 1)


def watch(model: Model, count: int, novelty: float) -> Offers:
    """Let the agent compose ``count`` pieces and keep what it was offered."""
    env = CompositionVectorEnv(model.world(), count, preference=novelty)
    choose, rng, seen = chooser(model, "agent").choose, np.random.default_rng(0), []
    observation, _ = env.reset(seed=0)
    while not env.stage.finished:
        there = observation["action_mask"].astype(bool)
        actions = choose(observation, rng)
        taken = np.arange(env.stage.choices) == actions[:, None]
        values = blended_values(model.value, observation), observation["scores"][..., 0]
        copies = repeated(observation["candidates"], there)
        seen.append((there, copies, taken, *(above(figure, there) for figure in values)))
        observation, *_ = env.step(actions)
    parts = (np.stack(part) for part in zip(*seen, strict=True))
    return Offers(np.array(env.stage.kinds), *parts)


def repeated(candidates: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Which of ``[n, k, *shape]`` are like an earlier one that there is: bool ``[n, k]``."""
    flat = candidates.reshape(*there.shape, -1)
    same = (flat[:, :, None] == flat[:, None]).all(3) & there[:, None]
    return np.tril(same, -1).any(2)


def above(figure: np.ndarray, there: np.ndarray) -> np.ndarray:
    """A figure ``[n, k]`` less the mean of those that there are."""
    return figure - np.where(there, figure, 0).sum(1, keepdims=True) / there.sum(1, keepdims=True)


def with_reach(values: np.ndarray) -> str:
    """A mean over pieces and its interval."""
    reach = 1.96 * values.std() / len(values) ** 0.5
    return f"{values.mean():+.3f} [{values.mean() - reach:+.3f}, {values.mean() + reach:+.3f}]"


def rows(name: str, offers: Offers) -> list[list[str]]:
    """A line for each kind of candidate, and what guided ones have more than fresh ones."""
    figures = (offers.values, offers.realism)
    lines = []
    for kind in dict.fromkeys(offers.kinds.tolist()):
        means = (f"{offers.mean(figure, kind).mean():+.3f}" for figure in figures)
        shares = (f"{offers.share(kind):.1f}", f"{offers.copied(kind):.0f}")
        lines.append([name, kind, *shares, *means])
    more = [offers.mean(figure, GUIDED) - offers.mean(figure, FRESH) for figure in figures]
    times = offers.share(GUIDED) / max(offers.share(FRESH), 1e-9)
    return [*lines, [name, "**guided less fresh**", f"x {times:.2f}", "", *map(with_reach, more)]]


def main(arguments: list[str] | None = None) -> str:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", nargs="+", required=True, help="runs or bundled models")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--novelty", type=float, default=0.0)
    parser.add_argument("--page", type=Path, default=PAGE)
    args = parser.parse_args(arguments)
    torch.set_num_threads(1)
    head = ["model", "candidates", "taken", "copies", "Q", "realism"]
    lines = [
        line
        for name in args.model
        for line in rows(name.rsplit("/", 1)[-1], watch(load_model(name), args.count, args.novelty))
    ]
    text = TEXT.format(count=args.count, novelty=args.novelty, table=table(head, lines)).strip()
    sys.stdout.write(text + "\n")
    write_section("guidance", text, args.page)
    return text


if __name__ == "__main__":
    main()
