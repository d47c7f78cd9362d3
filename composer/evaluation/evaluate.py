"""How good compositions are: against people, against simpler choosers, against simple models."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from composer.composing import POLICIES
from composer.errors import DataError
from composer.evaluation import form
from composer.evaluation.best_of import compose_best
from composer.evaluation.columns import AUC, Cell, People, Ruler
from composer.evaluation.dial import Dial, turn_dial
from composer.evaluation.parallel import at_once
from composer.evaluation.samples import BATCH, Sample, compose_windows, cut_windows
from composer.fragments import HELD_OUT, JUDGE, TRAIN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from composer.domain import Domain
    from composer.evaluation.classifiers import JudgeConfig
    from composer.evaluation.columns import Cells
    from composer.evaluation.yardstick import Yardstick
    from composer.fragments import FragmentStore
    from composer.model import Model
    from composer.stage import Stage
    from composer.training import Watcher

PEOPLE, FILES = "people", "files"
FEWEST_WORKS = 10  # of people, and pieces in a set: two for each fold of the judge
FAMILIAR = 0.5  # share of a model's fragments that a folder has where it is its own
KINDS, BASELINES = 4, 5  # streams of the seeds: what is drawn of one does not move the other

Sets = dict[str, list[Sample]]


@dataclass(frozen=True)
class Plan:
    """What is evaluated.

    Attributes:
        count: compositions of each seed.
        seeds: so many, from 0.
        novelty: the agent's preference, 0 to 1.
        judge: how the judge learns; None as usual.
        dial: whether to compose at every setting of the novelty dial, too.
    """

    count: int = 200
    seeds: int = 5
    novelty: float = 0.3
    judge: JudgeConfig | None = None
    dial: bool = False

    @property
    def turned(self) -> int:
        """Compositions at each setting of the dial: there are eleven, so half as many as else."""
        return max(self.count // 2, FEWEST_WORKS)


@dataclass(frozen=True)
class Evaluation:
    """What was found.

    Attributes:
        columns: row by row, people first, then what is evaluated, then the baselines.
        profiles: share of places of each column equal to the place 1 to 8 before.
        subject: name of the column that is evaluated.
        facts: how many pieces there were and the like, JSON-ready.
        dial: what the novelty dial does; None where it was not turned.
    """

    columns: Mapping[str, Cells]
    profiles: Mapping[str, list[float]]
    subject: str
    facts: dict[str, Any] = field(default_factory=dict)
    dial: Dial | None = None

    @property
    def rows(self) -> list[str]:
        """Names of the rows."""
        return list(self.columns[PEOPLE])

    def alike(self, column: str, row: str) -> bool | None:
        """Whether a figure's interval meets that of people; None where one has no interval."""
        return self.columns[column][row].meets(self.columns[PEOPLE][row])

    def tally(self, column: str) -> tuple[int, int]:
        """How many rows but the judge's are like people's, and of how many that can be told."""
        found = [self.alike(column, row) for row in self.rows if row != AUC]
        return found.count(True), len(found) - found.count(None)

    def best_baseline(self) -> tuple[str, Cell]:
        """The baseline that the judge can tell least well from people, and how well it can."""
        others = {
            name: cells[AUC]
            for name, cells in self.columns.items()
            if name not in {PEOPLE, self.subject}
        }
        return min(others.items(), key=lambda item: item[1].value, default=("", Cell(np.nan)))


def gather_people(store: FragmentStore, yardstick: Yardstick) -> People:
    """The pieces of people of a folder, in the settings that ``yardstick`` is bound to.

    DataError where there are too few to judge by.
    """
    domain = yardstick.domain

    def adopt(fragments: np.ndarray) -> np.ndarray:
        return yardstick.adopt(fragments, store.settings)

    parts = [cut_windows(store, domain, splits, adopt) for splits in ((HELD_OUT, JUDGE), (TRAIN,))]
    works = [len(np.unique(part.works)) for part in parts]
    if min(works) < FEWEST_WORKS:
        places = " x ".join(map(str, domain.training_layout))
        message = (
            f"too few pieces to judge by: {works[0]} held out and {works[1]} others are long or "
            f"large enough ({places}), but {FEWEST_WORKS} of each are needed; add more files"
        )
        raise DataError(message)
    unseen, known = (
        Sample(part.windows, part.works, yardstick.kinds(part.kinds, store.settings))
        for part in parts
    )
    return People(unseen, known, adopt(store.select(TRAIN)))


def evaluate_model(model: Model, store: FragmentStore, plan: Plan, watcher: Watcher) -> Evaluation:
    """Compare what a model composes with what people made.

    Args:
        model: what is evaluated.
        store: pieces of people, read with ``Yardstick.reading`` of the model's domain.
        plan: how many, how often.
        watcher: is told how it goes.

    Raises:
        DataError: too few pieces of people, or of another form.
    """
    yardstick = model.domain.yardstick()
    people = gather_people(store, yardstick)
    known = form.seen_share(model.known, people.fragments) if len(model.known) else 0.0
    if known < FAMILIAR:
        watcher.note(
            f"only {known:.0%} of what the model learnt from is in the training part of the "
            "folder: it is another one, or read in another way, and unlike the model's pieces"
        )
    ruler = Ruler(yardstick, people, plan.count, plan.seeds, plan.judge)
    sets = _compose(model, people, plan, watcher)
    sets |= _imitate(yardstick, people, plan, watcher)
    found = _measure(ruler, sets, watcher)
    facts = {"candidates": _stage(model).choices, "known_in_training": known}
    whole = _evaluation(ruler, sets, found, POLICIES[0], facts)
    if not plan.dial:
        return whole
    kinds = draw_kinds(people, model.domain, plan.turned, seed=0)
    return replace(whole, dial=turn_dial(model, ruler, found[PEOPLE], kinds, watcher))


