"""Bootstrap intervals (Efron 1979), with pieces that belong together drawn together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

LEVEL = 0.95
ROUNDS = 2000
DRAWN = 2**22  # counts that are held at once


def draw_counts(groups: np.ndarray, rounds: int, rng: np.random.Generator) -> np.ndarray:
    """Draw whole groups with replacement and count how often each member was drawn.

    Windows of one work are no independent samples; drawing their group keeps intervals honest.

    Args:
        groups: int64 ``[n]``; samples with the same number belong together.
        rounds: number of bootstrap samples.
        rng: the source of randomness.

    Returns:
        int64 ``[rounds, n]``; equal within a group.
    """
    names, members = np.unique(groups, return_inverse=True)
    shares = np.full(len(names), 1 / len(names))
    return rng.multinomial(len(names), shares, size=rounds)[:, members]


def percentile_interval(values: np.ndarray, level: float = LEVEL) -> tuple[float, float]:
    """Give the central interval that holds ``level`` of the bootstrap values ``[rounds]``."""
    low, high = np.quantile(values, ((1 - level) / 2, (1 + level) / 2))
    return float(low), float(high)


def ratio_interval(
    above: np.ndarray,
    below: np.ndarray,
    groups: np.ndarray | None = None,
    *,
    rounds: int = ROUNDS,
    seed: int = 0,
) -> tuple[float, float]:
    """Bootstrap a ratio of sums, ``sum(above) / sum(below)``; a mean where ``below`` is all 1.

    Args:
        above: float ``[n]``, numerator of each sample.
        below: float ``[n]``, denominator of each sample, not negative.
        groups: int64 ``[n]``, samples that belong together; None where each stands alone.
        rounds: number of bootstrap samples.
        seed: of the draws.

    Returns:
        The 95% interval; NaN, NaN where every denominator is 0.
    """
    groups = np.arange(len(above)) if groups is None else groups
    counts = draw_counts(groups, rounds, np.random.default_rng(seed))
    return _interval(counts @ above, counts @ below)


def ratio_intervals(
    ratios: Mapping[str, tuple[np.ndarray, np.ndarray]],
    groups: np.ndarray,
    *,
    rounds: int = ROUNDS,
    seed: int = 0,
) -> dict[str, tuple[float, float]]:
    """As ``ratio_interval``, of many ratios of the same samples, which are drawn once for all."""
    table = np.stack([side for ratio in ratios.values() for side in ratio], axis=1)
    rng = np.random.default_rng(seed)
    step = max(1, DRAWN // len(groups))
    parts = [min(step, rounds - start) for start in range(0, rounds, step)]
    sums = np.concatenate([draw_counts(groups, part, rng) @ table for part in parts])
    return {
        name: _interval(sums[:, 2 * row], sums[:, 2 * row + 1]) for row, name in enumerate(ratios)
    }


def _interval(above: np.ndarray, below: np.ndarray) -> tuple[float, float]:
    """The interval of the ratio of drawn sums ``[rounds]``."""
    drawn = below > 0  # a draw may miss every sample that counts
    if not drawn.any():
        return float("nan"), float("nan")
    return percentile_interval(above[drawn] / below[drawn])
