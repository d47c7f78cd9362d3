"""One column of a report: everything that is measured of a set of pieces, with intervals.

Three sorts of rows: what single pieces measure, bootstrapped over pieces; what only a set has (its
variety, its distance from the pieces of people), by the jackknife; and what a judge finds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from composer import reward
from composer.evaluation import diversity, form
from composer.evaluation.bootstrap import ratio_intervals
from composer.evaluation.classifiers import JudgeConfig
from composer.evaluation.jackknife import GROUPS, jackknife_interval, leave_out
from composer.evaluation.judge import JudgeResult, judge_auc
from composer.evaluation.samples import Sample
from composer.evaluation.yardstick import mean_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from composer.evaluation.yardstick import Figures, Ratio, Yardstick

CHUNK = 64  # pieces that are described at once
KNOWN = 5000  # training fragments that novelty is measured from
JUDGED = 400  # pieces of each sort that a judge sees, at most
LARGEST = 400  # pieces in a set, at most: the time that its variety takes is their number cubed

AUC = "AUC of the stronger judge"
NETWORK_AUC, STATISTICS_AUC = "AUC of the network", "AUC of the statistics"
PROFILE = "distance of the repeat profile"
VENDI, UNIQUE = "Vendi score", "share unique of 1,000 fragments"
VENDI_FEATURES = "Vendi score by features"
SEEN, NOVELTY = "fragments seen in training", "novelty of fragments"
RUN = "longest run of fragments seen in training"


@dataclass(frozen=True)
class Cell:
    """A figure with its 95% interval; NaN where there is none."""

    value: float
    low: float = math.nan
    high: float = math.nan

    def meets(self, other: Cell) -> bool | None:
        """Whether the two intervals have a point in common; None where one is missing."""
        if any(math.isnan(end) for end in (self.low, self.high, other.low, other.high)):
            return None
        return self.low <= other.high and other.low <= self.high


Cells = dict[str, Cell]


@dataclass(frozen=True)
class People:
    """What people made, in windows of the training layout.

    Attributes:
        unseen: windows that no network was trained on; what all is compared with.
        known: training windows; in the place of compositions they show the floor.
        fragments: uint8 ``[n, *shape]``, all training fragments.
    """

    unseen: Sample
    known: Sample
    fragments: np.ndarray


class Ruler:
    """Measures sets of pieces against those of people.

    Args:
        yardstick: the domain's measures.
        people: what they are compared with.
        size: pieces in a set, as far as there are so many of people: figures of sets depend on it.
        sets: of people that are averaged over, as far as there are so many that share nothing.
        judge: how the judge learns.
        seed: of all that is drawn.
    """

    def __init__(
        self,
        yardstick: Yardstick,
        people: People,
        size: int,
        sets: int = 1,
        judge: JudgeConfig | None = None,
        seed: int = 0,
    ) -> None:
        """Prepare what all columns share."""
        self.yardstick, self.people, self.seed = yardstick, people, seed
        self.size = min(size, LARGEST, len(people.unseen), len(people.known))
        self.sets = sets
        self.judge = judge or JudgeConfig()
        self.judged = people.unseen.some(JUDGED, self._rng())
        kinds = np.unique(people.fragments, axis=0)
        drawn = kinds[self._rng().permutation(len(kinds))[:KNOWN]]
        self._known = reward.Reference(yardstick.domain.features(drawn))
        self._unit = reward.typical_distance(self._known.features, self._rng())

    def floor(self) -> Cells:
        """The column of people.

        Comparisons are of training windows in the place of compositions; the rest is of the
        windows that all others are compared with.
        """
        return (
            _aucs(self.floor_told(len(self.judged)))
            | self._figures(self._deal(self.people.known), self._compare)
            | self._figures(self._deal(self.people.unseen), self._vary)
            | self._pieces(self.people.unseen)
        )

    def column(self, sets: Sequence[Sample]) -> Cells:
        """The column of compositions, one set for each seed."""
        share = -(-len(self.judged) // len(sets))
        shown = Sample.joined([sample.first(share) for sample in sets])
        cut = [sample.first(self.size) for sample in sets]
        return (
            _aucs(self.told(shown.first(len(self.judged))))
            | self._figures(cut, self._compare)
            | self._figures(cut, self._vary)
            | self._pieces(Sample.joined(sets))
        )

    def _deal(self, sample: Sample) -> list[Sample]:
        """Sets of people's pieces, no piece in two of them."""
        order = self._rng().permutation(len(sample))
        ends = range(self.size, min(self.sets * self.size, len(sample)) + 1, self.size)
        return [sample.take(np.sort(order[end - self.size : end])) for end in ends]

    def _rng(self) -> np.random.Generator:
        return np.random.default_rng(self.seed)

    # ---- the judge ------------------------------------------------------------------------------

    def told(self, made: Sample) -> JudgeResult:
        """How well compositions, 10 or more, are told from people: their works are no people's."""
        first = self.people.unseen.works.max() + 1
        return self._judge(replace(made, works=first + made.works))

    def floor_told(self, count: int) -> JudgeResult:
        """The same of ``count`` training windows, or of as many as there are."""
        return self._judge(self.people.known.some(count, self._rng()))

    def _judge(self, made: Sample) -> JudgeResult:
        return judge_auc(
            self.judged.windows,
            made.windows,
            self.yardstick.domain,
            layout=self.yardstick.layout,
            groups=np.concatenate((self.judged.works, made.works)),
            statistics=self.yardstick.statistics,
            seed=self.seed,
            config=self.judge,
        )

    # ---- sets -----------------------------------------------------------------------------------

    def _figures(
        self,
        sets: Sequence[Sample],
        prepare: Callable[[np.ndarray], Callable[[np.ndarray], Figures]],
    ) -> Cells:
        """Figures of sets: means over them, with intervals by leaving out a part of each."""
        groups = min(GROUPS, *(len(np.unique(sample.works)) for sample in sets))  # alike in all
        parts = [leave_out(sample.works, self._rng(), groups) for sample in sets]
        found: list[list[Figures]] = []  # of each set: the whole, then without each group
        for sample, rows in zip(sets, parts, strict=True):
            measure = prepare(sample.windows)
            found.append([measure(chosen) for chosen in (np.arange(len(sample)), *rows)])
        cells = {}
        for name in found[0][0]:
            whole, *rest = np.mean([[each[name] for each in figures] for figures in found], axis=0)
            cells[name] = Cell(float(whole), *jackknife_interval(float(whole), rest))
        return cells

    def _compare(self, windows: np.ndarray) -> Callable[[np.ndarray], Figures]:
        """Distances from the unseen pieces of people."""
        real = self.people.unseen.windows
        contrast = self.yardstick.contrast(windows, real, self.seed)
        theirs, ours = form.repeat_profile(real), form.repeats(windows)

        def figures(rows: np.ndarray) -> Figures:
            away = np.abs(ours[rows].mean(axis=0) - theirs).sum()
            return {**contrast(rows), PROFILE: float(away)}

        return figures

    def _vary(self, windows: np.ndarray) -> Callable[[np.ndarray], Figures]:
        """How different pieces and fragments are from each other."""
        flat = windows.reshape(-1, *windows.shape[2:])
        features = self.yardstick.domain.features(flat).reshape(len(windows), -1)
        alike = diversity.token_similarities(windows), diversity.cosine_similarities(features)

        def figures(rows: np.ndarray) -> Figures:
            fragments = windows[rows].reshape(-1, *windows.shape[2:])
            scores = (diversity.vendi_score(kernel[np.ix_(rows, rows)]) for kernel in alike)
            return {
                **dict(zip((VENDI, VENDI_FEATURES), scores, strict=True)),
                UNIQUE: form.unique_share(fragments),
            }

        return figures

    # ---- single pieces ------------------------------------------------------------------------

    def _pieces(self, sample: Sample) -> Cells:
        """Means and ratios over pieces, bootstrapped."""
        parts = [self.yardstick.describe(part) for part in _chunks(sample.windows)]
        ratios: dict[str, Ratio] = {
            name: mean_of(values) for name, values in self.newness(sample.windows).items()
        }
        for name in parts[0]:
            above, below = (np.concatenate([part[name][side] for part in parts]) for side in (0, 1))
            ratios[name] = above, below
        ends = ratio_intervals(ratios, sample.works, seed=self.seed)
        return {name: Cell(_quotient(*ratio), *ends[name]) for name, ratio in ratios.items()}

    def newness(self, windows: np.ndarray) -> dict[str, np.ndarray]:
        """How much of pieces was there before, and how far the rest is from that.

        uint8 ``[n, places, *shape]`` -> ``SEEN`` and ``NOVELTY``, means over places in [0, 1], and
        ``RUN`` in places: float64 ``[n]`` each.
        """
        fragments = windows.reshape(-1, *windows.shape[2:])
        seen = form.seen(fragments, self.people.fragments).reshape(windows.shape[:2])
        return {
            SEEN: seen.mean(axis=1),
            RUN: form.longest_seen(windows, self.people.known.windows).astype(np.float64),
            NOVELTY: np.concatenate([self._away(part) for part in _chunks(windows)]),
        }

    def _away(self, windows: np.ndarray) -> np.ndarray:
        """Mean distance of the fragments of each piece from the nearest known one: ``[n]``."""
        features = self.yardstick.domain.features(windows.reshape(-1, *windows.shape[2:]))
        away = (self._known.nearest(features) / self._unit).clip(max=1)
        return away.reshape(len(windows), -1).mean(axis=1, dtype=np.float64)


def _aucs(found: JudgeResult) -> Cells:
    return {
        AUC: Cell(found.auc, *found.interval),
        NETWORK_AUC: Cell(found.network_auc),
        STATISTICS_AUC: Cell(found.statistics_auc),
    }


def _chunks(windows: np.ndarray) -> list[np.ndarray]:
    return [windows[start : start + CHUNK] for start in range(0, len(windows), CHUNK)]


def _quotient(above: np.ndarray, below: np.ndarray) -> float:
    """A ratio of sums; NaN where there is nothing to count."""
    return float(above.sum() / below.sum()) if below.any() else math.nan
