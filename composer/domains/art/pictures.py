"""One picture file as RGBA, whatever its format and mode; what cannot be used is refused early."""

from __future__ import annotations

import struct
import warnings
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from PIL import Image

EXTENSIONS = frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif"})
MAX_PIXELS = 64_000_000
MAX_SIDE = 1024
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
_TOO_LARGE = f"more than {MAX_PIXELS:,} pixels; make it smaller"
# What Pillow's readers raise on broken files, besides OSError.
_BROKEN = (
    SyntaxError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    struct.error,
    ArithmeticError,
    NotImplementedError,
    MemoryError,
)
_BAND = 1 << 22  # pixels that are converted at once


class UnusableFileError(Exception):
    """This file cannot be used; the message is the reason, for the report."""


def open_picture(path: Path) -> np.ndarray:
    """Read one picture: PNG, JPEG, WebP or GIF by its content; of an animated one the first frame.

    Turned as its EXIF orientation says. Sides of more than 1,024 pixels are reduced by a whole
    number, each new pixel the mean of the old ones, so that motifs stay on a grid.

    Returns:
        uint8 ``[height, width, 4]``: red, green, blue, opacity.

    Raises:
        UnusableFileError: not one of these formats, broken, or more than 64 million pixels.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return _decode(path)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UnusableFileError(_TOO_LARGE) from error
    except UnidentifiedImageError as error:
        message = "not a PNG, JPEG, WebP or GIF picture, whatever its name says"
        raise UnusableFileError(message) from error
    except (OSError, *_BROKEN) as error:
        message = "truncated or damaged"
        if isinstance(error, OSError) and error.strerror:
            message = f"cannot be read: {error.strerror}"
        raise UnusableFileError(message) from error


def _decode(path: Path) -> np.ndarray:
    from PIL import Image, ImageOps

    with path.open("rb") as file:
        width, height = _webp_size(file.read(30))
        if width * height > MAX_PIXELS:
            raise UnusableFileError(_TOO_LARGE)
        file.seek(0)
        with Image.open(file, formats=_FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise UnusableFileError(_TOO_LARGE)
            image.draft("RGB", (MAX_SIDE, MAX_SIDE))
            return np.array(ImageOps.exif_transpose(_reduced(image)))


def _webp_size(head: bytes) -> tuple[int, int]:
    """Width and height of an extended WebP file, else zeros.

    Its canvas (RFC 9649, section 2.7) may be any size, and Pillow's reader makes room for it
    before it tells the size. The simple forms have at most 16,384 pixels a side, and no canvas.
    """
    if head[:4] != b"RIFF" or head[8:16] != b"WEBPVP8X":
        return 0, 0
    return 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")


def _reduced(image: Image.Image) -> Image.Image:
    """RGBA with no side longer than ``MAX_SIDE``, band by band, so that no large copy is made."""
    from PIL import Image

    factor = -(-max(image.size) // MAX_SIDE)
    if factor == 1:
        return _eight_bit(image)
    width, height = image.size
    rows = max(_BAND // width // factor, 1) * factor
    whole = Image.new("RGBA", (-(-width // factor), -(-height // factor)))
    for top in range(0, height, rows):
        band = _eight_bit(image.crop((0, top, width, min(top + rows, height))))
        # With premultiplied colours ("RGBa") what is transparent has no say in the mean.
        whole.paste(band.convert("RGBa").reduce(factor).convert("RGBA"), (0, top // factor))
    whole.info = image.info
    return whole


def _eight_bit(image: Image.Image) -> Image.Image:
    """Any mode as RGBA; 16-bit greys are scaled, not cut off."""
    from PIL import Image

    if not image.mode.startswith("I"):
        return image.convert("RGBA")
    levels = (np.asarray(image).astype(np.int64) + 128) // 257
    return Image.fromarray(levels.clip(0, 255).astype(np.uint8)).convert("RGBA")
