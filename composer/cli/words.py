"""Numbers and names as people read them."""

from __future__ import annotations


def count(number: int, what: str, many: str | None = None) -> str:
    """3, "bar" -> "3 bars"; ``many`` where the plural takes no s."""
    return f"{number:,} {what if number == 1 else many or what + 's'}"


def printable(text: str) -> str:
    """Escape what a terminal cannot show or would obey: bytes that are no UTF-8, control signs."""
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text
    )
