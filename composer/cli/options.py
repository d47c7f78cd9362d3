"""Types and checks of options, so that a wrong value is refused before anything heavy is loaded."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from click import Context, Parameter

SEED = click.IntRange(0, 2**63 - 1)


class FiniteRange(click.FloatRange):
    """A range of numbers; unlike click's own it does not let NaN in."""

    def convert(self, value: Any, param: Parameter | None, ctx: Context | None) -> float:
        """Read the number."""
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value} is not a number.", param, ctx)
        return number


def check_key(_ctx: Context, _parameter: Parameter, value: str | None) -> str | None:
    """Refuse what names no key."""
    if value is not None:
        from composer.domains.music.scales import parse_key

        parse_key(value)
    return value


def check_instrument(_ctx: Context, _parameter: Parameter, value: str | None) -> str | None:
    """Refuse what names no instrument, or several with commas between them."""
    if value is not None:
        from composer.domains.music.instruments import parse_program

        for name in value.split(","):
            parse_program(name)
    return value


def check_meter(_ctx: Context, _parameter: Parameter, value: str | None) -> str | None:
    """Refuse what names no metre; write it in one way."""
    if value is None:
        return None
    from composer.domains.music.meters import parse_meter

    return "{}/{}".format(*parse_meter(value))
