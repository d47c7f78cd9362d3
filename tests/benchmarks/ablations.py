"""What each part of the system is worth: the same training without it.

    python tests/benchmarks/ablations.py --data DIR --seeds 0 1 2

For each seed one generator is warmed up; then every variant plays the same number of rounds from
there and composes at the temperature that it was trained at. Prints a table and writes it to
``docs/benchmarks.md``; with ``--json FILE`` it goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np
import torch
from music import Benchmark
from page import PAGE, machine, over_sets, table, write_section
from torch import Tensor, nn

from composer.checkpoint import replace_file
from composer.domain import domain_class
from composer.domains.music.domain import GENERATOR_LAGS
from composer.evaluation.classifiers import JudgeConfig
from composer.evaluation.form import seen_share
from composer.evaluation.samples import compose_scored
from composer.fragments import FragmentStore, open_store
from composer.places import look_up
from composer.training import Training

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from composer.model import Model
    from composer.networks import View
    from composer.studio import Studio
    from composer.training import TrainingConfig

FIGURES = {  # of pieces at novelty 0, then at the novelty that is asked for
    "auc": "AUC of the stronger judge",
    "profile": "L1 distance of the repeat profile",
    "content": "bars: sum of the four JSD",
    "seen": "bars: share seen in training",
    "new": "asked for novelty: novelty",
    "new seen": "- bars: share seen in training",
}
JSD = ("intervals", "pitch_classes", "durations", "onsets")


class Silent:
    """Tells nobody."""

    def phase(self, name: str, total: int) -> None:
        """Say nothing."""

    def step(self, done: int, values: Mapping[str, float]) -> None:
        """Say nothing."""

    def round(self, metrics: Mapping[str, Any]) -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Say nothing."""


class FragmentCritic(nn.Module):
    """The GAN's discriminator in the critics' place: it knows the bars just before."""

    def __init__(self, studio: Studio) -> None:
        super().__init__()
        self.codes, self.features = studio.gan.codes, studio.complete.features
        self.discriminator = studio.gan.discriminator

    def forward(self, view: View) -> tuple[Tensor, Tensor, Tensor]:
        """As ``CompositionCritics``; all that it has to say is the choice."""
        count, choices = view.candidates.shape[:2]
        shown = look_up(view.candidates, self.codes)
        around = (
            look_up(view.context[:, :GENERATOR_LAGS], self.codes),
            view.present[:, :GENERATOR_LAGS].float(),
            view.position[:, : self.features],
        )
        spread = (part.repeat_interleave(choices, 0) for part in around)
        judged = self.discriminator(shown.flatten(0, 1), *spread).view(count, choices)
        return judged, torch.zeros_like(judged), judged.new_zeros(count)


def discriminator_only(studio: Studio) -> AbstractContextManager[Any]:
    """No composition critics."""
    studio.critics.realism.critics = FragmentCritic(studio)
    return mock.patch.object(studio, "criticise", return_value={})


def without_moves(studio: Studio) -> AbstractContextManager[Any]:
    """No repeats and sequences among the candidates."""
    propose = studio.domain.moves

    def none(*args: Any) -> Any:
        moves = propose(*args)
        return replace(moves, valid=np.zeros_like(moves.valid))

    return mock.patch.object(studio.domain, "moves", none)


def fixed_preference(studio: Studio) -> AbstractContextManager[Any]:
    """The agent knows realism alone."""
    del studio
    return mock.patch("composer.dqn.agent.draw_preferences", lambda n, _: np.zeros(n, np.float32))


@dataclass(frozen=True)
class Variant:
    """A configuration, and what else is other in the studio while it trains and composes."""

    change: Callable[[TrainingConfig], TrainingConfig] = lambda config: config
    inside: Callable[[Studio], AbstractContextManager[Any]] = lambda _: nullcontext()


def with_model(config: TrainingConfig, **parts: Any) -> TrainingConfig:
    """Other parts of the model."""
    return replace(config, model=replace(config.model, **parts))


def unguided_latents(config: TrainingConfig) -> TrainingConfig:
    """Fresh candidates in the place of guided ones."""
    old = config.model.candidates
    return with_model(config, candidates=replace(old, fresh=old.fresh + old.guided, guided=0))


WHOLE = "all"
VARIANTS = {
    WHOLE: Variant(),
    "no guided latents": Variant(unguided_latents),
    "discriminator only": Variant(inside=discriminator_only),
    "no moments": Variant(
        lambda config: with_model(config, moments=replace(config.model.moments, rate=0.0))
    ),
    "no moves": Variant(inside=without_moves),
    "no novelty": Variant(lambda config: replace(config, explorers=0), fixed_preference),
}


def warm_up(store: FragmentStore, config: TrainingConfig) -> dict[str, Tensor]:
    """A generator to begin with."""
    with tempfile.TemporaryDirectory() as folder:
        training = Training(store, Path(folder), config, Silent())
        training.initialise(lambda: False)
        return training.studio.gan.state()


def measure(
    store: FragmentStore,
    benchmark: Benchmark,
    variant: Variant,
    config: TrainingConfig,
    warm: dict[str, Tensor],
    novelty: float,
) -> dict[str, float]:
    """Train a variant from a warmed-up generator and measure what it composes."""
    with tempfile.TemporaryDirectory() as folder:
        training = Training(store, Path(folder), variant.change(config), Silent())
        studio = training.studio
        studio.gan.restore(warm)
        training.guard.snapshot = warm
        with variant.inside(studio):
            while not training.converged:
                values = studio.play() | studio.learn() | training.sound(studio.create())
                training.close_round(values | studio.criticise())
            return score(benchmark, studio.model(), config.seed, novelty)


