"""Works: pieces that are one and the same, or arrangements of each other, are split together."""

from __future__ import annotations

import numpy as np


def number_works(count: int, links: np.ndarray) -> np.ndarray:
    """Chains of pieces that are alike, numbered by their first piece.

    Args:
        count: number of pieces.
        links: int64 ``[2, n]``, pairs of pieces that are alike, in any order.

    Returns:
        int64 ``[count]``; those linked by a chain of pairs share a number.
    """
    left, right = links
    labels = np.arange(count)
    while True:  # the smallest label is passed on until nothing changes
        before = labels.copy()
        lowest = np.minimum(labels[left], labels[right])
        np.minimum.at(labels, left, lowest)
        np.minimum.at(labels, right, lowest)
        labels = labels[labels]
        if np.array_equal(labels, before):
            return np.unique(labels, return_inverse=True)[1].astype(np.int64)
