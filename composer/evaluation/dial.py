"""The novelty dial: what it does, with all else the same, to realism, novelty and copying.

One model composes the same seeds and plans at each setting, so that only the dial differs. How far
it can be trusted is the rank correlation of the setting with the novelty that is measured; what it
has to offer is the area below the front of realism and novelty.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from composer.evaluation.bootstrap import ROUNDS, draw_counts, percentile_interval
from composer.evaluation.columns import NOVELTY, RUN, SEEN, Cell
from composer.evaluation.parallel import at_once
from composer.evaluation.samples import BATCH, Sample, compose_scored

if TYPE_CHECKING:
    from collections.abc import Mapping

    from composer.evaluation.columns import Cells, Ruler
    from composer.model import Model
    from composer.training import Watcher

SETTINGS = tuple(step / 10 for step in range(11))
REALISM = "realism by the judge"
REWARDED = "novelty as it is rewarded"
PEOPLES = (NOVELTY, SEEN, RUN)  # what people's pieces have, too
SEED = 0


@dataclass(frozen=True)
class Dial:
    """What the dial does.

    Attributes:
        count: compositions at each setting.
        settings: of the dial, 0 to 1.
        rows: name -> a figure for each setting, with the interval of the bootstrap over pieces.
            ``REALISM`` as in ``realism``; ``REWARDED`` is the novelty of the environment, which
            counts the piece's own past as known; the others are those of the report's columns.
        people: the same of what people made, where it can be measured.
        rank: rank correlation of the setting and ``NOVELTY``, -1 to 1; its interval by the
            bootstrap over seeds, each drawn at all settings at once.
        volume: the area below the front of ``REALISM`` and ``NOVELTY``, 0 to 1; its interval by
            the bootstraps of both, drawn apart.
    """

    count: int
    settings: tuple[float, ...]
    rows: Mapping[str, tuple[Cell, ...]]
    people: Mapping[str, Cell]
    rank: Cell
    volume: Cell


def turn_dial(
    model: Model, ruler: Ruler, people: Cells, kinds: np.ndarray, watcher: Watcher
) -> Dial:
    """Compose one piece of each of ``kinds`` at every setting, and measure them.

    Args:
        model: whose agent composes.
        ruler: measures.
        people: the column of people, by the same ruler.
        kinds: int64 ``[n]``, n from 10.
        watcher: is told how it goes.
    """
    values: dict[str, list[np.ndarray]] = {name: [] for name in (*PEOPLES, REWARDED)}
    judged = []
    made = _compose(model, kinds, watcher)
    watcher.phase("measuring the dial", len(SETTINGS) + 1)
    for done, (windows, rewarded) in enumerate(made, start=1):
        judged.append(ruler.told(Sample.alone(windows)))
        found = ruler.newness(windows) | {REWARDED: rewarded}
        for name, column in values.items():
            column.append(found[name])
        watcher.step(done, {})
    tables = {name: np.stack(column, axis=1) for name, column in values.items()}
    counts = draw_counts(np.arange(len(kinds)), ROUNDS, np.random.default_rng(SEED))
    drawn = {name: counts @ table / len(kinds) for name, table in tables.items()}
    whole = {name: table.mean(axis=0) for name, table in tables.items()}
    whole[REALISM] = realism(np.array([one.auc for one in judged]))
    drawn[REALISM] = realism(np.stack([one.drawn for one in judged], axis=1))
    known = ruler.floor_told(len(kinds))  # a judge that learns from as many pieces
    watcher.step(len(SETTINGS) + 1, {})
    floor = Cell(*(float(realism(end)) for end in (known.auc, *known.interval[::-1])))
    return Dial(
        count=len(kinds),
        settings=SETTINGS,
        rows={name: _cells(whole[name], drawn[name]) for name in (REALISM, *tables)},
        people={REALISM: floor, **{name: people[name] for name in PEOPLES}},
        rank=_rank(whole[NOVELTY], drawn[NOVELTY]),
        volume=_volume(*(np.stack((x[REALISM], x[NOVELTY]), axis=-1) for x in (whole, drawn))),
    )


def realism(auc: np.ndarray | float) -> np.ndarray:
    """How little a judge can tell: ``2 (1 - AUC)``, at most 1; of any shape.

    1 where the judge can tell nothing (an AUC of .5 or, by chance, below), 0 where it is always
    right: 1 less the Gini coefficient of its ranking, ``2 AUC - 1``.
    """
    return np.clip(2 * (1 - np.asarray(auc)), 0, 1)


def spearman(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Rank correlation (Spearman, American Journal of Psychology 15, 1904), ties at their mean.

    Pearson's correlation of the ranks, along the last axis.

    Args:
        first: float ``[..., n]``.
        second: float ``[..., n]``, broadcast with the other.

    Returns:
        float64 ``[...]``, -1 to 1; NaN where one of the two does not vary.
    """
    ours, theirs = _ranks(first), _ranks(second)
    spread = np.sqrt((ours**2).sum(axis=-1) * (theirs**2).sum(axis=-1))
    together = (ours * theirs).sum(axis=-1)
    return np.where(spread > 0, together / np.where(spread > 0, spread, 1), np.nan)


def hypervolume(points: np.ndarray) -> float:
    """Area that is dominated by points, up to the reference point (0, 0); more is better in both.

    The size of the space covered (Zitzler and Thiele, PPSN V, 1998), exactly, by a sweep from the
    largest first coordinate down.

    Args:
        points: float ``[n, 2]``; what is below 0 counts as 0.

    Returns:
        0 upwards; within the unit square at most 1.
    """
    points = points.clip(min=0)
    across, up = points[np.argsort(-points[:, 0])].T
    widths = across - np.append(across[1:], 0)
    return float(widths @ np.maximum.accumulate(up))


def _compose(
    model: Model, kinds: np.ndarray, watcher: Watcher
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pieces of each setting, uint8 ``[n, places, *shape]``, and their novelty as rewarded."""
    places = int(np.prod(model.domain.training_layout))
    watcher.phase("composing along the dial", len(SETTINGS) * -(-len(kinds) // BATCH) * places)
    jobs = [partial(compose_scored, model, "agent", kinds, SEED, setting) for setting in SETTINGS]
    made = at_once(jobs, lambda done: watcher.step(done, {}))
    return [(windows, rewards[..., 1].mean(axis=1, dtype=float)) for windows, rewards in made]


def _cells(whole: np.ndarray, drawn: np.ndarray) -> tuple[Cell, ...]:
    """Figures ``[settings]`` with the intervals of their values ``[rounds, settings]``."""
    ends = (percentile_interval(values) for values in drawn.T)
    return tuple(Cell(value, *end) for value, end in zip(whole.tolist(), ends, strict=True))


def _rank(whole: np.ndarray, drawn: np.ndarray) -> Cell:
    """Rank correlation of the settings with figures, as in ``_cells``."""
    found = spearman(np.array(SETTINGS), drawn)
    varied = found[~np.isnan(found)]
    value = float(spearman(np.array(SETTINGS), whole))
    return Cell(value, *percentile_interval(varied)) if len(varied) else Cell(value)


def _volume(whole: np.ndarray, drawn: np.ndarray) -> Cell:
    """Hypervolume of points ``[settings, 2]``; drawn ``[rounds, settings, 2]``."""
    ends = percentile_interval(np.array([hypervolume(points) for points in drawn]))
    return Cell(hypervolume(whole), *ends)


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks along the last axis, doubled and centred; ties share their mean."""
    return np.sign(values[..., :, None] - values[..., None, :]).sum(axis=-1)
