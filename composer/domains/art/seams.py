"""Whether the borders between tiles can be seen."""

from __future__ import annotations

import numpy as np


def seam_energies(pictures: np.ndarray, period: int) -> tuple[np.ndarray, np.ndarray]:
    """Measure how much pictures change across the borders of tiles, and across all other lines.

    The ratio of the two is the seam energy ratio. Pictures without seams do not give 1 as such:
    motifs may avoid the borders, or lie on them. So it is compared with that of real pictures; as
    it is a ratio, by its logarithm.

    Args:
        pictures: float ``[n, height, width, channels]``: pixels, or coverage of slots.
        period: pixels in a tile's side, at least 2; the first tile begins in the corner.

    Returns:
        Mean absolute difference of neighbours of different tiles, and that of neighbours of the
        same tile, both float64 ``[n]`` over rows and columns alike; 0 where there are none.
    """
    sums, counts = np.zeros((2, len(pictures))), np.zeros(2)
    for axis in (1, 2):
        change = np.abs(np.diff(pictures, axis=axis)).mean(axis=(3 - axis, 3), dtype=np.float64)
        length = pictures.shape[3 - axis]
        seam = np.arange(1, pictures.shape[axis]) % period == 0
        for row, lines in enumerate((seam, ~seam)):
            sums[row] += change[:, lines].sum(axis=1) * length
            counts[row] += lines.sum() * length
    across, inside = sums / np.maximum(counts, 1)[:, None]
    return across, inside


def seam_ratio(pictures: np.ndarray, period: int) -> float:
    """Seam energy ratio of a set of pictures, ``sum(across) / sum(inside)`` of ``seam_energies``.

    Returns:
        0 upwards; NaN where nothing changes within the tiles.
    """
    across, inside = seam_energies(pictures, period)
    return float(across.sum() / inside.sum()) if inside.any() else float("nan")
