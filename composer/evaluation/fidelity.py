"""How near a set of made samples is to a set of real ones, and how much of these it reaches.

All take features float ``[n, features]`` and ``[m, features]``. No single one says enough: a
distance falls by memorising, precision by playing safe; so they are reported together, next to
what real samples measure against real ones.
"""

from __future__ import annotations

import numpy as np

from composer.evaluation.distances import pair_distances

RECALL_NEIGHBOURS = 3
COVERAGE_NEIGHBOURS = 5


def frechet_distance(made: np.ndarray, real: np.ndarray) -> float:
    """Frechet distance of two normal distributions (Dowson and Landau, 1982; Heusel et al., 2017).

    ``|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2))`` of the means and covariances.

    Returns:
        0 upwards; a finite sample lies above 0 even where the distributions are equal.
    """
    made, real = made.astype(np.float64), real.astype(np.float64)
    means = np.square(made.mean(axis=0) - real.mean(axis=0)).sum()
    first, second = _covariance(made), _covariance(real)
    root = _root(first)
    # The product C1 C2 has the eigenvalues of the symmetric C1^(1/2) C2 C1^(1/2).
    mixed = np.sqrt(np.linalg.eigvalsh(root @ second @ root).clip(min=0)).sum()
    return float(max(0.0, means + np.trace(first) + np.trace(second) - 2 * mixed))


def kernel_distance(made: np.ndarray, real: np.ndarray) -> float:
    """Squared maximum mean discrepancy, unbiased, kernel ``(x.y / d + 1)^3`` (Binkowski, 2018).

    Returns:
        0 on average where the distributions are equal, so also a little below; n, m from 2.
    """
    made, real = made.astype(np.float64), real.astype(np.float64)
    own, theirs, across = _kernel(made, made), _kernel(real, real), _kernel(made, real)
    within = sum((k.sum() - np.trace(k)) / (len(k) * (len(k) - 1)) for k in (own, theirs))
    return float(within - 2 * across.mean())


def recall(made: np.ndarray, real: np.ndarray, neighbours: int = RECALL_NEIGHBOURS) -> float:
    """Share of the real samples that lie within reach of a made one (Kynkaanniemi et al., 2019).

    The reach of a made sample is the distance to its k-th nearest other made one.

    Returns:
        0 to 1; falls where whole regions of the real samples are never made.
    """
    radii = neighbour_distances(made, neighbours)
    return float((pair_distances(real, made) <= radii).any(axis=1).mean())


def coverage(made: np.ndarray, real: np.ndarray, neighbours: int = COVERAGE_NEIGHBOURS) -> float:
    """Share of the real samples within whose reach a made one lies (Naeem et al., 2020).

    The reach of a real sample is the distance to its k-th nearest other real one, so outliers
    among the made samples gain nothing.

    Returns:
        0 to 1; equal distributions with n = m give about ``1 - 2^-k``.
    """
    radii = neighbour_distances(real, neighbours)
    return float((pair_distances(real, made).min(axis=1) <= radii).mean())


def neighbour_distances(samples: np.ndarray, neighbours: int) -> np.ndarray:
    """Distance of each sample to its k-th nearest other one: float ``[n]``, n above k."""
    distances = pair_distances(samples, samples)
    np.fill_diagonal(distances, 0)  # rounding must not put another sample before itself
    return np.partition(distances, neighbours, axis=1)[:, neighbours]


def _covariance(samples: np.ndarray) -> np.ndarray:
    return np.atleast_2d(np.cov(samples, rowvar=False))


def _root(matrix: np.ndarray) -> np.ndarray:
    """Square root of a symmetric matrix that is not negative."""
    sizes, directions = np.linalg.eigh(matrix)
    return (directions * np.sqrt(sizes.clip(min=0))) @ directions.T


def _kernel(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return (first @ second.T / first.shape[1] + 1) ** 3
