"""Distances between two distributions that only samples are known of."""

from __future__ import annotations

import numpy as np

PROJECTIONS = 32
QUANTILES = 1000
FLAT = 1e-3  # directions in which the reference varies less, as a share of the most, are left out
SMALLEST = 1e-9  # a variance below this is rounding


def jensen_shannon(first: np.ndarray, second: np.ndarray) -> float:
    """Jensen-Shannon divergence in bits (Lin, IEEE Trans. Inf. Theory 37, 1991).

    ``JSD = H((p + q) / 2) - (H(p) + H(q)) / 2`` with ``p``, ``q`` the normalised counts.

    Args:
        first: counts ``[bins]``, not negative.
        second: counts ``[bins]``, not negative.

    Returns:
        0 (equal) to 1 (no bin in common); 1 where only one of the two is empty, 0 where both are.
    """
    if not (first.any() and second.any()):
        return float(first.any() != second.any())
    shares = np.stack([first / first.sum(), second / second.sum()])
    mixed, own = entropy(shares.mean(axis=0)), entropy(shares).mean()
    return max(0.0, float(mixed - own))


def entropy(shares: np.ndarray) -> np.ndarray:
    """Entropy in bits (Shannon, Bell System Technical Journal 27, 1948), ``-sum p log2 p``.

    Args:
        shares: float ``[..., bins]``, not negative, with the sum 1; of all 0 it is 0.

    Returns:
        float64 ``[...]``, 0 (all in one bin) to ``log2(bins)`` (the same in each).
    """
    logs = np.log2(shares, out=np.zeros(shares.shape), where=shares > 0)
    return np.abs((shares * logs).sum(axis=-1))  # no logarithm is above 0


def sliced_wasserstein(made: np.ndarray, real: np.ndarray, seed: int = 0) -> float:
    """Sliced Wasserstein-1 distance (Rabin et al., SSVM 2011), in the metric of the real sample.

    Both samples are whitened by the covariance of the real one, so that fine detail counts as much
    as the coarse; then the mean distance of their quantiles along random directions is taken.

    Args:
        made: float ``[n, features]``.
        real: float ``[m, features]``.
        seed: of the directions.

    Returns:
        0 (equal) upwards, in standard deviations of the real sample; where that does not vary, the
        mean distance of the made sample from it.
    """
    centre = real.mean(axis=0)
    centred = real - centre
    sizes, directions = np.linalg.eigh(centred.T @ centred / len(real))
    kept = sizes > max(FLAT * sizes.max(), SMALLEST)
    if not kept.any():
        return float(np.abs(made - centre).mean())
    turns = np.random.default_rng(seed).standard_normal((int(kept.sum()), PROJECTIONS))
    turns /= np.linalg.norm(turns, axis=0)
    axes = (directions[:, kept] / np.sqrt(sizes[kept]) @ turns).astype(np.float32)
    return float(np.abs(_quantiles(made @ axes) - _quantiles(real @ axes)).mean())


def energy_distance(made: np.ndarray, real: np.ndarray) -> float:
    """Energy distance (Szekely and Rizzo, JSPI 143, 2013), as a share of the greatest possible.

    ``sqrt((2 E|x - y| - E|x - x'| - E|y - y'|) / (2 E|x - y|))``, each mean over pairs of different
    members, so that equal distributions give about 0 whatever the size of the samples.

    Args:
        made: float ``[n, features]``, n at least 2.
        real: float ``[m, features]``, m at least 2.

    Returns:
        0 (equal) to 1 (two different points).
    """
    across = float(pair_distances(made, real).mean())
    if across == 0:
        return 0.0
    within = [pair_distances(x, x).sum() / (len(x) * (len(x) - 1)) for x in (made, real)]
    return float(np.sqrt(max(0.0, 1 - sum(within) / 2 / across)))


def pair_distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Euclidean distances of rows: ``[n, features]``, ``[m, features]`` -> ``[n, m]``."""
    squares = np.square(first).sum(axis=1)[:, None] + np.square(second).sum(axis=1)
    return np.sqrt((squares - 2 * (first @ second.T)).clip(min=0))


def _quantiles(values: np.ndarray) -> np.ndarray:
    """The same number of quantiles of each column, whatever the number of rows."""
    places = (np.arange(QUANTILES) + 0.5) / QUANTILES * len(values)
    return np.sort(values, axis=0)[places.astype(np.int64)]
