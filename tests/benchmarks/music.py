"""How good the compositions of trained models are: against people, other choosers, a Markov chain.

    python tests/benchmarks/music.py --data DIR --model RUN [RUN ...] --seeds 0 1 2

prints a table, writes it to ``docs/benchmarks.md`` and all figures to ``--json FILE``.

The people are pieces that no network was trained on (the held-out and the judge's part of the
split), cut like the pieces that the agent practises on. For every chooser as many compositions are
made as there are human windows, so that all counts compare.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from page import PAGE, machine, over_sets, table, write_section

from composer.composing import POLICIES
from composer.domain import Piece, domain_class
from composer.domains.music.markov import BarMarkov
from composer.domains.music.metrics import piece_statistics
from composer.domains.music.tuner import melodies, tuner_ratios, tuner_table
from composer.domains.music.yardstick import TUNER_EVENTS
from composer.evaluation.classifiers import JudgeConfig
from composer.evaluation.form import (
    LAGS,
    profile_distance,
    repeat_profile,
    seen_share,
    unique_share,
)
from composer.evaluation.judge import judge_auc
from composer.evaluation.samples import compose_windows, cut_windows
from composer.fragments import HELD_OUT, JUDGE, TRAIN, FragmentStore, open_store
from composer.model import load_model

if TYPE_CHECKING:
    from composer.model import Model

PEOPLE, MARKOV, AGENT = "people", "Markov", "agent"
FIGURES = {  # name -> (what the table says, goal)
    "intervals": ("bars: JSD of intervals", "<= .012"),
    "pitch_classes": ("bars: JSD of pitch classes", "<= .004"),
    "durations": ("bars: JSD of durations", "<= .008"),
    "onsets": ("bars: JSD of onsets", "<= .004"),
    "seen": ("bars: share seen in training", ".15-.45"),
    "unique": ("bars: share unique of 1,000", ">= .75"),
    "profile": ("pieces: L1 distance of the repeat profile", "<= .20"),
    "auc": ("pieces: AUC of the stronger judge", "<= .58"),
    "auc network": ("- of the network", ""),
    "auc statistics": ("- of the statistics", ""),
}


def compose_pieces(model: Model, policy: str, count: int, seed: int, novelty: float) -> np.ndarray:
    """Compositions of the training layout: uint8 ``[count, bars, voices, steps]``."""
    return compose_windows(model, policy, np.zeros(count, np.int64), seed, novelty)


class Benchmark:
    """Scores sets of compositions against the people of one corpus."""

    def __init__(self, store: FragmentStore, judge: JudgeConfig, count: int | None) -> None:
        """``count`` compositions each; None: as many as there are human windows."""
        self.judge = judge
        self.store = store
        self.domain = domain_class(store.domain_id)(store.settings)
        self.known = store.select(TRAIN)
        self.people = cut_windows(store, self.domain, (HELD_OUT, JUDGE))
        self.count = count or len(self.people.windows)

    def score(
        self, made: np.ndarray, seed: int, groups: np.ndarray | None = None
    ) -> dict[str, float]:
        """All figures of one set of compositions; ``groups`` where its pieces are related."""
        domain, people = self.domain, self.people
        bars, real = (
            made.reshape(-1, *domain.spec.shape),
            people.windows.reshape(-1, *domain.spec.shape),
        )
        works = people.works if groups is None else np.concatenate((people.works, groups))
        found = judge_auc(
            people.windows,
            made,
            domain,
            layout=domain.training_layout,
            groups=works,
            statistics=lambda pieces: piece_statistics(pieces, domain.settings),
            seed=seed,
            config=self.judge,
        )
        profile = dict(zip((f"lag {lag}" for lag in LAGS), repeat_profile(made), strict=True))
        return {
            **domain.compare(bars, real),
            "seen": seen_share(bars, self.known),
            "unique": unique_share(bars),
            "profile": profile_distance(made, people.windows),
            "auc": found.auc,
            "auc low": found.interval[0],
            "auc high": found.interval[1],
            "auc network": found.network_auc,
            "auc statistics": found.statistics_auc,
            **{name: float(share) for name, share in profile.items()},
            **self.tuner(made),
        }

    def tuner(self, made: np.ndarray) -> dict[str, float]:
        """The rows of RL Tuner's table, over the length of its melodies."""
        lines = melodies(made, self.domain.settings, TUNER_EVENTS)
        return {f"tuner: {name}": value for name, value in tuner_table(tuner_ratios(lines)).items()}

    def score_people(self, seed: int) -> dict[str, float]:
        """The floor: training windows as if composed; what needs no comparison, of the people."""
        sample = cut_windows(self.store, self.domain, (TRAIN,)).some(
            self.count, np.random.default_rng(seed)
        )
        scores = self.score(sample.windows, seed, sample.works)
        own = self.people.some(self.count, np.random.default_rng(seed)).windows
        bars = own.reshape(-1, *self.domain.spec.shape)
        alone = {"seen": seen_share(bars, self.known), "unique": unique_share(bars)}
        return scores | alone | self.tuner(own)