def score(benchmark: Benchmark, model: Model, seed: int, novelty: float) -> dict[str, float]:
    """What is measured of a model's pieces."""
    kinds = np.zeros(benchmark.count, np.int64)
    made, _ = compose_scored(model, "agent", kinds, seed, 0.0)
    found = benchmark.score(made, seed)
    new, rewards = compose_scored(model, "agent", kinds, seed, novelty)
    return found | {
        "content": sum(found[name] for name in JSD),
        "new": float(rewards[..., 1].mean()),
        "new seen": seen_share(new.reshape(-1, *model.domain.spec.shape), benchmark.known),
    }


NOTES = """## Ablations

{pieces} pieces, preset {preset}, {rounds} rounds, training seeds {seeds}, {count} compositions of
each variant. {machine}.

    python tests/benchmarks/ablations.py --data DIR --preset {preset} --rounds {rounds} --count \
{count} --seeds {seeds}

Mean over the training seeds, with its 95% interval by Student's t. Of one seed all variants go on
from the same warmed-up generator, so the AUC is compared seed by seed: the second row is the mean
of what a variant has more than **all**, with its interval. **no novelty** is the agent with the
preference fixed at 0; the last two rows ask for novelty {novelty:g}.
"""


class Found:
    """Figures by variant and training seed, on disk after each, so that what is there is kept.

    Args:
        path: JSON file; None keeps nothing.
        settings: what all figures are measured with; ValueError where the file has others.
    """

    def __init__(self, path: Path | None, settings: dict[str, Any]) -> None:
        """Read what is there."""
        self.path, self.settings = path, settings
        self.figures: dict[str, dict[str, dict[str, float]]] = {}
        if path and path.exists():
            document = json.loads(path.read_text(encoding="utf-8"))
            if document["settings"] != settings:
                message = f"{path} was measured with {document['settings']}, not {settings}"
                raise ValueError(message)
            self.figures = document["figures"]

    def lacking(self, variants: list[str], seed: int) -> list[str]:
        """The variants that this seed has yet to be trained for."""
        return [name for name in variants if str(seed) not in self.figures.get(name, {})]

    def add(self, name: str, seed: int, figures: dict[str, float]) -> None:
        """Keep the figures of one variant."""
        self.figures.setdefault(name, {})[str(seed)] = figures
        if self.path:
            document = {"settings": self.settings, "figures": self.figures}
            replace_file(self.path, json.dumps(document, indent=1).encode())

    def column(self, name: str, figure: str, seeds: list[int]) -> list[float]:
        """One figure of a variant for each seed."""
        return [self.figures[name][str(seed)][figure] for seed in seeds]


def report(found: Found, variants: list[str], seeds: list[int]) -> str:
    """The table in Markdown."""
    rows = [
        [text, *(over_sets(found.column(name, figure, seeds), 3) for name in variants)]
        for figure, text in FIGURES.items()
    ]
    if WHOLE in variants and len(seeds) > 1:
        whole = np.array(found.column(WHOLE, "auc", seeds))
        more = [np.array(found.column(name, "auc", seeds)) - whole for name in variants]
        cells = [over_sets(part.tolist(), 3) for part in more]
        rows.insert(1, ["- more than **all** has", *cells])
    return table(["figure", *variants], rows)


def main(arguments: list[str] | None = None) -> Found:
    """Train, measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of MIDI files")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="training seeds")
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--count", type=int, help="compositions of each variant")
    parser.add_argument("--novelty", type=float, default=0.3)
    parser.add_argument("--variants", nargs="+", choices=list(VARIANTS), default=list(VARIANTS))
    parser.add_argument("--page", type=Path, default=PAGE)
    parser.add_argument("--json", type=Path, help="all figures; what is in it is not done again")
    args = parser.parse_args(arguments)
    torch.set_num_threads(1)
    domain = domain_class("music")
    store = open_store(domain, args.data, {"meter": "4/4", "voices": 1})
    benchmark = Benchmark(store, JudgeConfig(), args.count)
    settings = {
        "data": store.key,
        "pieces": len(store.split),
        "preset": args.preset,
        "rounds": args.rounds,
        "count": benchmark.count,
        "novelty": args.novelty,
    }
    try:
        found = Found(args.json, settings)
    except ValueError as error:
        parser.error(str(error))
    for seed in args.seeds:
        config = replace(domain.presets()[args.preset], seed=seed, rounds=args.rounds)
        lacking = found.lacking(args.variants, seed)
        warm = warm_up(store, config) if lacking else {}
        for name in lacking:
            figures = measure(store, benchmark, VARIANTS[name], config, warm, args.novelty)
            found.add(name, seed, figures)
    words = settings | {"seeds": " ".join(map(str, args.seeds)), "machine": machine()}
    text = NOTES.format(**words) + "\n" + report(found, args.variants, args.seeds)
    sys.stdout.write(text + "\n")
    write_section("ablations", text, args.page)
    return found


if __name__ == "__main__":
    main()