def evaluate_pieces(
    domain: Domain, store: FragmentStore, made: Sample, plan: Plan, watcher: Watcher
) -> Evaluation:
    """Compare given pieces, in the domain's settings, with people's.

    ``domain`` bound to the settings of ``store``; otherwise as ``evaluate_model``. DataError for
    fewer than ten works.
    """
    works = len(np.unique(made.works))
    if works < FEWEST_WORKS:
        message = f"too few pieces to judge: {works}, but {FEWEST_WORKS} are needed"
        raise DataError(message)
    yardstick = domain.yardstick()
    people = gather_people(store, yardstick)
    alone = Plan(len(made), 1, plan.novelty, plan.judge)
    ruler = Ruler(yardstick, people, len(made), judge=plan.judge)
    order = np.random.default_rng(0).permutation(len(made))
    sets = {FILES: [made.take(order)]} | _imitate(yardstick, people, alone, watcher)
    return _evaluation(ruler, sets, _measure(ruler, sets, watcher), FILES, {})


def _compose(model: Model, people: People, plan: Plan, watcher: Watcher) -> Sets:
    """Compositions of every policy and seed, of the kinds that people's pieces have.

    And the best of as many whole pieces as the critics score candidates at a place.
    """
    batches = -(-plan.count // BATCH)
    places = people.unseen.windows.shape[1]
    rivals = _stage(model).choices
    best = f"best of {rivals}"
    watcher.phase("composing", (len(POLICIES) + 1) * plan.seeds * batches * places)
    names, jobs = [], []
    for seed in range(plan.seeds):
        kinds = draw_kinds(people, model.domain, plan.count, seed)
        rest = (kinds, seed, plan.novelty)
        names += [*POLICIES, best]
        jobs += [partial(compose_windows, model, policy, *rest) for policy in POLICIES]
        jobs.append(partial(compose_best, model, rivals, *rest))
    sets: Sets = {}
    for name, made in zip(names, at_once(jobs, lambda done: watcher.step(done, {})), strict=True):
        sets.setdefault(name, []).append(Sample.alone(made))
    return sets


def draw_kinds(people: People, domain: Domain, count: int, seed: int) -> np.ndarray:
    """Kinds as often as people's pieces have them; drawn where the model has none such."""
    rng = np.random.default_rng((seed, KINDS))
    own = np.resize(rng.permutation(people.unseen.kinds), count)
    return np.where(own < 0, rng.integers(domain.kinds, size=count), own)


def _imitate(yardstick: Yardstick, people: People, plan: Plan, watcher: Watcher) -> Sets:
    """Pieces by the domain's simple models, learnt from the training windows."""
    sets: Sets = {}
    watcher.phase("imitating", plan.seeds)
    for seed in range(plan.seeds):
        kinds = draw_kinds(people, yardstick.domain, plan.count, seed)
        rng = np.random.default_rng((seed, BASELINES))
        for name, made in yardstick.baselines(people.known, kinds, rng).items():
            sets.setdefault(name, []).append(Sample.alone(made))
        watcher.step(seed + 1, {})
    return sets


def _measure(ruler: Ruler, sets: Sets, watcher: Watcher) -> dict[str, Cells]:
    """All columns, people first."""
    measures: dict[str, Callable[[], Cells]] = {PEOPLE: ruler.floor}
    measures |= {name: _column_of(ruler, own) for name, own in sets.items()}
    watcher.phase("measuring", len(measures))
    columns = {}
    for done, (name, measure) in enumerate(measures.items(), start=1):
        columns[name] = measure()
        watcher.step(done, {})
    return columns


def _column_of(ruler: Ruler, sets: Sequence[Sample]) -> Callable[[], Cells]:
    return lambda: ruler.column(sets)


def _evaluation(
    ruler: Ruler, sets: Sets, columns: dict[str, Cells], subject: str, facts: dict[str, Any]
) -> Evaluation:
    people = ruler.people
    windows = {PEOPLE: people.unseen.windows}
    windows |= {name: Sample.joined(own).windows for name, own in sets.items()}
    counts = {
        "pieces": {name: len(own) for name, own in windows.items()},
        "works": len(np.unique(people.unseen.works)),
        "training_pieces": len(people.known),
        "set": ruler.size,
        "judged": len(ruler.judged),
        "layout": list(ruler.yardstick.layout),
    }
    profiles = {name: form.repeat_profile(own).tolist() for name, own in windows.items()}
    rows = [row for row in columns[PEOPLE] if _measured(columns, row)]
    kept = {name: {row: cells[row] for row in rows} for name, cells in columns.items()}
    return Evaluation(kept, profiles, subject, counts | facts)


def _measured(columns: Mapping[str, Cells], row: str) -> bool:
    """Whether any column has a figure there: some measures do not apply to some pieces."""
    return not all(np.isnan(cells[row].value) for cells in columns.values())


def _stage(model: Model) -> Stage:
    """What a chooser composes on: it knows how many candidates there are at each place."""
    from composer.stage import Stage

    return Stage(model.world(), model.domain.training_layout, 1)
