"""Tokens of a cell: which slots of the palette cover it, and how far.

A cell on the edge between two areas is covered by both. Tokens keep that proportion (in quarters,
or in halves where there are many slots), so that edges can be drawn between the cells and pictures
enlarge without steps.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from composer.domains.art.settings import RGB_LEVELS

if TYPE_CHECKING:
    from composer.domains.art.settings import ArtSettings

MAX_CLASSES = 256
MIXES = ((0.25, 0.5, 0.75), (0.5,), ())


@lru_cache(maxsize=16)
def coverage_codes(layers: int) -> np.ndarray:
    """Coverage of each token: float32 ``[classes, layers]``, rows sum to 1.

    The first ``layers`` tokens are one slot alone; then come pairs a < b of slots, each with b
    covering 1/4, 1/2, 3/4 (or 1/2, or no pairs, so that there are at most 256 tokens).
    """
    pairs = list(combinations(range(layers), 2))
    mixes = next(mixes for mixes in MIXES if layers + len(pairs) * len(mixes) <= MAX_CLASSES)
    codes = np.zeros((layers + len(pairs) * len(mixes), layers), np.float32)
    codes[:layers] = np.eye(layers)
    mixed = [(a, b, share) for a, b in pairs for share in mixes]
    for row, (a, b, share) in enumerate(mixed, layers):
        codes[row, a], codes[row, b] = 1 - share, share
    codes.flags.writeable = False
    return codes


@lru_cache(maxsize=1)
def level_codes() -> np.ndarray:
    """Levels of a colour channel from -1 to 1: float32 ``[256, 1]``."""
    codes = np.linspace(-1, 1, RGB_LEVELS, dtype=np.float32)[:, None]
    codes.flags.writeable = False
    return codes


def codebook(settings: ArtSettings) -> np.ndarray:
    """What each token looks like to a network: float32 ``[classes, channels]``."""
    return level_codes() if settings.rgb else coverage_codes(settings.layers)


def cover(tokens: np.ndarray, layers: int) -> np.ndarray:
    """Coverage of each slot, from tokens of any shape: float32 ``[*shape, layers]``."""
    return coverage_codes(layers)[tokens]


def encode(coverage: np.ndarray) -> np.ndarray:
    """The nearest token for each coverage: float ``[*shape, layers]`` -> uint8 ``[*shape]``."""
    layers = coverage.shape[-1]
    codes = coverage_codes(layers)
    flat = coverage.reshape(-1, layers).astype(np.float32)
    tokens = np.empty(len(flat), np.uint8)
    half_norms = np.square(codes).sum(1) / 2
    for start in range(0, len(flat), 1 << 16):
        part = flat[start : start + (1 << 16)]
        tokens[start : start + len(part)] = (part @ codes.T - half_norms).argmax(1)
    return tokens.reshape(coverage.shape[:-1])
