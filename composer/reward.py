"""Realism and novelty as pure functions; the reward vector and its blend."""

from __future__ import annotations

import numpy as np
import torch

LOGIT_LIMIT = 5.0


def realism(logits: np.ndarray) -> np.ndarray:
    """Affine map of clipped critic logits to [0, 1]; any shape.

    A logit is a log density ratio (real against composed), and an affine map keeps that meaning:
    differences of realism are differences of log ratios, divided by ten.
    """
    clipped = np.clip(logits, -LOGIT_LIMIT, LOGIT_LIMIT)
    return ((clipped + LOGIT_LIMIT) / (2 * LOGIT_LIMIT)).astype(np.float32)


class Reference:
    """Fragments that others are compared with, ready to be searched many times.

    Attributes:
        features: float32 ``[m, f]``.
    """

    def __init__(self, features: np.ndarray) -> None:
        """``features`` float32 ``[m, f]``; ``m`` may be 0."""
        self.features = features
        self._columns = torch.from_numpy(features).T
        self._squares = self._columns.square().sum(0)

    def nearest(self, features: np.ndarray, block: int = 1024) -> np.ndarray:
        """Euclidean distance of each row of float32 ``[n, f]`` to the nearest: float32 ``[n]``.

        Infinite where there is nothing to compare with.
        """
        if len(self._squares) == 0:
            return np.full(len(features), np.inf, np.float32)
        found = []
        for rows in torch.from_numpy(features).split(block):
            least = torch.addmm(self._squares, rows, self._columns, alpha=-2).amin(1)
            found.append((least + rows.square().sum(1)).clamp_min(0).sqrt())  # |a - b|
        return torch.cat(found).numpy()


def nearest_each(features: np.ndarray, past: np.ndarray) -> np.ndarray:
    """The same for a batch, each with its own: ``[n, k, f]``, ``[n, m, f]`` -> ``[n, k]``."""
    pairs = torch.from_numpy(features), torch.from_numpy(past)
    return torch.cdist(*pairs, compute_mode="use_mm_for_euclid_dist").amin(2).numpy()


def typical_distance(features: np.ndarray, rng: np.random.Generator, pairs: int = 4096) -> float:
    """Median distance between random pairs of real fragments: the unit of novelty."""
    first, second = rng.integers(len(features), size=(2, pairs))
    distance = np.linalg.norm(features[first] - features[second], axis=1)
    return float(max(np.median(distance), 1e-6))


def novelty(to_training: np.ndarray, to_past: np.ndarray, unit: float) -> np.ndarray:
    """Distance to what is known, the training set and this piece's own past, in [0, 1]."""
    return np.clip(np.minimum(to_training, to_past) / unit, 0, 1).astype(np.float32)


def blend(vector: np.ndarray, preference: np.ndarray) -> np.ndarray:
    """Scalar reward ``(1 - w) realism + w novelty``; vector ``[..., 2]``, preference ``[...]``."""
    weighted = (1 - preference) * vector[..., 0] + preference * vector[..., 1]
    return weighted.astype(np.float32)
