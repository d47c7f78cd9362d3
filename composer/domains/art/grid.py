"""The grid of a picture's motifs: how large a motif is, and where the first one starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

PERIODS = np.arange(8, 129)
MAX_TILES = 32  # tiles of a part's side
_PART = 8  # tiles of the side of a part at a random place
_MOST_PARTS = 4
_MOST = 512  # pixels of a side that are looked at
_EDGE = 48.0  # levels: a step in colour that counts in full
_REPEATS = 3  # how many periods far pixels are compared
_FEWEST = 2.5  # periods in a picture's side, below which they tell nothing
_CLEAR = 0.1  # a score that pictures without a grid do not reach
_SAME = 0.8  # of the best score: multiples of a period score like itself
_SPIKE = 8.0  # times the usual step from line to line: a seam between motifs that do not match
_WHOLE = 1.25  # periods that divide the sides of most pictures are so much likelier


def period_scores(pixels: np.ndarray) -> np.ndarray:
    """How clearly motifs repeat at each of ``PERIODS``, both down and across.

    Motifs need not be equal (Truchet tiles, say, are turned at random), but their edges lie in like
    places. So the autocorrelation of edge strength at whole multiples of the true period is high,
    and half-way between them low; half the period and its double fail the one or the other.

    Args:
        pixels: uint8 ``[height, width, 3]``.

    Returns:
        float32 ``[len(PERIODS)]``, mean correlation at whole minus that at half multiples; NaN
        where the picture holds fewer than 2.5 periods.
    """
    top, left = (max(side - _MOST, 0) // 2 for side in pixels.shape[:2])
    part = pixels[top : top + _MOST, left : left + _MOST]
    scores = np.full(len(PERIODS), np.nan, np.float32)
    fitting = min(part.shape[:2]) >= PERIODS * _FEWEST
    if fitting.any():
        correlation = _autocorrelation(_edges(part))
        scores[fitting] = [_score(correlation, period) for period in PERIODS[fitting].tolist()]
    return scores


def find_period(scores: Sequence[np.ndarray], sizes: Sequence[tuple[int, int]]) -> int | None:
    """The period that the pictures agree upon; None where they have none.

    Args:
        scores: ``period_scores`` of some pictures.
        sizes: (height, width) of the same pictures.

    Returns:
        The smallest period that scores about as well as the best; periods that divide the sides of
        most pictures count more.
    """
    if not scores:
        return None
    table = np.stack(scores)
    known = ~np.isnan(table)
    votes = np.where(known, table, 0).sum(0) / np.maximum(known.sum(0), 1)
    votes[known.mean(0) < 0.5] = 0  # noqa: PLR2004  a period must fit half of them
    divides = (np.array(sizes)[:, :, None] % PERIODS == 0).all(1).mean(0) > 0.5  # noqa: PLR2004
    votes = votes * np.where(divides, _WHOLE, 1)
    peak = votes >= np.maximum(np.append(votes[1:], 0), np.append(0, votes[:-1]))
    good = peak & (votes >= max(_CLEAR, _SAME * votes.max()))
    return int(PERIODS[good.argmax()]) if good.any() else None


def find_phase(pixels: np.ndarray, period: int) -> tuple[int, int]:
    """Where the first whole motif starts, (y, x) in ``[0, period)``.

    A picture of whole motifs starts with one. In a cutting, motifs that differ where they meet show
    a seam; others meet in few ways, so that lines of pixels near their seams vary least.

    Args:
        pixels: uint8 ``[height, width, 3]``, at least one period each way.
        period: pixels.
    """
    if pixels.shape[0] % period == 0 and pixels.shape[1] % period == 0:
        return 0, 0
    luma = pixels.astype(np.float32).mean(-1)
    return _seam(luma, period), _seam(luma.T, period)


def _seam(luma: np.ndarray, period: int) -> int:
    """The row, modulo the period, above which motifs meet."""
    rows, columns = (side // period * period for side in luma.shape)
    folded = luma[:rows, :columns].reshape(-1, period, columns // period, period)
    steps = np.abs(np.diff(luma[:rows], axis=0, prepend=luma[:1])).mean(1)
    steps = steps.reshape(-1, period).sum(0)
    if steps.max() > _SPIKE * np.median(steps):
        return int(steps.argmax())
    varying = folded.var(axis=(0, 2)).mean(1)
    reach = max(period // 8, 1)
    near = [np.roll(varying, lines) for lines in range(1 - reach, reach + 1)]
    return int(np.sum(near, axis=0).argmin())


def choose_cuts(
    size: tuple[int, int], pixels: int, start: tuple[int, int] | None, rng: np.random.Generator
) -> list[tuple[int, int, int, int]]:
    """The parts of a picture that are cut into tiles.

    Args:
        size: height and width in pixels, a tile at least.
        pixels: side of a tile.
        start: (y, x) of the first tile; None where any place is as good: then up to 4 parts of at
            most 8 x 8 tiles at random, the more the larger the picture.
        rng: draws the places.

    Returns:
        Top, left, rows and columns (tiles) of each part.
    """
    if start is not None:
        top, left = (at if side >= at + pixels else 0 for at, side in zip(start, size, strict=True))
        rows, columns = (size[0] - top) // pixels, (size[1] - left) // pixels
        return [(top, left, min(rows, MAX_TILES), min(columns, MAX_TILES))]
    rows, columns = (min(side // pixels, _PART) for side in size)
    area = size[0] * size[1] / (rows * columns * pixels**2)
    number = int(np.clip(area // 2, 1, _MOST_PARTS))
    tops = rng.integers(size[0] - rows * pixels + 1, size=number)
    lefts = rng.integers(size[1] - columns * pixels + 1, size=number)
    return [
        (top, left, rows, columns) for top, left in zip(tops.tolist(), lefts.tolist(), strict=True)
    ]


def wrap_ratio(pixels: np.ndarray, period: int) -> float:
    """How strong edges are where a picture meets itself, against those between its tiles.

    About 1 for a seamless texture; more where opposite borders do not fit, less where a border is
    all of one colour.

    Args:
        pixels: uint8 ``[rows * period, columns * period, 3]``, 2 x 2 tiles or more.
        period: pixels of a tile's side.
    """
    levels = pixels.astype(np.float32)
    wrap = inside = 0.0
    for part in (levels, levels.swapaxes(0, 1)):
        steps = np.minimum(np.abs(part - np.roll(part, 1, axis=0)).max(-1), _EDGE).mean(1)
        wrap += float(steps[0])
        inside += float(steps[period::period].mean())
    return (wrap + 1) / (inside + 1)


def _edges(pixels: np.ndarray) -> np.ndarray:
    """The largest step in any channel to the next pixel down or right, ``[h - 1, w - 1]``."""
    strongest = np.zeros((pixels.shape[0] - 1, pixels.shape[1] - 1), np.float32)
    for channel in np.moveaxis(pixels, -1, 0).astype(np.float32):
        np.maximum(strongest, np.abs(np.diff(channel, axis=0))[:, :-1], out=strongest)
        np.maximum(strongest, np.abs(np.diff(channel, axis=1))[:-1], out=strongest)
    return np.minimum(strongest, _EDGE)


def _autocorrelation(values: np.ndarray) -> np.ndarray:
    """Correlation with itself moved down and to the right or left (mean), ``[h, w]``."""
    values = values - values.mean()
    height, width = values.shape
    shape = (2 * height, 2 * width)
    power = np.square(np.abs(np.fft.rfft2(values, shape)))
    both = np.fft.irfft2(power, shape)
    # Moved left is column -x of the cyclic result.
    left = both[:height, -np.arange(width)]
    overlap = np.arange(height, 0, -1)[:, None] * np.arange(width, 0, -1)
    return (both[:height, :width] + left) / 2 / overlap / max(float(values.var()), 1e-6)


def _score(correlation: np.ndarray, period: int) -> float:
    """Mean at whole multiples of the period minus mean at halves."""
    reach = np.array(correlation.shape) * 3 // 4
    whole = np.arange(_REPEATS + 1) * period
    half = np.arange(_REPEATS) * period + period // 2
    at = [
        correlation[np.ix_(down[down < reach[0]], across[across < reach[1]])]
        for down, across in ((whole, whole), (whole, half), (half, whole), (half, half))
    ]
    between = np.concatenate([part.reshape(-1) for part in at[1:]])
    return float(at[0].reshape(-1)[1:].mean() - between.mean())
