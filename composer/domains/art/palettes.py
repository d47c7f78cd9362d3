"""Palettes: curated ones by name, own ones as hex colours, always darkest first."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from composer.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

# Four colours each, at least 15 steps of CIELAB lightness between neighbours.
PALETTES: dict[str, tuple[str, ...]] = {
    "lagoon": ("#0b1d3a", "#1f6f8b", "#f2a65a", "#fbf3e4"),
    "poster": ("#1d1b1a", "#d1342f", "#f2b134", "#f7f0df"),
    "majolica": ("#14284b", "#2f6db5", "#f0b429", "#fdf8ec"),
    "terracotta": ("#2b1a17", "#a8432c", "#e0a070", "#f8ecdc"),
    "orchard": ("#16302b", "#4f8a4c", "#f2b84b", "#fbf5e6"),
    "plum": ("#241432", "#8e3b73", "#f08a7b", "#fdeee2"),
    "harbour": ("#10212f", "#c8443c", "#7fb7be", "#f4f1e6"),
    "moss": ("#1c241b", "#6b7a3a", "#cdb453", "#f7f3e3"),
    "ember": ("#1a1423", "#b3382c", "#f39237", "#fff2dc"),
    "glacier": ("#0d1b2a", "#3a6ea5", "#8fc1d4", "#f7fafc"),
    "saffron": ("#2d1e2f", "#7a4b94", "#f1a208", "#fff8e7"),
    "jade": ("#0f2a2e", "#1e7d72", "#6fcbb1", "#f6f4e8"),
    "carnival": ("#1b1b3a", "#e0315e", "#33c1b1", "#fef6e4"),
    "ink": ("#111111", "#5a5a5a", "#b0aca4", "#faf7f0"),
    "rosewood": ("#2a0f1c", "#9b2c4c", "#e5989b", "#fbf1ec"),
    "cobalt": ("#0a1045", "#3450c9", "#f2545b", "#f6e7cb"),
}
_HEX = re.compile(r"#?([0-9a-f]{3}|[0-9a-f]{6})", re.IGNORECASE)
_DIGITS = 6
_LINEAR = 0.04045  # up to this level sRGB is linear
_FORM = "give hex colours with commas between them, as '#0b1d3a,#e63946,#a8dadc,#f1faee', or a name"


def parse_palette(text: str) -> tuple[str, ...]:
    """Colours of a palette that is named, or given as ``#rgb`` or ``#rrggbb`` with commas.

    Returns:
        The colours as ``#rrggbb`` in lower case, in the order given.

    Raises:
        UsageError: what is neither; the message says what, and lists the names.
    """
    named = PALETTES.get(text.strip().lower())
    if named is not None:
        return named
    return tuple(_parse_colour(part.strip(), text) for part in text.split(","))


def _parse_colour(part: str, text: str) -> str:
    match = _HEX.fullmatch(part)
    if match is None:
        what = f"the palette '{text}'" if part == text.strip() else f"the colour '{part}'"
        message = f"{what} is not known; {_FORM}: {', '.join(PALETTES)}"
        raise UsageError(message)
    digits = match[1].lower()
    return "#" + (digits if len(digits) == _DIGITS else "".join(one * 2 for one in digits))


def fit_palette(colours: Sequence[str], slots: int) -> tuple[str, ...]:
    """The colours in the order of slots: by lightness, darkest first.

    Raises:
        UsageError: where there are not ``slots`` of them, all different.
    """
    if len(colours) != slots:
        message = f"the palette has {len(colours)} colours, but {slots} are needed"
        raise UsageError(message)
    if len(set(colours)) < slots:
        message = f"the palette {','.join(colours)} has a colour twice: all must differ"
        raise UsageError(message)
    order = np.argsort(lightness(rgb(colours)), kind="stable")
    return tuple(colours[place] for place in order)


def asked_palette(text: str | None, slots: int) -> tuple[str, ...] | None:
    """The palette that ``compose`` is asked for, darkest first; None where it is not.

    Raises:
        UsageError: for one that does not fit a model of so many slots, 0 being RGB mode.
    """
    if text is None:
        return None
    if slots == 0:
        message = "the model draws in all colours and takes no palette: leave out --palette"
        raise UsageError(message)
    return fit_palette(parse_palette(text), slots)


def rgb(colours: Sequence[str]) -> np.ndarray:
    """Colours ``#rrggbb`` as red, green, blue: uint8 ``[n, 3]``."""
    levels = [int(colour[place : place + 2], 16) for colour in colours for place in (1, 3, 5)]
    return np.array(levels, np.uint8).reshape(-1, 3)


def lightness(colours: np.ndarray) -> np.ndarray:
    """CIELAB L* (CIE 15:2004) of sRGB colours (IEC 61966-2-1, white D65).

    Args:
        colours: ``[*shape, 3]``, levels from 0 to 255.

    Returns:
        float64 ``[*shape]``, 0 (black) to 100 (white).
    """
    level = np.asarray(colours, np.float64) / 255
    linear = np.where(level <= _LINEAR, level / 12.92, ((level + 0.055) / 1.055) ** 2.4)
    luminance = linear @ np.array([0.2126, 0.7152, 0.0722])
    cube = np.cbrt(luminance)
    return np.where(luminance > (6 / 29) ** 3, 116 * cube - 16, luminance * (29 / 3) ** 3)
