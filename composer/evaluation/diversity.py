"""How many different samples a set holds, in effect (see also ``form.unique_share``)."""

from __future__ import annotations

import numpy as np

from composer.evaluation.distances import entropy


def vendi_score(similarities: np.ndarray) -> float:
    """Effective number of different samples (Friedman and Dieng, TMLR 2023).

    ``VS = exp(-sum_i l_i log l_i)`` with ``l_i`` the eigenvalues of ``K / n``: the exponential of
    their entropy. It grows with ``n``, so sets of different size are compared at the same ``n``.

    Args:
        similarities: the kernel ``K``, float ``[n, n]``, symmetric, positive semidefinite, 1 on the
            diagonal; for example from ``cosine_similarities`` or ``token_similarities``.

    Returns:
        1 (all equal) to n (no two have anything in common).
    """
    sizes = np.linalg.eigvalsh(similarities / len(similarities)).clip(min=0)
    return float(2.0 ** entropy(sizes))


def cosine_similarities(features: np.ndarray) -> np.ndarray:
    """Cosines of the angles between rows: float ``[n, features]`` -> ``[n, n]`` in [-1, 1].

    A row of zeros is like no other, and itself.
    """
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    units = features / np.where(lengths > 0, lengths, 1)
    cosines = (units @ units.T).clip(-1, 1)
    np.fill_diagonal(cosines, 1)
    return cosines


def token_similarities(samples: np.ndarray) -> np.ndarray:
    """Share of tokens that two samples have alike, at the same place.

    Positive semidefinite, as a mean of kernels that say whether one token is equal.

    Args:
        samples: uint8 ``[n, *shape]``.

    Returns:
        float64 ``[n, n]`` in [0, 1].
    """
    flat = samples.reshape(len(samples), -1)
    return np.stack([(flat == sample).mean(axis=1) for sample in flat])
