"""Types and checks of options, so that a wrong value is refused before anything heavy is loaded."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, TypeVar

import click

from composer.cli.domains import DOMAINS, DomainOption
from composer.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from click import Context, Parameter

SEED = click.IntRange(0, 2**63 - 1)
Decorated = TypeVar("Decorated", bound="Callable[..., Any]")


class FiniteRange(click.FloatRange):
    """A range of numbers; unlike click's own it does not let NaN in."""

    def convert(self, value: Any, param: Parameter | None, ctx: Context | None) -> float:
        """Read the number."""
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value} is not a number.", param, ctx)
        return number


def music_option(*names: str, **arguments: Any) -> Callable[[Decorated], Decorated]:
    """An option for music alone."""
    return click.option(*names, cls=DomainOption, domain="music", **arguments)


def art_option(*names: str, **arguments: Any) -> Callable[[Decorated], Decorated]:
    """An option for pictures alone."""
    return click.option(*names, cls=DomainOption, domain="art", **arguments)


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


def check_extent(_ctx: Context, parameter: Parameter, value: str | None) -> tuple[int, int] | None:
    """Two whole numbers from 1 on with an x between them: across, then down."""
    if value is None:
        return None
    match = re.fullmatch(r"([0-9]{1,9})x([0-9]{1,9})", value.strip().lower())
    if match is None or not (int(match[1]) and int(match[2])):
        message = f"{parameter.opts[0]} is '{value}', but must be two numbers from 1 on, as 12x8"
        raise UsageError(message)
    return int(match[1]), int(match[2])


def check_palette(_ctx: Context, _parameter: Parameter, value: str | None) -> str | None:
    """Refuse what names no palette and is no list of colours."""
    if value is not None:
        from composer.domains.art.palettes import parse_palette

        parse_palette(value)
    return value


def reading_options(command: Decorated) -> Decorated:
    """How a folder is read: the domain, and the options of each."""
    options = [
        click.option(
            "--domain",
            type=click.Choice(DOMAINS),
            help="What to read where a folder holds both MIDI files and pictures.  "
            "[default: what is in it]",
        ),
        music_option(
            "--meter",
            callback=check_meter,
            metavar="N/M",
            help="Use the pieces in this metre, as in 4/4 or 6/8.  [default: the most common one]",
        ),
        music_option(
            "--voices",
            type=click.Choice(["auto", "1", "2", "3", "4"]),
            default="auto",
            show_default=True,
            help="Melodic lines in a piece; auto takes what most files hold.",
        ),
    ]
    command = grid_options(command)
    for option in reversed(options):
        command = option(command)
    return command


def grid_options(command: Decorated) -> Decorated:
    """How finely music and pictures are read."""
    options = [
        music_option(
            "--steps-per-beat",
            type=click.IntRange(1, 24),
            metavar="N",
            default=4,
            show_default=True,
            help="Grid steps in a quarter note: 4 is sixteenths, 12 has triplets too.",
        ),
        art_option(
            "--colours",
            type=click.Choice(["4", "8", "16", "rgb"]),
            help="Colours in a picture's palette; rgb keeps all of them, for photographs.  "
            "[default: what the pictures allow]",
        ),
        art_option(
            "--tile",
            type=click.Choice(range(8, 65, 8)),
            default=16,
            show_default=True,
            help="Cells in a tile's side: how fine the pictures are.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command
