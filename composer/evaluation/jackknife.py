"""Intervals of figures that a whole set has and no single piece, by leaving parts of it out.

The bootstrap draws pieces twice. A piece that is there twice is its own nearest neighbour and makes
a set less varied, so distances between sets, coverage and diversity are not what they measure any
more. The delete-a-group jackknife (Kott, *Journal of Official Statistics* 17, 2001) only leaves
pieces out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

GROUPS = 10
T_VALUES = (  # the .975 quantile of Student's t for 1, 2, ... 24 degrees of freedom
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179),
    *(2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064),
)


def leave_out(
    works: np.ndarray, rng: np.random.Generator, groups: int = GROUPS
) -> list[np.ndarray]:
    """Deal works out to groups; what is left of the pieces without each of them.

    Args:
        works: int64 ``[n]``; pieces of one work stay together.
        rng: the source of randomness.
        groups: how many, at most.

    Returns:
        For each of the groups (as many as there are works, where those are fewer) int64 rows,
        sorted, of the pieces of all others.
    """
    names, members = np.unique(works, return_inverse=True)
    groups = min(groups, len(names))
    dealt = rng.permutation(np.arange(len(names)) % groups)[members]
    return [np.flatnonzero(dealt != group) for group in range(groups)]


def jackknife_interval(whole: float, parts: Sequence[float]) -> tuple[float, float]:
    """Give the 95% interval of a figure, ``whole ± t sqrt((G - 1) / G sum (part - mean)^2)``.

    Args:
        whole: the figure of the whole set.
        parts: the figure without each of the ``G`` groups, 2 to ``GROUPS``.

    Returns:
        The interval; NaN, NaN where a part has no value.
    """
    values = np.asarray(parts)
    reach = T_VALUES[len(values) - 2] * np.sqrt((len(values) - 1) * values.var())
    return float(whole - reach), float(whole + reach)
