"""Kinds of pictures: what the sub-folders say, else what looks alike."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_KINDS = 32
REST = "other"
ONE = "all"
_MAX_CLUSTERS = 6
_BINS = 8
_SCALES = 3
_SAMPLE = 512  # pictures that decide how many clusters there are
_ROUNDS = 30
_CLEAR = 0.35  # mean silhouette of clusters that are worth a name
_LEAST_SHARE = 0.05  # of the pictures in the smallest cluster
_FEWEST = 3  # pictures in a cluster


def folder_kinds(names: Sequence[str]) -> tuple[tuple[str, ...], np.ndarray] | None:
    """Kinds by the first folder of each name; None where fewer than two folders hold pictures.

    Returns:
        Names of the kinds, sorted, and int64 ``[len(names)]``. Of more than 32 the largest stay;
        the rest, and pictures outside any sub-folder, are "other".
    """
    tops = [name.split("/")[0] if "/" in name else "" for name in names]
    counts = Counter(top for top in tops if top)
    if len(counts) < 2:  # noqa: PLR2004
        return None
    largest = sorted(counts, key=lambda top: (-counts[top], top))
    if len(counts) + ("" in tops) > MAX_KINDS:
        largest = largest[: MAX_KINDS - 1]
    tops = [top if top in largest else REST for top in tops]
    kinds = tuple(sorted(set(tops)))
    return kinds, np.array([kinds.index(top) for top in tops], np.int64)


def look(pixels: np.ndarray) -> np.ndarray:
    """How a picture looks as a whole: float32 ``[14]``, each number about 0 to 1.

    Args:
        pixels: uint8 ``[height, width, 3]``.

    Returns:
        Share of pixels in each of 8 steps of lightness, then edge energy across and down at
        three scales, each half as fine as the one before.
    """
    luma = pixels.astype(np.float32).mean(-1) / 255
    steps = np.minimum((luma * _BINS).astype(np.int64), _BINS - 1)
    shares = np.bincount(steps.reshape(-1), minlength=_BINS) / luma.size
    energies = []
    for _ in range(_SCALES):
        energies += [_roughness(luma), _roughness(luma.T)]
        rows, columns = (side // 2 for side in luma.shape)
        if rows and columns:
            luma = luma[: 2 * rows, : 2 * columns].reshape(rows, 2, columns, 2).mean(axis=(1, 3))
    return np.array([*shares, *energies], np.float32)


def cluster_kinds(looks: Sequence[np.ndarray]) -> tuple[tuple[str, ...], np.ndarray]:
    """Kinds by looks: k-means with the number of clusters (1 to 6) that are parted most clearly.

    Args:
        looks: ``look`` of each picture.

    Returns:
        Names of the kinds ("all", or "kind1", "kind2", ... from the largest) and int64 ``[n]``.
    """
    best, labels = _CLEAR, np.zeros(len(looks), np.int64)
    points = np.array(looks)
    sample = points[:: max(-(-len(points) // _SAMPLE), 1)]
    for number in range(2, _MAX_CLUSTERS + 1):
        if len(sample) < _FEWEST * number:
            break
        centres = _means(sample, number)
        near = _distances(sample, centres).argmin(1)
        sizes = np.bincount(near, minlength=number)
        if sizes.min() < max(_FEWEST, _LEAST_SHARE * len(sample)):
            continue
        clear = _silhouette(sample, near, number)
        if clear > best:
            best, labels = clear, _distances(points, centres).argmin(1)
    order = np.argsort(-np.bincount(labels), kind="stable")
    names = tuple(f"kind{rank}" for rank in range(1, len(order) + 1))
    return (names if len(order) > 1 else (ONE,)), np.argsort(order)[labels]


def _roughness(luma: np.ndarray) -> float:
    """Mean step from a pixel to the next one across, a quarter of full contrast being 1."""
    return float(4 * np.abs(np.diff(luma, axis=1)).mean()) if luma.shape[1] > 1 else 0.0


def _means(points: np.ndarray, number: int) -> np.ndarray:
    """Centres by k-means, begun with points far from each other: no chance in it."""
    centres = points[[_distances(points, points.mean(0)[None])[:, 0].argmax()]]
    while len(centres) < number:
        far = _distances(points, centres).min(1).argmax()
        centres = np.concatenate([centres, points[[far]]])
    for _ in range(_ROUNDS):
        near = np.eye(number, dtype=np.float32)[_distances(points, centres).argmin(1)]
        sizes = near.sum(0)[:, None]
        centres = np.where(sizes > 0, near.T @ points / np.maximum(sizes, 1), centres)
    return centres


def _silhouette(points: np.ndarray, labels: np.ndarray, number: int) -> float:
    """Mean silhouette (Rousseeuw 1987) in [-1, 1]; every cluster has two points or more."""
    distances = np.sqrt(_distances(points, points))
    members = np.eye(number, dtype=np.float32)[labels]
    sums, sizes = distances @ members, members.sum(0)
    own = members > 0
    inside = sums[own] / (sizes[labels] - 1)
    outside = np.where(own, np.inf, sums / sizes).min(1)
    return float(((outside - inside) / np.maximum(outside, inside).clip(1e-9)).mean())


def _distances(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Squared distances ``[n, len(centres)]``."""
    squares = np.square(points).sum(1)[:, None] + np.square(centres).sum(1)
    return np.maximum(squares - 2 * points @ centres.T, 0)
