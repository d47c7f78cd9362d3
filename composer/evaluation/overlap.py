"""How far a set of made samples varies as a set of real ones does, feature by feature.

Yang and Lerch, *On the evaluation of generative models in music* (Neural Computing and Applications
32, 2020). A feature's distances between pairs of real samples (intra-set) and between made and real
ones (inter-set) have two densities; the more these overlap, the less the made samples stand out.
One sample many times, from amidst the real ones, overlaps with them too: what tells these apart is
diversity. Unlike in the authors' own program, both densities are evaluated on one grid.
"""

from __future__ import annotations

import numpy as np

from composer.evaluation.distances import pair_distances

POINTS = 1000  # of the grid
TAILS = 4  # bandwidths that the grid goes beyond the distances
SMALLEST = 1e-9  # a range below this is rounding
SHARPEST = 0.01  # the least bandwidth, as a share of the range: discrete features have no density


def compare_distances(made: np.ndarray, real: np.ndarray) -> tuple[float, float]:
    """Overlapped area and Kullback-Leibler divergence of two densities of distances.

    ``OA = integral min(p, q)`` and ``KLD = integral p log(p / q)``, where ``p`` is the density of
    distances within the real set, ``q`` of those between the sets, both by Gaussian kernels with
    the bandwidth of Scott (1992), ``s N^(-1/5)`` for ``N`` distances of standard deviation ``s``.

    Args:
        made: float ``[n, features]``; usually one feature.
        real: float ``[m, features]``, m from 3.

    Returns:
        The area, 0 (nothing in common) to 1 (equal); the divergence, 0 (equal) upwards, in nats,
        about 700 where the densities do not meet.
    """
    step, within, across = _densities(made, real)
    area = min(1.0, float(np.minimum(within, across).sum() * step))
    logs = [np.log(np.maximum(density, np.finfo(np.float64).tiny)) for density in (within, across)]
    return area, max(0.0, float((within * (logs[0] - logs[1])).sum() * step))


def self_distances(samples: np.ndarray) -> np.ndarray:
    """Euclidean distances of all pairs of a set: ``[n, features]`` -> ``[n (n - 1) / 2]``."""
    return pair_distances(samples, samples)[np.triu_indices(len(samples), 1)]


def kernel_density(values: np.ndarray, grid: np.ndarray, bandwidth: float) -> np.ndarray:
    """Density by Gaussian kernels (Parzen, 1962) on a regular grid.

    Each value is shared between the two points beside it and the shares are smoothed (linear
    binning, Wand, J. Computational and Graphical Statistics 3, 1994), so the time does not grow
    with values times points.

    Args:
        values: float ``[n]``, not beyond the grid.
        grid: float ``[m]``, rising by equal steps, small beside the bandwidth.
        bandwidth: standard deviation of the kernels.

    Returns:
        float64 ``[m]``.
    """
    step = (grid[-1] - grid[0]) / (len(grid) - 1)
    places = (values - grid[0]) / step
    left = np.minimum(places.astype(np.int64), len(grid) - 2)
    shares = np.bincount(left, 1 - (places - left), len(grid))
    shares[1:] += np.bincount(left, places - left, len(grid))[:-1]
    away = step / bandwidth * np.arange(1 - len(grid), len(grid))
    kernel = np.exp(-(away**2) / 2) / (len(values) * bandwidth * np.sqrt(2 * np.pi))
    return np.convolve(shares, kernel, "valid")


def scott_bandwidth(values: np.ndarray) -> float:
    """The rule of Scott (1992) in one dimension, ``s n^(-1/5)``, for values ``[n]``, n from 2."""
    return float(values.std(ddof=1) * len(values) ** -0.2)


def _densities(made: np.ndarray, real: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Step of the common grid; densities within the real set and between the sets, on it."""
    centre = real.mean(axis=0, dtype=np.float64)  # no rounding errors of large numbers
    made, real = made - centre, real - centre
    within, across = self_distances(real), pair_distances(made, real).ravel()
    low, high = min(within.min(), across.min()), max(within.max(), across.max())
    if high - low < SMALLEST:  # all distances are the same one
        return 1.0, np.ones(1), np.ones(1)
    widths = [max(scott_bandwidth(x), SHARPEST * (high - low)) for x in (within, across)]
    margin = TAILS * max(widths)
    grid = np.linspace(low - margin, high + margin, POINTS)
    first, second = (
        kernel_density(values, grid, width)
        for values, width in zip((within, across), widths, strict=True)
    )
    return float(grid[1] - grid[0]), first, second
