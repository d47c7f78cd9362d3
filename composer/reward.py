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


def nearest(features: np.ndarray, reference: np.ndarray, block: int = 4096) -> np.ndarray:
    """Euclidean distance of each row to its nearest reference row.

    ``features`` float32 ``[n, f]``, ``reference`` float32 ``[m, f]`` -> float32 ``[n]``; infinite
    where ``m`` is 0.
    """
    best = torch.full((len(features),), torch.inf)
    for start in range(0, len(reference), block):
        part = torch.from_numpy(reference[start : start + block])
        best = torch.minimum(best, _distances(torch.from_numpy(features), part).amin(1))
    return best.numpy()


def nearest_each(features: np.ndarray, past: np.ndarray) -> np.ndarray:
    """As ``nearest``, for a batch: ``[n, k, f]`` against ``[n, m, f]`` -> ``[n, k]``."""
    return _distances(torch.from_numpy(features), torch.from_numpy(past)).amin(2).numpy()


def _distances(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    return torch.cdist(first, second, compute_mode="use_mm_for_euclid_dist")


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
