"""Where one figure lies among those of human pieces."""

from __future__ import annotations

import numpy as np

from composer.evaluation.bootstrap import percentile_interval


def compare(own: float, human: np.ndarray) -> dict[str, float]:
    """Say what is normal, and how one piece stands to it.

    Args:
        own: the figure of the piece.
        human: float ``[pieces]``, the same figure of each human piece; at least one.

    Returns:
        ``median``, ``low`` and ``high`` (the central 95%) of the human pieces, and ``as_much``: the
        share of them whose figure is as large or larger than the piece's own.
    """
    low, high = percentile_interval(human)
    return {
        "median": float(np.median(human)),
        "low": low,
        "high": high,
        "as_much": float(np.mean(human >= own)),
    }
