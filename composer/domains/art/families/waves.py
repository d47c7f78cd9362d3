"""Waves: bands between the contours of a smooth field whose height is known on the corners."""

from __future__ import annotations

from functools import partial

import numpy as np

from composer.domains.art.families.draw import FINE, cover
from composer.domains.art.families.tiles import Motif, cells, smooth

_BANDS = (0, 0, 1, 1, 2, 2, 3, 3)
_LINES = (0, 3, 0, 2, 0, 3, 0, 1)


def _waves(roles: tuple[int, ...], corners: np.ndarray, _variants: np.ndarray) -> np.ndarray:
    """Bands of whole heights; ``roles`` is the role of each."""
    weights = _spline()
    padded = np.pad(corners, 1, mode="reflect", reflect_type="odd")
    strips = []
    for row in range(len(corners) - 1):
        rows = weights @ padded[row : row + 4]
        columns = np.lib.stride_tricks.sliding_window_view(rows, 4, axis=1)
        height = (columns @ weights.T).reshape(FINE, -1)
        bands = np.floor(height).clip(0, len(roles) - 1).astype(int)
        strips.append(cover(np.array(roles, np.uint8)[bands]))
    return np.concatenate(strips)


def _spline() -> np.ndarray:
    """Weights of four corners in a row for the samples between the inner two: cubic B-spline."""
    share = (np.arange(FINE) * 2 + 1) / (2 * FINE)
    rest = 1 - share
    near, far = rest**3, share**3
    weights = np.stack([near, 4 - 6 * share**2 + 3 * far, 4 - 6 * rest**2 + 3 * near, far], -1)
    return weights / 6


def _place_waves(rng: np.random.Generator, density: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    height = 8 * density + 4 * smooth(rng, density.shape)
    return height, np.zeros(cells(density), int)


WAVES = tuple(Motif((0.4, 0.6), _place_waves, partial(_waves, roles)) for roles in (_BANDS, _LINES))
