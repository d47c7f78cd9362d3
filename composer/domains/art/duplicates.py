"""Which pictures are the same, or nearly: re-saved, resized, brightened."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from composer.works import number_works

if TYPE_CHECKING:
    from collections.abc import Sequence

_SIDE = 32
_LIKE = (
    0.97  # correlation of thumbnails: re-saved pictures have .98 and more, others mostly below .8
)
_FLAT = 0.02  # levels added to the contrast, so that a picture without any is like no other
_BLOCK = 1024


def digest(pixels: np.ndarray) -> str:
    """sha256 of what is seen, whatever the file: uint8 ``[height, width, 4]``, RGBA."""
    seen = np.where(pixels[..., 3:] > 0, pixels, 0)
    return hashlib.sha256(str(pixels.shape).encode() + seen.tobytes()).hexdigest()


def thumbnail(pixels: np.ndarray) -> np.ndarray:
    """Light and shade on 32 x 32 cells, to be compared by ``find_works``.

    Args:
        pixels: uint8 ``[height, width, 3]``.

    Returns:
        float16 ``[1024]`` of mean 0 and norm 1 (less for a picture of nearly one colour), so that
        brightness, contrast and colour do not matter.
    """
    from PIL import Image

    small = Image.fromarray(pixels).convert("L").resize((_SIDE, _SIDE), Image.Resampling.BOX)
    luma = np.asarray(small, np.float32).reshape(-1)
    luma -= luma.mean()
    return (luma / (np.linalg.norm(luma) + _FLAT * _SIDE)).astype(np.float16)


def find_works(thumbnails: Sequence[np.ndarray]) -> np.ndarray:
    """Number the works among pictures: near copies and chains of such share a number.

    Args:
        thumbnails: n times float16 ``[1024]``.

    Returns:
        int64 ``[n]``, works numbered by their first picture.
    """
    table = np.array(thumbnails, np.float32).reshape(-1, _SIDE**2)
    links = [np.zeros((2, 0), np.int64)]
    for start in range(0, len(table), _BLOCK):
        like = table[start : start + _BLOCK] @ table[start:].T >= _LIKE
        links.append(np.stack(np.nonzero(like)) + start)
    return number_works(len(table), np.concatenate(links, axis=1))