def run(
    benchmark: Benchmark, models: list[Model], seeds: list[int], novelty: float
) -> dict[str, list[dict[str, float]]]:
    """Score every chooser: column -> figures of each model and seed."""
    layout = benchmark.domain.training_layout
    known = cut_windows(benchmark.store, benchmark.domain, (TRAIN,)).windows
    chain = BarMarkov([Piece(window, layout, "") for window in known])
    columns: dict[str, list[dict[str, float]]] = {PEOPLE: [], MARKOV: []}
    columns |= {policy: [] for policy in POLICIES}
    for seed in seeds:
        columns[PEOPLE].append(benchmark.score_people(seed))
        made = chain.compose(benchmark.count, layout[0], np.random.default_rng(seed))
        columns[MARKOV].append(benchmark.score(made, seed))
    for model in models:
        for policy in POLICIES:
            for seed in seeds:
                made = compose_pieces(model, policy, benchmark.count, seed, novelty)
                columns[policy].append(benchmark.score(made, seed))
    return columns


def over_seeds(
    columns: dict[str, list[dict[str, float]]], seeds: int
) -> dict[str, list[dict[str, float]]]:
    """The mean of each model's ``seeds``: trainings differ by more than what one of them composes.

    An interval over both, as if they were independent, would be too narrow.
    """
    found = {}
    for name, scores in columns.items():
        groups = [scores[start : start + seeds] for start in range(0, len(scores), seeds)]
        found[name] = [
            {figure: float(np.mean([one[figure] for one in group])) for figure in group[0]}
            for group in groups
        ]
    return found


def more(columns: dict[str, list[dict[str, float]]], name: str) -> str:
    """What a policy's AUC is above the agent's, model by model."""
    if name == AGENT or name not in POLICIES:
        return ""
    pairs = zip(columns[name], columns[AGENT], strict=True)
    return over_sets([other["auc"] - agent["auc"] for other, agent in pairs], 3)


def report(columns: dict[str, list[dict[str, float]]]) -> str:
    """The tables in Markdown."""
    names = list(columns)

    def line(figure: str) -> list[str]:
        return [over_sets([scores[figure] for scores in columns[name]], 3) for name in names]

    goals = [[text, goal, *line(figure)] for figure, (text, goal) in FIGURES.items()]
    place = list(FIGURES).index("auc") + 1
    goals.insert(place, ["- more than the agent's", "> 0", *(more(columns, n) for n in names)])
    lags = [[f"lag {lag}", *line(f"lag {lag}")] for lag in LAGS]
    rows = [name for name in columns[PEOPLE][0] if name.startswith("tuner: ")]
    tuner = [[name.removeprefix("tuner: "), *line(name)] for name in rows]
    return "\n\n".join(
        (
            table(["figure", "reach", *names], goals),
            "Share of bars equal to the bar 1 to 8 before:",
            table(["distance", *names], lags),
            f"Rows of RL Tuner's table, over the first {TUNER_EVENTS} sixteenths:",
            table(["row", *names], tuner),
        )
    )


NOTES = """## Music

{models} on {pieces} pieces (train, held-out, judge: {split}), compositions of {bars} bars,
{count} for each column and seed, seeds {seeds}, novelty {novelty:g}. {machine}.

    python tests/benchmarks/music.py --data DIR --model RUN... --seeds {seeds}

Mean over models and seeds, with its 95% interval by Student's t: over models where there are
several, else over seeds. **people**: training tunes in the place of compositions (the floor);
shares seen and unique and RL Tuner's rows are of the held-out tunes themselves. **Markov**: an
order-2 chain of bars with back-off, which can only repeat known bars. **agent** samples by the
learnt value, **resample** by the critics without look-ahead, **greedy** takes their favourite,
**random** any candidate, **first** the generator's first proposal. JSD: Jensen-Shannon divergence
in bits. Unique: the expected share of different bars among 1,000 drawn from as many pieces. AUC: .5
where a classifier that never rewarded cannot tell compositions from held-out tunes; the larger of
two classifiers, cross-validated by tune. Below it: what each has more than the agent, model by
model.
"""


def introduction(benchmark: Benchmark, args: argparse.Namespace) -> str:
    """What was measured, on what and how."""
    counts = np.bincount(benchmark.store.split, minlength=3)
    number = len(args.model)
    return NOTES.format(
        models="One trained model" if number == 1 else f"{number} trained models",
        pieces=len(benchmark.store.split),
        split=" / ".join(str(count) for count in counts),
        bars=benchmark.domain.training_layout[0],
        count=benchmark.count,
        seeds=" ".join(str(seed) for seed in args.seeds),
        novelty=args.novelty,
        machine=machine(),
    )


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of MIDI files")
    parser.add_argument(
        "--model", nargs="+", required=True, help="runs, one for each training seed"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="of the compositions")
    parser.add_argument("--count", type=int, help="compositions for each chooser and seed")
    parser.add_argument("--novelty", type=float, default=0.0)
    parser.add_argument("--meter", default="4/4")
    parser.add_argument("--voices", default=1, type=int)
    parser.add_argument("--page", type=Path, default=PAGE)
    parser.add_argument("--json", type=Path, help="where all figures go")
    args = parser.parse_args(arguments)
    models = [load_model(path) for path in args.model]
    options = {"meter": args.meter, "voices": args.voices}
    store = open_store(domain_class(models[0].domain_id), args.data, options)
    if any(model.settings != store.settings for model in models):
        parser.error("a model was trained on bars of another form than this data is read in")
    benchmark = Benchmark(store, JudgeConfig(), args.count)
    columns = run(benchmark, models, args.seeds, args.novelty)
    sets = over_seeds(columns, len(args.seeds)) if len(models) > 1 else columns
    text = introduction(benchmark, args) + "\n" + report(sets)
    sys.stdout.write(text + "\n")
    write_section("music", text, args.page)
    if args.json:
        args.json.write_text(json.dumps(columns, indent=1), encoding="utf-8")
    return columns


if __name__ == "__main__":
    main()
